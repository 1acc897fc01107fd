using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs.Generated;

/// <summary>
/// A file whose text is generated when it is read from the start; a reader that comes back in pieces goes on in the
/// text of its first read, so that lines are never torn.
/// </summary>
internal abstract class TextInode(GeneratedSuperBlock superBlock, FileMode mode) : GeneratedInode(superBlock, FileMode.Regular | mode)
{
    /// <summary>r--r--r--</summary>
    public const FileMode ReadOnlyMode = (FileMode)0x124;

    /// <summary>rw-r--r--</summary>
    public const FileMode ReadWriteMode = (FileMode)0x1a4;

    /// <summary>r--------</summary>
    public const FileMode PrivateMode = (FileMode)0x100;

    /// <summary>Writes the whole text.</summary>
    public abstract KTask<Errno> GenerateAsync(Task current, OpenFile file, GeneratedText text);

    /// <summary>Takes what was written in one call; EIO by default: nothing can be set here.</summary>
    public virtual KTask<Errno> StoreAsync(Task current, ReadOnlyMemory<byte> data) => Fail(Errno.EIO);

    /// <summary>Whether poll and epoll take it: always ready then. Linux's files about processes have no poll operation.</summary>
    public virtual bool IsPollable => true;

    /// <summary>Whether the opener may have it beyond the mode bits (ptrace access checks).</summary>
    public virtual Errno CheckOpen(Task current) => Errno.Success;

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags)
    {
        Errno error = CheckOpen(current);
        return KTask<Result<OpenFile>>.FromResult(error != Errno.Success ? error : new TextFile(path, this, flags));
    }

    /// <summary>Truncation on open is let through, as Linux does for files that can be written.</summary>
    public override KTask<Errno> SetAttributesAsync(Task current, InodeAttributes changes) =>
        (changes.Mask & ~(AttributeMask.Size | AttributeMask.ModificationTime | AttributeMask.ChangeTime)) == 0 ? Fail(Errno.Success) : Fail(Errno.EPERM);
}

/// <summary>An open generated file.</summary>
internal class TextFile(VfsPath path, TextInode inode, OpenFlags flags) : OpenFile(path, inode, flags)
{
    public override bool SupportsDirect => false;

    private const int LongestWrite = 64 << 10;
    private GeneratedText? _text;

    public override bool IsPollable => inode.IsPollable;

    public override async KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
    {
        if (_text is null || offset == 0)
        {
            var text = new GeneratedText();
            Errno error = await inode.GenerateAsync(current, this, text);
            if (error != Errno.Success)
                return error;
            _text = text;
        }

        long done = 0;
        while (to.Remaining > 0 && offset + done < _text.Length)
        {
            int at = (int)(offset + done);
            int wanted = (int)Math.Min(to.Remaining, _text.Length - at);
            int copied = to.CopyTo(_text.Memory.Span.Slice(at, wanted));
            done += copied;
            if (copied < wanted)
            {
                Errno error = await to.FaultInAsync(current, write: true);
                if (error != Errno.Success)
                    return done > 0 ? done : error;
            }
        }

        return done;
    }

    public override async KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset)
    {
        long length = Math.Min(from.Remaining, LongestWrite);
        byte[] buffer = new byte[length];
        int copied = 0;
        while ((copied += from.CopyFrom(buffer.AsSpan(copied))) < length)
        {
            Errno fault = await from.FaultInAsync(current, write: false);
            if (fault != Errno.Success)
                return fault;
        }

        Errno error = await inode.StoreAsync(current, buffer);
        return error != Errno.Success ? error : length;
    }

    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence)
    {
        long target = whence switch
        {
            SeekWhence.Set => offset,
            SeekWhence.Current => Position + offset,
            _ => -1,
        };
        if (target < 0)
            return Fail<long>(Errno.EINVAL);
        Position = target;
        return KTask<Result<long>>.FromResult(target);
    }
}

/// <summary>A generated file that needs no waiting, given by a delegate: the common case.</summary>
internal sealed class SimpleText(GeneratedSuperBlock superBlock, FileMode mode, Action<Task, GeneratedText> generate, Func<Task, string, Errno>? store = null)
    : TextInode(superBlock, mode)
{
    public override KTask<Errno> GenerateAsync(Task current, OpenFile file, GeneratedText text)
    {
        generate(current, text);
        return Fail(Errno.Success);
    }

    public override KTask<Errno> StoreAsync(Task current, ReadOnlyMemory<byte> data) =>
        store is null ? base.StoreAsync(current, data) : Fail(store(current, System.Text.Encoding.UTF8.GetString(data.Span)));
}

/// <summary>A symbolic link whose text is computed.</summary>
internal sealed class TextSymlink(GeneratedSuperBlock superBlock, Func<Task, string?> target) : GeneratedInode(superBlock, FileMode.Symlink | (FileMode)0x1ff)
{
    public override KTask<Result<byte[]>> ReadLinkAsync(Task current) =>
        KTask<Result<byte[]>>.FromResult(target(current) is { } text ? System.Text.Encoding.UTF8.GetBytes(text) : Errno.ENOENT);
}
