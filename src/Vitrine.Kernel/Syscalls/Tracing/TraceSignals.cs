using System.Text;

namespace Vitrine.Kernel.Syscalls.Tracing;

/// <summary>Signals, sets of them and what a wait status says, in strace's notation.</summary>
internal static class TraceSignals
{
    private static readonly TraceConstantSet Names = TraceConstants.Get("signal");

    public static string Name(int signal)
    {
        if (Names.NameOf((ulong)signal) is { } name && signal > 0)
            return name;
        return signal is >= 32 and <= 64 ? "SIGRT_" + (signal - 32).ToString(System.Globalization.CultureInfo.InvariantCulture)
            : signal.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>A set: <c>[INT CHLD]</c>; one with most signals in it by those that are not: <c>~[KILL STOP]</c>.</summary>
    public static void AppendSet(StringBuilder text, ulong set)
    {
        bool inverted = System.Numerics.BitOperations.PopCount(set) > 42;
        if (inverted)
            text.Append('~');
        text.Append('[');
        bool first = true;
        for (int signal = 1; signal <= 64; signal++)
        {
            if ((((set >> (signal - 1)) & 1) != 0) == inverted)
                continue;
            if (!first)
                text.Append(' ');
            first = false;
            string name = Name(signal);
            text.Append(name.StartsWith("SIG", StringComparison.Ordinal) ? name.AsSpan(3) : name);
        }

        text.Append(']');
    }

    /// <summary>The status that wait4 stores, between brackets as an out-value.</summary>
    public static void AppendWaitStatus(StringBuilder text, int status)
    {
        int signal = status & 0x7f;
        text.Append("[{");
        if (status == 0xffff)
            text.Append("WIFCONTINUED(s)");
        else if (signal == 0)
            text.Append("WIFEXITED(s) && WEXITSTATUS(s) == ").Decimal((status >> 8) & 0xff);
        else if (signal == 0x7f)
            text.Append("WIFSTOPPED(s) && WSTOPSIG(s) == ").Append(Name((status >> 8) & 0xff));
        else
            text.Append("WIFSIGNALED(s) && WTERMSIG(s) == ").Append(Name(signal)).Append((status & 0x80) != 0 ? " && WCOREDUMP(s)" : "");
        text.Append("}]");
    }

    /// <summary>A siginfo of which the numbers are given: <c>{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8}</c>.</summary>
    public static void AppendInfo(StringBuilder text, int signal, int code, ulong address, int pid, uint uid, int status)
    {
        text.Append("{si_signo=").Append(Name(signal)).Append(", si_code=");
        string? set = signal switch { 11 => "si-code-segv", 7 => "si-code-bus", 8 => "si-code-fpe", 4 => "si-code-ill", 17 => "si-code-chld", _ => null };
        text.Append(code switch
        {
            0 => "SI_USER",
            0x80 => "SI_KERNEL",
            -1 => "SI_QUEUE",
            -2 => "SI_TIMER",
            -3 => "SI_MESGQ",
            -6 => "SI_TKILL",
            _ => set is null ? null : TraceConstants.Get(set).NameOf((ulong)code),
        } ?? code.ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (set == "si-code-chld" && code > 0)
        {
            text.Append(", si_pid=").Decimal(pid).Append(", si_uid=").Unsigned(uid).Append(", si_status=");
            if (code == 1)
                text.Decimal(status);
            else
                text.Append(Name(status));
            text.Append(", si_utime=0, si_stime=0");
        }
        else if (set is not null && code > 0)
        {
            text.Append(", si_addr=").Address(address);
        }
        else if (code is 0 or -1 or -6)
        {
            text.Append(", si_pid=").Decimal(pid).Append(", si_uid=").Unsigned(uid);
        }

        text.Append('}');
    }
}
