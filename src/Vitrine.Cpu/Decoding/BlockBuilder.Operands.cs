using System.Numerics;
using System.Runtime.CompilerServices;
using Iced.Intel;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Decoding;

/// <summary>How operands become offsets, displacements and immediates.</summary>
internal sealed unsafe partial class BlockBuilder
{
    /// <summary>Where a register lives in <see cref="CpuState"/>.</summary>
    private static ushort OffsetOf(Register r)
    {
        switch (r)
        {
            case >= Register.RAX and <= Register.R15:
                return (ushort)((r - Register.RAX) * 8);
            case >= Register.EAX and <= Register.R15D:
                return (ushort)((r - Register.EAX) * 8);
            case >= Register.AX and <= Register.R15W:
                return (ushort)((r - Register.AX) * 8);
            case >= Register.AL and <= Register.BL:
                return (ushort)((r - Register.AL) * 8);
            case >= Register.AH and <= Register.BH:
                return (ushort)((r - Register.AH) * 8 + 1);
            case >= Register.SPL and <= Register.R15L:
                return (ushort)((r - Register.SPL + 4) * 8);
            case >= Register.XMM0 and <= Register.XMM15:
                return (ushort)(CpuState.YmmOffset + (r - Register.XMM0) * CpuState.YmmStride);
            case >= Register.YMM0 and <= Register.YMM15:
                return (ushort)(CpuState.YmmOffset + (r - Register.YMM0) * CpuState.YmmStride);
            case >= Register.MM0 and <= Register.MM7:
                return (ushort)(CpuState.X87Offset + (r - Register.MM0) * 16);
            case >= Register.ES and <= Register.GS:
                // ES CS SS DS FS GS lie behind each other in this order.
                return (ushort)(SegmentOffset + (r - Register.ES) * 2);
            default:
                return CpuState.ZeroOffset;
        }
    }

    private const int SegmentOffset = 352;

    /// <summary>Bytes of a general register, 0 for other registers.</summary>
    private static int SizeOf(Register r) => r switch
    {
        >= Register.RAX and <= Register.R15 => 8,
        >= Register.EAX and <= Register.R15D => 4,
        >= Register.AX and <= Register.R15W => 2,
        >= Register.AL and <= Register.R15L => 1,
        _ => 0,
    };

    /// <summary>Bytes of an integer memory operand.</summary>
    private static int SizeOf(MemorySize m) => m switch
    {
        MemorySize.UInt8 or MemorySize.Int8 => 1,
        MemorySize.UInt16 or MemorySize.Int16 or MemorySize.WordOffset => 2,
        MemorySize.UInt32 or MemorySize.Int32 or MemorySize.DwordOffset => 4,
        _ => 8,
    };

    /// <summary>The size of operand <paramref name="n"/>, a register or memory.</summary>
    private static int SizeOf(in Instruction i, int n) =>
        i.GetOpKind(n) == OpKind.Register ? SizeOf(i.GetOpRegister(n)) : SizeOf(i.MemorySize);

    private static ulong Truncate(ulong v, int size) => size >= 8 ? v : v & ((1UL << (size * 8)) - 1);

    private static bool IsImmediate(OpKind k) => k is >= OpKind.Immediate8 and <= OpKind.Immediate32to64;

    private static ushort SegmentBase(Register segment) => segment switch
    {
        Register.FS => CpuState.FsBaseOffset,
        Register.GS => CpuState.GsBaseOffset,
        _ => CpuState.ZeroOffset,
    };

    private static bool IsNarrow(Register r) => r is >= Register.EAX and <= Register.R15D or Register.EIP;

    /// <summary>
    /// Appends the operation for an instruction with its memory operand (if any) encoded; an address that base +
    /// index * scale + displacement can't express gets an operation of its own before it.
    /// </summary>
    [MethodImpl(Inline.Hot)]
    private Op* AppendWithMemory(in Instruction i, int k)
    {
        bool memory = false;
        for (int q = 0; q < i.OpCount; q++)
            memory |= i.GetOpKind(q) == OpKind.Memory;
        if (!memory)
            return Append(i, k);

        Register b = i.MemoryBase;
        Register x = i.MemoryIndex;
        ulong displacement = i.MemoryDisplacement64;
        ushort segment = SegmentBase(i.MemorySegment);
        bool hasSegment = segment != CpuState.ZeroOffset;
        bool narrow = IsNarrow(b) || IsNarrow(x);
        if (b == Register.EIP || (narrow && i.MemoryDisplSize != 0))
            displacement = (ulong)(long)(int)displacement;
        ushort baseOffset = b switch
        {
            Register.None => CpuState.ZeroOffset,
            Register.RIP or Register.EIP => CpuState.PageBaseOffset,
            _ => OffsetOf(b),
        };
        ushort indexOffset = x == Register.None ? (ushort)CpuState.ZeroOffset : OffsetOf(x);
        byte shift = (byte)BitOperations.Log2((uint)i.MemoryIndexScale);
        bool stack = !hasSegment && b is Register.RSP or Register.RBP or Register.ESP or Register.EBP && !hasSegment;
        bool fits = (long)displacement == (int)(long)displacement;
        bool simple = fits && !narrow && !(hasSegment && b != Register.None && x != Register.None);
        Op* o;
        if (simple)
        {
            o = Append(i, k);
            o->B = baseOffset;
            o->X = indexOffset;
            o->Shift = shift;
            o->Disp = (int)(long)displacement;
            if (hasSegment)
            {
                if (b == Register.None)
                {
                    o->B = segment;
                }
                else
                {
                    o->X = segment;
                    o->Shift = 0;
                }
            }
        }
        else
        {
            Op* prepare = Append(i, k);
            prepare->Fn = &MoveHandlers.PrepareAddress;
            prepare->B = baseOffset;
            prepare->X = indexOffset;
            prepare->Shift = shift;
            prepare->Imm = displacement;
            if (narrow)
                prepare->Flags |= OpFlags.Address32;
            o = Append(i, k);
            o->B = CpuState.TempAddressOffset;
            o->X = i.Mnemonic == Mnemonic.Lea ? (ushort)CpuState.ZeroOffset : segment;
            if (narrow)
                o->Flags |= OpFlags.Address32;
        }

        if (stack)
            o->Flags |= OpFlags.StackSegment;
        if (i.HasLockPrefix)
            o->Flags |= OpFlags.Locked;
        return o;
    }
}
