namespace Vitrine.Kernel;

/// <summary>What uname and /proc/version say.</summary>
internal static class KernelVersion
{
    public const string OsType = "Linux";
    public const string Release = "6.12.0-vitrine";

    /// <summary>For programs with the personality UNAME26.</summary>
    public const string Release26 = "2.6.72-vitrine";
    public const string Version = "#1 SMP PREEMPT_DYNAMIC";
    public const string Machine = "x86_64";

    /// <summary>linux_banner's twin: the first line of the boot log.</summary>
    public static string Banner => $"{OsType} version {Release} (vitrine) (.NET {Environment.Version}) {Version}";
}
