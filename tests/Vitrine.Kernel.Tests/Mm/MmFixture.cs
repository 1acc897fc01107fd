using Vitrine.Cpu;
using Vitrine.Hardware;
using Vitrine.Kernel;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Tests.Mm;

/// <summary>A kernel with RAM and no running processor, a task to call with, and the leak check at the end.</summary>
internal sealed class MmFixture : IDisposable
{
    private readonly GuestRam _ram;
    private readonly ProcessorComplex _complex;
    private readonly long _freeAtStart;

    public MmFixture(ulong megabytes = 64)
    {
        _ram = GuestRam.Create(megabytes << 20);
        _complex = new ProcessorComplex(_ram.Memory);
        VirtualProcessor processor = _complex.CreateProcessor();
        Kernel = new KernelInstance(new KernelOptions
        {
            Ram = _ram.Memory,
            RamDevice = _ram,
            Complex = _complex,
            Processors = [processor],
            Clock = new HostClock(),
            Entropy = new CountingEntropy(),
        });
        Kernel.Lock.Enter();
        var credentials = Credentials.ForUser(Kernel.InitUserNamespace, Uid.Root, Gid.Root, []);
        var group = new ThreadGroup(Kernel);
        Array.Fill(group.Limits, RLimit.Unlimited);
        group.Limits[(int)ResourceLimit.Stack] = new RLimit(8 << 20, RLimit.Infinity);
        Current = new Task(Kernel, group, credentials, Kernel.InitialNamespaces, Kernel.RootCgroup);
        _freeAtStart = Kernel.Memory.FreeFrames;
    }

    public KernelInstance Kernel { get; }

    public Task Current { get; }

    public PhysicalMemory Memory => Kernel.Memory;

    public MmStruct NewMm() => MmStruct.Create(Kernel, Kernel.RootCgroup).Value;

    /// <summary>The value of a path that must not wait.</summary>
    public static T Now<T>(KTask<T> path)
    {
        Assert.True(path.IsCompleted);
        return path.GetAwaiter().GetResult();
    }

    public VirtAddr MapAnonymous(MmStruct mm, ulong pages, ProtectionFlags protection = ProtectionFlags.Read | ProtectionFlags.Write) =>
        Now(mm.MapAsync(Current, default, pages << Page.Shift, protection, MapFlags.Private | MapFlags.Anonymous, null, 0)).Value;

    public void Store(MmStruct mm, VirtAddr address, byte value)
    {
        Assert.Equal(FaultOutcome.Handled, Now(mm.HandleFaultAsync(Current, address, PageFaultError.Write | PageFaultError.User)));
        Assert.Equal(1, mm.CopyToUser(address, [value]));
    }

    public byte Load(MmStruct mm, VirtAddr address)
    {
        Assert.Equal(FaultOutcome.Handled, Now(mm.HandleFaultAsync(Current, address, PageFaultError.User)));
        Span<byte> value = stackalloc byte[1];
        Assert.Equal(1, mm.CopyFromUser(address, value));
        return value[0];
    }

    public void Dispose()
    {
        Assert.Equal(_freeAtStart, Memory.FreeFrames);
        Assert.Equal(0, Memory.LiveAddressSpaces);
        Assert.Equal(0, Memory.LivePageCaches);
        Assert.Equal(0, Kernel.RootCgroup.FramesCharged);
        Assert.Equal(0, Kernel.RootCgroup.KernelMemory);
        Assert.Equal(0, Memory.Vm[VmCounter.AnonPages]);
        Assert.Equal(0, Memory.Vm[VmCounter.Mapped]);
        Assert.Equal(0, Memory.Vm[VmCounter.FilePages]);
        Assert.Equal(0, Memory.Vm[VmCounter.PageTablePages]);
        Assert.Equal(0UL, Memory.Committed);
        Kernel.Lock.Exit();
        Current.ReleaseRegisters();
        _complex.Dispose();
        Memory.Dispose();
        _ram.Dispose();
    }

    private sealed class CountingEntropy : IEntropyDevice
    {
        private byte _next;

        public void Fill(Span<byte> destination)
        {
            foreach (ref byte b in destination)
                b = _next++;
        }
    }
}
