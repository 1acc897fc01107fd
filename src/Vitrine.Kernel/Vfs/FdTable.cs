using System.Numerics;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Vfs;

/// <summary>
/// Descriptors of a process: shared by CLONE_FILES, counted (files_struct's twin). A slot is free, reserved (its bit is
/// set and no file is there yet: seen as EBADF) or holds one reference on an open file description.
/// </summary>
internal sealed class FdTable
{
    private const int FirstSlots = 64;

    private readonly KernelInstance _kernel;
    private OpenFile?[] _files = new OpenFile?[FirstSlots];
    private ulong[] _used = new ulong[FirstSlots / 64];
    private ulong[] _closeOnExec = new ulong[FirstSlots / 64];
    private int _lowestHint;
    private int _users = 1;

    private FdTable(KernelInstance kernel)
    {
        _kernel = kernel;
        kernel.Audit.LiveDescriptorTables++;
    }

    /// <summary>Tasks that share it.</summary>
    public int Users => _users;

    /// <summary>Slots that exist now: the FDSize of /proc/PID/status; descriptors are below it.</summary>
    public int Capacity => _files.Length;

    public static FdTable Create(KernelInstance kernel) => new(kernel);

    public FdTable Get()
    {
        _users++;
        return this;
    }

    /// <summary>A task leaves; the last one closes all descriptors.</summary>
    public async KTask PutAsync(Task current)
    {
        if (--_users > 0)
            return;
        for (int fd = 0; fd < _files.Length; fd++)
        {
            if (Take(fd) is { } file)
                _ = await CloseFileAsync(current, file);
        }

        _kernel.Audit.LiveDescriptorTables--;
    }

    /// <summary>The file of a descriptor with a reference; EBADF also for O_PATH descriptors.</summary>
    public Result<OpenFile> Get(Fd fd)
    {
        OpenFile? file = Peek(fd);
        return file is null || file.IsPathOnly ? Errno.EBADF : file.Get();
    }

    /// <summary>The file of a descriptor with a reference, O_PATH or not.</summary>
    public Result<OpenFile> GetAny(Fd fd)
    {
        OpenFile? file = Peek(fd);
        return file is null ? Errno.EBADF : file.Get();
    }

    /// <summary>The file of a descriptor without a reference, good until the next await; null: bad descriptor.</summary>
    public OpenFile? Peek(Fd fd) => (uint)fd.Value < (uint)_files.Length ? _files[fd.Value] : null;

    public bool IsCloseOnExec(Fd fd) => (_closeOnExec[fd.Value >> 6] & (1UL << fd.Value)) != 0;

    public void SetCloseOnExec(Fd fd, bool value)
    {
        if (value)
            _closeOnExec[fd.Value >> 6] |= 1UL << fd.Value;
        else
            _closeOnExec[fd.Value >> 6] &= ~(1UL << fd.Value);
    }

    /// <summary>
    /// Takes the lowest free slot from <paramref name="minimum"/> on and puts the file there, whose reference it takes
    /// over on success. EMFILE at RLIMIT_NOFILE.
    /// </summary>
    public Result<Fd> Install(Task current, OpenFile file, bool closeOnExec, int minimum = 0)
    {
        Result<Fd> slot = Reserve(current, closeOnExec, minimum);
        if (slot.Ok)
            Install(slot.Value, file);
        return slot;
    }

    /// <summary>Takes the lowest free slot; nobody sees a file there until <see cref="Install(Fd, OpenFile)"/>.</summary>
    public Result<Fd> Reserve(Task current, bool closeOnExec, int minimum = 0)
    {
        ulong limit = Math.Min(current.DescriptorLimit, (ulong)_kernel.Vfs.Settings.NrOpen);
        int start = Math.Max(minimum, _lowestHint);
        int fd = FindFree(start);
        if ((ulong)fd >= limit)
            return Errno.EMFILE;
        Errno error = Grow(fd + 1);
        if (error != Errno.Success)
            return error;
        _used[fd >> 6] |= 1UL << fd;
        if (minimum <= _lowestHint)
            _lowestHint = fd + 1;
        var slot = new Fd(fd);
        SetCloseOnExec(slot, closeOnExec);
        return slot;
    }

    public void Install(Fd reserved, OpenFile file)
    {
        if (_files[reserved.Value] is not null || (_used[reserved.Value >> 6] & (1UL << reserved.Value)) == 0)
            throw new InvalidOperationException("a descriptor was installed into a slot that was not reserved");
        _files[reserved.Value] = file;
    }

    /// <summary>Gives a reserved slot back.</summary>
    public void Unreserve(Fd reserved) => Free(reserved.Value);

    /// <summary>
    /// Puts a file at a given number (dup2), taking over its reference; what was there before comes out, to be closed.
    /// EBUSY if the slot is reserved by an open in progress.
    /// </summary>
    public Result<OpenFile?> Replace(Fd at, OpenFile file, bool closeOnExec)
    {
        int fd = at.Value;
        Errno error = Grow(fd + 1);
        if (error != Errno.Success)
            return error;
        OpenFile? old = _files[fd];
        if (old is null && (_used[fd >> 6] & (1UL << fd)) != 0)
            return Errno.EBUSY;
        _used[fd >> 6] |= 1UL << fd;
        _files[fd] = file;
        SetCloseOnExec(at, closeOnExec);
        return old;
    }

    /// <summary>Frees a descriptor and closes it: POSIX locks go, flush is called. EBADF; or what flush answers.</summary>
    public KTask<Errno> CloseAsync(Task current, Fd fd)
    {
        OpenFile? file = (uint)fd.Value < (uint)_files.Length ? Take(fd.Value) : null;
        return file is null ? KTask<Errno>.FromResult(Errno.EBADF) : CloseFileAsync(current, file);
    }

    /// <summary>What closing a descriptor does to its description (filp_close); gives the descriptor's reference back.</summary>
    public async KTask<Errno> CloseFileAsync(Task current, OpenFile file)
    {
        if (file.IsPathOnly)
        {
            file.Put();
            return Errno.Success;
        }

        Errno error = await file.FlushAsync(current);
        _kernel.Vfs.Locks.RemovePosix(file.Inode, this);
        if (file.Inode is { FirstWatch: not null, IsDirectory: true })
            DirectoryWatch.End(file, this);
        file.Put();
        return error;
    }

    /// <summary>Closes what is marked close-on-exec.</summary>
    public async KTask CloseOnExecAsync(Task current)
    {
        for (int word = 0; word < _closeOnExec.Length; word++)
        {
            while (_closeOnExec[word] != 0)
            {
                int fd = (word * 64) + BitOperations.TrailingZeroCount(_closeOnExec[word]);
                OpenFile? file = Take(fd);
                SetCloseOnExec(new Fd(fd), false);
                if (file is not null)
                    _ = await CloseFileAsync(current, file);
            }
        }
    }

    /// <summary>A table with the same descriptors (fork). ENOMEM at the cgroup's limit.</summary>
    public Result<FdTable> Copy(Task current)
    {
        var copy = new FdTable(_kernel);
        int last = LastUsed();
        Errno error = copy.Grow(last + 1);
        if (error != Errno.Success)
        {
            _kernel.Audit.LiveDescriptorTables--;
            return error;
        }

        for (int fd = 0; fd <= last; fd++)
        {
            // A slot that is only reserved belongs to an open in progress here and stays free in the copy.
            if (_files[fd] is not { } file)
                continue;
            copy._files[fd] = file.Get();
            copy._used[fd >> 6] |= 1UL << fd;
            copy.SetCloseOnExec(new Fd(fd), IsCloseOnExec(new Fd(fd)));
        }

        return copy;
    }

    /// <summary>The first descriptor that is open from a number on, or −1.</summary>
    public int NextOpen(int from)
    {
        for (int fd = Math.Max(from, 0); fd < _files.Length; fd++)
        {
            if (_files[fd] is not null)
                return fd;
        }

        return -1;
    }

    /// <summary>Takes a descriptor's file out with its reference; null if there is none.</summary>
    public OpenFile? Take(int fd)
    {
        OpenFile? file = _files[fd];
        if (file is null)
            return null;
        Free(fd);
        return file;
    }

    private void Free(int fd)
    {
        _files[fd] = null;
        _used[fd >> 6] &= ~(1UL << fd);
        _closeOnExec[fd >> 6] &= ~(1UL << fd);
        _lowestHint = Math.Min(_lowestHint, fd);
    }

    private int FindFree(int from)
    {
        int word = from >> 6;
        if (word >= _used.Length)
            return from;
        ulong free = ~_used[word] & (ulong.MaxValue << from);
        for (; ; )
        {
            if (free != 0)
                return (word * 64) + BitOperations.TrailingZeroCount(free);
            if (++word >= _used.Length)
                return word * 64;
            free = ~_used[word];
        }
    }

    private int LastUsed()
    {
        for (int word = _used.Length - 1; word >= 0; word--)
        {
            if (_used[word] != 0)
                return (word * 64) + 63 - BitOperations.LeadingZeroCount(_used[word]);
        }

        return -1;
    }

    private Errno Grow(int slots)
    {
        if (slots <= _files.Length)
            return Errno.Success;
        if (slots > _kernel.Vfs.Settings.NrOpen)
            return Errno.EMFILE;
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)slots);
        Array.Resize(ref _files, size);
        Array.Resize(ref _used, size / 64);
        Array.Resize(ref _closeOnExec, size / 64);
        return Errno.Success;
    }
}
