using Vitrine.Hardware.Host;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers;

/// <summary>
/// What stands behind a descriptor that comes from the host: its channel, and the tasks that wait for it. It can be
/// opened again through /proc/PID/fd and /dev/stdout, a regular file with an offset of its own; the channel is closed with
/// the last open file.
/// </summary>
internal sealed class HostStdioInode : PseudoInode
{
    private HostReadiness _armed;

    private HostStdioInode(PseudoSuperBlock superBlock, HostChannel channel, Uid uid, Gid gid)
        : base(superBlock, (FileMode)channel.Mode)
    {
        Channel = channel;
        Uid = uid;
        Gid = gid;
        Device = DeviceNumber.Decode(channel.RawDevice);
        Size = channel.Size;
    }

    public HostChannel Channel { get; }

    /// <summary>Woken when the host reports readiness.</summary>
    public WaitQueue Waiters { get; } = new();

    public override bool OpensItself => true;

    /// <summary>Makes an open file of a channel; the caller owns its one reference.</summary>
    public static HostStdioFile Open(KernelInstance kernel, HostChannel channel, Uid uid, Gid gid)
    {
        // (A terminal is a conversation: nobody could type what the machine would wait for.)
        if (kernel.VirtualClock is not null && channel.Kind != HostChannelKind.Terminal)
            channel = new SerialChannel(kernel, channel);
        var inode = new HostStdioInode(kernel.Vfs.PipeFs, channel, uid, gid);
        DeviceNumber device = DeviceNumber.Decode(channel.RawDevice);
        string name = channel.Kind switch
        {
            HostChannelKind.Pipe => $"pipe:[{inode.Number.Value}]",
            HostChannelKind.Socket => $"socket:[{inode.Number.Value}]",
            HostChannelKind.CharacterDevice when device == new DeviceNumber(1, 3) => "/dev/null",
            _ => $"host:[{inode.Number.Value}]",
        };
        VfsPath path = kernel.Vfs.PipeFs.MakePath(inode, name);
        var flags = (OpenFlags)(channel.Flags & ((uint)OpenFlags.AccessMode | (uint)OpenFlags.Append));
        var file = new HostStdioFile(path, inode, channel, flags);
        path.Dentry.Put();
        return file;
    }

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags)
    {
        // The host's description has the access mode that it has; asking for more is refused as by the owner's mode bits.
        uint has = Channel.Flags & 3;
        uint wants = (uint)(flags & OpenFlags.AccessMode);
        if (has != 2 && wants != has)
            return Fail<OpenFile>(Errno.EACCES);
        HostChannel channel = Channel;
        if (channel.Kind == HostChannelKind.File)
        {
            if (channel.OpenAgain((uint)(flags & (OpenFlags.AccessMode | OpenFlags.Append)), out int refused) is not { } own)
                return Fail<OpenFile>((Errno)(-refused));
            channel = own;
        }

        return KTask<Result<OpenFile>>.FromResult(new HostStdioFile(path, this, channel, flags));
    }

    public override KTask<Errno> SetAttributesAsync(Task current, InodeAttributes changes)
    {
        if ((changes.Mask & AttributeMask.Size) == 0 || !IsRegular)
            return base.SetAttributesAsync(current, changes);
        if ((Channel.Flags & 3) == 0)
            return Fail(Errno.EACCES);
        int refused = Channel.Truncate(changes.Size);
        if (refused != 0)
            return Fail((Errno)(-refused));
        ApplyAttributes(changes);
        return Fail(Errno.Success);
    }

    public override KTask<Result<KernelStat>> GetAttributesAsync(Task current, StatxMask wanted)
    {
        Size = Channel.Size;
        return base.GetAttributesAsync(current, wanted);
    }

    /// <summary>Asks the host to tell of readiness, unless it has been asked for as much already.</summary>
    public void Arm(HostReadiness wanted)
    {
        if ((_armed & wanted) == wanted)
            return;
        _armed |= wanted;
        KernelInstance kernel = SuperBlock.Kernel;
        Channel.Arm(_armed, () => kernel.Interrupts.Post(OnReady));
    }

    public override void Evict() => Channel.Dispose();

    private void OnReady()
    {
        _armed = HostReadiness.None;
        Waiters.WakeAll();
    }
}
