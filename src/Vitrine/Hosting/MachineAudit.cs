using Vitrine.Kernel;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Hosting;

/// <summary>
/// The examination of a machine at its end, in tests: that it can be brought to rest with all state in fields, and that
/// nothing is left when its processes have ended. Steps are called in their order by the stopping machine.
/// </summary>
internal sealed class MachineAudit(KernelInstance kernel)
{
    private const string Switch = "Vitrine.Audit";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly List<string> _found = [];

    public static bool IsOn(MachineOptions options) => options.Audit ?? (AppContext.TryGetSwitch(Switch, out bool isOn) && isOn);

    /// <summary>Brings the running machine to rest, looks through it, and lets it go on.</summary>
    public void LookAtRest()
    {
        using var looked = new ManualResetEventSlim(false);
        kernel.Interrupts.Post(() => kernel.Freezer.Freeze(() =>
        {
            RestAudit.Run(kernel, _found);
            kernel.Freezer.Thaw();
            looked.Set();
        }));
        if (!looked.Wait(Patience) && !kernel.IsHalted)
            _found.Add("the machine did not come to rest: " + string.Join(", ", Restless()));
    }

    /// <summary>Kills all processes and waits until they are gone.</summary>
    public void EndProcesses()
    {
        kernel.Interrupts.Post(kernel.Tasks.KillAll);
        DateTime deadline = DateTime.UtcNow + Patience;
        while (!kernel.IsHalted && CountProcesses() > 0 && DateTime.UtcNow < deadline)
            Thread.Sleep(1);
        if (!kernel.IsHalted && CountProcesses() is > 0 and var left)
            _found.Add($"{left} processes outlive SIGKILL");
    }

    /// <summary>With the processors stopped: takes the file tree apart and looks for what is still alive.</summary>
    public void LookForLeaks()
    {
        kernel.Lock.Enter();
        string? leaks = LeakAudit.Run(kernel);
        kernel.Lock.Exit();
        if (leaks is not null)
            _found.Add("left at the end: " + leaks);
    }

    /// <exception cref="VitrineException">Something was not as it must be.</exception>
    public void Report()
    {
        if (_found.Count > 0)
            throw new VitrineException(VitrineFailure.KernelPanic, "the machine's audit failed: " + string.Join("; ", _found));
    }

    private int CountProcesses()
    {
        if (!kernel.Lock.TryEnter(Patience))
            return 0;
        int count = 0;
        foreach (ThreadGroup group in kernel.Tasks.All)
        {
            if (!group.Leader.IsKernelThread)
                count++;
        }

        kernel.Lock.Exit();
        return count;
    }

    private List<string> Restless()
    {
        var tasks = new List<string>();
        if (!kernel.Lock.TryEnter(Patience))
            return ["a processor is lost in the kernel"];
        foreach (ThreadGroup group in kernel.Tasks.All)
        {
            foreach (Kernel.Tasks.Task thread in group.Threads)
                tasks.Add($"{thread} is {thread.State} in {thread.Path}");
        }

        kernel.Lock.Exit();
        return tasks;
    }
}
