using Vitrine.Kernel.Tests.Tasks;

namespace Vitrine.Kernel.Tests.Vfs;

/// <summary>The VFS under processes that get in each other's way at every await.</summary>
public sealed class YieldingTests
{
    [CompilerTheory]
    [InlineData(1, 1UL)]
    [InlineData(1, 7UL)]
    [InlineData(2, 42UL)]
    [InlineData(2, null)]
    public void FileStorm_LeavesAnEmptyTreeAndNothingHeld(int processors, ulong? seed)
    {
        byte[] program = GuestCompiler.Compile("filestorm");
        using var machine = new TestMachine(64, processors, seed);
        machine.AddFile("/filestorm", program);
        int status = machine.Run(["/filestorm"], timeoutSeconds: 60);
        Assert.Equal("0 0 0 0\n", machine.Output);
        Assert.Equal(0, status);
    }
}
