using System.Text.RegularExpressions;

namespace Vitrine.Tests.Guests;

/// <summary>
/// A C program of tests/Guests. Its header comment may say: <c>covers: CALL…</c> (the system calls whose success,
/// flags and errors it shows), <c>link: static dynamic musl</c> (how it is built; static by default), <c>args: …</c>,
/// <c>cflags: …</c>, <c>cpus: N</c>, and <c>linux: MAJOR.MINOR</c>
/// (the first Linux that has all it asks for), <c>capabilities: NAME…</c> (what root must be able to do), and
/// <c>processor: FLAG…</c> (what the host's must have, by the names of /proc/cpuinfo). It prints results, never numbers that
/// differ from run to run.
/// </summary>
internal sealed record GuestProgram(string Name, string Source)
{
    private static readonly Lock Building = new();

    public static string Directory { get; } = Repository.PathOf("tests", "Guests");

    public static string BuildDirectory { get; } = System.IO.Directory.CreateDirectory(Path.Combine(Repository.Artifacts, "guests")).FullName;

    public string[] Covers => Header("covers");

    public string[] Links => Header("link") is { Length: > 0 } links ? links : ["static"];

    public string[] Arguments => Header("args");

    public string[] CompilerFlags => Header("cflags");

    /// <summary>The host's kernel must be at least this one to be a judge of what the program shows.</summary>
    public Version LeastKernel => Header("linux") is [var v] ? Version.Parse(v) : new Version(0, 0);

    /// <summary>Why the host can't be compared with; null: it can.</summary>
    public string? ReasonNotToJudge
    {
        get
        {
            if (Environment.OSVersion.Version < LeastKernel)
                return $"{Name} (needs Linux {LeastKernel})";
            string[] missing = [.. Header("capabilities").Where(HostCapabilities.Lacks)];
            if (missing.Length != 0)
                return $"{Name} (root lacks {string.Join(", ", missing)} here)";
            missing = [.. Header("processor").Where(flag => !HostFlags.Value.Contains(flag))];
            return missing.Length == 0 ? null : $"{Name} (the host's processor lacks {string.Join(", ", missing)})";
        }
    }

    private static readonly Lazy<HashSet<string>> HostFlags = new(() =>
    [
        .. File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal))?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [],
    ]);

    public int Processors => Header("cpus") is [var n] ? int.Parse(n, System.Globalization.CultureInfo.InvariantCulture) : 1;

    public static IEnumerable<GuestProgram> All()
    {
        if (!System.IO.Directory.Exists(Directory))
            yield break;
        foreach (string path in System.IO.Directory.GetFiles(Directory, "*.c").Order(StringComparer.Ordinal))
            yield return new GuestProgram(Path.GetFileNameWithoutExtension(path), File.ReadAllText(path));
    }

    private static readonly Lazy<DateTime> NewestHeader = new(() =>
        System.IO.Directory.GetFiles(Directory, "*.h").Select(File.GetLastWriteTimeUtc).DefaultIfEmpty().Max());

    /// <summary>Compiles the program if it or a header is newer than its last build; the path of the result.</summary>
    public string Build(string link)
    {
        string source = Path.Combine(Directory, Name + ".c");
        string result = Path.Combine(BuildDirectory, $"{Name}.{link}");
        lock (Building)
        {
            DateTime built = File.GetLastWriteTimeUtc(result);
            if (File.Exists(result) && built > File.GetLastWriteTimeUtc(source) && built > NewestHeader.Value)
                return result;
            string compiler = link == "musl" ? "musl-gcc" : "gcc";
            List<string> arguments = ["-O1", "-g0", "-w", "-D_GNU_SOURCE", "-pthread", "-o", result + ".new", source];
            if (link is "static" or "musl")
                arguments.Add("-static");
            arguments.AddRange(CompilerFlags);
            HostRun run = HostRun.Of(compiler, arguments);
            Assert.True(run.Status == 0, $"{compiler} refused {Name}.c:\n{run.Error}");
            File.Move(result + ".new", result, overwrite: true);
        }

        return result;
    }

    public override string ToString() => Name;

    private string[] Header(string key)
    {
        var words = new List<string>();
        foreach (Match match in Regex.Matches(Source, $@"^\s*(?:/\*|\*)?\s*{key}:(?<words>[^\n*]*)", RegexOptions.Multiline))
            words.AddRange(match.Groups["words"].Value.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries));
        return [.. words];
    }
}
