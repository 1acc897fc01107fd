using System.Runtime.CompilerServices;

namespace Vitrine.Cpu.Translator;

/// <summary>
/// Writes x86-64 instructions as bytes (Intel SDM 2, chapter 2). Opcodes of two bytes are given as <c>0x0Fxx</c>.
/// The caller sees to it that there is room.
/// </summary>
internal sealed unsafe class MachineCodeWriter
{
    private byte* _next;

    public byte* Position => _next;

    /// <summary>Registers, one bit each, that instructions have named other than as a part of an address since somebody cleared them.</summary>
    public int Touched { get; set; }

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
        Touched |= 1 << reg | 1 << rm;
        if (size == 2)
            Byte(0x66);
        Rex(size == 8, reg, 0, rm, size == 1);
        Opcode(opcode);
        Byte(0xc0 | ((reg & 7) << 3) | (rm & 7));
    }

    /// <summary>An instruction with a memory operand [base + displacement].</summary>
    public void Memory(int opcode, int size, int reg, int @base, int displacement = 0)
    {
        Touched |= 1 << reg;
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

    /// <summary>As the other, of [base + index + displacement]; an index of -1 is none.</summary>
    public void Memory(int opcode, int size, int reg, int @base, int index, int displacement)
    {
        if (index < 0)
        {
            Memory(opcode, size, reg, @base, displacement);
            return;
        }

        Touched |= 1 << reg;
        if (size == 2)
            Byte(0x66);
        Rex(size == 8, reg, index, @base, size == 1);
        Opcode(opcode);
        Address(reg, @base, index, displacement);
    }

    /// <summary>ModRM and what follows it for [base + index + displacement].</summary>
    public void Address(int reg, int @base, int index, int displacement)
    {
        int mod = displacement == 0 && (@base & 7) != 5 ? 0 : displacement == (sbyte)displacement ? 1 : 2;
        Byte((mod << 6) | ((reg & 7) << 3) | 4);
        Byte(((index & 7) << 3) | (@base & 7));
        Displacement(mod, displacement);
    }

    /// <summary>LEA reg, [base + index * 2^scale + displacement]; an index of -1 is none.</summary>
    public void Lea(int size, int reg, int @base, int index, int scale, int displacement)
    {
        Touched |= 1 << reg;
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
        int mod = displacement == 0 && (@base & 7) != 5 ? 0 : displacement == (sbyte)displacement ? 1 : 2;
        Byte((mod << 6) | ((reg & 7) << 3) | 4);
        Byte((scale << 6) | ((index & 7) << 3) | (@base & 7));
        Displacement(mod, displacement);
    }

    /// <summary>LEA reg, [index * 2^scale + displacement].</summary>
    public void LeaScaled(int size, int reg, int index, int scale, int displacement)
    {
        Touched |= 1 << reg;
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
        Touched |= 1 << reg;
        Rex(size == 8, reg, index, HostRegister.State, size == 1);
        Opcode(opcode);
        Byte(0x80 | ((reg & 7) << 3) | 4);
        Byte((scale << 6) | ((index & 7) << 3) | HostRegister.State);
        Int32(offset - HostRegister.StateBias);
    }

    public void LoadState(int reg, int offset) => State(0x8b, 8, reg, offset);

    public void StoreState(int offset, int reg) => State(0x89, 8, reg, offset);

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
