namespace Vitrine;

/// <summary>A program to start in a machine.</summary>
/// <param name="program">A path inside the machine; without a slash it is searched in the environment's PATH.</param>
/// <param name="arguments">Its arguments, without its own name.</param>
public sealed class ProcessOptions(string program, params IReadOnlyList<string> arguments)
{
    /// <summary>A path inside the machine, or a name that is searched in PATH.</summary>
    public string Program { get; } = program;

    /// <summary>The arguments that follow the program's name.</summary>
    public IReadOnlyList<string> Arguments { get; } = arguments;

    /// <summary>What the program sees as <c>argv[0]</c>; null for <see cref="Program"/> as given.</summary>
    public string? ProgramName { get; init; }

    /// <summary>Variables set in addition to the safe default ones (see <see cref="SafeEnvironment"/>); null removes one.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>Whether <see cref="Environment"/> is the whole environment.</summary>
    public bool ClearEnvironment { get; init; }

    /// <summary>The directory to start in; null for the caller's, where the machine shows it, else <c>/</c>.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>Descriptor 0.</summary>
    public ProcessStream StandardInput { get; init; } = ProcessStream.Null;

    /// <summary>Descriptor 1.</summary>
    public ProcessStream StandardOutput { get; init; } = ProcessStream.Capture;

    /// <summary>Descriptor 2.</summary>
    public ProcessStream StandardError { get; init; } = ProcessStream.Capture;
}

/// <summary>What stands behind a descriptor that a program starts with.</summary>
public sealed class ProcessStream
{
    private ProcessStream(ProcessStreamKind kind, ReadOnlyMemory<byte> content = default, GuestTerminal? terminal = null)
    {
        Kind = kind;
        Content = content;
        Terminal = terminal;
    }

    /// <summary><c>/dev/null</c>.</summary>
    public static ProcessStream Null { get; } = new(ProcessStreamKind.Null);

    /// <summary>
    /// The calling process' own descriptor: it keeps its kind (pipe, socket, file with its offset and append mode), and it
    /// can be polled. A terminal becomes one of the machine's: when a program reads from it or changes its attributes, the
    /// caller's goes into raw mode and passes everything on, and it is put back when the program has ended, when the
    /// machine stops, and when this process exits or is stopped.
    /// </summary>
    public static ProcessStream Inherit { get; } = new(ProcessStreamKind.Inherit);

    /// <summary>A pipe whose other end is a stream of <see cref="GuestProcess"/>.</summary>
    public static ProcessStream Pipe { get; } = new(ProcessStreamKind.Pipe);

    /// <summary>Output only: a pipe that is read to its end into <see cref="ProcessResult"/>.</summary>
    public static ProcessStream Capture { get; } = new(ProcessStreamKind.Capture);

    internal ProcessStreamKind Kind { get; }

    internal ReadOnlyMemory<byte> Content { get; }

    internal GuestTerminal? Terminal { get; }

    /// <summary>A terminal whose screen and keyboard are streams of this process.</summary>
    public static ProcessStream FromTerminal(GuestTerminal terminal)
    {
        ArgumentNullException.ThrowIfNull(terminal);
        return new ProcessStream(ProcessStreamKind.Terminal, terminal: terminal);
    }

    /// <summary>Input only: a pipe that is fed these bytes and then closed.</summary>
    public static ProcessStream FromBytes(ReadOnlyMemory<byte> content) => new(ProcessStreamKind.Bytes, content);

    /// <summary>Input only: a pipe that is fed this text as UTF-8 and then closed.</summary>
    public static ProcessStream FromText(string text) => FromBytes(System.Text.Encoding.UTF8.GetBytes(text));
}

/// <summary>The kinds of <see cref="ProcessStream"/>.</summary>
internal enum ProcessStreamKind
{
    Null = 0,
    Inherit = 1,
    Pipe = 2,
    Capture = 3,
    Bytes = 4,
    Terminal = 5,
}
