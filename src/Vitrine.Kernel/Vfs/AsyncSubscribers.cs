namespace Vitrine.Kernel.Vfs;

/// <summary>What SIGIO reports (POLL_IN and its kin of siginfo's si_code).</summary>
internal enum PollReason
{
    In = 1,
    Out = 2,
    Message = 3,
    Error = 4,
    Priority = 5,
    HangUp = 6,
}

/// <summary>The descriptions with O_ASYNC whose owners hear of an object's events by a signal (fasync_struct's twin).</summary>
internal sealed class AsyncSubscribers
{
    private List<OpenFile>? _files;

    public bool IsEmpty => _files is null or { Count: 0 };

    public void Set(OpenFile file, bool on)
    {
        if (!on)
            _files?.Remove(file);
        else if (_files?.Contains(file) != true)
            (_files ??= []).Add(file);
    }

    /// <summary>Nobody hears of anything any more.</summary>
    public void Clear() => _files = null;

    /// <summary>Urgent data: only for those with a signal of their own, since SIGURG itself tells the others.</summary>
    public void NotifyUrgent()
    {
        if (_files is null)
            return;
        foreach (OpenFile file in _files)
        {
            if (file.OwnerSignal != 0)
                file.SignalOwner(SignalNumber.Urg, PollReason.Priority, file.AsyncDescriptor);
        }
    }

    public void Notify(PollReason reason)
    {
        if (_files is null)
            return;
        foreach (OpenFile file in _files)
            file.SignalOwner(SignalNumber.Io, reason, file.AsyncDescriptor);
    }
}
