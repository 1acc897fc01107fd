using System.Runtime.InteropServices;

namespace Vitrine.Kernel.Tasks.Exec;

/// <summary>Elf64_Ehdr (System V ABI, "Object files"), little-endian as x86-64 is.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ElfHeader
{
    public const uint Magic = 0x464C457F;
    public const byte Class64 = 2;
    public const byte LittleEndian = 1;
    public const ushort TypeExecutable = 2;
    public const ushort TypeShared = 3;
    public const ushort MachineX64 = 62;

    public uint Ident0;
    public byte Class;
    public byte Data;
    public byte IdentVersion;
    public byte OsAbi;
    public ulong IdentRest;
    public ushort Type;
    public ushort Machine;
    public uint Version;
    public ulong Entry;
    public ulong ProgramHeaderOffset;
    public ulong SectionHeaderOffset;
    public uint Flags;
    public ushort HeaderSize;
    public ushort ProgramHeaderSize;
    public ushort ProgramHeaderCount;
    public ushort SectionHeaderSize;
    public ushort SectionHeaderCount;
    public ushort SectionNamesIndex;
}

/// <summary>p_type.</summary>
internal enum SegmentType : uint
{
    Null = 0,
    Load = 1,
    Dynamic = 2,
    Interpreter = 3,
    Note = 4,
    SharedLibrary = 5,
    ProgramHeaders = 6,
    ThreadLocal = 7,
    GnuEhFrame = 0x6474e550,
    GnuStack = 0x6474e551,
    GnuRelro = 0x6474e552,
    GnuProperty = 0x6474e553,
}

/// <summary>p_flags.</summary>
[Flags]
internal enum SegmentFlags : uint
{
    None = 0,
    Execute = 1,
    Write = 2,
    Read = 4,
}

/// <summary>Elf64_Phdr.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ElfProgramHeader
{
    public const int Size = 56;

    public SegmentType Type;
    public SegmentFlags Flags;
    public ulong Offset;
    public ulong VirtualAddress;
    public ulong PhysicalAddress;
    public ulong FileSize;
    public ulong MemorySize;
    public ulong Alignment;

    public readonly ProtectionFlags Protection =>
        ((Flags & SegmentFlags.Read) != 0 ? ProtectionFlags.Read : ProtectionFlags.None)
        | ((Flags & SegmentFlags.Write) != 0 ? ProtectionFlags.Write : ProtectionFlags.None)
        | ((Flags & SegmentFlags.Execute) != 0 ? ProtectionFlags.Execute : ProtectionFlags.None);
}
