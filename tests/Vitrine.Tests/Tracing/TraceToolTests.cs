using System.Text;
using System.Text.RegularExpressions;

namespace Vitrine.Tests.Tracing;

/// <summary>
/// strace, ltrace and gdb, unmodified: what they say of a program inside is what they say of it on the host, but for
/// addresses and numbers of processes.
/// </summary>
public sealed partial class TraceToolTests : IDisposable
{
    private static readonly string Sources = Repository.PathOf("tests", "Guests", "traced");

    /// <summary>The same place on both sides, so that names in the output are the same.</summary>
    private readonly string _directory = Directory.CreateTempSubdirectory("vitrine-traced-").FullName;

    [OracleFact("gcc", "strace")]
    public async Task Strace_FollowingChildrenAndThreads_TellsEachCallAsOnTheHost()
    {
        Build("calls", "-O1", "-static", "-pthread");
        // A file for each process, in the order of their birth: so no two lines are mixed. Whether a child ends before or while
        // it is waited for is chance.
        (string host, string guest) = await CompareAsync(
            "strace -ff -o log ./calls 2>&1; echo status $?; for f in $(ls -v log.*); do echo == $f; grep -Ev 'SIGCHLD {|^futex' $f; done; rm log.*");
        Assert.Equal(host, guest);
        Assert.Contains("+++ exited with 7 +++", guest, StringComparison.Ordinal);
        Assert.Contains("+++ killed by SIGABRT", guest, StringComparison.Ordinal);
        Assert.Contains("--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_TKILL", guest, StringComparison.Ordinal);
        Assert.Contains("status 3", guest, StringComparison.Ordinal);
    }

    [OracleFact("strace")]
    public async Task Strace_OfTheLister_HasTheCallsOfTheHost()
    {
        Directory.CreateDirectory(Path.Combine(_directory, "listed", "below"));
        (string host, string guest) = await CompareAsync(
            "strace -f -o log ls -a listed > /dev/null; sed -E 's/^[0-9]+ +//; s/[(].*//' log | grep -v '^+++' | uniq; rm log");
        Assert.Equal(host, guest);
        Assert.Contains("execve", guest, StringComparison.Ordinal);
    }

    [OracleFact("gcc", "strace")]
    public async Task Strace_Counting_CountsAsOnTheHost()
    {
        Build("calls", "-O1", "-static", "-pthread");
        // Without the times: calls, errors and names, which the table ends with.
        (string host, string guest) = await CompareAsync(
            "strace -f -c -o log ./calls; sed -E 's/^ *[0-9.]+ +[0-9.]+ +[0-9]+ +//' log | grep -Ev '^(%|-)|total' | tr -s ' ' | sort; rm log");
        Assert.Equal(host, guest);
        Assert.Contains("writev", guest, StringComparison.Ordinal);
    }

    [OracleFact("strace")]
    public async Task Strace_AttachedToASleeper_TellsOfStopsAndLetsGo()
    {
        (string host, string guest) = await CompareAsync(
            """
            sleep 1000 & p=$!
            in_state() { until [ "$(cut -d' ' -f3 /proc/$p/stat)" = $1 ]; do sleep 0.01; done; }
            in_state S
            strace -p $p -o log 2>&1 & s=$!
            while grep -q 'TracerPid:.0' /proc/$p/status; do sleep 0.01; done
            until grep -q . log; do kill -WINCH $p; sleep 0.05; done
            kill -STOP $p; until grep -q 'stopped by' log; do sleep 0.01; done
            grep State /proc/$p/status
            kill -CONT $p; until grep -q SIGCONT log; do sleep 0.01; done
            kill -INT $s; wait $s; echo strace $?
            grep TracerPid /proc/$p/status
            kill $p; wait $p 2> /dev/null; echo sleep $?
            grep -v WINCH log | grep -oE '(SIGSTOP|SIGCONT) [{]si_signo=[A-Z]+, si_code=[A-Z_]+|stopped by [A-Z]+|detached' | uniq
            rm log
            """);
        Assert.Equal(host, guest);
        Assert.Contains("stopped by SIGSTOP", guest, StringComparison.Ordinal);
        Assert.Contains("detached", guest, StringComparison.Ordinal);
    }

    [OracleFact("gcc", "gdb")]
    public async Task Gdb_OnAProgramWithThreads_SaysWhatItSaysOnTheHost()
    {
        Build("debuggee", "-g", "-O0", "-pthread");
        File.Copy(Path.Combine(Sources, "debuggee.gdb"), Path.Combine(_directory, "script"));
        (string host, string guest) = await CompareAsync(
            "gdb -nx -batch -x script ./debuggee 2>&1; gdb -nx -batch -ex 'backtrace 4' -ex 'info threads' -ex 'print items' ./debuggee made.core 2>&1; rm made.core");
        Assert.Equal(host, guest);
        Assert.Contains("Hardware watchpoint 11: total", guest, StringComparison.Ordinal);
        Assert.Contains("[Inferior 1 (process N) killed]", guest, StringComparison.Ordinal);
        Assert.Contains("Program terminated with signal SIGABRT", guest, StringComparison.Ordinal);
    }

    [OracleFact("gcc", "gdb")]
    public async Task Gdb_AttachedToAReader_ChangesItAndLetsGo()
    {
        Build("attached", "-g", "-O0");
        (string host, string guest) = await CompareAsync(
            """
            f=$(mktemp -u); mkfifo $f; ./attached < $f > said & p=$!; exec 3> $f
            until [ "$(cut -d' ' -f3 /proc/$p/stat)" = S ]; do sleep 0.01; done
            gdb -nx -batch -p $p -ex backtrace -ex 'print text' -ex 'set var text = "as set"' -ex 'set var verdict = 9' \
                -ex 'break printf' -ex 'shell echo x >&3' -ex continue -ex 'backtrace' -ex 'delete' -ex detach 2>&1
            wait $p; echo status $?
            cat said; rm $f said
            """);
        Assert.Equal(host, guest);
        Assert.Contains("read 1: as set", guest, StringComparison.Ordinal);
        Assert.Contains("status 9", guest, StringComparison.Ordinal);
    }

    [OracleFact("gcc", "gdb")]
    public async Task Gdb_FollowingAChild_StopsInIt()
    {
        Build("debuggee", "-g", "-O0", "-pthread");
        (string host, string guest) = await CompareAsync(
            """
            gdb -nx -batch -ex 'set follow-fork-mode child' -ex 'handle SIGUSR1 nostop noprint' -ex 'break square if x == 4' -ex run \
                -ex 'backtrace' -ex 'finish' -ex continue ./debuggee 2>&1 | grep -v 'Attaching after\|Detaching after\|New inferior\|^$'
            """);
        Assert.Equal(host, guest);
        Assert.Contains("square (x=4)", guest, StringComparison.Ordinal);
    }

    [OracleFact("gcc", "ltrace")]
    public async Task Ltrace_OfCallsIntoTheLibrary_TellsThemAsOnTheHost()
    {
        Build("library_user", "-O0", "-fno-builtin", "-no-pie", "-Wl,-z,lazy");
        (string host, string guest) = await CompareAsync(
            "ltrace -o log ./library_user; echo status $?; grep -v wait log; rm log; ltrace -c -o log ./library_user; awk '{ print $4, $5 }' log | sort; ltrace -f -o log ./library_user; grep -c puts log; rm log");
        Assert.Equal(host, guest);
        Assert.Contains("strlen(\"hello\")", guest, StringComparison.Ordinal);
        Assert.Contains("+++ exited (status 2) +++", guest, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private void Build(string program, params string[] options)
    {
        // The source lies beside it, for the debugger.
        string source = Path.Combine(_directory, program + ".c");
        File.Copy(Path.Combine(Sources, program + ".c"), source);
        HostRun run = HostRun.Of("gcc", [.. options, "-w", "-o", Path.Combine(_directory, program), source]);
        Assert.True(run.Status == 0, run.Error);
    }

    private async Task<(string Host, string Guest)> CompareAsync(string script)
    {
        string[] command = ["-i", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C", "HOME=/nonexistent", "bash", "-c", script];
        HostRun host = HostRun.Of("env", command, _directory);
        Machine machine = await Machine.StartAsync(new MachineOptions
        {
            Processors = 2,
            Memory = 1L << 30,
            Timeout = TimeSpan.FromSeconds(120),
            Volumes = [new Volume(_directory, _directory)],
        });
        ProcessResult guest = await machine.RunAsync(new ProcessOptions("env", command) { WorkingDirectory = _directory });
        await machine.DisposeAsync();
        Assert.False(guest.TimedOut, guest.Output + guest.Error);
        return (Mask(Encoding.UTF8.GetString(host.Output)), Mask(guest.Output));
    }

    /// <summary>Without what differs from run to run: addresses, numbers of processes, the width of columns that hold them.</summary>
    private static string Mask(string text)
    {
        // Where nothing can be read, such as the page for old system calls that the host may have.
        text = UnreadablePart().Replace(text, "");
        text = RandomBytes().Replace(text, "\\x");
        text = Address().Replace(text, "ADDRESS");
        text = Process().Replace(text, "${what} N");
        text = Number().Replace(text, "N");
        return Blanks().Replace(text, " ");
    }

    [GeneratedRegex(@"^warning: Memory read failed for corefile section.*\n", RegexOptions.Multiline)]
    private static partial Regex UnreadablePart();

    [GeneratedRegex(@"(\\x[0-9a-f]{2})+")]
    private static partial Regex RandomBytes();

    [GeneratedRegex("0x[0-9a-f]+")]
    private static partial Regex Address();

    [GeneratedRegex(@"(?<what>[Pp]rocess|LWP|Thread|pid|log|si_pid=|\[pid) ?\.?[0-9]+")]
    private static partial Regex Process();

    [GeneratedRegex("[0-9]{4,}|(?<=(wait4|clone[^\n]*|fork[^\n]*|gettid|getpid|tgkill|set_tid_address|si_pid|si_utime|si_stime|_pid|_tid)[^\n]*[=(, [])[0-9]+")]
    private static partial Regex Number();

    [GeneratedRegex("[ \t]+")]
    private static partial Regex Blanks();
}
