using Iced.Intel;
using Vitrine.Abi;
using Vitrine.Cpu.Tests.Judge;
using static Iced.Intel.AssemblerRegisters;

namespace Vitrine.Cpu.Tests.Behaviour;

/// <summary>Running: long runs, kicks, interrupted string instructions, single steps, exits.</summary>
public abstract unsafe class ExecutionTests
{
    private readonly TranslationPolicy _policy;

    private protected ExecutionTests(TranslationPolicy policy) => _policy = policy;

    private const int Blocks = 100_000_000;

    [Fact]
    public void ManyBlocks_RunOnASmallStack()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Place(c =>
        {
            // Direct jumps, an indirect jump, calls and returns: every way of going from block to block.
            Label loop = c.CreateLabel(), one = c.CreateLabel(), two = c.CreateLabel(), function = c.CreateLabel();
            c.lea(rbx, __qword_ptr[two]);
            c.mov(ecx, Blocks / 8);
            c.Label(ref loop);
            c.jmp(one);
            c.nop();
            c.Label(ref one);
            c.jmp(rbx);
            c.nop();
            c.Label(ref two);
            c.call(function);
            c.call(function);
            c.dec(ecx);
            c.jne(loop);
            c.int3();
            c.Label(ref function);
            c.inc(rdx);
            c.ret();
        });

        CpuExit exit = default;
        var thread = new Thread(() => exit = guest.Run(), 256 << 10);
        thread.Start();
        thread.Join();
        Assert.Equal(ExceptionVector.Breakpoint, exit.Vector);
        Assert.Equal((ulong)Blocks / 4, guest.Registers->Rdx);
    }

    [Fact]
    public void Loop_ToAnInstructionAcrossPages_RunsOnASmallStack()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(GuestProgram.Code + Page.Size, Pte.Writable);
        const int rounds = 1_000_000;
        guest.Place(
            c =>
            {
                // The loop begins with an instruction of five bytes, two of them in the first page.
                Label loop = c.CreateLabel();
                c.mov(ecx, rounds);
                c.Label(ref loop);
                c.add(eax, 0x01000000);
                c.inc(rdx);
                c.dec(ecx);
                c.jne(loop);
                c.int3();
            },
            GuestProgram.Code + Page.Size - 7);
        CpuExit exit = default;
        var thread = new Thread(() => exit = guest.Run(), 256 << 10);
        thread.Start();
        thread.Join();
        Assert.Equal(ExceptionVector.Breakpoint, exit.Vector);
        Assert.Equal((ulong)rounds, guest.Registers->Rdx);
        Assert.Equal(unchecked((uint)(rounds * 0x01000000L)), guest.Registers->Rax);
    }

    [Fact]
    public void Loop_WithinAPage_OverAnInstructionAcrossItsEnd_RunsOnASmallStack()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(GuestProgram.Code + Page.Size, Pte.Writable);
        const int rounds = 1_000_000;
        guest.Place(
            c =>
            {
                // Back into the first page by a jump that lies in the second, behind the crossing instruction.
                Label loop = c.CreateLabel(), crossing = c.CreateLabel();
                c.mov(ecx, rounds);
                c.Label(ref loop);
                c.dec(ecx);
                c.jne(crossing);
                c.int3();
                c.Label(ref crossing);
                c.mov(eax, 0x12345678);
                c.inc(rdx);
                c.jmp(loop);
            },
            GuestProgram.Code + Page.Size - 12);
        CpuExit exit = default;
        var thread = new Thread(() => exit = guest.Run(), 256 << 10);
        thread.Start();
        thread.Join();
        Assert.Equal(ExceptionVector.Breakpoint, exit.Vector);
        Assert.Equal((ulong)rounds - 1, guest.Registers->Rdx);
    }

    [Fact]
    public void Recursion_AsDeepAsTheGuestStack_DoesNotUseTheHostsStack()
    {
        using var guest = new GuestProgram(64, translation: _policy);
        const ulong stack = 0x1000_0000;
        const int pages = 8192;
        for (ulong i = 0; i < pages; i++)
            guest.Space.Map(stack + (i << 12), Pte.Writable);
        guest.Registers->Rsp = stack + ((ulong)pages << 12);
        guest.Place(c =>
        {
            Label function = c.CreateLabel(), done = c.CreateLabel();
            c.mov(ecx, 4_000_000);
            c.call(function);
            c.int3();
            c.Label(ref function);
            c.dec(ecx);
            c.je(done);
            c.call(function);
            c.inc(rdx);
            c.Label(ref done);
            c.ret();
        });
        CpuExit exit = default;
        var thread = new Thread(() => exit = guest.Run(), 256 << 10);
        thread.Start();
        thread.Join();
        Assert.Equal(ExceptionVector.Breakpoint, exit.Vector);
        Assert.Equal(3_999_999UL, guest.Registers->Rdx);
        Assert.Equal(stack + ((ulong)pages << 12), guest.Registers->Rsp);
    }

    [Fact]
    public void Kick_BeforeTheRun_ReturnsBeforeMuchIsExecuted()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Place(EndlessLoop);
        guest.Processor.Kick();
        Assert.Equal(CpuExitKind.Kicked, guest.Run().Kind);
    }

    [Fact]
    public void Kick_DuringAnEndlessLoop_EndsTheRunAtAnInstructionBoundary()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Place(EndlessLoop);
        using var kicker = new Timer(_ => guest.Processor.Kick(), null, 20, Timeout.Infinite);
        CpuExit exit = guest.Run();
        Assert.Equal(CpuExitKind.Kicked, exit.Kind);
        Assert.True(guest.Registers->Rip is GuestProgram.Code or GuestProgram.Code + 3, $"rip is {guest.Registers->Rip:x}");
        Assert.Equal(guest.Registers->Rax, guest.Word(GuestProgram.Data) + (guest.Registers->Rip == GuestProgram.Code ? 0UL : 1));
    }

    private static void EndlessLoop(Assembler c)
    {
        Label loop = c.CreateLabel();
        c.Label(ref loop);
        c.inc(rax);
        c.mov(__qword_ptr[GuestProgram.Data], rax);
        c.jmp(loop);
    }

    [Fact]
    public void RepeatedString_Kicked_StaysOnItselfAndCanGoOn()
    {
        using var guest = new GuestProgram(translation: _policy);
        const ulong window = 0x4000_0000;
        ulong huge = *guest.Space.Entry(window, create: true, level: 1) = guest.Space.AllocateHugeFrame().Address.Value | 0x87;
        for (ulong i = 1; i < 1024; i++)
            *guest.Space.Entry(window + (i << 21), create: true, level: 1) = huge;
        const ulong total = 1024UL << 21;
        guest.Place(c =>
        {
            c.rep.stosb();
            c.int3();
        });
        int kicks = 0;
        bool ended = false;
        var kicker = new Thread(() =>
        {
            while (!Volatile.Read(ref ended))
            {
                Thread.Sleep(1);
                guest.Processor.Kick();
            }
        });
        kicker.Start();
        ulong start = guest.Registers->Rip;

        // The kicking thread may not get a processor of a busy host while one store lasts: then once more.
        while (kicks == 0)
        {
            guest.Registers->Rax = 0x5a;
            guest.Registers->Rcx = total;
            guest.Registers->Rdi = window;
            guest.Registers->Rip = start;
            while (true)
            {
                CpuExit exit = guest.Run();
                Assert.Equal(total, guest.Registers->Rcx + (guest.Registers->Rdi - window));
                if (exit.Kind != CpuExitKind.Kicked)
                    break;
                Assert.Equal(GuestProgram.Code, guest.Registers->Rip);
                kicks++;
            }

            Assert.Equal(0UL, guest.Registers->Rcx);
        }

        Volatile.Write(ref ended, true);
        kicker.Join();
    }

    [Fact]
    public void TrapFlag_StepsOneInstructionAtATime()
    {
        using var guest = new GuestProgram(translation: _policy);
        var ends = new List<ulong>();
        guest.Place(c =>
        {
            Label over = c.CreateLabel();
            c.mov(eax, 1);
            c.jmp(over);
            c.nop();
            c.Label(ref over);
            c.push(rax);
            c.pop(rcx);
            c.inc(rcx);
            c.int3();
        });
        guest.Registers->Rflags |= 0x100;
        CpuExit exit = guest.Run();
        while (exit.Vector == ExceptionVector.Debug)
        {
            Assert.Equal(CpuExitKind.Exception, exit.Kind);
            ends.Add(guest.Registers->Rip - GuestProgram.Code);
            exit = guest.Run();
        }

        Assert.Equal(ExceptionVector.Breakpoint, exit.Vector);
        Assert.Equal([5UL, 8, 9, 10, 13], ends);
    }

    [Fact]
    public void TrapFlag_SetByPopf_TrapsAfterTheFollowingInstruction()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Place(c =>
        {
            c.push(0x302);
            c.popfq();
            c.inc(eax);
            c.inc(eax);
            c.int3();
        });
        CpuExit exit = guest.Run();
        Assert.Equal(ExceptionVector.Debug, exit.Vector);
        Assert.Equal(1UL, guest.Registers->Rax);
    }

    [Fact]
    public void TrapFlag_OnARepeatedString_TrapsAfterEachElement()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Registers->Rcx = 3;
        guest.Registers->Rdi = GuestProgram.Data;
        guest.Place(c =>
        {
            c.rep.stosq();
            c.int3();
        });
        guest.Registers->Rflags |= 0x100;
        for (ulong left = 2; ; left--)
        {
            Assert.Equal(ExceptionVector.Debug, guest.Run().Vector);
            Assert.Equal(left, guest.Registers->Rcx);
            Assert.Equal(GuestProgram.Code + (left == 0 ? 3UL : 0), guest.Registers->Rip);
            if (left == 0)
                break;
        }
    }

    [Fact]
    public void Call_ToANonCanonicalTarget_PushesNothing()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Registers->Rax = 0x8000_0000_0000;
        guest.Place(c => c.call(rax));
        Assert.Equal(new CpuExit(CpuExitKind.Exception, Vector: ExceptionVector.GeneralProtection), guest.Run());
        Assert.Equal(GuestProgram.StackTop, guest.Registers->Rsp);
        Assert.Equal(GuestProgram.Code, guest.Registers->Rip);
        Assert.Equal(0UL, guest.Word(GuestProgram.StackTop - 8));
    }

    [Fact]
    public void Int1_TrapsBehindItself()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Write(GuestProgram.Code, [0xF1, 0xCC]);
        guest.Registers->Rip = GuestProgram.Code;
        Assert.Equal(new CpuExit(CpuExitKind.Exception, Vector: ExceptionVector.Debug), guest.Run());
        Assert.Equal(GuestProgram.Code + 1, guest.Registers->Rip);
    }

    [Fact]
    public void Syscall_LeavesRipBehindItAndSavesRipAndFlags()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Place(c =>
        {
            c.stc();
            c.mov(eax, 39);
            c.syscall();
        });
        CpuExit exit = guest.Run();
        Assert.Equal(CpuExitKind.Syscall, exit.Kind);
        Assert.Equal(GuestProgram.Code + 8, guest.Registers->Rip);
        Assert.Equal(guest.Registers->Rip, guest.Registers->Rcx);
        Assert.Equal(0x203UL, guest.Registers->R11);
        Assert.Equal(39UL, guest.Registers->Rax);
    }

    [Fact]
    public void DivideError_LeavesEverythingAsItWas()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Registers->Rax = 5;
        guest.Registers->Rdx = 7;
        guest.Place(c =>
        {
            c.stc();
            c.div(rcx);
        });
        CpuExit exit = guest.Run();
        Assert.Equal(new CpuExit(CpuExitKind.Exception, Vector: ExceptionVector.DivideError), exit);
        Assert.Equal(GuestProgram.Code + 1, guest.Registers->Rip);
        Assert.Equal(5UL, guest.Registers->Rax);
        Assert.Equal(7UL, guest.Registers->Rdx);
    }

    [Fact]
    public void InstructionsRetired_CountsEachInstructionOnce()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Place(c =>
        {
            Label loop = c.CreateLabel();
            c.mov(ecx, 1000);
            c.Label(ref loop);
            c.nop();
            c.dec(ecx);
            c.jne(loop);
            c.syscall();
        });
        ulong before = guest.Processor.InstructionsRetired;
        Assert.Equal(CpuExitKind.Syscall, guest.Run().Kind);
        Assert.Equal(3002UL, guest.Processor.InstructionsRetired - before);
    }

    [Fact]
    public void WarmRun_AllocatesNothing()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Place(c =>
        {
            Label loop = c.CreateLabel();
            c.mov(ecx, 10000);
            c.Label(ref loop);
            c.mov(__qword_ptr[GuestProgram.Data], rcx);
            c.@lock.inc(__qword_ptr[GuestProgram.Data + 8]);
            c.dec(ecx);
            c.jne(loop);
            c.int3();
        });
        guest.RunUntilBreakpoint();
        guest.Registers->Rip = GuestProgram.Code;
        long before = GC.GetAllocatedBytesForCurrentThread();
        guest.Processor.LoadRegisters(guest.Registers);
        guest.Processor.Run(guest.Space.Cr3);
        guest.Processor.SaveRegisters(guest.Registers);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void TimeStampCounter_NeverGoesBack()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.RunUntilBreakpoint(c =>
        {
            foreach (bool second in (ReadOnlySpan<bool>)[false, true])
            {
                c.rdtsc();
                c.shl(rdx, 32);
                c.or(rax, rdx);
                c.mov(second ? r9 : r8, rax);
            }

            c.rdtscp();
            c.shl(rdx, 32);
            c.or(rax, rdx);
            c.int3();
        });
        Assert.True(guest.Registers->R8 <= guest.Registers->R9);
        Assert.True(guest.Registers->R9 <= guest.Registers->Rax);
    }
}

/// <inheritdoc/>
public sealed class InterpretedExecutionTests() : ExecutionTests(default);

/// <inheritdoc/>
public sealed class TranslatedExecutionTests() : ExecutionTests(TranslationPolicy.AtOnce);
