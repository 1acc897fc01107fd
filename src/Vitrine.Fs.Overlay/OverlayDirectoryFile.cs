using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Overlay;

/// <summary>
/// An open directory of an overlay. One that is in a single tree passes that tree's listing on, with its positions; a
/// merged one is read once and keeps the positions of that reading. A rewind decides anew.
/// </summary>
internal sealed class OverlayDirectoryFile(VfsPath path, OverlayDirectory directory, OpenFlags flags) : DirectoryFile(path, directory, flags)
{
    private OpenFile? _real;
    private DirectorySnapshot? _merged;

    public override async KTask<Errno> IterateAsync(Task current, DirectoryEmitter emitter)
    {
        if (directory.LinkCount == 0)
            return Errno.ENOENT;
        if (Position == 0 || (_real is null && _merged is null))
        {
            Errno error = await ChooseAsync(current);
            if (error != Errno.Success)
                return error;
        }

        return _real is { } real ? await IterateRealAsync(current, real, emitter) : IterateMerged(emitter);
    }

    public override async KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence)
    {
        if (_real is null && _merged is null)
        {
            Errno error = await ChooseAsync(current);
            if (error != Errno.Success)
                return error;
        }

        if (_real is { } real)
        {
            real.Position = Position;
            Result<long> moved = await real.SeekAsync(current, offset, whence);
            Position = real.Position;
            return moved;
        }

        return await base.SeekAsync(current, offset, whence);
    }

    public override void Release()
    {
        _real?.Put();
        _real = null;
    }

    private async KTask<Errno> ChooseAsync(Task current)
    {
        _real?.Put();
        _real = null;
        _merged = null;
        if (directory.OnlyReal is { } only)
        {
            Result<OpenFile> opened = await only.OpenAsync(current, Path, OpenFlags.ReadOnly | OpenFlags.Directory);
            if (opened.Ok)
                _real = opened.Value;
            return opened.Error;
        }

        Result<DirectorySnapshot> merged = await directory.ListAsync(current);
        if (merged.Ok)
            _merged = merged.Value;
        return merged.Error;
    }

    private async KTask<Errno> IterateRealAsync(Task current, OpenFile real, DirectoryEmitter emitter)
    {
        real.Position = Position;
        Inode inode = real.Inode;
        var translating = new TranslatingEmitter(directory, inode.SuperBlock, emitter);
        await inode.Lock.LockAsync(current);
        Errno error = await real.IterateAsync(current, translating);
        inode.Lock.Unlock(current);
        Position = real.Position;
        return error;
    }

    private Errno IterateMerged(DirectoryEmitter emitter)
    {
        if (!EmitDots(emitter, directory.Parent ?? directory))
            return Errno.Success;
        Position = _merged!.Emit(emitter, Position, 2);
        return Errno.Success;
    }

    /// <summary>Passes entries of a tree on with the overlay's numbers.</summary>
    private sealed class TranslatingEmitter(OverlayDirectory directory, SuperBlock fileSystem, DirectoryEmitter next) : DirectoryEmitter
    {
        public override bool Emit(ReadOnlySpan<byte> name, InodeNumber inode, byte type, long nextOffset)
        {
            InodeNumber shown = name.SequenceEqual("."u8) ? directory.Number
                : name.SequenceEqual(".."u8) ? (directory.Parent ?? directory).Number
                : directory.Super.NumberInListing(fileSystem, inode);
            return next.Emit(name, shown, type, nextOffset);
        }
    }
}
