using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <content>New file systems, and the root at boot.</content>
internal sealed partial class VirtualFileSystem
{
    private const MountFlags PerMount = MountFlags.ReadOnly | MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec
        | MountFlags.NoAccessTime | MountFlags.NoDirAccessTime | MountFlags.StrictAccessTime | MountFlags.NoSymFollow;

    private const MountFlags PerFileSystem = MountFlags.Synchronous | MountFlags.DirSync | MountFlags.MandatoryLock | MountFlags.LazyTime;

    /// <summary>Makes an unattached mount of a file system. The caller owns its reference.</summary>
    public async KTask<Result<Mount>> CreateMountAsync(Task current, FileSystemType type, string source, MountFlags flags, string options)
    {
        Result<SuperBlock> made = await type.MountAsync(current, source, flags, options);
        if (!made.Ok)
            return made.Error;
        SuperBlock superBlock = made.Value;
        bool isNew = superBlock.ActiveMounts == 0;
        AddSuperBlock(superBlock);
        if (isNew)
        {
            superBlock.Source = source;
            superBlock.IsReadOnly |= (flags & MountFlags.ReadOnly) != 0;
            superBlock.Flags = flags & PerFileSystem;
        }

        Result<Mount> mount = NewMount(current, superBlock, superBlock.Root);
        if (!mount.Ok)
        {
            superBlock.ActiveMounts++;
            superBlock.PutMount();
            return mount;
        }

        mount.Value.Source = source;
        mount.Value.Flags = NormalFlags(flags);
        return mount;
    }

    /// <summary>A mount object, charged. ENOMEM at the cgroup's limit, ENOSPC at mount-max.</summary>
    internal Result<Mount> NewMount(Task current, SuperBlock superBlock, Dentry root)
    {
        Errno error = current.Cgroup.ChargeKernelMemory(Mount.ObjectSize);
        if (error != Errno.Success)
            return error;
        return new Mount(superBlock, root) { ChargedTo = current.Cgroup };
    }

    /// <summary>Mounts the machine's root: makes the first mount namespace's tree.</summary>
    public async KTask<Errno> MountRootAsync(Task current, string typeName, string source, MountFlags flags, string options)
    {
        if (Kernel.FileSystems.Find(typeName) is not { } type)
            return Errno.ENODEV;
        Result<Mount> mount = await CreateMountAsync(current, type, source, flags, options);
        if (!mount.Ok)
            return mount.Error;
        MountNamespace mounts = current.Namespaces.Mount;
        if (mounts.Root is not null)
        {
            mount.Value.Put();
            return Errno.EBUSY;
        }

        mounts.SetRoot(mount.Value);
        return Errno.Success;
    }

    /// <summary>Mounts a file system that has been made already as the machine's root.</summary>
    public Errno MountRoot(Task current, SuperBlock superBlock, string source, MountFlags flags)
    {
        MountNamespace mounts = current.Namespaces.Mount;
        if (mounts.Root is not null)
            return Errno.EBUSY;
        superBlock.Source = source;
        AddSuperBlock(superBlock);
        Result<Mount> mount = NewMount(current, superBlock, superBlock.Root);
        if (!mount.Ok)
            return mount.Error;
        mount.Value.Flags = NormalFlags(flags);
        mounts.SetRoot(mount.Value);
        return Errno.Success;
    }

    /// <summary>Mounts a file system at a place; what the kernel does at boot and mount(2) for new file systems.</summary>
    public async KTask<Errno> MountAtAsync(Task current, string typeName, string source, VfsPath place, MountFlags flags, string options)
    {
        if (Kernel.FileSystems.Find(typeName) is not { } type)
            return Errno.ENODEV;
        Result<Mount> mount = await CreateMountAsync(current, type, source, flags, options);
        if (!mount.Ok)
            return mount.Error;
        Errno error = AddMount(current, mount.Value, place);
        if (error != Errno.Success)
            mount.Value.Put();
        return error;
    }

    internal static MountFlags NormalFlags(MountFlags flags)
    {
        MountFlags kept = flags & PerMount;
        return (kept & MountFlags.StrictAccessTime) != 0 ? kept & ~MountFlags.NoAccessTime : kept;
    }

    /// <summary>
    /// Attaches a new mount on top of what is at a place (do_add_mount). Takes over the caller's reference on success.
    /// EBUSY for the same root on the same place again, ENOENT on a removed directory, ENOTDIR for a directory on a file.
    /// </summary>
    internal Errno AddMount(Task current, Mount mount, VfsPath place)
    {
        VfsPath top = Topmost(place);
        if (top.Mount.Namespace is null || top.Mount.Namespace != current.Namespaces.Mount)
            return Errno.EINVAL;
        if (top.Dentry == top.Mount.Root && top.Mount.SuperBlock == mount.SuperBlock && top.Mount.Root == mount.Root)
            return Errno.EBUSY;
        if (mount.Root.Inode!.IsSymlink)
            return Errno.EINVAL;
        return AttachTree(current, mount, top);
    }

    /// <summary>What is seen at a place: the top of the mounts stacked there.</summary>
    internal static VfsPath Topmost(VfsPath place)
    {
        while (place.Dentry.IsMountPoint && place.Mount.FindChild(place.Dentry) is { } mount)
            place = new VfsPath(mount, mount.Root);
        return place;
    }

    /// <summary>Whether the task may change its mount namespace.</summary>
    internal static bool MayMount(Task current) =>
        current.Credentials.IsCapable(current.Namespaces.Mount.Owner!, Capability.SysAdmin);
}
