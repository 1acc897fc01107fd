using Vitrine.Kernel.Security;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Net.Unix;

/// <summary>
/// The descriptors that lie in the queues of Unix sockets, and the collector of those that nobody can receive any more
/// (net/unix/garbage.c's part): sockets whose every reference lies in the queue of another such socket.
/// </summary>
internal sealed class FilesInFlight(KernelInstance kernel) : KernelTimer
{
    /// <summary>How long closed sockets gather before they are looked through, in nanoseconds.</summary>
    private const long Delay = 10_000_000;

    /// <summary>How often each socket is on its way.</summary>
    private readonly Dictionary<SocketFile, int> _sockets = [];

    private readonly Queue<OpenFile> _dropped = new();
    private bool _dropping;
    private bool _collecting;

    /// <summary>Files on their way, each as often as it was sent.</summary>
    public long Count { get; private set; }

    /// <summary>Notes that files are put into a queue, on a user's account.</summary>
    public void Depart(OpenFile[] files, UserAccount sender)
    {
        Count += files.Length;
        sender.ChargeFilesInFlight(files.Length);
        foreach (OpenFile file in files)
        {
            if (file is SocketFile { Socket: UnixSocket } socket)
            {
                _sockets[socket] = _sockets.GetValueOrDefault(socket) + 1;
                socket.IsInFlight = true;
            }
        }
    }

    /// <summary>Notes that files are out of a queue.</summary>
    public void Arrive(OpenFile[] files, UserAccount sender)
    {
        Count -= files.Length;
        sender.ChargeFilesInFlight(-files.Length);
        foreach (OpenFile file in files)
        {
            if (file is SocketFile { Socket: UnixSocket } socket && --_sockets[socket] == 0)
            {
                _sockets.Remove(socket);
                socket.IsInFlight = false;
            }
        }
    }

    /// <summary>
    /// Puts files that were never received. The end of one may drop the next, to any depth: they are put one after the
    /// other, not one inside the other.
    /// </summary>
    public void Drop(OpenFile[] files)
    {
        foreach (OpenFile file in files)
            _dropped.Enqueue(file);
        PutDropped();
    }

    /// <summary>A Unix socket, or a reference to one that is on its way, was closed: perhaps nobody can receive some of them now.</summary>
    public void SocketClosed()
    {
        if (_sockets.Count > 0 && !IsQueued && !_collecting)
            kernel.Timers.Start(this, kernel.Time.Now + Delay);
    }

    public override void Fire(Ktime now) => Collect();

    /// <summary>Frees what can be reached only from itself.</summary>
    public void Collect()
    {
        if (_sockets.Count == 0 || _collecting)
            return;
        _collecting = true;
        bool outer = _dropping;
        _dropping = true;
        foreach (SocketFile garbage in FindGarbage())
            ((UnixSocket)garbage.Socket).DropFilesReceived();
        _dropping = outer;
        PutDropped();
        _collecting = false;
    }

    private void PutDropped()
    {
        if (_dropping)
            return;
        _dropping = true;
        while (_dropped.TryDequeue(out OpenFile? file))
            file.Put();
        _dropping = false;
    }

    private List<SocketFile> FindGarbage()
    {
        // Those with references elsewhere (a descriptor, a call under way) are alive.
        var seen = new Dictionary<SocketFile, int>();
        foreach ((SocketFile socket, int flights) in _sockets)
        {
            if (socket.References == flights)
                seen.Add(socket, 0);
        }

        var candidates = new List<SocketFile>(seen.Keys);
        var lying = new List<SocketFile>();
        foreach (SocketFile candidate in candidates)
        {
            ((UnixSocket)candidate.Socket).ListSocketsReceived(lying);
            foreach (SocketFile socket in lying)
            {
                if (seen.TryGetValue(socket, out int count))
                    seen[socket] = count + 1;
            }

            lying.Clear();
        }

        // And so are those that lie in a queue that is no candidate's, and what their queues hold in turn.
        var alive = new Stack<SocketFile>();
        foreach (SocketFile candidate in candidates)
        {
            if (seen[candidate] < _sockets[candidate])
                alive.Push(candidate);
        }

        while (alive.TryPop(out SocketFile? living))
        {
            if (!seen.Remove(living))
                continue;
            ((UnixSocket)living.Socket).ListSocketsReceived(lying);
            foreach (SocketFile socket in lying)
            {
                if (seen.ContainsKey(socket))
                    alive.Push(socket);
            }

            lying.Clear();
        }

        candidates.RemoveAll(candidate => !seen.ContainsKey(candidate));
        return candidates;
    }
}
