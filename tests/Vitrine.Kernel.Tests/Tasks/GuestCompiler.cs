using System.Diagnostics;

namespace Vitrine.Kernel.Tests.Tasks;

/// <summary>Compiles the C programs of these tests, statically, with the host's compiler; each once a run.</summary>
internal static class GuestCompiler
{
    private static readonly Dictionary<string, byte[]> Compiled = [];

    /// <summary>Why tests that need the compiler are skipped; null: they are not.</summary>
    public static string? ReasonToSkip { get; } =
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, "gcc"))) ? null : "gcc is not installed";

    /// <summary>The program's bytes.</summary>
    public static byte[] Compile(string name, string options = "-O1 -static -pthread")
    {
        lock (Compiled)
        {
            if (Compiled.TryGetValue(name + options, out byte[]? known))
                return known;
            string source = Path.Combine(ProgramsDirectory(), name + ".c");
            string target = Path.Combine(Path.GetTempPath(), $"vitrine-test-{Environment.ProcessId}-{name}");
            try
            {
                using var compiler = Process.Start(new ProcessStartInfo("gcc", $"{options} -o {target} {source}") { RedirectStandardError = true })!;
                string errors = compiler.StandardError.ReadToEnd();
                compiler.WaitForExit();
                if (compiler.ExitCode != 0)
                    throw new InvalidOperationException(errors);
                byte[] bytes = File.ReadAllBytes(target);
                Compiled[name + options] = bytes;
                return bytes;
            }
            finally
            {
                File.Delete(target);
            }
        }
    }

    private static string ProgramsDirectory()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            string candidate = Path.Combine(at.FullName, "tests", "Vitrine.Kernel.Tests", "Tasks", "Programs");
            if (Directory.Exists(candidate))
                return candidate;
        }

        throw new DirectoryNotFoundException("the tests' programs were not found above " + AppContext.BaseDirectory);
    }
}

/// <summary>A test that compiles a guest program; skipped with a reason where there is no compiler.</summary>
internal sealed class CompilerFactAttribute : FactAttribute
{
    public CompilerFactAttribute() => Skip = GuestCompiler.ReasonToSkip;
}

/// <inheritdoc cref="CompilerFactAttribute"/>
internal sealed class CompilerTheoryAttribute : TheoryAttribute
{
    public CompilerTheoryAttribute() => Skip = GuestCompiler.ReasonToSkip;
}
