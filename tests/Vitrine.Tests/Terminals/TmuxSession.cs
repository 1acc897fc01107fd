using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Vitrine.Tests.Terminals;

/// <summary>
/// A real terminal of the host with a shell in it: a tmux server of its own. Keys are typed, the screen is read. A client
/// in control mode tells of every change of the screen, so that waiting is for what must appear, never for a time; and
/// one process serves for all.
/// </summary>
internal sealed class TmuxSession : IDisposable
{
    /// <summary>The prompt of the host's shell.</summary>
    public const string HostPrompt = "host>";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly string _directory = Directory.CreateTempSubdirectory("vitrine-tmux-").FullName;
    private readonly object _gate = new();
    private readonly Process _client;
    private readonly Queue<string> _replies = new();
    private readonly Thread _listener;
    private long _changes;

    /// <summary>How much of the screen's text has been waited for.</summary>
    private int _read;
    private bool _isGone;

    /// <summary>What tmux has said to its standard error.</summary>
    private string _errors = "";

    /// <param name="columns">Width.</param>
    /// <param name="rows">Height.</param>
    /// <param name="shell">What runs in the terminal; it shows <see cref="HostPrompt"/>.</param>
    public TmuxSession(int columns = 100, int rows = 30, string shell = "exec env 'PS1=host> ' bash --norc -i")
    {
        var start = new ProcessStartInfo("tmux") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
        [
            "-S", Path.Combine(_directory, "socket"), "-f", "/dev/null", "-C", "new-session", "-x", Number(columns), "-y", Number(rows), "-s", "t",
            "-e", "DOTNET_CLI_TELEMETRY_OPTOUT=1", "-e", "VITRINE_AUDIT=1",
            "-e", $"{TestedEngine.Variable}={Environment.GetEnvironmentVariable(TestedEngine.Variable)}", "-e", "HISTFILE=", shell,
        ];
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment.Remove("TMUX");
        (_client, _listener) = Connect(start);

        // A server that has just started sometimes ends before its first session shows anything; then another one is started.
        for (int attempt = 1; attempt < 4 && !IsReady(columns, rows); attempt++)
        {
            _listener.Join();
            _client.Dispose();
            _isGone = false;
            _replies.Clear();
            (_client, _listener) = Connect(start);
        }

        WaitFor(HostPrompt);
    }

    private (Process Client, Thread Listener) Connect(ProcessStartInfo start)
    {
        Process client = Process.Start(start)!;
        client.ErrorDataReceived += (_, line) => _errors += line.Data + " ";
        client.BeginErrorReadLine();
        var listener = new Thread(() => Listen(client.StandardOutput)) { IsBackground = true, Name = "tmux" };
        listener.Start();
        return (client, listener);
    }

    /// <summary>Sets the terminal's size and waits for its shell. False: tmux has ended.</summary>
    private bool IsReady(int columns, int rows)
    {
        // A control client's own size says nothing.
        _ = Ask("set-option -g window-size manual");
        _ = Ask(string.Create(CultureInfo.InvariantCulture, $"resize-window -t t -x {columns} -y {rows}"));
        try
        {
            WaitFor(HostPrompt);
            _read = 0;
            return true;
        }
        catch (InvalidOperationException) when (_isGone)
        {
            return false;
        }
    }

    /// <summary>The command line that runs Vitrine.</summary>
    public static string Vitrine => $"dotnet {Path.Combine(AppContext.BaseDirectory, "Vitrine.Cli.dll")}";

    /// <summary>What is to be seen, with the lines that have scrolled away; wrapped lines are whole.</summary>
    public string Screen => Ask("capture-pane -p -J -S -2000 -t t");

    /// <summary>What is to be seen now.</summary>
    public string Visible => Ask("capture-pane -p -t t");

    /// <summary>Types a line.</summary>
    public void Line(string text) => Type(text + "\r");

    /// <summary>Types characters as they are.</summary>
    public void Type(string text)
    {
        var command = new StringBuilder("send-keys -t t -H");
        foreach (byte value in Encoding.UTF8.GetBytes(text))
            command.Append(CultureInfo.InvariantCulture, $" {value:x2}");
        _ = Ask(command.ToString());
    }

    /// <summary>Types keys by tmux's names: C-c, Escape, Enter, single characters.</summary>
    public void Keys(params string[] keys) => _ = Ask("send-keys -t t " + string.Join(' ', keys.Select(Quote)));

    public void Resize(int columns, int rows) =>
        _ = Ask(string.Create(CultureInfo.InvariantCulture, $"resize-window -t t -x {columns} -y {rows}"));

    /// <summary>What tmux knows by a name: pane_pid, alternate_on, cursor_flag, …</summary>
    public string Query(string name) => Ask("display-message -p -t t " + Quote($"#{{{name}}}")).Trim();

    /// <summary>Takes the terminal away with everything in it.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (!_isGone)
                _client.StandardInput.WriteLine("kill-server");
        }

        Assert.True(_client.WaitForExit(Patience), "tmux does not end");
    }

    /// <summary>
    /// Waits until texts have appeared, in any order, behind those that were waited for before. Not while a program uses
    /// the whole screen.
    /// </summary>
    public void WaitFor(params string[] texts)
    {
        int furthest = 0;
        WaitUntil(
            screen =>
            {
                furthest = 0;
                foreach (string text in texts)
                {
                    int at = _read > screen.Length ? -1 : screen.IndexOf(text, _read, StringComparison.Ordinal);
                    if (at < 0)
                        return false;
                    furthest = Math.Max(furthest, at + text.Length);
                }

                return true;
            },
            $"'{string.Join("', '", texts)}' does not appear on this screen");
        _read = furthest;
    }

    /// <summary>What was on the screen may look different now (another width): the next wait looks at everything.</summary>
    public void Forget() => _read = 0;

    /// <summary>Waits until what is to be seen now contains texts; for programs that use the whole screen.</summary>
    public void WaitToSee(params string[] texts) =>
        WaitUntil(_ => Visible is var screen && Array.TrueForAll(texts, t => screen.Contains(t, StringComparison.Ordinal)), $"'{string.Join("', '", texts)}' is not to be seen");

    /// <summary>Waits until the screen, with what has scrolled away, is as it should be.</summary>
    public void WaitUntil(Func<string, bool> condition, string complaint)
    {
        var watch = Stopwatch.StartNew();
        for (; ; )
        {
            long seen = Volatile.Read(ref _changes);
            string screen = Screen;
            if (condition(screen))
                return;
            lock (_gate)
            {
                while (_changes == seen && !_isGone)
                {
                    TimeSpan left = Patience - watch.Elapsed;
                    if (left <= TimeSpan.Zero || !Monitor.Wait(_gate, left))
                        throw new TimeoutException($"{complaint}:\n{screen}\nto be seen:\n{Visible}");
                }

                if (_isGone)
                    throw new InvalidOperationException($"the terminal is gone ({_errors}); {complaint}:\n{screen}");
            }
        }
    }

    /// <summary>Waits until the shell of the host asks for the next command: nothing else reads what is typed now.</summary>
    public void WaitForHost() => WaitUntil(
        screen => screen.TrimEnd().EndsWith(HostPrompt, StringComparison.Ordinal) && Query("pane_current_command") == "bash",
        "the host's shell does not come back to this screen");

    /// <summary>Runs a command in the host's shell and returns what it prints.</summary>
    public string Command(string command)
    {
        string file = Path.GetTempFileName();
        Line($"{command} > {file} 2>&1; echo done-$((40+2))-{Path.GetFileName(file)}");
        WaitFor($"done-42-{Path.GetFileName(file)}");
        WaitForHost();
        string output = File.ReadAllText(file);
        File.Delete(file);
        return output;
    }

    public void Dispose()
    {
        Close();
        _listener.Join();
        _client.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static string Quote(string word) => "'" + word.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Runs a command of tmux and returns what it prints.</summary>
    private string Ask(string command)
    {
        lock (_gate)
        {
            if (_isGone)
                return "";
            _client.StandardInput.WriteLine(command);
            while (_replies.Count == 0)
            {
                if (_isGone || !Monitor.Wait(_gate, Patience))
                    return "";
            }

            return _replies.Dequeue();
        }
    }

    /// <summary>Reads the client: blocks that answer commands, and notices between them.</summary>
    private void Listen(StreamReader output)
    {
        StringBuilder? block = null;
        while (output.ReadLine() is { } line)
        {
            if (line.StartsWith("%begin ", StringComparison.Ordinal))
            {
                block = new StringBuilder();
                continue;
            }

            bool ends = line.StartsWith("%end ", StringComparison.Ordinal) || line.StartsWith("%error ", StringComparison.Ordinal);
            if (block is not null && !ends)
            {
                block.Append(line).Append('\n');
                continue;
            }

            lock (_gate)
            {
                if (line.StartsWith("%exit", StringComparison.Ordinal))
                    _errors += line + " ";

                // The last word of the line says whether the command came from this client's input.
                if (!ends)
                    _changes++;
                else if (line.EndsWith(" 1", StringComparison.Ordinal))
                    _replies.Enqueue(block!.ToString());
                Monitor.PulseAll(_gate);
            }

            if (ends)
                block = null;
        }

        lock (_gate)
        {
            _isGone = true;
            Monitor.PulseAll(_gate);
        }
    }
}
