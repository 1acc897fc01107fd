using System.Globalization;
using Vitrine.Abi;

namespace Vitrine.Hardware.Host;

/// <summary>This process as a job of the shell that called it: whether it may be stopped, and stopping it.</summary>
[HostBoundary("stops this process as a terminal would")]
internal static class HostJob
{
    /// <summary>SIGTSTP.</summary>
    public const int KeyboardStop = 20;

    /// <summary>SIGTTIN.</summary>
    public const int TerminalInput = 21;

    /// <summary>SIGTTOU.</summary>
    public const int TerminalOutput = 22;

    /// <summary>
    /// Somebody will continue this process if the signal stops it: it is not ignored, and the process group has a parent
    /// outside of it in the session, which is how shells with job control start it (it is not orphaned).
    /// </summary>
    public static bool MayStop(int signal)
    {
        try
        {
            return !IsIgnored(signal) && HasShell();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            return false;
        }
    }

    /// <summary>Stops the job, the others of a pipeline too. Returns when it goes on, or at once if it may not be stopped.</summary>
    public static void Stop(int signal)
    {
        if (MayStop(signal))
            _ = Libc.Kill(0, signal);
    }

    private static bool IsIgnored(int signal)
    {
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith("SigIgn:", StringComparison.Ordinal))
                return (ulong.Parse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & (1UL << (signal - 1))) != 0;
        }

        return false;
    }

    /// <summary>Goes up to the first parent that is of another group.</summary>
    private static bool HasShell()
    {
        (int parent, int group, int session) = Read("self");
        while (parent > 0)
        {
            (int next, int itsGroup, int itsSession) = Read(parent.ToString(CultureInfo.InvariantCulture));
            if (itsSession != session)
                return false;
            if (itsGroup != group)
                return true;
            parent = next;
        }

        return false;
    }

    private static (int Parent, int Group, int Session) Read(string process)
    {
        string text = File.ReadAllText($"/proc/{process}/stat");

        // The name, in parentheses, may contain anything.
        string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (Number(fields[1]), Number(fields[2]), Number(fields[3]));

        static int Number(string field) => int.Parse(field, CultureInfo.InvariantCulture);
    }
}
