namespace Vitrine.Cpu.Translator;

/// <summary>The parts of an instruction's encoding (Intel SDM 2, 2.1), to be put together again with other operands.</summary>
internal unsafe ref struct EncodedInstruction
{
    public bool OperandSize;
    public byte Repeat;
    public bool Locked;
    public bool HasRex;
    public bool Wide;

    /// <summary>0F, 0F 38 or 0F 3A before the opcode: 1, 2, 3; else 0.</summary>
    public int Map;

    public byte Opcode;

    /// <summary>ModRM.reg and ModRM.rm (or the register of an opcode without ModRM) with their REX bits.</summary>
    public int Reg;
    public int Rm;

    public bool IsMemory;

    /// <summary>Of the memory operand that the instruction is written with: the index plus 1, or 0 for none; its scale's logarithm; and the displacement.</summary>
    public int IndexPlusOne;
    public int Scale;
    public int Displacement;

    /// <summary>It has a VEX prefix: then <see cref="Map"/> is its map, and these its other fields.</summary>
    public bool IsVex;
    public int Vvvv;
    private byte _lengthAndPrefix;
    public byte* Immediate;
    public int ImmediateLength;

    /// <summary>Takes apart an instruction that has a ModRM byte; its prefixes are legacy ones, REX or VEX.</summary>
    public static EncodedInstruction Parse(byte* code, int length)
    {
        EncodedInstruction e = default;
        byte* p = code;
        int rex = 0;
        while (true)
        {
            byte b = *p;
            if (b == 0x66)
                e.OperandSize = true;
            else if (b is 0xf2 or 0xf3)
                e.Repeat = b;
            else if (b == 0xf0)
                e.Locked = true;
            else if ((b & 0xf0) == 0x40)
            {
                // Only the prefix right before the opcode counts.
                if ((p[1] & 0xf0) != 0x40 && p[1] is not (0x66 or 0xf2 or 0xf3 or 0xf0 or 0x67 or 0x2e or 0x36 or 0x3e or 0x26 or 0x64 or 0x65))
                    rex = b;
            }
            else if (b is not (0x67 or 0x2e or 0x36 or 0x3e or 0x26 or 0x64 or 0x65))
                break;
            p++;
        }

        e.HasRex = rex != 0;
        e.Wide = (rex & 8) != 0;
        if (*p is 0xc4 or 0xc5)
        {
            e.IsVex = true;
            rex = (~p[1] & 0x80) >> 5;
            e.Map = 1;
            int last = p[1];
            if (*p++ == 0xc4)
            {
                rex |= (~p[0] & 0x20) >> 5;
                e.Map = p[0] & 31;
                last = p[1];
                e.Wide = (last & 0x80) != 0;
                p++;
            }

            e.Vvvv = (~last >> 3) & 15;
            e._lengthAndPrefix = (byte)(last & 7);
            p++;
        }
        else if (*p == 0x0f)
        {
            p++;
            e.Map = 1;
            if (*p is 0x38 or 0x3a)
                e.Map = *p++ == 0x38 ? 2 : 3;
        }

        e.Opcode = *p++;
        int modRm = *p++;
        e.Reg = ((modRm >> 3) & 7) | ((rex & 4) << 1);
        e.IsMemory = modRm < 0xc0;
        if (!e.IsMemory)
        {
            e.Rm = (modRm & 7) | ((rex & 1) << 3);
        }
        else
        {
            int sib = (modRm & 7) == 4 ? *p++ : -1;
            int mod = modRm >> 6;
            p += mod == 1 ? 1 : mod == 2 || (modRm & 7) == 5 || (sib >= 0 && (sib & 7) == 5) ? 4 : 0;
        }

        e.Immediate = p;
        e.ImmediateLength = (int)(code + length - p);
        return e;
    }

    /// <summary>Writes the instruction with other operands; a memory operand becomes [<paramref name="rm"/> + index + <see cref="Displacement"/>].</summary>
    public readonly void Write(MachineCodeWriter w, int reg, int rm) => Write(w, reg, rm, Vvvv);

    /// <summary>As the other, with another register in VEX.vvvv.</summary>
    public readonly void Write(MachineCodeWriter w, int reg, int rm, int vvvv)
    {
        if (IsVex)
        {
            w.Byte(0xc4);
            w.Byte(((~reg & 8) << 4) | ((~IndexBits & 8) << 3) | ((~rm & 8) << 2) | Map);
            w.Byte((Wide ? 0x80 : 0) | ((~vvvv & 15) << 3) | _lengthAndPrefix);
            WriteOperands(w, reg, rm);
            return;
        }

        if (Locked)
            w.Byte(0xf0);
        if (OperandSize)
            w.Byte(0x66);
        if (Repeat != 0)
            w.Byte(Repeat);
        WriteRexAndMap(w, reg, rm, IndexBits);
        WriteOperands(w, reg, rm);
    }

    /// <summary>Writes an instruction with a register in ModRM.rm as the one with a memory operand, which is a field of the state. It has no VEX prefix.</summary>
    public readonly void WriteInState(MachineCodeWriter w, int reg, int offset)
    {
        if (OperandSize)
            w.Byte(0x66);
        if (Repeat != 0)
            w.Byte(Repeat);
        WriteRexAndMap(w, reg, HostRegister.State, 0);
        w.Byte(Opcode);
        w.Address(reg, HostRegister.State, offset - HostRegister.StateBias);
        WriteImmediate(w);
    }

    private readonly int IndexBits => IndexPlusOne == 0 ? 0 : IndexPlusOne - 1;

    private readonly void WriteRexAndMap(MachineCodeWriter w, int reg, int rm, int index)
    {
        int rex = (Wide ? 8 : 0) | ((reg & 8) >> 1) | ((index & 8) >> 2) | ((rm & 8) >> 3);
        if (rex != 0 || HasRex)
            w.Byte(0x40 | rex);
        if (Map != 0)
            w.Byte(0x0f);
        if (Map > 1)
            w.Byte(Map == 2 ? 0x38 : 0x3a);
    }

    private readonly void WriteImmediate(MachineCodeWriter w)
    {
        for (int i = 0; i < ImmediateLength; i++)
            w.Byte(Immediate[i]);
    }

    /// <summary>The opcode and what follows it.</summary>
    private readonly void WriteOperands(MachineCodeWriter w, int reg, int rm)
    {
        w.Byte(Opcode);
        if (IsMemory && IndexPlusOne != 0)
            w.Address(reg, rm, IndexPlusOne - 1, Scale, Displacement);
        else if (IsMemory)
            w.Address(reg, rm, Displacement);
        else
            w.Byte(0xc0 | ((reg & 7) << 3) | (rm & 7));
        WriteImmediate(w);
    }
}
