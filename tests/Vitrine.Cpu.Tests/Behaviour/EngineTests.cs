using Iced.Intel;
using Vitrine.Abi;
using Vitrine.Cpu.Tests.Judge;
using static Iced.Intel.AssemblerRegisters;

namespace Vitrine.Cpu.Tests.Behaviour;

/// <summary>Interpreter and translator run the same random programs of nested loops: registers, flags, memory and counts are the same.</summary>
public sealed unsafe class EngineTests
{
    private static readonly int Programs = Environment.GetEnvironmentVariable("VITRINE_LONG_TESTS") == "1" ? 40_000 : 2_000;

    private static readonly AssemblerRegister64[] Registers = [rax, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14];
    private static readonly AssemblerRegister32[] Registers32 = [eax, edx, ebx, ebp, esi, edi, r8d, r9d, r10d, r11d, r12d, r13d, r14d];
    private static readonly AssemblerRegister16[] Registers16 = [ax, dx, bx, bp, si, di, r8w, r9w, r10w, r11w, r12w, r13w, r14w];
    private static readonly AssemblerRegister8[] Registers8 = [al, dl, bl, bpl, sil, dil, r8b, r9b, r10b, r11b, r12b, r13b, r14b];

    [Fact]
    public void RandomLoops_EndAlikeInBothEngines()
    {
        for (int seed = 0; seed < Programs; seed++)
        {
            byte[] code = GuestProgram.Assemble(GuestProgram.Code, c => WriteProgram(c, new Random(seed)));
            (RegisterFile expected, byte[] memory, ulong retired) = Run(code, default, seed);
            foreach (TranslationPolicy policy in new[] { TranslationPolicy.AtOnce, new TranslationPolicy(3) })
            {
                (RegisterFile registers, byte[] after, ulong count) = Run(code, policy, seed);
                for (int i = 0; i < 16; i++)
                    Assert.True(expected.Gpr[i] == registers.Gpr[i], $"program {seed}: register {i} is {registers.Gpr[i]:x}, not {expected.Gpr[i]:x}");
                Assert.True(expected.Rflags == registers.Rflags, $"program {seed}: flags are {registers.Rflags:x}, not {expected.Rflags:x}");
                Assert.True(expected.Rip == registers.Rip, $"program {seed}: RIP is {registers.Rip:x}, not {expected.Rip:x}");
                Assert.True(retired == count, $"program {seed}: {count} instructions are counted, not {retired}");
                Assert.True(memory.AsSpan().SequenceEqual(after), $"program {seed}: memory differs");
            }
        }
    }

    /// <summary>Runs of random lengths end where their limits are, in the same state, and lead to the same end as one run.</summary>
    [Fact]
    public void RandomLoops_StopExactlyAtTheirLimits()
    {
        for (int seed = 0; seed < Programs / 20; seed++)
        {
            byte[] code = GuestProgram.Assemble(GuestProgram.Code, c => WriteProgram(c, new Random(seed), rounds: 400));
            (RegisterFile expected, byte[] memory, ulong retired) = Run(code, default, seed);
            List<ulong>? stops = null;
            foreach (TranslationPolicy policy in new[] { default, TranslationPolicy.AtOnce, new TranslationPolicy(3) })
            {
                List<ulong> seen = [];
                (RegisterFile registers, byte[] after, ulong count) = Run(code, policy, seed, seen);
                stops ??= seen;
                Assert.True(stops.SequenceEqual(seen), $"program {seed}: stopped in other states");
                Assert.Equal((retired, expected.Rip, expected.Rflags), (count, registers.Rip, registers.Rflags));
                Assert.True(memory.AsSpan().SequenceEqual(after), $"program {seed}: memory differs");
            }
        }
    }

    private static (RegisterFile Registers, byte[] Memory, ulong Retired) Run(byte[] code, TranslationPolicy policy, int seed, List<ulong>? stops = null)
    {
        using var guest = new GuestProgram(2, translation: policy);
        guest.Space.Write(GuestProgram.Code, code);
        var random = new Random(seed);
        for (int i = 0; i < 16; i++)
            guest.Registers->Gpr[i] = (ulong)random.NextInt64() >> random.Next(64);
        guest.Registers->Gpr[4] = GuestProgram.StackTop - 256;
        guest.Registers->Gpr[15] = GuestProgram.Data + 0x800;
        guest.Registers->Rip = GuestProgram.Code;
        if (stops is not null)
            guest.Processor.Limit = 0;
        CpuExit exit = guest.Run();
        while (exit.Kind == CpuExitKind.LimitReached)
        {
            Assert.Equal(guest.Processor.Limit, guest.Processor.InstructionsRetired);
            stops!.Add(guest.Registers->Rip);
            stops.Add(guest.Registers->Rflags);
            for (int i = 0; i < 16; i++)
                stops.Add(guest.Registers->Gpr[i]);
            guest.Processor.Limit += (ulong)random.Next(1, random.Next(2) == 0 ? 200 : 20_000);
            exit = guest.Run();
        }

        Assert.Equal(CpuExitKind.Exception, exit.Kind);
        byte[] memory = new Span<byte>(guest.Space.Host(GuestProgram.Data), 4096).ToArray();
        return (*guest.Registers, memory, guest.Processor.InstructionsRetired);
    }

    /// <summary>Two nested loops, the counters in memory and in RCX, with forward jumps and calls among random instructions.</summary>
    private static void WriteProgram(Assembler c, Random random, int rounds = 5)
    {
        Label outer = c.CreateLabel(), function = c.CreateLabel(), start = c.CreateLabel();
        c.jmp(start);
        c.Label(ref function);
        WriteBody(c, random, 3);
        c.ret();
        c.Label(ref start);
        c.mov(__dword_ptr[r15 + 256], rounds);
        c.Label(ref outer);
        WriteBody(c, random, random.Next(6));
        c.mov(ecx, random.Next(1, 6));
        Label inner = c.CreateLabel();
        c.Label(ref inner);
        WriteBody(c, random, random.Next(1, 10));
        if (random.Next(3) == 0)
            c.call(function);
        switch (random.Next(4))
        {
            case 0: c.dec(ecx); c.jne(inner); break;
            case 1: c.sub(rcx, 1); c.ja(inner); break;
            case 2: c.add(cl, 255); c.test(ecx, ecx); c.jg(inner); break;
            default: c.dec(cl); c.cmp(ecx, 1); c.jge(inner); break;
        }

        WriteBody(c, random, random.Next(6));
        if (random.Next(2) == 0)
        {
            c.sub(__dword_ptr[r15 + 256], 1);
            c.jne(outer);
        }
        else
        {
            c.dec(__dword_ptr[r15 + 256]);
            c.jg(outer);
        }

        c.int3();
    }

    private static void WriteBody(Assembler c, Random random, int instructions)
    {
        for (int i = 0; i < instructions; i++)
        {
            if (random.Next(6) == 0)
            {
                Label skip = c.CreateLabel();
                WriteJump(c, random, skip);
                WriteInstruction(c, random);
                c.Label(ref skip);
            }

            WriteInstruction(c, random);
        }

        c.nop();
    }

    private static void WriteJump(Assembler c, Random random, Label to)
    {
        switch (random.Next(8))
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

    private static void WriteInstruction(Assembler c, Random random)
    {
        int a = random.Next(Registers.Length), b = random.Next(Registers.Length);
        AssemblerMemoryOperand memory = r15 + (random.Next(24) * 8);
        int number = random.Next(3) == 0 ? random.Next(-128, 128) : random.Next();
        switch (random.Next(40))
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
            case 17: c.shl(Registers[a], (byte)random.Next(1, 64)); break;
            case 18: c.sar(Registers32[a], 1); break;
            case 19: c.shr(Registers[a], cl); break;
            case 20: c.rol(Registers32[a], (byte)random.Next(1, 32)); break;
            case 21: c.ror(Registers[a], 1); break;
            case 22: c.imul(Registers[a], Registers[b]); break;
            case 23: c.mul(Registers32[a]); break;
            case 24: c.setl(Registers8[a]); break;
            case 25: c.cmovb(Registers[a], Registers[b]); break;
            case 26: c.cmovle(Registers32[a], __dword_ptr[memory]); break;
            case 27: c.mov(__qword_ptr[memory], Registers[a]); break;
            case 28: c.mov(Registers32[a], __dword_ptr[memory]); break;
            case 29: c.movzx(Registers32[a], __byte_ptr[memory]); break;
            case 30: c.lea(Registers[a], __[Registers[b] + (random.Next(100) * 4)]); break;
            case 31: c.add(__qword_ptr[memory], Registers[a]); break;
            case 32: c.sub(__word_ptr[memory], Registers16[a]); break;
            case 33: c.inc(__dword_ptr[memory]); break;
            case 34: c.bt(Registers[a], Registers[b]); break;
            case 35: c.xchg(Registers[a], Registers[b]); break;
            case 36: c.cmpxchg(__qword_ptr[memory], Registers[a]); break;
            case 37: c.xadd(Registers32[a], Registers32[b]); break;
            case 38: c.mov(rsi, r15); c.lodsd(); break;
            default: c.rcl(Registers32[a], 3); break;
        }
    }
}
