using System.Globalization;

namespace Vitrine.Cli;

/// <summary>How hashes of the state are printed: a line each.</summary>
internal static class StateHashText
{
    private const int PartLength = 16;

    public static string AtEnd(StateHash hash) =>
        string.Create(CultureInfo.InvariantCulture, $"state-hash {hash.Value} after {hash.Instructions} instructions");

    /// <summary>With the beginnings of its parts' hashes, so that one sees which part differs.</summary>
    public static string Between(StateHash hash) => string.Create(
        CultureInfo.InvariantCulture,
        $"state-hash {hash.Value} at {hash.Instructions} memory {hash.Memory[..PartLength]} tasks {hash.Tasks[..PartLength]} machine {hash.Machine[..PartLength]}");
}
