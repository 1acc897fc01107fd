using Vitrine.Abi;
using Xunit.Abstractions;

namespace Vitrine.Cpu.Tests.Behaviour;

/// <summary>
/// Interpreter and translator run the same random programs of nested loops: registers, flags, memory and counts are the
/// same, in one go, step by step, interrupted anywhere, and with breakpoints.
/// </summary>
public sealed unsafe class EngineTests(ITestOutputHelper output)
{
    private static readonly bool IsLong = Environment.GetEnvironmentVariable("VITRINE_LONG_TESTS") == "1";
    private static readonly int Programs = IsLong ? 40_000 : 2_000;
    private static readonly int Sessions = IsLong ? 2_000 : 100;

    private static readonly TranslationPolicy[] Translating = [TranslationPolicy.AtOnce, new TranslationPolicy(3, true)];

    private const ulong TrapFlag = 0x100, ResumeFlag = 0x10000;

    [Theory]
    [InlineData((int)LoopTraits.None)]
    [InlineData((int)LoopTraits.Vectors)]
    [InlineData((int)(LoopTraits.Vectors | LoopTraits.Unmasks))]
    [InlineData((int)LoopTraits.ChangesCode)]
    public void RandomLoops_EndAlikeInBothEngines(int traits)
    {
        int programs = traits == 0 ? Programs : Programs / 4;
        for (int seed = 0; seed < programs; seed++)
        {
            var program = new LoopProgram(seed, (LoopTraits)traits);
            End expected = Run(program, default);
            foreach (TranslationPolicy policy in Translating)
                Run(program, policy).AssertEqual(expected, seed);
        }
    }

    [Theory]
    [InlineData((int)LoopTraits.None)]
    [InlineData((int)LoopTraits.Vectors)]
    [InlineData((int)LoopTraits.ChangesCode)]
    public void RandomLoops_SteppedNowAndThen_EndAlike(int traits)
    {
        for (int seed = 0; seed < Sessions; seed++)
        {
            var program = new LoopProgram(seed, (LoopTraits)traits);
            ulong[] boundaries = [.. program.Boundaries().Order()];
            End expected = Run(program, default);
            foreach (TranslationPolicy policy in (ReadOnlySpan<TranslationPolicy>)[default, .. Translating])
            {
                using var guest = new GuestProgram(2, translation: policy);
                program.Load(guest);
                var random = new Random(seed);
                ulong before = guest.Processor.InstructionsRetired;
                CpuExit exit;
                do
                {
                    // Some steps, then many instructions at once until some place, from which it goes on in steps.
                    if (random.Next(20) == 0)
                    {
                        var debug = new DebugRegisters { Control = 1 };
                        debug[0] = boundaries[random.Next(boundaries.Length)];
                        guest.Processor.Debug = debug;
                        guest.Registers->Rflags |= ResumeFlag;
                        exit = guest.Run();
                        guest.Processor.Debug = null;
                        continue;
                    }

                    guest.Registers->Rflags |= TrapFlag;
                    exit = guest.Run();
                    guest.Registers->Rflags &= ~TrapFlag;
                }
                while (exit.Vector == ExceptionVector.Debug);
                new End(guest, exit, before).AssertEqual(expected, seed);
            }
        }
    }

    [Theory]
    [InlineData((int)LoopTraits.None)]
    [InlineData((int)LoopTraits.Vectors)]
    public void RandomLoops_KickedAtAnyTime_AreAtABoundaryAndEndAlike(int traits)
    {
        int kicks = 0;
        for (int seed = 0; seed < Sessions / 10 || kicks == 0; seed++)
        {
            var program = new LoopProgram(seed, (LoopTraits)traits, rounds: 5_000);
            HashSet<ulong> boundaries = program.Boundaries();
            End expected = Run(program, default);
            using var guest = new GuestProgram(2, translation: TranslationPolicy.AtOnce);
            program.Load(guest);
            ulong before = guest.Processor.InstructionsRetired;
            bool ended = false;
            var kicker = new Thread(() =>
            {
                while (!Volatile.Read(ref ended))
                {
                    Thread.SpinWait(500);
                    guest.Processor.Kick();
                }
            });
            kicker.Start();
            CpuExit exit;
            while ((exit = guest.Run()).Kind == CpuExitKind.Kicked)
            {
                kicks++;
                if (!boundaries.Contains(guest.Registers->Rip))
                    break;
            }

            Volatile.Write(ref ended, true);
            kicker.Join();
            Assert.True(exit.Kind != CpuExitKind.Kicked, $"program {seed}: kicked at {guest.Registers->Rip:x}, which is no boundary");
            new End(guest, exit, before).AssertEqual(expected, seed);
        }

        output.WriteLine($"{kicks} kicks");
    }

    /// <summary>Runs of random lengths end where their limits are, in the same state, and lead to the same end as one run.</summary>
    [Theory]
    [InlineData((int)LoopTraits.None)]
    [InlineData((int)LoopTraits.Vectors)]
    [InlineData((int)LoopTraits.ChangesCode)]
    public void RandomLoops_StopExactlyAtTheirLimits(int traits)
    {
        for (int seed = 0; seed < Sessions; seed++)
        {
            var program = new LoopProgram(seed, (LoopTraits)traits, rounds: (traits & (int)LoopTraits.ChangesCode) == 0 ? 400 : 40);
            End expected = Run(program, default);
            List<End>? stops = null;
            foreach (TranslationPolicy policy in (ReadOnlySpan<TranslationPolicy>)[default, .. Translating])
            {
                List<End> seen = RunInPieces(program, policy, seed);
                seen[^1].AssertEqual(expected, seed);
                stops ??= seen;
                Assert.Equal(stops.Count, seen.Count);
                for (int i = 0; i < seen.Count; i++)
                    seen[i].AssertEqual(stops[i], seed);
            }
        }
    }

    /// <summary>The state at each limit, and at the end.</summary>
    private static List<End> RunInPieces(LoopProgram program, TranslationPolicy policy, int seed)
    {
        using var guest = new GuestProgram(2, translation: policy);
        program.Load(guest);
        var random = new Random(seed);
        ulong before = guest.Processor.InstructionsRetired;
        guest.Processor.Limit = before;
        List<End> stops = [];
        CpuExit exit;
        while ((exit = guest.Run()).Kind == CpuExitKind.LimitReached)
        {
            Assert.Equal(guest.Processor.Limit, guest.Processor.InstructionsRetired);
            stops.Add(new End(guest, exit, before));
            guest.Processor.Limit += (ulong)random.Next(1, random.Next(2) == 0 ? 200 : 20_000);
        }

        stops.Add(new End(guest, exit, before));
        return stops;
    }

    [Fact]
    public void RandomLoops_WithBreakpoints_MeetTheSameOnes()
    {
        int met = 0;
        for (int seed = 0; seed < 2 * Sessions; seed++)
        {
            var program = new LoopProgram(seed, (seed & 1) == 0 ? LoopTraits.None : LoopTraits.Vectors);
            List<(ulong Rip, ulong Hits, ulong Rax)> expected = Meet(program, default, seed, out End end);
            met += expected.Count;
            foreach (TranslationPolicy policy in Translating)
            {
                Assert.Equal(expected, Meet(program, policy, seed, out End other));
                other.AssertEqual(end, seed);
            }
        }

        output.WriteLine($"{met} breakpoints met");
        Assert.True(met > 0);
    }

    /// <summary>Runs with breakpoints on an instruction, a written and a touched operand; where each was met, and how it ended.</summary>
    private static List<(ulong Rip, ulong Hits, ulong Rax)> Meet(LoopProgram program, TranslationPolicy policy, int seed, out End end)
    {
        var random = new Random(seed);
        ulong[] boundaries = [.. program.Boundaries().Order()];
        var debug = new DebugRegisters();
        debug[0] = boundaries[random.Next(boundaries.Length)];
        debug[1] = LoopProgram.Operands + (8 * (ulong)random.Next(24));
        debug[2] = LoopProgram.Operands + (8 * (ulong)random.Next(24));

        // DR7: enabled; 0 on execution, 1 on writes to four bytes, 2 on any access to eight.
        debug.Control = 0x15 | 0xDUL << 20 | 0xBUL << 24;
        using var guest = new GuestProgram(2, translation: policy);
        program.Load(guest);
        guest.Processor.Debug = debug;
        ulong before = guest.Processor.InstructionsRetired;
        var met = new List<(ulong Rip, ulong Hits, ulong Rax)>();
        CpuExit exit;
        while ((exit = guest.Run()).Vector == ExceptionVector.Debug)
        {
            met.Add((guest.Registers->Rip, exit.Address.Value, guest.Registers->Rax));
            if ((exit.Address.Value & 1) != 0)
                guest.Registers->Rflags |= ResumeFlag;
        }

        guest.Processor.Debug = null;
        end = new End(guest, exit, before);
        return met;
    }

    private static End Run(LoopProgram program, TranslationPolicy policy)
    {
        using var guest = new GuestProgram(2, translation: policy);
        program.Load(guest);
        ulong before = guest.Processor.InstructionsRetired;
        CpuExit exit = guest.Run();
        return new End(guest, exit, before);
    }

    /// <summary>How a program ended, with all that it can have changed.</summary>
    private sealed class End
    {
        private readonly CpuExit _exit;
        private readonly RegisterFile _registers;
        private readonly byte[] _memory;
        private readonly ulong _retired;

        public End(GuestProgram guest, CpuExit exit, ulong before)
        {
            Assert.True(exit.Kind is CpuExitKind.Exception or CpuExitKind.LimitReached, $"{exit}");
            (_exit, _registers) = (exit, *guest.Registers);
            _registers.Rflags &= ~ResumeFlag;
            _retired = guest.Processor.InstructionsRetired - before;
            _memory =
            [
                .. new Span<byte>(guest.Space.Host(GuestProgram.Code), (int)Page.Size),
                .. new Span<byte>(guest.Space.Host(GuestProgram.Data), (int)Page.Size),
            ];
        }

        public void AssertEqual(End expected, int seed)
        {
            Same("exit", expected._exit.Kind, _exit.Kind);
            Same("vector", expected._exit.Vector, _exit.Vector);
            Same("RIP", expected._registers.Rip, _registers.Rip);
            for (int i = 0; i < 16; i++)
                Same($"register {i}", expected._registers.Gpr[i], _registers.Gpr[i]);
            Same("RFLAGS", expected._registers.Rflags, _registers.Rflags);
            Same("MXCSR", expected._registers.Mxcsr, _registers.Mxcsr);
            Same("FCW", expected._registers.FpuControl, _registers.FpuControl);
            Same("FSW", expected._registers.FpuStatus, _registers.FpuStatus);
            Same("FTW", expected._registers.FpuTag, _registers.FpuTag);
            for (int i = 0; i < 16; i++)
                Same($"half {i} of the x87 stack", expected._registers.St[i], _registers.St[i]);
            for (int i = 0; i < 64; i++)
                Same($"word {i % 4} of ymm{i / 4}", expected._registers.Ymm[i], _registers.Ymm[i]);
            Same("instructions retired", expected._retired, _retired);
            Assert.True(expected._memory.AsSpan().SequenceEqual(_memory), $"program {seed}: memory differs");

            void Same<T>(string what, T wanted, T got) =>
                Assert.True(EqualityComparer<T>.Default.Equals(wanted, got), $"program {seed}: {what} is {got:x}, not {wanted:x}");
        }
    }
}
