namespace Vitrine.Kernel.Tasks;

/// <summary>A process: what its threads share (signal_struct's and sighand_struct's twin).</summary>
internal sealed partial class ThreadGroup(KernelInstance kernel)
{
    public KernelInstance Kernel { get; } = kernel;

    public Task Leader { get; set; } = null!;

    /// <summary>All live threads, leader first, in order of creation.</summary>
    public List<Task> Threads { get; } = [];

    /// <summary>CPU time of all threads, dead ones included, in nanoseconds.</summary>
    public long UserTime { get; set; }

    public long SystemTime { get; set; }
}
