namespace Vitrine.Cli;

/// <summary>What a shell prints when a signal ended its job (strsignal(3)).</summary>
internal static class SignalText
{
    /// <summary>The line, or null for signals of which a shell says nothing: SIGINT and SIGPIPE.</summary>
    public static string? LineFor(ProcessResult result)
    {
        string? text = result.Signal switch
        {
            0 or 2 or 13 => null,
            1 => "Hangup",
            3 => "Quit",
            4 => "Illegal instruction",
            5 => "Trace/breakpoint trap",
            6 => "Aborted",
            7 => "Bus error",
            8 => "Floating point exception",
            9 => "Killed",
            10 => "User defined signal 1",
            11 => "Segmentation fault",
            12 => "User defined signal 2",
            14 => "Alarm clock",
            15 => "Terminated",
            16 => "Stack fault",
            24 => "CPU time limit exceeded",
            25 => "File size limit exceeded",
            26 => "Virtual timer expired",
            27 => "Profiling timer expired",
            29 => "I/O possible",
            30 => "Power failure",
            31 => "Bad system call",
            var n => $"Real-time signal {n - 34}",
        };
        return text is not null && result.CoreDumped ? text + " (core dumped)" : text;
    }
}
