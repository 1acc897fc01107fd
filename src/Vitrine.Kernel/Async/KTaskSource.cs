namespace Vitrine.Kernel.Async;

/// <summary>What a suspended kernel path completes through. One continuation, one result, taken once.</summary>
internal abstract class KTaskSource<T>
{
    private Action? _continuation;
    private T? _result;

    public bool IsCompleted { get; private set; }

    /// <summary>Registers the only continuation. The path must not have completed.</summary>
    public void SetContinuation(Action continuation)
    {
        if (_continuation is not null || IsCompleted)
            throw new InvalidOperationException("a kernel task was awaited twice");
        _continuation = continuation;
    }

    /// <summary>Stores the result and runs the continuation: same kernel path, so no queue in between.</summary>
    protected void Complete(T result)
    {
        _result = result;
        IsCompleted = true;
        Action? continuation = _continuation;
        if (continuation is null)
            return;
        _continuation = null;
        continuation();
    }

    /// <summary>Takes the result; the source goes back to its pool and must not be touched again.</summary>
    public T TakeResult()
    {
        if (!IsCompleted)
            throw new InvalidOperationException("a kernel task's result was taken before it completed");
        T result = _result!;
        _result = default;
        _continuation = null;
        IsCompleted = false;
        Recycle();
        return result;
    }

    protected abstract void Recycle();
}
