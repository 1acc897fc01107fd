using System.Globalization;
using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Printk;

/// <summary>syslog(2): reading the kernel's log as text with levels and times, and its console level.</summary>
internal static class KernelLogReader
{
    private const int Read = 2;
    private const int ReadAll = 3;
    private const int ReadClear = 4;
    private const int Clear = 5;
    private const int ConsoleOff = 6;
    private const int ConsoleOn = 7;
    private const int ConsoleLevel = 8;
    private const int SizeUnread = 9;
    private const int SizeBuffer = 10;

    public static async KTask<SyscallResult> RunAsync(Task current, int type, VirtAddr buffer, int length)
    {
        PrintkLog log = current.Kernel.Log;
        bool restricted = log.IsRestricted || type is not (ReadAll or SizeBuffer);
        if (restricted && !current.IsCapable(Capability.Syslog) && !current.IsCapable(Capability.SysAdmin))
            return Errno.EPERM;
        switch (type)
        {
            case 0:
            case 1:
                return 0;
            case Read:
            case ReadAll:
            case ReadClear:
                if (buffer.Value == 0 || length < 0)
                    return Errno.EINVAL;
                return length == 0 ? 0 : await CopyAsync(current, log, type, buffer, length);
            case Clear:
                log.ClearedBefore = log.NextSequence;
                return 0;
            case ConsoleOff:
            case ConsoleOn:
                return 0;
            case ConsoleLevel:
                return length is < 1 or > 8 ? Errno.EINVAL : 0;
            case SizeUnread:
                return Format(log, log.ReadBefore).Length;
            case SizeBuffer:
                return PrintkLog.Capacity;
            default:
                return Errno.EINVAL;
        }
    }

    private static async KTask<SyscallResult> CopyAsync(Task current, PrintkLog log, int type, VirtAddr buffer, int length)
    {
        byte[] text;
        if (type == Read)
        {
            text = Format(log, log.ReadBefore, length, out ulong next);
            log.ReadBefore = next;
        }
        else
        {
            // The end of the log counts: as many whole lines as fit.
            byte[] all = Format(log, log.ClearedBefore);
            int start = 0;
            while (all.Length - start > length)
                start = Array.IndexOf(all, (byte)'\n', start) + 1;
            text = all[start..];
        }

        Errno error = await current.WriteUserBytesAsync(buffer, text);
        if (error != Errno.Success)
            return error;
        if (type == ReadClear)
            log.ClearedBefore = log.NextSequence;
        return text.Length;
    }

    private static byte[] Format(PrintkLog log, ulong from) => Format(log, from, int.MaxValue, out _);

    private static byte[] Format(PrintkLog log, ulong from, int limit, out ulong next)
    {
        var text = new StringBuilder();
        next = from;
        foreach (PrintkRecord record in log.Snapshot(from))
        {
            string line = string.Create(
                CultureInfo.InvariantCulture,
                $"<{(int)record.Level}>[{record.Time.Nanoseconds / 1_000_000_000,5}.{record.Time.Nanoseconds / 1000 % 1_000_000:d6}] {record.Text}\n");
            if (text.Length + line.Length > limit)
                break;
            text.Append(line);
            next = record.Sequence + 1;
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
