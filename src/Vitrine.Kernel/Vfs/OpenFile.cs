using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <summary>
/// An open file description (struct file's twin): what descriptors refer to. Counted: every descriptor and every call
/// in progress holds a reference, so a blocked call outlives a close. What a kind of file does not override answers
/// with Linux's errno for a missing operation.
/// </summary>
internal abstract partial class OpenFile(VfsPath path, Inode inode, OpenFlags flags)
{
    /// <summary>Where it was opened; pipes, sockets and anonymous files have a path on an internal mount.</summary>
    public VfsPath Path { get; } = path.Get();

    public Inode Inode { get; } = inode.Get();

    /// <summary>In place of an offset: where <see cref="Position"/> is.</summary>
    public const long AtPosition = -1;

    /// <summary>Access mode and status flags as F_GETFL gives them (O_CLOEXEC is the descriptor's).</summary>
    public OpenFlags Flags { get; set; } = flags;

    /// <summary>The file offset; guarded by <see cref="PositionLock"/> across awaits.</summary>
    public virtual long Position { get; set; }

    public KernelMutex PositionLock => _positionLock ??= new KernelMutex(LockRank.FilePosition);

    /// <summary>
    /// The file moves its position itself with what read and write transfer at it: they pass <see cref="AtPosition"/>.
    /// </summary>
    public virtual bool MovesPosition => false;

    /// <summary>No offset: pipes, sockets, terminals (pread gives ESPIPE).</summary>
    public virtual bool IsStream => false;

    public bool CanRead => (Flags & OpenFlags.AccessMode) is OpenFlags.ReadOnly or OpenFlags.ReadWrite;

    public bool CanWrite => (Flags & OpenFlags.AccessMode) is OpenFlags.WriteOnly or OpenFlags.ReadWrite;

    public bool IsNonBlocking => (Flags & OpenFlags.NonBlock) != 0;

    /// <summary>Reads at an offset (ignored by streams) into the iterator. Bytes, 0 at the end; short after partial progress.</summary>
    public virtual KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset) => Fail<long>(Errno.EINVAL);

    /// <summary>Writes at an offset. The VFS has resolved O_APPEND only for streams; regular files take the end under the inode lock and report the new position through <paramref name="offset"/> plus the result.</summary>
    public virtual KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset) => Fail<long>(Errno.EINVAL);

    /// <summary>What is ready now; registers on the wait queues that will tell of a change if a table is given.</summary>
    public virtual PollEvents Poll(PollTable? table) => PollEvents.In | PollEvents.Out | PollEvents.ReadNormal | PollEvents.WriteNormal;

    public virtual KTask<SyscallResult> IoctlAsync(Task current, uint command, ulong argument) => KTask<SyscallResult>.FromResult(Errno.ENOTTY);

    /// <summary>lseek with all its whences; the new offset.</summary>
    public virtual KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence) => Fail<long>(Errno.ESPIPE);

    public virtual KTask<Errno> SyncAsync(Task current, bool dataOnly) => Fail(Errno.EINVAL);

    /// <summary>Emits directory entries from <see cref="Position"/> on until the emitter is full; keeps Position.</summary>
    public virtual KTask<Errno> IterateAsync(Task current, DirectoryEmitter emitter) => Fail(Errno.ENOTDIR);

    /// <summary>Prepares a mapping: sets the VMA's operations or page cache.</summary>
    public virtual Errno Map(Task current, VmArea vma) => Errno.ENODEV;

    public virtual KTask<Errno> AllocateAsync(Task current, FallocateMode mode, long offset, long length) => Fail(Errno.EOPNOTSUPP);

    /// <summary>Called at every close of a descriptor; its errno becomes close's.</summary>
    public virtual KTask<Errno> FlushAsync(Task current) => KTask<Errno>.FromResult(Errno.Success);

    /// <summary>Called once when the last reference is gone. Must not wait.</summary>
    public virtual void Release()
    {
    }

    /// <summary>F_SETFL changed the flags.</summary>
    public virtual Errno FlagsChanged(OpenFlags newFlags) => Errno.Success;

    protected static KTask<Errno> Fail(Errno error) => KTask<Errno>.FromResult(error);

    protected static KTask<Result<T>> Fail<T>(Errno error) => KTask<Result<T>>.FromResult(error);
}
