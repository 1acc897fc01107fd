using Vitrine.Cpu.State;
using static Vitrine.Cpu.Translator.FlagRecord;

namespace Vitrine.Cpu.Translator;

/// <summary>Where the guest's flags are, at each point of the code.</summary>
internal sealed unsafe partial class RegionTranslator
{
    /// <summary>Guest flags that the host's flags register holds.</summary>
    private int _host;

    /// <summary>The record's word, or <see cref="NativeSite.Unknown"/>: then it is the one in memory.</summary>
    private uint _flags;

    /// <summary>A known word is in memory, too.</summary>
    private bool _flagsStored;

    /// <summary>The record's overlay, where it is known though the rest isn't: then its result is in the state; else zero.</summary>
    private uint _overlay;

    /// <summary>Where the record's operands are. Those in registers stay there until the register changes.</summary>
    private FlagOperand _a;
    private FlagOperand _b;
    private int _immediate;

    /// <summary>All that is known at a place.</summary>
    private struct KnownFlags
    {
        public uint Flags;
        public bool FlagsStored;
        public FlagOperand A;
        public FlagOperand B;
        public int Immediate;
        public int Host;
    }

    private KnownFlags Known() => new() { Flags = _flags, FlagsStored = _flagsStored, A = _a, B = _b, Immediate = _immediate, Host = _host };

    private void TakeFlags(in KnownFlags known)
    {
        _record++;
        _flags = known.Flags;
        _overlay = known.Flags == NativeSite.Unknown ? 0 : known.Flags >> 16;
        _flagsStored = known.FlagsStored;
        _a = known.A;
        _b = known.B;
        _immediate = known.Immediate;
        _host = known.Host;
    }

    private bool HasFlags(in KnownFlags known) => _flags == known.Flags && _flagsStored == known.FlagsStored && _a == known.A && _b == known.B
        && (_b != FlagOperand.Immediate || _immediate == known.Immediate) && (_host & known.Host) == known.Host;

    /// <summary>Nothing is known but that the record in memory is right.</summary>
    private void ForgetFlags()
    {
        _host = 0;
        _record++;
        _overlay = 0;
        _flags = NativeSite.Unknown;
        _flagsStored = true;
        _a = FlagOperand.Stored;
        _b = FlagOperand.Stored;
    }

    /// <summary>A new record, whose operands are in memory.</summary>
    private void SetFlags(uint word)
    {
        _record++;
        _overlay = 0;
        _flags = word;
        _flagsStored = false;
        _a = FlagOperand.Stored;
        _b = FlagOperand.Stored;
    }

    private void SetFlags(uint word, FlagOperand a, FlagOperand b, int immediate = 0)
    {
        SetFlags(word);
        _a = a;
        _b = b;
        _immediate = immediate;
    }

    /// <summary>Sees to it that memory alone tells the flags. Changes no flag of the host.</summary>
    private void StoreFlags()
    {
        StoreOperands(_a, _b, _immediate);
        _a = FlagOperand.Stored;
        _b = FlagOperand.Stored;
        if (_flagsStored)
            return;
        _w.StoreState32(CpuState.FlagKindOffset, _flags);
        _flagsStored = true;
    }

    private void StoreOperands(FlagOperand a, FlagOperand b, int immediate)
    {
        if (a != FlagOperand.Stored)
            _w.StoreState(CpuState.FlagAOffset, HostRegister.Of((int)a));
        if (b == FlagOperand.Immediate)
            _w.StoreState64(CpuState.FlagBOffset, immediate);
        else if (b != FlagOperand.Stored)
            _w.StoreState(CpuState.FlagBOffset, HostRegister.Of((int)b));
    }

    /// <summary>
    /// Puts operands of the record that an instruction is about to overwrite into memory, if they are still wanted behind it.
    /// Ways out of the instruction itself find them where they were.
    /// </summary>
    private void KeepOperands(in RegionInstruction r)
    {
        if (((int)_a >= 16 && (int)_b >= 16) || r.Kind == InstructionKind.Interpreted || ((r.RecordAfter | r.ReadAfter) & ~Region.Kills(r)) == 0)
            return;
        int written = InstructionRules.WrittenRegisters(r);
        if ((int)_a < 16 && (written >> (int)_a & 1) != 0)
        {
            _w.StoreState(CpuState.FlagAOffset, HostRegister.Of((int)_a));
            _a = FlagOperand.Stored;
        }

        if ((int)_b < 16 && (written >> (int)_b & 1) != 0)
        {
            _w.StoreState(CpuState.FlagBOffset, HostRegister.Of((int)_b));
            _b = FlagOperand.Stored;
        }
    }

    /// <summary>Behind an instruction: registers that it has written no longer hold the operands of a record from before it.</summary>
    private void DropOperands(in RegionInstruction r, int record)
    {
        if (record != _record || ((int)_a >= 16 && (int)_b >= 16))
            return;
        int written = InstructionRules.WrittenRegisters(r);
        if ((int)_a < 16 && (written >> (int)_a & 1) != 0)
            _a = FlagOperand.Stored;
        if ((int)_b < 16 && (written >> (int)_b & 1) != 0)
            _b = FlagOperand.Stored;
    }

    /// <summary>Changes with every new record.</summary>
    private int _record;

    /// <summary>A guest register as an operand of the record: where it is, if that is a host register, else in memory after all.</summary>
    private static FlagOperand OperandOf(int guest) => HostRegister.Of(guest) >= 0 ? (FlagOperand)guest : FlagOperand.Stored;

    /// <summary>Brings guest flags into the host's flags register. Uses T1.</summary>
    private void NeedFlags(int flags, in RegionInstruction r)
    {
        if ((_host & flags) == flags)
            return;
        if ((FlagOverlay)(_overlay >> 2) is FlagOverlay.Increment or FlagOverlay.Decrement && (flags & ~(Zero | Sign | Parity)) == 0)
        {
            int bytes = 1 << (int)(_overlay & 3);
            _w.LoadState(HostRegister.T1, CpuState.FlagOverlayOffset);
            _w.Registers(bytes == 1 ? 0x84 : 0x85, bytes, HostRegister.T1, HostRegister.T1);
            _host = Zero | Sign | Parity;
            return;
        }

        if (_flags == NativeSite.Unknown || _flags >> 16 != 0)
        {
            LoadFlags(r);
            return;
        }

        int size = SizeOf(_flags);
        FlagKind kind = KindOf(_flags);
        if (kind is not (FlagKind.Add or FlagKind.Subtract or FlagKind.Logic or FlagKind.AddResult or FlagKind.SubtractResult))
        {
            LoadFlags(r);
            return;
        }

        if (_a == FlagOperand.Stored)
            _w.LoadState(HostRegister.T1, CpuState.FlagAOffset);
        else
            _w.Move(HostRegister.T1, HostRegister.Of((int)_a));
        switch (kind)
        {
            case FlagKind.Add:
                WithOperandB(0, size);
                break;
            case FlagKind.Subtract:
                WithOperandB(7, size);
                break;
            case FlagKind.AddResult:
                WithOperandB(5, size);
                WithOperandB(0, size);
                break;
            case FlagKind.SubtractResult:
                WithOperandB(0, size);
                WithOperandB(7, size);
                break;
            default:
                _w.Registers(size == 1 ? 0x84 : 0x85, size, HostRegister.T1, HostRegister.T1);
                break;
        }

        _host = kind == FlagKind.Logic ? All & ~Adjust : All;
    }

    /// <summary>An operation of the 80h group on T1 and the record's second operand.</summary>
    private void WithOperandB(int operation, int size)
    {
        int opcode = OpcodeFrom(operation, size);
        if (_b == FlagOperand.Immediate)
            _w.Immediate(operation, size, HostRegister.T1, size == 1 ? (sbyte)_immediate : size == 2 ? (short)_immediate : _immediate);
        else if (_b == FlagOperand.Stored)
            _w.State(opcode, size, HostRegister.T1, CpuState.FlagBOffset);
        else
            _w.Registers(opcode, size, HostRegister.T1, HostRegister.Of((int)_b));
    }

    /// <summary>Has the record that is met here evaluated.</summary>
    /// <remarks>T0 keeps its value.</remarks>
    private void LoadFlags(in RegionInstruction r)
    {
        StoreFlags();
        _w.StoreState(CpuState.MissAddressOffset, HostRegister.T0);
        ref Exit exit = ref NewExit(NativeReason.Flags, _w.Jump(), r);
        exit.Site.Flags = NativeSite.Unknown;
        exit.LoadsFlags = true;
        exit.Behind = _w.Position;
        ForgetFlags();
        _w.ForgetHeld(HostRegister.T1);
        _host = All & ~Adjust;
    }

    /// <summary>Where code goes on behind <see cref="NativeReason.Flags"/>: takes the result over.</summary>
    private void EmitFlagImage(byte* behind)
    {
        _w.LoadState(HostRegister.T0, CpuState.MissAddressOffset);
        _w.StoreState(CpuState.ScratchOffset, HostRegister.Rax);
        _w.State(0x8b, 4, HostRegister.Rax, CpuState.FlagImageOffset);
        FlagLoader.WriteImage(_w);
        _w.JumpTo(behind);
    }

    /// <summary>The result of an instruction that keeps some flags: noted over the record of what was before.</summary>
    /// <remarks>Call <see cref="PrepareOverlay"/> before the instruction is written.</remarks>
    private void SetOverlay(FlagOverlay overlay, int size)
    {
        uint word = Word(overlay, size);
        _overlay = word >> 16;
        if (_flags == NativeSite.Unknown)
        {
            // mov word [kind + 2], overlay
            _w.State(0xc7, 2, 0, CpuState.FlagKindOffset + 2);
            _w.Int16((int)(word >> 16));
        }
        else
        {
            _flags = (_flags & 0xffff) | word;
            _flagsStored = false;
        }
    }

    /// <summary>Makes room for an overlay: one that is there already would be lost, unless the new one says all that it said.</summary>
    private void PrepareOverlay(FlagOverlay coming, in RegionInstruction r)
    {
        bool changesCarry = coming >= FlagOverlay.RotateLeft;

        if (_flags != NativeSite.Unknown)
        {
            uint overlay = _flags >> 16;
            if (overlay == 0 || (overlay >= 0x8000 == changesCarry && (coming != FlagOverlay.Carry || overlay >> 2 == (uint)FlagOverlay.Carry)))
                return;
            StoreFlags();
            ForgetFlags();
        }

        // Overlays that change the carry have the word's top bit, so these jump for the others: jg, jl; jne for any.
        int condition = coming == FlagOverlay.Carry ? 5 : changesCarry ? 15 : 12;
        byte* again = _w.Position;
        _w.State(0x83, changesCarry ? 2 : 4, 7, CpuState.FlagKindOffset + (changesCarry ? 2 : 0));
        _w.Byte(0);
        ref Exit exit = ref NewExit(NativeReason.Flags, _w.JumpIf(condition), r);
        exit.Resume = again;
        exit.Site.Flags = NativeSite.Unknown;
        _w.ForgetHeld(HostRegister.T1);
        _host = 0;
    }
}
