using Iced.Intel;
using Vitrine.Abi;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>Operands that the encoding does not name: string pointers and counts, the stack, accumulators.</summary>
internal sealed unsafe partial class Generator
{
    private bool _narrowStrings;
    private int _elements;

    private void SeedImplicitOperands()
    {
        if (_form.IsExtendedState)
        {
            // The host may have more state components than the guest: ask only for x87, SSE and AVX.
            State.Gpr[0] &= 7;
            State.Gpr[2] = 0;
        }

        _narrowStrings = _chance.Percent(12);
        if (_form.IsString)
            PrepareString();
        if (_form.OpCode.IsStackInstruction || _form.Mnemonic is Mnemonic.Enter or Mnemonic.Leave or Mnemonic.Iret or Mnemonic.Iretd or Mnemonic.Iretq)
            PrepareStack();

        switch (_form.Mnemonic)
        {
            case Mnemonic.Div or Mnemonic.Idiv when _chance.Percent(75):
                // Quotients that fit are rare among random dividends.
                bool signed = _form.Mnemonic == Mnemonic.Idiv && _chance.Percent(50);
                int bits = _form.MemoryBytes * 8;
                if (bits == 8)
                    State.Gpr[0] = signed ? (ushort)(sbyte)State.Gpr[0] : State.Gpr[0] & 0xff;
                else
                    State.Gpr[2] = signed ? (ulong)((long)(State.Gpr[0] << (64 - bits)) >> 63) : (ulong)_chance.Below(3);
                break;
            case Mnemonic.Fyl2xp1 when (State.St(1) & 0x7fff) is > 0x3ffc and < 0x7fff:
                // SDM: beyond 1 - sqrt(2)/2 the result is undefined.
                State.St(1) = (State.St(1) & 0x8000) | (uint)_chance.Between(0x3fff - 70, 0x3ffc);
                State.St(0) |= 1UL << 63;
                break;
            case Mnemonic.Loop or Mnemonic.Loope or Mnemonic.Loopne or Mnemonic.Jrcxz or Mnemonic.Jecxz:
                State.Gpr[1] = _chance.Percent(60) ? (ulong)_chance.Below(3) : State.Gpr[1];
                if (_chance.Percent(20))
                    State.Gpr[1] |= 0x1_0000_0000;
                break;
            case Mnemonic.Rdfsbase or Mnemonic.Rdgsbase:
                State.FsBase = _chance.Next() >> 18;
                State.GsBase = _chance.Next() >> 18;
                break;
            case Mnemonic.Pcmpestri or Mnemonic.Pcmpestrm or Mnemonic.Pcmpestri64 or Mnemonic.Pcmpestrm64
                or Mnemonic.Vpcmpestri or Mnemonic.Vpcmpestrm or Mnemonic.Vpcmpestri64 or Mnemonic.Vpcmpestrm64:
                if (_chance.Percent(80))
                {
                    State.Gpr[0] = (ulong)(long)_chance.Between(-20, 20);
                    State.Gpr[2] = (ulong)(long)_chance.Between(-20, 20);
                }

                break;
        }

        if (_form.ShiftsByCl && _chance.Percent(60))
            State.Gpr[1] = (State.Gpr[1] & ~0xffUL) | (uint)_chance.Below(68);
    }

    private void PrepareString()
    {
        _elements = 1;
        if (_form.OpCode.CanUseRepPrefix && _chance.Percent(70))
        {
            _elements = _chance.Percent(10) ? 0 : _chance.Percent(85) ? _chance.Between(1, 12) : _chance.Between(13, 60);
            State.Gpr[1] = (ulong)(uint)_elements + (_narrowStrings ? _chance.Next() << 32 : 0);
            if (_form.OpCode.CanUseRepnePrefix && _chance.Percent(50))
                _instruction.HasRepnePrefix = true;
            else
                _instruction.HasRepePrefix = true;
        }
    }

    /// <summary>Lets RSI or RDI point at memory for all elements, in the direction that DF says.</summary>
    private void PointString(int register, bool segmented)
    {
        int size = _form.MemoryBytes;
        int bytes = Math.Max(_elements, 1) * size;
        ulong target = Place(bytes, _chance.Percent(50) ? size : 1, 70);
        ulong first = (State.Rflags & 0x400) != 0 ? target + (ulong)(bytes - size) : target;
        ulong offset = first - (segmented ? SegmentBaseOf(first, _narrowStrings) : 0);
        SetAddressRegister(register, offset, _narrowStrings);

        // Comparisons should find runs of equal elements.
        if (_form.Mnemonic is Mnemonic.Scasb or Mnemonic.Scasw or Mnemonic.Scasd or Mnemonic.Scasq
            or Mnemonic.Cmpsb or Mnemonic.Cmpsw or Mnemonic.Cmpsd or Mnemonic.Cmpsq && _chance.Percent(60))
        {
            Span<byte> run = stackalloc byte[Math.Min(bytes, 240)];
            bool scan = _form.Mnemonic is Mnemonic.Scasb or Mnemonic.Scasw or Mnemonic.Scasd or Mnemonic.Scasq;
            for (int i = 0; i < run.Length; i++)
                run[i] = scan ? (byte)(State.Gpr[0] >> (8 * (i % size))) : (byte)0x5a;
            if (_chance.Percent(60))
                run[_chance.Below(run.Length)] ^= 0x10;
            _instance->AddPatch(target, run);
        }
    }

    private void PrepareStack()
    {
        int size = 8;
        int increment = _form.Code.ToOpCode().OperandSize == 16 ? 2 : 8;
        bool pushes = _form.Mnemonic is Mnemonic.Push or Mnemonic.Pushf or Mnemonic.Pushfq or Mnemonic.Call or Mnemonic.Enter;
        if (_form.Mnemonic is Mnemonic.Iret or Mnemonic.Iretd or Mnemonic.Iretq)
            size = 40;
        else if (_form.Mnemonic is Mnemonic.Retf)
            size = 16;
        else
            size = increment;
        ulong target = Place(size, _chance.Percent(80) ? 8 : 1, 80);
        if (_form.Mnemonic == Mnemonic.Leave)
            State.Gpr[5] = target;
        else
            State.Gpr[4] = pushes ? target + (ulong)size : target;

        switch (_form.Mnemonic)
        {
            case Mnemonic.Ret:
                Words(target, 8, IndirectTarget());
                break;
            case Mnemonic.Retf:
                Words(target, FarWidth(), IndirectTarget(), ReturnSelector());
                break;
            case Mnemonic.Iret or Mnemonic.Iretd or Mnemonic.Iretq:
                ulong flags = (_chance.Next() & 0x240dd5) | 2;
                if (_chance.Percent(97))
                    flags &= ~0x100UL;
                Words(target, FarWidth(), IndirectTarget(), ReturnSelector(), flags & ~0x40000UL,
                    _chance.Percent(70) ? Arena.Data + 0x800 : Seeds.Integer(ref _chance), StackSelector());
                break;
            case Mnemonic.Popf or Mnemonic.Popfq:
                ulong popped = Seeds.Integer(ref _chance) & ~0x40000UL;
                Words(target, 8, _chance.Percent(95) ? popped & ~0x100UL : popped);
                break;
            case Mnemonic.Pop when _form.TouchesSegments:
                Words(target, 8, Selector());
                break;
            case Mnemonic.Enter:
                State.Gpr[5] = Arena.Data + 0x1400 + (ulong)_chance.Below(256);
                break;
        }
    }

    private ushort StackSelector() => _chance.Below(10) switch { 0 => 0, 1 => 0x33, 2 => 0x28, 3 => 0xfff3, _ => 0x2b };

    private int FarWidth() => _form.Code switch
    {
        Code.Retfw or Code.Retfw_imm16 or Code.Iretw => 2,
        Code.Retfd or Code.Retfd_imm16 or Code.Iretd => 4,
        _ => 8,
    };

    private void Words(ulong target, int width, params ReadOnlySpan<ulong> values)
    {
        Span<byte> bytes = stackalloc byte[width * values.Length];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)(values[i / width] >> (8 * (i % width)));
        _instance->AddPatch(target, bytes);
    }

    /// <summary>Gives operands, once they are chosen, values at which the instruction does something interesting.</summary>
    private void AdjustForMeaning()
    {
        if (_form.IsExtendedState)
        {
            _unusable = State.Gpr[0] > 7 || State.Gpr[2] != 0;
            return;
        }

        switch (_form.Mnemonic)
        {
            case Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc:
                // A bit offset from a register reaches beyond the operand; keep it near mostly.
                // (With 32-bit addressing processors differ in what wraps.)
                bool narrow = _instruction.MemoryBase.GetSize() == 4 || _instruction.MemoryIndex.GetSize() == 4 || _instruction.MemoryDisplSize == 4;
                if (_instruction.Op0Kind == OpKind.Memory && _instruction.Op1Kind == OpKind.Register && narrow)
                    _unusable |= !SetUnlessAddress(_instruction.Op1Register, (ulong)_chance.Between(0, 1000)) || Arena.OffsetOf(_target) < 0;
                else if (_instruction.Op0Kind == OpKind.Memory && _instruction.Op1Kind == OpKind.Register && _chance.Percent(85))
                    SetUnlessAddress(_instruction.Op1Register, (ulong)(long)_chance.Between(-1000, 1000));
                break;
            case Mnemonic.Cmpxchg when _chance.Percent(50):
                if (_instruction.Op0Kind == OpKind.Memory)
                    SetUnlessAddress(Register.RAX, MemoryWord(_target));
                else
                    State.Gpr[0] = State.Gpr[_instruction.Op0Register.GetFullRegister() - Register.RAX];
                break;
            case Mnemonic.Cmpxchg8b when _chance.Percent(50):
                SetUnlessAddress(Register.RAX, (uint)MemoryWord(_target) | (_chance.Next() << 32));
                SetUnlessAddress(Register.RDX, (MemoryWord(_target) >> 32) | (_chance.Next() << 32));
                break;
            case Mnemonic.Cmpxchg16b when _chance.Percent(50):
                SetUnlessAddress(Register.RAX, MemoryWord(_target));
                SetUnlessAddress(Register.RDX, MemoryWord(_target + 8));
                break;
            case Mnemonic.Jmp or Mnemonic.Call when _instruction.Op0Kind == OpKind.Register:
                State.Gpr[_instruction.Op0Register.GetFullRegister() - Register.RAX] = IndirectTarget();
                break;
            case Mnemonic.Mov or Mnemonic.Verr or Mnemonic.Verw when IsAboutSelectors():
                SetSelectorRegister(_form.Mnemonic == Mnemonic.Mov ? 1 : 0);
                break;
            case Mnemonic.Lar or Mnemonic.Lsl:
                SetSelectorRegister(1);
                break;
            case Mnemonic.Bsf or Mnemonic.Bsr or Mnemonic.Popcnt or Mnemonic.Tzcnt or Mnemonic.Lzcnt or Mnemonic.Blsr or Mnemonic.Blsi or Mnemonic.Blsmsk when _chance.Percent(15) && _instruction.Op1Kind == OpKind.Register:
                State.Gpr[_instruction.Op1Register.GetFullRegister() - Register.RAX] = _chance.Percent(50) ? 0 : 0x8000_0000_0000_0000 >> _chance.Below(64);
                break;
        }
    }

    private void SetSelectorRegister(int operand)
    {
        if (_instruction.GetOpKind(operand) != OpKind.Register)
            return;
        Register register = _instruction.GetOpRegister(operand);
        if (register is >= Register.AX and <= Register.R15)
            SetUnlessAddress(register.GetFullRegister(), Selector() | (_chance.Next() << 16));
    }

    /// <summary>False: the register is part of the address, so it stays.</summary>
    private bool SetUnlessAddress(Register register, ulong value)
    {
        Register full = register.GetFullRegister();
        if (_instruction.Op0Kind == OpKind.Memory || _instruction.Op1Kind == OpKind.Memory)
        {
            if (_instruction.MemoryBase.GetFullRegister() == full || _instruction.MemoryIndex.GetFullRegister() == full)
                return false;
        }

        State.Gpr[full - Register.RAX] = value;
        return true;
    }

    /// <summary>The word that a patch puts at an address.</summary>
    private ulong MemoryWord(ulong address)
    {
        ulong value = 0;
        for (int i = 0; i < 8; i++)
        {
            int offset = Arena.OffsetOf(address + (ulong)i);
            foreach (Patch patch in _instance->PatchList)
            {
                int within = offset - (int)patch.ArenaOffset;
                if (offset >= 0 && within >= 0 && within < patch.Length)
                    value |= (ulong)_instance->BytesOf(patch)[within] << (8 * i);
            }
        }

        return value;
    }
}
