using System.Runtime.InteropServices;
using Iced.Intel;
using Vitrine.Abi;
using Vitrine.Cpu.Tests.Judge;
using static Iced.Intel.AssemblerRegisters;

namespace Vitrine.Cpu.Tests.Behaviour;

/// <summary>Several processors at once over one RAM: atomicity, shootdown, code written by another processor.</summary>
public abstract unsafe class ParallelTests : IDisposable
{
    private const ulong Code = 0x40_0000;
    private const ulong Data = 0x60_0000;
    private const int Rounds = 300_000;
    private readonly GuestSpace _space;

    private protected ParallelTests(TranslationPolicy policy)
    {
        _space = new GuestSpace(translation: policy);
        _space.Map(Code, Pte.Writable);
        _space.Map(Code + 0x1000, Pte.Writable);
        _space.Map(Data, Pte.Writable);
        _space.Map(Data + 0x1000, Pte.Writable);
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) => _space.Dispose();

    private ref ulong Word(ulong address) => ref *(ulong*)_space.Host(address);

    /// <summary>Runs the code at <see cref="Code"/> on so many processors at once, until its INT3; RDI is each one's number.</summary>
    private ulong[] RunOnAll(int processors, Action<Assembler> write)
    {
        _space.Write(Code, GuestProgram.Assemble(Code, write));
        var results = new ulong[processors];
        var exits = new CpuExit[processors];
        var vcpus = new VirtualProcessor[processors];
        for (int i = 0; i < processors; i++)
            vcpus[i] = _space.CreateProcessor();
        using var gate = new Barrier(processors);
        var threads = new Thread[processors];
        for (int i = 0; i < processors; i++)
        {
            int number = i;
            threads[i] = new Thread(() =>
            {
                RegisterFile registers = default;
                registers.Reset();
                registers.Rip = Code;
                registers.Rdi = (ulong)number;
                registers.Rsp = Data + 0x1800 + ((ulong)number * 0x400);
                vcpus[number].LoadRegisters(&registers);
                gate.SignalAndWait();
                exits[number] = vcpus[number].Run(_space.Cr3);
                vcpus[number].SaveRegisters(&registers);
                results[number] = registers.Rax;
            });
            threads[i].Start();
        }

        foreach (Thread thread in threads)
            thread.Join();
        foreach (VirtualProcessor vcpu in vcpus)
            vcpu.Dispose();
        Assert.All(exits, e => Assert.Equal(new CpuExit(CpuExitKind.Exception, Vector: ExceptionVector.Breakpoint), e));
        return results;
    }

    private static Action<Assembler> Repeat(Action<Assembler> body) => c =>
    {
        Label loop = c.CreateLabel();
        c.mov(rsi, Data);
        c.mov(ecx, Rounds);
        c.Label(ref loop);
        body(c);
        c.dec(ecx);
        c.jne(loop);
        c.int3();
    };

    [Fact]
    public void Counter_WithLock_LosesNothing()
    {
        RunOnAll(2, Repeat(c => c.@lock.inc(__qword_ptr[rsi])));
        Assert.Equal(2UL * Rounds, Word(Data));
    }

    [Fact]
    public void Counter_WithoutLock_NeverCountsTooMuch()
    {
        RunOnAll(2, Repeat(c => c.inc(__qword_ptr[rsi])));
        Assert.InRange(Word(Data), 1UL, 2UL * Rounds);
    }

    [Theory]
    [InlineData("xadd")]
    [InlineData("add")]
    [InlineData("sub")]
    [InlineData("cmpxchg")]
    [InlineData("cmpxchg8b")]
    [InlineData("cmpxchg16b")]
    [InlineData("xchg-spinlock")]
    [InlineData("bts-spinlock")]
    [InlineData("split-line")]
    [InlineData("split-page")]
    [InlineData("byte")]
    public void LockedForms_LoseNothing(string kind)
    {
        RunOnAll(2, Repeat(c =>
        {
            Label again = c.CreateLabel();
            switch (kind)
            {
                case "xadd":
                    c.mov(edx, 1);
                    c.@lock.xadd(__qword_ptr[rsi], rdx);
                    break;
                case "add":
                    c.@lock.add(__dword_ptr[rsi], 1);
                    break;
                case "sub":
                    c.@lock.sub(__qword_ptr[rsi], -1);
                    break;
                case "byte":
                    // A carry out of the byte would show in its neighbours.
                    c.@lock.add(__byte_ptr[rsi + 3], 1);
                    break;
                case "cmpxchg":
                    c.mov(rax, __qword_ptr[rsi]);
                    c.Label(ref again);
                    c.lea(rdx, __qword_ptr[rax + 1]);
                    c.@lock.cmpxchg(__qword_ptr[rsi], rdx);
                    c.jne(again);
                    break;
                case "cmpxchg8b" or "cmpxchg16b":
                    c.mov(r8, rcx);
                    c.xor(eax, eax);
                    c.xor(edx, edx);
                    c.Label(ref again);
                    c.lea(rbx, __qword_ptr[rax + 1]);
                    c.mov(rcx, rdx);
                    if (kind == "cmpxchg8b")
                        c.@lock.cmpxchg8b(__qword_ptr[rsi]);
                    else
                        c.@lock.cmpxchg16b(__xmmword_ptr[rsi]);
                    c.jne(again);
                    c.mov(rcx, r8);
                    break;
                case "xchg-spinlock":
                    c.nop();
                    c.Label(ref again);
                    c.mov(edx, 1);
                    c.xchg(__dword_ptr[rsi + 64], edx);
                    c.test(edx, edx);
                    c.jne(again);
                    c.inc(__qword_ptr[rsi]);
                    c.mov(__dword_ptr[rsi + 64], 0);
                    break;
                case "bts-spinlock":
                    c.nop();
                    c.Label(ref again);
                    c.@lock.bts(__dword_ptr[rsi + 64], 5);
                    c.jb(again);
                    c.inc(__qword_ptr[rsi]);
                    c.@lock.btr(__dword_ptr[rsi + 64], 5);
                    break;
                case "split-line":
                    c.@lock.inc(__qword_ptr[rsi + 61]);
                    break;
                default:
                    c.@lock.inc(__qword_ptr[rsi + 4093]);
                    break;
            }
        }));
        ulong counted = kind switch
        {
            "split-line" => Word(Data + 61),
            "split-page" => ReadUnaligned(Data + 4093),
            "byte" => Word(Data) >> 24,
            _ => Word(Data),
        };
        Assert.Equal(kind == "byte" ? (2UL * Rounds) & 0xff : 2UL * Rounds, counted);
    }

    private ulong ReadUnaligned(ulong address)
    {
        ulong value = 0;
        for (int i = 0; i < 8; i++)
            value |= (ulong)*_space.Host(address + (ulong)i) << (8 * i);
        return value;
    }

    [Fact]
    public void SplitLock_AgainstOrdinaryLock_LosesNothing()
    {
        // One processor adds to all eight bytes across the line, the other to the part before the boundary.
        ulong[] _ = RunOnAll(2, c =>
        {
            Label loop = c.CreateLabel(), other = c.CreateLabel(), otherLoop = c.CreateLabel();
            c.mov(rsi, Data);
            c.mov(ecx, 50_000);
            c.test(edi, edi);
            c.jne(other);
            c.Label(ref loop);
            c.@lock.add(__qword_ptr[rsi + 60], 1);
            c.dec(ecx);
            c.jne(loop);
            c.int3();
            c.Label(ref other);
            c.nop();
            c.Label(ref otherLoop);
            c.@lock.add(__dword_ptr[rsi + 60], 1);
            c.dec(ecx);
            c.jne(otherLoop);
            c.int3();
        });
        Assert.Equal(100_000UL, ReadUnaligned(Data + 60));
    }

    [Fact]
    public void AlignedLoadsAndStores_AreNotTorn()
    {
        // Both store words of equal bytes; whoever loads must see equal bytes.
        ulong[] torn = RunOnAll(2, Repeat(c =>
        {
            Label good = c.CreateLabel();
            c.imul(rdx, rdi, -1);
            c.mov(__qword_ptr[rsi], rdx);
            c.mov(r8, __qword_ptr[rsi]);
            c.mov(r9, r8);
            c.rol(r9, 8);
            c.cmp(r8, r9);
            c.je(good);
            c.inc(rax);
            c.Label(ref good);
            c.nop();
        }));
        Assert.All(torn, t => Assert.Equal(0UL, t));
    }

    [Fact]
    public void Flush_ReturnsOnlyWhenTheOldFrameIsNoLongerRead()
    {
        const ulong page = 0x80_0000;
        PageFrameNumber a = _space.Map(page, Pte.None), b = _space.AllocateFrame();
        *(ulong*)_space.Memory.Frame(a) = 1;
        *(ulong*)_space.Memory.Frame(b) = 1;
        RunAgainst(
            c =>
            {
                // Ends by UD2 when it sees a freed frame.
                Label loop = c.CreateLabel(), bad = c.CreateLabel();
                c.mov(rsi, page);
                c.mov(rdi, Data);
                c.Label(ref loop);
                c.mov(rax, __qword_ptr[rsi]);
                c.cmp(rax, 1);
                c.jne(bad);
                c.inc(__qword_ptr[rdi]);
                c.jmp(loop);
                c.Label(ref bad);
                c.ud2();
            },
            () =>
            {
                for (int i = 0; i < 400; i++)
                {
                    (PageFrameNumber old, PageFrameNumber now) = (i & 1) == 0 ? (a, b) : (b, a);
                    *(ulong*)_space.Memory.Frame(now) = 1;
                    *_space.Entry(page) = now.Address.Value | 5;
                    _space.Complex.Flush(_space.Cr3, new VirtAddr(page), 1);
                    *(ulong*)_space.Memory.Frame(old) = 3;      // freed and used for something else
                    ulong progress = Volatile.Read(ref Word(Data));
                    SpinWait.SpinUntil(() => Volatile.Read(ref Word(Data)) != progress, 100);
                }
            });
    }

    [Fact]
    public void WriteProtection_AfterFlush_StopsEveryFurtherWrite()
    {
        const ulong page = 0x80_0000;
        PageFrameNumber frame = _space.Map(page, Pte.Writable);
        CpuExit exit = RunAgainst(
            c =>
            {
                Label loop = c.CreateLabel();
                c.mov(rsi, page);
                c.Label(ref loop);
                c.inc(__qword_ptr[rsi]);
                c.jmp(loop);
            },
            () =>
            {
                SpinWait.SpinUntil(() => Volatile.Read(ref *(ulong*)_space.Memory.Frame(frame)) > 1000, 2000);
                *_space.Entry(page) &= ~(ulong)Pte.Writable;
                _space.Complex.Flush(_space.Cr3, new VirtAddr(page), 1);
                ulong after = *(ulong*)_space.Memory.Frame(frame);
                Thread.SpinWait(100_000);
                Assert.Equal(after, *(ulong*)_space.Memory.Frame(frame));
            },
            kick: false);
        Assert.Equal(CpuExitKind.PageFault, exit.Kind);
        Assert.Equal(PageFaultError.Present | PageFaultError.Write | PageFaultError.User, exit.ErrorCode);
    }

    [Fact]
    public void CodeChangedByAnotherProcessor_IsSeenAfterAWhile()
    {
        ulong[] _ = RunOnAll(2, c =>
        {
            // 0 loops over the instruction that 1 changes from "mov eax,1" to "mov eax,2".
            Label loop = c.CreateLabel(), target = c.CreateLabel(), writer = c.CreateLabel(), delay = c.CreateLabel();
            c.test(edi, edi);
            c.jne(writer);
            c.Label(ref loop);
            c.nop();
            c.Label(ref target);
            c.mov(eax, 1);
            c.cmp(eax, 2);
            c.jne(loop);
            c.int3();
            c.Label(ref writer);
            c.mov(ecx, 100_000);
            c.Label(ref delay);
            c.dec(ecx);
            c.jne(delay);
            c.lea(rbx, __qword_ptr[target]);
            c.mov(__byte_ptr[rbx + 1], 2);
            c.int3();
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CodeChangedByAnotherProcessor_IsSeenAfterAHandshake(bool throughAnAlias)
    {
        // 0 writes a function's immediate and raises the flag; 1 waits for it, serialises, calls and compares.
        const ulong function = Code + 0x1000, alias = 0x90_0000, flag = Data, done = Data + 64;
        _space.Write(function, [0xB8, 0, 0, 0, 0, 0xC3]);
        var frame = new PageFrameNumber((uint)((*_space.Entry(function) & 0xf_ffff_ffff_f000) >> 12));
        _space.Map(alias, Pte.Writable | Pte.NoExecute, frame);
        ulong[] wrong = RunOnAll(2, c =>
        {
            Label reader = c.CreateLabel(), writerLoop = c.CreateLabel(), readerLoop = c.CreateLabel();
            Label waitDone = c.CreateLabel(), waitFlag = c.CreateLabel(), good = c.CreateLabel();
            c.mov(r12, flag);
            c.mov(r13, done);
            c.mov(r14, throughAnAlias ? alias : function);
            c.mov(r15, function);
            c.xor(r8d, r8d);
            c.xor(r9d, r9d);
            c.test(edi, edi);
            c.jne(reader);

            c.Label(ref writerLoop);
            c.inc(r8d);
            c.mov(__dword_ptr[r14 + 1], r8d);
            c.mov(__dword_ptr[r12], r8d);
            c.Label(ref waitDone);
            c.pause();
            c.cmp(__dword_ptr[r13], r8d);
            c.jne(waitDone);
            c.cmp(r8d, 3000);
            c.jne(writerLoop);
            c.xor(eax, eax);
            c.int3();

            c.Label(ref reader);
            c.nop();
            c.Label(ref readerLoop);
            c.inc(r8d);
            c.Label(ref waitFlag);
            c.pause();
            c.cmp(__dword_ptr[r12], r8d);
            c.jne(waitFlag);
            c.xor(eax, eax);
            c.cpuid();
            c.call(r15);
            c.cmp(eax, r8d);
            c.je(good);
            c.inc(r9d);
            c.Label(ref good);
            c.mov(__dword_ptr[r13], r8d);
            c.cmp(r8d, 3000);
            c.jne(readerLoop);
            c.mov(eax, r9d);
            c.int3();
        });
        Assert.Equal(0UL, wrong[1]);
    }

    [Fact]
    public void CodePageExchanged_AfterFlush_RunsTheOldCodeNoMore()
    {
        const ulong page = 0x80_0000, oldCount = Data, newCount = Data + 8;
        PageFrameNumber a = _space.Map(page, Pte.None), b = _space.AllocateFrame();
        WriteCounter(a, oldCount);
        WriteCounter(b, newCount);
        RunAgainst(
            c =>
            {
                Label loop = c.CreateLabel();
                c.mov(rbx, page);
                c.Label(ref loop);
                c.call(rbx);
                c.call(rbx);
                c.jmp(loop);
            },
            () =>
            {
                for (int i = 0; i < 200; i++)
                {
                    (PageFrameNumber now, ulong stopped) = (i & 1) == 0 ? (b, oldCount) : (a, newCount);
                    ulong progress = Word(stopped);
                    SpinWait.SpinUntil(() => Volatile.Read(ref Word(stopped)) != progress, 200);
                    *_space.Entry(page) = now.Address.Value | 5;
                    _space.Complex.Flush(_space.Cr3, new VirtAddr(page), 1);
                    ulong count = Volatile.Read(ref Word(stopped));
                    Thread.SpinWait(2000);
                    Assert.Equal(count, Volatile.Read(ref Word(stopped)));
                }
            },
            stack: true);

        void WriteCounter(PageFrameNumber frame, ulong counter)
        {
            byte[] code = GuestProgram.Assemble(page, c =>
            {
                c.inc(__qword_ptr[counter]);
                c.ret();
            });
            code.CopyTo(_space.Memory.FrameSpan(frame));
            _space.Complex.InvalidateCode(frame);
        }
    }

    [Fact]
    public void Kicks_AreNeverLost()
    {
        _space.Write(Code, GuestProgram.Assemble(Code, c =>
        {
            Label loop = c.CreateLabel();
            c.Label(ref loop);
            c.inc(rax);
            c.jmp(loop);
        }));
        using VirtualProcessor vcpu = _space.CreateProcessor();
        const int kicks = 2000;
        int returns = 0;
        var last = new CpuExit(CpuExitKind.Kicked);
        var thread = new Thread(() =>
        {
            RegisterFile registers = default;
            registers.Reset();
            registers.Rip = Code;
            vcpu.LoadRegisters(&registers);
            while (Volatile.Read(ref returns) < kicks && last.Kind == CpuExitKind.Kicked)
            {
                last = vcpu.Run(_space.Cr3);
                Interlocked.Increment(ref returns);
            }
        });
        thread.Start();
        for (int i = 0; i < kicks; i++)
        {
            vcpu.Kick();
            SpinWait.SpinUntil(() => Volatile.Read(ref returns) > i, 10_000);
            Assert.Equal(i + 1, Volatile.Read(ref returns));
        }

        thread.Join();
        Assert.Equal(CpuExitKind.Kicked, last.Kind);
    }

    [Fact]
    public void MessagePassing_ThroughOrdinaryStores_KeepsTheirOrder()
    {
        // x86 keeps stores in order and loads in order: whoever sees the flag sees the data.
        ulong[] bad = RunOnAll(2, Repeat(c =>
        {
            Label reader = c.CreateLabel(), end = c.CreateLabel();
            c.test(edi, edi);
            c.jne(reader);
            c.inc(r8);
            c.mov(__qword_ptr[rsi], r8);
            c.mov(__qword_ptr[rsi + 512], r8);
            c.jmp(end);
            c.Label(ref reader);
            c.mov(r9, __qword_ptr[rsi + 512]);
            c.mov(r10, __qword_ptr[rsi]);
            c.cmp(r10, r9);
            c.jae(end);
            c.inc(rax);
            c.Label(ref end);
            c.nop();
        }));
        Assert.Equal(0UL, bad[1]);
    }

    /// <summary>Runs code on one processor while this thread does something; then kicks it unless it ends by itself.</summary>
    private CpuExit RunAgainst(Action<Assembler> write, Action meanwhile, bool kick = true, bool stack = false)
    {
        _space.Write(Code, GuestProgram.Assemble(Code, write));
        using VirtualProcessor vcpu = _space.CreateProcessor();
        CpuExit exit = default;
        var thread = new Thread(() =>
        {
            RegisterFile registers = default;
            registers.Reset();
            registers.Rip = Code;
            registers.Rsp = stack ? Data + 0x1800 : 0;
            vcpu.LoadRegisters(&registers);
            exit = vcpu.Run(_space.Cr3);
        });
        thread.Start();
        try
        {
            meanwhile();
        }
        finally
        {
            if (kick)
                vcpu.Kick();
            if (!thread.Join(5000))
            {
                vcpu.Kick();
                thread.Join();
            }
        }

        if (kick)
            Assert.Equal(CpuExitKind.Kicked, exit.Kind);
        return exit;
    }
}

/// <inheritdoc/>
public sealed class InterpretedParallelTests() : ParallelTests(default);

/// <inheritdoc/>
public sealed class TranslatedParallelTests() : ParallelTests(TranslationPolicy.AtOnce);
