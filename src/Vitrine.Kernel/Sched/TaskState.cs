namespace Vitrine.Kernel.Sched;

/// <summary>A task's state; numbered as shown to nobody, named as Linux names them.</summary>
internal enum TaskState
{
    /// <summary>On a processor or on the run queue (R).</summary>
    Running = 0,

    /// <summary>Waits; a signal ends the wait (S).</summary>
    Interruptible = 1,

    /// <summary>Waits for work that is bound to finish (D).</summary>
    Uninterruptible = 2,

    /// <summary>Waits; only a fatal signal ends the wait (D).</summary>
    Killable = 3,

    /// <summary>Stopped by job control (T).</summary>
    Stopped = 4,

    /// <summary>Stopped by a tracer (t).</summary>
    Traced = 5,

    /// <summary>A kernel thread with nothing to do (I).</summary>
    Idle = 6,

    /// <summary>Has exited, its parent has not waited (Z).</summary>
    Zombie = 7,

    /// <summary>Gone (X).</summary>
    Dead = 8,

    /// <summary>Created, not yet woken for the first time.</summary>
    New = 9,

    /// <summary>At rest with the machine (shown as what it is: D).</summary>
    Frozen = 10,
}

/// <summary>What may end a wait early.</summary>
internal enum WaitMode
{
    /// <summary>Any signal that is not blocked.</summary>
    Interruptible = 0,

    /// <summary>A fatal signal.</summary>
    Killable = 1,

    /// <summary>Nothing; only for work that is bound to finish.</summary>
    Uninterruptible = 2,

    /// <summary>Nothing, and it does not count as load: a kernel thread's idle wait.</summary>
    Idle = 3,
}

/// <summary>How a wait ended.</summary>
[MustUse]
internal enum WakeReason
{
    Woken = 0,
    Interrupted = 1,
    TimedOut = 2,
}
