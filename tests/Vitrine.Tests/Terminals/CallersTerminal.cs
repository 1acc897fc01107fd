using Vitrine.Tests.Guests;

namespace Vitrine.Tests.Terminals;

/// <summary>A terminal of the host in which somebody runs Vitrine: what the tests of sessions have in common.</summary>
public abstract class CallersTerminal : IDisposable
{
    /// <summary>The prompt of a shell inside.</summary>
    private protected const string GuestPrompt = "guest:";

    private static readonly Lock Building = new();
    private static bool s_isBuilt;

    private readonly string _shared = Directory.CreateTempSubdirectory("vitrine-shared-").FullName;
    private (string Settings, string Screen) _before;
    private int _commands;

    private protected TmuxSession Tmux { get; } = new();

    /// <summary>A directory of the host that is /shared inside.</summary>
    private protected string Shared => _shared;

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        Tmux.Dispose();
        Directory.Delete(_shared, recursive: true);
    }

    /// <summary>The witness (witness.c) is /guests/witness inside.</summary>
    private protected static void BuildWitness()
    {
        lock (Building)
        {
            if (s_isBuilt)
                return;
            HostRun run = HostRun.Of("gcc", ["-O1", "-static", "-o", Path.Combine(GuestProgram.BuildDirectory, "witness"), Repository.PathOf("tests", "Vitrine.Tests", "Terminals", "witness.c")]);
            Assert.True(run.Status == 0, run.Error);
            s_isBuilt = true;
        }
    }

    /// <summary>Notes how the terminal is, and types a command that runs something in a machine.</summary>
    private protected void StartProgram(string program, string options = "", string after = "")
    {
        BuildWitness();
        _before = Look();
        Tmux.Line($"{TmuxSession.Vitrine} do -v {GuestProgram.BuildDirectory}:/guests:ro -v {_shared}:/shared {options} -- {program}{after}");
    }

    private protected void StartShell(string options = "")
    {
        StartProgram("bash --norc", $"--env 'PS1={GuestPrompt} ' --env HISTFILE= --env TERM {options}");
        Tmux.WaitFor("\n" + GuestPrompt);
    }

    /// <summary>Lets the shell inside do something that ends by itself, and waits until it asks for the next command.</summary>
    private protected void Guest(string command)
    {
        int number = ++_commands;
        Tmux.Line($"{command}; echo d'one' {number}.");
        WaitForGuest($"done {number}.");
    }

    /// <summary>Waits until the shell inside has asked for the next command after it, or a program, has said something.</summary>
    private protected void WaitForGuest(string said)
    {
        Tmux.WaitFor(said);
        Tmux.WaitFor("\n" + GuestPrompt);
    }

    private protected void EndShell()
    {
        Tmux.Keys("C-d");
        AssertPutBack();
    }

    /// <summary>The host's shell is back, and the terminal as it was: what is typed before that, the machine still takes.</summary>
    private protected void AssertPutBack()
    {
        Tmux.WaitForHost();
        Assert.Equal(_before, Look());
    }

    /// <summary>The process of the host that is the machine.</summary>
    private protected int MachineProcess()
    {
        string shell = Tmux.Query("pane_pid");
        string[] children = File.ReadAllText($"/proc/{shell}/task/{shell}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return int.Parse(Assert.Single(children), System.Globalization.CultureInfo.InvariantCulture);
    }

    private protected void SendToMachine(string signal) =>
        Assert.Equal(0, HostRun.Of("/bin/kill", ["-s", signal, MachineProcess().ToString(System.Globalization.CultureInfo.InvariantCulture)]).Status);

    private (string Settings, string Screen) Look() =>
        (Tmux.Command("stty -a"), Tmux.Query("alternate_on} #{cursor_flag} #{keypad_flag} #{keypad_cursor_flag} #{mouse_any_flag} #{scroll_region_upper} #{wrap_flag"));
}
