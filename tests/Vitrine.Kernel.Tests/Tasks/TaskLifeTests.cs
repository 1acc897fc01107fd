using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Tests.Tasks;

/// <summary>After its last program a machine holds nothing but process 1.</summary>
public sealed class TaskLifeTests
{
    [CompilerTheory]
    [InlineData(1, null)]
    [InlineData(2, null)]
    [InlineData(1, 3UL)]
    [InlineData(2, 11UL)]
    public void Machine_AfterManyProcesses_HasNothingLeft(int processors, ulong? seed)
    {
        byte[] program = GuestCompiler.Compile("families");
        using var machine = new TestMachine(64, processors, seed);
        machine.AddFile("/families", program);
        int status = machine.Run(["/families"]);
        Assert.Equal("done\n", machine.Output);
        Assert.Equal(0, status);
        KernelInstance kernel = machine.Kernel;
        Assert.Equal(1, kernel.Tasks.Count);
        Assert.Equal(1, kernel.Audit.LiveTasks);
        Assert.Equal(0, kernel.Audit.LiveFiles);
        Assert.Equal(0, kernel.Audit.LiveDescriptorTables);
        Assert.Equal(0, kernel.Memory.LiveAddressSpaces);
        Assert.Equal(1, kernel.RootCgroup.PidsCurrent);
        Assert.Equal(0, kernel.Timers.Count);
        Assert.Equal(0, kernel.Users[new Uid(1000)].Processes);
        Assert.Equal(0, kernel.Users[Uid.Root].PendingSignals);
    }

    [CompilerFact]
    public void Program_ThatFaults_LeavesLinuxsLine()
    {
        byte[] program = GuestCompiler.Compile("fault");
        using var machine = new TestMachine();
        machine.AddFile("/fault", program);
        int status = machine.Run(["/fault"]);
        Assert.Equal((int)SignalNumber.Segv, status);
        string line = Assert.Single(machine.Kernel.Log.Snapshot(), r => r.Text.Contains("segfault", StringComparison.Ordinal)).Text;
        Assert.Matches(@"^fault\[2\]: segfault at 1234 ip [0-9a-f]{16} sp [0-9a-f]{16} error 6 in fault\[[0-9a-f]+,[0-9a-f]+\+[0-9a-f]+\]", line);
    }

    [CompilerFact]
    public void Clock_SetBeyondAMoment_EndsWaitsForThatMomentOnly()
    {
        byte[] program = GuestCompiler.Compile("leap");
        using var machine = new TestMachine();
        machine.AddFile("/leap", program);
        Assert.Equal(0, machine.Run(["/leap"]));
        Assert.Equal("1 5 0\n", machine.Output);
        Assert.Equal(0, machine.Kernel.Timers.Count);
    }

    [Fact]
    public void Exec_WhatIsNoProgram_ReturnsEnoexec()
    {
        using var machine = new TestMachine();
        machine.AddFile("/text", "just text\n"u8.ToArray());
        int status = machine.Run(["/text"]);
        Assert.Equal(Errno.ENOEXEC, machine.ExecError);
        Assert.Equal(127 << 8, status);
    }
}
