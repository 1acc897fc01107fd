using Vitrine.Fs.Host.Native;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <summary>
/// A directory of the host, reached through a held O_PATH descriptor that the cache may close at any time and that is
/// opened again, one component from its parent, and compared by device and inode number.
/// </summary>
internal sealed partial class HostDirectory : HostInode
{
    private readonly HostTreeRule? _rule;
    private readonly HostFilter _filter;
    private HostHandle? _handle;
    private Dictionary<FileName, HostEmptyDirectory>? _synthetic;

    public HostDirectory(
        HostSuperBlock superBlock,
        HostDevice device,
        in HostStatx stat,
        InodeNumber number,
        HostDirectory? parent,
        FileName name,
        HostTreeRule? rule,
        HostFilter filter,
        HostHandle? handle)
        : base(superBlock, device, stat, number, parent, name)
    {
        _rule = rule;
        _filter = filter;
        _handle = handle;
        HideOwnAttributes();
    }

    public override void Refresh(in HostStatx stat)
    {
        base.Refresh(stat);
        HideOwnAttributes();
    }

    /// <summary>
    /// On a deterministic machine a directory of which only some entries are shown does not tell when and how the others
    /// change: what lies beside the working directory is no input.
    /// </summary>
    private void HideOwnAttributes()
    {
        if (Super.Spec.IsDeterministic && _rule is { Exposure: HostExposure.Listed })
            ShowAsMadeAtBoot();
    }

    /// <summary>Entries may need a look at the file before it is known whether they are shown.</summary>
    public bool FiltersByMode => (_filter & HostFilter.Unreadable) != 0;

    public override KTask<Result<Inode?>> LookupAsync(Task current, FileName name)
    {
        if (name.Length > FileName.MaxLength)
            return Fail<Inode?>(Errno.ENAMETOOLONG);
        HostTreeRule? rule = null;
        if (_rule is { Exposure: not HostExposure.Whole })
        {
            rule = _rule.Child(name);
            if (rule is null)
                return KTask<Result<Inode?>>.FromResult((Inode?)null);
            if (rule.Exposure == HostExposure.Empty)
                return KTask<Result<Inode?>>.FromResult(Synthetic(name, rule.EmptyMode));
        }
        else if (_rule is not null)
        {
            rule = _rule.Child(name);
        }

        if (HostDevice.IsSlow || !Super.Directories.TryPin(_handle))
            return LookupSlowAsync(current, name, rule);
        int descriptor = _handle!.Descriptor;
        Errno error = HostCalls.StatAt(descriptor, name.Bytes, out HostStatx stat);
        Result<Inode?> found = error == Errno.Success ? Accept(current.Cgroup, descriptor, name, rule, stat) : error == Errno.ENOENT ? (Inode?)null : error;
        Super.Directories.Unpin(_handle);
        return KTask<Result<Inode?>>.FromResult(found);
    }

    /// <summary>Finds an entry of the root when the super block is made: its descriptor is open.</summary>
    public Result<Inode?> FindNow(Cgroup payer, FileName name)
    {
        int descriptor = _handle!.Descriptor;
        Errno error = HostCalls.StatAt(descriptor, name.Bytes, out HostStatx stat);
        return error == Errno.Success ? Accept(payer, descriptor, name, _rule?.Child(name), stat) : error;
    }

    /// <summary>Whether a name still leads to the inode (null: to nothing). Refreshes the attributes of what it finds.</summary>
    public async KTask<bool> RevalidateEntryAsync(Task current, FileName name, HostInode? expected)
    {
        if (_rule is { Exposure: not HostExposure.Whole } && _rule.Child(name) is not { Exposure: not HostExposure.Empty })
            return expected is null;
        Result<HostHandle> pinned = await PinHandleAsync(current);
        if (!pinned.TryGet(out HostHandle? handle, out _))
            return false;
        int descriptor = handle.Descriptor;
        HostStatx stat = default;
        Errno error = HostDevice.IsSlow
            ? await HostWork.RunAsync(current, () => HostCalls.StatAt(descriptor, name.Bytes, out stat))
            : HostCalls.StatAt(descriptor, name.Bytes, out stat);
        Super.Directories.Unpin(handle);
        if (expected is null)
            return error == Errno.ENOENT || (error == Errno.Success && IsHidden(name, stat));
        if (error != Errno.Success || stat.Id != expected.Id || stat.Type != expected.Type || IsHidden(name, stat))
            return false;
        expected.Refresh(stat);
        return true;
    }

    /// <summary>The directory's descriptor, pinned: the caller unpins it. ESTALE if the directory is not where it was.</summary>
    public KTask<Result<HostHandle>> PinHandleAsync(Task current) =>
        Super.Directories.TryPin(_handle) ? KTask<Result<HostHandle>>.FromResult(_handle!) : ReopenAsync(current);

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags) =>
        KTask<Result<OpenFile>>.FromResult(new HostDirectoryFile(path, this, flags));

    public override void Evict()
    {
        if (_handle is not null && this != Super.RootDirectory)
            Super.Directories.Evict(_handle);
        _handle = null;
        base.Evict();
    }

    public void ForgetSynthetic(HostEmptyDirectory directory) => _synthetic?.Remove(directory.Name);

    /// <summary>Whether an entry is kept from the guest.</summary>
    public bool IsHidden(FileName name, in HostStatx stat) =>
        HidesName(name.Bytes) || (FiltersByMode && stat.Type != FileMode.Symlink && (stat.Mode & FileMode.OtherRead) == 0);

    public bool HidesName(ReadOnlySpan<byte> name) => (_filter & HostFilter.UserSecrets) != 0 && HostTreeSpec.IsUserSecret(name);

    private async KTask<Result<HostHandle>> ReopenAsync(Task current)
    {
        if (Parent is not { } parent)
            return Errno.ESTALE;
        Result<HostHandle> pinned = await parent.PinHandleAsync(current);
        if (!pinned.TryGet(out HostHandle? above, out Errno error))
            return error;
        int descriptor = above.Descriptor;
        FileName name = Name;
        const OpenFlags flags = HostCalls.PathFlags | OpenFlags.Directory;
        Result<int> opened = HostDevice.IsSlow
            ? await HostWork.RunAsync(current, () => HostCalls.OpenAt(descriptor, name.Bytes, flags))
            : HostCalls.OpenAt(descriptor, name.Bytes, flags);
        Super.Directories.Unpin(above);
        if (!opened.TryGet(out int own, out error))
            return error is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP ? Errno.ESTALE : error;
        if ((error = HostCalls.Stat(own, out HostStatx stat)) != Errno.Success || stat.Id != Id)
        {
            HostCalls.Close(own);
            return error == Errno.Success ? Errno.ESTALE : error;
        }

        // Another task may have opened it while this one was away.
        if (Super.Directories.TryPin(_handle))
        {
            HostCalls.Close(own);
            return _handle!;
        }

        _handle = Super.Directories.Add(own);
        return _handle;
    }

    private async KTask<Result<Inode?>> LookupSlowAsync(Task current, FileName name, HostTreeRule? rule)
    {
        Result<HostHandle> pinned = await PinHandleAsync(current);
        if (!pinned.TryGet(out HostHandle? handle, out Errno error))
            return error == Errno.ESTALE ? Errno.ENOENT : error;
        int descriptor = handle.Descriptor;
        HostStatx stat = default;
        error = HostDevice.IsSlow
            ? await HostWork.RunAsync(current, () => HostCalls.StatAt(descriptor, name.Bytes, out stat))
            : HostCalls.StatAt(descriptor, name.Bytes, out stat);
        Result<Inode?> found = error == Errno.Success ? Accept(current.Cgroup, descriptor, name, rule, stat) : error == Errno.ENOENT ? (Inode?)null : error;
        Super.Directories.Unpin(handle);
        return found;
    }

    /// <summary>Makes (or finds) the inode of an entry that the host has; null if it is not to be seen.</summary>
    private Result<Inode?> Accept(Cgroup payer, int descriptor, FileName name, HostTreeRule? rule, in HostStatx stat)
    {
        if (IsHidden(name, stat))
            return (Inode?)null;
        HostDevice? device = Super.DeviceOf(this, descriptor, name, stat);
        if (device is null)
            return stat.Type == FileMode.Directory ? Synthetic(name, stat.Mode & FileMode.PermissionMask) : (Inode?)null;
        if (Super.FindLive(stat.Id) is { } live && live.Type == stat.Type && (!live.IsDirectory || (live.Parent == this && live.Name == name)))
        {
            live.MoveTo(this, name);
            live.Refresh(stat);
            return live.Get();
        }

        if (!Super.NumberOf(stat).TryGet(out InodeNumber number, out Errno error)
            || (error = payer.ChargeKernelMemory(HostSuperBlock.InodeCost)) != Errno.Success)
        {
            return error;
        }

        HostInode made = stat.Type switch
        {
            FileMode.Directory => new HostDirectory(Super, device, stat, number, this, name, rule, rule?.Filter ?? _filter, null),
            FileMode.Regular => new HostRegularFile(Super, device, stat, number, this, name),
            FileMode.Symlink => new HostSymlink(Super, device, stat, number, this, name),
            _ => new HostSpecialNode(Super, device, stat, number, this, name),
        };
        made.ChargedTo = payer;
        Super.AddLive(made);
        return made;
    }

    private HostEmptyDirectory Synthetic(FileName name, FileMode permissions)
    {
        _synthetic ??= [];
        if (_synthetic.TryGetValue(name, out HostEmptyDirectory? known))
        {
            _ = known.Get();
            return known;
        }

        var directory = new HostEmptyDirectory(Super, this, name, permissions);
        _synthetic.Add(name, directory);
        return directory;
    }
}
