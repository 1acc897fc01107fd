using System.Text;
using Vitrine.Kernel;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Overlay;

/// <summary>
/// One tree out of several (overlayfs' twin): lower trees that are never changed and an upper one that takes all
/// writes. The overlay's inode is the only one that the VFS sees of an object, whatever tree its content is in: so
/// number, locks, watches, mappings and descriptors live on when the content moves up.
/// </summary>
internal sealed partial class OverlaySuperBlock : SuperBlock
{
    /// <summary>OVERLAYFS_SUPER_MAGIC.</summary>
    public const long Magic = 0x794c7630;

    /// <summary>FILESYSTEM_MAX_STACK_DEPTH.</summary>
    public const int MaxStackDepth = 2;

    /// <summary>OVL_MAX_STACK: how many lower trees one overlay may have.</summary>
    public const int MaxLowers = 500;

    private const int IndexShift = 56;

    private readonly Dictionary<Inode, OverlayInode> _byReal = [];
    private readonly Dictionary<OverlayIdentity, OverlayLinks> _links = [];
    private readonly Dictionary<(SuperBlock FileSystem, ulong Number), OverlayIdentity> _moved = [];
    private readonly List<SuperBlock> _fileSystems = [];
    private readonly List<int> _firstIndex = [];
    private readonly Inode? _work;
    private readonly VfsPath _workPath;
    private readonly string _shownOptions;
    private int _usedIndices;
    private uint _nextTemporary;

    private OverlaySuperBlock(KernelInstance kernel, FileSystemType type, List<OverlayLayer> lowers, OverlayLayer? upper, VfsPath work, bool userXattrs, string shownOptions)
        : base(type, kernel.Vfs.AllocateAnonymousDevice())
    {
        Kernel = kernel;
        Lowers = lowers;
        Upper = upper;
        _shownOptions = shownOptions;
        Source = "overlay";
        IsReadOnly = upper is null;
        XattrPrefix = userXattrs ? "user.overlay." : "trusted.overlay.";
        OpaqueName = XattrPrefix + "opaque";
        RedirectName = XattrPrefix + "redirect";
        OriginName = XattrPrefix + "origin";
        if (!work.IsNone)
        {
            _workPath = work.Get();
            _work = work.Dentry.Inode;
        }

        for (int i = lowers.Count - 1; i >= 0; i--)
            AddFileSystem(lowers[i].SuperBlock);
        if (upper is not null)
            AddFileSystem(upper.SuperBlock);
        MaxFileSize = (upper ?? lowers[0]).SuperBlock.MaxFileSize;
        BlockSize = (upper ?? lowers[0]).SuperBlock.BlockSize;
    }

    /// <summary>Topmost first.</summary>
    public List<OverlayLayer> Lowers { get; }

    /// <summary>Null: read-only.</summary>
    public OverlayLayer? Upper { get; }

    public string XattrPrefix { get; }

    public string OpaqueName { get; }

    public string RedirectName { get; }

    public string OriginName { get; }

    /// <summary>Who mounted it: what the trees underneath are accessed as. Null: the kernel itself.</summary>
    public Credentials? Mounter { get; private init; }

    /// <summary>Overlays upon overlays, this one included.</summary>
    public int StackDepth { get; private set; }

    public int LiveInodes { get; set; }

    /// <summary>A directory of the upper file system for what is being prepared; never shown.</summary>
    public Inode Work => _work!;

    /// <summary>
    /// Makes an overlay. EINVAL for too many trees, too deep a stack, an upper and a work directory that are not of one
    /// file system; ENOTDIR.
    /// </summary>
    /// <param name="lowers">Topmost first; borrowed.</param>
    /// <param name="upper">Borrowed; none for a read-only overlay.</param>
    /// <param name="work">An empty directory of the upper's file system outside the upper tree; borrowed.</param>
    public static Result<OverlaySuperBlock> Create(
        KernelInstance kernel,
        FileSystemType type,
        IReadOnlyList<VfsPath> lowers,
        VfsPath upper,
        VfsPath work,
        bool userXattrs = false,
        Credentials? mounter = null,
        string shownOptions = "")
    {
        if (lowers.Count is 0 or > MaxLowers || upper.IsNone != work.IsNone)
            return Errno.EINVAL;
        int depth = 0;
        foreach (VfsPath lower in lowers)
        {
            if (!lower.Dentry.Inode!.IsDirectory)
                return Errno.ENOTDIR;
            depth = Math.Max(depth, DepthOf(lower.Dentry.Inode.SuperBlock));
        }

        if (!upper.IsNone)
        {
            if (!upper.Dentry.Inode!.IsDirectory || !work.Dentry.Inode!.IsDirectory)
                return Errno.ENOTDIR;
            if (upper.Dentry.Inode.SuperBlock != work.Dentry.Inode.SuperBlock || work.Dentry.IsWithin(upper.Dentry) || upper.Dentry.IsWithin(work.Dentry))
                return Errno.EINVAL;
            depth = Math.Max(depth, DepthOf(upper.Dentry.Inode.SuperBlock));
        }

        if (depth >= MaxStackDepth)
            return Errno.EINVAL;
        var layers = new List<OverlayLayer>(lowers.Count);
        foreach (VfsPath lower in lowers)
            layers.Add(new OverlayLayer(lower));
        OverlayLayer? top = upper.IsNone ? null : new OverlayLayer(upper);
        var super = new OverlaySuperBlock(kernel, type, layers, top, work, userXattrs, shownOptions) { Mounter = mounter, StackDepth = depth + 1 };
        var lowerRoots = new Inode[layers.Count];
        for (int i = 0; i < lowerRoots.Length; i++)
            lowerRoots[i] = layers[i].Root.Get();
        OverlayIdentity identity = super.IdentityOf(lowerRoots[0], super.Device, lowerRoots[0].Number);
        var root = new OverlayDirectory(super, identity, top?.Root.Get(), lowerRoots, null, default, null, isOpaque: false);
        super.Root = Dentry.CreateRoot(root);
        return super;
    }

    public override async KTask<Result<KernelStatFs>> StatFsAsync(Task current)
    {
        Result<KernelStatFs> stat = await (Upper ?? Lowers[0]).SuperBlock.StatFsAsync(current);
        if (!stat.Ok)
            return stat;
        KernelStatFs shown = stat.Value;
        shown.Type = Magic;
        shown.FileSystemId = Device.Encode();
        return shown;
    }

    public override string ShowOptions() => _shownOptions;

    public override void Kill()
    {
        foreach (OverlayLinks links in _links.Values)
            links.Upper?.Put();
        _links.Clear();
        foreach (OverlayLayer lower in Lowers)
            lower.Release();
        if (!_workPath.IsNone)
            _workPath.Put();
        Upper?.Release();
    }

    /// <summary>The live overlay inode over an inode of one of the trees, without a reference.</summary>
    public OverlayInode? Find(Inode real) => _byReal.GetValueOrDefault(real);

    public void Register(Inode real, OverlayInode inode) => _byReal[real] = inode;

    public void Unregister(Inode real, OverlayInode inode)
    {
        if (_byReal.TryGetValue(real, out OverlayInode? known) && known == inode)
            _byReal.Remove(real);
    }

    /// <summary>A lower file with several names that has changed, by what stat shows of it.</summary>
    public OverlayLinks? FindLinks(OverlayIdentity identity) => _links.GetValueOrDefault(identity);

    public OverlayLinks GetLinks(OverlayIdentity identity, uint linkCount)
    {
        if (!_links.TryGetValue(identity, out OverlayLinks? links))
            _links.Add(identity, links = new OverlayLinks(linkCount));
        return links;
    }

    public void RemoveLinks(OverlayIdentity identity)
    {
        if (_links.Remove(identity, out OverlayLinks? links))
            links.Upper?.Put();
    }

    /// <summary>Remembers what an upper object shows as, for listings, which see only its own number.</summary>
    public void AddMoved(Inode upper, OverlayIdentity identity) => _moved[(upper.SuperBlock, upper.Number.Value)] = identity;

    public void RemoveMoved(Inode upper)
    {
        if (upper.LinkCount == 0)
            _moved.Remove((upper.SuperBlock, upper.Number.Value));
    }

    /// <summary>
    /// What an object of a tree shows as (xino's twin): its own number with the file system's index in the top byte,
    /// on the overlay's device. An object whose tree shows it on a device of its own keeps that.
    /// </summary>
    public OverlayIdentity IdentityOf(Inode real, DeviceNumber realDevice, InodeNumber number)
    {
        if (_moved.Count != 0 && _moved.TryGetValue((real.SuperBlock, number.Value), out OverlayIdentity moved))
            return moved;
        if (realDevice != real.SuperBlock.Device && realDevice != Device)
            return new OverlayIdentity(realDevice, number);
        return new OverlayIdentity(Device, Translate(real.SuperBlock, number));
    }

    public InodeNumber Translate(SuperBlock fileSystem, InodeNumber number)
    {
        int index = _fileSystems.IndexOf(fileSystem);
        return index == 0 ? number : new InodeNumber(number.Value + ((ulong)_firstIndex[index] << IndexShift));
    }

    /// <summary>What a listing of a directory shows for an entry.</summary>
    public InodeNumber NumberInListing(SuperBlock fileSystem, InodeNumber number) =>
        _moved.Count != 0 && _moved.TryGetValue((fileSystem, number.Value), out OverlayIdentity moved) ? moved.Number : Translate(fileSystem, number);

    /// <summary>A name in the work directory that nothing has.</summary>
    public FileName NextTemporaryName() => FileName.FromString("#" + (_nextTemporary++).ToString(System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>
    /// The upper tree has changed under dentries that other mounts of it may have cached: forgets the one of this name.
    /// </summary>
    public void ForgetUpper(OverlayDirectory directory, FileName name)
    {
        if (Upper!.RootDentry.FirstChild is null || CachedUpper(directory) is not { } parent)
            return;
        if (Kernel.Dentries.Find(parent, name.Bytes, name.GetHashCode()) is { } stale)
            Kernel.Dentries.Drop(stale);
    }

    /// <summary>The upper tree's own dentry of a directory, if one is cached. Not recursive: the guest chooses how deep its trees are.</summary>
    private Dentry? CachedUpper(OverlayDirectory directory)
    {
        var below = new Stack<FileName>();
        for (OverlayDirectory at = directory; at.Parent is not null; at = at.Parent)
            below.Push(at.Name);
        Dentry? dentry = Upper!.RootDentry;
        while (dentry is not null && below.TryPop(out FileName name))
            dentry = Kernel.Dentries.Find(dentry, name.Bytes, name.GetHashCode());
        return dentry;
    }

    /// <summary>Gives each file system a range of values of the top byte: an overlay uses several itself.</summary>
    private void AddFileSystem(SuperBlock fileSystem)
    {
        if (_fileSystems.Contains(fileSystem))
            return;
        _fileSystems.Add(fileSystem);
        _firstIndex.Add(_usedIndices);
        _usedIndices += fileSystem is OverlaySuperBlock overlay ? overlay._usedIndices : 1;
    }

    private static int DepthOf(SuperBlock super) => super is OverlaySuperBlock overlay ? overlay.StackDepth : 0;
}

/// <summary>
/// A lower file with several names (the index of overlayfs), once it has been copied up or has lost a name: all of its
/// names lead to the one upper file, and the count of names is the overlay's, not that of either tree.
/// </summary>
internal sealed class OverlayLinks(uint linkCount)
{
    /// <summary>Null until the copy-up. Holds a reference.</summary>
    public Inode? Upper { get; set; }

    public uint LinkCount { get; set; } = linkCount;
}
