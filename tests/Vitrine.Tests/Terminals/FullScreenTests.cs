namespace Vitrine.Tests.Terminals;

/// <summary>Programs that draw on the whole of the caller's terminal, and terminals within it.</summary>
public sealed class FullScreenTests : CallersTerminal
{
    [TmuxFact("less", "vim", "nano")]
    public void PagersAndEditors_Work()
    {
        StartShell();
        Tmux.Line("seq 1000 | less");
        Tmux.WaitToSee("\n29\n");
        Tmux.Type("G");
        Tmux.WaitToSee("\n1000\n");
        Tmux.Type("/^77$\r");
        Tmux.Type("?^55$\r");
        Tmux.WaitUntil(_ => Tmux.Visible.StartsWith("55\n56\n", StringComparison.Ordinal), "less does not find 55");
        Tmux.Type("q");
        WaitForGuest("| less");

        Tmux.Line("vim -u NONE /tmp/text");
        Tmux.WaitToSee("\"/tmp/text\" [New");
        Tmux.Type("iwritten in vi\x1b");
        Tmux.Type(":wq\r");
        WaitForGuest("vim -u NONE");
        Tmux.Line("cat /tmp/text");
        WaitForGuest("\nwritten in vi");

        Tmux.Line("nano /tmp/text");
        Tmux.WaitToSee("GNU nano");
        Tmux.Type("and in nano: ");
        Tmux.Keys("C-o", "Enter");
        Tmux.WaitToSee("Wrote 1 line");
        Tmux.Keys("C-x");
        WaitForGuest("nano /tmp/text");
        Tmux.Line("cat /tmp/text");
        WaitForGuest("\nand in nano: written in vi");
        EndShell();
    }

    [TmuxFact("top", "htop")]
    public void Monitors_ShowTheMachinesProcesses()
    {
        StartShell();
        Tmux.Line("top -d 1");
        Tmux.WaitToSee("load average:", " bash");
        Tmux.Type("q");
        WaitForGuest("top -d 1");
        Tmux.Line("htop -d 5");
        Tmux.WaitToSee("Tasks:", "bash --norc");
        Tmux.Type("q");
        WaitForGuest("htop -d 5");
        EndShell();
    }

    [TmuxFact("script")]
    public void Terminals_WithinTheTerminal_Work()
    {
        StartShell();
        Tmux.Line("script -qc 'bash --norc' /tmp/typescript");
        Tmux.WaitFor("\n" + GuestPrompt);
        Tmux.Line("tty");
        WaitForGuest("\n/dev/pts/1");
        Tmux.Keys("C-d");
        WaitForGuest("exit");
        Tmux.Line("grep -c pts/1 /tmp/typescript | sed s/^/recorded:/");
        WaitForGuest("\nrecorded:1");

        Tmux.Line("tmux -f /dev/null new-session -s inner 'bash --norc'");
        Tmux.WaitToSee("[inner]");
        Tmux.Line("tty; stty size");
        Tmux.WaitToSee("\n/dev/pts/1\n");
        Tmux.WaitToSee("\n29 100");
        Tmux.Type("\x02%");
        Tmux.WaitUntil(_ => Tmux.Visible.Contains('│', StringComparison.Ordinal), "the window is not divided");
        Tmux.Type("exit\r");
        Tmux.WaitUntil(_ => !Tmux.Visible.Contains('│', StringComparison.Ordinal), "the half does not end");
        Tmux.Resize(80, 24);
        Tmux.Line("until [ \"$(stty size)\" = '23 80' ]; do sleep 0.01; done; stty size");
        Tmux.WaitToSee("\n23 80");

        // Its session outlives the terminal that shows it.
        Tmux.Type("\x02" + "d");
        WaitForGuest("[detached (from session inner)]");
        Tmux.Line("tmux list-sessions");
        WaitForGuest("\ninner: 1 windows");
        Tmux.Line("tmux attach");
        Tmux.WaitToSee("\n23 80");
        Tmux.Keys("C-d");
        WaitForGuest("[exited]");
        Tmux.Resize(100, 30);
        Tmux.Forget();
        Guest("until [ \"$(stty size)\" = '30 100' ]; do sleep 0.01; done");
        EndShell();
    }

    [TmuxFact("vim")]
    public void Size_OfTheTerminal_ReachesThePrograms()
    {
        StartShell();
        Tmux.Line("/guests/witness window");
        Tmux.WaitFor("window runs");
        Tmux.Resize(90, 25);
        Tmux.WaitFor("window sees 25x90");
        Tmux.Keys("C-c");
        WaitForGuest("^C");
        Tmux.Line("stty size; echo $LINES $COLUMNS");
        WaitForGuest("\n25 90\n25 90");
        Tmux.Line("vim -u NONE -c 'set laststatus=2 statusline=size:%{&lines}x%{&columns}' /etc/passwd");
        Tmux.WaitToSee("size:25x90");
        Tmux.Resize(70, 18);
        Tmux.WaitToSee("size:18x70");
        Tmux.Type(":q\r");
        Tmux.WaitUntil(_ => Tmux.Query("alternate_on") == "0" && Tmux.Visible.TrimEnd().EndsWith(GuestPrompt, StringComparison.Ordinal), "vim does not end");
        Tmux.Resize(100, 30);
        Tmux.Forget();
        Guest("until [ \"$(stty size)\" = '30 100' ]; do sleep 0.01; done");
        EndShell();
    }
}
