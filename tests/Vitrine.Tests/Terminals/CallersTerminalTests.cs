namespace Vitrine.Tests.Terminals;

/// <summary>Programs in a machine at the caller's own terminal: a person could sit there, and finds the terminal as it was afterwards.</summary>
public sealed class CallersTerminalTests : IDisposable
{
    private const string GuestPrompt = "guest:";

    private readonly TmuxSession _tmux = new();
    private string _before = "";

    public void Dispose() => _tmux.Dispose();

    [TmuxFact]
    public void Bash_WithKeysAndJobs_BehavesAsAtAnyTerminal()
    {
        StartShell();
        _tmux.Line("tty; stty size");
        _tmux.WaitFor("/dev/pts/0");
        _tmux.WaitFor("30 100");

        // ^C at the prompt and to a program; ^Z, jobs, fg, bg; ^\.
        _tmux.Line("sleep 1000; echo status $?");
        _tmux.Keys("C-c");
        _tmux.WaitFor("^C");
        _tmux.Line("sleep 1001");
        _tmux.Keys("C-z");
        _tmux.WaitFor("Stopped");
        _tmux.Line("jobs");
        _tmux.WaitFor("[1]+  Stopped                 sleep 1001");
        _tmux.Line("bg");
        _tmux.WaitFor("[1]+ sleep 1001 &");
        _tmux.Line("fg");
        _tmux.WaitFor("sleep 1001", times: 5);
        _tmux.Keys("C-c");
        _tmux.WaitFor("^C", times: 2);
        _tmux.Line("sleep 1002");
        _tmux.Keys("C-\\");
        _tmux.WaitFor("Quit");

        // A pipeline is one job; a reader in the background is stopped.
        _tmux.Line("cat | tr a-z A-Z");
        _tmux.Line("upper");
        _tmux.Keys("C-d");
        _tmux.WaitFor("UPPER");
        _tmux.Line("cat &");
        _tmux.WaitFor("cat", times: 2);
        _tmux.Line("wait; jobs -l");
        _tmux.WaitFor("Stopped (tty input)");
        _tmux.Line("kill %1; wait; echo ki''lled");
        _tmux.WaitFor("killed");

        // Completion and history.
        _tmux.Line("echo fir''st");
        _tmux.WaitFor("first");
        _tmux.Keys("Up", "Enter");
        _tmux.WaitFor("first", times: 2);
        _tmux.Keys("e", "c", "h", "o", "Space", "/", "e", "t", "c", "/", "p", "a", "s", "s", "w", "Tab", "Enter");
        _tmux.WaitFor("/etc/passwd", times: 2);
        EndShell("C-d");
    }

    [TmuxFact]
    public void Lines_AreEditedAndStoppedByTheGuest()
    {
        _before = Settings();
        _tmux.Line(TmuxSession.Vitrine + " do -- cat");
        _tmux.Line("wrong");
        _tmux.WaitFor("wrong", times: 2);
        _tmux.Keys("a", "b", "c", "BSpace", "d", "Enter");
        _tmux.WaitFor("abd", times: 2);
        _tmux.Keys("C-s");
        _tmux.Line("held");
        _tmux.Keys("C-q");
        _tmux.WaitFor("held", times: 2);
        _tmux.Keys("C-d");
        _tmux.WaitFor(TmuxSession.HostPrompt, times: 3);
        AssertSettings();
    }

    [TmuxFact]
    public void NewSize_ReachesTheGuest()
    {
        StartShell();
        _tmux.Line("trap 'echo size $(stty size)' WINCH");
        _tmux.Resize(90, 20);
        _tmux.Keys("Enter");
        _tmux.WaitFor("size 20 90");
        _tmux.Resize(100, 30);
        _tmux.Keys("Enter");
        _tmux.WaitFor("size 30 100");
        EndShell("C-d");
    }

    [TmuxFact]
    public void FullScreenPrograms_Work()
    {
        string editor = HostRun.Has("vim") ? "vim" : HostRun.Has("vi") ? "vi" : "";
        StartShell();
        if (HostRun.Has("less"))
        {
            _tmux.Line("seq 1000 | less");
            _tmux.WaitFor("\n28");
            _tmux.Keys("G");
            _tmux.WaitFor("\n1000");
            _tmux.Keys("q");
        }

        if (editor.Length > 0)
        {
            _tmux.Line(editor + " -u NONE /tmp/text");
            _tmux.WaitFor("~");
            _tmux.Keys("i");
            _tmux.Line("written in the editor");
            _tmux.Keys("Escape");
            _tmux.Line(":wq");
            _tmux.WaitFor(GuestPrompt);
            _tmux.Line("clear; cat /tmp/text; echo e''nd");
            _tmux.WaitFor("written in the editor");
            _tmux.WaitFor("end");
        }

        _tmux.Line("script -qc tty /dev/null");
        _tmux.WaitFor("/dev/pts/1");
        EndShell("C-d");
    }

    [TmuxFact]
    public void OutputAlone_LeavesTheTerminalToTheCaller()
    {
        _before = Settings();
        _tmux.Line(TmuxSession.Vitrine + " do -- sh -c 'echo star''ted; sleep 1000'");
        _tmux.WaitFor("started");

        // Nothing inside has asked for input: the terminal still makes signals of characters itself.
        _tmux.Keys("C-c");
        _tmux.WaitFor(TmuxSession.HostPrompt, times: 3);
        AssertSettings();
    }

    [TmuxFact]
    public void Terminal_IsPutBack_AfterKill()
    {
        StartShell();
        _tmux.Line("kill -9 $$");
        _tmux.WaitFor("Killed");
        AssertSettings();
    }

    [TmuxFact]
    public void Terminal_IsPutBack_AfterTimeOut()
    {
        _before = Settings();
        _tmux.Line(TmuxSession.Vitrine + " do --timeout 3s -- bash --norc");
        _tmux.WaitFor("(--timeout)");
        AssertSettings();
    }

    [TmuxFact]
    public void Terminal_IsPutBack_AfterSigTerm()
    {
        string pid = Path.GetTempFileName();
        _before = Settings();
        _tmux.Line($"sh -c 'echo $$ > {pid}; exec {TmuxSession.Vitrine} do --env PS1={GuestPrompt} -- bash --norc'");
        _tmux.WaitFor("\n" + GuestPrompt);
        _tmux.Line("trap 'echo termi''nated; exit 5' TERM; echo rea''dy");
        _tmux.WaitFor("ready");
        _ = HostRun.Of("kill", ["-TERM", File.ReadAllText(pid).Trim()]);
        _tmux.Keys("Enter");
        _tmux.WaitFor("terminated");
        AssertSettings();
        File.Delete(pid);
    }

    [TmuxFact]
    public void Terminal_IsPutBack_AfterPanic()
    {
        if (Environment.UserName != "root")
            return;
        StartShell();
        _tmux.Line("echo c > /proc/sysrq-trigger");
        _tmux.WaitFor("panicked");
        AssertSettings();
    }

    private void StartShell()
    {
        _before = Settings();
        _tmux.Line(TmuxSession.Vitrine + $" do --env 'PS1={GuestPrompt} ' -- bash --norc");
        _tmux.WaitFor("\n" + GuestPrompt);
    }

    private void EndShell(string key)
    {
        _tmux.Keys(key);
        _tmux.WaitFor("exit");
        AssertSettings();
    }

    private string Settings() => _tmux.Command("stty -a");

    private void AssertSettings() => Assert.Equal(_before, Settings());
}
