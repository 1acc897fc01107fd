using Iced.Intel;
using Vitrine.Abi;
using Vitrine.Cpu.Tests.Judge;
using static Iced.Intel.AssemblerRegisters;

namespace Vitrine.Cpu.Tests.Behaviour;

/// <summary>
/// A random program of two nested loops whose instructions access memory by many ways: several bases that move, indices, the stack, fixed
/// places; on pages whose frames are in a row and on others, across their ends, on pages that may not be written or aren't there.
/// The same seed makes the same program.
/// </summary>
internal sealed unsafe class AddressProgram
{
    /// <summary>The pages that it accesses; the last one is never there.</summary>
    public const ulong Area = 0x70_0000;
    public const int Pages = 12;

    /// <summary>Where its stack begins: by a page's end.</summary>
    private const ulong Stack = GuestProgram.Data + Page.Size + 24;

    /// <summary>The outer loop's counter, out of the other instructions' reach.</summary>
    private const ulong Rounds = GuestProgram.Data + 16;

    private const int ReadOnlyPage = 6, AbsentPage = 7;

    private static readonly AssemblerRegister64[] Bases = [rbx, rsi, rdi, rbp, r9, r12, r13];
    private static readonly AssemblerRegister64[] Indices = [rdx, r14];
    private static readonly AssemblerRegister64[] Values = [rax, r8, r10, r11, r15, r14, rdx];
    private static readonly AssemblerRegister32[] Values32 = [eax, r8d, r10d, r11d, r15d, r14d, edx];
    private static readonly AssemblerRegister16[] Values16 = [ax, r8w, r10w, r11w, r15w, r14w, dx];
    private static readonly AssemblerRegister8[] Values8 = [al, r8b, r10b, r11b, r15b, r14b, dl];
    private static readonly AssemblerRegisterXMM[] Vectors = [xmm0, xmm1, xmm5, xmm12, xmm14];
    private static readonly AssemblerRegisterYMM[] WideVectors = [ymm0, ymm1, ymm5, ymm12, ymm14];

    private readonly Random _random;
    private readonly bool _keepsToOnePart;

    public AddressProgram(int seed)
    {
        _random = new Random(seed);
        _keepsToOnePart = _random.Next(2) == 0;
        Code = GuestProgram.Assemble(GuestProgram.Code, Write);
    }

    public byte[] Code { get; }

    public void Load(GuestProgram guest)
    {
        GuestSpace space = guest.Space;
        const Pte Ordinary = Pte.Writable | Pte.NoExecute;
        for (ulong page = 0; page < Pages; page++)
        {
            PageFrameNumber frame = space.AllocateFrame();

            // Two pages have each other's frames.
            ulong at = page is 4 or 5 ? 9 - page : page;
            if (page is not (AbsentPage or Pages - 1))
                space.Map(Area + (at << Page.Shift), page == ReadOnlyPage ? Pte.NoExecute : Ordinary, frame);
        }

        var random = new Random(Code.Length);
        for (ulong word = 0; word < (Pages - 1) * Page.Size; word += 8)
        {
            if (*space.Entry(Area + word) != 0)
                *(long*)space.Host(Area + word) = random.Next(4) == 0 ? random.NextInt64() : random.Next(-100, 100);
        }

        space.Write(GuestProgram.Code, Code);
        RegisterFile* registers = guest.Registers;
        registers->Reset();
        for (int i = 0; i < 16; i++)
            registers->Gpr[i] = (ulong)random.Next(64);
        foreach (int i in (ReadOnlySpan<int>)[3, 5, 6, 7, 9, 12, 13])
            registers->Gpr[i] = Area + 0x800;
        registers->Gpr[4] = Stack;
        registers->Rip = GuestProgram.Code;
    }

    private void Write(Assembler c)
    {
        Label outer = c.CreateLabel(), inner = c.CreateLabel(), function = c.CreateLabel(), start = c.CreateLabel();
        c.jmp(start);
        c.Label(ref function);
        int saved = _random.Next(6);
        for (int i = 0; i < saved; i++)
            c.push(Bases[i]);
        WriteBody(c, 4);
        for (int i = saved - 1; i >= 0; i--)
            c.pop(Bases[i]);
        c.ret();
        c.Label(ref start);
        c.mov(__qword_ptr[Rounds], _random.Next(2, 6));
        c.Label(ref outer);
        foreach (AssemblerRegister64 pointer in Bases)
        {
            if (_random.Next(2) == 0)
                WriteBase(c, pointer);
        }

        WriteBody(c, _random.Next(8));
        c.mov(ecx, _random.Next(1, 12));
        c.Label(ref inner);
        WriteBody(c, _random.Next(2, 14));
        if (_random.Next(3) == 0)
            c.call(function);
        c.dec(ecx);
        c.jne(inner);
        WriteBody(c, _random.Next(8));
        c.sub(__qword_ptr[Rounds], 1);
        c.jne(outer);
        c.int3();
    }

    private void WriteBody(Assembler c, int instructions)
    {
        for (int i = 0; i < instructions; i++)
        {
            if (_random.Next(7) == 0)
            {
                Label skip = c.CreateLabel();
                switch (_random.Next(4))
                {
                    case 0: c.je(skip); break;
                    case 1: c.jb(skip); break;
                    case 2: c.jl(skip); break;
                    default: c.jns(skip); break;
                }

                WriteInstruction(c);
                c.Label(ref skip);
            }

            WriteInstruction(c);
        }

        c.nop();
    }

    /// <summary>Lets a base point somewhere: often near a page's end.</summary>
    private void WriteBase(Assembler c, AssemblerRegister64 pointer)
    {
        ulong page = (ulong)(_keepsToOnePart || _random.Next(3) != 0 ? _random.Next(4) : _random.Next(Pages - 1));
        int offset = _random.Next(3) == 0 ? _random.Next(512, 3500) : (int)Page.Size - _random.Next(160);
        c.mov(pointer, Area + (page << Page.Shift) + ((ulong)offset & (_random.Next(3) == 0 ? ulong.MaxValue : ~15UL)));
    }

    private AssemblerMemoryOperand Operand()
    {
        AssemblerRegister64 pointer = Bases[_random.Next(_random.Next(2) == 0 ? 2 : Bases.Length)];
        int displacement = _random.Next(-8, 24) * (_random.Next(8) == 0 ? 5 : 8);
        return _random.Next(12) switch
        {
            0 => pointer + (Indices[_random.Next(2)] * 1) + displacement,
            1 => pointer + (Indices[_random.Next(2)] * 4) + displacement,
            2 => pointer + (Indices[_random.Next(2)] * 8) + displacement,
            3 => rsp + (_random.Next(-8, 8) * 8),
            4 => __[Area + (ulong)(_random.Next(3, 5) * 0x800) + (ulong)(_random.Next(8) * 8)],
            _ => pointer + displacement,
        };
    }

    private void WriteInstruction(Assembler c)
    {
        int a = _random.Next(Values.Length), b = _random.Next(Values.Length), v = _random.Next(Vectors.Length);
        AssemblerMemoryOperand at = Operand();
        AssemblerRegister64 pointer = Bases[_random.Next(Bases.Length)];
        switch (_random.Next(54))
        {
            case 0 or 1 or 2 or 3: c.mov(Values[a], __qword_ptr[at]); break;
            case 4 or 5 or 6: c.mov(__qword_ptr[at], Values[a]); break;
            case 7: c.mov(Values32[a], __dword_ptr[at]); break;
            case 8: c.mov(__dword_ptr[at], Values32[a]); break;
            case 9: c.movzx(Values32[a], __byte_ptr[at]); break;
            case 10: c.mov(__byte_ptr[at], Values8[a]); break;
            case 11: c.mov(__word_ptr[at], Values16[a]); break;
            case 12: c.add(Values[a], __qword_ptr[at]); break;
            case 13: c.add(__dword_ptr[at], Values32[a]); break;
            case 14: c.cmp(Values[a], __qword_ptr[at]); break;
            case 15: c.cmp(__byte_ptr[at], _random.Next(-128, 128)); break;
            case 16: c.test(__qword_ptr[at], Values[a]); break;
            case 17: c.inc(__dword_ptr[at]); break;
            case 18: c.neg(__qword_ptr[at]); break;
            case 19: c.shl(__dword_ptr[at], 3); break;
            case 20: c.xchg(__qword_ptr[at], Values[a]); break;
            case 21: c.cmpxchg(__qword_ptr[at], Values[a]); break;
            case 22: c.xadd(__dword_ptr[at], Values32[a]); break;
            case 23: c.@lock.add(__qword_ptr[at], Values[a]); break;
            case 24: c.setb(__byte_ptr[at]); break;
            case 25: c.cmovl(Values32[a], __dword_ptr[at]); break;
            case 26: c.imul(Values[a], __qword_ptr[at], 7); break;
            case 27: c.movups(Vectors[v], __xmmword_ptr[at]); break;
            case 28: c.movups(__xmmword_ptr[at], Vectors[v]); break;
            case 29: c.vmovdqu(WideVectors[v], __ymmword_ptr[at]); break;
            case 30: c.vmovdqu(__ymmword_ptr[at], WideVectors[v]); break;
            case 31: c.movq(Vectors[v], __qword_ptr[at]); break;
            case 32: c.paddd(Vectors[v], Vectors[(v + 1) % Vectors.Length]); break;
            case 33: c.andn(Values[a], Values[b], __qword_ptr[at]); break;
            case 34: c.mulx(Values[a], Values[b], __qword_ptr[at]); break;
            case 35: c.add(pointer, _random.Next(-4, 5) * 8); break;
            case 36: c.sub(pointer, _random.Next(-3, 4) * 16); break;
            case 37: c.lea(pointer, __[pointer + (_random.Next(-4, 5) * 8)]); break;
            case 38: c.inc(pointer); break;
            case 39: c.mov(pointer, Bases[_random.Next(Bases.Length)]); break;
            case 40: WriteBase(c, pointer); break;
            case 41: c.and(edx, 31); break;
            case 42: c.mov(r14d, _random.Next(24)); break;
            case 43: c.push(Values[a]); c.push(__qword_ptr[at]); c.pop(Values[b]); c.pop(Values[a]); break;
            case 44: c.push(r12); c.push(r13); c.mov(Values[a], __qword_ptr[rsp + 8]); c.pop(r13); c.pop(r12); break;
            case 45: c.mov(Values32[a], Values32[b]); c.ror(Values32[a], (byte)_random.Next(1, 32)); break;
            case 46: c.xor(Values32[a], Values32[b]); break;
            case 47: c.lea(Values[a], __[Values[b] + (Values[a] * 2) + 5]); break;
            case 48: c.sub(Values[a], Values[b]); break;
            case 49: c.movzx(Values32[a], Values8[b]); c.bswap(Values[a]); break;
            case 50: c.add(Values[a], _random.Next(-1000, 1000)); c.not(Values[a]); break;
            case 51 when _random.Next(6) == 0: c.movaps(Vectors[v], __xmmword_ptr[at]); break;
            case 52: c.movaps(__xmmword_ptr[rsp - 0x48], Vectors[v]); c.movaps(Vectors[v], __xmmword_ptr[rsp - 0x28]); break;
            default: c.cmp(Values32[a], Values32[b]); break;
        }
    }
}
