using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Tasks;

/// <summary>Which call a restart block belongs to.</summary>
internal enum RestartKind
{
    /// <summary>restart_syscall(2) gives EINTR.</summary>
    None = 0,
    Nanosleep = 1,
    Poll = 2,
    FutexWait = 3,
    SignalWait = 4,

    /// <summary>A sleep on a CPU clock.</summary>
    CpuNanosleep = 5,
}

/// <summary>
/// How a call that was interrupted goes on when restart_syscall(2) asks for it (struct restart_block's twin): plain data,
/// with an absolute deadline, so that the time waited already is not waited again.
/// </summary>
/// <param name="Kind">The call.</param>
/// <param name="Deadline">Monotonic time at which it gives up; CPU time of a sleep on such a clock.</param>
/// <param name="Address">nanosleep: where the remaining time goes (0: nowhere); poll: the descriptors; futex: the word; sigtimedwait: the siginfo.</param>
/// <param name="Argument">poll: the number of descriptors; futex: the value waited on; sigtimedwait: the set; sleep on a CPU clock: the clock.</param>
/// <param name="Argument2">futex: flags and bitset.</param>
internal readonly record struct RestartBlock(RestartKind Kind, Ktime Deadline, VirtAddr Address, ulong Argument, ulong Argument2);

/// <content>The restart block.</content>
internal sealed partial class Task
{
    public RestartBlock Restart { get; set; }
}
