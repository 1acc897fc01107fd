using System.Diagnostics;

namespace Vitrine.Tests.Terminals;

/// <summary>However a session ends or pauses, the caller finds the terminal as it was: its settings and its screen.</summary>
public sealed class PutBackTests : CallersTerminal
{
    /// <summary>A full-screen program, and beside it a process that waits for the go-ahead to do something to it.</summary>
    private const string EditorAndAnother = "sh -c '(while ! [ -e /shared/go ]; do sleep 0.02; done; {0}) & exec vim -u NONE'";

    [TmuxFact]
    public void AfterKill_OfTheShell()
    {
        StartShell();
        Tmux.Line("kill -9 $$");
        Tmux.WaitFor("Killed");
        AssertPutBack();
    }

    [TmuxFact("vim")]
    public void AfterKill_OfAProgramThatUsesTheWholeScreen()
    {
        StartProgram(EditorAndAnother.Replace("{0}", "kill -9 $$", StringComparison.Ordinal), "--env TERM");
        WaitForEditor();
        Go();
        Tmux.WaitFor("Killed");
        AssertPutBack();
    }

    [TmuxFact("vim")]
    public void AfterTimeOut()
    {
        StartProgram("vim -u NONE", "--env TERM --timeout 3s");
        Tmux.WaitFor("(--timeout)");
        AssertPutBack();
    }

    [TmuxFact("vim", AsRoot = true)]
    public void AfterPanic()
    {
        StartProgram(EditorAndAnother.Replace("{0}", "echo c > /proc/sysrq-trigger", StringComparison.Ordinal), "--env TERM");
        WaitForEditor();
        Go();
        Tmux.WaitFor("panicked");
        AssertPutBack();
    }

    [TmuxFact]
    public void AfterInterrupt_BeforeAndAfterTheTerminalIsTakenOver()
    {
        StartProgram("/guests/witness early", after: "; echo status $?");
        Tmux.WaitFor("early runs");
        Tmux.Keys("C-c");
        Tmux.WaitFor("status 130");
        AssertPutBack();
        StartProgram("cat", after: "; echo status $?");
        Tmux.Line("taken");
        Tmux.WaitFor("taken\ntaken");
        Tmux.Keys("C-c");
        Tmux.WaitFor("status 130");
        AssertPutBack();
    }

    [TmuxFact]
    public void AfterSignalsFromOutside_WhichTheProgramGets()
    {
        foreach ((string signal, int status) in ((string, int)[])[("TERM", 5), ("HUP", 6), ("INT", 7), ("QUIT", 8)])
        {
            // A shell that is just about to read would see the signal's trap only behind the next line.
            StartProgram($"sh -c 'trap \"echo caught {signal}; exit {status}\" {signal}; echo ready {signal}; read line; echo $line; while :; do sleep 0.05; done'", after: "; echo status $?");
            Tmux.WaitFor("\nready " + signal);
            Tmux.Line($"engaged {signal}");
            Tmux.WaitFor($"engaged {signal}\nengaged {signal}");
            SendToMachine(signal);
            Tmux.WaitFor("\ncaught " + signal);
            Tmux.WaitFor($"\nstatus {status}");
            AssertPutBack();
        }
    }

    [TmuxFact]
    public void AfterSignalsFromOutside_WhichTheProgramDoesNotCatch()
    {
        StartProgram("cat", after: "; echo status $?");
        Tmux.Line("taken");
        Tmux.WaitFor("taken\ntaken");
        SendToMachine("TERM");
        Tmux.WaitFor("Terminated");
        Tmux.WaitFor("status 143");
        AssertPutBack();
    }

    [TmuxFact]
    public void WhileStopped_ByTheKeyOrFromOutside_AndTakenAgainAfterwards()
    {
        // What the program says can't be taken for an echo, which may be the host's, the guest's or both.
        StartProgram("sh -c 'sed -u s/^/got:/; echo left by itself'");
        Tmux.Line("one");
        Tmux.WaitFor("got:one");
        Tmux.Keys("C-z");
        Tmux.WaitFor("Stopped");
        AssertPutBack();
        Tmux.Line("fg");
        Tmux.WaitFor("\ndotnet");
        Tmux.Line("two");
        Tmux.WaitFor("got:two");
        SendToMachine("TSTP");
        Tmux.WaitFor("Stopped");
        AssertPutBack();
        Tmux.Line("fg");
        Tmux.WaitFor("\ndotnet");
        Tmux.Line("three");
        Tmux.WaitFor("got:three");

        // The keys are the guest's again.
        Tmux.Type("wrong\x15right\r");
        Tmux.WaitFor("got:right");
        Tmux.Keys("C-d");
        Tmux.WaitFor("left by itself");
        AssertPutBack();
    }

    [TmuxFact]
    public void InTheBackground_NothingIsTaken_AndAReaderStopsAsAnyJob()
    {
        StartProgram("sh -c 'cat; echo left by itself'", after: " &");
        Tmux.WaitFor("[1]");
        Tmux.Line("until jobs -s | grep -q Stopped; do sleep 0.05; done; jobs");
        Tmux.WaitFor("[1]+  Stopped");
        Tmux.WaitForHost();
        Tmux.Line("fg");
        Tmux.WaitFor("\ndotnet");
        Tmux.Line("here");
        Tmux.WaitFor("here\nhere");
        Tmux.Keys("C-d");
        Tmux.WaitFor("left by itself");
        AssertPutBack();
    }

    [TmuxFact]
    public void WhenTheTerminalVanishes_TheSessionIsHungUp_AndNothingIsLeft()
    {
        StartProgram("bash -c 'trap \"echo hung up > /shared/log; exit\" HUP; echo ready; while read line; do echo $line; done; sleep 1000'");
        Tmux.WaitFor("\nready");
        Tmux.Line("engaged");
        Tmux.WaitFor("engaged\nengaged");
        using var machine = Process.GetProcessById(MachineProcess());
        Tmux.Close();
        Assert.True(machine.WaitForExit(TimeSpan.FromSeconds(60)), "the machine goes on without its terminal");
        Assert.Equal("hung up\n", File.ReadAllText(Path.Combine(Shared, "log")));
    }

    private void WaitForEditor() =>
        Tmux.WaitUntil(_ => Tmux.Query("alternate_on") == "1" && Tmux.Visible.Contains("\n~\n", StringComparison.Ordinal), "vim does not begin");

    private void Go() => File.WriteAllText(Path.Combine(Shared, "go"), "");
}
