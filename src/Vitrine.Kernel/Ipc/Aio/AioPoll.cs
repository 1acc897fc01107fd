using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc.Aio;

/// <summary>A one-shot poll request of asynchronous I/O (IOCB_CMD_POLL): holds its file until it is done.</summary>
internal sealed class AioPoll : PollTable, IDisposable
{
    private readonly AioContext _context;
    private readonly OpenFile _file;
    private readonly EventFile? _signal;
    private readonly PollEvents _wanted;
    private readonly ulong _data;
    private readonly List<Entry> _entries = [];
    private bool _isDisposed;

    /// <summary>Takes over references on the file and the eventfd.</summary>
    public AioPoll(AioContext context, OpenFile file, EventFile? signal, VirtAddr block, ulong data, PollEvents wanted)
    {
        _context = context;
        _file = file;
        _signal = signal;
        Block = block;
        _data = data;
        _wanted = wanted | PollEvents.Error | PollEvents.HangUp;
        Interest = _wanted;
    }

    public VirtAddr Block { get; }

    public bool IsDone { get; private set; }

    /// <summary>Looks once, and waits if nothing is ready.</summary>
    public void Start()
    {
        _context.Watch(this);
        PollEvents ready = _file.Poll(this) & _wanted;
        if (ready != PollEvents.None)
        {
            Finish(ready);
            Dispose();
        }
    }

    /// <summary>io_cancel: it completes with what is ready, nothing.</summary>
    public void Cancel()
    {
        Finish(PollEvents.None);
        Dispose();
    }

    public override void Add(WaitQueue queue)
    {
        var entry = new Entry(this);
        _entries.Add(entry);
        queue.Add(entry);
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        IsDone = true;
        foreach (Entry entry in _entries)
            entry.Queue?.Remove(entry);
        _context.Forget(this);
        _file.Put();
        _signal?.Put();
    }

    private void Finish(PollEvents ready)
    {
        IsDone = true;
        _context.Complete(_data, Block, (long)ready, _signal);
    }

    private sealed class Entry(AioPoll poll) : WaitEntry
    {
        public override bool OnWake(uint key)
        {
            if (poll.IsDone || (key != 0 && ((PollEvents)key & poll._wanted) == 0))
                return false;
            // A wake-up that tells of data is believed, and reported as it is; at an end the file is asked.
            bool isData = key != 0 && ((PollEvents)key & (PollEvents.Error | PollEvents.HangUp)) == 0;
            PollEvents ready = isData ? (PollEvents)key : poll._file.Poll(null) & poll._wanted;
            if (ready == PollEvents.None)
                return false;
            poll.Finish(ready);

            // Not from inside the walk over the queue that woke it.
            poll._context.Kernel.Interrupts.Post(poll.Dispose);
            return true;
        }
    }
}
