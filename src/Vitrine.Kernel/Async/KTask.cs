using System.Runtime.CompilerServices;

namespace Vitrine.Kernel.Async;

/// <summary>
/// The result of a kernel path that may wait. Await it exactly once, directly; it is not thread-safe and lives
/// under the kernel lock. It waits only on the kernel's own awaitables; an exception that escapes it panics the
/// machine (<see cref="KernelPanicException"/>).
/// </summary>
[AsyncMethodBuilder(typeof(KTaskMethodBuilder))]
[MustUse]
internal readonly struct KTask
{
    private readonly KTaskSource<Unit>? _source;

    internal KTask(KTaskSource<Unit>? source) => _source = source;

    /// <summary>Finished, without having waited.</summary>
    public static KTask Completed => default;

    public bool IsCompleted => _source is null || _source.IsCompleted;

    public KTaskAwaiter GetAwaiter() => new(_source);
}

/// <summary>The result of a kernel path that may wait and yields a value. See <see cref="KTask"/>.</summary>
[AsyncMethodBuilder(typeof(KTaskMethodBuilder<>))]
[MustUse]
internal struct KTask<T>
{
    // Fields that are set in place of constructors: each method less is one less to compile per type of result at start-up.
    internal KTaskSource<T>? Source;
    internal T? Result;

    public readonly bool IsCompleted => Source is null || Source.IsCompleted;

    /// <summary>Finished with a value, without having waited.</summary>
    public static KTask<T> FromResult(T value) => new() { Result = value };

    public static implicit operator KTask<T>(T value) => new() { Result = value };

    public readonly KTaskAwaiter<T> GetAwaiter() => new() { Source = Source, Result = Result };
}

/// <summary>No value.</summary>
internal readonly struct Unit;

/// <summary>Marks the awaiters that a KTask method may await; anything else is refused with a panic.</summary>
internal interface IKernelAwaiter : ICriticalNotifyCompletion;

internal readonly struct KTaskAwaiter : IKernelAwaiter
{
    private readonly KTaskSource<Unit>? _source;

    internal KTaskAwaiter(KTaskSource<Unit>? source) => _source = source;

    public bool IsCompleted => (_source is null || _source.IsCompleted) && !KTaskRuntime.ShouldYield();

    public void GetResult() => _source?.TakeResult();

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        if (_source is null || _source.IsCompleted)
            KTaskRuntime.Yield(continuation);
        else
            _source.SetContinuation(continuation);
    }
}

internal struct KTaskAwaiter<T> : IKernelAwaiter
{
    internal KTaskSource<T>? Source;
    internal T? Result;

    public readonly bool IsCompleted => (Source is null || Source.IsCompleted) && !KTaskRuntime.ShouldYield();

    public readonly T GetResult() => Source is null ? Result! : Source.TakeResult();

    public readonly void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public readonly void UnsafeOnCompleted(Action continuation)
    {
        if (Source is null || Source.IsCompleted)
            KTaskRuntime.Yield(continuation);
        else
            Source.SetContinuation(continuation);
    }
}
