using System.Globalization;
using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Printk;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers;

/// <summary>
/// /dev/kmsg: one record a read, in the form of Documentation/ABI/testing/dev-kmsg; a write adds a record.
/// </summary>
internal sealed class KmsgFile : OpenFile
{
    // LOG_LINE_MAX: the longest record that may be written.
    private const int LongestLine = 1024 - 48;

    private ulong _next;

    public KmsgFile(VfsPath path, Inode inode, OpenFlags flags, PrintkLog log)
        : base(path, inode, flags) => _next = log.FirstSequence;

    public override bool IsStream => false;

    public override async KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
    {
        PrintkLog log = current.Kernel.Log;
        while (_next >= log.NextSequence)
        {
            if (IsNonBlocking)
                return Errno.EAGAIN;
            if (await current.Kernel.LogWait.WaitAsync(current, WaitMode.Interruptible, Ktime.Never) == WakeReason.Interrupted)
                return Errno.ERESTARTSYS;
        }

        if (_next < log.FirstSequence)
        {
            // Records were overwritten before they were read.
            _next = log.FirstSequence;
            return Errno.EPIPE;
        }

        PrintkRecord record = log.Snapshot(_next)[0];
        byte[] text = Encoding.UTF8.GetBytes(Format(record));
        if (to.Remaining < text.Length)
            return Errno.EINVAL;
        int copied = 0;
        while ((copied += to.CopyTo(text.AsSpan(copied))) < text.Length)
        {
            Errno error = await to.FaultInAsync(current, write: true);
            if (error != Errno.Success)
                return error;
        }

        _next = record.Sequence + 1;
        return (long)text.Length;
    }

    public override async KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset)
    {
        long length = from.Remaining;
        if (length > LongestLine)
            return Errno.EINVAL;
        byte[] buffer = new byte[length];
        int copied = 0;
        while ((copied += from.CopyFrom(buffer.AsSpan(copied))) < length)
        {
            Errno error = await from.FaultInAsync(current, write: false);
            if (error != Errno.Success)
                return error;
        }

        string text = Encoding.UTF8.GetString(buffer).TrimEnd('\n');
        PrintkLevel level = PrintkLevel.Warning;
        int close = text.IndexOf('>', StringComparison.Ordinal);
        if (text.StartsWith('<') && close is > 1 and < 6
            && uint.TryParse(text.AsSpan(1, close - 1), NumberStyles.None, CultureInfo.InvariantCulture, out uint priority))
        {
            level = (PrintkLevel)(priority & 7);
            text = text[(close + 1)..];
        }

        current.Kernel.Log.Write(level, text);
        return length;
    }

    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence)
    {
        if (offset != 0)
            return Fail<long>(Errno.ESPIPE);
        switch (whence)
        {
            case SeekWhence.Set:
                _next = current.Kernel.Log.FirstSequence;
                return KTask<Result<long>>.FromResult(0L);
            case SeekWhence.End:
            case SeekWhence.Data:
                _next = whence == SeekWhence.End ? current.Kernel.Log.NextSequence : current.Kernel.Log.FirstSequence;
                return KTask<Result<long>>.FromResult(0L);
            default:
                return Fail<long>(Errno.EINVAL);
        }
    }

    public override PollEvents Poll(PollTable? table)
    {
        KernelInstance kernel = Inode.SuperBlock.Kernel;
        table?.Add(kernel.LogWait);
        var events = PollEvents.Out | PollEvents.WriteNormal;
        if (_next < kernel.Log.NextSequence)
            events |= PollEvents.In | PollEvents.ReadNormal;
        return events;
    }

    private static string Format(PrintkRecord record)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{(int)record.Level},{record.Sequence},{record.Time.Nanoseconds / 1000},-;");
        foreach (char c in record.Text)
        {
            if (c is < ' ' or (char)127 or '\\')
                text.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
            else
                text.Append(c);
        }

        return text.Append('\n').ToString();
    }
}
