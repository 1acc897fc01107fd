using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Mm.Memfd;

/// <summary>An anonymous file in memory and its seals (memfd_create(2)).</summary>
internal sealed class MemfdInode : PseudoInode
{
    public MemfdInode(PseudoSuperBlock superBlock, FileMode permissions, FileSeals seals)
        : base(superBlock, FileMode.Regular | permissions)
    {
        Pages = new ShmemSpace(superBlock.Kernel, this, null);
        Mapping = Pages;
        Seals = seals;
        BirthTime = AccessTime;
    }

    public ShmemSpace Pages { get; }

    /// <summary>The size of its pages if they are huge ones, of which there are none; else 0.</summary>
    public long HugeSize { get; init; }

    public FileSeals Seals { get; private set; }

    /// <summary>Adds seals. EPERM when sealed against that; EBUSY while it is mapped writable.</summary>
    public Errno AddSeals(FileSeals seals)
    {
        if ((seals & ~FileSeals.All) != 0)
            return Errno.EINVAL;
        if ((Seals & FileSeals.Seal) != 0)
            return Errno.EPERM;
        if ((seals & FileSeals.Write) != 0 && (Seals & FileSeals.Write) == 0 && Pages.HasWritableSharedMapping)
            return Errno.EBUSY;

        // What may be executed must not be changed any more.
        const FileMode AnyExecute = FileMode.UserExecute | FileMode.GroupExecute | FileMode.OtherExecute;
        if ((seals & FileSeals.Exec) != 0 && (Mode & AnyExecute) != 0)
            seals |= FileSeals.Shrink | FileSeals.Grow | FileSeals.AnyWrite;
        Seals |= seals;
        return Errno.Success;
    }

    public override KTask<Errno> SetAttributesAsync(Task current, InodeAttributes changes)
    {
        const FileMode AnyExecute = FileMode.UserExecute | FileMode.GroupExecute | FileMode.OtherExecute;
        if ((changes.Mask & AttributeMask.Mode) != 0 && (Seals & FileSeals.Exec) != 0 && ((Mode ^ changes.Mode) & AnyExecute) != 0)
            return Fail(Errno.EPERM);
        if ((changes.Mask & AttributeMask.Size) != 0 && HugeSize != 0 && changes.Size % HugeSize != 0)
            return Fail(Errno.EINVAL);
        if ((changes.Mask & AttributeMask.Size) != 0 && changes.Size != Size)
        {
            FileSeals against = changes.Size < Size ? FileSeals.Shrink : FileSeals.Grow;
            return (Seals & against) != 0 ? Fail(Errno.EPERM) : ResizeAsync(current, changes);
        }

        ApplyAttributes(changes);
        return Fail(Errno.Success);
    }

    public override KTask<Result<KernelStat>> GetAttributesAsync(Task current, StatxMask wanted)
    {
        KernelStat stat = GenericAttributes();
        stat.Blocks = Pages.FrameCount * (long)(Page.Size / 512);
        if (HugeSize != 0)
            stat.BlockSize = (uint)HugeSize;
        return KTask<Result<KernelStat>>.FromResult(stat);
    }

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags) =>
        KTask<Result<OpenFile>>.FromResult(new MemfdFile(path, this, flags));

    public override void Evict()
    {
        Pages.Destroy();
        base.Evict();
    }

    /// <summary>The content has changed.</summary>
    internal void TouchContent() => ModificationTime = ChangeTime = SuperBlock.Kernel.Time.RealtimeTimespec;

    private async KTask<Errno> ResizeAsync(Task current, InodeAttributes changes)
    {
        long old = Size;
        Size = changes.Size;
        if (changes.Size < old)
            await Pages.TruncateAsync(current, changes.Size);
        TouchContent();
        ApplyAttributes(changes);
        return Errno.Success;
    }
}
