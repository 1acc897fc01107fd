using System.Globalization;
using Vitrine.Tests.Guests;

namespace Vitrine.Tests;

/// <summary>The textbook's experiment (samples/TimeSlices): processes that never sleep share the processors by their weights.</summary>
public class SharesTests
{
    /// <summary>
    /// When the host takes a processor's thread away for a while, whoever ran has that time on its account and gets less
    /// later, perhaps after the end: an outlier says nothing about the scheduler, so the measurement may be repeated.
    /// </summary>
    private const int Attempts = 3;

    [Theory]
    [InlineData(1, "0 0 5", new[] { 1024, 1024, 335 })]
    [InlineData(2, "0 1 2 3", new[] { 1024, 820, 655, 526 })]
    public async Task Shares_OfBusyProcesses_FollowWeightsWithinFivePercent(int processors, string nice, int[] weights)
    {
        string program = Path.Combine(GuestProgram.BuildDirectory, "slices");
        HostRun compiled = HostRun.Of("gcc", ["-O1", "-static", "-o", program, Repository.PathOf("samples", "TimeSlices", "slices.c")]);
        Assert.True(compiled.Status == 0, compiled.Error);
        double worst = 1;
        string report = "";
        for (int i = 0; i < Attempts && worst > 0.05; i++)
        {
            await using Machine machine = await Machine.StartAsync(new MachineOptions
            {
                Processors = processors,
                Memory = 128L << 20,
                Timeout = TimeSpan.FromSeconds(120),
                Volumes = [new Volume(GuestProgram.BuildDirectory, "/guests", ReadOnly: true)],
            });
            ProcessResult result = await machine.RunAsync(new ProcessOptions("/guests/slices", ["2.5", .. nice.Split(' ')]));
            Assert.True(result.Succeeded, result.Error);
            long[] times = [.. result.Output.Split('\n').Where(l => l.StartsWith("total ", StringComparison.Ordinal)).Select(l => long.Parse(l.Split(' ')[3], CultureInfo.InvariantCulture))];
            double[] errors = [.. times.Select((t, n) => ((double)t / times.Sum() * weights.Sum() / weights[n]) - 1)];
            worst = errors.Max(Math.Abs);
            report += string.Join(' ', errors.Select(e => $"{100 * e:0.0} %")) + "\n";
        }

        Assert.True(worst <= 0.05, report);
    }
}
