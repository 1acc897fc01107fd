namespace Vitrine.Kernel.Async;

/// <summary>Where a KTask that yields puts its continuation: the task that the calling processor is running.</summary>
internal interface IYieldTarget
{
    /// <summary>Draws from the machine's seed whether the next await gives up the processor.</summary>
    bool DrawYield();

    /// <summary>Makes the current task runnable again with this continuation.</summary>
    void RequeueCurrent(Action continuation);
}

/// <summary>
/// The yielding mode of test machines: every await may give up the processor although it could go on, so that
/// nothing comes to rely on one completing at once. Off, it costs one thread-static read per await.
/// </summary>
internal static class KTaskRuntime
{
    [ThreadStatic]
    private static IYieldTarget? _yieldTarget;

    /// <summary>Set by the processor loop of a yielding machine around kernel code, else null.</summary>
    public static IYieldTarget? YieldTarget
    {
        get => _yieldTarget;
        set => _yieldTarget = value;
    }

    public static bool ShouldYield() => _yieldTarget is { } target && target.DrawYield();

    public static void Yield(Action continuation)
    {
        IYieldTarget target = _yieldTarget
            ?? throw new InvalidOperationException("a completed kernel task was asked for a continuation outside the yielding mode");
        target.RequeueCurrent(continuation);
    }
}

/// <summary>A bug in the kernel: the machine that hits it panics; the process and other machines live on.</summary>
internal sealed class KernelPanicException : Exception
{
    public KernelPanicException(string message)
        : base(message)
    {
    }

    public KernelPanicException(Exception inner)
        : base(inner.Message, inner)
    {
    }
}
