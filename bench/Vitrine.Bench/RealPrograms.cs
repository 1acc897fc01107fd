using System.Globalization;

namespace Vitrine.Bench;

/// <summary>
/// Programs of the host with its own libraries, natively, under qemu-x86_64, and in Vitrine with each engine: processor time,
/// native = 1.0. From Vitrine's that of <c>/bin/true</c> in the same run is taken off: start-up has a benchmark of its own. What
/// openssl's own measurement says is compared, and printed in place of native seconds, as throughput.
/// </summary>
internal static class RealPrograms
{
    private const int NativeRuns = 3;

    private sealed record Job(string Name, string? Program, string[] Arguments, bool IsThroughput = false, string? Database = null);

    public static int Run(string[] chosen)
    {
        var inputs = new ProgramInputs();
        string scripts = Path.Combine(HostTools.Repository, "bench", "programs");
        string? python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : HostTools.Find("python3");
        string? sqlite = HostTools.Find("sqlite3");
        string database = $"/tmp/vitrine-bench-{Environment.ProcessId}.db";
        Job[] jobs =
        [
            new("python-numbers", python, [Path.Combine(scripts, "numbers.py")]),
            new("python-words", python, [Path.Combine(scripts, "words.py")]),
            new("python-json", python, [Path.Combine(scripts, "documents.py")]),
            new("cc1 -O2", Compiler(), ["-quiet", "-O2", "-imultiarch", Multiarch(), inputs.Source, "-o", "/dev/stdout"]),
            new("xz -6", HostTools.Find("xz"), ["-6", "-T1", "-k", "-c", inputs.Text]),
            new("openssl-sha256", HostTools.Find("openssl"), ["speed", "-seconds", "1", "-bytes", "16384", "-evp", "sha256"], IsThroughput: true),
            new("openssl-aes-gcm", HostTools.Find("openssl"), ["speed", "-seconds", "1", "-bytes", "16384", "-evp", "aes-128-gcm"], IsThroughput: true),
            new("sqlite-one", sqlite, [":memory:", $".read {inputs.OneTransaction}"]),
            new("sqlite-many", sqlite, [database, $".read {inputs.ManyTransactions}"], Database: database),
        ];

        bool qemu = HostTools.Exists("qemu-x86_64");
        double product = 1, qemuProduct = 1, interpreterProduct = 1;
        int count = 0;
        var start = new Job("start-up", "/bin/true", []);
        Console.WriteLine($"{"program",-16} {"native s",10} {"qemu",8} {"translator",11} {"interpreter",12}   (times native)");
        foreach (Job job in jobs)
        {
            if (job.Program is null || (chosen.Length != 0 && !chosen.Contains(job.Name)))
                continue;
            (string expected, double native) = Best(job, NativeRuns, []);
            double qemuRatio = qemu ? Ratio(job, native, expected, 0, ["qemu-x86_64", "-cpu", "max"]) : double.NaN;
            double translator = Ratio(job, native, expected, StartUp(start, "translator"), Vitrine("translator"));
            double interpreter = Ratio(job, native, expected, StartUp(start, "interpreter"), Vitrine("interpreter"));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{job.Name,-16} {(job.IsThroughput ? $"{native / 1000:f0} MB/s" : $"{native:f3}"),10} {qemuRatio,8:f2} {translator,11:f2} {interpreter,12:f2}"));
            product *= translator;
            qemuProduct *= qemuRatio;
            interpreterProduct *= interpreter;
            count++;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{"geometric mean",-27} {Math.Pow(qemuProduct, 1.0 / count),8:f2} {Math.Pow(product, 1.0 / count),11:f2} {Math.Pow(interpreterProduct, 1.0 / count),12:f2}"));
        return 0;
    }

    private static string[] Vitrine(string engine) => [HostTools.Vitrine, "do", "--engine", engine, "--"];

    private static double StartUp(Job start, string engine) => Best(start, 2, Vitrine(engine)).Value;

    /// <summary>The compiler itself, which gcc would run as another process.</summary>
    private static string? Compiler()
    {
        if (!HostTools.Exists("gcc"))
            return null;
        string path = HostTools.Run("gcc", "-print-prog-name=cc1").Output.Trim();
        return File.Exists(path) ? path : null;
    }

    /// <summary>Where the C library's headers are, which gcc tells the compiler.</summary>
    private static string Multiarch() => HostTools.Exists("gcc") ? HostTools.Run("gcc", "-print-multiarch").Output.Trim() : "";

    private static double Ratio(Job job, double native, string expected, double start, string[] by)
    {
        (string output, double value) = Best(job, 1, by);
        if (!job.IsThroughput && output != expected)
            throw new InvalidOperationException($"{job.Name} by {by[0]} {by[^2]} doesn't print what it prints natively:\n{output}");
        return job.IsThroughput ? native / value : (value - start) / native;
    }

    /// <summary>Output, and seconds of processor time or, of openssl, thousands of bytes a second.</summary>
    private static (string Output, double Value) Best(Job job, int runs, string[] by)
    {
        string text = "";
        double best = job.IsThroughput ? 0 : double.MaxValue;
        for (int i = 0; i < runs; i++)
        {
            if (job.Database is { } database)
                File.Delete(database);
            string[] command = [.. by, job.Program!, .. job.Arguments];
            (int status, string output, string errors, Timing time) = HostTools.Run(command[0], command[1..]);
            if (status != 0)
                throw new InvalidOperationException($"{string.Join(' ', command)} ended with status {status}: {errors}");
            text = output;
            best = job.IsThroughput ? Math.Max(best, Throughput(output)) : Math.Min(best, time.Processor);
        }

        if (job.Database is { } used)
            File.Delete(used);
        return (text, best);
    }

    /// <summary>The last number of openssl's table: "sha256   1654321.15k".</summary>
    private static double Throughput(string output)
    {
        string[] words = output.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        return double.Parse(words[^1].TrimEnd('k'), CultureInfo.InvariantCulture);
    }
}
