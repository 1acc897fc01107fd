using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Namespaces;

/// <summary>
/// A namespace as an object of nsfs (/proc/PID/ns): what descriptors and bind mounts hold on to. Its number is the
/// namespace's; it keeps the namespace while anybody has it.
/// </summary>
internal sealed class NamespaceInode : Inode
{
    private const FileMode Readable = FileMode.Regular | (FileMode)0x124;

    private NamespaceInode(PseudoSuperBlock superBlock, Namespace held, CloneFlags kind)
        : base(superBlock, held.Inode, Readable)
    {
        Held = held;
        Kind = kind;
        (held as IpcNamespace)?.Get();
        (held as MountNamespace)?.Get();
        AccessTime = ModificationTime = ChangeTime = superBlock.Kernel.Time.RealtimeTimespec;
    }

    public Namespace Held { get; }

    /// <summary>The CLONE_NEW flag of its type.</summary>
    public CloneFlags Kind { get; }

    /// <summary>A path to a namespace with one reference on the dentry and none on the mount: take the latter, or hand it to a file and put the dentry.</summary>
    public static VfsPath MakePath(KernelInstance kernel, Namespace held)
    {
        PseudoSuperBlock nsfs = kernel.Vfs.NsFs;
        (string name, CloneFlags kind) = held switch
        {
            UtsNamespace => ("uts", CloneFlags.NewUts),
            IpcNamespace => ("ipc", CloneFlags.NewIpc),
            MountNamespace => ("mnt", CloneFlags.NewNs),
            PidNamespace => ("pid", CloneFlags.NewPid),
            NetNamespace => ("net", CloneFlags.NewNet),
            CgroupNamespace => ("cgroup", CloneFlags.NewCgroup),
            TimeNamespace => ("time", CloneFlags.NewTime),
            _ => ("user", CloneFlags.NewUser),
        };
        return nsfs.MakePath(new NamespaceInode(nsfs, held, kind), $"{name}:[{held.Inode.Value}]");
    }

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags) =>
        KTask<Result<OpenFile>>.FromResult(new NamespaceFile(path, this, flags));

    public override void Evict()
    {
        (Held as IpcNamespace)?.Put();
        (Held as MountNamespace)?.Put();
    }
}

/// <summary>A descriptor of a namespace, for setns(2) and the questions of ioctl_ns(2).</summary>
internal sealed class NamespaceFile(VfsPath path, NamespaceInode inode, OpenFlags flags) : OpenFile(path, inode, flags)
{
    private const uint GetUserNamespace = 0xb701;
    private const uint GetParent = 0xb702;
    private const uint GetKind = 0xb703;
    private const uint GetOwnerUid = 0xb704;

    public NamespaceInode Namespace { get; } = inode;

    public override async KTask<SyscallResult> IoctlAsync(Task current, uint command, ulong argument)
    {
        switch (command)
        {
            case GetUserNamespace:
                // The initial one is owned by none, and nothing above it may be seen.
                return Namespace.Held.Owner is { } owner ? Open(current, owner) : Errno.EPERM;
            case GetParent:
                return Namespace.Held switch
                {
                    PidNamespace { Parent: { } parent } => Open(current, parent),
                    UserNamespace { Parent: { } parent } => Open(current, parent),
                    PidNamespace or UserNamespace => Errno.EPERM,
                    _ => Errno.EINVAL,
                };
            case GetKind:
                return (long)(uint)Namespace.Kind;
            case GetOwnerUid:
                if (Namespace.Held is not UserNamespace)
                    return Errno.EINVAL;
                return await current.WriteUserAsync(new UserPtr<uint>(new VirtAddr(argument)), Uid.Root.Value);
            default:
                return Errno.ENOTTY;
        }
    }

    private static SyscallResult Open(Task current, Namespace what)
    {
        VfsPath path = NamespaceInode.MakePath(current.Kernel, what);
        var file = new NamespaceFile(path, (NamespaceInode)path.Dentry.Inode!, OpenFlags.ReadOnly);
        path.Dentry.Put();
        Errno error = file.Account(current);
        Result<Fd> fd = error == Errno.Success ? current.Files!.Install(current, file, closeOnExec: true) : error;
        if (fd.Ok)
            return fd.Value;
        file.Put();
        return fd.Error;
    }
}

/// <summary>Moving into namespaces that are there (setns(2)): all that were asked for, or none.</summary>
internal static class NamespaceEntry
{
    /// <summary>Moves the current task. EINVAL, EPERM, EUSERS.</summary>
    public static Errno Enter(Task current, ReadOnlySpan<Namespace> wanted)
    {
        NamespaceSet set = current.Namespaces;
        foreach (Namespace target in wanted)
        {
            Errno error = Check(current, target);
            if (error != Errno.Success)
                return error;
            set = target switch
            {
                UtsNamespace uts => set with { Uts = uts },
                IpcNamespace ipc => set with { Ipc = ipc },
                MountNamespace mounts => set with { Mount = mounts },
                NetNamespace net => set with { Net = net },
                CgroupNamespace cgroup => set with { Cgroup = cgroup },

                // There is one of each: whoever asks for it is in it.
                _ => set,
            };
        }

        NamespaceSet old = current.Namespaces;
        if (set.Ipc != old.Ipc)
            current.LeaveSemaphores();
        current.Namespaces = set.Get();
        if (Contains<MountNamespace>(wanted))
        {
            VfsPath top = VirtualFileSystem.Topmost(new VfsPath(set.Mount.Root!, set.Mount.Root!.Root));
            current.Fs!.SetRoot(top);
            current.Fs.SetWorkingDirectory(top);
        }

        old.Put();
        return Errno.Success;
    }

    private static Errno Check(Task current, Namespace target)
    {
        Credentials credentials = current.Credentials;
        UserNamespace owner = target.Owner ?? current.Kernel.InitUserNamespace;

        // Nobody gains anything by entering the user namespace that he is in.
        if (target is UserNamespace)
            return Errno.EINVAL;
        bool capable = credentials.IsCapable(owner, Capability.SysAdmin) && credentials.IsCapable(credentials.UserNamespace, Capability.SysAdmin);
        if (target is MountNamespace mounts)
        {
            if (!capable || !credentials.IsCapable(credentials.UserNamespace, Capability.SysChroot))
                return Errno.EPERM;
            return current.Fs!.Users > 1 || mounts.Root is null ? Errno.EINVAL : Errno.Success;
        }

        if (target is TimeNamespace && current.ThreadGroup.Threads.Count > 1)
            return Errno.EUSERS;
        return capable ? Errno.Success : Errno.EPERM;
    }

    private static bool Contains<T>(ReadOnlySpan<Namespace> wanted)
    {
        foreach (Namespace target in wanted)
        {
            if (target is T)
                return true;
        }

        return false;
    }
}
