namespace Vitrine.Tests.Determinism;

/// <summary>C programs of these tests, compiled by the host's compiler into a directory that the machine sees.</summary>
internal static class Compiled
{
    private static readonly string BuildDirectory = Directory.CreateDirectory(Path.Combine(Repository.Artifacts, "determinism")).FullName;

    public static WholeProgram Of(string name, string source, params string[] options)
    {
        string path = Path.Combine(BuildDirectory, name);
        File.WriteAllText(path + ".c", source);
        HostRun run = HostRun.Of("gcc", ["-w", .. options, "-o", path, path + ".c", "-lm"]);
        Assert.True(run.Status == 0, $"gcc refused {name}.c:\n{run.Error}");
        return new WholeProgram(name, "/programs/" + name) { Volumes = [new Volume(BuildDirectory, "/programs", ReadOnly: true)] };
    }
}
