using Iced.Intel;
using Vitrine.Abi;
using Vitrine.Cpu.Tests.Judge;
using static Iced.Intel.AssemblerRegisters;

namespace Vitrine.Cpu.Tests.Behaviour;

/// <summary>The page-table walk: permissions, accessed and dirty bits, large pages, bad addresses, flushes.</summary>
public abstract unsafe class TranslationTests
{
    private readonly TranslationPolicy _policy;

    private protected TranslationTests(TranslationPolicy policy) => _policy = policy;

    private const ulong Page0 = 0x80_0000;
    private const Pte AccessedDirty = Pte.Accessed | Pte.Dirty;

    private static void Load(Assembler c)
    {
        c.mov(rbx, __qword_ptr[rax]);
        c.int3();
    }

    private static void Store(Assembler c)
    {
        c.mov(__qword_ptr[rax], rbx);
        c.int3();
    }

    private static Pte BitsOf(GuestProgram guest, ulong address, int level = 0) => (Pte)(*guest.Space.Entry(address, level: level)) & AccessedDirty;

    private static CpuExit RunAt(GuestProgram guest, ulong address, Action<Assembler> code)
    {
        guest.Registers->Rax = address;
        guest.Place(code);
        return guest.Run();
    }

    private static CpuExit Fault(ulong address, PageFaultError error) => new(CpuExitKind.PageFault, new VirtAddr(address), error);

    [Fact]
    public void Load_SetsAccessedOnly()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Page0, Pte.Writable);
        Assert.Equal(Pte.None, BitsOf(guest, Page0));
        RunAt(guest, Page0, Load);
        Assert.Equal(Pte.Accessed, BitsOf(guest, Page0));
        Assert.Equal(Pte.Accessed, BitsOf(guest, Page0, 1) & Pte.Accessed);
    }

    [Fact]
    public void Store_AfterALoad_SetsDirty()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Page0, Pte.Writable);
        RunAt(guest, Page0, c =>
        {
            c.mov(rbx, __qword_ptr[rax]);
            c.mov(__qword_ptr[rax], rbx);
            c.int3();
        });
        Assert.Equal(AccessedDirty, BitsOf(guest, Page0));
    }

    [Fact]
    public void Fetch_SetsAccessed()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Page0, Pte.Writable);
        guest.Place(c => c.int3(), Page0);
        guest.Run();
        Assert.Equal(Pte.Accessed, BitsOf(guest, Page0));
    }

    [Fact]
    public void AccessedAndDirty_ClearedAndFlushed_AreSetAgain()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Page0, Pte.Writable);
        for (int i = 0; i < 3; i++)
        {
            RunAt(guest, Page0, Store);
            Assert.Equal(AccessedDirty, BitsOf(guest, Page0));
            *guest.Space.Entry(Page0) &= ~(ulong)AccessedDirty;
            guest.Space.Complex.Flush(guest.Space.Cr3, new VirtAddr(Page0), 1);
            Assert.Equal(Pte.None, BitsOf(guest, Page0));
            RunAt(guest, Page0, Load);
            Assert.Equal(Pte.Accessed, BitsOf(guest, Page0));
        }
    }

    [Fact]
    public void FailedStore_SetsNeitherDirtyNorAnythingElse()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Page0, Pte.None);
        CpuExit exit = RunAt(guest, Page0, Store);
        Assert.Equal(Fault(Page0, PageFaultError.Present | PageFaultError.Write | PageFaultError.User), exit);
        Assert.Equal(Pte.None, BitsOf(guest, Page0) & Pte.Dirty);
    }

    [Fact]
    public void StoreAcrossPages_SecondReadOnly_ChangesNothingAndLeavesTheFirstClean()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Page0, Pte.Writable);
        guest.Space.Map(Page0 + Page.Size, Pte.None);
        guest.Registers->Rbx = ulong.MaxValue;
        CpuExit exit = RunAt(guest, Page0 + Page.Size - 4, Store);
        Assert.Equal(Fault(Page0 + Page.Size, PageFaultError.Present | PageFaultError.Write | PageFaultError.User), exit);
        Assert.Equal(0UL, guest.Word(Page0 + Page.Size - 8));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void UnmappedPage_FaultsWithoutPresent(bool store)
    {
        using var guest = new GuestProgram(translation: _policy);
        CpuExit exit = RunAt(guest, Page0 + 8, store ? Store : Load);
        Assert.Equal(Fault(Page0 + 8, PageFaultError.User | (store ? PageFaultError.Write : 0)), exit);
        Assert.Equal(GuestProgram.Code, guest.Registers->Rip);
    }

    [Fact]
    public void PageMappedAfterAFault_IsFoundWithoutFlush()
    {
        using var guest = new GuestProgram(translation: _policy);
        Assert.Equal(CpuExitKind.PageFault, RunAt(guest, Page0, Load).Kind);
        guest.Space.Map(Page0, Pte.None);
        guest.Word(Page0) = 42;
        guest.RunUntilBreakpoint();
        Assert.Equal(42UL, guest.Registers->Rbx);
    }

    [Fact]
    public void PageMadeWritableAfterAFault_IsFoundWithoutFlush()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Page0, Pte.None);
        RunAt(guest, Page0, Load);
        Assert.Equal(CpuExitKind.PageFault, RunAt(guest, Page0, Store).Kind);
        *guest.Space.Entry(Page0) |= (ulong)Pte.Writable;
        guest.RunUntilBreakpoint();
    }

    [Fact]
    public void SupervisorPage_FaultsWithPresent()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Page0, Pte.Writable);
        *guest.Space.Entry(Page0) &= ~(ulong)Pte.User;
        Assert.Equal(Fault(Page0, PageFaultError.Present | PageFaultError.User), RunAt(guest, Page0, Load));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void WritePermission_NeedsEveryLevel(int level)
    {
        using var guest = new GuestProgram(translation: _policy);
        const ulong address = 0x7f12_3456_7000;
        guest.Space.Map(address, Pte.Writable);
        *guest.Space.Entry(address, level: level) &= ~(ulong)Pte.Writable;
        Assert.Equal(Fault(address, PageFaultError.Present | PageFaultError.Write | PageFaultError.User), RunAt(guest, address, Store));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void NoExecute_AtAnyLevel_FaultsFetches(int level)
    {
        using var guest = new GuestProgram(translation: _policy);
        const ulong address = 0x7f12_3456_7000;
        guest.Space.Map(address, Pte.Writable);
        guest.Place(c => c.int3(), address);
        *guest.Space.Entry(address, level: level) |= (ulong)Pte.NoExecute;
        Assert.Equal(Fault(address, PageFaultError.Present | PageFaultError.InstructionFetch | PageFaultError.User), guest.Run());
    }

    [Fact]
    public void ExecutedPage_MadeNoExecuteAndFlushed_FaultsFetches()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Page0, Pte.Writable);
        guest.Place(c => c.int3(), Page0);
        guest.RunUntilBreakpoint();
        *guest.Space.Entry(Page0) |= (ulong)Pte.NoExecute;
        guest.Space.Complex.Flush(guest.Space.Cr3, new VirtAddr(Page0), 1);
        guest.Registers->Rip = Page0;
        Assert.Equal(Fault(Page0, PageFaultError.Present | PageFaultError.InstructionFetch | PageFaultError.User), guest.Run());
    }

    [Fact]
    public void FetchOfAnUnmappedPage_FaultsAtTheTarget()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Place(c => c.jmp(Page0 + 5));
        Assert.Equal(Fault(Page0 + 5, PageFaultError.InstructionFetch | PageFaultError.User), guest.Run());
        Assert.Equal(Page0 + 5, guest.Registers->Rip);
    }

    [Fact]
    public void InstructionAcrossPages_SecondUnmapped_FaultsThereAndRunsOnceItIsMapped()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Page0, Pte.None);
        PageFrameNumber second = guest.Space.Map(Page0 + Page.Size, Pte.None);
        guest.Place(
            c =>
            {
                c.inc(ecx);
                c.mov(eax, 0x12345678);
                c.int3();
            },
            Page0 + Page.Size - 4);
        *guest.Space.Entry(Page0 + Page.Size) = 0;
        Assert.Equal(Fault(Page0 + Page.Size, PageFaultError.InstructionFetch | PageFaultError.User), guest.Run());
        Assert.Equal(Page0 + Page.Size - 2, guest.Registers->Rip);
        Assert.Equal(1UL, guest.Registers->Rcx);

        guest.Space.Map(Page0 + Page.Size, Pte.None, second);
        guest.RunUntilBreakpoint();
        Assert.Equal(0x12345678UL, guest.Registers->Rax);
        Assert.Equal(1UL, guest.Registers->Rcx);
    }

    [Fact]
    public void LargePage_TranslatesAllOfItsTwoMebibytes()
    {
        using var guest = new GuestProgram(32, translation: _policy);
        const ulong huge = 0x4000_0000;
        PageFrameNumber first = guest.Space.MapHuge(huge, Pte.Writable);
        guest.RunUntilBreakpoint(c =>
        {
            Label loop = c.CreateLabel();
            c.mov(rax, huge);
            c.mov(ecx, 512);
            c.Label(ref loop);
            c.mov(__qword_ptr[rax + 0x128], rax);
            c.add(rax, 4096);
            c.dec(ecx);
            c.jne(loop);
            // Across a 4 KiB boundary inside, which is no boundary of translation.
            c.mov(rax, huge + 0x1ffc);
            c.mov(__qword_ptr[rax], rax);
            c.int3();
        });
        for (ulong i = 0; i < 512; i++)
            Assert.Equal(huge + (i << 12), *(ulong*)(guest.Space.Memory.Frame(first) + (i << 12) + 0x128));
        Assert.Equal(huge + 0x1ffc, *(ulong*)(guest.Space.Memory.Frame(first) + 0x1ffc));
        Assert.Equal(AccessedDirty, BitsOf(guest, huge, 1));
    }

    [Fact]
    public void LargePage_FlushedByOneOfItsAddresses_IsForgottenWhole()
    {
        using var guest = new GuestProgram(32, translation: _policy);
        const ulong huge = 0x4000_0000;
        guest.Space.MapHuge(huge, Pte.Writable);
        guest.RunUntilBreakpoint(TouchTwo);
        *guest.Space.Entry(huge, level: 1) = 0;
        guest.Space.Complex.Flush(guest.Space.Cr3, new VirtAddr(huge), 512);
        guest.Place(TouchTwo);
        Assert.Equal(Fault(huge + 0x1000, PageFaultError.User), guest.Run());

        static void TouchTwo(Assembler c)
        {
            c.mov(rax, huge);
            c.mov(rbx, __qword_ptr[rax + 0x1000]);
            c.mov(rbx, __qword_ptr[rax + 0x5000]);
            c.int3();
        }
    }

    [Fact]
    public void CodeInALargePage_Runs()
    {
        using var guest = new GuestProgram(32, translation: _policy);
        const ulong huge = 0x4000_0000;
        PageFrameNumber first = guest.Space.MapHuge(huge, Pte.Writable);
        byte[] code = GuestProgram.Assemble(huge + 0x2ffe, c =>
        {
            c.mov(eax, 77);
            c.int3();
        });
        code.CopyTo(new Span<byte>(guest.Space.Memory.Frame(first) + 0x2ffe, code.Length));
        guest.Registers->Rip = huge + 0x2ffe;
        guest.RunUntilBreakpoint();
        Assert.Equal(77UL, guest.Registers->Rax);
    }

    [Fact]
    public void ReservedBit_IsReported()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Page0, Pte.Writable);
        *guest.Space.Entry(Page0) |= 1UL << 51;
        Assert.Equal(Fault(Page0, PageFaultError.Present | PageFaultError.ReservedBit | PageFaultError.User), RunAt(guest, Page0, Load));
    }

    [Fact]
    public void NonCanonicalAddress_IsAGeneralProtectionFault()
    {
        using var guest = new GuestProgram(translation: _policy);
        Assert.Equal(ExceptionVector.GeneralProtection, RunAt(guest, 0x8000_0000_0000, Load).Vector);
        Assert.Equal(ExceptionVector.GeneralProtection, RunAt(guest, 0x7fff_ffff_fffc, Load) is { Kind: CpuExitKind.Exception } e ? e.Vector : 0);
    }

    [Fact]
    public void NonCanonicalStackAddress_IsAStackFault()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Registers->Rsp = 0x8000_0000_1000;
        guest.Place(c => c.push(rax));
        CpuExit exit = guest.Run();
        Assert.Equal(CpuExitKind.Exception, exit.Kind);
        Assert.Equal(12, (int)exit.Vector);
    }

    [Fact]
    public void TwoAddressSpaces_KeepTheirTranslationsApart()
    {
        using var guest = new GuestProgram(translation: _policy);
        GuestSpace space = guest.Space;
        space.Map(Page0, Pte.None);
        guest.Word(Page0) = 1;

        PageFrameNumber otherRoot = space.AllocateFrame();
        new ReadOnlySpan<byte>(space.Memory.Frame(space.Root), 4096).CopyTo(space.Memory.FrameSpan(otherRoot));
        // A second tree below its top level, in which only the one page differs.
        ulong* top = (ulong*)space.Memory.Frame(otherRoot);
        ulong* table = top;
        for (int level = 3; level > 0; level--)
        {
            ulong* entry = table + ((Page0 >> (12 + (9 * level))) & 511);
            PageFrameNumber copy = space.AllocateFrame();
            new ReadOnlySpan<byte>(space.Memory.Base + (*entry & 0xf_ffff_ffff_f000), 4096).CopyTo(space.Memory.FrameSpan(copy));
            *entry = copy.Address.Value | 7;
            table = (ulong*)space.Memory.Frame(copy);
        }

        PageFrameNumber frame = space.AllocateFrame();
        *(ulong*)space.Memory.Frame(frame) = 2;
        table[(Page0 >> 12) & 511] = frame.Address.Value | 5;

        for (int i = 0; i < 3; i++)
        {
            foreach ((PhysAddr cr3, ulong expected) in (ReadOnlySpan<(PhysAddr, ulong)>)[(space.Cr3, 1), (otherRoot.Address, 2)])
            {
                guest.Registers->Rax = Page0;
                guest.Place(Load);
                guest.Processor.LoadRegisters(guest.Registers);
                guest.Processor.Run(cr3);
                guest.Processor.SaveRegisters(guest.Registers);
                Assert.Equal(expected, guest.Registers->Rbx);
            }
        }
    }

    [Fact]
    public void FlushAll_ForgetsEverythingOfTheAddressSpace()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Page0, Pte.None);
        RunAt(guest, Page0, Load);
        *guest.Space.Entry(Page0) = 0;
        guest.Space.Complex.FlushAll(guest.Space.Cr3);
        Assert.Equal(CpuExitKind.PageFault, RunAt(guest, Page0, Load).Kind);
    }

    /// <summary>Adds up the first words of pages; gives the sum.</summary>
    private static ulong SumOfPages(GuestProgram guest, int pages)
    {
        guest.Registers->Rcx = (ulong)pages;
        guest.Registers->Rdx = 0;
        Assert.Equal(CpuExitKind.Exception, RunAt(guest, Many, c =>
        {
            Label next = c.CreateLabel();
            c.Label(ref next);
            c.add(rdx, __qword_ptr[rax]);
            c.add(rax, (int)Page.Size);
            c.dec(rcx);
            c.jne(next);
            c.int3();
        }).Kind);
        return guest.Registers->Rdx;
    }

    private const ulong Many = 0x4000_0000;

    [Theory]
    [InlineData(100)]
    [InlineData(3000)]
    [InlineData(9000)]
    public void FlushAll_ForgetsAsManyPagesAsWereAccessed(int pages)
    {
        using var guest = new GuestProgram(translation: _policy);
        PageFrameNumber[] frames = [guest.Space.AllocateFrame(), guest.Space.AllocateFrame(), guest.Space.AllocateFrame()];
        for (int round = 0; round < frames.Length; round++)
        {
            *(ulong*)guest.Space.Memory.Frame(frames[round]) = (ulong)round + 5;
            for (int i = 0; i < pages; i++)
                guest.Space.Map(Many + ((ulong)i << Page.Shift), Pte.None, frames[round]);
            guest.Space.Complex.FlushAll(guest.Space.Cr3);
            Assert.Equal((ulong)((round + 5) * pages), SumOfPages(guest, pages));
        }
    }

    [Theory]
    [InlineData(100)]
    [InlineData(3000)]
    public void WrittenPage_ExecutedAfterMany_SeesTheNextStore(int pages)
    {
        using var guest = new GuestProgram(translation: _policy);
        PageFrameNumber frame = guest.Space.AllocateFrame();
        for (int i = 0; i < pages; i++)
            guest.Space.Map(Many + ((ulong)i << Page.Shift), Pte.None, frame);
        guest.Space.Map(Page0, Pte.Writable);
        for (ulong value = 1; value < 4; value++)
        {
            // mov ebx, value; int3
            guest.Registers->Rbx = 0xcc_0000_0000_bb | (value << 8);
            RunAt(guest, Page0, Store);
            SumOfPages(guest, pages);
            guest.Registers->Rip = Page0;
            guest.RunUntilBreakpoint();
            Assert.Equal(value, guest.Registers->Rbx);
        }
    }
}

/// <inheritdoc/>
public sealed class InterpretedTranslationTests() : TranslationTests(default);

/// <inheritdoc/>
public sealed class TranslatedTranslationTests() : TranslationTests(TranslationPolicy.AtOnce);
