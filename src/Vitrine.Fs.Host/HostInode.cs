using Vitrine.Fs.Host.Native;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <summary>
/// A file of the host: its attributes as last seen, and the directory and name by which it is reached. One object per
/// file of the host, so that hard links share locks and pages; a directory has one per place where it appears.
/// </summary>
internal abstract partial class HostInode : Inode
{
    private StatxMask _valid;
    private long _blocks;
    private uint _blockSize;

    protected HostInode(HostSuperBlock superBlock, HostDevice device, in HostStatx stat, InodeNumber number, HostDirectory? parent, FileName name)
        : base(superBlock, number, stat.Mode)
    {
        Super = superBlock;
        HostDevice = device;
        Id = stat.Id;
        Parent = parent;
        Name = name;
        _ = parent?.Get();
        superBlock.LiveInodes++;
        superBlock.Machine.Audit.LiveInodes++;
        Refresh(stat);
    }

    public HostSuperBlock Super { get; }

    public HostDevice HostDevice { get; }

    public HostFileId Id { get; }

    /// <summary>The directory it was last found in; null for the root. Holds a reference.</summary>
    public HostDirectory? Parent { get; private set; }

    public FileName Name { get; private set; }

    /// <summary>When the attributes were last known to be the host's.</summary>
    public Ktime CheckedAt { get; private set; }

    /// <summary>The cgroup that paid for it.</summary>
    public Kernel.Cgroups.Cgroup? ChargedTo { get; set; }

    /// <summary>Takes the host's attributes over.</summary>
    public virtual void Refresh(in HostStatx stat)
    {
        Mode = stat.Mode;
        Uid = new Uid(stat.Uid);
        Gid = new Gid(stat.Gid);
        LinkCount = stat.LinkCount;
        Device = new DeviceNumber(stat.RawDeviceMajor, stat.RawDeviceMinor);
        Size = (long)stat.Size;
        ModificationTime = stat.ModificationTime.ToTimespec();

        // The host's changes with every reader, of this run as of others.
        AccessTime = Super.Spec.IsDeterministic ? ModificationTime : stat.AccessTime.ToTimespec();
        ChangeTime = stat.ChangeTime.ToTimespec();
        BirthTime = stat.BirthTime.ToTimespec();
        _valid = stat.Mask & (StatxMask.BasicStats | StatxMask.BirthTime);
        _blocks = (long)stat.Blocks;
        _blockSize = stat.BlockSize;
        CheckedAt = Super.Machine.Time.Now;
    }

    /// <summary>It was found (or put) at another place.</summary>
    public void MoveTo(HostDirectory parent, FileName name)
    {
        Name = name;
        if (parent == Parent)
            return;
        HostDirectory? old = Parent;
        _ = parent.Get();
        Parent = parent;
        old?.Put();
    }

    public override KTask<Result<KernelStat>> GetAttributesAsync(Task current, StatxMask wanted)
    {
        if (Super.Spec.IsDeterministic || Super.Machine.Time.Now - CheckedAt < HostSuperBlock.AttributeTimeout)
            return KTask<Result<KernelStat>>.FromResult(Attributes());
        return GetFreshAttributesAsync(current);
    }

    public override KTask<Result<byte[]>> GetXattrAsync(Task current, string name) =>
        IsVisibleXattr(name) ? GetHostXattrAsync(current, name) : Fail<byte[]>(Errno.EOPNOTSUPP);

    public override async KTask<Result<string[]>> ListXattrAsync(Task current)
    {
        Result<int> opened = await OpenForPathAsync(current);
        if (!opened.TryGet(out int descriptor, out Errno error))
            return error == Errno.ELOOP ? Array.Empty<string>() : error;
        Result<byte[]> names = HostDevice.IsSlow
            ? await HostWork.RunAsync(current, () => HostCalls.ListXattr(descriptor))
            : HostCalls.ListXattr(descriptor);
        HostCalls.Close(descriptor);
        if (!names.TryGet(out byte[]? list, out error))
            return error == Errno.EOPNOTSUPP ? Array.Empty<string>() : error;
        var visible = new List<string>();
        foreach (string name in System.Text.Encoding.UTF8.GetString(list).Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            if (IsVisibleXattr(name))
                visible.Add(name);
        }

        return visible.ToArray();
    }

    public override void Evict()
    {
        Super.RemoveLive(this);
        Super.LiveInodes--;
        Super.Machine.Audit.LiveInodes--;
        ChargedTo?.UnchargeKernelMemory(HostSuperBlock.InodeCost);
        ChargedTo = null;
        HostDirectory? parent = Parent;
        Parent = null;
        parent?.Put();
    }

    /// <summary>Links, size and times are those of a fresh directory.</summary>
    protected void ShowAsMadeAtBoot()
    {
        LinkCount = 2;
        Size = 4096;
        _blocks = 8;
        Timespec boot = Timespec.FromNanoseconds(Super.Machine.Time.BootRealtime);
        AccessTime = ModificationTime = ChangeTime = BirthTime = boot;
    }

    protected KernelStat Attributes()
    {
        KernelStat stat = GenericAttributes();
        stat.Device = HostDevice.GuestDevice;
        stat.Mask = _valid;
        stat.Blocks = _blocks;
        stat.BlockSize = _blockSize;
        return stat;
    }

    /// <summary>The attributes of the host's file as it is now, by its place; ESTALE if another one is there.</summary>
    public async KTask<Result<HostStatx>> StatHostAsync(Task current)
    {
        HostStatx stat = default;
        Errno error;
        if (Parent is not { } parent)
        {
            Result<HostHandle> own = await ((HostDirectory)this).PinHandleAsync(current);
            if (!own.TryGet(out HostHandle? handle, out error))
                return error;
            int descriptor = handle.Descriptor;
            error = HostDevice.IsSlow
                ? await HostWork.RunAsync(current, () => HostCalls.Stat(descriptor, out stat))
                : HostCalls.Stat(descriptor, out stat);
            Super.Directories.Unpin(handle);
        }
        else
        {
            Result<HostHandle> pinned = await parent.PinHandleAsync(current);
            if (!pinned.TryGet(out HostHandle? handle, out error))
                return error;
            int descriptor = handle.Descriptor;
            FileName name = Name;
            error = HostDevice.IsSlow
                ? await HostWork.RunAsync(current, () => HostCalls.StatAt(descriptor, name.Bytes, out stat))
                : HostCalls.StatAt(descriptor, name.Bytes, out stat);
            Super.Directories.Unpin(handle);
        }

        if (error == Errno.ENOENT || (error == Errno.Success && (stat.Id != Id || stat.Type != Type)))
            return Errno.ESTALE;
        return error == Errno.Success ? stat : error;
    }

    /// <summary>An O_PATH descriptor of this very file, which the caller closes. ESTALE if another one has its place.</summary>
    protected async KTask<Result<int>> OpenForPathAsync(Task current)
    {
        Result<int> opened;
        if (Parent is not { } parent)
        {
            Result<HostHandle> own = await ((HostDirectory)this).PinHandleAsync(current);
            if (!own.TryGet(out HostHandle? handle, out Errno error))
                return error;
            opened = HostCalls.OpenAt(handle.Descriptor, "."u8, HostCalls.PathFlags);
            Super.Directories.Unpin(handle);
        }
        else
        {
            Result<HostHandle> pinned = await parent.PinHandleAsync(current);
            if (!pinned.TryGet(out HostHandle? handle, out Errno error))
                return error;
            int descriptor = handle.Descriptor;
            FileName name = Name;
            opened = HostDevice.IsSlow
                ? await HostWork.RunAsync(current, () => HostCalls.OpenAt(descriptor, name.Bytes, HostCalls.PathFlags))
                : HostCalls.OpenAt(descriptor, name.Bytes, HostCalls.PathFlags);
            Super.Directories.Unpin(handle);
        }

        if (!opened.Ok)
            return opened.Error == Errno.ENOENT ? Errno.ESTALE : opened.Error;
        if (HostCalls.Stat(opened.Value, out HostStatx stat) == Errno.Success && stat.Id == Id)
            return opened;
        HostCalls.Close(opened.Value);
        return Errno.ESTALE;
    }

    /// <summary>
    /// What the guest may see of the host's attributes: the user's own and file capabilities. Labels and access lists
    /// of the host mean nothing in the guest.
    /// </summary>
    private static bool IsVisibleXattr(string name) =>
        name.StartsWith("user.", StringComparison.Ordinal) || name == "security.capability";

    private async KTask<Result<KernelStat>> GetFreshAttributesAsync(Task current)
    {
        Result<HostStatx> fresh = await StatHostAsync(current);
        if (fresh.Ok)
            Refresh(fresh.Value);
        else if (fresh.Error is not Errno.ESTALE)
            return fresh.Error;

        // A file that has lost its name on the host still has its last attributes here.
        return Attributes();
    }

    private async KTask<Result<byte[]>> GetHostXattrAsync(Task current, string name)
    {
        if (!IsRegular && !IsDirectory)
            return Errno.ENODATA;
        Result<int> opened = await OpenForPathAsync(current);
        if (!opened.TryGet(out int descriptor, out Errno error))
            return error;
        byte[] attribute = System.Text.Encoding.UTF8.GetBytes(name);
        Result<byte[]> value = attribute.Length > 255 ? Errno.ERANGE
            : HostDevice.IsSlow ? await HostWork.RunAsync(current, () => HostCalls.GetXattr(descriptor, attribute))
            : HostCalls.GetXattr(descriptor, attribute);
        HostCalls.Close(descriptor);
        return value;
    }
}
