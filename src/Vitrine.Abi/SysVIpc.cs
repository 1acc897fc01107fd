using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>What the control calls of all three kinds can be asked (ipc(5), msgctl(2), semctl(2), shmctl(2)).</summary>
internal enum IpcCommand
{
    Remove = 0,
    Set = 1,
    Status = 2,
    Info = 3,

    MessageStatus = 11,
    MessageInfo = 12,
    MessageStatusAny = 13,

    SemaphoreGetPid = 11,
    SemaphoreGetValue = 12,
    SemaphoreGetAll = 13,
    SemaphoreGetNegativeCount = 14,
    SemaphoreGetZeroCount = 15,
    SemaphoreSetValue = 16,
    SemaphoreSetAll = 17,
    SemaphoreStatus = 18,
    SemaphoreInfo = 19,
    SemaphoreStatusAny = 20,

    SharedLock = 11,
    SharedUnlock = 12,
    SharedStatus = 13,
    SharedInfo = 14,
    SharedStatusAny = 15,
}

/// <summary>Flags of msgget, semget, shmget, shmat, msgsnd and msgrcv; the low nine bits are the mode.</summary>
[Flags]
internal enum IpcFlags : uint
{
    None = 0,
    ModeMask = 0x1FF,
    Create = 0x200,
    Exclusive = 0x400,
    NoWait = 0x800,

    SharedHugeTlb = 0x800,
    SharedNoReserve = 0x1000,
    AttachReadOnly = 0x1000,
    AttachRound = 0x2000,
    AttachRemap = 0x4000,
    AttachExecute = 0x8000,

    MessageNoError = 0x1000,
    MessageExcept = 0x2000,
    MessageCopy = 0x4000,
}

/// <summary>struct ipc64_perm of x86-64: 48 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct IpcPermission
{
    public int Key;
    public uint Uid;
    public uint Gid;
    public uint CreatorUid;
    public uint CreatorGid;
    public uint Mode;
    public ushort Sequence;
    private readonly ushort _pad0;
    private readonly uint _pad1;
    private readonly ulong _unused0;
    private readonly ulong _unused1;
}

/// <summary>struct msqid64_ds: 120 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MessageQueueStatus
{
    public IpcPermission Permission;
    public long SendTime;
    public long ReceiveTime;
    public long ChangeTime;
    public ulong Bytes;
    public ulong Count;
    public ulong MaximumBytes;
    public int LastSender;
    public int LastReceiver;
    private readonly ulong _unused0;
    private readonly ulong _unused1;
}

/// <summary>struct msginfo: 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MessageInfo
{
    public int Pool;
    public int Map;
    public int MaximumSize;
    public int MaximumBytes;
    public int MaximumQueues;
    public int SegmentSize;
    public int Total;
    public ushort Segments;
    private readonly ushort _pad;
}

/// <summary>struct semid64_ds of x86-64: 104 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SemaphoreStatus
{
    public IpcPermission Permission;
    public long OperationTime;
    private readonly ulong _unused0;
    public long ChangeTime;
    private readonly ulong _unused1;
    public ulong Count;
    private readonly ulong _unused2;
    private readonly ulong _unused3;
}

/// <summary>struct seminfo: 40 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SemaphoreInfo
{
    public int Map;
    public int MaximumSets;
    public int MaximumSemaphores;
    public int UndoStructures;
    public int MaximumPerSet;
    public int MaximumOperations;
    public int UndoEntries;
    public int UndoSize;
    public int MaximumValue;
    public int MaximumAdjustment;
}

/// <summary>struct sembuf: 6 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct SemaphoreOperation(ushort Number, short Change, ushort Flags)
{
    public const int Size = 6;

    public const ushort UndoFlag = 0x1000;

    public bool IsNoWait => (Flags & (ushort)IpcFlags.NoWait) != 0;

    public bool IsUndo => (Flags & UndoFlag) != 0;
}

/// <summary>struct shmid64_ds: 112 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SharedSegmentStatus
{
    public IpcPermission Permission;
    public ulong Size;
    public long AttachTime;
    public long DetachTime;
    public long ChangeTime;
    public int Creator;
    public int LastUser;
    public ulong Attached;
    private readonly ulong _unused0;
    private readonly ulong _unused1;
}

/// <summary>struct shminfo64: 72 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 72)]
internal struct SharedLimits
{
    public ulong Maximum;
    public ulong Minimum;
    public ulong MaximumSegments;
    public ulong MaximumPerProcess;
    public ulong MaximumPages;
}

/// <summary>struct shm_info: 48 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SharedUsage
{
    public int Segments;
    private readonly int _pad;
    public ulong Pages;
    public ulong Resident;
    public ulong Swapped;
    private readonly ulong _swapAttempts;
    private readonly ulong _swapSuccesses;
}
