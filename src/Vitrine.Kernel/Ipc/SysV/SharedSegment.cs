using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc.SysV;

/// <summary>
/// A System V shared memory segment (shmid_kernel's twin): an unnamed file in memory and the count of its mappings. Its pages
/// are committed when it is made; removed while it is attached, it goes with its last mapping.
/// </summary>
internal sealed class SharedSegment : IpcObject
{
    public const int DeclaredSize = 512;

    private const uint Destroyed = 0x200;
    private const uint LockedBit = 0x400;

    private readonly SegmentInode _inode;
    private readonly ulong _committed;

    /// <summary>The caller has charged <see cref="DeclaredSize"/> and committed the pages, unless SHM_NORESERVE says not to.</summary>
    public SharedSegment(Task current, int key, IpcFlags flags, ulong size)
        : base(current, key, flags, DeclaredSize)
    {
        Size = size;
        Creator = current.ThreadGroup.Leader.Pid;
        _committed = (flags & IpcFlags.SharedNoReserve) != 0 ? 0 : Pages;
        _inode = new SegmentInode(current.Kernel.Vfs.ShmFs, (FileMode)(uint)(flags & IpcFlags.ModeMask), (long)size)
        {
            Uid = current.Credentials.Fsuid,
            Gid = current.Credentials.Fsgid,
            LinkCount = 0,
        };
        Mappings = new SegmentMapping(this);
        OriginalKey = key;
    }

    public ulong Size { get; }

    public ulong Pages => (Size + Page.Size - 1) >> Page.Shift;

    public long ResidentPages => _inode.Pages.FrameCount;

    public ulong Attached { get; private set; }

    public long AttachTime { get; private set; }

    public long DetachTime { get; private set; }

    public PidNumber Creator { get; }

    public PidNumber? LastUser { get; private set; }

    /// <summary>What marks its mappings.</summary>
    public SegmentMapping Mappings { get; }

    /// <summary>SHM_LOCK: its pages are not to be swapped out.</summary>
    public bool IsLocked
    {
        get => (Mode & LockedBit) != 0;
        set => Mode = value ? Mode | LockedBit : Mode & ~LockedBit;
    }

    /// <summary>IPC_RMID has been asked for.</summary>
    public bool IsDying => (Mode & Destroyed) != 0;

    private int OriginalKey { get; }

    /// <summary>An open file over it for one attachment; the caller puts it. ENFILE, ENOMEM.</summary>
    public Result<OpenFile> Open(Task current, bool readOnly)
    {
        PseudoSuperBlock shm = current.Kernel.Vfs.ShmFs;
        VfsPath path = shm.MakePath(_inode.Get(), $"/SYSV{OriginalKey:x8} (deleted)");
        var file = new SegmentFile(path, _inode, readOnly ? OpenFlags.ReadOnly : OpenFlags.ReadWrite, this);
        path.Dentry.Put();
        Errno error = file.Account(current);
        if (error == Errno.Success)
            return file;
        file.Put();
        return error;
    }

    /// <summary>IPC_RMID: it goes now, or with the last detachment.</summary>
    public void Destroy()
    {
        Namespace.SharedSegments.HideKey(this);
        if (Attached == 0)
        {
            Namespace.SharedSegments.Remove(this);
            return;
        }

        Mode |= Destroyed;
    }

    public SharedSegmentStatus Status(Task reader) => new()
    {
        Permission = Permission,
        Size = Size,
        AttachTime = AttachTime,
        DetachTime = DetachTime,
        ChangeTime = ChangeTime,
        Creator = Number(reader, Creator),
        LastUser = Number(reader, LastUser),
        Attached = Attached,
    };

    internal void MappingOpened(Task? user)
    {
        Attached++;
        if (user is null)
            return;
        AttachTime = Now(user);
        LastUser = user.ThreadGroup.Leader.Pid;
    }

    internal void MappingClosed(KernelInstance kernel, Task? user)
    {
        DetachTime = kernel.Time.RealtimeTimespec.Seconds;
        if (user is not null)
            LastUser = user.ThreadGroup.Leader.Pid;
        if (--Attached == 0 && IsDying)
            Namespace.SharedSegments.Remove(this);
    }

    protected internal override void MarkRemoved()
    {
        base.MarkRemoved();
        Namespace.SharedPages -= Pages;
        _inode.Pages.Kernel.Memory.Uncommit(_committed);
        _inode.Put();
    }
}

/// <summary>Marks the mappings of a segment and counts them.</summary>
internal sealed class SegmentMapping(SharedSegment segment) : VmOperations
{
    public SharedSegment Segment { get; } = segment;

    public override void Open(VmArea area) => Segment.MappingOpened(area.Mm.Kernel.CurrentTask);

    public override void Close(VmArea area) => Segment.MappingClosed(area.Mm.Kernel, area.Mm.Kernel.CurrentTask);

    // Its frames are in the page cache of the segment's file, which comes first.
    public override PageFrameNumber FrameAt(VmArea area, ulong index) => PageFrameNumber.None;
}

/// <summary>A segment's pages as a file that no directory holds.</summary>
internal sealed class SegmentInode : PseudoInode
{
    public SegmentInode(PseudoSuperBlock superBlock, FileMode permissions, long size)
        : base(superBlock, FileMode.Regular | permissions)
    {
        Size = size;
        Pages = new ShmemSpace(superBlock.Kernel, this, null);
        Mapping = Pages;
    }

    public ShmemSpace Pages { get; }

    public override void Evict()
    {
        Pages.Destroy();
        base.Evict();
    }
}

/// <summary>What a mapping of a segment has been made from.</summary>
internal sealed class SegmentFile(VfsPath path, SegmentInode inode, OpenFlags flags, SharedSegment segment) : OpenFile(path, inode, flags)
{
    public override KTask<Errno> SyncAsync(Task current, bool dataOnly) => Fail(Errno.Success);

    public override Errno Map(Task current, VmArea vma)
    {
        // The mapping that a fixed one replaced may have been the last.
        if (segment.IsRemoved)
            return Errno.EIDRM;
        Errno error = FileMap.Map(this, vma);
        if (error == Errno.Success)
        {
            vma.Operations = segment.Mappings;
            segment.Mappings.Open(vma);
        }

        return error;
    }
}
