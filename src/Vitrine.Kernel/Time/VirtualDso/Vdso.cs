using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Tasks.Exec;

namespace Vitrine.Kernel.Time.VirtualDso;

/// <summary>
/// The shared object that exec maps into every program, and the page of numbers it reads: frames of the machine, made at the
/// first exec.
/// </summary>
internal sealed class Vdso(KernelInstance kernel)
{
    private PageFrameNumber[]? _code;
    private VvarPage? _vvar;

    /// <summary>A clock was set.</summary>
    public void ClockChanged() => _vvar?.Update(kernel.Time);

    /// <summary>Maps both; the image's address. Zero if there is no memory: programs do without.</summary>
    public VirtAddr Map(Task current, MmStruct mm, AddressLayout layout)
    {
        if (!MakeFrames())
            return default;
        const ulong length = Page.Size + VdsoImage.Length;
        VirtAddr hint = layout.Vdso(mm.StackTop, length);
        PageFrameNumber[] numbers = [_vvar!.Frame];
        Result<VirtAddr> vvar = mm.MapSpecial(current, hint, "[vvar]", numbers, ProtectionFlags.Read);
        if (!vvar.TryGet(out VirtAddr at, out _))
            return default;
        Result<VirtAddr> image = mm.MapSpecial(current, at + Page.Size, "[vdso]", _code!, ProtectionFlags.Read | ProtectionFlags.Execute);
        if (!image.TryGet(out VirtAddr code, out _))
            return default;
        if (code == at + Page.Size)
            return code;
        // Another mapping lies right behind the first page: try once more below, where there is room for both.
        _ = mm.Unmap(at, Page.Size);
        vvar = mm.MapSpecial(current, code - Page.Size, "[vvar]", numbers, ProtectionFlags.Read);
        return vvar.Ok && vvar.Value == code - Page.Size ? code : default;
    }

    private bool MakeFrames()
    {
        if (_code is not null)
            return true;
        PhysicalMemory memory = kernel.Memory;
        var frames = new PageFrameNumber[VdsoImage.Length >> Page.Shift];
        PageFrameNumber numbers = memory.TryAllocate(FrameRequest.Kernel, null);
        bool complete = !numbers.IsNone;
        for (int i = 0; complete && i < frames.Length; i++)
        {
            frames[i] = memory.TryAllocate(FrameRequest.Kernel, null);
            complete = !frames[i].IsNone;
        }

        if (!complete)
        {
            foreach (PageFrameNumber frame in frames)
            {
                if (!frame.IsNone)
                    memory.Put(frame);
            }

            if (!numbers.IsNone)
                memory.Put(numbers);
            return false;
        }

        byte[] image = VdsoImage.Build();
        for (int i = 0; i < frames.Length; i++)
            memory.Write(frames[i], 0, image.AsSpan(i << Page.Shift, (int)Page.Size));
        _code = frames;
        _vvar = new VvarPage(kernel, numbers);
        return true;
    }
}
