using System.Runtime.InteropServices;
using Iced.Intel;
using Vitrine.Abi;
using static Iced.Intel.AssemblerRegisters;

namespace Vitrine.Cpu.Tests.Behaviour;

/// <summary>What random loops consist of, besides integer instructions with operands in registers and memory.</summary>
[Flags]
internal enum LoopTraits
{
    None = 0,

    /// <summary>SSE, AVX and x87, with changes of rounding, precision and denormals' treatment.</summary>
    Vectors = 1,

    /// <summary>Exceptions of SSE and x87 are unmasked now and then.</summary>
    Unmasks = 2,

    /// <summary>Instructions change immediates of others.</summary>
    ChangesCode = 4,
}

/// <summary>
/// A random program of two nested loops, the counters in memory and in RCX, with forward jumps and calls among random
/// instructions; it ends at an INT3, or at an exception that it has unmasked. The same seed makes the same program.
/// </summary>
internal sealed unsafe class LoopProgram
{
    /// <summary>The memory that its instructions use: a page at R15 - 0x800.</summary>
    public const ulong Operands = GuestProgram.Data + 0x800;

    private const int Counter = 256, Controls = 512, ControlCount = 8;

    private static readonly AssemblerRegister64[] Registers = [rax, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14];
    private static readonly AssemblerRegister32[] Registers32 = [eax, edx, ebx, ebp, esi, edi, r8d, r9d, r10d, r11d, r12d, r13d, r14d];
    private static readonly AssemblerRegister16[] Registers16 = [ax, dx, bx, bp, si, di, r8w, r9w, r10w, r11w, r12w, r13w, r14w];
    private static readonly AssemblerRegister8[] Registers8 = [al, dl, bl, bpl, sil, dil, r8b, r9b, r10b, r11b, r12b, r13b, r14b];
    private static readonly AssemblerRegisterXMM[] Vectors = [xmm0, xmm1, xmm2, xmm3, xmm7, xmm9, xmm15];
    private static readonly AssemblerRegisterYMM[] WideVectors = [ymm0, ymm1, ymm2, ymm3, ymm7, ymm9, ymm15];

    private readonly int _seed;
    private readonly LoopTraits _traits;
    private readonly int _rounds;
    private readonly List<Label> _changeable = [];
    private Random _random;

    public LoopProgram(int seed, LoopTraits traits = LoopTraits.None, int rounds = 5)
    {
        (_seed, _traits, _rounds) = (seed, traits, rounds);
        _random = new Random(seed);
        Code = GuestProgram.Assemble(GuestProgram.Code, Write);
    }

    public byte[] Code { get; }

    /// <summary>Where its instructions begin.</summary>
    public HashSet<ulong> Boundaries()
    {
        var boundaries = new HashSet<ulong>();
        var decoder = Decoder.Create(64, Code);
        decoder.IP = GuestProgram.Code;
        while (decoder.IP < GuestProgram.Code + (ulong)Code.Length)
            boundaries.Add(decoder.Decode().IP);
        return boundaries;
    }

    /// <summary>Puts the program, its registers and its memory into a guest.</summary>
    public void Load(GuestProgram guest)
    {
        guest.Space.Write(GuestProgram.Code, Code);
        _random = new Random(_seed);
        RegisterFile* registers = guest.Registers;
        registers->Reset();
        for (int i = 0; i < 16; i++)
            registers->Gpr[i] = (ulong)_random.NextInt64() >> _random.Next(64);
        registers->Gpr[4] = GuestProgram.StackTop - 256;
        registers->Gpr[15] = Operands;
        registers->Rip = GuestProgram.Code;
        var memory = new Span<byte>(guest.Space.Host(GuestProgram.Data), (int)Page.Size);
        memory.Clear();
        if ((_traits & LoopTraits.Vectors) == 0)
            return;

        // Numbers of moderate size: most results are ordinary, some are not.
        Span<double> numbers = MemoryMarshal.Cast<byte, double>(memory.Slice(0x800, Counter));
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = (_random.NextDouble() - 0.5) * Math.Pow(2, _random.Next(-40, 40));
        for (int i = 0; i < 64; i++)
            registers->Ymm[i] = BitConverter.DoubleToUInt64Bits((_random.NextDouble() - 0.5) * Math.Pow(2, _random.Next(-40, 40)));
        for (int i = 0; i < ControlCount; i++)
        {
            int masks = (_traits & LoopTraits.Unmasks) != 0 && _random.Next(3) == 0 ? _random.Next(64) : 0x3f;
            BitConverter.TryWriteBytes(memory[(0x800 + Controls + (4 * i))..], masks << 7 | _random.Next(4) << 13 | (_random.Next(4) == 0 ? 0x8040 : 0));
            BitConverter.TryWriteBytes(memory[(0x800 + Controls + 64 + (4 * i))..], (short)(masks | 0x40 | _random.Next(4) << 10 | (_random.Next(3) is var p && p > 0 ? p + 1 : 0) << 8));
        }
    }

    private void Write(Assembler c)
    {
        Label outer = c.CreateLabel(), function = c.CreateLabel(), start = c.CreateLabel();
        c.jmp(start);
        if ((_traits & LoopTraits.ChangesCode) != 0)
            WriteChangeable(c);
        c.Label(ref function);
        WriteBody(c, 3);
        c.ret();
        c.Label(ref start);
        c.mov(__dword_ptr[r15 + Counter], _rounds);
        c.Label(ref outer);
        WriteBody(c, _random.Next(6));
        c.mov(ecx, _random.Next(1, 6));
        Label inner = c.CreateLabel();
        c.Label(ref inner);
        WriteBody(c, _random.Next(1, 10));
        if (_random.Next(3) == 0)
            c.call(function);
        switch (_random.Next(4))
        {
            case 0: c.dec(ecx); c.jne(inner); break;
            case 1: c.sub(rcx, 1); c.ja(inner); break;
            case 2: c.add(cl, 255); c.test(ecx, ecx); c.jg(inner); break;
            default: c.dec(cl); c.cmp(ecx, 1); c.jge(inner); break;
        }

        WriteBody(c, _random.Next(6));
        if (_random.Next(2) == 0)
        {
            c.sub(__dword_ptr[r15 + Counter], 1);
            c.jne(outer);
        }
        else
        {
            c.dec(__dword_ptr[r15 + Counter]);
            c.jg(outer);
        }

        c.int3();
    }

    private void WriteBody(Assembler c, int instructions)
    {
        for (int i = 0; i < instructions; i++)
        {
            if (_random.Next(6) == 0)
            {
                Label skip = c.CreateLabel();
                WriteJump(c, skip);
                WriteInstruction(c);
                c.Label(ref skip);
            }

            WriteInstruction(c);
        }

        c.nop();
    }

    private void WriteJump(Assembler c, Label to)
    {
        switch (_random.Next(8))
        {
            case 0: c.je(to); break;
            case 1: c.jb(to); break;
            case 2: c.jl(to); break;
            case 3: c.jle(to); break;
            case 4: c.js(to); break;
            case 5: c.jp(to); break;
            case 6: c.jo(to); break;
            default: c.ja(to); break;
        }
    }

    private void WriteInstruction(Assembler c)
    {
        if ((_traits & LoopTraits.Vectors) != 0 && _random.Next(3) != 0)
            WriteVector(c);
        else if ((_traits & LoopTraits.ChangesCode) != 0 && _random.Next(5) == 0)
            WriteChange(c);
        else
            WriteInteger(c);
    }

    /// <summary>An instruction of two bytes with an immediate of four behind them.</summary>
    private void WriteChangeable(Assembler c)
    {
        // The place may have a label already.
        c.nop();
        Label label = c.CreateLabel();
        c.Label(ref label);
        c.add(ebx, _random.Next(1 << 20, 1 << 30));
        _changeable.Add(label);
    }

    /// <summary>Another immediate for a changeable instruction, before or after it or in the same block; or one more of those.</summary>
    private void WriteChange(Assembler c)
    {
        if (_random.Next(3) == 0)
        {
            WriteChangeable(c);
            return;
        }

        Label target = _random.Next(2) == 0 ? c.CreateLabel() : _changeable[_random.Next(_changeable.Count)];
        c.lea(rsi, __qword_ptr[target]);
        c.mov(__dword_ptr[rsi + 2], Registers32[_random.Next(Registers32.Length)]);
        if (_changeable.Contains(target))
            return;
        c.Label(ref target);
        c.add(ebx, 1 << 25);
        _changeable.Add(target);
    }

    private void WriteInteger(Assembler c)
    {
        int a = _random.Next(Registers.Length), b = _random.Next(Registers.Length);
        AssemblerMemoryOperand memory = r15 + (_random.Next(24) * 8);
        int number = _random.Next(3) == 0 ? _random.Next(-128, 128) : _random.Next();
        switch (_random.Next(42))
        {
            case 0: c.add(Registers[a], Registers[b]); break;
            case 1: c.add(Registers32[a], number); break;
            case 2: c.sub(Registers32[a], Registers32[b]); break;
            case 3: c.sub(Registers[a], number); break;
            case 4: c.cmp(Registers8[a], Registers8[b]); break;
            case 5: c.cmp(Registers[a], __qword_ptr[memory]); break;
            case 6: c.cmp(__dword_ptr[memory], Registers32[a]); break;
            case 7: c.test(Registers[a], Registers[b]); break;
            case 8: c.test(Registers32[a], Registers32[a]); break;
            case 9: c.and(Registers32[a], Registers32[b]); break;
            case 10: c.or(Registers16[a], Registers16[b]); break;
            case 11: c.xor(Registers[a], __qword_ptr[memory]); break;
            case 12: c.adc(Registers[a], Registers[b]); break;
            case 13: c.sbb(Registers32[a], number); break;
            case 14: c.inc(Registers[a]); break;
            case 15: c.dec(Registers8[a]); break;
            case 16: c.neg(Registers32[a]); break;
            case 17: c.shl(Registers[a], (byte)_random.Next(1, 64)); break;
            case 18: c.sar(Registers32[a], 1); break;
            case 19: c.shr(Registers[a], cl); break;
            case 20: c.rol(Registers32[a], (byte)_random.Next(1, 32)); break;
            case 21: c.ror(Registers[a], 1); break;
            case 22: c.imul(Registers[a], Registers[b]); break;
            case 23: c.mul(Registers32[a]); break;
            case 24: c.setl(Registers8[a]); break;
            case 25: c.cmovb(Registers[a], Registers[b]); break;
            case 26: c.cmovle(Registers32[a], __dword_ptr[memory]); break;
            case 27: c.mov(__qword_ptr[memory], Registers[a]); break;
            case 28: c.mov(Registers32[a], __dword_ptr[memory]); break;
            case 29: c.movzx(Registers32[a], __byte_ptr[memory]); break;
            case 30: c.lea(Registers[a], __[Registers[b] + (_random.Next(100) * 4)]); break;
            case 31: c.add(__qword_ptr[memory], Registers[a]); break;
            case 32: c.sub(__word_ptr[memory], Registers16[a]); break;
            case 33: c.inc(__dword_ptr[memory]); break;
            case 34: c.bt(Registers[a], Registers[b]); break;
            case 35: c.xchg(Registers[a], Registers[b]); break;
            case 36: c.cmpxchg(__qword_ptr[memory], Registers[a]); break;
            case 37: c.xadd(Registers32[a], Registers32[b]); break;
            case 38: c.mov(rsi, r15); c.lodsd(); break;
            case 39: c.@lock.add(__dword_ptr[memory + _random.Next(64)], Registers32[a]); break;
            case 40:
                c.mov(r8, rcx);
                c.mov(ecx, _random.Next(12));
                c.lea(rdi, __[r15 + _random.Next(64)]);
                c.rep.stosb();
                c.mov(rcx, r8);
                break;
            default: c.rcl(Registers32[a], 3); break;
        }
    }

    private void WriteVector(Assembler c)
    {
        int a = _random.Next(Vectors.Length), b = _random.Next(Vectors.Length), d = _random.Next(Vectors.Length), r = _random.Next(Registers.Length);
        AssemblerMemoryOperand memory = r15 + (_random.Next(24) * 8);
        int control = 4 * _random.Next(ControlCount);
        switch (_random.Next(34))
        {
            case 0: c.movups(Vectors[a], __xmmword_ptr[memory]); break;
            case 1: c.movups(__xmmword_ptr[memory], Vectors[a]); break;
            case 2: c.addps(Vectors[a], Vectors[b]); break;
            case 3: c.mulsd(Vectors[a], Vectors[b]); break;
            case 4: c.subss(Vectors[a], __dword_ptr[memory]); break;
            case 5: c.divpd(Vectors[a], Vectors[b]); break;
            case 6: c.sqrtsd(Vectors[a], Vectors[b]); break;
            case 7: c.cvtsi2sd(Vectors[a], Registers[r]); break;
            case 8: c.cvttsd2si(Registers[r], Vectors[a]); break;
            case 9: c.cvtsd2ss(Vectors[a], Vectors[b]); break;
            case 10: c.cvtps2pd(Vectors[a], Vectors[b]); break;
            case 11: c.pxor(Vectors[a], Vectors[b]); break;
            case 12: c.paddd(Vectors[a], Vectors[b]); break;
            case 13: c.pshufd(Vectors[a], Vectors[b], (byte)_random.Next(256)); break;
            case 14: c.ucomisd(Vectors[a], Vectors[b]); break;
            case 15: c.movsd(__qword_ptr[memory], Vectors[a]); break;
            case 16: c.maxps(Vectors[a], Vectors[b]); break;
            case 17: c.vaddpd(WideVectors[a], WideVectors[b], WideVectors[d]); break;
            case 18: c.vmovdqu(WideVectors[a], __ymmword_ptr[memory]); break;
            case 19: c.vmovups(__ymmword_ptr[memory], WideVectors[a]); break;
            case 20: c.vfmadd231pd(WideVectors[a], WideVectors[b], WideVectors[d]); break;
            case 21: c.vmulss(Vectors[a], Vectors[b], Vectors[d]); break;
            case 22: c.vzeroupper(); break;
            case 23: c.vpaddq(WideVectors[a], WideVectors[b], __ymmword_ptr[memory]); break;
            case 24: c.movmskps(Registers32[r], Vectors[a]); break;
            case 25: c.ldmxcsr(__dword_ptr[r15 + Controls + control]); break;
            case 26: c.fldcw(__word_ptr[r15 + Controls + 64 + control]); break;
            case 27: c.stmxcsr(__dword_ptr[memory]); break;
            case 28: c.fld(__qword_ptr[memory]); break;
            case 29: c.fadd(__dword_ptr[memory]); break;
            case 30: c.fdiv(st0, st1); break;
            case 31: c.fstp(__qword_ptr[memory]); break;
            case 32: c.fistp(__dword_ptr[memory]); break;
            default: c.fmulp(st1, st0); break;
        }
    }
}
