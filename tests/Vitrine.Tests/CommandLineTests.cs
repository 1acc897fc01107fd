using System.Text;

namespace Vitrine.Tests;

/// <summary>The command as a user runs it, in a process of its own.</summary>
public class CommandLineTests
{
    private static string Program => Path.Combine(AppContext.BaseDirectory, "Vitrine.Cli.dll");

    [Fact]
    public void Do_RunsAProgramWithItsStreams()
    {
        HostRun run = Vitrine(["do", "--", "cat"], "some input\n");
        Assert.Equal((0, "some input\n", ""), (run.Status, Encoding.UTF8.GetString(run.Output), run.Error));
    }

    [Theory]
    [InlineData("exit 3", 3, "")]
    [InlineData("kill -SEGV $$", 139, "Segmentation fault\n")]
    [InlineData("kill -9 $$", 137, "Killed\n")]
    [InlineData("kill -PIPE $$", 141, "")]
    [InlineData("echo oops >&2", 0, "oops\n")]
    public void Do_EndsAsTheProgramDoes(string script, int status, string error)
    {
        HostRun run = Vitrine(["do", "--", "sh", "-c", script]);
        Assert.Equal((status, error), (run.Status, run.Error));
    }

    [Theory]
    [InlineData(127, "vitrine: no-such-program: command not found\n", "do", "--", "no-such-program")]
    [InlineData(127, "vitrine: /no/such: No such file or directory\n", "do", "--", "/no/such")]
    [InlineData(126, "vitrine: /etc/passwd: Permission denied\n", "do", "--", "/etc/passwd")]
    [InlineData(126, "vitrine: /usr: Permission denied\n", "do", "--", "/usr")]
    [InlineData(125, "vitrine: 'lots' is not a size; write it as 512M or 2G\n", "do", "--memory", "lots", "--", "true")]
    [InlineData(125, "vitrine: a machine has 1 to 64 processors, not 99\n", "do", "--cpus", "99", "--", "true")]
    [InlineData(125, "vitrine: '486' is not a processor level: x86-64-v2, x86-64-v3 or max\n", "do", "--cpu", "486", "--", "true")]
    [InlineData(125, "vitrine: --seed runs on one processor: leave --cpus out\n", "do", "--seed", "1", "--cpus", "2", "--", "true")]
    [InlineData(125, "vitrine: --state-hash needs --seed: without it no two runs are in the same state\n", "do", "--state-hash", "--", "true")]
    [InlineData(125, "vitrine: 'often' is not how often to hash the state; write every:1000000, or every:1000@5000000 for the first after 5000000 instructions\n", "do", "--seed", "1", "--state-hash=often", "--", "true")]
    [InlineData(125, "vitrine: a volume is HOST:GUEST[:ro], with an absolute path for GUEST; got 'x'\n", "do", "--volume", "x", "--", "true")]
    [InlineData(125, "vitrine: cannot start in '/no/such': No such file or directory\n", "do", "--workdir", "/no/such", "--", "true")]
    public void Error_IsOneLineAndItsStatus(int status, string error, params string[] arguments)
    {
        HostRun run = Vitrine(arguments);
        Assert.Equal((status, error), (run.Status, run.Error));
    }

    [Fact]
    public void StateHash_IsALineOnStandardError_AndTheSameForOneSeed()
    {
        HostRun run = Vitrine(["do", "--seed", "18446744073709551615", "--state-hash", "--", "sh", "-c", "cat /proc/sys/kernel/random/uuid; exit 3"]);
        Assert.Equal(3, run.Status);
        Assert.Matches("^state-hash [0-9a-f]{64} after [0-9]+ instructions\n$", run.Error);
        HostRun again = Vitrine(["do", "--engine", "interpreter", "--seed", "18446744073709551615", "--state-hash", "--", "sh", "-c", "cat /proc/sys/kernel/random/uuid; exit 3"]);
        Assert.Equal((Encoding.UTF8.GetString(run.Output), run.Error), (Encoding.UTF8.GetString(again.Output), again.Error));
    }

    [Fact]
    public void UnknownOption_IsOneLine()
    {
        HostRun run = Vitrine(["do", "--nonsense", "--", "true"]);
        Assert.Equal(125, run.Status);
        Assert.StartsWith("vitrine: ", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void Messages_InAFileOfTheCallers_StandBehindWhatIsThere()
    {
        HostRun run = HostRun.Of("sh", ["-c", $"f=$(mktemp); (echo first; dotnet {Program} do -- sh -c 'echo inside >&2; kill -SEGV $$'; echo last) > $f 2>&1; cat $f; rm $f"]);
        Assert.Equal("first\ninside\nSegmentation fault\nlast\n", Encoding.UTF8.GetString(run.Output));
    }

    /// <summary>Descriptors that are regular files of the caller's: the same scripts leave the same in them on the host.</summary>
    [Theory]
    [InlineData("echo first; echo x >/dev/stdout; echo y")]
    [InlineData("echo first; echo x >>/dev/stdout; echo y")]
    [InlineData("echo first; echo much longer >/proc/self/fd/1; (printf ab; printf cd) >&1")]
    [InlineData("cat /dev/stdin; echo +; cat")]
    [InlineData("read a; echo $a; (read b; echo $b) </dev/stdin; read c; echo $c")]
    [InlineData("perl -e 'print STDOUT 123456; STDOUT->flush; truncate STDOUT, 3; print STDOUT 7; STDOUT->flush; truncate STDOUT, 9; print sysseek(STDOUT, 0, 1)'")]
    [InlineData("python3 -c 'import os; print(os.pread(0, 4, 7), os.read(0, 3), os.pread(0, 2, 0), os.read(0, 3), os.pread(0, 9, 1000), os.lseek(0, 0, 1), flush=True); os.pwrite(1, b\"X\", 2); os.write(1, b\"end\")'")]
    [InlineData("python3 -c 'import os, fcntl; os.write(1, b\"abc\"); os.lseek(1, 0, 0); fcntl.fcntl(1, fcntl.F_SETFL, os.O_APPEND); os.write(1, b\"d\"); os.pwrite(1, b\"e\", 0); os.write(1, b\"%d\" % os.lseek(1, 0, 1))'")]
    [InlineData("python3 -c 'import os; r, w = os.pipe(); os.read(0, 2); print(os.sendfile(w, 0, None, 5), os.read(r, 9), os.sendfile(w, 0, 1, 3), os.read(r, 9), os.read(0, 2), os.splice(0, w, 4), os.read(r, 9), os.read(0, 1))'")]
    [InlineData("python3 -c 'import os; print(len(os.read(0, 1 << 20)))' </dev/stdin; cat /dev/stdin | wc -c; wc -c")]
    public void RegularFiles_OfTheCallers_AreAsOnTheHost(string script)
    {
        var left = new List<(int Status, string Output, string Error)>();
        foreach (string[] command in (string[][])[["sh"], ["dotnet", Program, "do", "--", "sh"]])
        {
            string directory = Directory.CreateTempSubdirectory("vitrine-stdio-").FullName;
            File.WriteAllText(Path.Combine(directory, "input"), string.Concat(Enumerable.Range(0, 30000).Select(n => $"line {n}\n")));
            HostRun run = HostRun.Of("/bin/sh", ["-c", "\"$@\" <input >output", "sh", .. command, "-c", script], directory);
            left.Add((run.Status, File.ReadAllText(Path.Combine(directory, "output")), run.Error));
            Directory.Delete(directory, recursive: true);
        }

        Assert.Equal(left[0], left[1]);
    }

    [Fact]
    public void Engine_OfTheEnvironment_MustBeOne()
    {
        HostRun run = HostRun.Of("env", [$"{TestedEngine.Variable}=abacus", "dotnet", Program, "do", "--", "true"]);
        Assert.Equal((125, $"vitrine: {TestedEngine.Variable} is 'abacus'; it can be translator or interpreter\n"), (run.Status, run.Error));
    }

    [Fact]
    public void Timeout_EndsTheProgram()
    {
        HostRun run = Vitrine(["do", "--timeout", "1s", "--", "sh", "-c", "while :; do :; done"]);
        Assert.Equal((124, "vitrine: sh: stopped after 1 s (--timeout)\n"), (run.Status, run.Error));
    }

    [Fact]
    public void Options_ReachTheProgram()
    {
        HostRun run = Vitrine(["do", "--hostname", "glass", "--env", "A=b", "--workdir", "/usr", "--cpus", "2", "--", "sh", "-c", "uname -n; echo $A; pwd; nproc"]);
        Assert.Equal("glass\nb\n/usr\n2\n", Encoding.UTF8.GetString(run.Output));
    }

    [Theory]
    [InlineData("x86-64-v2", "0 0 0")]
    [InlineData("x86-64-v3", "1 0 0")]
    [InlineData("max", "1 1 2")]
    public void Cpu_ChoosesTheInstructions(string level, string expected)
    {
        HostRun run = Vitrine(["do", "--cpu", level, "--", "sh", "-c", "echo $(grep -cw avx2 /proc/cpuinfo) $(grep -cw sha_ni /proc/cpuinfo) $(od -An -v -tu8 -w16 /proc/self/auxv | awk '$1 == 26 { print $2 }')"]);
        Assert.Equal(expected + "\n", Encoding.UTF8.GetString(run.Output));
    }

    [Fact]
    public void Strace_GoesToStandardError()
    {
        HostRun run = Vitrine(["do", "--strace", "--", "/bin/echo", "traced"]);
        Assert.Equal("traced\n", Encoding.UTF8.GetString(run.Output));
        Assert.Contains("write(1, \"traced\\n\", 7)", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Version_NamesBoth() =>
        Assert.Matches(@"^vitrine \d+\.\d+\.\d+ \(kernel 6\.12\.0-vitrine, x86_64\)\n$", Encoding.UTF8.GetString(Vitrine(["version"]).Output));

    private static HostRun Vitrine(string[] arguments, string input = "") =>
        HostRun.Of("dotnet", [Program, .. arguments], input: Encoding.UTF8.GetBytes(input));
}
