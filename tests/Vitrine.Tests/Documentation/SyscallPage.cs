using System.Globalization;
using System.Text;
using Vitrine.Kernel.Syscalls;
using Vitrine.Tests.Guests;

namespace Vitrine.Tests.Documentation;

/// <summary>docs/syscalls.md, made from the declarations and from what the guest programs say they cover.</summary>
internal static class SyscallPage
{
    public static string FilePath { get; } = Repository.PathOf("docs", "syscalls.md");

    /// <summary>The guest programs that cover each call, by its name.</summary>
    public static Dictionary<string, List<string>> Coverage()
    {
        var coverage = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (GuestProgram program in GuestProgram.All())
        {
            foreach (string call in program.Covers)
            {
                if (!coverage.TryGetValue(call, out List<string>? programs))
                    coverage.Add(call, programs = []);
                programs.Add(program.Name);
            }
        }

        return coverage;
    }

    public static string Write()
    {
        Dictionary<string, List<string>> coverage = Coverage();
        Dictionary<int, SyscallInfo> declared = SyscallTable.Declared.ToDictionary(c => c.Number);
        int real = declared.Values.Count(c => c.Support == SyscallSupport.Real);
        int partial = declared.Values.Count(c => c.Support == SyscallSupport.Partial);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            # System calls

            Generated from the declarations in `src/Vitrine.Kernel` and the guest programs in `tests/Guests`; don't edit it.
            To make it again: `VITRINE_REGENERATE=1 dotnet test tests/Vitrine.Tests --filter SyscallPage`.

            **Real**: complete, and a guest program that gives the same output on Linux covers success, each documented
            flag and at least two errors. **Partial**: what programs commonly ask of it; the note says what is missing. Every
            other call gives `ENOSYS` and is counted.

            {real} real, {partial} partial, {SyscallNames.All.Count - real - partial} missing.

            | number | name | support | note | guest programs |
            |---:|---|---|---|---|

            """);
        foreach ((int number, string name) in SyscallNames.All)
        {
            declared.TryGetValue(number, out SyscallInfo? call);
            SyscallSupport support = call?.Support ?? SyscallSupport.Missing;
            string tests = coverage.TryGetValue(name, out List<string>? programs) ? string.Join(", ", programs) : "";
            string level = support == SyscallSupport.Missing ? "–" : support.ToString();
            text.Append(CultureInfo.InvariantCulture, $"| {number} | {name} | {level} | {call?.Note} | {tests} |\n");
        }

        return text.ToString().ReplaceLineEndings("\n");
    }
}
