namespace TimeSlices;

/// <summary>A process had a processor from start to end, in microseconds.</summary>
internal sealed record Stretch(int Process, int Nice, int Start, int End);

/// <summary>What a process had altogether, in microseconds of CPU time.</summary>
internal sealed record Total(int Process, int Nice, long Time);

/// <summary>The output of slices.c.</summary>
internal sealed record Recording(IReadOnlyList<Stretch> Stretches, IReadOnlyList<Total> Totals)
{
    public static Recording Parse(string text)
    {
        var stretches = new List<Stretch>();
        var totals = new List<Total>();
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ');
            if (words[0] == "total")
                totals.Add(new Total(Number(words[1]), Number(words[2]), Number(words[3])));
            else
                stretches.Add(new Stretch(Number(words[0]), Number(words[1]), Number(words[2]), Number(words[3])));
        }

        return new Recording(stretches, totals);
    }

    private static int Number(string word) => int.Parse(word, System.Globalization.CultureInfo.InvariantCulture);
}
