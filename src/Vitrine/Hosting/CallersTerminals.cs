using Vitrine.Hardware.Host;

namespace Vitrine.Hosting;

/// <summary>The terminals that this process' own descriptors stand for, one object for each, as long as the machine runs. Thread-safe.</summary>
/// <param name="poller">Waits for them.</param>
/// <param name="continued">Told, on some host thread, when this process goes on after a stop.</param>
internal sealed class CallersTerminals(HostPoller poller, Action continued)
{
    private readonly Dictionary<ulong, HostTerminal> _known = [];
    private readonly Lock _lock = new();

    /// <summary>The terminal that a descriptor stands for, or null if it is none.</summary>
    /// <param name="fd">0, 1 or 2.</param>
    /// <param name="inherited">All descriptors that the guest is to have: those of one terminal belong together.</param>
    public HostTerminal? Find(int fd, ReadOnlySpan<int> inherited)
    {
        if (!HostTerminal.IsTerminal(fd, out ulong device))
            return null;
        lock (_lock)
        {
            if (_known.TryGetValue(device, out HostTerminal? terminal))
                return terminal;
            Span<int> same = stackalloc int[inherited.Length];
            int count = 0;
            foreach (int other in inherited)
            {
                if (HostTerminal.IsTerminal(other, out ulong others) && others == device)
                    same[count++] = other;
            }

            terminal = HostTerminal.Open(same[..count], poller);
            terminal.Continued = continued;
            terminal.ListenToSignals();
            _known.Add(device, terminal);
            return terminal;
        }
    }

    /// <summary>Gives all of them back to the caller as they were.</summary>
    public void GiveBack()
    {
        lock (_lock)
        {
            foreach (HostTerminal terminal in _known.Values)
                terminal.Disengage(screenToo: true);
        }
    }

    /// <summary>Whether a program at one of them can be stopped: this process is then, and its caller continues it.</summary>
    public bool MayStop(ReadOnlySpan<HostChannel?> streams)
    {
        foreach (HostChannel? stream in streams)
        {
            if (stream is HostTerminal)
                return HostJob.MayStop(HostJob.KeyboardStop);
        }

        return false;
    }

    /// <summary>The program has been stopped, and this process is with it. Returns when it goes on.</summary>
    public void Stop()
    {
        HostTerminal[] terminals;
        lock (_lock)
            terminals = [.. _known.Values];
        foreach (HostTerminal terminal in terminals)
            terminal.PutBackForStop();
        HostJob.Stop(HostJob.KeyboardStop);
    }
}
