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

        // A program that says when it runs.
        _tmux.Line("printf '#!/bin/sh\\necho holding $1\\nexec sleep $1\\n' > /tmp/hold; chmod +x /tmp/hold");

        // ^C; ^Z, jobs, fg, bg; ^\\.
        _tmux.Line("/tmp/hold 1000; echo status $?");
        _tmux.WaitFor("holding 1000");
        _tmux.Keys("C-c");
        _tmux.WaitFor("^C");
        _tmux.Line("/tmp/hold 1001");
        _tmux.WaitFor("holding 1001");
        _tmux.Keys("C-z");
        _tmux.WaitFor("Stopped");
        _tmux.Line("jobs");
        _tmux.WaitFor("[1]+  Stopped                 /tmp/hold 1001", times: 2);
        _tmux.Line("bg");
        _tmux.WaitFor("[1]+ /tmp/hold 1001 &");
        _tmux.Line("echo back; fg");
        _tmux.WaitFor("\nback\n/tmp/hold 1001");
        _tmux.Keys("C-c");
        _tmux.WaitFor("^C", times: 2);
        _tmux.Line("/tmp/hold 1002");
        _tmux.WaitFor("holding 1002");
        _tmux.Keys("C-\\");
        _tmux.WaitFor("Quit");

        EndShell("C-d");
    }

    [TmuxFact]
    public void Lines_AreEditedAndStoppedByTheGuest()
    {
        _before = Settings();
        _tmux.Line(TmuxSession.Vitrine + " do -- cat");
        _tmux.Line("first");
        _tmux.WaitFor("\nfirst\nfirst");
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

    [TmuxFact("less", "vim")]
    public void FullScreenPrograms_Work()
    {
        StartShell();
        _tmux.Line("seq 1000 | less");
        _tmux.WaitFor("\n28");
        _tmux.Keys("G");
        _tmux.WaitFor("\n1000");
        _tmux.Keys("q");
        _tmux.WaitFor("| less\n" + GuestPrompt);
        _tmux.Line("vim -u NONE /tmp/text");
        _tmux.WaitFor("~");
        _tmux.Keys("i");
        _tmux.Line("written in the editor");
        _tmux.Keys("Escape");
        _tmux.Line(":wq");
        _tmux.WaitFor(GuestPrompt);
        _tmux.Line("clear; cat /tmp/text; echo e''nd");
        _tmux.WaitFor("written in the editor");
        _tmux.WaitFor("end");
        _tmux.Line("script -qc tty /dev/null");

        // Until script has ended, what is typed is its own.
        _tmux.WaitFor("/dev/pts/1\n" + GuestPrompt);
        EndShell("C-d");
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

    [TmuxFact(AsRoot = true)]
    public void Terminal_IsPutBack_AfterPanic()
    {
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
