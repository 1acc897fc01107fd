using System.Globalization;

namespace Vitrine.Bench;

/// <summary>
/// A shell pipeline of 20 short commands with the translator and with the interpreter alone, in turn: translating must not cost
/// programs anything that end before it can pay. Each pair's ratio is taken for itself, so that other load on the machine cancels out.
/// </summary>
internal static class Pipeline
{
    private const int Pairs = 15;

    private const string Commands =
        "seq 1 400 | sed s/1/one/ | tr a-z A-Z | grep -v 7 | sort | uniq | head -n 300 | tail -n 200 | cut -c1-8 | nl"
        + " | awk '{print $2}' | rev | tac | paste - - | fold -w 20 | expand | cat -n | sort -r | tee /dev/null | wc";

    public static int Run()
    {
        string expected = HostTools.Run("sh", "-c", Commands).Output;
        double[] elapsed = new double[Pairs], processor = new double[Pairs];
        var best = new Timing[] { new(double.MaxValue, double.MaxValue), new(double.MaxValue, double.MaxValue) };
        for (int i = 0; i < Pairs; i++)
        {
            // Who comes first changes, too.
            Timing first = Measure(i % 2 == 0, expected, best);
            Timing second = Measure(i % 2 != 0, expected, best);
            (Timing translator, Timing interpreter) = i % 2 == 0 ? (first, second) : (second, first);
            elapsed[i] = translator.Elapsed / interpreter.Elapsed;
            processor[i] = translator.Processor / interpreter.Processor;
        }

        Array.Sort(elapsed);
        Array.Sort(processor);
        Console.WriteLine($"a pipeline of 20 commands, {Pairs} pairs");
        Print("translator", best[0].Elapsed * 1000, best[0].Processor * 1000, "ms at best, ms of processor time");
        Print("interpreter", best[1].Elapsed * 1000, best[1].Processor * 1000, "ms at best, ms of processor time");
        Print("ratio of the best", best[0].Elapsed / best[1].Elapsed, best[0].Processor / best[1].Processor, "");
        Print("median of the ratios", elapsed[Pairs / 2], processor[Pairs / 2], "");
        return 0;
    }

    private static Timing Measure(bool translates, string expected, Timing[] best)
    {
        (int status, string output, string errors, Timing time) = HostTools.Run(
            HostTools.Vitrine, "do", "--engine", translates ? "translator" : "interpreter", "--", "sh", "-c", Commands);
        if (status != 0 || output != expected)
            throw new InvalidOperationException($"the pipeline ended with status {status}: {output}{errors}");
        ref Timing b = ref best[translates ? 0 : 1];
        b = new Timing(Math.Min(b.Elapsed, time.Elapsed), Math.Min(b.Processor, time.Processor));
        return time;
    }

    private static void Print(string what, double elapsed, double processor, string unit) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-22} {elapsed,10:g4} {processor,10:g4} {unit}"));
}
