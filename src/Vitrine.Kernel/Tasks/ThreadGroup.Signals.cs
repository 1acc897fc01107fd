using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Signals;

namespace Vitrine.Kernel.Tasks;

/// <content>Signals and job control of a process.</content>
internal sealed partial class ThreadGroup
{
    public SignalHandlers Handlers { get; set; } = new();

    public PendingSignals SharedPending { get; } = new();

    /// <summary>The whole group is on its way out (SIGNAL_GROUP_EXIT): <see cref="GroupExitCode"/> is its wait status.</summary>
    public bool IsExiting { get; set; }

    /// <summary>Wait status of a group exit, or the signal of a group stop.</summary>
    public int GroupExitCode { get; set; }

    /// <summary>The thread that is executing a new program and waits for the others to go.</summary>
    public Task? ExecTask { get; set; }

    /// <summary>All threads have stopped (SIGNAL_STOP_STOPPED).</summary>
    public bool IsStopped { get; set; }

    /// <summary>Continued since the last wait for it (SIGNAL_STOP_CONTINUED).</summary>
    public bool IsContinued { get; set; }

    /// <summary>Threads that have yet to take part in a group stop.</summary>
    public int GroupStopCount { get; set; }

    /// <summary>CLD_STOPPED or CLD_CONTINUED that the next running thread reports to the parent; 0: none.</summary>
    public int PendingChildReport { get; set; }

    /// <summary>Signals with default actions do not touch it: process 1 (SIGNAL_UNKILLABLE).</summary>
    public bool IsUnkillable { get; set; }

    /// <summary>Where its threads wait for children (wait_chldexit).</summary>
    public WaitQueue ChildWait { get; } = new();

    public bool IsGroupStopPending => GroupStopCount > 0;
}
