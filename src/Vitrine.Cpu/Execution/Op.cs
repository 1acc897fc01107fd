using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Execution;

/// <summary>
/// One predecoded operation: usually an instruction, sometimes a fused pair or a helper before or behind one.
/// Lives in native memory; immutable once published, except a link's <see cref="Imm"/>.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 40)]
internal unsafe struct Op
{
    /// <summary>Executes the operation; tail-calls the next one's function or returns where to go on.</summary>
    public delegate*<CpuState*, Op*, Op*> Fn;

    /// <summary>Immediate; in a link, the operation that it leads to (at first the link itself).</summary>
    public ulong Imm;

    /// <summary>Displacement of the memory operand; in a link, the target relative to the page's base.</summary>
    public int Disp;

    /// <summary>Offset of the instruction within its page.</summary>
    public ushort Offset;

    /// <summary>Instructions of the block before this one.</summary>
    public ushort Before;

    /// <summary>
    /// Byte offsets in <see cref="CpuState"/> of the destination, source, base and index registers. In a link D and
    /// S are the lower and upper half of its frame's number.
    /// </summary>
    public ushort D, S, B, X;

    /// <summary>log2 of the index's scale.</summary>
    public byte Shift;

    /// <summary>Condition, byte immediate, repeat kind: as the handler defines.</summary>
    public byte Aux;

    /// <summary>Length of the instruction.</summary>
    public byte Length;

    public OpFlags Flags;

    /// <summary>Byte offset of the register that VEX.vvvv names: the first source of an instruction with three operands.</summary>
    public ushort V;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Address(CpuState* c, Op* o) =>
        *(ulong*)((byte*)c + o->B) + (*(ulong*)((byte*)c + o->X) << o->Shift) + (ulong)(long)o->Disp;

    /// <summary>The address of the next instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong NextRip(CpuState* c, Op* o) => c->PageBase + (uint)(o->Offset + o->Length);
}

[Flags]
internal enum OpFlags : byte
{
    None = 0,

    /// <summary>First operation of a block: the driver may stop before it.</summary>
    BlockStart = 1,

    /// <summary>The memory operand lies in the stack segment: a bad address is #SS.</summary>
    StackSegment = 2,

    /// <summary>LOCK prefix.</summary>
    Locked = 4,

    /// <summary>The arithmetic flags that the instruction sets are overwritten before anything can see them.</summary>
    FlagsDead = 8,

    /// <summary>32-bit addressing (67h).</summary>
    Address32 = 16,

    /// <summary>Leads on to a block; at first to itself.</summary>
    Link = 32,

    /// <summary>The block's last instruction, or the pair it is fused with: what follows are links.</summary>
    EndsBlock = 64,

    /// <summary>Ends operations that lead nowhere: gives back itself.</summary>
    Stop = 128,
}

/// <summary>Ahead of a block's operations in memory.</summary>
[StructLayout(LayoutKind.Sequential, Size = 40)]
internal unsafe struct BlockHeader
{
    /// <summary>Next block of the same hash chain of the frame.</summary>
    public BlockHeader* Next;

    /// <summary>The second frame of an instruction that crosses pages, or 0.</summary>
    public uint SecondFrame;

    /// <summary>The frame of the first byte.</summary>
    public uint Frame;

    /// <summary>Offset of the first instruction within the page.</summary>
    public ushort Offset;

    public ushort OpCount;

    /// <summary>Bytes of guest code.</summary>
    public ushort CodeLength;

    /// <summary>How many more runs until the block is asked to be translated.</summary>
    public ushort Heat;

    /// <summary>The function of the first operation, which is another once there is machine code.</summary>
    public delegate*<CpuState*, Op*, Op*> First;

    /// <summary>Its machine code, or null.</summary>
    public byte* Native;

    public static Op* Ops(BlockHeader* b) => (Op*)(b + 1);
}
