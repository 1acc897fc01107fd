using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers.Block;

/// <summary>The loop devices of a machine and /dev/loop-control: eight of them, as with max_loop=8.</summary>
internal sealed class LoopDevices
{
    public const uint Major = 7;
    public const int Count = 8;
    public const uint ControlMajor = 10;
    public const uint ControlMinor = 237;

    private readonly LoopDevice?[] _devices = new LoopDevice?[Count];

    public LoopDevice this[int index] => _devices[index] ??= new LoopDevice(index);

    public static void Register(KernelInstance kernel)
    {
        kernel.Devices.RegisterBlock(Major, 0, Count, "loop", Open);
        kernel.Devices.RegisterCharacter(ControlMajor, ControlMinor, 1, "misc", OpenControl);
    }

    /// <summary>The machine ends: what is still attached lets go.</summary>
    public void Shutdown()
    {
        foreach (LoopDevice? device in _devices)
            device?.Detach();
    }

    private static KTask<Result<OpenFile>> Open(Task current, VfsPath path, Inode inode, OpenFlags flags)
    {
        LoopDevice device = current.Kernel.LoopDevices[(int)inode.Device.Minor];
        return KTask<Result<OpenFile>>.FromResult(new BlockFile(path, inode, flags, device));
    }

    private static KTask<Result<OpenFile>> OpenControl(Task current, VfsPath path, Inode inode, OpenFlags flags) =>
        KTask<Result<OpenFile>>.FromResult(new LoopControlFile(path, inode, flags));
}

/// <summary>/dev/loop-control (loop(4)): finds a free device; the number of devices is fixed.</summary>
internal sealed class LoopControlFile(VfsPath path, Inode inode, OpenFlags flags) : OpenFile(path, inode, flags)
{
    private const uint Add = 0x4C80;
    private const uint Remove = 0x4C81;
    private const uint GetFree = 0x4C82;

    public override KTask<SyscallResult> IoctlAsync(Task current, uint command, ulong argument) =>
        KTask<SyscallResult>.FromResult(Control(current, command, (int)argument));

    private static SyscallResult Control(Task current, uint command, int index)
    {
        LoopDevices devices = current.Kernel.LoopDevices;
        if (command == GetFree)
        {
            for (int i = 0; i < LoopDevices.Count; i++)
            {
                if (devices[i].Backing is null)
                    return i;
            }

            return Errno.ENOSPC;
        }

        if (command is not (Add or Remove))
            return Errno.ENOTTY;
        if (!current.IsCapable(Capability.SysAdmin))
            return Errno.EPERM;
        bool exists = index is >= 0 and < LoopDevices.Count;
        if (command == Add)
            return exists ? Errno.EEXIST : Errno.ENOSPC;
        return exists ? Errno.EBUSY : Errno.ENODEV;
    }
}
