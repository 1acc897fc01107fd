namespace Vitrine;

/// <summary>A program that runs in a machine. Thread-safe.</summary>
public sealed class GuestProcess
{
    private readonly Action<int, bool> _signal;
    private readonly Task<ProcessResult> _result;

    internal GuestProcess(int id, Stream? input, Stream? output, Stream? error, Action<int, bool> signal, Task<ProcessResult> result)
    {
        Id = id;
        StandardInput = input;
        StandardOutput = output;
        StandardError = error;
        _signal = signal;
        _result = result;
    }

    /// <summary>The process number inside the machine.</summary>
    public int Id { get; }

    /// <summary>Where to write its input; null unless it was started with <see cref="ProcessStream.Pipe"/>. Close it to end the input.</summary>
    public Stream? StandardInput { get; }

    /// <summary>Where to read its output; null unless it was started with <see cref="ProcessStream.Pipe"/>.</summary>
    public Stream? StandardOutput { get; }

    /// <summary>Where to read its error output; null unless it was started with <see cref="ProcessStream.Pipe"/>.</summary>
    public Stream? StandardError { get; }

    /// <summary>Sends a signal by its Linux number, as <c>kill</c> from outside the machine; no effect once the process has ended.</summary>
    /// <param name="number">1 to 64.</param>
    /// <param name="wholeGroup">Send it to all processes of its process group, as a terminal does.</param>
    public void Signal(int number, bool wholeGroup = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, 64);
        _signal(number, wholeGroup);
    }

    /// <summary>
    /// Waits for the process to end and its captured output to be complete. Cancelling the wait leaves the process running.
    /// </summary>
    /// <exception cref="VitrineException">The machine stopped first, by a kernel panic or by being disposed.</exception>
    public Task<ProcessResult> WaitAsync(CancellationToken cancellation = default) => _result.WaitAsync(cancellation);
}
