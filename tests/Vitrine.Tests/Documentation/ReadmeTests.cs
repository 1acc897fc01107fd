namespace Vitrine.Tests.Documentation;

/// <summary>The README's program compiles, does what the README says, and is the one that the README shows.</summary>
public class ReadmeTests
{
    [Fact]
    public async Task Example_Runs()
    {
        (ProcessResult result, string output) = await ExampleAsync();
        Assert.Equal("hello from Linux x86_64\n", output);
        Assert.True(result.Succeeded);
    }

    [Fact]
    public void Readme_ShowsTheExample()
    {
        string source = File.ReadAllText(Repository.PathOf("tests", "Vitrine.Tests", "Documentation", "ReadmeTests.cs"));
        const string Begin = "// <readme>", End = "// </readme>";
        int from = source.LastIndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        string region = source[from..source.LastIndexOf(End, StringComparison.Ordinal)];
        string[] lines = [.. region.Split('\n').Select(l => l.TrimEnd()).Where(l => l.Length > 0).Select(l => l[8..])];
        Assert.Contains(string.Join('\n', lines), File.ReadAllText(Repository.PathOf("README.md")), StringComparison.Ordinal);
    }

    private static async Task<(ProcessResult Result, string Output)> ExampleAsync()
    {
        // <readme>
        await using var machine = await Machine.StartAsync(new MachineOptions
        {
            Memory = 256 << 20,
            Timeout = TimeSpan.FromSeconds(10),
        });
        ProcessResult result = await machine.RunAsync(new ProcessOptions("sh", "-c", "read word; echo $word from $(uname -sm)")
        {
            StandardInput = ProcessStream.FromText("hello\n"),
            Environment = new Dictionary<string, string?> { ["LANG"] = "C" },
        });
        Console.Write(result.Output);      // hello from Linux x86_64
        // </readme>
        return (result, result.Output);
    }
}
