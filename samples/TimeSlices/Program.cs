using System.Diagnostics;
using System.Globalization;
using TimeSlices;
using Vitrine;

// The textbook's experiment: processes that all want the processor, and what the scheduler gives them.
// dotnet run --project samples/TimeSlices -- [--cpus N] [--seconds S] [--out DIRECTORY] NICE…
int processors = 1;
double seconds = 5;
string directory = ".";
var nice = new List<string>();
for (int i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--cpus" when i + 1 < args.Length:
            processors = int.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "--seconds" when i + 1 < args.Length:
            seconds = double.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "--out" when i + 1 < args.Length:
            directory = args[++i];
            break;
        default:
            nice.Add(args[i]);
            break;
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

    await using Machine machine = await Machine.StartAsync(new MachineOptions
    {
        Processors = processors,
        Memory = 128 << 20,
        Volumes = [new Volume(build, "/slices", ReadOnly: true)],
    });
    ProcessResult result = await machine.RunAsync(new ProcessOptions("/slices/slices", [seconds.ToString(CultureInfo.InvariantCulture), .. nice]));
    if (!result.Succeeded)
    {
        Console.Error.Write(result.Error);
        return 1;
    }

    Recording recording = Recording.Parse(result.Output);
    Directory.CreateDirectory(directory);
    string title = $"{nice.Count} processes on {processors} processor{(processors == 1 ? "" : "s")}: the first 200 ms of {seconds.ToString(CultureInfo.InvariantCulture)} s";
    await File.WriteAllTextAsync(Path.Combine(directory, "slices.txt"), result.Output);
    await File.WriteAllTextAsync(Path.Combine(directory, "slices.svg"), SlicePlot.Draw(recording, 200_000, title));
    long sum = recording.Totals.Sum(t => t.Time);
    foreach (Total total in recording.Totals)
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"nice {total.Nice,3}: {total.Time / 1e6:0.000} s, {100.0 * total.Time / sum:0.0} %"));
    Console.WriteLine($"slices.txt and slices.svg are in {Path.GetFullPath(directory)}");
    return 0;
}
finally
{
    Directory.Delete(build, recursive: true);
}
