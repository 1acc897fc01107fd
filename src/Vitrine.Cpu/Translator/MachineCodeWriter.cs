using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Translator;

/// <summary>
/// Writes x86-64 instructions as bytes (Intel SDM 2, chapter 2). Opcodes of two bytes are given as <c>0x0Fxx</c>.
/// The caller sees to it that there is room.
/// </summary>
internal sealed unsafe class MachineCodeWriter
{
    private byte* _next;

    public byte* Position => _next;

    /// <summary>Registers, one bit each, that instructions have changed since somebody cleared them.</summary>
    public int Touched { get; set; }

    /// <summary>Temporaries, one bit each, that still hold the guest register which was loaded from them, or stored into them, last.</summary>
    private int _holding;
    private readonly int[] _held = new int[16];

    /// <summary>The register has the value of a guest register that is in memory.</summary>
    public bool Holds(int register, int guest) => (_holding >> register & 1) != 0 && _held[register] == guest;

    public bool HoldsAny(int register) => (_holding >> register & 1) != 0;

    /// <summary>Control may have come from elsewhere, or have been away: temporaries hold nothing.</summary>
    public void ForgetHeld() => _holding = 0;

    public void ForgetHeld(int register) => _holding &= ~(1 << register);

    public void Hold(int register, int guest)
    {
        _held[register] = guest;
        _holding |= 1 << register;
    }

    /// <summary>A guest register in memory has been changed there.</summary>
    public void GuestChanged(int guest)
    {
        for (int r = HostRegister.T0; r <= HostRegister.T1; r++)
        {
            if (_held[r] == guest)
                _holding &= ~(1 << r);
        }
    }

    /// <summary>For what is written byte by byte: the register is changed.</summary>
    public void Changes(int register)
    {
        Touched |= 1 << register;
        _holding &= ~(1 << register);
    }

    /// <summary>Which operands an instruction with two registers changes; of those that aren't told apart, both.</summary>
    private void NoteChanges(int opcode, int reg, int rm)
    {
        switch (opcode)
        {
            case 0x38 or 0x39 or 0x3a or 0x3b or 0x84 or 0x85:
                return;
            case 0x80 or 0x81 or 0x83 when reg == 7:
            case 0xf6 or 0xf7 when reg is not (2 or 3):
            case 0xff when reg >= 2:
            case 0x0fba when reg == 4:
                return;
            case 0x80 or 0x81 or 0x83 or 0xc0 or 0xc1 or 0xc6 or 0xc7 or 0xf6 or 0xf7 or 0xfe or 0xff or 0x0fba or 0x89 or 0x88:
                Changes(rm);
                return;
            case 0x63 or 0x69 or 0x8a or 0x8b or 0x0fb6 or 0x0fb7 or 0x0fbe or 0x0fbf or 0x0fbc or 0x0fbd or (>= 0x0f40 and <= 0x0f4f):
            case < 0x40 when (opcode & 2) != 0:
                Changes(reg);
                return;
            default:
                Changes(reg);
                Changes(rm);
                return;
        }
    }

    /// <summary>As the other, with memory in place of the second register.</summary>
    private void NoteChanges(int opcode, int reg)
    {
        switch (opcode)
        {
            case 0x38 or 0x39 or 0x3a or 0x3b or 0x84 or 0x85 or 0x88 or 0x89:
            case 0x80 or 0x81 or 0x83 or 0xc6 or 0xc7 or 0xfe or 0xff:
                return;
            default:
                Changes(reg);
                return;
        }
    }

    public void MoveTo(byte* position) => _next = position;

    public void Byte(int value) => *_next++ = (byte)value;

    public void Int16(int value)
    {
        Unsafe.WriteUnaligned(_next, (short)value);
        _next += 2;
    }

    public void Int32(int value)
    {
        Unsafe.WriteUnaligned(_next, value);
        _next += 4;
    }

    public void Int64(ulong value)
    {
        Unsafe.WriteUnaligned(_next, value);
        _next += 8;
    }

    /// <summary>Pads with NOPs so that <paramref name="distance"/> bytes further on a multiple of <paramref name="alignment"/> is reached.</summary>
    public void AlignAhead(int distance, int alignment)
    {
        int pad = (int)(0 - ((nuint)_next + (nuint)distance) & (nuint)(alignment - 1));
        while (pad > 0)
        {
            ReadOnlySpan<byte> nop = Nop(Math.Min(pad, 9));
            nop.CopyTo(new Span<byte>(_next, nop.Length));
            _next += nop.Length;
            pad -= nop.Length;
        }
    }

    /// <summary>One instruction of so many bytes that does nothing, as Intel recommends it (SDM 2, NOP).</summary>
    private static ReadOnlySpan<byte> Nop(int bytes) => bytes switch
    {
        1 => [0x90],
        2 => [0x66, 0x90],
        3 => [0x0f, 0x1f, 0x00],
        4 => [0x0f, 0x1f, 0x40, 0x00],
        5 => [0x0f, 0x1f, 0x44, 0x00, 0x00],
        6 => [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
        7 => [0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
        8 => [0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
        _ => [0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
    };

    private void Rex(bool wide, int reg, int index, int b, bool force)
    {
        int rex = (wide ? 8 : 0) | ((reg & 8) >> 1) | ((index & 8) >> 2) | ((b & 8) >> 3);
        if (rex != 0 || force)
            Byte(0x40 | rex);
    }

    private void Opcode(int opcode)
    {
        if (opcode > 0xff)
            Byte(opcode >> 8);
        Byte(opcode);
    }

    /// <summary>An instruction with two registers: <paramref name="reg"/> in ModRM.reg (or an opcode extension), <paramref name="rm"/> in ModRM.rm.</summary>
    /// <param name="size">Operand bytes. Byte registers get a REX prefix, so that 4 to 7 are SPL to DIL.</param>
    public void Registers(int opcode, int size, int reg, int rm)
    {
        NoteChanges(opcode, reg, rm);
        if (size == 2)
            Byte(0x66);
        Rex(size == 8, reg, 0, rm, size == 1);
        Opcode(opcode);
        Byte(0xc0 | ((reg & 7) << 3) | (rm & 7));
    }

    /// <summary>An instruction with a memory operand [base + displacement].</summary>
    public void Memory(int opcode, int size, int reg, int @base, int displacement = 0)
    {
        NoteChanges(opcode, reg);
        if (size == 2)
            Byte(0x66);
        Rex(size == 8, reg, 0, @base, size == 1);
        Opcode(opcode);
        Address(reg, @base, displacement);
    }

    /// <summary>ModRM and what follows it for [base + displacement].</summary>
    public void Address(int reg, int @base, int displacement)
    {
        int mod = displacement == 0 && (@base & 7) != 5 ? 0 : displacement == (sbyte)displacement ? 1 : 2;
        Byte((mod << 6) | ((reg & 7) << 3) | (@base & 7));
        if ((@base & 7) == 4)
            Byte(0x24);
        Displacement(mod, displacement);
    }

    private void Displacement(int mod, int displacement)
    {
        if (mod == 1)
            Byte(displacement);
        else if (mod == 2)
            Int32(displacement);
    }

    /// <summary>As the other, of [base + index * 2^scale + displacement]; an index of -1 is none.</summary>
    public void Memory(int opcode, int size, int reg, int @base, int index, int scale, int displacement)
    {
        if (index < 0)
        {
            Memory(opcode, size, reg, @base, displacement);
            return;
        }

        NoteChanges(opcode, reg);
        if (size == 2)
            Byte(0x66);
        Rex(size == 8, reg, index, @base, size == 1);
        Opcode(opcode);
        Address(reg, @base, index, scale, displacement);
    }

    /// <summary>ModRM and what follows it for [base + index * 2^scale + displacement].</summary>
    public void Address(int reg, int @base, int index, int scale, int displacement)
    {
        int mod = displacement == 0 && (@base & 7) != 5 ? 0 : displacement == (sbyte)displacement ? 1 : 2;
        Byte((mod << 6) | ((reg & 7) << 3) | 4);
        Byte((scale << 6) | ((index & 7) << 3) | (@base & 7));
        Displacement(mod, displacement);
    }

    /// <summary>LEA reg, [base + index * 2^scale + displacement]; an index of -1 is none.</summary>
    public void Lea(int size, int reg, int @base, int index, int scale, int displacement)
    {
        Changes(reg);
        if (index < 0)
        {
            if (displacement == 0 && size >= 4)
                Registers(0x8b, size, reg, @base);
            else
                Memory(0x8d, size, reg, @base, displacement);
            return;
        }

        if (size == 2)
            Byte(0x66);
        Rex(size == 8, reg, index, @base, false);
        Byte(0x8d);
        Address(reg, @base, index, scale, displacement);
    }

    /// <summary>LEA reg, [index * 2^scale + displacement].</summary>
    public void LeaScaled(int size, int reg, int index, int scale, int displacement)
    {
        Changes(reg);
        if (size == 2)
            Byte(0x66);
        Rex(size == 8, reg, index, 0, false);
        Byte(0x8d);
        Byte(((reg & 7) << 3) | 4);
        Byte((scale << 6) | ((index & 7) << 3) | 5);
        Int32(displacement);
    }

    /// <summary>An instruction whose memory operand is a field of the processor's state.</summary>
    public void State(int opcode, int size, int reg, int offset) =>
        Memory(opcode, size, reg, HostRegister.State, offset - HostRegister.StateBias);

    /// <summary>As <see cref="State"/>, with an index: [state + index * 2^scale + offset].</summary>
    public void StateIndexed(int opcode, int size, int reg, int index, int scale, int offset)
    {
        NoteChanges(opcode, reg);
        Rex(size == 8, reg, index, HostRegister.State, size == 1);
        Opcode(opcode);
        Byte(0x80 | ((reg & 7) << 3) | 4);
        Byte((scale << 6) | ((index & 7) << 3) | HostRegister.State);
        Int32(offset - HostRegister.StateBias);
    }

    public void LoadState(int reg, int offset)
    {
        State(0x8b, 8, reg, offset);
        if (offset < CpuState.PageBaseOffset)
            Hold(reg, offset / 8);
    }

    public void StoreState(int offset, int reg)
    {
        State(0x89, 8, reg, offset);
        if (offset >= CpuState.PageBaseOffset)
            return;
        GuestChanged(offset / 8);
        Hold(reg, offset / 8);
    }

    /// <summary>MOV dword [field], immediate.</summary>
    public void StoreState32(int offset, uint value)
    {
        State(0xc7, 4, 0, offset);
        Int32((int)value);
    }

    /// <summary>MOV qword [field], sign-extended immediate.</summary>
    public void StoreState64(int offset, int value)
    {
        State(0xc7, 8, 0, offset);
        Int32(value);
        if (offset < CpuState.PageBaseOffset)
            GuestChanged(offset / 8);
    }

    public void Move(int to, int from) => Registers(0x8b, 8, to, from);

    /// <summary>An arithmetic instruction of the 80h group with an immediate: 0 ADD, 1 OR, 2 ADC, 3 SBB, 4 AND, 5 SUB, 6 XOR, 7 CMP.</summary>
    public void Immediate(int operation, int size, int rm, int value)
    {
        if (size == 1)
        {
            Registers(0x80, 1, operation, rm);
            Byte(value);
        }
        else if (value == (sbyte)value)
        {
            Registers(0x83, size, operation, rm);
            Byte(value);
        }
        else
        {
            Registers(0x81, size, operation, rm);
            if (size == 2)
                Int16(value);
            else
                Int32(value);
        }
    }

    /// <summary>JMP with a distance to be set later; gives where it is.</summary>
    public int* Jump()
    {
        Byte(0xe9);
        Int32(0);
        return (int*)(_next - 4);
    }

    /// <summary>Jcc with a distance to be set later; gives where it is.</summary>
    public int* JumpIf(int condition)
    {
        Byte(0x0f);
        Byte(0x80 | condition);
        Int32(0);
        return (int*)(_next - 4);
    }

    public void JumpTo(byte* target) => Land(Jump(), target);

    /// <summary>Sets the distance of a jump.</summary>
    public static void Land(int* distance, byte* target) => Unsafe.WriteUnaligned(distance, (int)(target - (byte*)(distance + 1)));

    /// <summary>Lets a jump lead to here.</summary>
    public void LandHere(int* distance) => Land(distance, _next);
}
