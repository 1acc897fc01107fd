using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Tmpfs;

/// <summary>A regular file: its data are the frames of a shared-memory space, holes where nothing was written.</summary>
internal sealed class TmpfsRegularFile : TmpfsInode
{
    public TmpfsRegularFile(TmpfsSuperBlock superBlock, FileMode mode)
        : base(superBlock, mode)
    {
        Pages = new ShmemSpace(superBlock.Kernel, this, superBlock);
        Mapping = Pages;
    }

    public ShmemSpace Pages { get; }

    protected override long BlocksUsed => Pages.FrameCount * (long)(Page.Size / 512);

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags) =>
        KTask<Result<OpenFile>>.FromResult(new TmpfsFile(path, this, flags));

    public override KTask<Errno> SetAttributesAsync(Task current, InodeAttributes changes) =>
        (changes.Mask & AttributeMask.Size) != 0 && changes.Size != Size ? ResizeAsync(current, changes) : Apply(changes);

    public override void Evict()
    {
        Pages.Destroy();
        base.Evict();
    }

    private KTask<Errno> Apply(InodeAttributes changes)
    {
        ApplyAttributes(changes);
        return KTask<Errno>.FromResult(Errno.Success);
    }

    private async KTask<Errno> ResizeAsync(Task current, InodeAttributes changes)
    {
        if (changes.Size > Super.MaxFileSize)
            return Errno.EFBIG;
        long old = Size;
        Size = changes.Size;
        if (changes.Size < old)
            await Pages.TruncateAsync(current, changes.Size);
        TouchContent();
        ApplyAttributes(changes);
        return Errno.Success;
    }
}
