using System.Text;
using Vitrine.Kernel;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Tmpfs;

/// <summary>
/// An instance of tmpfs (shmem's twin): names in kernel objects, data in frames of guest RAM. Limits are counted in
/// pages and inodes, ENOSPC at either; every object is charged as kernel memory besides.
/// </summary>
internal sealed class TmpfsSuperBlock : SuperBlock, IShmemQuota
{
    /// <summary>TMPFS_MAGIC.</summary>
    public const long Magic = 0x01021994;

    private readonly ulong _defaultPages;
    private readonly ulong _defaultInodes;
    private readonly FileMode _rootMode;
    private readonly Uid _rootUid;
    private readonly Gid _rootGid;
    private readonly Stack<TmpfsInode> _released = [];
    private ulong _nextInode = 1;
    private bool _isReleasing;

    public TmpfsSuperBlock(KernelInstance kernel, FileSystemType type, TmpfsOptions options, Uid mounter, Gid mounterGroup)
        : base(type, kernel.Vfs.AllocateAnonymousDevice())
    {
        Kernel = kernel;
        ulong pages = kernel.Memory.Ram.FrameCount;
        _defaultPages = pages / 2;
        _defaultInodes = pages / 2;
        MaxPages = options.MaxPages ?? _defaultPages;
        MaxInodes = options.MaxInodes ?? _defaultInodes;
        _rootMode = options.Mode ?? (FileMode)0x3FF;
        _rootUid = options.Uid ?? mounter;
        _rootGid = options.Gid ?? mounterGroup;
        UsedInodes = 1;
        var root = new TmpfsDirectory(this, FileMode.Directory | _rootMode, null) { Uid = _rootUid, Gid = _rootGid };
        root.LinkCount = 2;
        Root = Dentry.CreateRoot(root);
    }

    /// <summary>Pages; 0: no limit.</summary>
    public ulong MaxPages { get; private set; }

    public ulong UsedPages { get; private set; }

    /// <summary>Inodes, each further link counted as one; 0: no limit.</summary>
    public ulong MaxInodes { get; private set; }

    public ulong UsedInodes { get; private set; }

    /// <summary>Inodes in memory: all that have a name or are open.</summary>
    public int LiveInodes { get; set; }

    public InodeNumber NextNumber() => new(_nextInode++);

    public bool TryCharge(long pages)
    {
        if (MaxPages != 0 && UsedPages + (ulong)pages > MaxPages)
            return false;
        UsedPages += (ulong)pages;
        return true;
    }

    public void Uncharge(long pages) => UsedPages -= (ulong)pages;

    /// <summary>Counts one more inode or link. ENOSPC at the limit.</summary>
    public Errno ReserveInode()
    {
        if (MaxInodes != 0 && UsedInodes >= MaxInodes)
            return Errno.ENOSPC;
        UsedInodes++;
        return Errno.Success;
    }

    public void ReleaseInode() => UsedInodes--;

    public override KTask<Result<KernelStatFs>> StatFsAsync(Task current)
    {
        ulong free = MaxPages > UsedPages ? MaxPages - UsedPages : 0;
        return KTask<Result<KernelStatFs>>.FromResult(new KernelStatFs
        {
            Type = Magic,
            BlockSize = (long)Page.Size,
            FragmentSize = (long)Page.Size,
            NameLength = FileName.MaxLength,
            Blocks = MaxPages,
            BlocksFree = free,
            BlocksAvailable = free,
            Files = MaxInodes,
            FilesFree = MaxInodes > UsedInodes ? MaxInodes - UsedInodes : 0,
            FileSystemId = Device.Encode(),
        });
    }

    public override string ShowOptions()
    {
        var text = new StringBuilder();
        if (MaxPages != _defaultPages)
            text.Append(",size=").Append(MaxPages << (Page.Shift - 10)).Append('k');
        if (MaxInodes != _defaultInodes)
            text.Append(",nr_inodes=").Append(MaxInodes);
        if (_rootMode != (FileMode)0x3FF)
            text.Append(",mode=").Append(Convert.ToString((uint)_rootMode, 8).PadLeft(3, '0'));
        if (_rootUid != Uid.Root)
            text.Append(",uid=").Append(_rootUid.Value);
        if (_rootGid != Gid.Root)
            text.Append(",gid=").Append(_rootGid.Value);
        return text.Append(",inode64").ToString();
    }

    public override KTask<Errno> RemountAsync(Task current, string options, bool readOnly)
    {
        if (!TmpfsOptions.Parse(options, Kernel.Memory.Ram.FrameCount).TryGet(out TmpfsOptions? parsed, out Errno error))
            return KTask<Errno>.FromResult(error);

        // A limit may be moved but not below what is used, nor set where there was none.
        if (parsed.MaxPages is { } pages && ((pages != 0 && pages < UsedPages) || (MaxPages == 0 && pages != 0)))
            return KTask<Errno>.FromResult(Errno.EINVAL);
        if (parsed.MaxInodes is { } inodes && ((inodes != 0 && inodes < UsedInodes) || (MaxInodes == 0 && inodes != 0)))
            return KTask<Errno>.FromResult(Errno.EINVAL);
        MaxPages = parsed.MaxPages ?? MaxPages;
        MaxInodes = parsed.MaxInodes ?? MaxInodes;
        IsReadOnly = readOnly;
        return KTask<Errno>.FromResult(Errno.Success);
    }

    /// <summary>
    /// Gives back a directory entry's reference when a tree is taken down. Not recursive: the guest chooses how deep
    /// its trees are.
    /// </summary>
    internal void ReleaseLater(TmpfsInode inode)
    {
        _released.Push(inode);
        if (_isReleasing)
            return;
        _isReleasing = true;
        while (_released.TryPop(out TmpfsInode? next))
            next.Put();
        _isReleasing = false;
    }
}
