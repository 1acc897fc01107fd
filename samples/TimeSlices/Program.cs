using System.Diagnostics;
using System.Globalization;
using TimeSlices;
using Vitrine;

// The textbook's experiment: processes that all want the processor, and what the scheduler gives them.
const string Usage = """
    usage: dotnet run --project samples/TimeSlices -- [--cpus N] [--seconds S] [--out DIRECTORY] [--host] [NICE…]
    One process for each nice value (-20 to 19; 0 0 5 10 if there is none) on N processors (1) for S seconds (5);
    slices.txt and slices.svg go to DIRECTORY. With --host the host's own kernel is asked instead, on its first N processors.
    """;
int processors = 1;
bool onHost = false;
double seconds = 5;
string directory = ".";
var nice = new List<string>();
for (int i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--help":
            Console.WriteLine(Usage);
            return 0;
        case "--cpus" when i + 1 < args.Length && int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out processors) && processors > 0:
            i++;
            break;
        case "--seconds" when i + 1 < args.Length && double.TryParse(args[i + 1], CultureInfo.InvariantCulture, out seconds) && seconds > 0:
            i++;
            break;
        case "--out" when i + 1 < args.Length:
            directory = args[++i];
            break;
        case "--host":
            onHost = true;
            break;
        case string word when int.TryParse(word, CultureInfo.InvariantCulture, out int value) && value is >= -20 and <= 19:
            nice.Add(word);
            break;
        default:
            Console.Error.WriteLine($"TimeSlices: '{args[i]}' is not understood\n{Usage}");
            return 2;
    }
}

if (nice.Count == 0)
    nice.AddRange(["0", "0", "5", "10"]);

string build = Directory.CreateTempSubdirectory("time-slices-").FullName;
try
{
    string source = Path.Combine(AppContext.BaseDirectory, "slices.c");
    using (Process compiler = Process.Start("gcc", ["-O1", "-static", "-o", Path.Combine(build, "slices"), source]))
    {
        compiler.WaitForExit();
        if (compiler.ExitCode != 0)
            return 1;
    }

    string[] words = [seconds.ToString(CultureInfo.InvariantCulture), .. nice];
    string? output = onHost ? RunOnHost(Path.Combine(build, "slices"), words) : await RunInMachineAsync(words);
    if (output is null)
        return 1;
    Recording recording = Recording.Parse(output);
    Directory.CreateDirectory(directory);
    string title = $"{nice.Count} processes on {processors} processor{(processors == 1 ? "" : "s")}: the first 200 ms of {seconds.ToString(CultureInfo.InvariantCulture)} s";
    await File.WriteAllTextAsync(Path.Combine(directory, "slices.txt"), output);
    await File.WriteAllTextAsync(Path.Combine(directory, "slices.svg"), SlicePlot.Draw(recording, 200_000, title));
    Report(recording.Totals);
    Console.WriteLine($"slices.txt and slices.svg are in {Path.GetFullPath(directory)}");
    return 0;
}
finally
{
    Directory.Delete(build, recursive: true);
}

async Task<string?> RunInMachineAsync(string[] words)
{
    await using Machine machine = await Machine.StartAsync(new MachineOptions
    {
        Processors = processors,
        Memory = 128 << 20,
        Volumes = [new Volume(build, "/slices", ReadOnly: true)],
    });
    ProcessResult result = await machine.RunAsync(new ProcessOptions("/slices/slices", words));
    if (!result.Succeeded)
        Console.Error.Write(result.Error);
    return result.Succeeded ? result.Output : null;
}

string? RunOnHost(string program, string[] words)
{
    var start = new ProcessStartInfo("taskset", ["-c", $"0-{processors - 1}", program, .. words]) { RedirectStandardOutput = true };
    using Process run = Process.Start(start)!;
    string output = run.StandardOutput.ReadToEnd();
    run.WaitForExit();
    return run.ExitCode == 0 ? output : null;
}

void Report(IReadOnlyList<Total> totals)
{
    double[] due = Shares.Feasible([.. totals.Select(t => t.Nice)], processors);
    long sum = totals.Sum(t => t.Time);
    for (int i = 0; i < totals.Count; i++)
    {
        double share = totals[i].Time / (double)sum;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"nice {totals[i].Nice,3}: {totals[i].Time / 1e6:0.000} s, {100 * share:0.0} %; due {100 * due[i]:0.0} %, {100 * ((share / due[i]) - 1):+0.0;-0.0} %"));
    }
}
