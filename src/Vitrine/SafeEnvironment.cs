namespace Vitrine;

/// <summary>
/// The environment that a program starts with unless it is given another: a PATH, the guest's own user and home,
/// and from the caller's environment only what says how to speak and print.
/// </summary>
public static class SafeEnvironment
{
    /// <summary>PATH as Debian's login sets it for an ordinary user, with the administration directories.</summary>
    public const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>
    /// Makes the default environment. <paramref name="lookUp"/> reads the caller's; only TERM, COLORTERM, TZ, LANG,
    /// LANGUAGE and the LC_* variables are taken over.
    /// </summary>
    public static Dictionary<string, string> Create(Func<string, string?> lookUp, string user, string home)
    {
        ArgumentNullException.ThrowIfNull(lookUp);
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = DefaultPath,
            ["HOME"] = home,
            ["USER"] = user,
            ["LOGNAME"] = user,
            ["SHELL"] = "/bin/sh",
        };
        ReadOnlySpan<string> passed =
        [
            "TERM", "COLORTERM", "TZ", "LANG", "LANGUAGE", "LC_ALL", "LC_ADDRESS", "LC_COLLATE", "LC_CTYPE", "LC_IDENTIFICATION",
            "LC_MEASUREMENT", "LC_MESSAGES", "LC_MONETARY", "LC_NAME", "LC_NUMERIC", "LC_PAPER", "LC_TELEPHONE", "LC_TIME",
        ];
        foreach (string name in passed)
        {
            if (lookUp(name) is { } value)
                environment[name] = value;
        }

        return environment;
    }
}
