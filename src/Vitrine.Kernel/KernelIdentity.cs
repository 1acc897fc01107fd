namespace Vitrine.Kernel;

/// <summary>What the kernel says it is, to uname(2), /proc/version and the boot log.</summary>
internal static class KernelIdentity
{
    public const string SystemName = "Linux";
    public const string Release = "6.12.0-vitrine";

    /// <summary>For programs with the personality UNAME26.</summary>
    public const string Release26 = "2.6.72-vitrine";
    public const string Version = "#1 SMP PREEMPT_DYNAMIC Vitrine";
    public const string Machine = "x86_64";
}
