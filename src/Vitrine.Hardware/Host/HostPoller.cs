using Vitrine.Abi;

namespace Vitrine.Hardware.Host;

/// <summary>
/// Watches host descriptors by epoll on one thread, started by the first watch. Each watch fires once; its action runs
/// on the poller's thread and must be short (it posts an interrupt).
/// </summary>
[HostBoundary("waits for the host's descriptors on a thread of its own")]
internal sealed unsafe class HostPoller : IDisposable
{
    private const int CloseOnExec = 0x80000;
    private const int ControlAdd = 1;
    private const int ControlModify = 3;
    private const uint OneShot = 1u << 30;
    private const uint In = 1;
    private const uint Out = 4;

    private readonly Lock _lock = new();
    private readonly Dictionary<int, Action> _actions = [];
    private readonly HashSet<int> _added = [];
    private int _epoll = -1;
    private int _stop = -1;
    private Thread? _thread;

    /// <summary>Watches a descriptor; false if it is of a kind that is always ready (a regular file).</summary>
    public bool Watch(int fd, HostReadiness wanted, Action ready)
    {
        lock (_lock)
        {
            Start();
            _actions[fd] = ready;
            var change = new HostEpollEvent
            {
                Events = OneShot
                    | ((wanted & HostReadiness.Readable) != 0 ? In : 0)
                    | ((wanted & HostReadiness.Writable) != 0 ? Out : 0),
                Data = (ulong)fd,
            };
            if (Libc.EpollControl(_epoll, _added.Contains(fd) ? ControlModify : ControlAdd, fd, &change) == 0)
            {
                _added.Add(fd);
                return true;
            }

            _actions.Remove(fd);
            return false;
        }
    }

    /// <summary>Forgets a descriptor that is about to be closed.</summary>
    public void Forget(int fd)
    {
        lock (_lock)
        {
            _actions.Remove(fd);
            if (_added.Remove(fd))
                _ = Libc.EpollControl(_epoll, 2, fd, null);
        }
    }

    public void Dispose()
    {
        Thread? thread;
        lock (_lock)
        {
            thread = _thread;
            _thread = null;
            _actions.Clear();
            _added.Clear();
            if (thread is not null)
            {
                ulong one = 1;
                _ = Libc.Write(_stop, &one, sizeof(ulong));
            }
        }

        if (thread is null)
            return;
        thread.Join();
        _ = Libc.Close(_epoll);
        _ = Libc.Close(_stop);
    }

    private void Start()
    {
        if (_thread is not null)
            return;
        _epoll = Libc.EpollCreate(CloseOnExec);
        _stop = Libc.EventFd(0, CloseOnExec);
        if (_epoll < 0 || _stop < 0)
            throw new HostRefusedException("an epoll descriptor", (Errno)Libc.LastError);
        var change = new HostEpollEvent { Events = In, Data = ulong.MaxValue };
        _ = Libc.EpollControl(_epoll, ControlAdd, _stop, &change);
        _thread = new Thread(Run, maxStackSize: 256 << 10) { IsBackground = true, Name = "host-io" };
        _thread.Start();
    }

    private void Run()
    {
        HostEpollEvent* events = stackalloc HostEpollEvent[16];
        for (; ; )
        {
            int count = Libc.EpollWait(_epoll, events, 16, -1);
            for (int i = 0; i < count; i++)
            {
                if (events[i].Data == ulong.MaxValue)
                    return;
                Action? action;
                lock (_lock)
                    _actions.Remove((int)events[i].Data, out action);
                action?.Invoke();
            }
        }
    }
}
