using System.Text;

namespace Vitrine;

/// <summary>How a program ended.</summary>
public sealed class ProcessResult
{
    internal ProcessResult(int exitCode, int signal, bool coreDumped, bool timedOut, byte[] output, byte[] error, StateHash? stateHash = null)
    {
        ExitCode = exitCode;
        Signal = signal;
        CoreDumped = coreDumped;
        TimedOut = timedOut;
        OutputBytes = output;
        ErrorBytes = error;
        StateHash = stateHash;
    }

    /// <summary>What the program passed to <c>exit</c> (0 to 255); 0 when a signal ended it.</summary>
    public int ExitCode { get; }

    /// <summary>The number of the signal that ended the program, or 0.</summary>
    public int Signal { get; }

    /// <summary>Whether the signal's action was to dump core (as in <c>WCOREDUMP</c>).</summary>
    public bool CoreDumped { get; }

    /// <summary>Whether the program was killed because <see cref="MachineOptions.Timeout"/> ran out.</summary>
    public bool TimedOut { get; }

    /// <summary>
    /// The machine's state when the program's last thread began to end, with all that the program had still in place; null unless
    /// <see cref="MachineOptions.HashesState"/> was set.
    /// </summary>
    public StateHash? StateHash { get; }

    /// <summary>The status a shell would give: <see cref="ExitCode"/>, or 128 + <see cref="Signal"/>.</summary>
    public int ShellStatus => Signal == 0 ? ExitCode : 128 + Signal;

    /// <summary>True if the program ended by itself with status 0.</summary>
    public bool Succeeded => Signal == 0 && ExitCode == 0;

    /// <summary>What was captured from descriptor 1; empty unless it was <see cref="ProcessStream.Capture"/>.</summary>
    public ReadOnlyMemory<byte> OutputBytes { get; }

    /// <summary>What was captured from descriptor 2; empty unless it was <see cref="ProcessStream.Capture"/>.</summary>
    public ReadOnlyMemory<byte> ErrorBytes { get; }

    /// <summary><see cref="OutputBytes"/> as UTF-8 text.</summary>
    public string Output => Encoding.UTF8.GetString(OutputBytes.Span);

    /// <summary><see cref="ErrorBytes"/> as UTF-8 text.</summary>
    public string Error => Encoding.UTF8.GetString(ErrorBytes.Span);
}
