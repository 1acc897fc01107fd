namespace Vitrine.Kernel.Vfs;

/// <content>Counting of open file descriptions, and what goes with their end.</content>
internal abstract partial class OpenFile
{
    /// <summary>The declared size of an open file description.</summary>
    public const int ObjectSize = 256;

    private Async.KernelMutex? _positionLock;
    private int _references = 1;
    private bool _deniesWrite;
    private bool _isCounted;
    private bool _readsOnly;
    private Inode? _writtenInode;
    private Mount? _writtenMount;
    private Cgroups.Cgroup? _chargedTo;

    public int References => _references;

    /// <summary>A Unix socket that lies in the queue of one: its other references matter to the collector.</summary>
    public bool IsInFlight { get; set; }

    public KernelInstance Kernel => Inode.SuperBlock.Kernel;

    /// <summary>O_PATH: only the place, no content.</summary>
    public virtual bool IsPathOnly => false;

    /// <summary>The open that made the description made the file too (FMODE_CREATED).</summary>
    public bool WasCreated { get; internal set; }

    /// <summary>What is done through it is nobody's event (FMODE_NONOTIFY): fanotify's own descriptors.</summary>
    public bool IsSilent { get; internal set; }

    /// <summary>Who opened it: what later checks that must not use the current credentials go by (f_cred).</summary>
    public Security.Credentials? OpenerCredentials { get; internal set; }

    public OpenFile Get()
    {
        _references++;
        return this;
    }

    /// <summary>Gives a reference back; the last one releases the file at once. Never waits.</summary>
    public void Put()
    {
        if (--_references > 0)
        {
            if (IsInFlight)
                Kernel.UnixFilesInFlight.SocketClosed();
            return;
        }

        if (_references < 0)
            throw new InvalidOperationException("an open file was put more often than it was taken");
        KernelInstance? kernel = Inode.SuperBlock?.Kernel;
        if (_isCounted)
            kernel?.Vfs.FileClosed(this);
        DetachFromEpoll();
        EndAsync();
        Release();
        if (_readsOnly)
            Inode.ReaderCount--;
        _writtenInode?.PutWriteAccess();
        _writtenMount?.EndWrite();
        AllowWrite();
        _chargedTo?.UnchargeKernelMemory(ObjectSize);
        if (_isCounted)
            kernel!.Audit.LiveFiles--;
        Path.Put();
        Inode.Put();
    }

    /// <summary>The VFS made it the opener's: counts it and charges it. ENFILE at file-max, ENOMEM at the limit, and the caller puts it.</summary>
    internal Errno Account(Tasks.Task current)
    {
        OpenerCredentials ??= current.Credentials;
        if (_isCounted)
            return Errno.Success;
        if (current.Kernel.Audit.LiveFiles >= current.Kernel.Vfs.Settings.FileMaximum && !current.IsCapable(Security.Capability.SysAdmin))
            return Errno.ENFILE;
        Errno error = current.Cgroup.ChargeKernelMemory(ObjectSize);
        if (error != Errno.Success)
            return error;
        _chargedTo = current.Cgroup;
        _isCounted = true;
        current.Kernel.Audit.LiveFiles++;
        return Errno.Success;
    }

    /// <summary>The description holds write access on its inode and mount, which the VFS has taken.</summary>
    internal void OwnWriteAccess(Inode inode, Mount mount)
    {
        _writtenInode = inode;
        _writtenMount = mount;
    }

    /// <summary>The description is one that may only read, and counts as such.</summary>
    internal void CountReader()
    {
        _readsOnly = true;
        Inode.ReaderCount++;
    }

    /// <summary>Keeps writers out while the file is executed: ETXTBSY if there is one.</summary>
    public Errno DenyWrite()
    {
        if (_deniesWrite)
            return Errno.Success;
        Errno error = Inode.DenyWriteAccess();
        _deniesWrite = error == Errno.Success;
        return error;
    }

    public void AllowWrite()
    {
        if (!_deniesWrite)
            return;
        _deniesWrite = false;
        Inode.AllowWriteAccess();
    }
}
