using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <summary>A directory that stands where the host's own is not shown: a place to mount on, always empty.</summary>
internal sealed class HostEmptyDirectory : Inode
{
    private readonly HostSuperBlock _super;

    public HostEmptyDirectory(HostSuperBlock superBlock, HostDirectory parent, FileName name, FileMode permissions)
        : base(superBlock, superBlock.NextSyntheticNumber(), FileMode.Directory | permissions)
    {
        _super = superBlock;
        Parent = parent;
        Name = name;
        LinkCount = 2;
        Size = 4096;
        Timespec boot = Timespec.FromNanoseconds(superBlock.Machine.Time.BootRealtime);
        AccessTime = ModificationTime = ChangeTime = BirthTime = boot;
        superBlock.LiveInodes++;
        superBlock.Machine.Audit.LiveInodes++;
    }

    public HostDirectory Parent { get; }

    public FileName Name { get; }

    public override KTask<Result<Inode?>> LookupAsync(Task current, FileName name) => KTask<Result<Inode?>>.FromResult((Inode?)null);

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags) =>
        KTask<Result<OpenFile>>.FromResult(new HostEmptyDirectoryFile(path, this, flags));

    public override void Evict()
    {
        Parent.ForgetSynthetic(this);
        _super.LiveInodes--;
        _super.Machine.Audit.LiveInodes--;
    }
}

/// <summary>An open empty directory: "." and "..".</summary>
internal sealed class HostEmptyDirectoryFile(VfsPath path, HostEmptyDirectory directory, OpenFlags flags) : DirectoryFile(path, directory, flags)
{
    public override KTask<Errno> IterateAsync(Task current, DirectoryEmitter emitter)
    {
        _ = EmitDots(emitter, directory.Parent);
        return Fail(Errno.Success);
    }

    protected override long? End => 2;
}
