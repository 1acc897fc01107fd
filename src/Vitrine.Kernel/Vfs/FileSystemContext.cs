using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <summary>What a context is good for next (fs_context_phase).</summary>
internal enum FileSystemContextPhase
{
    /// <summary>Options are taken; creation comes next.</summary>
    CreateOptions = 0,

    /// <summary>The file system is made and waits for fsmount.</summary>
    AwaitingMount = 1,

    /// <summary>Options are taken for an existing file system.</summary>
    ReconfigureOptions = 2,

    /// <summary>Creation or reconfiguration failed: nothing more can be done.</summary>
    Failed = 3,
}

/// <summary>
/// A mount or remount in preparation (fs_context's twin), behind a descriptor of fsopen(2) or fspick(2): options are
/// collected one by one, then a command makes or changes the file system.
/// </summary>
internal sealed class FileSystemContext : AnonymousFile
{
    private readonly List<string> _options = [];
    private readonly VfsPath? _picked;
    private Mount? _made;

    /// <summary>A new file system of a kind (fsopen).</summary>
    public FileSystemContext(KernelInstance kernel, FileSystemType type)
        : base(kernel, "[fscontext]", OpenFlags.ReadWrite) => Type = type;

    /// <summary>An existing one, at the root of a mount (fspick).</summary>
    public FileSystemContext(KernelInstance kernel, VfsPath picked)
        : base(kernel, "[fscontext]", OpenFlags.ReadWrite)
    {
        _picked = picked.Get();
        Type = picked.Mount.SuperBlock.Type;
        Phase = FileSystemContextPhase.ReconfigureOptions;
        IsReadOnly = picked.Mount.SuperBlock.IsReadOnly;
    }

    public FileSystemType Type { get; }

    public FileSystemContextPhase Phase { get; private set; }

    private string? Source { get; set; }

    private bool IsReadOnly { get; set; }

    /// <summary>Messages about what failed: there are none kept.</summary>
    public override KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset) => Fail<long>(Errno.ENODATA);

    /// <summary>An option without a value, or with a text. EINVAL for what the kind does not know.</summary>
    public Errno SetOption(Task current, string key, string? value)
    {
        if (Phase is not (FileSystemContextPhase.CreateOptions or FileSystemContextPhase.ReconfigureOptions))
            return Errno.EBUSY;
        if (TrySetFlag(key))
            return Errno.Success;
        switch (key)
        {
            case "source":
                if (value is null || Source is not null || Phase != FileSystemContextPhase.CreateOptions)
                    return Errno.EINVAL;
                Source = value;
                return Errno.Success;
        }

        string option = value is null ? key : key + "=" + value;
        if (option.Contains(',', StringComparison.Ordinal))
            return Errno.EINVAL;
        Errno error = Type.CheckOption(current, option);
        if (error == Errno.Success)
            _options.Add(option);
        return error;
    }

    /// <summary>What every kind of file system knows; as in Linux the name alone counts, whatever value comes with it.</summary>
    public bool TrySetFlag(string key)
    {
        switch (key)
        {
            case "ro":
            case "rw":
                IsReadOnly = key == "ro";
                return true;
            case "sync":
            case "async":
            case "dirsync":
            case "lazytime":
            case "nolazytime":
            case "mand":
            case "nomand":
                return true;
            default:
                return false;
        }
    }

    /// <summary>FSCONFIG_CMD_CREATE.</summary>
    public async KTask<Errno> CreateAsync(Task current)
    {
        if (Phase != FileSystemContextPhase.CreateOptions)
            return Errno.EBUSY;
        MountFlags flags = IsReadOnly ? MountFlags.ReadOnly : MountFlags.None;
        Phase = FileSystemContextPhase.Failed;
        Result<Mount> made = await current.Kernel.Vfs.CreateMountAsync(current, Type, Source ?? "none", flags, string.Join(',', _options));
        if (!made.Ok)
            return made.Error;
        _made = made.Value;
        Phase = FileSystemContextPhase.AwaitingMount;
        return Errno.Success;
    }

    /// <summary>FSCONFIG_CMD_RECONFIGURE.</summary>
    public async KTask<Errno> ReconfigureAsync(Task current)
    {
        if (Phase != FileSystemContextPhase.ReconfigureOptions)
            return Errno.EBUSY;
        SuperBlock superBlock = _picked!.Value.Mount.SuperBlock;
        Errno error = await current.Kernel.Vfs.ReconfigureAsync(current, superBlock, string.Join(',', _options), IsReadOnly);
        _options.Clear();
        if (error != Errno.Success)
            Phase = FileSystemContextPhase.Failed;
        return error;
    }

    /// <summary>Hands the made mount over, once (fsmount). EINVAL before creation, EBUSY when it is gone.</summary>
    public Result<Mount> TakeMount()
    {
        if (Phase is FileSystemContextPhase.CreateOptions or FileSystemContextPhase.Failed)
            return Errno.EINVAL;
        if (_made is not { } mount)
            return Errno.EBUSY;
        _made = null;
        Phase = FileSystemContextPhase.ReconfigureOptions == Phase ? Phase : FileSystemContextPhase.AwaitingMount;
        return mount;
    }

    public override bool IsPollable => false;

    public override void Release()
    {
        _made?.Put();
        _made = null;
        _picked?.Put();
    }
}

/// <summary>An O_PATH description that keeps a tree of mounts which is attached nowhere: with its end the tree goes.</summary>
internal sealed class DetachedTreeFile(VfsPath path) : OpenFile(path, path.Dentry.Inode!, OpenFlags.Path)
{
    public override bool IsPathOnly => true;

    public override void Release()
    {
        if (Path.Mount.IsAnonymous)
            VirtualFileSystem.DiscardTree(Path.Mount);
    }
}
