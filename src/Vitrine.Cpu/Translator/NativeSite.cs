using System.Runtime.InteropServices;

namespace Vitrine.Cpu.Translator;

/// <summary>Why machine code came back.</summary>
internal enum NativeReason
{
    /// <summary>The address in <c>MissAddress</c> isn't in the TLB with the needed right.</summary>
    Miss = 0,

    /// <summary>The instruction is for the interpreter, by a step of its own: a fault or something rare.</summary>
    Slow = 1,

    /// <summary>Instructions that have no machine code follow: the site has their operations.</summary>
    Interpret = 2,

    /// <summary>Somebody wants attention; nothing of the instruction has been done.</summary>
    Attention = 3,

    /// <summary>A jump within the page that leads nowhere yet.</summary>
    Link = 4,

    /// <summary>Control goes to the address in <c>MissAddress</c>, for which the jump cache has nothing.</summary>
    Lookup = 5,

    /// <summary>The flags are wanted in <c>FlagImage</c>.</summary>
    Flags = 6,

    /// <summary>Never left for: a jump to another page, which the code goes on to look up.</summary>
    Distant = 7,

    /// <summary>The place's entry in the <see cref="Translation.SiteCache"/> didn't fit the address in <c>MissAddress</c> too often.</summary>
    Renew = 8,
}

/// <summary>Where an operand of the flags' record is: a guest register's number, or one of these.</summary>
internal enum FlagOperand : byte
{
    /// <summary>In memory, where the record has it.</summary>
    Stored = 255,

    /// <summary>A constant.</summary>
    Immediate = 254,
}

/// <summary>What is known about a place where machine code leaves; lies behind the code, in the same memory.</summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
internal unsafe struct NativeSite
{
    /// <summary><see cref="Flags"/> is as the memory says.</summary>
    public const uint Unknown = uint.MaxValue;

    /// <summary>Offset of the instruction within its page.</summary>
    public ushort Offset;

    /// <summary>Bytes of the memory operand; for <see cref="NativeReason.Interpret"/> the offset behind the instructions.</summary>
    public ushort Size;

    /// <summary>The flags' record at this place, or <see cref="Unknown"/>.</summary>
    public uint Flags;

    /// <summary>Instructions already counted that haven't been executed.</summary>
    public ushort Ahead;

    /// <summary>Of a memory access <see cref="Read"/>, <see cref="Write"/> or <see cref="WriteLater"/>; instructions in <see cref="NativeReason.Interpret"/>; bytes that RET adds to RSP.</summary>
    public ushort Extra;

    /// <summary>Where to go on, from the site's own address.</summary>
    public int Resume;

    /// <summary>
    /// Operations to interpret, from the site's own address; the distance to set of a link; of a memory access where
    /// its cached translation lies among <c>Sites</c>.
    /// </summary>
    public int Data;

    /// <summary>Where the operands of <see cref="Flags"/> are.</summary>
    public FlagOperand A;
    public FlagOperand B;

    /// <summary>Instructions from here on whose operands are checked here; 0: of this one only.</summary>
    public byte Number;

    /// <summary>
    /// Of a memory access that must be aligned, which is asked before anything else: the alignment's logarithm times 32, and what the
    /// missed address is then, modulo the alignment.
    /// </summary>
    public byte Alignment;

    /// <summary>The value of an operand that is <see cref="FlagOperand.Immediate"/>.</summary>
    public int Immediate;

    /// <summary>The distance to set of the jump that is taken when operands checked together lie on two pages, from the site's own address.</summary>
    public int Split;

    /// <summary>Kinds of accesses. With the last the instruction reads, but one behind it will write.</summary>
    public const ushort Read = 0;
    public const ushort Write = 1;
    public const ushort WriteLater = 2;

    public const int SizeOffset = 2;
    public const int ResumeOffset = 12;
    public const int DataOffset = 16;

    /// <summary>The missed address isn't aligned as it must be.</summary>
    public static bool IsMisaligned(NativeSite* s, ulong address) =>
        s->Alignment != 0 && (address & ((1UL << (s->Alignment >> 5)) - 1)) != (s->Alignment & 31u);

    public static byte* ResumeOf(NativeSite* s) => (byte*)s + s->Resume;

    public static byte* DataOf(NativeSite* s) => (byte*)s + s->Data;
}
