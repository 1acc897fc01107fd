using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Overlay;

/// <summary>
/// A directory of the overlay: an upper one, the lower ones that show through it (unless it is opaque), or both. An
/// entry of a tree hides those of the trees below; a character device 0:0 hides them without being there itself.
/// </summary>
internal sealed partial class OverlayDirectory : OverlayInode
{
    private static readonly byte[] OpaqueMark = [(byte)'y'];
    private readonly Inode[] _lowers;
    private byte[]? _redirect;

    /// <param name="upper">Its reference is taken over.</param>
    /// <param name="lowers">Topmost first; their references are taken over.</param>
    /// <param name="redirect">Where in the lower trees the lower ones are, if not at the directory's own place.</param>
    public OverlayDirectory(
        OverlaySuperBlock superBlock,
        OverlayIdentity identity,
        Inode? upper,
        Inode[] lowers,
        OverlayDirectory? parent,
        FileName name,
        byte[]? redirect,
        bool isOpaque)
        : base(superBlock, identity, (upper ?? lowers[0]).Mode, upper, lowers.Length > 0 ? lowers[0] : null)
    {
        _lowers = lowers;
        _redirect = redirect;
        IsOpaque = isOpaque;
        if (parent is not null)
            PlaceAt(parent, name);
        if (upper is not null && lowers.Length > 0)
            superBlock.AddMoved(upper, identity);
        CopyAttributes();
    }

    /// <summary>The upper directory hides what may be below.</summary>
    public bool IsOpaque { get; private set; }

    /// <summary>The one directory whose listing is the overlay's; null for a merged one.</summary>
    public Inode? OnlyReal => Upper is null ? (_lowers.Length == 1 ? _lowers[0] : null) : _lowers.Length == 0 ? Upper : null;

    public override void CopyAttributes()
    {
        if (LinkCount == 0)
            return;
        base.CopyAttributes();

        // What subdirectories a merged directory has would take a listing to know: 1 says that nobody counted.
        LinkCount = OnlyReal is { } only ? only.LinkCount : 1;
    }

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags) =>
        KTask<Result<OpenFile>>.FromResult(new OverlayDirectoryFile(path, this, flags));

    public override async KTask<Result<Inode?>> LookupAsync(Task current, FileName name)
    {
        Inode? upper = null;
        byte[]? redirect = null;
        bool isOpaque = false;
        if (Upper is { } upperDirectory)
        {
            Result<Inode?> found = await FindAsync(current, upperDirectory, name);
            if (!found.TryGet(out upper, out Errno error))
                return error;
            if (upper is not null && IsWhiteout(upper))
            {
                upper.Put();
                return (Inode?)null;
            }

            if (upper is { IsDirectory: true } && _lowers.Length > 0)
                isOpaque = await HasOpaqueMarkAsync(current, upper);
            if (upper is { IsDirectory: true } && !isOpaque)
                redirect = await RedirectOfAsync(current, upper);
        }

        Inode[] lowers = [];
        if (upper is null || (upper.IsDirectory && !isOpaque))
        {
            Result<Inode[]> collected = redirect is null ? await CollectAsync(current, _lowers, name, upper is not null)
                : redirect.Length > 0 && redirect[0] == (byte)'/' ? await FollowRedirectAsync(current, redirect)
                : await CollectAsync(current, _lowers, new FileName(redirect), true);
            if (!collected.TryGet(out lowers!, out Errno error))
            {
                upper?.Put();
                return error;
            }

            if (redirect is not null && redirect[0] != (byte)'/')
                redirect = [.. LowerPath(), (byte)'/', .. redirect];
        }

        if (upper is null && lowers.Length == 0)
            return (Inode?)null;
        return await ObtainAsync(current, name, upper, lowers, redirect, isOpaque);
    }

    public override void Evict()
    {
        // The base puts the first one.
        for (int i = 1; i < _lowers.Length; i++)
            _lowers[i].Put();
        base.Evict();
    }

    public static bool IsWhiteout(Inode inode) => inode.Type == FileMode.CharacterDevice && inode.Device == default;

    /// <summary>The overlay inode over what was found, which takes over the references.</summary>
    private async KTask<Result<Inode?>> ObtainAsync(Task current, FileName name, Inode? upper, Inode[] lowers, byte[]? redirect, bool isOpaque)
    {
        Inode real = upper ?? lowers[0];
        OverlayIdentity identity;
        OverlayLinks? links = null;
        if (Super.Find(real) is { } live && Reuse(live, name))
        {
            PutAll(upper, lowers);
            return live;
        }

        Result<OverlayIdentity> identified = await IdentifyAsync(current, upper, lowers);
        Errno error = identified.Error;
        if (error == Errno.Success)
            error = current.Cgroup.ChargeKernelMemory(ObjectSize);
        if (error != Errno.Success)
        {
            PutAll(upper, lowers);
            return error;
        }

        identity = identified.Value;
        if (!real.IsDirectory)
        {
            links = Super.FindLinks(identity);
            if (links?.Upper is { } known && upper is null)
            {
                upper = known.Get();
                real = upper;
            }
        }

        // Another task may have been here while this one waited.
        if (Super.Find(real) is { } other && Reuse(other, name))
        {
            PutAll(upper, lowers);
            current.Cgroup.UnchargeKernelMemory(ObjectSize);
            return other;
        }

        OverlayInode made;
        if (real.IsDirectory)
        {
            made = new OverlayDirectory(Super, identity, upper, lowers, this, name, redirect, isOpaque);
        }
        else
        {
            Inode? lower = lowers.Length > 0 ? lowers[0] : null;
            made = real.IsRegular ? new OverlayRegularFile(Super, identity, upper, lower) : new OverlayNode(Super, identity, upper, lower);
            made.PlaceAt(this, name);
            if (links is not null)
                made.LinkCount = links.LinkCount;
            if (upper is not null && lower is not null)
                Super.AddMoved(upper, identity);
        }

        made.ChargedTo = current.Cgroup;
        return made;
    }

    /// <summary>Takes a reference on a live overlay inode if it is the one of this place.</summary>
    private bool Reuse(OverlayInode live, FileName name)
    {
        if (live.IsDirectory && (live.Parent != this || live.Name != name))
            return false;
        _ = live.Get();
        if (!live.IsDirectory)
            live.PlaceAt(this, name);
        return true;
    }

    private async KTask<Result<OverlayIdentity>> IdentifyAsync(Task current, Inode? upper, Inode[] lowers)
    {
        if (upper is not null)
        {
            Result<byte[]> origin = await upper.GetXattrAsync(current, Super.OriginName);
            if (origin.Ok && OverlayIdentity.Decode(origin.Value) is { } kept)
            {
                Super.AddMoved(upper, kept);
                return kept;
            }
        }

        Inode shown = lowers.Length > 0 ? lowers[0] : upper!;
        Result<KernelStat> stat = await shown.GetAttributesAsync(current, StatxMask.Inode);
        return stat.Ok ? Super.IdentityOf(shown, stat.Value.Device, stat.Value.Inode) : stat.Error;
    }

    /// <summary>What the lower directories have under a name: one object that is no directory, or all directories down to an opaque one or a whiteout.</summary>
    private async KTask<Result<Inode[]>> CollectAsync(Task current, Inode[] directories, FileName name, bool onlyDirectories)
    {
        Inode[] found = [];
        for (int i = 0; i < directories.Length; i++)
        {
            Result<Inode?> result = await FindAsync(current, directories[i], name);
            if (!result.TryGet(out Inode? inode, out Errno error))
            {
                PutAll(null, found);
                return error;
            }

            if (inode is null)
                continue;
            if (IsWhiteout(inode) || (!inode.IsDirectory && (onlyDirectories || found.Length > 0)))
            {
                inode.Put();
                break;
            }

            found = [.. found, inode];
            if (!inode.IsDirectory || (i < directories.Length - 1 && await HasOpaqueMarkAsync(current, inode)))
                break;
        }

        return found;
    }

    /// <summary>The lower directories at an absolute path within the lower trees.</summary>
    private async KTask<Result<Inode[]>> FollowRedirectAsync(Task current, byte[] path)
    {
        var root = (OverlayDirectory)Super.Root.Inode!;
        Inode[] at = [.. root._lowers];
        foreach (Inode inode in at)
            _ = inode.Get();
        int start = 1;
        while (start < path.Length && at.Length > 0)
        {
            int length = path.AsSpan(start).IndexOf((byte)'/');
            if (length < 0)
                length = path.Length - start;
            Result<Inode[]> next = await CollectAsync(current, at, new FileName(path.AsSpan(start, length)), true);
            PutAll(null, at);
            if (!next.TryGet(out at!, out Errno error))
                return error;
            start += length + 1;
        }

        return at;
    }

    /// <summary>The directory's place in the lower trees.</summary>
    private byte[] LowerPath()
    {
        var names = new Stack<byte[]>();
        OverlayDirectory at = this;
        while (at._redirect is null && at.Parent is { } parent)
        {
            names.Push(at.Name.Bytes.ToArray());
            at = parent;
        }

        var path = new List<byte>(at._redirect ?? []);
        foreach (byte[] name in names)
        {
            path.Add((byte)'/');
            path.AddRange(name);
        }

        return path.ToArray();
    }

    private static async KTask<Result<Inode?>> FindAsync(Task current, Inode directory, FileName name)
    {
        await directory.Lock.LockAsync(current);
        Result<Inode?> found = await directory.LookupAsync(current, name);
        directory.Lock.Unlock(current);
        return found;
    }

    private async KTask<bool> HasOpaqueMarkAsync(Task current, Inode directory)
    {
        Result<byte[]> mark = await directory.GetXattrAsync(current, Super.OpaqueName);
        return mark.Ok && mark.Value.AsSpan().SequenceEqual(OpaqueMark);
    }

    /// <summary>Null: none, or one that can't be a path (a guest can write what it likes into an upper tree).</summary>
    private async KTask<byte[]?> RedirectOfAsync(Task current, Inode directory)
    {
        Result<byte[]> value = await directory.GetXattrAsync(current, Super.RedirectName);
        if (!value.Ok || value.Value.Length == 0 || value.Value.AsSpan().Contains((byte)0))
            return null;
        ReadOnlySpan<byte> path = value.Value;
        bool isAbsolute = path[0] == (byte)'/';
        if (!isAbsolute && (path.Contains((byte)'/') || path.Length > FileName.MaxLength))
            return null;
        foreach (Range range in path.Split((byte)'/'))
        {
            ReadOnlySpan<byte> component = path[range];
            if (component.SequenceEqual("."u8) || component.SequenceEqual(".."u8) || component.Length > FileName.MaxLength)
                return null;
            if (component.IsEmpty && range.Start.Value != 0)
                return null;
        }

        return value.Value;
    }

    private static void PutAll(Inode? upper, Inode[] lowers)
    {
        upper?.Put();
        foreach (Inode lower in lowers)
            lower.Put();
    }
}
