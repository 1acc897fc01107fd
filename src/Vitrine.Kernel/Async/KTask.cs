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
internal readonly struct KTask<T>
{
    private readonly KTaskSource<T>? _source;
    private readonly T? _result;

    internal KTask(KTaskSource<T> source)
    {
        _source = source;
        _result = default;
    }

    private KTask(T result)
    {
        _source = null;
        _result = result;
    }

    public bool IsCompleted => _source is null || _source.IsCompleted;

    /// <summary>Finished with a value, without having waited.</summary>
    public static KTask<T> FromResult(T value) => new(value);

    public static implicit operator KTask<T>(T value) => new(value);

    public KTaskAwaiter<T> GetAwaiter() => new(_source, _result);
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

internal readonly struct KTaskAwaiter<T> : IKernelAwaiter
{
    private readonly KTaskSource<T>? _source;
    private readonly T? _result;

    internal KTaskAwaiter(KTaskSource<T>? source, T? result)
    {
        _source = source;
        _result = result;
    }

    public bool IsCompleted => (_source is null || _source.IsCompleted) && !KTaskRuntime.ShouldYield();

    public T GetResult() => _source is null ? _result! : _source.TakeResult();

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        if (_source is null || _source.IsCompleted)
            KTaskRuntime.Yield(continuation);
        else
            _source.SetContinuation(continuation);
    }
}
