using System.Text;
using static Vitrine.Kernel.Syscalls.Tracing.TraceText;

namespace Vitrine.Kernel.Syscalls.Tracing;

/// <summary>
/// The structures of the user interface that strace opens up, each from its x86-64 layout: a size and how to print it.
/// </summary>
internal static class TraceStructs
{
    /// <summary>The size of a known structure, or 0.</summary>
    public static int SizeOf(string kind) => kind switch
    {
        "timespec" or "timeval" or "timezone" => kind == "timezone" ? 8 : 16,
        "itimerval" or "itimerspec" => 32,
        "stat" => 144,
        "statx" => 256,
        "statfs" => 120,
        "sigset" => 8,
        "sigaction" => 32,
        "sigstack" => 24,
        "siginfo" => 32,
        "rlimit-value" => 16,
        "rusage" => 144,
        "wstatus" or "int" => 4,
        "uint64" or "offset" => 8,
        "fdpair" => 8,
        "pollfd" => 8,
        "epoll-event" => 12,
        "iovec" => 16,
        "utsname" => 390,
        "sysinfo" => 112,
        "winsize" => 8,
        "termios" => 36,
        "flock" => 32,
        "clone-args" => 64,
        _ => 0,
    };

    public static void Append(StringBuilder text, string kind, ReadOnlySpan<byte> b)
    {
        switch (kind)
        {
            case "timespec":
                text.Append("{tv_sec=").Decimal(I64(b, 0)).Append(", tv_nsec=").Decimal(I64(b, 8)).Append('}');
                break;
            case "timeval":
                text.Append("{tv_sec=").Decimal(I64(b, 0)).Append(", tv_usec=").Decimal(I64(b, 8)).Append('}');
                break;
            case "timezone":
                text.Append("{tz_minuteswest=").Decimal(I32(b, 0)).Append(", tz_dsttime=").Decimal(I32(b, 4)).Append('}');
                break;
            case "itimerval" or "itimerspec":
                string inner = kind == "itimerval" ? "timeval" : "timespec";
                text.Append("{it_interval=");
                Append(text, inner, b);
                text.Append(", it_value=");
                Append(text, inner, b[16..]);
                text.Append('}');
                break;
            case "stat":
                AppendStat(text, U32(b, 24), I64(b, 48), U64(b, 40));
                break;
            case "statx":
                text.Append("{stx_mask=");
                TraceConstants.Get("statx-mask").Append(text, U32(b, 0));
                text.Append(", stx_attributes=").Hex(U64(b, 8)).Append(", stx_mode=");
                AppendFileMode(text, U16(b, 28));
                text.Append(", stx_size=").Unsigned(U64(b, 40)).Append(", ...}");
                break;
            case "statfs":
                text.Append("{f_type=").Hex(U64(b, 0)).Append(", f_bsize=").Decimal(I64(b, 8)).Append(", f_blocks=").Unsigned(U64(b, 16))
                    .Append(", f_bfree=").Unsigned(U64(b, 24)).Append(", f_bavail=").Unsigned(U64(b, 32)).Append(", f_files=").Unsigned(U64(b, 40))
                    .Append(", f_ffree=").Unsigned(U64(b, 48)).Append(", f_fsid={val=[").Hex(U32(b, 56)).Append(", ").Hex(U32(b, 60))
                    .Append("]}, f_namelen=").Decimal(I64(b, 64)).Append(", f_frsize=").Decimal(I64(b, 72)).Append(", f_flags=").Hex(U64(b, 80)).Append('}');
                break;
            case "sigset":
                TraceSignals.AppendSet(text, U64(b, 0));
                break;
            case "sigaction":
                AppendSigaction(text, b);
                break;
            case "sigstack":
                text.Append("{ss_sp=").Address(U64(b, 0)).Append(", ss_flags=").Append(I32(b, 8) switch { 0 => "0", 1 => "SS_ONSTACK", 2 => "SS_DISABLE", _ => "SS_AUTODISARM" })
                    .Append(", ss_size=").Unsigned(U64(b, 16)).Append('}');
                break;
            case "siginfo":
                TraceSignals.AppendInfo(text, I32(b, 0), I32(b, 8), U64(b, 16), I32(b, 16), U32(b, 20), I32(b, 24));
                break;
            case "rlimit-value":
                text.Append("{rlim_cur=");
                AppendLimit(text, U64(b, 0));
                text.Append(", rlim_max=");
                AppendLimit(text, U64(b, 8));
                text.Append('}');
                break;
            case "rusage":
                text.Append("{ru_utime=");
                Append(text, "timeval", b);
                text.Append(", ru_stime=");
                Append(text, "timeval", b[16..]);
                text.Append(", ...}");
                break;
            case "wstatus":
                TraceSignals.AppendWaitStatus(text, I32(b, 0));
                break;
            case "int":
                text.Append('[').Decimal(I32(b, 0)).Append(']');
                break;
            case "uint64" or "offset":
                text.Append('[').Decimal(I64(b, 0)).Append(']');
                break;
            case "fdpair":
                text.Append('[').Decimal(I32(b, 0)).Append(", ").Decimal(I32(b, 4)).Append(']');
                break;
            case "pollfd":
                text.Append("{fd=").Decimal(I32(b, 0)).Append(", events=");
                TraceConstants.Get("poll-events").Append(text, U16(b, 4));
                text.Append('}');
                break;
            case "epoll-event":
                text.Append("{events=");
                TraceConstants.Get("epoll-events").Append(text, U32(b, 0));
                text.Append(", data={u32=").Unsigned(U32(b, 4)).Append(", u64=").Unsigned(U64(b, 4)).Append("}}");
                break;
            case "utsname":
                AppendUtsname(text, b);
                break;
            case "sysinfo":
                text.Append("{uptime=").Decimal(I64(b, 0)).Append(", loads=[").Unsigned(U64(b, 8)).Append(", ").Unsigned(U64(b, 16)).Append(", ").Unsigned(U64(b, 24))
                    .Append("], totalram=").Unsigned(U64(b, 32)).Append(", freeram=").Unsigned(U64(b, 40)).Append(", ...}");
                break;
            case "winsize":
                text.Append("{ws_row=").Decimal(U16(b, 0)).Append(", ws_col=").Decimal(U16(b, 2)).Append(", ws_xpixel=").Decimal(U16(b, 4)).Append(", ws_ypixel=").Decimal(U16(b, 6)).Append('}');
                break;
            case "termios":
                text.Append("{c_iflag=").Hex(U32(b, 0)).Append(", c_oflag=").Hex(U32(b, 4)).Append(", c_cflag=").Hex(U32(b, 8)).Append(", c_lflag=").Hex(U32(b, 12)).Append(", ...}");
                break;
            case "flock":
                text.Append("{l_type=").Append(U16(b, 0) switch { 0 => "F_RDLCK", 1 => "F_WRLCK", 2 => "F_UNLCK", _ => "???" }).Append(", l_whence=");
                TraceConstants.Get("whence").Append(text, U16(b, 2));
                text.Append(", l_start=").Decimal(I64(b, 8)).Append(", l_len=").Decimal(I64(b, 16)).Append('}');
                break;
            case "clone-args":
                text.Append("{flags=");
                TraceConstants.Get("clone").Append(text, U64(b, 0));
                text.Append(", child_tid=").Address(U64(b, 16)).Append(", parent_tid=").Address(U64(b, 24)).Append(", exit_signal=")
                    .Append(U64(b, 32) == 0 ? "0" : TraceSignals.Name((int)U64(b, 32))).Append(", stack=").Address(U64(b, 40))
                    .Append(", stack_size=").Hex(U64(b, 48)).Append(", tls=").Address(U64(b, 56)).Append('}');
                break;
        }
    }

    public static void AppendFileMode(StringBuilder text, uint mode)
    {
        text.Append(TraceConstants.Get("file-type").NameOf(mode & 0xf000) ?? "0").Append('|').Mode(mode & 0xfff);
    }

    private static void AppendStat(StringBuilder text, uint mode, long size, ulong device)
    {
        text.Append("{st_mode=");
        AppendFileMode(text, mode);
        if ((mode & 0xf000) is 0x2000 or 0x6000)
        {
            var number = DeviceNumber.Decode(device);
            text.Append(", st_rdev=makedev(").Hex(number.Major).Append(", ").Hex(number.Minor).Append(')');
        }
        else
        {
            text.Append(", st_size=").Decimal(size);
        }

        text.Append(", ...}");
    }

    private static void AppendSigaction(StringBuilder text, ReadOnlySpan<byte> b)
    {
        ulong handler = U64(b, 0);
        ulong flags = U64(b, 8);
        text.Append((flags & 4) != 0 ? "{sa_sigaction=" : "{sa_handler=");
        if (handler <= 1)
            text.Append(handler == 0 ? "SIG_DFL" : "SIG_IGN");
        else
            text.Address(handler);
        text.Append(", sa_mask=");
        TraceSignals.AppendSet(text, U64(b, 24));
        text.Append(", sa_flags=");
        TraceConstants.Get("sa-flags").Append(text, flags);
        if ((flags & 0x04000000) != 0)
            text.Append(", sa_restorer=").Address(U64(b, 16));
        text.Append('}');
    }

    private static void AppendLimit(StringBuilder text, ulong limit)
    {
        if (limit == ulong.MaxValue)
            text.Append("RLIM64_INFINITY");
        else if (limit > 1024 && limit % 1024 == 0)
            text.Unsigned(limit / 1024).Append("*1024");
        else
            text.Unsigned(limit);
    }

    private static void AppendUtsname(StringBuilder text, ReadOnlySpan<byte> b)
    {
        text.Append("{sysname=");
        for (int i = 0; i < 2; i++)
        {
            ReadOnlySpan<byte> field = b.Slice(i * 65, 65);
            text.Append(i == 0 ? "" : ", nodename=");
            int end = field.IndexOf((byte)0);
            text.Quoted(end < 0 ? field : field[..end], truncated: false);
        }

        text.Append(", ...}");
    }
}
