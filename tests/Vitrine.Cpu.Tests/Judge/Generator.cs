using System.Runtime.CompilerServices;
using Iced.Intel;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>
/// Makes random instances of a form: the same (form, index) gives the same instance everywhere. One object
/// serves one thread.
/// </summary>
internal sealed unsafe partial class Generator
{
    private readonly BufferWriter _writer = new();
    private readonly Encoder _encoder;
    private Form _form = null!;
    private Chance _chance;
    private Instruction _instruction;
    private Instance* _instance;
    private ulong _rip;

    public Generator() => _encoder = Encoder.Create(64, _writer);

    /// <summary>
    /// Fills <paramref name="instance"/>, which must be native memory, and returns the instruction. Throws if
    /// the form can't be encoded with any of many random operand choices: the generator lacks a case then.
    /// </summary>
    public Instruction Make(Form form, int index, Instance* instance)
    {
        for (int attempt = 0; attempt < 100; attempt++)
        {
            ulong seed = ((ulong)form.Code << 40) ^ ((ulong)index << 8) ^ (ulong)attempt;
            _chance = new Chance(new Chance(seed).Next());
            _form = form;
            _instance = instance;
            Unsafe.InitBlockUnaligned(instance, 0, (uint)Instance.DataStart);
            if (TryMake())
                return _instruction;
        }

        throw new InvalidOperationException($"No operands were found with which {form.Code} can be encoded: {_encoderError}.");
    }

    private string _encoderError = "";

    /// <summary>The operands chosen ask for something that has no common answer; others are tried.</summary>
    private bool _unusable;

    private ref MachineState State => ref _instance->State;

    private bool TryMake()
    {
        _instruction = default;
        _instruction.Code = _form.Code;
        _rip = Arena.Code + (ulong)_chance.Between(0x200, 0xd00);
        if (_form.TouchesSegments)
            _instance->Traits |= InstanceTraits.TouchesSegments;

        SeedRegisters();
        SeedFloatingPoint();
        SeedImplicitOperands();
        SetOperands();
        SetPrefixes();
        _unusable = false;
        AdjustForMeaning();
        if (_unusable)
            return false;

        // The length decides where a crossing instruction starts, and RIP-relative operands depend on that.
        if (!Encode())
            return false;
        int length = _writer.Length;
        int where = _form.Mnemonic is Mnemonic.Ud0 or Mnemonic.Ud1 ? 100 : _chance.Below(100);
        if (length > 1 && where < 8 && !_isBranch)
            _rip = Arena.Code + 4096 - (ulong)_chance.Between(1, length - 1);
        else if (length > 1 && where < 10 && !_isBranch)
            _rip = Arena.CodeEnd - (ulong)_chance.Between(1, length - 1);
        if (!Encode() || _writer.Length != length)
            return false;

        State.Rip = _rip;
        _instance->AddPatch(_rip, _writer.Bytes);
        return true;
    }

    private bool Encode()
    {
        _writer.Reset();
        if (!_encoder.TryEncode(_instruction, _rip, out _, out string? error))
        {
            _encoderError = error;
            return false;
        }

        return true;
    }

    private void SetPrefixes()
    {
        bool writesMemory = _instruction.Op0Kind == OpKind.Memory;
        if (_form.OpCode.CanUseLockPrefix && writesMemory && _chance.Percent(40))
            _instruction.HasLockPrefix = true;
    }

    private void SeedRegisters()
    {
        for (int i = 0; i < 16; i++)
            State.Gpr[i] = Seeds.Integer(ref _chance);
        if (_chance.Percent(50))
            State.Gpr[4] = Arena.Data + 0x800 + (ulong)(_chance.Below(200) * 8);

        // CF PF AF ZF SF DF OF at random; IF and bit 1 always; TF rarely. (A signal's return doesn't load ID; POPF does.)
        State.Rflags = (_chance.Next() & 0x8d5) | 0x202;
        if (_chance.Percent(25))
            State.Rflags |= 0x400;
        if (_chance.Percent(2))
            State.Rflags |= 0x100;
    }

    private void SeedFloatingPoint()
    {
        ref MachineState s = ref State;
        if (!_form.UsesVectors && !_form.IsFpu)
        {
            s.Fcw = 0x37f;
            s.Ftw = (byte)_chance.Next();
            s.Mxcsr = 0x1f80;
            for (int i = 0; i < 16; i++)
                s.St(i) = (i & 1) == 0 ? _chance.Next() : _chance.Next() & 0xffff;
            for (int i = 0; i < 32; i++)
            {
                s.Xmm(i) = _chance.Next();
                s.YmmHigh(i) = _chance.Next();
            }

            if (_form.MemoryBytes < 200)
                return;
        }

        s.Mxcsr = Seeds.Mxcsr(ref _chance);
        s.Fcw = _form.IsFpu ? Seeds.Fcw(ref _chance) : (ushort)0x37f;
        s.Fsw = Seeds.Fsw(ref _chance, s.Fcw);
        s.Ftw = _chance.Below(10) switch { < 4 => 0xff, < 7 => (byte)(_chance.Next() | _chance.Next()), < 8 => 0, _ => (byte)_chance.Next() };
        for (int i = 0; i < 8; i++)
        {
            (ulong significand, ushort top) = Seeds.Extended(ref _chance);
            s.St(2 * i) = significand;
            s.St((2 * i) + 1) = top;
        }

        // Related operands: equal, or near each other.
        if (_chance.Percent(15))
        {
            int a = _chance.Below(8);
            s.St(2 * a) = s.St(0) ^ (chanceBit(ref _chance) ? 0UL : 1);
            s.St((2 * a) + 1) = s.St(1);
        }

        ElementKind kind = _chance.Percent(80) ? _form.Elements : ElementKind.Mixed;
        fixed (byte* fx = s.Fx)
            Seeds.Fill(ref _chance, new Span<byte>(fx + 160, 256), kind);
        fixed (byte* high = s.High)
            Seeds.Fill(ref _chance, new Span<byte>(high, 256), kind);
        if (_form.IsExtendedState)
            SeedInitialComponents();
        if (_chance.Percent(10))
        {
            int a = 2 * _chance.Below(16), b = 2 * _chance.Below(16);
            s.Xmm(a) = s.Xmm(b);
            s.Xmm(a + 1) = s.Xmm(b + 1);
            s.YmmHigh(a) = s.YmmHigh(b);
            s.YmmHigh(a + 1) = s.YmmHigh(b + 1);
        }

        static bool chanceBit(ref Chance chance) => chance.Percent(50);
    }

    /// <summary>Components in their initial state are what XSAVE and its kin treat in a way of their own.</summary>
    private void SeedInitialComponents()
    {
        ref MachineState s = ref State;
        bool control = _chance.Percent(30), low = _chance.Percent(30), high = _chance.Percent(30);
        if (_chance.Percent(30))
            s.Mxcsr = 0x1f80;
        for (int i = 0; i < 32; i++)
        {
            if (low)
                s.Xmm(i) = 0;
            if (high)
                s.YmmHigh(i) = 0;
        }

        if (!control)
            return;
        s.Fcw = 0x37f;
        s.Fsw = 0;
        s.Ftw = 0;
        for (int i = 0; i < 16; i++)
            s.St(i) = 0;
    }

    /// <summary>Collects what the encoder writes.</summary>
    private sealed class BufferWriter : CodeWriter
    {
        private readonly byte[] _bytes = new byte[32];

        public int Length { get; private set; }

        public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

        public void Reset() => Length = 0;

        public override void WriteByte(byte value) => _bytes[Length++] = value;
    }
}
