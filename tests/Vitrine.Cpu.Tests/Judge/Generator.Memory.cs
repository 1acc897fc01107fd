using Iced.Intel;
using Vitrine.Abi;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>Where memory operands lie and by which addressing form they are reached.</summary>
internal sealed unsafe partial class Generator
{
    private static readonly Register[] Wide =
    [
        Register.RAX, Register.RCX, Register.RDX, Register.RBX, Register.RSP, Register.RBP, Register.RSI, Register.RDI,
        Register.R8, Register.R9, Register.R10, Register.R11, Register.R12, Register.R13, Register.R14, Register.R15,
    ];

    /// <summary>An address for an access of so many bytes: mostly plain memory, else across or on something.</summary>
    private ulong Place(int size, int alignment, int percentPlain = 62)
    {
        ulong address = PlaceAnywhere(size, alignment, percentPlain);
        bool inPieces = _form.IsFpu || _form.MemoryBytes > 16 || _form.IsFar || _form.Mnemonic is Mnemonic.Maskmovq or Mnemonic.Maskmovdqu or Mnemonic.Vmaskmovdqu;
        if (inPieces && IsCanonical(address) != IsCanonical(address + (ulong)size - 1))
        {
            // Accesses made of several leave it to the processor whether the first page or the bad address counts.
            return Plain((ulong)Math.Min(size, 2048));
        }

        // Whether a bad address or a bad alignment of one counts first, too.
        return _form.MemoryBytes >= 512 && !IsCanonical(address) ? address & ~63UL : address;
    }

    private ulong PlaceAnywhere(int size, int alignment, int percentPlain)
    {
        ulong bytes = (ulong)Math.Min(size, 2048);
        ulong inside = bytes > 1 ? (ulong)_chance.Between(1, (int)bytes - 1) : 0;
        if (_chance.Percent(percentPlain))
            return Aligned(Plain(bytes), alignment, 100);

        ulong target = _chance.Below(38) switch
        {
            < 10 => Arena.Data + 0x1000 - inside,                 // across two writable pages
            < 15 => Arena.FirstHole - inside,                     // the end in a hole
            < 19 => (_chance.Percent(50) ? Arena.Data : Arena.SecondWritable) - inside,
            < 23 => Arena.ReadOnly - inside,                      // the end read-only
            < 27 => Arena.ThirdWritable - inside,                 // the beginning read-only
            < 30 => Arena.ReadOnly + (ulong)_chance.Below(2048),
            < 32 => Arena.FirstHole + (ulong)_chance.Below(2048),
            < 33 => (ulong)_chance.Below(4096),
            < 35 => 0x0000_8000_0000_0000 + (_chance.Next() >> 18),
            < 36 => 0x0000_8000_0000_0000 - inside,               // the last user byte and beyond
            < 37 => 0xffff_8000_0000_0000 - 8 - inside,
            _ => 0xffff_8000_0000_0000 | (_chance.Next() >> 18),
        };
        return Aligned(target, alignment, 60);
    }

    private ulong Plain(ulong bytes) => _chance.Below(3) switch
    {
        0 => Arena.Data + (_chance.Next() % (0x2000 - bytes)),
        1 => Arena.SecondWritable + (_chance.Next() % (0x1000 - bytes)),
        _ => Arena.ThirdWritable + (_chance.Next() % (0x1000 - bytes)),
    };

    private ulong Aligned(ulong address, int alignment, int percent) =>
        _chance.Percent(percent) ? address & ~((ulong)alignment - 1) : address;

    /// <summary>The alignment that most instances of the form should have.</summary>
    private int UsualAlignment()
    {
        if (_form.MemoryBytes >= 832)
            return _chance.Percent(90) ? 64 : 1;
        if (_form.MemoryBytes >= 512)
            return _chance.Percent(90) ? 16 : 1;
        if (_form.UsesVectors || _form.Mnemonic == Mnemonic.Cmpxchg16b)
            return _chance.Percent(75) ? _form.MemoryBytes > 16 ? 32 : 16 : 1;
        return _chance.Percent(30) ? Math.Clamp(_form.MemoryBytes, 1, 16) & -Math.Clamp(_form.MemoryBytes, 1, 16) : 1;
    }

    /// <summary>Makes operand <paramref name="i"/> an explicit memory operand and writes its seed.</summary>
    private void SetMemory(int i)
    {
        int alignment = UsualAlignment();
        if (_form.OpCode.CanUseLockPrefix && _chance.Percent(90))
            alignment = Math.Max(alignment, Math.Min(_form.MemoryBytes, 16));
        ulong target = Place(_form.MemoryBytes, alignment);
        if (Forms.MayBeUnaligned(_form.Code))
            target &= ~15UL;
        SeedMemory(target);
        _target = target;
        _instruction.SetOpKind(i, OpKind.Memory);

        bool narrow = _chance.Percent(10);
        ulong offset = target - SegmentBase(target, narrow);
        bool far = _form.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc && Arena.OffsetOf(target) < 0;
        if (IsCanonical(offset) != IsCanonical(target) || far)
        {
            // AMD checks the effective address too, Intel only the linear one.
            _instruction.SegmentPrefix = Register.None;
            offset = target;
        }

        if (narrow && offset > uint.MaxValue)
            narrow = false;
        if (_form.OpCode.GetOpKind(i) == OpCodeOperandKind.mem_offs)
        {
            _instruction.MemoryDisplacement64 = offset;
            _instruction.MemoryDisplSize = narrow ? 4 : 8;
            return;
        }

        Reach(offset, narrow);
    }

    private ulong _target;

    private static bool IsCanonical(ulong address) => (ulong)((long)(address << 16) >> 16) == address;

    /// <summary>Chooses a segment prefix; FS and GS get a base from which the target can be reached.</summary>
    private ulong SegmentBase(ulong target, bool narrow)
    {
        int which = _chance.Below(100);
        if (which >= 24)
            return 0;
        if (which >= 20)
        {
            _instruction.SegmentPrefix = _chance.Of<Register>([Register.ES, Register.CS, Register.SS, Register.DS]);
            return 0;
        }

        ulong segmentBase = _chance.Percent(50) || narrow
            ? (target & 0x3fffffff) - (ulong)_chance.Below(0x1000)
            : _chance.Next() >> 18;
        if (segmentBase >= 0x7fff_ffff_f000)
            segmentBase = 0;
        if (which < 10)
        {
            _instruction.SegmentPrefix = Register.FS;
            State.FsBase = segmentBase;
        }
        else
        {
            _instruction.SegmentPrefix = Register.GS;
            State.GsBase = segmentBase;
        }

        return segmentBase;
    }

    /// <summary>Picks base, index, scale and displacement, and the register values with which they give the offset.</summary>
    private void Reach(ulong offset, bool narrow)
    {
        int form = _chance.Below(100);
        bool fits = narrow || offset == (ulong)(int)offset;
        if (form < 8 && fits)
        {
            _instruction.MemoryDisplacement64 = offset;
            _instruction.MemoryDisplSize = narrow ? 4 : 8;
            return;
        }

        if (form < 18 && offset - Arena.Code + 0x4000_0000 < 0x7000_0000)
        {
            _instruction.MemoryBase = narrow ? Register.EIP : Register.RIP;
            _instruction.MemoryDisplacement64 = offset;
            _instruction.MemoryDisplSize = narrow ? 4 : 8;
            return;
        }

        int displacement = 0;
        if (form >= 40)
            displacement = (form & 1) == 0 ? (sbyte)_chance.Next() : (int)_chance.Next();
        int scale = 1 << _chance.Below(4);
        if (form is >= 18 and < 26 && !narrow)
        {
            // Index and displacement alone.
            int index = IndexRegister();
            displacement = (int)_chance.Next();
            displacement = (displacement & ~7) | (int)(offset & 7);
            SetAddressRegister(index, (ulong)((long)(offset - (ulong)displacement) / scale), narrow: false);
            _instruction.MemoryIndex = Wide[index];
            _instruction.MemoryIndexScale = scale;
            _instruction.MemoryDisplacement64 = (ulong)displacement;
            _instruction.MemoryDisplSize = 8;
            return;
        }

        int @base = _chance.Below(16);
        ulong rest = offset - (ulong)displacement;
        if (form is < 30 or >= 60)
        {
            int index = IndexRegister();
            if (index != @base)
            {
                ulong value = Seeds.Integer(ref _chance);
                SetAddressRegister(index, value, narrow: false);
                rest -= value * (ulong)scale;
                _instruction.MemoryIndex = narrow ? Wide[index] - (Register.RAX - Register.EAX) : Wide[index];
                _instruction.MemoryIndexScale = scale;
            }
        }

        SetAddressRegister(@base, rest, narrow);
        _instruction.MemoryBase = narrow ? Wide[@base] - (Register.RAX - Register.EAX) : Wide[@base];
        _instruction.MemoryDisplacement64 = narrow ? (uint)displacement : (ulong)displacement;
        _instruction.MemoryDisplSize = displacement == 0 && form < 40 ? 0 : displacement == (sbyte)displacement ? 1 : narrow ? 4 : 8;
    }

    /// <summary>A base and a vector of indices, from which each element's address comes.</summary>
    private void SetGather(int i, OpCodeOperandKind kind)
    {
        // A trap may come after a part of the elements.
        State.Rflags &= ~0x100UL;
        int lane = kind is OpCodeOperandKind.mem_vsib64x or OpCodeOperandKind.mem_vsib64y ? 8 : 4;
        int bytes = kind is OpCodeOperandKind.mem_vsib32y or OpCodeOperandKind.mem_vsib64y ? 32 : 16;
        int scale = 1 << _chance.Below(4);
        int displacement = _chance.Below(3) switch { 0 => 0, 1 => (sbyte)_chance.Next(), _ => (int)_chance.Next() };
        bool narrow = _chance.Percent(8);
        int vector = VectorRegister(i), general = _chance.Below(16);
        ulong near = Arena.Data + (ulong)_chance.Below(0x8000);
        bool hasBase = displacement != 0 && !narrow ? _chance.Percent(90) : true;
        if (!hasBase)
            displacement = (int)near;
        ulong segmentBase = SegmentBase(near, narrow);
        ulong from = hasBase ? near - segmentBase - (ulong)(long)displacement : 0;
        _instruction.SetOpKind(i, OpKind.Memory);
        if (hasBase)
        {
            SetAddressRegister(general, from, narrow);
            _instruction.MemoryBase = narrow ? Wide[general] - (Register.RAX - Register.EAX) : Wide[general];
        }

        _instruction.MemoryIndex = (bytes == 32 ? Register.YMM0 : Register.XMM0) + vector;
        _instruction.MemoryIndexScale = scale;
        _instruction.MemoryDisplacement64 = narrow ? (uint)displacement : (ulong)(long)displacement;
        _instruction.MemoryDisplSize = hasBase && displacement == 0 ? 0 : hasBase && displacement == (sbyte)displacement ? 1 : narrow ? 4 : 8;
        // Of several that fault, the processor may choose.
        int odd = _chance.Percent(25) ? _chance.Below(bytes / lane) : -1;
        for (int n = 0; n < bytes / lane; n++)
        {
            ulong target = n != odd ? Plain((ulong)_form.MemoryBytes) : Place(_form.MemoryBytes, 1, 20);
            // AMD checks the effective address too, Intel only the linear one.
            if (IsCanonical(target - segmentBase) != IsCanonical(target))
                target = Plain((ulong)_form.MemoryBytes);
            ulong index = (ulong)((long)(target - segmentBase - from - (ulong)(long)displacement) / scale);
            SetVectorBytes(vector, n * lane, lane, index);
        }
    }

    private void SetVectorBytes(int register, int at, int count, ulong value)
    {
        ref ulong word = ref (at < 16 ? ref State.Xmm((2 * register) + (at >> 3)) : ref State.YmmHigh((2 * register) + ((at - 16) >> 3)));
        word = count == 8 ? value : (at & 4) == 0 ? (word & ~0xffffffffUL) | (uint)value : (word & 0xffffffff) | (value << 32);
    }

    private int IndexRegister()
    {
        int index = _chance.Below(16);
        return index == 4 ? 3 : index;
    }

    private void SetAddressRegister(int register, ulong value, bool narrow) =>
        State.Gpr[register] = narrow ? (uint)value | (_chance.Next() << 32) : value;

    /// <summary>Fills the memory that the operand covers with values of its kind.</summary>
    private void SeedMemory(ulong target)
    {
        Span<byte> bytes = stackalloc byte[_form.MemoryBytes];
        Seeds.Fill(ref _chance, bytes, _form.Elements);
        switch (_form.Mnemonic)
        {
            case Mnemonic.Fxrstor or Mnemonic.Fxrstor64 or Mnemonic.Xrstor or Mnemonic.Xrstor64:
                Seeds.Fill(ref _chance, bytes[32..], ElementKind.Mixed);
                for (int i = 0; i < 8; i++)
                    Seeds.Fill(ref _chance, bytes.Slice(32 + (16 * i), 10), ElementKind.Extended);
                ushort control = Seeds.Fcw(ref _chance);
                BitConverter.TryWriteBytes(bytes, control);
                BitConverter.TryWriteBytes(bytes[2..], Seeds.Fsw(ref _chance, control));
                BitConverter.TryWriteBytes(bytes[24..], _chance.Percent(95) ? Seeds.Mxcsr(ref _chance) : (uint)_chance.Next());
                if (bytes.Length > 512)
                {
                    bytes[512..].Clear();
                    bytes[512] = (byte)_chance.Below(8);
                    if (_chance.Percent(35))
                    {
                        // The compacted form, mostly with the components that are there.
                        bytes[520] = _chance.Percent(80) ? (byte)(bytes[512] | _chance.Below(8)) : (byte)_chance.Below(8);
                        bytes[527] = 0x80;
                    }

                    // State components that no processor has, and the reserved part of the header.
                    if (_chance.Percent(10))
                        bytes[_chance.Percent(30) ? 515 + _chance.Below(5) : 522 + _chance.Below(23)] = (byte)_chance.Next();
                }

                break;
            case Mnemonic.Ldmxcsr or Mnemonic.Vldmxcsr:
                BitConverter.TryWriteBytes(bytes, _chance.Percent(85) ? (uint)_chance.Below(0x10000) : (uint)_chance.Next());
                break;
            case Mnemonic.Jmp or Mnemonic.Call:
                BranchTarget(bytes);
                break;
            case Mnemonic.Frstor or Mnemonic.Fldenv or Mnemonic.Fldcw:
                ushort fcw = Seeds.Fcw(ref _chance);
                BitConverter.TryWriteBytes(bytes, fcw);
                if (bytes.Length >= 8)
                    BitConverter.TryWriteBytes(bytes[(bytes.Length is 14 or 94 ? 2 : 4)..], Seeds.Fsw(ref _chance, fcw));
                break;
            case Mnemonic.Lfs or Mnemonic.Lgs or Mnemonic.Lss:
                BitConverter.TryWriteBytes(bytes[^2..], Selector());
                break;
            case Mnemonic.Mov or Mnemonic.Verr or Mnemonic.Verw or Mnemonic.Lar or Mnemonic.Lsl when IsAboutSelectors():
                BitConverter.TryWriteBytes(bytes, Selector());
                break;
        }

        _instance->AddPatch(target, bytes);
    }
}
