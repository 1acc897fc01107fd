namespace TimeSlices;

/// <summary>What the weights promise.</summary>
internal static class Shares
{
    // For nice -20 to 19: a step is a factor of about 1.25 (sched(7)).
    private static ReadOnlySpan<int> Weights =>
    [
        88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
        9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
        1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
        110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
    ];

    /// <summary>
    /// Each process' part of all CPU time. One process runs on one processor at a time: who would be due more has one for
    /// itself, and the others share what is left.
    /// </summary>
    public static double[] Feasible(IReadOnlyList<int> nice, int processors)
    {
        var shares = new double[nice.Count];
        var open = Enumerable.Range(0, nice.Count).ToList();
        double left = processors;
        double all = Math.Min(processors, nice.Count);
        while (open.Count > 0)
        {
            double weights = open.Sum(i => (double)Weights[nice[i] + 20]);
            List<int> whole = open.FindAll(i => Weights[nice[i] + 20] * left / weights >= 1);
            foreach (int i in whole.Count > 0 ? whole : open)
                shares[i] = whole.Count > 0 ? 1 / all : Weights[nice[i] + 20] * left / weights / all;
            if (whole.Count == 0)
                break;
            left -= whole.Count;
            open.RemoveAll(whole.Contains);
        }

        return shares;
    }
}
