using Iced.Intel;

namespace Vitrine.Cpu.Translator;

/// <summary>How an instruction is translated.</summary>
internal enum InstructionKind : byte
{
    /// <summary>By the interpreter's operations.</summary>
    Interpreted,

    /// <summary>Does nothing.</summary>
    Nothing,

    Move,
    MoveExtended,
    LoadAddress,

    /// <summary>ADD OR ADC SBB AND SUB XOR CMP and TEST.</summary>
    Arithmetic,

    IncrementDecrement,

    /// <summary>NOT and NEG.</summary>
    Invert,

    /// <summary>Shifts and rotations by a constant.</summary>
    Shift,

    /// <summary>Shifts and rotations by CL.</summary>
    ShiftByCl,

    /// <summary>IMUL with two or three operands.</summary>
    Multiply,

    /// <summary>MUL and IMUL of the accumulator.</summary>
    MultiplyWide,

    Divide,
    Push,
    Pop,
    Leave,
    Call,
    CallIndirect,
    Jump,
    JumpIndirect,
    JumpIf,
    Return,
    Set,
    MoveIf,

    /// <summary>CBW and its kin, CWD and its kin, fences: the bytes as they are.</summary>
    Verbatim,

    SwapBytes,
    Exchange,
    CompareExchange,
    ExchangeAdd,
    BitTest,
    BitScan,
    PopulationCount,

    /// <summary>A vector instruction that the host executes.</summary>
    Vector,

    /// <summary>An instruction on general registers with a VEX prefix, MOVBE, TZCNT or LZCNT.</summary>
    General,

    /// <summary>As <see cref="Vector"/>, for one that sets CF, PF and ZF and clears the others.</summary>
    VectorCompare,

    /// <summary>PCMPISTRI and its kin: sets all flags, and ECX or XMM0.</summary>
    StringCompare,
}

/// <summary>One instruction of a region, and what is known about its flags.</summary>
internal struct RegionInstruction
{
    public Instruction Code;
    public InstructionKind Kind;

    /// <summary>Offset within the page.</summary>
    public ushort Offset;

    /// <summary>Bytes of the memory operand of a vector instruction, and whether it must be aligned.</summary>
    public ushort VectorSize;
    public bool Aligned;

    /// <summary>It has a memory operand that is written.</summary>
    public bool WritesMemory;

    /// <summary>Control may leave before it: the flags must be on record then, and the host's are lost.</summary>
    public bool IsEvent;

    /// <summary>Flags read; flags set for good; of these, those that the host sets as we define them.</summary>
    public byte Reads;
    public byte Writes;
    public byte HostValid;

    /// <summary>Flags that somebody reads after it, and those that must be on record after it.</summary>
    public byte ReadAfter;
    public byte RecordAfter;

    /// <summary>Flags that somebody reads before they are set again, seen from ahead of it.</summary>
    public byte ReadBefore;

    /// <summary>A jump of the region leads here; one from behind.</summary>
    public bool IsTarget;
    public bool IsLoopHead;

    /// <summary>How many instructions of the region lead here other than the one ahead of it, and the last of these.</summary>
    public byte References;
    public short Source;

    /// <summary>
    /// Only one jump, further ahead, leads here: what is known of the flags there holds here. Then it is no target in the sense of
    /// <see cref="IsTarget"/>, before which the flags must be in memory.
    /// </summary>
    public bool Inherits;

    /// <summary>The instruction of the region that a jump leads to, or -1.</summary>
    public short Target;

    /// <summary>Where control goes on behind it: the number of an instruction of the region, or one of these.</summary>
    public short Continuation;

    public const short Next = -1;

    /// <summary>Nowhere, because it has jumped.</summary>
    public const short Nowhere = -2;

    /// <summary>To <see cref="End"/> (from the page's base), which isn't in the region.</summary>
    public const short Outside = -3;

    public ushort End;

    /// <summary>A jump whose target comes next: nothing is to be done.</summary>
    public bool IsFollowed;

    /// <summary>First of a run of instructions that is counted at once, and how many they are.</summary>
    public bool BeginsRun;
    public ushort RunLength;

    /// <summary>Instructions of its run from this one on.</summary>
    public ushort Ahead;

    /// <summary>Records what the instruction does to the flags: somebody may want to know.</summary>
    public readonly bool NeedsRecord => (RecordAfter & Writes) != 0;
}
