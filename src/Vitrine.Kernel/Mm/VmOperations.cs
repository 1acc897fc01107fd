namespace Vitrine.Kernel.Mm;

/// <summary>What a mapping that is neither anonymous nor page cache does itself (vm_operations_struct's twin).</summary>
internal abstract class VmOperations
{
    /// <summary>The name in /proc/PID/maps, such as "[vdso]"; null for none.</summary>
    public virtual string? Name => null;

    /// <summary>A mapping with these operations came into being by fork, split or mmap.</summary>
    public virtual void Open(VmArea area)
    {
    }

    /// <summary>One is going.</summary>
    public virtual void Close(VmArea area)
    {
    }

    /// <summary>Whether mremap may move it.</summary>
    public virtual Errno MayMove(VmArea area) => Errno.Success;

    /// <summary>Whether it may be split (and so partly unmapped).</summary>
    public virtual Errno MaySplit(VmArea area) => Errno.Success;

    /// <summary>
    /// The frame behind a page of the mapping, index counted from <see cref="VmArea.PageOffset"/>'s origin. The owner
    /// keeps the frame; the mapping does not count it. None: SIGBUS.
    /// </summary>
    public abstract PageFrameNumber FrameAt(VmArea area, ulong index);
}

/// <summary>A mapping of frames that the machine owns: the vDSO's code, the vvar page.</summary>
internal sealed class SpecialMapping(string name, PageFrameNumber[] frames) : VmOperations
{
    public override string? Name => name;

    public override Errno MaySplit(VmArea area) => Errno.EINVAL;

    public override PageFrameNumber FrameAt(VmArea area, ulong index) =>
        index < (ulong)frames.Length ? frames[index] : PageFrameNumber.None;
}
