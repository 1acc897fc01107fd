using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <content>Finding things: by path, by name in a directory; and whether the task may.</content>
internal sealed partial class VirtualFileSystem
{
    private const int WalksKept = 8;
    private readonly Stack<PathWalk> _walks = new();

    /// <summary>Buffers for paths.</summary>
    public PathNamePool Names { get; } = new();

    public PathWalk RentWalk() => _walks.TryPop(out PathWalk? walk) ? walk : new PathWalk(this);

    internal void ReturnWalk(PathWalk walk)
    {
        if (_walks.Count < WalksKept)
            _walks.Push(walk);
    }

    /// <summary>Resolves a path of user code. The result carries a reference.</summary>
    public async KTask<Result<VfsPath>> LookUpPathAsync(Task current, Fd directory, PathName name, WalkFlags flags)
    {
        using PathWalk walk = RentWalk();
        Errno error = walk.Start(current, directory, name, flags);
        if (error == Errno.Success)
            error = await walk.ResolveAsync();
        if (error != Errno.Success)
            return error;
        return walk.At.Get();
    }

    /// <summary>Resolves a user's path string. The result carries a reference.</summary>
    public async KTask<Result<VfsPath>> LookUpUserPathAsync(Task current, Fd directory, UserString path, WalkFlags flags)
    {
        Result<PathName> name = await Names.ReadAsync(current, path);
        if (!name.Ok)
            return name.Error;
        using PathName text = name.Value;
        return await LookUpPathAsync(current, directory, text, flags);
    }

    /// <summary>Finds a name in a directory through cache and file system; negative if there is none. The result carries a reference.</summary>
    public async KTask<Result<Dentry>> LookUpAsync(Task current, Dentry directory, FileName name)
    {
        Inode inode = directory.Inode!;
        await inode.Lock.LockAsync(current);
        Result<Dentry> result = await LookUpLockedAsync(current, directory, name);
        inode.Lock.Unlock(current);
        return result;
    }

    /// <summary>Finds a name under the directory's lock that the caller holds. Cached dentries are revalidated.</summary>
    public async KTask<Result<Dentry>> LookUpLockedAsync(Task current, Dentry directory, FileName name)
    {
        Dentry? cached = Dentries.Find(directory, name.Bytes, name.GetHashCode());
        if (cached is not null)
        {
            if (cached.SuperBlock!.DentriesAreStable)
                return cached.Get();
            cached.Get();
            if (await cached.SuperBlock.RevalidateAsync(current, cached))
                return cached;
            Dentries.Invalidate(cached);
            cached.Put();
        }

        Inode parent = directory.Inode!;
        if (parent.IsDead)
            return Errno.ENOENT;
        Result<Inode?> found = await parent.LookupAsync(current, name);
        if (!found.Ok)
            return found.Error;
        Inode? inode = found.Value;
        Result<Dentry> made = Dentries.Create(directory, name, inode, current.Cgroup);
        if (!made.Ok)
        {
            inode?.Put();
            return made.Error;
        }

        if (inode is not null || directory.SuperBlock!.DentriesAreStable)
            Dentries.Hash(made.Value);
        return made.Value;
    }

    /// <summary>Whether the task may access the inode (inode_permission): read-only file systems refuse writes.</summary>
    public KTask<Errno> PermissionAsync(Task current, Inode inode, AccessMask mask)
    {
        if ((mask & AccessMask.Write) != 0 && inode.SuperBlock.IsReadOnly && (inode.IsRegular || inode.IsDirectory || inode.IsSymlink))
            return KTask<Errno>.FromResult(Errno.EROFS);
        return inode.PermissionAsync(current, mask & (AccessMask.Read | AccessMask.Write | AccessMask.Execute));
    }

    /// <summary>As access(2) and chdir(2) ask: the mount counts too.</summary>
    public KTask<Errno> PermissionAsync(Task current, VfsPath path, AccessMask mask) => PermissionAsync(current, path.Dentry.Inode!, mask);

    /// <summary>Whether a name may be made in a directory (may_create).</summary>
    internal KTask<Errno> MayCreateAsync(Task current, Inode directory)
    {
        if (directory.IsDead)
            return KTask<Errno>.FromResult(Errno.ENOENT);
        return PermissionAsync(current, directory, AccessMask.Write | AccessMask.Execute);
    }

    /// <summary>Whether an entry may be removed or renamed away (may_delete).</summary>
    /// <param name="wantDirectory">rmdir or the rename of a directory; null when either will do.</param>
    internal async KTask<Errno> MayDeleteAsync(Task current, Inode directory, Inode victim, bool? wantDirectory)
    {
        Errno error = await PermissionAsync(current, directory, AccessMask.Write | AccessMask.Execute);
        if (error != Errno.Success)
            return error;
        if (IsStickyForbidden(current, directory, victim))
            return Errno.EPERM;
        if (wantDirectory == true)
        {
            if (!victim.IsDirectory)
                return Errno.ENOTDIR;
        }
        else if (wantDirectory == false && victim.IsDirectory)
        {
            return Errno.EISDIR;
        }

        return directory.IsDead ? Errno.ENOENT : Errno.Success;
    }

    /// <summary>In a sticky directory only the entry's or the directory's owner may remove it.</summary>
    internal static bool IsStickyForbidden(Task current, Inode directory, Inode victim)
    {
        if ((directory.Mode & FileMode.Sticky) == 0)
            return false;
        Credentials credentials = current.Credentials;
        return victim.Uid != credentials.Fsuid
            && directory.Uid != credentials.Fsuid
            && !credentials.IsCapable(credentials.UserNamespace, Capability.Fowner);
    }

    /// <summary>Whether the task owns the inode or may act as if (inode_owner_or_capable).</summary>
    internal static bool IsOwnerOrCapable(Task current, Inode inode) =>
        inode.Uid == current.Credentials.Fsuid || current.IsCapable(Capability.Fowner);

    /// <summary>The text of a link; a magic link without one shows the path of where it leads.</summary>
    public async KTask<Result<byte[]>> ReadLinkTextAsync(Task current, Inode link)
    {
        Result<VfsPath?> magic = await link.FollowMagicLinkAsync(current);
        if (!magic.Ok)
            return magic.Error;
        if (magic.Value is not { } target)
            return await link.ReadLinkAsync(current);
        byte[] text = PathText.Of(target, current.Fs!.Root);
        target.Put();
        return text.Length >= PathName.Maximum ? Errno.ENAMETOOLONG : text;
    }

    /// <summary>Notes an access through a mount by its atime rules (touch_atime): relatime by default.</summary>
    public void TouchAccessTime(Mount mount, Inode inode)
    {
        if ((mount.Flags & MountFlags.NoAccessTime) != 0 || mount.IsReadOnly)
            return;
        if (inode.IsDirectory && (mount.Flags & MountFlags.NoDirAccessTime) != 0)
            return;
        if (inode.SuperBlock.HasNoAccessTimes)
            return;
        Timespec now = Kernel.Time.RealtimeTimespec;
        Timespec old = inode.AccessTime;
        if ((mount.Flags & MountFlags.StrictAccessTime) == 0
            && IsLater(old, inode.ModificationTime)
            && IsLater(old, inode.ChangeTime)
            && now.Seconds - old.Seconds < 24 * 60 * 60)
        {
            return;
        }

        if (old != now)
            inode.SetAccessTime(now);
    }

    /// <summary>A read went through the description (file_accessed).</summary>
    public void FileAccessed(OpenFile file)
    {
        if ((file.Flags & OpenFlags.NoAccessTime) == 0 && file.Path.Mount is { } mount)
            TouchAccessTime(mount, file.Inode);
    }

    private static bool IsLater(Timespec a, Timespec b) =>
        a.Seconds > b.Seconds || (a.Seconds == b.Seconds && a.Nanoseconds > b.Nanoseconds);
}
