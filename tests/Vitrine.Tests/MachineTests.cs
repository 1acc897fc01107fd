using System.Diagnostics;

namespace Vitrine.Tests;

/// <summary>The public API over a whole machine.</summary>
public class MachineTests
{
    private static readonly MachineOptions Small = new() { Memory = 128L << 20, Timeout = TimeSpan.FromSeconds(180) };

    [Fact]
    public async Task Echo_IsCaptured()
    {
        ProcessResult result = await RunAsync("/bin/echo", "hello", "world");
        Assert.Equal("hello world\n", result.Output);
        Assert.Equal("", result.Error);
        Assert.True(result.Succeeded);
    }

    [Theory]
    [InlineData("exit 3", 3, 0)]
    [InlineData("kill -9 $$", 0, 9)]
    [InlineData("kill -SEGV $$", 0, 11)]
    public async Task Ending_IsReported(string script, int code, int signal)
    {
        ProcessResult result = await RunAsync("/bin/sh", "-c", script);
        Assert.Equal((code, signal), (result.ExitCode, result.Signal));
        Assert.Equal(signal == 0 ? code : 128 + signal, result.ShellStatus);
    }

    [Fact]
    public async Task Input_OfText_IsReadToItsEnd()
    {
        await using Machine machine = await Machine.StartAsync(Small);
        ProcessResult result = await machine.RunAsync(new ProcessOptions("cat") { StandardInput = ProcessStream.FromText("line\n") });
        Assert.Equal("line\n", result.Output);
    }

    [Fact]
    public async Task Pipes_CarryBytesBothWays()
    {
        await using Machine machine = await Machine.StartAsync(Small);
        GuestProcess process = await machine.StartProcessAsync(
            new ProcessOptions("cat") { StandardInput = ProcessStream.Pipe, StandardOutput = ProcessStream.Pipe });
        byte[] sent = new byte[300_000];
        new Random(1).NextBytes(sent);
        Task writing = Task.Run(async () =>
        {
            await process.StandardInput!.WriteAsync(sent);
            await process.StandardInput.DisposeAsync();
        });
        var received = new MemoryStream();
        await process.StandardOutput!.CopyToAsync(received);
        await writing;
        Assert.Equal(sent, received.ToArray());
        Assert.True((await process.WaitAsync()).Succeeded);
    }

    [Fact]
    public async Task Environment_IsSafeAndExtended()
    {
        await using Machine machine = await Machine.StartAsync(Small);
        ProcessResult result = await machine.RunAsync(new ProcessOptions("env")
        {
            Environment = new Dictionary<string, string?> { ["ADDED"] = "1", ["SHELL"] = null },
        });
        string[] names = [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('=')[0])];
        Assert.Contains("ADDED", names);
        Assert.Contains("PATH", names);
        Assert.DoesNotContain("SHELL", names);
        Assert.DoesNotContain("DOTNET_ROOT", names);
    }

    [Fact]
    public async Task MissingProgram_IsATypedError()
    {
        await using Machine machine = await Machine.StartAsync(Small);
        VitrineException error = await Assert.ThrowsAsync<VitrineException>(() => machine.RunAsync(new ProcessOptions("/bin/does-not-exist")));
        Assert.Equal(VitrineFailure.ProgramNotFound, error.Failure);
        Assert.Equal("/bin/does-not-exist: No such file or directory", error.Message);
    }

    [Fact]
    public async Task Directory_AsProgram_IsNotExecutable()
    {
        await using Machine machine = await Machine.StartAsync(Small);
        VitrineException error = await Assert.ThrowsAsync<VitrineException>(() => machine.RunAsync(new ProcessOptions("/usr")));
        Assert.Equal(VitrineFailure.ProgramNotExecutable, error.Failure);
    }

    [Fact]
    public async Task Timeout_EndsAnEndlessLoop()
    {
        await using Machine machine = await Machine.StartAsync(new MachineOptions { Memory = 128L << 20, Timeout = TimeSpan.FromSeconds(1) });
        long start = Stopwatch.GetTimestamp();
        ProcessResult result = await machine.RunAsync(new ProcessOptions("/bin/sh", "-c", "while :; do :; done"));
        Assert.True(result.TimedOut);
        Assert.Equal(9, result.Signal);
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0.5, 10);
    }

    [Fact]
    public async Task Cancelling_KillsTheProgram()
    {
        await using Machine machine = await Machine.StartAsync(Small);
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => machine.RunAsync(new ProcessOptions("sleep", "100"), cancel.Token));
        Assert.True((await machine.RunAsync(new ProcessOptions("true"))).Succeeded);
    }

    [Fact]
    public async Task Signal_ReachesTheProgram()
    {
        await using Machine machine = await Machine.StartAsync(Small);
        GuestProcess process = await machine.StartProcessAsync(
            new ProcessOptions("/bin/sh", "-c", "trap 'echo got it; exit 7' TERM; echo ready; while :; do sleep 0.05; done") { StandardOutput = ProcessStream.Pipe });
        var reader = new StreamReader(process.StandardOutput!);
        Assert.Equal("ready", await reader.ReadLineAsync());
        process.Signal(15);
        Assert.Equal("got it", await reader.ReadLineAsync());
        Assert.Equal(7, (await process.WaitAsync()).ExitCode);
    }

    [Fact]
    public async Task Programs_RunSideBySideInOneMachine()
    {
        await using Machine machine = await Machine.StartAsync(new MachineOptions { Memory = 128L << 20, Processors = 2, Timeout = TimeSpan.FromSeconds(180) });
        ProcessResult[] results = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => machine.RunAsync(new ProcessOptions("/bin/sh", "-c", $"sleep 0.1; echo {i}"))));
        Assert.Equal(Enumerable.Range(0, 8).Select(i => $"{i}\n"), results.Select(r => r.Output));
    }

    [Fact]
    public async Task Machines_LiveSideBySideInOneProcess()
    {
        Machine[] machines = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => Machine.StartAsync(new MachineOptions { Memory = 64L << 20, Hostname = $"m{i}" })));
        for (int i = 0; i < machines.Length; i++)
        {
            Assert.Equal($"m{i}\n", (await machines[i].RunAsync(new ProcessOptions("uname", "-n"))).Output);
            await machines[i].DisposeAsync();
        }
    }

    [Fact]
    public async Task Volume_SharesAHostDirectory()
    {
        string shared = Directory.CreateTempSubdirectory("vitrine-volume-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(shared, "in"), "from the host\n");
            await using Machine machine = await Machine.StartAsync(new MachineOptions
            {
                Memory = 128L << 20,
                Volumes = [new Volume(shared, "/rw"), new Volume(shared, "/ro", ReadOnly: true)],
            });
            ProcessResult result = await machine.RunAsync(new ProcessOptions("/bin/sh", "-c", "cat /ro/in; echo inside > /rw/out; echo no > /ro/x || echo refused"));
            Assert.Equal("from the host\nrefused\n", result.Output);
            Assert.Equal("inside\n", await File.ReadAllTextAsync(Path.Combine(shared, "out")));
        }
        finally
        {
            Directory.Delete(shared, recursive: true);
        }
    }

    [Fact]
    public async Task Trace_IsStraces()
    {
        var lines = new List<string>();
        await using Machine machine = await Machine.StartAsync(new MachineOptions { Memory = 128L << 20, Trace = lines.Add });
        await machine.RunAsync(new ProcessOptions("/bin/true"));
        Assert.StartsWith("execve(\"/bin/true\", [\"/bin/true\"]", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, l => l.StartsWith("openat(AT_FDCWD, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 3", StringComparison.Ordinal));
        Assert.Equal("+++ exited with 0 +++", lines[^1]);
    }

    [Fact]
    public async Task WrongOptions_AreTypedErrors()
    {
        foreach (MachineOptions options in (MachineOptions[])[new() { Memory = 1 }, new() { Processors = 0 }, new() { Processors = 65 }, new() { Hostname = "" }, new() { Timeout = TimeSpan.Zero }])
            Assert.Equal(VitrineFailure.InvalidOption, (await Assert.ThrowsAsync<VitrineException>(() => Machine.StartAsync(options))).Failure);
    }

    private static async Task<ProcessResult> RunAsync(string program, params string[] arguments)
    {
        await using Machine machine = await Machine.StartAsync(Small);
        return await machine.RunAsync(new ProcessOptions(program, arguments));
    }
}
