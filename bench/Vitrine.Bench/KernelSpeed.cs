using System.Globalization;

namespace Vitrine.Bench;

/// <summary>
/// What a kernel does most: programs that measure themselves, run by the host's kernel and by ours. The time of
/// one operation in each, and the ratio.
/// </summary>
internal static class KernelSpeed
{
    private const int Runs = 3;

    private static readonly (string Name, string Program, string[] Arguments, string[] Options)[] Benchmarks =
    [
        ("null system call", "null_syscall", [], []),
        ("beside 3 busy vCPUs", "null_syscall", ["3"], ["--cpus", "4"]),
        ("pipe ping-pong", "pipe_pingpong", [], []),
        ("switch, 64 pages each", "context_switch", [], []),
        ("fork, exit, wait", "fork_exit", [], []),
        ("fork, 64 pages copied", "fork_write", [], []),
        ("mmap churn, 16 pages", "mmap_churn", [], []),
    ];

    public static int Run()
    {
        Console.WriteLine($"{"kernel",-22} {"host ns",12} {"vitrine ns",12} {"ratio",8}   best of {Runs}");
        foreach ((string name, string program, string[] arguments, string[] options) in Benchmarks)
        {
            string path = HostTools.CompileForLibc(program);
            double host = Best(path, arguments);
            double vitrine = Best(HostTools.Vitrine, ["do", .. options, "--", path, .. arguments]);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-22} {host,12:f0} {vitrine,12:f0} {vitrine / host,8:f2}"));
        }

        return 0;
    }

    private static double Best(string program, string[] arguments)
    {
        double best = double.MaxValue;
        for (int i = 0; i < Runs; i++)
        {
            (int status, string output, string errors, Timing _) = HostTools.Run(program, arguments);
            if (status != 0 || !double.TryParse(output.Trim(), CultureInfo.InvariantCulture, out double nanoseconds))
                throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with status {status}: {output}{errors}");
            best = Math.Min(best, nanoseconds);
        }

        return best;
    }
}
