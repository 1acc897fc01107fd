namespace Vitrine.Tests.Terminals;

/// <summary>A shell with jobs at the caller's terminal: keys that signal, foreground and background, and what a hang-up ends.</summary>
public sealed class JobControlTests : CallersTerminal
{
    [TmuxFact]
    public void Keys_SignalTheForegroundJob_WhichTheShellStopsAndContinues()
    {
        StartShell();
        Tmux.Line("/guests/witness one");
        Tmux.WaitFor("one runs");
        Tmux.Keys("C-c");
        WaitForGuest("^C");
        Tmux.Line("/guests/witness two");
        Tmux.WaitFor("two runs");
        Tmux.Keys("C-z");
        WaitForGuest("[1]+  Stopped                 /guests/witness two");
        Tmux.Line("jobs");
        WaitForGuest("[1]+  Stopped                 /guests/witness two");
        Tmux.Line("bg");
        Tmux.WaitFor("[1]+ /guests/witness two &", "\n" + GuestPrompt, "two goes on");
        Tmux.Line("jobs");
        WaitForGuest("[1]+  Running                 /guests/witness two &");
        Tmux.Line("fg");
        Tmux.WaitFor("two is in front");
        Tmux.Keys("C-\\");
        WaitForGuest("Quit");

        // From stopped to the foreground at once; ^C then is its.
        Tmux.Line("/guests/witness three 2");
        Tmux.WaitFor("three runs");
        Tmux.Keys("C-z");
        WaitForGuest("Stopped                 /guests/witness three");
        Tmux.Line("fg %1");
        Tmux.WaitFor("three goes on");
        Tmux.Keys("C-c");
        Tmux.WaitFor("three got 2");
        Tmux.Keys("C-z");
        WaitForGuest("Stopped                 /guests/witness three");

        // The shell says so before it leaves stopped jobs; the second time it leaves.
        Tmux.Keys("C-d");
        WaitForGuest("There are stopped jobs.");
        EndShell();
    }

    [TmuxFact]
    public void Jobs_AreWaitedForKilledAndDisowned()
    {
        StartShell();
        Tmux.Line("(exit 7) & wait $!; echo status $?");
        WaitForGuest("\nstatus 7");
        Tmux.Line("/guests/witness a &");
        Tmux.WaitFor("\n" + GuestPrompt, "a runs");
        Tmux.Line("kill %1; wait %1; echo status $?");
        WaitForGuest("\nstatus 143");
        Tmux.Line("/guests/witness b & /guests/witness c &");
        Tmux.WaitFor("\n" + GuestPrompt, "b runs", "c runs");
        Tmux.Line("jobs -r | wc -l | sed s/^/running:/; disown %1; jobs -r | wc -l | sed s/^/running:/");
        Tmux.WaitFor("\nrunning:2");
        WaitForGuest("\nrunning:1");

        // A disowned one is not waited for, and nobody's to signal by number.
        Tmux.Line("kill %2; wait; pgrep -x witness | wc -l | sed s/^/left:/; kill %1");
        Tmux.WaitFor("\nleft:1");
        WaitForGuest("kill: %1: no such job");
        EndShell();
    }

    [TmuxFact]
    public void Pipeline_IsStoppedAndGoesOnAsAWhole()
    {
        StartShell();
        Tmux.Line("echo g'o'; cat | sed -u s/x/y/ | sed -u s/^/line-/");
        Tmux.WaitFor("\ngo");
        Tmux.Line("1x");
        Tmux.WaitFor("\nline-1y");
        Tmux.Keys("C-z");
        WaitForGuest("Stopped                 cat | sed -u s/x/y/ | sed -u s/^/line-/");
        Tmux.Line("ps -o stat= -C cat -C sed | grep -c T | sed s/^/stopped:/");
        WaitForGuest("\nstopped:3");
        Tmux.Line("fg");
        Tmux.WaitFor("\ncat | sed");
        Tmux.Line("2x");
        Tmux.WaitFor("\nline-2y");
        Tmux.Keys("C-d");
        Tmux.WaitFor("\n" + GuestPrompt);
        Tmux.Line("/guests/witness left >&2 | /guests/witness right");
        Tmux.WaitFor("left runs", "right runs");
        Tmux.Keys("C-z");
        WaitForGuest("Stopped                 /guests/witness left");
        Tmux.Line("fg");
        Tmux.WaitFor("left goes on", "right goes on");
        Tmux.Keys("C-c");
        WaitForGuest("^C");
        Tmux.Line("pgrep -x witness | wc -l | sed s/^/left:/");
        WaitForGuest("\nleft:0");
        EndShell();
    }

    [TmuxFact]
    public void Nohup_IgnoresHangUps_AndRedirectsATerminal()
    {
        StartShell();
        Tmux.Line("cd /tmp; nohup sh -c 'kill -HUP $$; echo survived'; echo status $?");
        Tmux.WaitFor("nohup: ignoring input and appending output to 'nohup.out'");
        WaitForGuest("\nstatus 0");
        Tmux.Line("cat nohup.out");
        WaitForGuest("\nsurvived");
        EndShell();
    }

    /// <summary>
    /// A session on a terminal inside, which goes away: its shell is hung up and passes that on to its jobs, not to a disowned
    /// one; who ignores it, and who is in another session, never hears of it. All that live still write.
    /// </summary>
    [TmuxFact("script")]
    public void HangUp_ReachesTheJobsOfTheSession_AndNobodyElse()
    {
        StartShell();
        Tmux.Line("cd /tmp; PS1='inner> ' script -qc 'bash --norc -i' /dev/null");
        Tmux.WaitFor("\ninner>");
        Tmux.Line("/guests/witness plain 1 10 > /tmp/plain & nohup /guests/witness deaf 10 > /tmp/deaf 2> /dev/null &");
        Tmux.Line("/guests/witness disowned 1 10 > /tmp/disowned & disown");
        Tmux.Line("setsid /guests/witness daemon 1 10 > /tmp/daemon < /dev/null &");
        Tmux.Line("(/guests/witness orphan 1 10 > /tmp/orphan &)");
        Tmux.Line("until [ $(cat /tmp/plain /tmp/deaf /tmp/disowned /tmp/daemon /tmp/orphan | grep -c runs) = 5 ]; do sleep 0.01; done; echo all' 'run");
        Tmux.WaitFor("\nall run");
        Tmux.WaitFor("\ninner>");
        Tmux.Line("kill -9 $PPID");
        WaitForGuest("kill -9");

        // script could not put back what it did to the terminal.
        Guest("stty sane");

        // Who got the hang-up has written it when everybody has answered to a later signal.
        Guest("until grep -q 'got 1$' /tmp/plain; do sleep 0.01; done");
        Guest("pkill -USR1 -x witness; until [ $(cat /tmp/plain /tmp/deaf /tmp/disowned /tmp/daemon /tmp/orphan | grep -c 'got 10') = 5 ]; do sleep 0.01; done");
        Tmux.Line("echo beg'in'; grep -h 'got 1$' /tmp/plain /tmp/deaf /tmp/disowned /tmp/daemon /tmp/orphan; pgrep -x witness | wc -l | sed s/^/alive:/");
        WaitForGuest("\nalive:5");
        string screen = Tmux.Screen;
        screen = screen[screen.LastIndexOf("\nbegin", StringComparison.Ordinal)..];
        Assert.Contains("plain got 1\n", screen, StringComparison.Ordinal);
        foreach (string spared in (string[])["deaf", "disowned", "daemon", "orphan"])
            Assert.DoesNotContain(spared + " got 1\n", screen, StringComparison.Ordinal);
        EndShell();
    }

    [TmuxFact]
    public void HangUp_SentToADaemon_MakesItReadItsSettingsAgain()
    {
        File.WriteAllText(Path.Combine(Shared, "daemon.sh"), """
            cd /
            load() { read -r setting < /tmp/settings; echo "loaded $setting" >> /tmp/log; }
            trap load HUP
            trap 'echo ended >> /tmp/log; exit' TERM
            load
            while :; do sleep 1000 & wait; done
            """);
        StartShell();
        Guest("echo first > /tmp/settings; setsid -f sh /shared/daemon.sh < /dev/null > /dev/null 2>&1");
        Guest("until grep 'loaded first' /tmp/log; do sleep 0.01; done 2> /dev/null; echo second > /tmp/settings; pkill -HUP -f daemon.sh");
        Guest("until grep 'loaded second' /tmp/log; do sleep 0.01; done; pkill -TERM -f daemon.sh; until grep ended /tmp/log; do sleep 0.01; done");
        EndShell();
    }
}
