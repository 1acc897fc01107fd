using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>LO_FLAGS_* (loop(4)).</summary>
[Flags]
internal enum LoopFlags : uint
{
    None = 0,
    ReadOnly = 1,
    AutoClear = 4,
    PartitionScan = 8,
    DirectIo = 16,
}

/// <summary>struct loop_info64 (linux/loop.h): 232 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LoopInfo64
{
    public const int NameLength = 64;

    public ulong Device;
    public ulong Inode;
    public ulong RawDevice;
    public ulong Offset;
    public ulong SizeLimit;
    public uint Number;
    public uint EncryptType;
    public uint EncryptKeySize;
    public LoopFlags Flags;
    public fixed byte FileName[NameLength];
    public fixed byte CryptName[NameLength];
    public fixed byte EncryptKey[32];
    public fixed ulong Init[2];
}

/// <summary>struct loop_info, its old form: 168 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LoopInfo
{
    public int Number;
    public ulong Device;
    public ulong Inode;
    public ulong RawDevice;
    public int Offset;
    public int EncryptType;
    public int EncryptKeySize;
    public LoopFlags Flags;
    public fixed byte Name[LoopInfo64.NameLength];
    public fixed byte EncryptKey[32];
    public fixed ulong Init[2];
    public fixed byte Reserved[4];
}

/// <summary>struct loop_config (LOOP_CONFIGURE): 304 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LoopConfig
{
    public uint Fd;
    public uint BlockSize;
    public LoopInfo64 Info;
    public fixed ulong Reserved[8];
}
