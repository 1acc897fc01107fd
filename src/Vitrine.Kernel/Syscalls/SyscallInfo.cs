using System.Globalization;

namespace Vitrine.Kernel.Syscalls;

/// <summary>An argument of a declared system call: its name, its C# type and how strace prints it.</summary>
internal sealed record SyscallArgumentInfo(string Name, string Type, string? Format);

/// <summary>What <see cref="SyscallAttribute"/> declares, for strace and the coverage page.</summary>
internal sealed record SyscallInfo(
    int Number,
    string Name,
    SyscallSupport Support,
    string? Note,
    string Handler,
    SyscallArgumentInfo[] Arguments)
{
    /// <summary>
    /// Parses the generator's text form: a line a call, fields separated by tabs (number, name, support, note,
    /// handler, then an argument each as <c>name|type|format</c>). Text, so that a machine that is not traced pays nothing.
    /// </summary>
    public static SyscallInfo[] Parse(string text)
    {
        var calls = new List<SyscallInfo>();
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] fields = line.Split('\t');
            var arguments = new SyscallArgumentInfo[fields.Length - 5];
            for (int i = 0; i < arguments.Length; i++)
            {
                string[] parts = fields[i + 5].Split('|');
                arguments[i] = new SyscallArgumentInfo(parts[0], parts[1], parts[2].Length == 0 ? null : parts[2]);
            }

            calls.Add(new SyscallInfo(
                int.Parse(fields[0], CultureInfo.InvariantCulture),
                fields[1],
                (SyscallSupport)int.Parse(fields[2], CultureInfo.InvariantCulture),
                fields[3].Length == 0 ? null : fields[3],
                fields[4],
                arguments));
        }

        return [.. calls];
    }
}

/// <summary>A named constant of an enum that strace prints.</summary>
internal readonly record struct StraceConstant(string Name, ulong Value);

/// <summary>The members of an enum, in declaration order.</summary>
internal sealed record StraceConstantSet(string Name, bool Flags, StraceConstant[] Members)
{
    /// <summary>Parses the generator's text form: a line a set, <c>name TAB flags(0|1) TAB member=value …</c>.</summary>
    public static Dictionary<string, StraceConstantSet> Parse(string text)
    {
        var sets = new Dictionary<string, StraceConstantSet>(StringComparer.Ordinal);
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] fields = line.Split('\t');
            var members = new StraceConstant[fields.Length - 2];
            for (int i = 0; i < members.Length; i++)
            {
                string[] parts = fields[i + 2].Split('=');
                members[i] = new StraceConstant(parts[0], ulong.Parse(parts[1], CultureInfo.InvariantCulture));
            }

            sets[fields[0]] = new StraceConstantSet(fields[0], fields[1] == "1", members);
        }

        return sets;
    }
}
