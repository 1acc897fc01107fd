using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>IOCB_CMD_* (linux/aio_abi.h).</summary>
internal enum AioCommand : ushort
{
    Read = 0,
    Write = 1,
    Sync = 2,
    DataSync = 3,
    Poll = 5,
    Nothing = 6,
    ReadVector = 7,
    WriteVector = 8,
}

/// <summary>IOCB_FLAG_*.</summary>
[Flags]
internal enum AioFlags : uint
{
    None = 0,
    ResultFd = 1,
    Priority = 2,
}

/// <summary>struct iocb: 64 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct AioControlBlock
{
    public const int KeyOffset = 8;

    public ulong Data;
    public uint Key;
    public RwFlags RwFlags;
    public AioCommand Command;
    public short Priority;
    public int Fd;
    public ulong Buffer;
    public ulong Length;
    public long Offset;
    public ulong Reserved;
    public AioFlags Flags;
    public int ResultFd;
}

/// <summary>struct io_event: 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct AioEvent
{
    public ulong Data;
    public ulong Block;
    public long Result;
    public long Result2;
}

/// <summary>struct __aio_sigset.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct AioSignalMask
{
    public ulong Mask;
    public ulong Size;
}
