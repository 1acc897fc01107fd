using Vitrine.Cpu;

namespace Vitrine.Kernel.Mm;

/// <summary>The frames of guest RAM: page descriptors and the buddy allocator.</summary>
internal sealed partial class PhysicalMemory(KernelInstance kernel, GuestMemory ram)
{
    public KernelInstance Kernel { get; } = kernel;

    public GuestMemory Ram { get; } = ram;
}
