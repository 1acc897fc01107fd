using Vitrine.Abi;
using Vitrine.Cpu;
using Vitrine.Hardware;
using Xunit;

namespace Vitrine.Kernel.Tests.Tasks;

/// <summary>What the host's threads may still do when a machine ends.</summary>
public sealed class MachineEndTests
{
    private const ulong Megabytes = 16;

    [Fact]
    public void Post_AfterTheProcessorsAreGone_TouchesNone()
    {
        using var ram = GuestRam.Create(Megabytes << 20);
        KernelInstance kernel = Create(ram, out ProcessorComplex complex);
        int handled = 0;
        kernel.Halt();
        Assert.True(kernel.ReleaseHostResources(TimeSpan.FromSeconds(1)));
        kernel.CloseToInterrupts();
        complex.Dispose();

        for (int i = 0; i < 1000; i++)
            kernel.Interrupts.Post(() => handled++);

        Assert.Equal(0, handled);
        Assert.True(kernel.Interrupts.HasPending);
    }

    [Fact]
    public void ReleaseHostResources_WhileAHostCallIsUnderWay_WaitsForIt()
    {
        using var ram = GuestRam.Create(Megabytes << 20);
        KernelInstance kernel = Create(ram, out ProcessorComplex complex);
        kernel.HostJobBegins();
        kernel.Halt();

        Assert.False(kernel.ReleaseHostResources(TimeSpan.FromMilliseconds(1)));

        kernel.HostJobEnds();
        Assert.True(kernel.ReleaseHostResources(TimeSpan.FromSeconds(1)));
        kernel.CloseToInterrupts();
        complex.Dispose();
    }

    private static KernelInstance Create(GuestRam ram, out ProcessorComplex complex)
    {
        complex = new ProcessorComplex(ram.Memory);
        return new KernelInstance(new KernelOptions
        {
            Ram = ram.Memory,
            RamDevice = ram,
            Complex = complex,
            Processors = [complex.CreateProcessor()],
            Clock = new HostClock(),
            Entropy = new HostEntropy(),
        });
    }
}
