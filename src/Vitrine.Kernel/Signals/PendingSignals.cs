using Vitrine.Kernel.Security;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Signals;

/// <summary>One queued signal (struct sigqueue's twin). Charged to its sender's user while it exists; a timer's entry is the timer's own.</summary>
internal sealed class QueuedSignal
{
    public SignalInfo Info;

    public QueuedSignal? Next { get; set; }

    /// <summary>Who is charged for it; null for entries that belong to a timer.</summary>
    public UserAccount? Account { get; init; }

    /// <summary>The timer whose preallocated entry this is.</summary>
    public PosixTimer? Timer { get; init; }

    public bool IsQueued { get; set; }

    public void Discard()
    {
        IsQueued = false;
        Account?.UnchargeSignal();
    }
}

/// <summary>
/// Signals that wait for delivery (struct sigpending's twin): of one thread, or shared by a process. A signal may be in
/// the set without an entry when no memory or quota was left for its details.
/// </summary>
internal sealed class PendingSignals
{
    private QueuedSignal? _head;
    private QueuedSignal? _tail;

    public SignalSet Set { get; private set; }

    public bool Has(SignalNumber signal) => Set.Has(signal);

    /// <summary>Marks the signal as pending without details.</summary>
    public void Mark(SignalNumber signal) => Set = Set.With(signal);

    public void Add(QueuedSignal entry)
    {
        Set = Set.With(entry.Info.Signal);
        entry.IsQueued = true;
        entry.Next = null;
        if (_tail is null)
            _head = entry;
        else
            _tail.Next = entry;
        _tail = entry;
    }

    /// <summary>
    /// The signal of the set that is delivered next: synchronous ones first, then the lowest number.
    /// </summary>
    public SignalNumber NextOf(SignalSet allowed)
    {
        SignalSet candidates = Set & allowed;
        SignalSet synchronous = candidates & SignalSet.Synchronous;
        return synchronous.IsEmpty ? candidates.First : synchronous.First;
    }

    /// <summary>Takes the oldest instance of a pending signal.</summary>
    /// <param name="signal">Pending.</param>
    /// <param name="timer">The timer that sent it, if one did.</param>
    public SignalInfo Take(SignalNumber signal, out PosixTimer? timer)
    {
        timer = null;
        QueuedSignal? found = null;
        QueuedSignal? beforeFound = null;
        bool more = false;
        QueuedSignal? before = null;
        for (QueuedSignal? entry = _head; entry is not null; before = entry, entry = entry.Next)
        {
            if (entry.Info.Signal != signal)
                continue;
            if (found is not null)
            {
                more = true;
                break;
            }

            found = entry;
            beforeFound = before;
        }

        if (!more)
            Set = Set.Without(signal);
        if (found is null)
            return new SignalInfo { Signal = signal, Code = SignalCode.User };
        Unlink(found, beforeFound);
        SignalInfo info = found.Info;
        timer = found.Timer;
        found.Discard();
        return info;
    }

    /// <summary>The queued signal at a place in the queue, oldest first. Those without details are not in it.</summary>
    public bool TryPeek(ulong index, out SignalInfo info)
    {
        QueuedSignal? entry = _head;
        for (; entry is not null && index > 0; index--)
            entry = entry.Next;
        info = entry?.Info ?? default;
        return entry is not null;
    }

    /// <summary>Drops all instances of the signals.</summary>
    public void Flush(SignalSet signals)
    {
        if ((Set & signals).IsEmpty)
            return;
        Set &= ~signals;
        QueuedSignal? before = null;
        for (QueuedSignal? entry = _head; entry is not null;)
        {
            QueuedSignal? next = entry.Next;
            if (signals.Has(entry.Info.Signal))
            {
                Unlink(entry, before);
                entry.Discard();
            }
            else
            {
                before = entry;
            }

            entry = next;
        }
    }

    /// <summary>Takes a timer's entry out, if it is here.</summary>
    public void Remove(QueuedSignal target)
    {
        QueuedSignal? before = null;
        bool others = false;
        QueuedSignal? beforeTarget = null;
        bool found = false;
        for (QueuedSignal? entry = _head; entry is not null; before = entry, entry = entry.Next)
        {
            if (entry == target)
            {
                found = true;
                beforeTarget = before;
            }
            else if (entry.Info.Signal == target.Info.Signal)
            {
                others = true;
            }
        }

        if (!found)
            return;
        Unlink(target, beforeTarget);
        target.Discard();
        if (!others)
            Set = Set.Without(target.Info.Signal);
    }

    private void Unlink(QueuedSignal entry, QueuedSignal? before)
    {
        if (before is null)
            _head = entry.Next;
        else
            before.Next = entry.Next;
        if (_tail == entry)
            _tail = before;
        entry.Next = null;
    }
}
