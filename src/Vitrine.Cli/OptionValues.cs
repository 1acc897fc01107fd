using System.Globalization;

namespace Vitrine.Cli;

/// <summary>The forms in which options are written: sizes, times.</summary>
internal static class OptionValues
{
    /// <summary>Bytes: a number with an optional K, M, G or T (powers of 1024; "MiB", "MB" and "M" mean the same).</summary>
    public static long ParseSize(string text)
    {
        string upper = text.Trim().ToUpperInvariant();
        string unit = upper.TrimStart("0123456789.".ToCharArray());
        int shift = unit switch
        {
            "" or "B" => 0,
            "K" or "KB" or "KIB" => 10,
            "M" or "MB" or "MIB" => 20,
            "G" or "GB" or "GIB" => 30,
            "T" or "TB" or "TIB" => 40,
            _ => -1,
        };
        if (shift < 0 || !double.TryParse(upper[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) || number <= 0)
            throw new FormatException($"'{text}' is not a size; write it as 512M or 2G");
        return (long)(number * (1L << shift));
    }

    /// <summary>A level of the x86-64 psABI, or everything.</summary>
    public static ProcessorLevel ParseLevel(string text) => text switch
    {
        "x86-64-v2" => ProcessorLevel.X8664V2,
        "x86-64-v3" => ProcessorLevel.X8664V3,
        "max" => ProcessorLevel.Maximum,
        _ => throw new FormatException($"'{text}' is not a processor level: x86-64-v2, x86-64-v3 or max"),
    };

    /// <summary>A number of 64 bits.</summary>
    public static ulong ParseSeed(string text) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed)
        ? seed
        : throw new FormatException($"'{text}' is not a seed: a number from 0 to {ulong.MaxValue}");

    /// <summary>How often the state is hashed: "every:N" or "every:N@START" in instructions; null or empty, only at the end, is 0.</summary>
    public static (ulong Interval, ulong Start) ParseInterval(string? text)
    {
        const string prefix = "every:";
        if (string.IsNullOrEmpty(text))
            return default;
        string[] numbers = text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..].Split('@') : [];
        ulong start = 0;
        if (numbers.Length is not (1 or 2) || !TryParse(numbers[0], out ulong interval) || interval == 0 || (numbers.Length == 2 && !TryParse(numbers[1], out start)))
            throw new FormatException($"'{text}' is not how often to hash the state; write every:1000000, or every:1000@5000000 for the first after 5000000 instructions");
        return (interval, start);

        static bool TryParse(string number, out ulong value) => ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>What only makes sense with a seed, and what makes none with one.</summary>
    public static void RequireSeed(ulong? seed, bool hashesState, int processors)
    {
        if (seed is not null && processors > 1)
            throw new FormatException("--seed runs on one processor: leave --cpus out");
        if (seed is null && hashesState)
            throw new FormatException("--state-hash needs --seed: without it no two runs are in the same state");
    }

    /// <summary>A time as timeout(1) and sleep(1) take it: a number with an optional ms, s, m, h or d.</summary>
    public static TimeSpan ParseTime(string text)
    {
        string trimmed = text.Trim();
        string unit = trimmed.TrimStart("0123456789.".ToCharArray());
        double seconds = unit switch
        {
            "" or "s" => 1,
            "ms" => 0.001,
            "m" => 60,
            "h" => 3600,
            "d" => 86400,
            _ => -1,
        };
        if (seconds < 0 || !double.TryParse(trimmed[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) || number <= 0)
            throw new FormatException($"'{text}' is not a time; write it as 500ms, 2s or 5m");
        return TimeSpan.FromSeconds(number * seconds);
    }
}
