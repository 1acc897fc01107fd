using System.Diagnostics;

namespace Vitrine.Tests.Terminals;

/// <summary>A test that needs tmux; skipped with a reason on a host without it.</summary>
public sealed class TmuxFactAttribute : FactAttribute
{
    /// <param name="programs">What else it needs.</param>
    public TmuxFactAttribute(params string[] programs)
    {
        string[] missing = [.. programs.Append("tmux").Where(p => !HostRun.Has(p))];
        if (missing.Length > 0)
            Skip = "not installed: " + string.Join(", ", missing);
    }

    /// <summary>The test does what only root may.</summary>
    public bool AsRoot
    {
        get => _asRoot;
        set
        {
            _asRoot = value;
            if (value && !Environment.IsPrivilegedProcess)
                Skip ??= "only root may do this";
        }
    }

    private bool _asRoot;
}

/// <summary>
/// A real terminal of the host with a shell in it: a tmux server of its own. Keys are typed, the screen is read. Waiting is
/// for what must appear, never for a time.
/// </summary>
internal sealed class TmuxSession : IDisposable
{
    /// <summary>The prompt of the host's shell.</summary>
    public const string HostPrompt = "host>";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static int s_count;

    private readonly string _socket = $"vitrine-{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}";

    public TmuxSession(int columns = 100, int rows = 30)
    {
        _ = Run(
            "-f", "/dev/null", "new-session", "-d", "-x", $"{columns}", "-y", $"{rows}", "-s", "t",
            "-e", "PS1=host> ", "-e", "DOTNET_CLI_TELEMETRY_OPTOUT=1", "-e", "VITRINE_AUDIT=1", "/bin/sh", "-i");
        WaitFor(HostPrompt);
    }

    /// <summary>The command line that runs Vitrine.</summary>
    public static string Vitrine => $"dotnet {Path.Combine(AppContext.BaseDirectory, "Vitrine.Cli.dll")}";

    /// <summary>What is to be seen, with the lines that have scrolled away.</summary>
    public string Screen => Run("capture-pane", "-p", "-S", "-2000", "-t", "t");

    /// <summary>Types a line.</summary>
    public void Line(string text)
    {
        _ = Run("send-keys", "-t", "t", "-l", text);
        Keys("Enter");
    }

    /// <summary>Types keys by tmux's names: C-c, Escape, Enter, single characters.</summary>
    public void Keys(params string[] keys) => _ = Run(["send-keys", "-t", "t", .. keys]);

    public void Resize(int columns, int rows) => _ = Run("resize-window", "-t", "t", "-x", $"{columns}", "-y", $"{rows}");

    /// <summary>Waits until a text is on the screen this many times.</summary>
    public void WaitFor(string text, int times = 1)
    {
        var watch = Stopwatch.StartNew();
        while (Count(Screen, text) < times)
        {
            if (watch.Elapsed > Patience)
                throw new TimeoutException($"'{text}' does not appear {times} times on this screen:\n{Screen}");
            Thread.Sleep(20);
        }
    }

    /// <summary>Runs a command in the host's shell and returns what it prints.</summary>
    public string Command(string command)
    {
        string file = Path.GetTempFileName();
        Line($"{command} > {file} 2>&1; echo done-$((40+2))-{Path.GetFileName(file)}");
        WaitFor($"done-42-{Path.GetFileName(file)}");
        string output = File.ReadAllText(file);
        File.Delete(file);
        return output;
    }

    public void Dispose() => _ = Run("kill-server");

    private static int Count(string screen, string text)
    {
        int count = 0;
        for (int at = screen.IndexOf(text, StringComparison.Ordinal); at >= 0; at = screen.IndexOf(text, at + 1, StringComparison.Ordinal))
            count++;
        return count;
    }

    private string Run(params string[] arguments)
    {
        string[] all = ["-L", _socket, .. arguments];
        var start = new ProcessStartInfo("tmux") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in all)
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }
}
