namespace Vitrine.Kernel.Vfs;

/// <summary>What an open asks for, checked and taken apart (struct open_flags' twin).</summary>
internal readonly record struct OpenRequest(OpenFlags Flags, FileMode Mode, AccessMask Access, WalkFlags Walk)
{
    private const OpenFlags TemporaryBit = OpenFlags.TemporaryFile & ~OpenFlags.Directory;

    private const OpenFlags Valid = OpenFlags.AccessMode | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoControllingTty
        | OpenFlags.Truncate | OpenFlags.Append | OpenFlags.NonBlock | OpenFlags.Sync | OpenFlags.Async | OpenFlags.Direct
        | OpenFlags.LargeFile | OpenFlags.Directory | OpenFlags.NoFollow | OpenFlags.NoAccessTime | OpenFlags.CloseOnExec
        | OpenFlags.Path | TemporaryBit;

    private const OpenFlags ValidWithPath = OpenFlags.Directory | OpenFlags.NoFollow | OpenFlags.Path | OpenFlags.CloseOnExec;

    public bool Creates => (Flags & OpenFlags.Create) != 0;

    public bool IsExclusive => (Flags & (OpenFlags.Create | OpenFlags.Exclusive)) == (OpenFlags.Create | OpenFlags.Exclusive);

    public bool IsPathOnly => (Flags & OpenFlags.Path) != 0;

    public bool IsTemporary => (Flags & TemporaryBit) != 0;

    public bool Truncates => (Flags & OpenFlags.Truncate) != 0;

    public bool CloseOnExec => (Flags & OpenFlags.CloseOnExec) != 0;

    /// <summary>What the description keeps and F_GETFL shows, and O_NOCTTY, which a terminal looks at when it is opened.</summary>
    public OpenFlags FileFlags =>
        (Flags | (IsPathOnly ? OpenFlags.ReadOnly : OpenFlags.LargeFile)) & ~(OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Truncate | OpenFlags.CloseOnExec);

    /// <summary>The flags of open(2), which ignores what it does not know.</summary>
    public static Result<OpenRequest> FromOpen(OpenFlags flags, uint mode)
    {
        flags &= Valid;
        if ((flags & OpenFlags.Path) != 0)
            flags &= ValidWithPath;
        bool creates = (flags & (OpenFlags.Create | TemporaryBit)) != 0;
        return Build(flags, creates ? (FileMode)mode & FileMode.PermissionMask : FileMode.None, ResolveFlags.None);
    }

    /// <summary>The structure of openat2(2), which refuses what it does not know.</summary>
    public static Result<OpenRequest> FromHow(OpenHow how)
    {
        const ResolveFlags known = ResolveFlags.NoXdev | ResolveFlags.NoMagicLinks | ResolveFlags.NoSymlinks
            | ResolveFlags.Beneath | ResolveFlags.InRoot | ResolveFlags.Cached;
        var resolve = (ResolveFlags)how.Resolve;
        if ((how.Flags & ~(ulong)Valid) != 0 || (resolve & ~known) != 0)
            return Errno.EINVAL;
        if ((resolve & (ResolveFlags.Beneath | ResolveFlags.InRoot)) == (ResolveFlags.Beneath | ResolveFlags.InRoot))
            return Errno.EINVAL;
        var flags = (OpenFlags)how.Flags;
        bool creates = (flags & (OpenFlags.Create | TemporaryBit)) != 0;
        if (creates ? (how.Mode & ~(ulong)FileMode.PermissionMask) != 0 : how.Mode != 0)
            return Errno.EINVAL;
        if ((flags & OpenFlags.Path) != 0 && (flags & ~ValidWithPath) != 0)
            return Errno.EINVAL;
        return Build(flags, (FileMode)how.Mode, resolve);
    }

    private static Result<OpenRequest> Build(OpenFlags flags, FileMode mode, ResolveFlags resolve)
    {
        if ((flags & (OpenFlags.Create | OpenFlags.Directory)) == (OpenFlags.Create | OpenFlags.Directory))
            return Errno.EINVAL;
        AccessMask access = (flags & OpenFlags.AccessMode) switch
        {
            OpenFlags.ReadOnly => AccessMask.Read,
            OpenFlags.WriteOnly => AccessMask.Write,
            _ => AccessMask.Read | AccessMask.Write,
        };
        if ((flags & TemporaryBit) != 0)
        {
            if ((flags & OpenFlags.Directory) == 0 || (access & AccessMask.Write) == 0)
                return Errno.EINVAL;
        }

        if ((flags & OpenFlags.Path) != 0)
            access = AccessMask.None;
        if ((flags & OpenFlags.Truncate) != 0)
            access |= AccessMask.Write;
        if ((flags & OpenFlags.Append) != 0)
            access |= AccessMask.Append;
        if ((flags & OpenFlags.Sync & ~OpenFlags.DataSync) != 0)
            flags |= OpenFlags.DataSync;
        WalkFlags walk = WalkFlags.None;
        if ((flags & (OpenFlags.Create | OpenFlags.Exclusive)) == (OpenFlags.Create | OpenFlags.Exclusive))
            flags |= OpenFlags.NoFollow;
        if ((flags & OpenFlags.Directory) != 0)
            walk |= WalkFlags.Directory;
        if ((flags & OpenFlags.NoFollow) == 0)
            walk |= WalkFlags.Follow;
        if ((resolve & ResolveFlags.NoXdev) != 0)
            walk |= WalkFlags.NoXdev;
        if ((resolve & ResolveFlags.NoMagicLinks) != 0)
            walk |= WalkFlags.NoMagicLinks;
        if ((resolve & ResolveFlags.NoSymlinks) != 0)
            walk |= WalkFlags.NoSymlinks;
        if ((resolve & ResolveFlags.Beneath) != 0)
            walk |= WalkFlags.Beneath;
        if ((resolve & ResolveFlags.InRoot) != 0)
            walk |= WalkFlags.InRoot;
        if ((resolve & ResolveFlags.Cached) != 0)
        {
            if ((flags & (OpenFlags.Truncate | OpenFlags.Create | TemporaryBit)) != 0)
                return Errno.EAGAIN;
            walk |= WalkFlags.Cached;
        }

        return new OpenRequest(flags, mode, access, walk);
    }
}
