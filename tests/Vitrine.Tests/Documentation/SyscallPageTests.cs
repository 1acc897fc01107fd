using Vitrine.Kernel.Syscalls;

namespace Vitrine.Tests.Documentation;

public class SyscallPageTests
{
    [Fact]
    public void RealCall_HasAGuestProgram()
    {
        Dictionary<string, List<string>> coverage = SyscallPage.Coverage();
        string[] uncovered = [.. SyscallTable.Declared
            .Where(c => c.Support == SyscallSupport.Real && !coverage.ContainsKey(c.Name))
            .Select(c => c.Name)];
        Assert.True(uncovered.Length == 0, "declared Real without a guest program that covers them: " + string.Join(", ", uncovered));
    }

    [Fact]
    public void DeclaredName_IsLinuxs() => Assert.All(
        SyscallTable.Declared,
        call => Assert.Equal(SyscallNames.Of(call.Number), call.Name));

    [Fact]
    public void Page_IsUpToDate()
    {
        string page = SyscallPage.Write();
        if (Environment.GetEnvironmentVariable("VITRINE_REGENERATE") is "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(SyscallPage.FilePath)!);
            File.WriteAllText(SyscallPage.FilePath, page);
        }

        string found = File.Exists(SyscallPage.FilePath) ? File.ReadAllText(SyscallPage.FilePath) : "";
        Assert.True(found == page, "docs/syscalls.md is out of date: VITRINE_REGENERATE=1 dotnet test tests/Vitrine.Tests --filter SyscallPage");
    }
}
