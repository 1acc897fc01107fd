using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>Access to an address space that need not be the caller's: exec, /proc/PID/mem, ptrace (access_remote_vm).</content>
internal sealed partial class MmStruct
{
    /// <summary>
    /// Reads memory, faulting it in; protection against reading is overridden. EFAULT: some of it is not mapped
    /// (what was read before stays).
    /// </summary>
    public async KTask<Errno> ReadRemoteAsync(Task current, VirtAddr from, Memory<byte> data)
    {
        int done = 0;
        while (done < data.Length)
        {
            done += CopyFromUser(from + (ulong)done, data.Span[done..]);
            if (done == data.Length)
                break;
            FaultOutcome outcome = await FaultAsync(current, from + (ulong)done, FaultAccess.Read | FaultAccess.Remote);
            if (!outcome.IsHandled || current.IsFatalSignalPending)
                return Errno.EFAULT;
            int forced = CopyOnePage(from + (ulong)done, data.Span[done..]);
            if (forced == 0)
                return Errno.EFAULT;
            done += forced;
        }

        return Errno.Success;
    }

    /// <summary>Writes memory, faulting it in; private mappings are written to (copied) even where their protection forbids it.</summary>
    public async KTask<Errno> WriteRemoteAsync(Task current, VirtAddr to, ReadOnlyMemory<byte> data)
    {
        int done = 0;
        while (done < data.Length)
        {
            done += CopyToUser(to + (ulong)done, data.Span[done..]);
            if (done == data.Length)
                break;
            FaultOutcome outcome = await FaultAsync(current, to + (ulong)done, FaultAccess.Write | FaultAccess.Remote);
            if (!outcome.IsHandled || current.IsFatalSignalPending)
                return Errno.EFAULT;
            int forced = WriteOnePage(to + (ulong)done, data.Span[done..]);
            if (forced == 0 && CopyToUser(to + (ulong)done, data.Span.Slice(done, 1)) == 0)
                return Errno.EFAULT;
            done += forced;
        }

        return Errno.Success;
    }

    /// <summary>
    /// What a shared futex on an address is known by: the page cache of its shared mapping and the page's index there.
    /// Space null: a private futex, known by the address space and the address. EFAULT: nothing is mapped there.
    /// </summary>
    public Errno FindFutexPage(VirtAddr address, out AddressSpace? space, out ulong index)
    {
        space = null;
        index = address.Value >> Page.Shift;
        if (Areas.Find(address) is not { } area)
            return Errno.EFAULT;
        if (area.Mapping is not { } mapping || (area.Flags & VmFlags.MayShare) == 0)
            return Errno.Success;
        space = mapping;
        index = area.IndexOf(address.PageBase);
        return Errno.Success;
    }

    /// <summary>Reads up to a page's end through an entry whatever its protection.</summary>
    private unsafe int CopyOnePage(VirtAddr from, Span<byte> data)
    {
        ulong* slot = FindEntry(from.Value);
        if (slot is null || !Pte.Maps(*slot))
            return 0;
        int count = Math.Min(data.Length, (int)Page.Size - from.PageOffset);
        Memory.Ram.FrameSpan(Pte.Frame(*slot)).Slice(from.PageOffset, count).CopyTo(data);
        return count;
    }

    /// <summary>Writes up to a page's end into a private copy whose entry is not writable.</summary>
    private unsafe int WriteOnePage(VirtAddr to, ReadOnlySpan<byte> data)
    {
        ulong* slot = FindEntry(to.Value);
        if (slot is null || !Pte.Maps(*slot) || (*slot & Pte.Special) != 0)
            return 0;
        PageFrameNumber frame = Pte.Frame(*slot);
        PageDescriptor* page = Memory[frame];
        if ((page->Flags & PageFlags.Anonymous) == 0 || page->RefCount != 1)
            return 0;
        int count = Math.Min(data.Length, (int)Page.Size - to.PageOffset);
        Memory.Write(frame, to.PageOffset, data[..count]);
        _ = Interlocked.Or(ref *slot, Pte.Dirty);
        return count;
    }
}
