using Vitrine.Kernel.Ipc.Mqueue;
using Vitrine.Kernel.Ipc.SysV;

namespace Vitrine.Kernel.Namespaces;

/// <summary>
/// System V IPC: the objects of each kind and their limits; and POSIX message queues. Counted: the tasks in it hold references;
/// with the last one its objects go, except segments that are still attached, which go with their last mapping.
/// </summary>
internal sealed class IpcNamespace(UserNamespace owner, InodeNumber inode) : Namespace(owner, inode)
{
    /// <summary>SEMUME: undo entries a process.</summary>
    public const int UndoEntries = 500;

    private int _references = 1;

    public IpcIds<SysVMessageQueue> MessageQueues => field ??= new IpcIds<SysVMessageQueue>();

    public IpcIds<SysVSemaphoreSet> SemaphoreSets => field ??= new IpcIds<SysVSemaphoreSet>();

    public IpcIds<SharedSegment> SharedSegments => field ??= new IpcIds<SharedSegment>();

    public PosixQueues PosixQueues => field ??= new PosixQueues(this);

    /// <summary>kernel.msgmax, msgmnb and msgmni: bytes of a message, bytes of a new queue, queues.</summary>
    public int MessageMaximum { get; set; } = 8192;

    public int MessageQueueBytes { get; set; } = 16384;

    public int MessageQueueMaximum { get; set; } = 32000;

    /// <summary>Messages in all queues, and their bytes.</summary>
    public long MessageCount { get; set; }

    public long MessageBytes { get; set; }

    /// <summary>kernel.sem: semaphores a set, in all sets, operations a call, sets.</summary>
    public int SemaphoresPerSet { get; set; } = 32000;

    public int SemaphoreMaximum { get; set; } = 1_024_000_000;

    public int SemaphoreOperationMaximum { get; set; } = 500;

    public int SemaphoreSetMaximum { get; set; } = 32000;

    /// <summary>Semaphores in all sets.</summary>
    public long SemaphoreCount { get; set; }

    /// <summary>kernel.shmmax, shmall and shmmni: bytes of a segment, pages of all, segments.</summary>
    public ulong SharedMaximum { get; set; } = ulong.MaxValue - (1UL << 24);

    public ulong SharedPageMaximum { get; set; } = ulong.MaxValue - (1UL << 24);

    public int SharedSegmentMaximum { get; set; } = 4096;

    /// <summary>Pages of all segments.</summary>
    public ulong SharedPages { get; set; }

    public IpcNamespace Get()
    {
        _references++;
        return this;
    }

    public void Put()
    {
        if (--_references == 0)
            Clear();
    }

    /// <summary>Removes all objects.</summary>
    public void Clear()
    {
        int index = 0;
        while (MessageQueues.Next(ref index, out SysVMessageQueue? queue))
            MessageQueues.Remove(queue);
        index = 0;
        while (SemaphoreSets.Next(ref index, out SysVSemaphoreSet? set))
            SemaphoreSets.Remove(set);
        index = 0;
        for (; SharedSegments.Next(ref index, out SharedSegment? segment); index++)
            segment.Destroy();
        PosixQueues.Release();
    }
}
