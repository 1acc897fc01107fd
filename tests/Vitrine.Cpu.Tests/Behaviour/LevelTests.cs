using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Vitrine.Cpu.Tests.Behaviour;

/// <summary>What the levels announce, and the instructions whose results come from outside of the processor.</summary>
public sealed unsafe class LevelTests
{
    private const uint Leaf1OfV3 = 1u << 12 | 1u << 22 | 1u << 28 | 1u << 29;
    private const uint Leaf1OfMax = 1u << 1 | 1u << 25 | 1u << 30;
    private const uint Leaf7OfV3 = 1u << 3 | 1u << 5 | 1u << 8;
    private const uint Leaf7OfMax = 1u << 0 | 1u << 18 | 1u << 19 | 1u << 29;

    [Theory]
    [InlineData(2, 0u, 0u, 3u, 576u)]
    [InlineData(3, Leaf1OfV3, Leaf7OfV3, 7u, 832u)]
    [InlineData(4, Leaf1OfV3 | Leaf1OfMax, Leaf7OfV3 | Leaf7OfMax, 7u, 832u)]
    public void Cpuid_AnnouncesWhatTheLevelHas(int level, uint leaf1, uint leaf7, uint components, uint size)
    {
        using var guest = new GuestProgram(level: (CpuLevel)level);
        Assert.Equal(leaf1, Ask(guest, 1, 0)[2] & (Leaf1OfV3 | Leaf1OfMax));
        Assert.Equal(leaf7, Ask(guest, 7, 0)[1] & (Leaf7OfV3 | Leaf7OfMax));
        Assert.Equal(level == 4, (Ask(guest, 7, 0)[2] & 1u << 22) != 0);
        Assert.Equal(level >= 3, (Ask(guest, 0x8000_0001, 0)[2] & 1u << 5) != 0);
        Assert.Equal([components, size, size, 0u], Ask(guest, 13, 0));
        Assert.Equal(level == 4 ? 7u : 0, Ask(guest, 13, 1)[0]);
        Assert.Equal(level >= 3 ? [256u, 576u, 0u, 0u] : new uint[4], Ask(guest, 13, 2));
    }

    [Fact]
    public void Xgetbv_TellsTheComponentsAndThoseInUse()
    {
        using var guest = new GuestProgram();
        Assert.Equal(7UL, ExtendedControl(guest, 0));
        Assert.Equal(0UL, ExtendedControl(guest, 1));
        guest.Registers->Ymm[4 * 9] = 1;
        Assert.Equal(2UL, ExtendedControl(guest, 1));
        guest.Registers->Ymm[(4 * 9) + 3] = 1;
        guest.Registers->FpuTag = 1;
        Assert.Equal(7UL, ExtendedControl(guest, 1));
    }

    [Theory]
    [InlineData(3, 1u)]
    [InlineData(4, 2u)]
    public void Xgetbv_OfWhatIsNotThere_IsAGeneralProtectionFault(int level, uint index)
    {
        using var guest = new GuestProgram(level: (CpuLevel)level);
        guest.Registers->Rcx = index;
        guest.Place(c => c.xgetbv());
        Assert.Equal(new CpuExit(CpuExitKind.Exception, Vector: ExceptionVector.GeneralProtection), guest.Run());
    }

    [Fact]
    public void RandomNumbers_ComeFromTheMachinesSource()
    {
        using var guest = new GuestProgram();
        ulong next = 0x1111_2222_3333_4444;
        guest.Space.Complex.Entropy = () => next++;
        guest.Registers->Rcx = guest.Registers->Rdx = ulong.MaxValue;
        guest.Registers->Rflags = 0x8d7 & ~1UL;
        guest.RunUntilBreakpoint(c =>
        {
            c.rdrand(rax);
            c.rdseed(rbx);
            c.rdrand(ecx);
            c.rdseed(dx);
            c.int3();
        });
        Assert.Equal(0x1111_2222_3333_4444UL, guest.Registers->Rax);
        Assert.Equal(0x1111_2222_3333_4445UL, guest.Registers->Rbx);
        Assert.Equal(0x3333_4446UL, guest.Registers->Rcx);
        Assert.Equal(0xffff_ffff_ffff_4447UL, guest.Registers->Rdx);

        // A number is there: CF. The other arithmetic flags are clear.
        Assert.Equal(1UL, guest.Registers->Rflags & 0x8d5);
    }

    [Fact]
    public void RandomNumbers_DifferWithoutASource()
    {
        using var guest = new GuestProgram();
        guest.RunUntilBreakpoint(c =>
        {
            c.rdrand(rax);
            c.rdrand(rbx);
            c.int3();
        });
        Assert.NotEqual(guest.Registers->Rax, guest.Registers->Rbx);
    }

    [Fact]
    public void Rdpid_TellsTheProcessorsNumber()
    {
        using var guest = new GuestProgram();
        using VirtualProcessor second = guest.Space.CreateProcessor();
        guest.Registers->Rax = ulong.MaxValue;
        guest.Place(c =>
        {
            c.rdpid(rax);
            c.int3();
        });
        second.LoadRegisters(guest.Registers);
        Assert.Equal(ExceptionVector.Breakpoint, second.Run(guest.Space.Cr3).Vector);
        second.SaveRegisters(guest.Registers);
        Assert.Equal(second.Index, guest.Registers->Rax);
        Assert.Equal(1u, second.Index);
    }

    private static uint[] Ask(GuestProgram guest, uint leaf, uint subLeaf) => Judge.AnnouncedFeatures.Ask(guest, leaf, subLeaf);

    private static ulong ExtendedControl(GuestProgram guest, uint index)
    {
        guest.Registers->Rcx = index;
        guest.RunUntilBreakpoint(c =>
        {
            c.xgetbv();
            c.int3();
        });
        return guest.Registers->Rax | guest.Registers->Rdx << 32;
    }
}
