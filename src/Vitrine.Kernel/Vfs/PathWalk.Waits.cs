using Vitrine.Kernel.Async;

namespace Vitrine.Kernel.Vfs;

/// <content>What a walk must ask of file systems: it holds references on where it stands meanwhile.</content>
internal sealed partial class PathWalk
{
    private async KTask<Errno> SatisfyAsync(Need need)
    {
        switch (need)
        {
            case Need.Permission:
                {
                    HoldHere();
                    Errno error = await _pendingPermission;
                    _pendingPermission = default;
                    _permitted = error == Errno.Success;
                    return error;
                }

            case Need.Validation:
                {
                    KeepPlace();
                    bool valid = await _pendingValidation;
                    _pendingValidation = default;
                    if (valid)
                    {
                        _validated = true;
                        return Errno.Success;
                    }

                    Dentry stale = _found!;
                    _found = null;
                    _cache.Invalidate(stale);
                    stale.Put();
                    return await LookUpAsync();
                }

            case Need.Lookup:
                return await LookUpAsync();

            default:
                KeepPlace();
                return await FollowLinkAsync();
        }
    }

    /// <summary>As <see cref="HoldHere"/>, but keeps the dentry that was found.</summary>
    private void KeepPlace()
    {
        if (_held.IsSame(At))
            return;
        VfsPath old = _held;
        _held = At.Get();
        old.PutUnused();
    }

    private async KTask<Errno> LookUpAsync()
    {
        HoldHere();
        Result<Dentry> found = await _vfs.LookUpAsync(_current, At.Dentry, Last);
        if (!found.Ok)
            return found.Error;
        _found = found.Value;
        _validated = true;
        return Errno.Success;
    }

    /// <summary>Reads the link and goes on with its text, or jumps where a magic link leads.</summary>
    private async KTask<Errno> FollowLinkAsync()
    {
        VfsPath link = _link.Get();
        Errno error = await FollowHeldLinkAsync(link);
        _link = default;
        link.Put();
        return error;
    }

    private async KTask<Errno> FollowHeldLinkAsync(VfsPath link)
    {
        Inode inode = link.Dentry.Inode!;
        if (++_links > MaximumLinks)
            return Errno.ELOOP;
        if (_componentIsLast)
        {
            Errno allowed = MayFollow(inode);
            if (allowed != Errno.Success)
                return allowed;
        }

        if ((_flags & WalkFlags.NoSymlinks) != 0 || (link.Mount.Flags & MountFlags.NoSymFollow) != 0)
            return Errno.ELOOP;
        _vfs.TouchAccessTime(link.Mount, inode);
        Result<VfsPath?> magic = await inode.FollowMagicLinkAsync(_current);
        if (!magic.Ok)
            return magic.Error;
        if (magic.Value is { } target)
            return Jump(target);
        Result<byte[]> text = await inode.ReadLinkAsync(_current);
        if (!text.Ok)
            return text.Error;
        return EnterText(text.Value);
    }

    private Errno EnterText(byte[] text)
    {
        int length = Array.IndexOf(text, (byte)0);
        if (length < 0)
            length = text.Length;
        if (length == 0)
            return Errno.ENOENT;
        if (length >= PathName.Maximum)
            return Errno.ENAMETOOLONG;
        ReleaseFound();
        _componentPending = false;
        _validated = false;
        if (text[0] == '/')
        {
            if ((_flags & WalkFlags.Beneath) != 0)
                return Errno.EXDEV;
            if ((_flags & WalkFlags.NoXdev) != 0 && _root.Mount != At.Mount)
                return Errno.EXDEV;
            At = _root;
            _permitted = false;
            LastKind = LastKind.Root;
        }

        // What follows the link goes on the stack; a link in the last place replaces the text instead.
        if (!_componentIsLast)
            _frames[_depth++] = new Frame(_name, _position, _end);
        _name = text;
        _position = 0;
        _end = length;
        int first = 0;
        while (first < length && text[first] == '/')
            first++;
        if (first == length && !_componentIsLast)
            PopFrame();
        return Errno.Success;
    }

    /// <summary>Goes where a magic link leads, whose reference the walk takes over.</summary>
    private Errno Jump(VfsPath target)
    {
        bool refused = (_flags & (WalkFlags.Beneath | WalkFlags.InRoot)) != 0
            || ((_flags & WalkFlags.NoXdev) != 0 && target.Mount != At.Mount);
        if ((_flags & WalkFlags.NoMagicLinks) != 0 || refused)
        {
            target.Put();
            return refused && (_flags & WalkFlags.NoMagicLinks) == 0 ? Errno.EXDEV : Errno.ELOOP;
        }

        VfsPath old = _held;
        At = _held = target;
        old.Put();
        ReleaseFound();
        _componentPending = false;
        _validated = false;
        _permitted = false;
        LastKind = LastKind.Root;
        if (_componentIsLast)
        {
            _position = _end;
            _depth = 0;
        }

        return Errno.Success;
    }

    /// <summary>protected_symlinks: in sticky directories that all may write to, only links of the follower's or of the directory's owner.</summary>
    private Errno MayFollow(Inode link)
    {
        if (_vfs.Settings.ProtectedSymlinks == 0 || link.Uid == _current.Credentials.Fsuid)
            return Errno.Success;
        Inode directory = At.Dentry.Inode!;
        const FileMode open = FileMode.Sticky | FileMode.OtherWrite;
        return (directory.Mode & open) != open || directory.Uid == link.Uid ? Errno.Success : Errno.EACCES;
    }
}
