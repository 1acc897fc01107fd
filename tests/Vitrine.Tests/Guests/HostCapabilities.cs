using System.Globalization;

namespace Vitrine.Tests.Guests;

/// <summary>What root may do on this host: in a container it is often less than a kernel of its own gives it.</summary>
internal static class HostCapabilities
{
    /// <summary>Numbers as in linux/capability.h.</summary>
    private static readonly Dictionary<string, int> Numbers = new() { ["net_admin"] = 12, ["sys_admin"] = 21, ["sys_nice"] = 23, ["sys_time"] = 25 };

    private static readonly ulong Effective = ulong.Parse(
        File.ReadLines("/proc/self/status").First(l => l.StartsWith("CapEff:", StringComparison.Ordinal))[7..].Trim(),
        NumberStyles.HexNumber,
        CultureInfo.InvariantCulture);

    /// <summary>True if these tests run as root and root has not that capability; an ordinary user lacks it inside too.</summary>
    public static bool Lacks(string name) => Environment.IsPrivilegedProcess && (Effective & (1UL << Numbers[name])) == 0;
}
