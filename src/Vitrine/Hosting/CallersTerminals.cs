using Vitrine.Hardware.Host;

namespace Vitrine.Hosting;

/// <summary>The terminals that this process' own descriptors stand for, one object for each, as long as the machine runs. Thread-safe.</summary>
internal sealed class CallersTerminals(HostPoller poller)
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
                terminal.Disengage();
        }
    }
}
