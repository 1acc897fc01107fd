using Vitrine.Fs.Host.Native;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <summary>A symbolic link of the host: its text is read, never followed here; the guest's own walk resolves it in the guest's tree.</summary>
internal sealed class HostSymlink(HostSuperBlock superBlock, HostDevice device, in HostStatx stat, InodeNumber number, HostDirectory parent, FileName name)
    : HostInode(superBlock, device, stat, number, parent, name)
{
    private byte[]? _target;

    public override void Refresh(in HostStatx stat)
    {
        if (stat.ChangeTime.ToTimespec() != ChangeTime)
            _target = null;
        base.Refresh(stat);
    }

    public override KTask<Result<byte[]>> ReadLinkAsync(Task current) =>
        _target is { } known ? KTask<Result<byte[]>>.FromResult(known) : ReadHostLinkAsync(current);

    private async KTask<Result<byte[]>> ReadHostLinkAsync(Task current)
    {
        Result<HostHandle> pinned = await Parent!.PinHandleAsync(current);
        if (!pinned.TryGet(out HostHandle? handle, out Errno error))
            return error;
        int descriptor = handle.Descriptor;
        FileName name = Name;
        Result<byte[]> target = HostDevice.IsSlow
            ? await HostWork.RunAsync(current, () => HostCalls.ReadLinkAt(descriptor, name.Bytes))
            : HostCalls.ReadLinkAt(descriptor, name.Bytes);
        Super.Directories.Unpin(handle);
        if (target.Ok)
            _target = target.Value;
        return target.Error == Errno.ENOENT ? Errno.ESTALE : target;
    }
}

/// <summary>A device, FIFO or socket of the host: to be seen, but leading nowhere: opening it gives ENXIO.</summary>
internal sealed class HostSpecialNode(HostSuperBlock superBlock, HostDevice device, in HostStatx stat, InodeNumber number, HostDirectory parent, FileName name)
    : HostInode(superBlock, device, stat, number, parent, name)
{
    public override bool LeadsNowhere => true;
}
