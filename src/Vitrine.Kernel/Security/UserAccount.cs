namespace Vitrine.Kernel.Security;

/// <summary>What one user has in use, for the limits that count per user: RLIMIT_NPROC, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE (struct ucounts' twin).</summary>
internal sealed class UserAccount(UserAccounts owner, Uid uid)
{
    public Uid Uid { get; } = uid;

    public long Processes { get; private set; }

    public long PendingSignals { get; private set; }

    /// <summary>Descriptors it has sent over Unix sockets and nobody has received.</summary>
    public long FilesInFlight { get; private set; }

    public void ChargeFilesInFlight(int count)
    {
        FilesInFlight += count;
        owner.DropIfUnused(this);
    }

    /// <summary>inotify instances, and watches in them.</summary>
    public long InotifyInstances { get; private set; }

    public long InotifyWatches { get; private set; }

    /// <summary>fanotify groups, and marks in them.</summary>
    public long FanotifyGroups { get; private set; }

    public long FanotifyMarks { get; private set; }

    public bool TryChargeGroup(long limit)
    {
        if (FanotifyGroups >= limit)
        {
            owner.DropIfUnused(this);
            return false;
        }

        FanotifyGroups++;
        return true;
    }

    public void UnchargeGroup()
    {
        FanotifyGroups--;
        owner.DropIfUnused(this);
    }

    public bool TryChargeMark(long limit)
    {
        if (FanotifyMarks >= limit)
            return false;
        FanotifyMarks++;
        return true;
    }

    public void UnchargeMark() => FanotifyMarks--;

    /// <summary>What its POSIX message queues may come to hold, in bytes.</summary>
    public long MessageQueueBytes { get; private set; }

    /// <summary>False when a queue would exceed RLIMIT_MSGQUEUE.</summary>
    public bool TryChargeMessageQueue(long bytes, ulong limit)
    {
        if (limit != RLimit.Infinity && (ulong)(MessageQueueBytes + bytes) > limit)
        {
            owner.DropIfUnused(this);
            return false;
        }

        MessageQueueBytes += bytes;
        return true;
    }

    public void UnchargeMessageQueue(long bytes)
    {
        MessageQueueBytes -= bytes;
        owner.DropIfUnused(this);
    }

    public bool TryChargeInstance(long limit)
    {
        if (InotifyInstances >= limit)
        {
            owner.DropIfUnused(this);
            return false;
        }

        InotifyInstances++;
        return true;
    }

    public void UnchargeInstance()
    {
        InotifyInstances--;
        owner.DropIfUnused(this);
    }

    public bool TryChargeWatch(long limit)
    {
        if (InotifyWatches >= limit)
            return false;
        InotifyWatches++;
        return true;
    }

    public void UnchargeWatch() => InotifyWatches--;

    public void ChargeProcess() => Processes++;

    public void UnchargeProcess()
    {
        Processes--;
        owner.DropIfUnused(this);
    }

    /// <summary>False when the user has as many signals queued as the limit allows.</summary>
    public bool TryChargeSignal(ulong limit)
    {
        if (limit != RLimit.Infinity && (ulong)PendingSignals >= limit)
            return false;
        PendingSignals++;
        return true;
    }

    public void UnchargeSignal()
    {
        PendingSignals--;
        owner.DropIfUnused(this);
    }
}

/// <summary>The accounts of a machine's users; an entry lives while something is charged to it.</summary>
internal sealed class UserAccounts
{
    private readonly Dictionary<uint, UserAccount> _accounts = [];

    public UserAccount this[Uid uid]
    {
        get
        {
            if (!_accounts.TryGetValue(uid.Value, out UserAccount? account))
            {
                account = new UserAccount(this, uid);
                _accounts.Add(uid.Value, account);
            }

            return account;
        }
    }

    internal void DropIfUnused(UserAccount account)
    {
        if (account.Processes == 0 && account.PendingSignals == 0 && account.FilesInFlight == 0 && account.InotifyInstances == 0
            && account.MessageQueueBytes == 0 && account.FanotifyGroups == 0)
            _accounts.Remove(account.Uid.Value);
    }
}
