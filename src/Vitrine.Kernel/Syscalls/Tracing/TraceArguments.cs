using System.Globalization;
using System.Text;

namespace Vitrine.Kernel.Syscalls.Tracing;

/// <summary>
/// Prints one argument of a call by its [Strace] format, or by its type where there is none. A format is a kind,
/// with <c>out-</c> before it when the kernel fills it in, and <c>:N</c> behind it when argument N holds its length:
/// a set of <see cref="TraceConstants"/>, a structure of <see cref="TraceStructs"/>, an enum of the ABI, or one of
/// <c>path string buffer argv envp octal mode hex pointer signal clone-flags futex-op sigset</c>.
/// </summary>
internal static class TraceArguments
{
    private const int ArrayLimit = 32;

    /// <summary>
    /// Appends argument <paramref name="index"/>. False, with nothing appended, when it can't be printed before the
    /// call has returned: the kernel fills it in, or its page isn't present yet.
    /// </summary>
    public static bool TryAppend(StringBuilder text, TraceCall call, int index, ITraceMemory memory)
    {
        int start = text.Length;
        if (TryFormat(text, call, index, memory))
            return true;
        text.Length = start;
        if (!call.Returned)
            return false;
        text.Address(call.Arguments[index]);
        return true;
    }

    private static bool TryFormat(StringBuilder text, TraceCall call, int index, ITraceMemory memory)
    {
        SyscallArgumentInfo argument = call.Info!.Arguments[index];
        ulong value = call.Arguments[index];
        string kind = argument.Format ?? TraceCalls.FormatOf(call.Number, index) ?? KindOfType(argument.Type);
        bool isOut = kind.StartsWith("out-", StringComparison.Ordinal);
        if (isOut)
            kind = kind[4..];
        // The resources' names are a set, the limits themselves a structure.
        if (kind == "rlimit" && argument.Type == "UserPtr<RLimit>")
            kind = "rlimit-value";
        if (isOut || TraceCalls.IsOutput(call.Number, index))
        {
            if (!call.Returned)
                return false;
            if (call.Failed)
                return Append(text.Address(value));
        }

        int count = -1;
        if (kind.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon)
        {
            count = int.Parse(kind.AsSpan(colon + 1), CultureInfo.InvariantCulture);
            kind = kind[..colon];
        }

        // What the kernel alone fills in needs no mark.
        if (!isOut && kind is "stat" or "statx" or "statfs" or "utsname" or "sysinfo" or "rusage" or "wstatus" or "fdpair" or "winsize")
        {
            if (!call.Returned)
                return false;
            if (call.Failed || (kind == "wstatus" && call.Result == 0))
                return Append(text.Address(value));
        }

        return TryKind(text, call, kind, value, isOut, count, memory);
    }

    private static bool TryKind(StringBuilder text, TraceCall call, string kind, ulong value, bool isOut, int count, ITraceMemory memory)
    {
        switch (kind)
        {
            case "int":
                return Append(isOut ? TryStruct(text, kind, value, memory) : text.Decimal((int)value));
            case "uint":
                return Append((uint)value == uint.MaxValue ? text.Append("-1") : text.Unsigned((uint)value));
            case "long":
                return Append(text.Decimal((long)value));
            case "ulong":
                return Append(text.Unsigned(value));
            case "pointer":
                return Append(text.Address(value));
            case "hex":
                return Append(text.Hex(value));
            case "octal":
                return Append(text.Octal(value));
            case "mode":
                return Append(text.Mode((uint)value & 0xfff));
            case "file-mode":
                TraceStructs.AppendFileMode(text, (uint)value);
                return true;
            case "fd":
                return Append((int)value == -100 ? text.Append("AT_FDCWD") : text.Decimal((int)value));
            case "signal":
                return Append((int)value == 0 ? text.Append('0') : text.Append(TraceSignals.Name((int)value)));
            case "path":
                return text.TryString(memory, value, isPath: true);
            case "string":
                return text.TryString(memory, value, isPath: false);
            case "buffer":
                ulong length = isOut && call.Result >= 0 ? (ulong)call.Result : count >= 0 ? call.Arguments[count] : 0;
                return text.TryBuffer(memory, value, length);
            case "argv":
                return TryVector(text, value, memory);
            case "envp":
                return TryEnvironment(text, value, memory);
            case "clone-flags":
                return Append(AppendCloneFlags(text, value));
            case "futex-op":
                return Append(AppendFutexOperation(text, (uint)value));
        }

        if (kind == "access" && value == 0)
            return Append(text.Append("F_OK"));
        if (TraceStructs.SizeOf(kind) != 0)
        {
            if (count >= 0)
                return TryArray(text, kind, value, call.Arguments[count], memory);
            return value == 0 ? Append(text.Append("NULL")) : TryStruct(text, kind, value, memory) is not null;
        }

        if (TraceConstants.TryGet(kind, out TraceConstantSet set))
        {
            set.Append(text, (uint)value);
            return true;
        }

        return AppendDeclaredEnum(text, kind, value);
    }

    /// <summary>What a parameter type says when no format was given.</summary>
    private static string KindOfType(string type) => type switch
    {
        "Fd" => "fd",
        "Pid" or "int" or "short" or "sbyte" => "int",
        "Uid" or "Gid" or "uint" or "ushort" or "byte" => "uint",
        "long" => "long",
        "ulong" => "ulong",
        "UserString" => "path",
        "VirtAddr" => "pointer",
        "UserPtr<Timespec>" => "timespec",
        "UserPtr<Timeval>" => "timeval",
        "UserPtr<SignalSet>" => "sigset",
        "OpenFlags" => "open",
        "FileMode" => "mode",
        "RenameFlags" => "rename",
        "XattrFlags" => "xattr-flags",
        "SeekWhence" => "whence",
        "FallocateMode" => "fallocate",
        "MountFlags" => "mount",
        "StatxMask" => "statx-mask",
        "ClockId" => "clock",
        "SignalNumber" => "signal",
        "ProtectionFlags" => "prot",
        "MapFlags" => "mmap",
        "MremapFlags" => "mremap",
        "MsyncFlags" => "msync",
        "MemoryAdvice" => "madvise",
        "SignalMaskHow" => "sigmask-how",
        "IntervalTimerKind" => "itimer",
        "WaitOptions" => "wait",
        "WaitIdType" => "waitid-type",
        "FcntlCommand" => "fcntl",
        "ResourceLimit" => "rlimit",
        "SchedPolicy" => "sched-policy",
        "MlockallFlags" => "mlockall",
        "ProcessControl" => "prctl",
        "ArchControl" => "arch-prctl",
        "UnmountFlags" => "umount",
        "FutexFlags" => "futex-op",
        "TimerFlags" => "timer-flags",
        "AtFlags" => "at",
        "CloneFlags" => "clone-flags",
        "SpliceFlags" => "splice-flags",
        "MemfdFlags" => "memfd-flags",
        "RwFlags" => "rwf",
        "CloseRangeFlags" => "close-range",
        "UserPtr<LinuxStat>" => "stat",
        "UserPtr<LinuxStatx>" => "statx",
        "UserPtr<LinuxStatFs>" => "statfs",
        "UserPtr<RLimit>" => "rlimit-value",
        "UserPtr<ResourceUsage>" => "rusage",
        "UserPtr<IntervalTimerValue>" => "itimerval",
        "UserPtr<IntervalTimerSpec>" or "UserPtr<TimerSpec>" => "itimerspec",
        "UserPtr<TimeZoneValue>" => "timezone",
        "UserPtr<SignalStack>" => "sigstack",
        "UserPtr<SignalAction>" => "sigaction",
        "UserPtr<UtsName>" => "utsname",
        "UserPtr<SystemInformation>" => "sysinfo",
        "UserPtr<CloneArguments>" => "clone-args",
        _ when type.StartsWith("UserPtr<", StringComparison.Ordinal) => "pointer",
        _ => type,
    };

    private static bool Append(StringBuilder? text) => text is not null;

    private static StringBuilder? TryStruct(StringBuilder text, string kind, ulong address, ITraceMemory memory)
    {
        Span<byte> bytes = stackalloc byte[512];
        bytes = bytes[..TraceStructs.SizeOf(kind)];
        if (memory.Read(new VirtAddr(address), bytes) < bytes.Length)
            return null;
        TraceStructs.Append(text, kind, bytes);
        return text;
    }

    private static bool TryArray(StringBuilder text, string kind, ulong address, ulong count, ITraceMemory memory)
    {
        if (address == 0)
            return Append(text.Append("NULL"));
        text.Append('[');
        ulong size = (ulong)TraceStructs.SizeOf(kind);
        for (ulong i = 0; i < Math.Min(count, ArrayLimit); i++)
        {
            if (i > 0)
                text.Append(", ");
            if (kind == "iovec" ? !TryVectorElement(text, address + (i * size), memory) : TryStruct(text, kind, address + (i * size), memory) is null)
                return false;
        }

        text.Append(count > ArrayLimit ? ", ...]" : "]");
        return true;
    }

    private static bool TryVectorElement(StringBuilder text, ulong address, ITraceMemory memory)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (memory.Read(new VirtAddr(address), bytes) < bytes.Length)
            return false;
        ulong length = TraceText.U64(bytes, 8);
        text.Append("{iov_base=");
        if (!text.TryBuffer(memory, TraceText.U64(bytes, 0), length))
            text.Address(TraceText.U64(bytes, 0));
        text.Append(", iov_len=").Unsigned(length).Append('}');
        return true;
    }

    private static bool TryVector(StringBuilder text, ulong address, ITraceMemory memory)
    {
        if (address == 0)
            return Append(text.Append("NULL"));
        Span<byte> pointer = stackalloc byte[8];
        text.Append('[');
        for (int i = 0; ; i++)
        {
            if (memory.Read(new VirtAddr(address + ((ulong)i * 8)), pointer) < 8)
                return false;
            ulong element = TraceText.U64(pointer, 0);
            if (element == 0)
                return Append(text.Append(']'));
            if (i > 0)
                text.Append(", ");
            if (i == ArrayLimit)
                return Append(text.Append("...]"));
            if (!text.TryString(memory, element, isPath: false))
                return false;
        }
    }

    private static bool TryEnvironment(StringBuilder text, ulong address, ITraceMemory memory)
    {
        if (address == 0)
            return Append(text.Append("NULL"));
        Span<byte> pointer = stackalloc byte[8];
        for (int count = 0; count < 65536; count++)
        {
            if (memory.Read(new VirtAddr(address + ((ulong)count * 8)), pointer) < 8)
                return false;
            if (TraceText.U64(pointer, 0) == 0)
                return Append(text.Address(address).Append(CultureInfo.InvariantCulture, $" /* {count} var{(count == 1 ? "" : "s")} */"));
        }

        return Append(text.Address(address));
    }

    private static StringBuilder AppendCloneFlags(StringBuilder text, ulong flags)
    {
        int start = text.Length;
        if ((flags & ~0xfful) != 0)
            TraceConstants.Get("clone").Append(text, flags & ~0xfful);
        if ((flags & 0xff) != 0)
            text.Append(text.Length == start ? "" : "|").Append(TraceSignals.Name((int)(flags & 0xff)));
        return text.Length == start ? text.Append('0') : text;
    }

    private static StringBuilder AppendFutexOperation(StringBuilder text, uint operation)
    {
        TraceConstants.Get("futex").Append(text, operation & 0x7f);
        if ((operation & 128) != 0)
            text.Append("_PRIVATE");
        if ((operation & 256) != 0)
            text.Append("|FUTEX_CLOCK_REALTIME");
        return text;
    }

    private static bool AppendDeclaredEnum(StringBuilder text, string name, ulong value)
    {
        if (!SyscallTable.Constants.TryGetValue(name, out StraceConstantSet? set))
            return Append(text.Hex(value));
        int start = text.Length;
        ulong rest = (uint)value;
        foreach (StraceConstant member in set.Members)
        {
            if (!set.Flags ? member.Value == rest : member.Value != 0 && (rest & member.Value) == member.Value)
            {
                text.Append(text.Length == start ? "" : "|").Append(member.Name);
                rest &= ~member.Value;
                if (!set.Flags)
                    return true;
            }
        }

        if (rest != 0 || text.Length == start)
            text.Append(text.Length == start ? "" : "|").Hex(rest);
        return true;
    }
}
