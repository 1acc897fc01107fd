using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs.Generated;

/// <summary>An object of a generated file system. Attributes can't be changed but for mode and owner of what allows it: EPERM.</summary>
internal abstract class GeneratedInode : Inode
{
    protected GeneratedInode(GeneratedSuperBlock superBlock, FileMode mode)
        : this(superBlock, superBlock.NextInode(), mode)
    {
    }

    protected GeneratedInode(GeneratedSuperBlock superBlock, InodeNumber number, FileMode mode)
        : base(superBlock, number, mode)
    {
        Timespec now = superBlock.Kernel.Time.RealtimeTimespec;
        AccessTime = ModificationTime = ChangeTime = now;
    }

    public new GeneratedSuperBlock SuperBlock => (GeneratedSuperBlock)base.SuperBlock;

    /// <summary>False once the process behind it is gone: a cached name is then looked up again.</summary>
    public virtual bool IsStillValid => true;
}

/// <summary>A directory whose entries are made when they are looked up.</summary>
internal abstract class GeneratedDirectory(GeneratedSuperBlock superBlock, FileMode mode) : GeneratedInode(superBlock, FileMode.Directory | mode)
{
    public const FileMode Public = (FileMode)0x16d;

    /// <summary>Makes the inode of an entry, or null.</summary>
    protected abstract GeneratedInode? Find(Task current, FileName name);

    /// <summary>The entries behind "." and "..", each with a stable position above 1.</summary>
    public abstract void List(Task current, GeneratedListing listing);

    public override KTask<Result<Inode?>> LookupAsync(Task current, FileName name) =>
        KTask<Result<Inode?>>.FromResult((Result<Inode?>)(Inode?)Find(current, name));

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags) =>
        KTask<Result<OpenFile>>.FromResult(new GeneratedDirectoryFile(path, this, flags));
}

/// <summary>Takes the entries of a directory from a position on, until the reader is full.</summary>
internal sealed class GeneratedListing(DirectoryEmitter emitter, long from)
{
    private bool _full;

    /// <summary>Where the next call starts.</summary>
    public long Position { get; private set; } = from;

    public bool IsFull => _full;

    /// <summary>Offers an entry at its position; entries come in ascending order.</summary>
    public void Add(long position, string name, InodeNumber inode, FileMode type)
    {
        if (_full || position < Position)
            return;
        Span<byte> bytes = stackalloc byte[FileName.MaxLength];
        int length = System.Text.Encoding.UTF8.GetBytes(name, bytes);
        if (emitter.Emit(bytes[..length], inode, (byte)((uint)(type & FileMode.TypeMask) >> 12), position + 1))
            Position = position + 1;
        else
            _full = true;
    }
}

/// <summary>An open directory of a generated file system.</summary>
internal sealed class GeneratedDirectoryFile(VfsPath path, GeneratedDirectory directory, OpenFlags flags) : DirectoryFile(path, directory, flags)
{
    public override KTask<Errno> IterateAsync(Task current, DirectoryEmitter emitter)
    {
        var listing = new GeneratedListing(emitter, Position);
        listing.Add(0, ".", directory.Number, FileMode.Directory);
        listing.Add(1, "..", (Path.Dentry.Parent?.Inode ?? directory).Number, FileMode.Directory);
        if (!listing.IsFull)
            directory.List(current, listing);
        Position = listing.Position;
        return Fail(Errno.Success);
    }

    public override KTask<Errno> SyncAsync(Task current, bool dataOnly) => Fail(Errno.EINVAL);

    public override KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset) => Fail<long>(Errno.EISDIR);
}
