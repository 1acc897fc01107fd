using System.Runtime.CompilerServices;

namespace Vitrine.Kernel.Async;

/// <summary>
/// Builder of <see cref="KTask"/>: a path that completes at once allocates nothing; one that suspends moves its
/// state machine into a pooled box. No ExecutionContext, no SynchronizationContext.
/// </summary>
internal struct KTaskMethodBuilder
{
    private KTaskMethodBuilder<Unit> _inner;

    public static KTaskMethodBuilder Create() => default;

    public readonly KTask Task => new(_inner.Source);

    public void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void SetResult() => _inner.SetResult(default);

    public readonly void SetException(Exception exception) => KTaskMethodBuilder<Unit>.Escaped(exception);

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => KTaskMethodBuilder<Unit>.Refuse(typeof(TAwaiter));

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => _inner.AwaitUnsafeOnCompleted(ref awaiter, ref stateMachine);
}

/// <inheritdoc cref="KTaskMethodBuilder"/>
internal struct KTaskMethodBuilder<T>
{
    private T? _result;

    internal KTaskSource<T>? Source;

    public static KTaskMethodBuilder<T> Create() => default;

    public readonly KTask<T> Task => new() { Source = Source, Result = _result };

    public void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void SetResult(T result)
    {
        if (Source is null)
            _result = result;
        else
            ((IKTaskBox<T>)Source).SetResult(result);
    }

    public readonly void SetException(Exception exception) => Escaped(exception);

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => Refuse(typeof(TAwaiter));

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine
    {
        if (awaiter is not IKernelAwaiter)
            Refuse(typeof(TAwaiter));
        if (Source is not KTaskBox<TStateMachine, T> box)
        {
            // The order matters: the box must be in the builder before the state machine is copied into it.
            box = KTaskBox<TStateMachine, T>.Rent();
            Source = box;
            box.StateMachine = stateMachine;
        }

        awaiter.UnsafeOnCompleted(box.MoveNextAction);
    }

    /// <summary>An exception in the kernel is a bug: it goes straight up to the processor loop, which panics the machine.</summary>
    internal static void Escaped(Exception exception) =>
        throw (exception as KernelPanicException ?? new KernelPanicException(exception));

    internal static void Refuse(Type awaiter) =>
        throw new KernelPanicException(new InvalidOperationException($"kernel code awaited {awaiter.Name}, which is not the kernel's"));
}

/// <summary>How a builder hands the result to its box without knowing the state machine's type.</summary>
internal interface IKTaskBox<T>
{
    void SetResult(T result);
}

/// <summary>A suspended state machine on the heap, pooled per type and host thread.</summary>
internal sealed class KTaskBox<TStateMachine, T> : KTaskSource<T>, IKTaskBox<T>
    where TStateMachine : IAsyncStateMachine
{
    private const int PoolLimit = 64;

    // The pool belongs to the async runtime, not to a machine: a box carries nothing from one use to the next.
    [ThreadStatic]
    private static KTaskBox<TStateMachine, T>? _pool;

    [ThreadStatic]
    private static int _pooled;

    private KTaskBox<TStateMachine, T>? _next;

    private KTaskBox() => MoveNextAction = MoveNext;

    public TStateMachine? StateMachine;

    public Action MoveNextAction { get; }

    public static KTaskBox<TStateMachine, T> Rent()
    {
        KTaskBox<TStateMachine, T>? box = _pool;
        if (box is null)
            return new KTaskBox<TStateMachine, T>();
        _pool = box._next;
        box._next = null;
        _pooled--;
        return box;
    }

    public void SetResult(T result)
    {
        StateMachine = default;
        Complete(result);
    }

    protected override void Recycle()
    {
        if (_pooled >= PoolLimit)
            return;
        _next = _pool;
        _pool = this;
        _pooled++;
    }

    private void MoveNext() => StateMachine!.MoveNext();
}
