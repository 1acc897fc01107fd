using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Drivers.Tty;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Devpts;

/// <summary>ptmx or a slave: a device node whose owner and mode can be changed (grantpt(3)).</summary>
internal sealed class DevptsNode : Inode, IPtyNode
{
    /// <summary>The declared size of a node.</summary>
    public const int ObjectSize = 640;

    public DevptsNode(DevptsSuperBlock superBlock, InodeNumber number, FileMode mode)
        : base(superBlock, number, mode)
    {
        AccessTime = ModificationTime = ChangeTime = superBlock.Kernel.Time.RealtimeTimespec;
    }

    public PtyDevice? Slave { get; set; }

    /// <summary>The master is closed: the name is no longer there.</summary>
    public bool IsGone { get; set; }

    public Cgroup? ChargedTo { get; init; }

    public override KTask<Errno> SetAttributesAsync(Task current, InodeAttributes changes)
    {
        if ((changes.Mask & AttributeMask.Size) != 0)
            return Fail(Errno.EINVAL);
        ApplyAttributes(changes);
        return Fail(Errno.Success);
    }

    public override void Evict() => ChargedTo?.UnchargeKernelMemory(ObjectSize);
}
