using System.Diagnostics;

namespace Vitrine.Bench;

/// <summary>Programs of the host that benchmarks compile with and compare to.</summary>
internal static class HostTools
{
    /// <summary>The folder of the repository, found from where the benchmark was built.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>The command that the README names.</summary>
    public static string Vitrine { get; } = Path.Combine(Repository, "vitrine");

    public static bool Exists(string program) => Find(program) is not null;

    public static string? Find(string program)
    {
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
        {
            string path = Path.Combine(folder, program);
            if (File.Exists(path))
                return path;
        }

        return null;
    }

    /// <summary>Compiles one of the sources in <c>bench/programs</c> to a static program without a C library.</summary>
    public static string Compile(string name) => Compile(name,
        ["-static", "-nostdlib", "-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-fno-math-errno"]);

    /// <summary>Compiles one of the sources to a static program with the host's C library.</summary>
    public static string CompileForLibc(string name) => Compile(name, ["-static"]);

    private static string Compile(string name, string[] options)
    {
        string folder = Path.Combine(Repository, "artifacts", "bench");
        Directory.CreateDirectory(folder);
        string program = Path.Combine(folder, name);
        string source = Path.Combine(Repository, "bench", "programs", name + ".c");
        (int status, string _, string errors, Timing _) = Run("gcc", ["-O2", .. options, "-o", program, source]);
        if (status != 0)
            throw new InvalidOperationException($"gcc can't compile {source}:\n{errors}");
        return program;
    }

    /// <summary>Runs a program to its end: status, output, errors, time.</summary>
    public static (int Status, string Output, string Errors, Timing Time) Run(string program, params string[] arguments)
    {
        double before = ProcessorTime.OfChildren;
        var clock = Stopwatch.StartNew();
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new InvalidOperationException($"{program} does not start");
        string output = process.StandardOutput.ReadToEnd();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        double elapsed = clock.Elapsed.TotalSeconds;
        return (process.ExitCode, output, errors, new Timing(elapsed, ProcessorTime.OfChildren - before));
    }

    private static string FindRepository()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Vitrine.slnx")))
                return at.FullName;
        }

        throw new InvalidOperationException("The benchmark must be run from within the repository: Vitrine.slnx was not found.");
    }
}
