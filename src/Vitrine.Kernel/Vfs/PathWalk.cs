using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <summary>How a path is to be resolved (LOOKUP_* and RESOLVE_*).</summary>
[Flags]
internal enum WalkFlags : uint
{
    None = 0,

    /// <summary>A symbolic link in the last place is followed.</summary>
    Follow = 1,

    /// <summary>The result must be a directory.</summary>
    Directory = 2,

    /// <summary>An empty path means the starting point itself (AT_EMPTY_PATH).</summary>
    Empty = 4,

    /// <summary>Stops before the last component.</summary>
    Parent = 8,

    NoXdev = 0x10,
    NoMagicLinks = 0x20,
    NoSymlinks = 0x40,
    Beneath = 0x80,
    InRoot = 0x100,

    /// <summary>Only what is cached: EAGAIN where the file system would have to be asked.</summary>
    Cached = 0x200,
}

/// <summary>What stands in the last place of a path.</summary>
internal enum LastKind
{
    Normal = 0,
    Dot = 1,
    DotDot = 2,

    /// <summary>Nothing: "/", or a link that ends the path leads there.</summary>
    Root = 3,
}

/// <summary>
/// One path resolution (nameidata's twin; path_resolution(7)): component by component over (mount, dentry). What is
/// cached is walked synchronously without references and without allocation, which the kernel lock makes safe; before
/// anything is awaited the walk takes references on where it stands. Pooled; use: Start, ResolveAsync, read
/// <see cref="At"/>, Dispose.
/// </summary>
[KernelTaskRuntime]
internal sealed partial class PathWalk : IDisposable
{
    /// <summary>MAXSYMLINKS: links followed in one resolution.</summary>
    private const int MaximumLinks = 40;

    private readonly VirtualFileSystem _vfs;
    private readonly DentryCache _cache;
    private readonly Frame[] _frames = new Frame[MaximumLinks + 1];

    private Task _current = null!;
    private WalkFlags _flags;
    private VfsPath _root;
    private VfsPath _held;
    private Dentry? _found;
    private byte[] _name = [];
    private int _position;
    private int _end;
    private int _depth;
    private int _links;
    private bool _permitted;
    private bool _mustBeDirectory;

    // The component under way: its bytes stay where they are when its frame has been left.
    private byte[] _componentSource = [];
    private int _componentStart;
    private int _componentLength;
    private bool _componentIsLast;
    private bool _componentPending;
    private bool _validated;
    private VfsPath _link;

    private Errno _error;
    private KTask<Errno> _pendingPermission;
    private KTask<bool> _pendingValidation;

    internal PathWalk(VirtualFileSystem vfs)
    {
        _vfs = vfs;
        _cache = vfs.Dentries;
    }

    private enum Need
    {
        Done = 0,
        Failed = 1,
        Permission = 2,
        Lookup = 3,
        Validation = 4,
        Link = 5,
    }

    /// <summary>Where the walk stands: the result, or the directory of the last component. Referenced until Dispose.</summary>
    public VfsPath At { get; private set; }

    /// <summary>What is in the last place, when the walk was asked for the parent.</summary>
    public LastKind LastKind { get; private set; }

    /// <summary>Slashes followed the last component (of the path or of a link that ended it).</summary>
    public bool HasTrailingSlash { get; private set; }

    /// <summary>The root that ".." does not pass.</summary>
    public VfsPath Root => _root;

    public ReadOnlySpan<byte> LastBytes => _componentSource.AsSpan(_componentStart, _componentLength);

    /// <summary>The last component, copied.</summary>
    public FileName Last => new(LastBytes);

    /// <summary>A path through a trailing slash or the caller's flag must lead to a directory.</summary>
    public bool MustBeDirectory => _mustBeDirectory || (_flags & WalkFlags.Directory) != 0;

    /// <summary>Sets the walk at its starting point. ENOENT for an empty path, EBADF, ENOTDIR, EXDEV.</summary>
    public Errno Start(Task current, Fd directory, PathName name, WalkFlags flags)
    {
        _current = current;
        _flags = flags;
        _name = name.Buffer;
        _position = 0;
        _end = name.Length;
        FsContext fs = current.Fs!;
        bool scoped = (flags & (WalkFlags.Beneath | WalkFlags.InRoot)) != 0;
        bool absolute = _end > 0 && _name[0] == '/';
        VfsPath start;
        if (absolute && !scoped)
        {
            start = fs.Root;
        }
        else if (directory == Fd.Cwd)
        {
            start = fs.WorkingDirectory;
        }
        else
        {
            OpenFile? file = current.Files!.Peek(directory);
            if (file is null)
                return Errno.EBADF;
            start = file.Path;
            if (_end > 0 && !start.Dentry.Inode!.IsDirectory)
                return Errno.ENOTDIR;
        }

        if (_end == 0 && (flags & WalkFlags.Empty) == 0)
            return Errno.ENOENT;
        if (absolute && (flags & WalkFlags.Beneath) != 0)
            return Errno.EXDEV;
        SetStart(start, scoped ? start : fs.Root);
        return Errno.Success;
    }

    /// <summary>Sets the walk at a place of the caller's: for the kernel's own paths.</summary>
    public void StartAt(Task current, VfsPath start, VfsPath root, PathName name, WalkFlags flags)
    {
        _current = current;
        _flags = flags;
        _name = name.Buffer;
        _position = 0;
        _end = name.Length;
        SetStart(name.Length > 0 && name.Buffer[0] == '/' ? root : start, root);
    }

    /// <summary>Walks to the end, or to the last component with <see cref="WalkFlags.Parent"/>.</summary>
    public async KTask<Errno> ResolveAsync()
    {
        for (; ; )
        {
            Need need = Advance();
            if (need == Need.Done)
            {
                HoldHere();
                return Errno.Success;
            }

            if (need == Need.Failed)
                return _error;
            Errno error = await SatisfyAsync(need);
            if (error != Errno.Success)
                return error;
        }
    }

    /// <summary>
    /// Goes on from a symbolic link that the caller found in the last place (an open that creates): to the parent of
    /// what it names. The link is borrowed.
    /// </summary>
    public async KTask<Errno> FollowLastAsync(VfsPath link)
    {
        _mustBeDirectory |= HasTrailingSlash;
        _link = link;
        _componentIsLast = true;
        HoldHere();
        Errno error = await FollowLinkAsync();
        return error != Errno.Success ? error : await ResolveAsync();
    }

    public void Dispose()
    {
        ReleaseFound();
        _held.PutUnused();
        _root.PutUnused();
        _held = _root = At = _link = default;
        Array.Clear(_frames, 0, _depth);
        _depth = 0;
        _name = _componentSource = [];
        _current = null!;
        _vfs.ReturnWalk(this);
    }

    private void SetStart(VfsPath start, VfsPath root)
    {
        _root = root.Get();
        _held = start.Get();
        At = start;
        _depth = _links = 0;
        _permitted = _componentPending = _mustBeDirectory = _validated = false;
        HasTrailingSlash = false;
        LastKind = LastKind.Root;
        _error = Errno.Success;
    }

    /// <summary>Takes references on where the walk stands, and gives up those on where it stood.</summary>
    private void HoldHere()
    {
        if (!_held.IsSame(At))
        {
            VfsPath old = _held;
            _held = At.Get();
            old.PutUnused();
        }

        ReleaseFound();
    }

    private void ReleaseFound()
    {
        Dentry? found = _found;
        _found = null;
        found?.Put();
    }

    private Need Fail(Errno error)
    {
        _error = error;
        return Need.Failed;
    }

    /// <summary>Walks on while everything is cached.</summary>
    private Need Advance()
    {
        for (; ; )
        {
            if (!_componentPending)
            {
                while (_position < _end && _name[_position] == '/')
                    _position++;
                if (_position == _end)
                {
                    // Only a path without components, or one ended by a link to such.
                    if (_mustBeDirectory && !At.Dentry.Inode!.IsDirectory)
                        return Fail(Errno.ENOTDIR);
                    return Need.Done;
                }

                Need permission = CheckSearch();
                if (permission != Need.Done)
                    return permission;
                Errno error = TakeComponent();
                if (error != Errno.Success)
                    return Fail(error);
            }

            if (_componentIsLast && (_flags & WalkFlags.Parent) != 0)
            {
                _componentPending = false;
                return Need.Done;
            }

            Need need = Step();
            if (need != Need.Done)
                return need;
            _componentPending = false;
            _validated = false;
            if (_componentIsLast)
                return MustBeDirectory && !At.Dentry.Inode!.IsDirectory ? Fail(Errno.ENOTDIR) : Need.Done;
        }
    }

    /// <summary>The directory must let the task search it.</summary>
    private Need CheckSearch()
    {
        if (_permitted)
            return Need.Done;
        Inode? inode = At.Dentry.Inode;
        if (inode is null || !inode.IsDirectory)
            return Fail(Errno.ENOTDIR);
        KTask<Errno> check = inode.PermissionAsync(_current, AccessMask.Execute);
        if (!check.IsCompleted)
        {
            _pendingPermission = check;
            return Need.Permission;
        }

        Errno error = check.GetAwaiter().GetResult();
        if (error != Errno.Success)
            return Fail(error);
        _permitted = true;
        return Need.Done;
    }

    /// <summary>Cuts the next component off the text, leaving frames that end with it.</summary>
    private Errno TakeComponent()
    {
        int start = _position;
        int length = _name.AsSpan(start, _end - start).IndexOf((byte)'/');
        if (length < 0)
            length = _end - start;
        _componentSource = _name;
        _componentStart = start;
        _componentLength = length;
        _componentPending = true;
        _position = start + length;
        bool slash = _position < _end;
        while (_position < _end && _name[_position] == '/')
            _position++;
        _componentIsLast = false;
        if (_position == _end)
        {
            if (_depth == 0)
            {
                _componentIsLast = true;
                HasTrailingSlash = slash;
                if (slash && (_flags & WalkFlags.Parent) == 0)
                    _mustBeDirectory = true;
            }
            else
            {
                PopFrame();
            }
        }

        ReadOnlySpan<byte> name = _componentSource.AsSpan(start, length);
        LastKind = length == 1 && name[0] == '.' ? LastKind.Dot
            : length == 2 && name[0] == '.' && name[1] == '.' ? LastKind.DotDot
            : LastKind.Normal;
        return length > FileName.MaxLength ? Errno.ENAMETOOLONG : Errno.Success;
    }

    /// <summary>Goes into the component: dot, dot dot, a cached name, over mounts, to a link that must be read.</summary>
    private Need Step()
    {
        if (LastKind == LastKind.Dot)
            return Need.Done;
        if (LastKind == LastKind.DotDot)
            return StepUp();
        Dentry? dentry = _found;
        if (dentry is null)
        {
            ReadOnlySpan<byte> name = LastBytes;
            dentry = _cache.Find(At.Dentry, name, FileName.HashOf(name));
            if (dentry is null)
                return (_flags & WalkFlags.Cached) != 0 ? Fail(Errno.EAGAIN) : Need.Lookup;
            if (!dentry.SuperBlock!.DentriesAreStable && !_validated)
            {
                Need validation = Validate(dentry);
                if (validation != Need.Done)
                    return validation;
            }
        }

        if (dentry.Inode is null)
            return Fail(Errno.ENOENT);
        var next = new VfsPath(At.Mount, dentry);
        if (dentry.IsMountPoint)
        {
            Errno error = CrossMounts(ref next);
            if (error != Errno.Success)
                return Fail(error);
        }

        if (next.Dentry.Inode!.IsSymlink
            && (!_componentIsLast || (_flags & WalkFlags.Follow) != 0 || HasTrailingSlash))
        {
            _link = next;
            return Need.Link;
        }

        At = next;
        _permitted = false;

        // What was looked up for this component must not pass for the next one.
        if (_found is not null)
            HoldHere();
        return Need.Done;
    }

    private Need Validate(Dentry dentry)
    {
        KTask<bool> check = dentry.SuperBlock!.RevalidateAsync(_current, dentry);
        if (!check.IsCompleted)
        {
            _pendingValidation = check;
            _found = dentry.Get();
            return Need.Validation;
        }

        if (check.GetAwaiter().GetResult())
            return Need.Done;
        _cache.Invalidate(dentry);
        return Need.Lookup;
    }

    /// <summary>Goes onto what is mounted here, and on that, and so on.</summary>
    private Errno CrossMounts(ref VfsPath path)
    {
        while (path.Dentry.IsMountPoint && path.Mount.FindChild(path.Dentry) is { } mount)
        {
            if ((_flags & WalkFlags.NoXdev) != 0)
                return Errno.EXDEV;
            path = new VfsPath(mount, mount.Root);
        }

        return Errno.Success;
    }

    /// <summary>"..": out of the mount at its root, never above the walk's root.</summary>
    private Need StepUp()
    {
        VfsPath at = At;
        for (; ; )
        {
            if (at.IsSame(_root))
            {
                if ((_flags & WalkFlags.Beneath) != 0)
                    return Fail(Errno.EXDEV);
                break;
            }

            if (at.Dentry != at.Mount.Root)
            {
                // A directory that was moved out of what a bind mount shows has no parent to be seen.
                if (at.Dentry.Parent is not { } parent)
                    return Fail(Errno.ENOENT);
                at = new VfsPath(at.Mount, parent);
                break;
            }

            if (at.Mount.Parent is not { } below)
                break;
            if ((_flags & WalkFlags.NoXdev) != 0)
                return Fail(Errno.EXDEV);
            at = new VfsPath(below, at.Mount.MountPoint!);
        }

        Errno error = CrossMounts(ref at);
        if (error != Errno.Success)
            return Fail(error);
        At = at;
        _permitted = false;
        return Need.Done;
    }

    private void PopFrame()
    {
        Frame frame = _frames[--_depth];
        _frames[_depth] = default;
        _name = frame.Name;
        _position = frame.Position;
        _end = frame.End;
    }

    private readonly record struct Frame(byte[] Name, int Position, int End);
}
