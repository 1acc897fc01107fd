using System.Globalization;

namespace Vitrine.Bench;

/// <summary><c>find /usr -xdev</c>: path walks, directories and stats by the thousand.</summary>
internal static class TreeWalk
{
    private const int Runs = 3;
    private static readonly string[] Find = ["find", "/usr", "-xdev", "-printf", "%s\\n"];

    public static int Run()
    {
        (Timing host, int hostLines) = Best(Find[0], Find[1..]);
        (Timing vitrine, int lines) = Best(HostTools.Vitrine, ["do", "--", .. Find]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"find /usr",-14} {"lines",9} {"ms",9} {"processor ms",13} {"ratio",8}   best of {Runs}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{"the host",-14} {hostLines,9} {host.Elapsed * 1000,9:f0} {host.Processor * 1000,13:f0}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{"vitrine do",-14} {lines,9} {vitrine.Elapsed * 1000,9:f0} {vitrine.Processor * 1000,13:f0} {vitrine.Elapsed / host.Elapsed,8:f2}"));
        return 0;
    }

    private static (Timing Best, int Lines) Best(string program, string[] arguments)
    {
        var best = new Timing(double.MaxValue, double.MaxValue);
        int lines = 0;
        for (int i = 0; i < Runs; i++)
        {
            (int status, string output, string errors, Timing t) = HostTools.Run(program, arguments);
            if (status != 0)
                throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with status {status}: {errors}");
            lines = output.AsSpan().Count('\n');
            best = new Timing(Math.Min(best.Elapsed, t.Elapsed), Math.Min(best.Processor, t.Processor));
        }

        return (best, lines);
    }
}
