using System.Text;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Printk;

/// <summary>Levels of kernel messages (syslog(2)).</summary>
internal enum PrintkLevel
{
    Emergency = 0,
    Alert = 1,
    Critical = 2,
    Error = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
    Debug = 7,
}

/// <summary>One record of the kernel log.</summary>
internal readonly record struct PrintkRecord(ulong Sequence, PrintkLevel Level, Ktime Time, string Text);

/// <summary>
/// The kernel's log: a ring of records with sequence numbers, read by /dev/kmsg, syslog(2) and the host. May be
/// written from any context and any thread; it has a lock of its own that nothing else is taken under.
/// </summary>
internal sealed class PrintkLog(Timekeeper time)
{
    /// <summary>Bytes of text kept (log_buf_len's default on x86-64 is 256 KiB).</summary>
    public const int Capacity = 256 << 10;

    private readonly Lock _lock = new();
    private readonly Queue<PrintkRecord> _records = new();
    private ulong _next;
    private int _bytes;

    /// <summary>Called after a record was added, outside the lock, on the writer's thread.</summary>
    public Action<PrintkRecord>? Added { get; set; }

    /// <summary>kernel.dmesg_restrict.</summary>
    public bool IsRestricted { get; set; }

    /// <summary>Where syslog(SYSLOG_ACTION_READ_ALL) starts: moved by CLEAR.</summary>
    public ulong ClearedBefore { get; set; }

    /// <summary>Where syslog(SYSLOG_ACTION_READ) goes on.</summary>
    public ulong ReadBefore { get; set; }

    public ulong FirstSequence
    {
        get
        {
            lock (_lock)
                return _records.TryPeek(out PrintkRecord first) ? first.Sequence : _next;
        }
    }

    public ulong NextSequence
    {
        get
        {
            lock (_lock)
                return _next;
        }
    }

    public void Write(PrintkLevel level, string text)
    {
        PrintkRecord record;
        lock (_lock)
        {
            record = new PrintkRecord(_next++, level, time.Now, text);
            _records.Enqueue(record);
            _bytes += Encoding.UTF8.GetByteCount(text) + 32;
            while (_bytes > Capacity && _records.Count > 1)
                _bytes -= Encoding.UTF8.GetByteCount(_records.Dequeue().Text) + 32;
        }

        Added?.Invoke(record);
    }

    public void Info(string text) => Write(PrintkLevel.Info, text);

    public void Warning(string text) => Write(PrintkLevel.Warning, text);

    public void Error(string text) => Write(PrintkLevel.Error, text);

    /// <summary>The records from a sequence number on, oldest first.</summary>
    public PrintkRecord[] Snapshot(ulong from = 0)
    {
        lock (_lock)
        {
            var result = new List<PrintkRecord>(_records.Count);
            foreach (PrintkRecord record in _records)
            {
                if (record.Sequence >= from)
                    result.Add(record);
            }

            return [.. result];
        }
    }
}
