namespace Vitrine.Tests;

/// <summary>A guest that takes more than it has is stopped; the caller lives on and hears of it.</summary>
public class LimitTests
{
    [Fact]
    public async Task Memory_UsedUp_KillsTheOneWhoTookIt()
    {
        await using Machine machine = await Machine.StartAsync(new MachineOptions { Memory = 64L << 20, Timeout = TimeSpan.FromSeconds(60) });
        ProcessResult result = await machine.RunAsync(new ProcessOptions("tail", "/dev/zero"));
        Assert.Equal(9, result.Signal);
        Assert.False(result.TimedOut);
        Assert.Contains(machine.KernelLog, l => l.Contains("Out of memory: Killed process", StringComparison.Ordinal));
        Assert.Equal("alive\n", (await machine.RunAsync(new ProcessOptions("echo", "alive"))).Output);
    }

    [Fact]
    public async Task Processes_BeyondMemory_AreKilledOrRefused()
    {
        await using Machine machine = await Machine.StartAsync(new MachineOptions { Memory = 64L << 20, Timeout = TimeSpan.FromSeconds(120) });
        ProcessResult result = await machine.RunAsync(new ProcessOptions(
            "sh", "-c", "i=0; while [ $i -lt 900 ]; do sleep 1000 > /dev/null 2>&1 & i=$((i+1)); done"));
        Assert.False(result.TimedOut);
        Assert.True(
            result.Error.Contains("fork", StringComparison.Ordinal)
            || machine.KernelLog.Any(l => l.Contains("Out of memory: Killed process", StringComparison.Ordinal)),
            result.Error);
    }

    [Fact]
    public async Task Files_BeyondMemory_AreRefused()
    {
        await using Machine machine = await Machine.StartAsync(new MachineOptions { Memory = 64L << 20, Timeout = TimeSpan.FromSeconds(60) });
        ProcessResult result = await machine.RunAsync(new ProcessOptions("sh", "-c", "cat /dev/zero > /tmp/full"));
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("No space left on device", result.Error, StringComparison.Ordinal);
    }
}
