namespace Vitrine.Tests.Terminals;

/// <summary>Typing at the caller's terminal: the shell's own editing, and the line discipline's.</summary>
public sealed class LineEditingTests : CallersTerminal
{
    [TmuxFact]
    public void Bash_CompletesRemembersAndEdits()
    {
        StartShell("-w /");
        Tmux.Line("tty; stty size");
        WaitForGuest("\n/dev/pts/0\n30 100");
        Guest("echo contents > /tmp/unmistakable-one");

        // The only one is completed; of several, the second Tab shows which.
        Tmux.Type("cat /tmp/unmis\t");
        Tmux.WaitFor(" cat /tmp/unmistakable-one");
        Tmux.Keys("Enter");
        WaitForGuest("\ncontents");
        Guest("echo more > /tmp/unmistakable-two");
        Tmux.Type("cat /tmp/unmis\t");
        Tmux.WaitFor("cat /tmp/unmistakable-");
        Tmux.Type("\t\t");
        Tmux.WaitFor("unmistakable-one  unmistakable-two");
        Tmux.Type("t\t\r");
        WaitForGuest("\nmore");

        // History: by arrow, and by search.
        Guest("echo marked-$((40+2))");
        Guest("true");
        Tmux.Keys("Up", "Up", "Enter");
        WaitForGuest("\nmarked-42");
        Tmux.Keys("C-r");
        Tmux.Type("marked");
        Tmux.WaitToSee("(reverse-i-search)`marked'");
        Tmux.Keys("Enter");
        WaitForGuest("\nmarked-42");

        // Editing: to the line's beginning, words and lines erased, a control character taken literally.
        Tmux.Type("cho begun");
        Tmux.Keys("C-a");
        Tmux.Type("e\r");
        WaitForGuest("\nbegun");
        Tmux.Type("echo one two");
        Tmux.Keys("C-w");
        Tmux.Type("three\r");
        WaitForGuest("\none three");
        Tmux.Type("nonsense");
        Tmux.Keys("C-u");
        Tmux.Type("echo x");
        Tmux.Keys("C-v", "C-a");
        Tmux.Type("y | od -An -c\r");
        WaitForGuest("x 001   y  \\n");

        // A line given up. ^C drops what the shell has not read yet; and where it comes while the shell still shows the line,
        // readline takes notice with the next key only.
        Tmux.Type("echo never");
        Tmux.WaitFor("echo never");
        Tmux.Keys("C-c");
        Tmux.WaitFor("^C");
        Tmux.Keys("Enter");
        Tmux.WaitFor("\n" + GuestPrompt);
        Guest("true");
        Assert.DoesNotContain("\nnever", Tmux.Screen, StringComparison.Ordinal);
        EndShell();
    }

    [TmuxFact]
    public void Lines_AreEditedAndStoppedByTheGuest()
    {
        StartProgram("sh -c 'cat > /shared/typed'; echo status $?");

        // Until cat reads, the host's terminal echoes; then the guest's does, as ^V shows.
        Tmux.Line("first");
        WaitForFile("typed", "first\n");
        Tmux.Type("abc\x7f" + "d\r");
        WaitForFile("typed", "first\nabd\n");
        Tmux.Type("one two\x17three\x15" + "four\x16\x04x\r");
        WaitForFile("typed", "first\nabd\nfour\x04x\n");
        Tmux.WaitFor("four^Dx");

        // What is typed while output is stopped arrives, and is shown later.
        Tmux.Keys("C-s");
        Tmux.Line("held");
        WaitForFile("typed", "first\nabd\nfour\x04x\nheld\n");
        Assert.DoesNotContain("held", Tmux.Screen, StringComparison.Ordinal);
        Tmux.Keys("C-q");
        Tmux.WaitFor("held");

        // ^D passes on what there is; with nothing it is the end.
        Tmux.Type("half\x04");
        WaitForFile("typed", "first\nabd\nfour\x04x\nheld\nhalf");
        Tmux.Type("\x04");
        Tmux.WaitFor("status 0");
        AssertPutBack();
    }

    /// <summary>Waits for what a program inside has written: each key typed is shown, and with it the file is looked at again.</summary>
    private void WaitForFile(string name, string content)
    {
        string path = Path.Combine(Shared, name);
        using var watcher = new FileSystemWatcher(Shared);
        using var changed = new SemaphoreSlim(0);
        watcher.Changed += (_, _) => changed.Release();
        watcher.Created += (_, _) => changed.Release();
        watcher.EnableRaisingEvents = true;
        while (!File.Exists(path) || File.ReadAllText(path) != content)
            Assert.True(changed.Wait(TimeSpan.FromSeconds(90)), $"{name} does not become '{content}'");
    }
}
