namespace Vitrine.Kernel.Tests.Tasks;

/// <summary>A machine can be brought to rest with all of its state in fields, and goes on as if nothing had happened.</summary>
public sealed class RestingMachineTests
{
    [CompilerTheory]
    [InlineData(1, null)]
    [InlineData(3, null)]
    [InlineData(2, 7UL)]
    public void Freeze_WithTasksWaitingInEveryWay_LeavesNoSuspendedPathAndGoesOn(int processors, ulong? seed)
    {
        byte[] program = GuestCompiler.Compile("resting");
        using var machine = new TestMachine(64, processors, seed);
        machine.AddFile("/resting", program);
        List<string> suspended = [];
        using var finished = new ManualResetEventSlim(false);
        machine.OutputWritten = text =>
        {
            if (text.Contains("ready", StringComparison.Ordinal))
                machine.Kernel.Interrupts.Post(() => machine.Kernel.Freezer.Freeze(() => Inspect(machine.Kernel, suspended, finished)));
        };
        int status = machine.Run(["/resting"]);
        Assert.True(finished.IsSet, "the machine did not come to rest");
        Assert.Empty(suspended);
        Assert.Equal("ready\n0: a00\n1: 1400\n2: 1e00\n3: 2800\n4: 3200\n5: 3c00\n6: 4600\n7: f\n8: 9\n", machine.Output);
        Assert.Equal(0, status);
    }

    private static void Inspect(KernelInstance kernel, List<string> suspended, ManualResetEventSlim finished)
    {
        RestAudit.Run(kernel, suspended);
        finished.Set();
        kernel.Freezer.Thaw();
    }
}
