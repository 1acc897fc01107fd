using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Overlay;

/// <content>Copy-up: an object that is about to change moves from its lower tree to the upper one.</content>
internal abstract partial class OverlayInode
{
    private const int CopyChunk = 128 << 10;

    /// <summary>
    /// Makes sure that the object is in the upper tree, its ancestors first. EROFS without an upper tree; ENOSPC, EIO…
    /// leave everything as it was.
    /// </summary>
    /// <param name="contentSize">Of a file's content only so many bytes are wanted.</param>
    public KTask<Errno> CopyUpAsync(Task current, long contentSize)
    {
        if (Upper is not null)
            return KTask<Errno>.FromResult(Errno.Success);
        return Super.Upper is null ? KTask<Errno>.FromResult(Errno.EROFS) : CopyUpSlowAsync(current, contentSize);
    }

    private async KTask<Errno> CopyUpSlowAsync(Task current, long contentSize)
    {
        // From the top down, not recursively: the guest chooses how deep its trees are.
        var chain = new Stack<OverlayInode>();
        for (OverlayInode? at = this; at is not null && at.Upper is null; at = at.Parent)
            chain.Push((OverlayInode)at.Get());
        Errno error = Errno.Success;
        while (chain.TryPop(out OverlayInode? next))
        {
            if (error == Errno.Success)
            {
                await next.CopyUpLock.LockAsync(current);
                if (next.Upper is null)
                    error = await next.CopyUpLockedAsync(current, next == this ? contentSize : long.MaxValue);
                next.CopyUpLock.Unlock(current);
            }

            next.Put();
        }

        return error;
    }

    /// <summary>Copies the object itself; its directory is up already, or it has none.</summary>
    private async KTask<Errno> CopyUpLockedAsync(Task current, long contentSize)
    {
        OverlayDirectory? parent = Parent;
        if (parent?.Upper is null && IsDirectory)
            return Errno.ENOENT;
        Inode directory = parent?.Upper ?? Super.Work;
        bool wasListed = parent?.Upper is not null;
        Result<KernelStat> stat = await Lower!.GetAttributesAsync(current, StatxMask.BasicStats);
        if (!stat.Ok)
            return stat.Error;
        KernelStat attributes = stat.Value;

        Result<Inode> made = IsRegular ? await CopyFileAsync(current, attributes, contentSize) : await CopyNodeAsync(current);
        if (!made.TryGet(out Inode? copy, out Errno error))
            return error;
        if ((error = await CopyMetadataAsync(current, copy, attributes)) == Errno.Success && wasListed)
        {
            (Timespec access, Timespec modification) = (directory.AccessTime, directory.ModificationTime);
            FileName name = Name;
            await directory.Lock.LockAsync(current);
            error = IsRegular
                ? await directory.LinkAsync(current, copy, name)
                : await MoveFromWorkAsync(current, copy, directory, name);
            if (error == Errno.Success)
                error = await RestoreTimesAsync(current, directory, access, modification);
            directory.Lock.Unlock(current);
            Super.ForgetUpper(parent!, name);
        }

        if (error != Errno.Success)
        {
            await DiscardAsync(current, copy);
            return error;
        }

        // A link count that both trees would have to keep is the overlay's from now on.
        if (!IsDirectory && Lower.LinkCount > 1)
            Super.GetLinks(Identity, LinkCount).Upper = copy.Get();
        SetUpper(copy);
        return Errno.Success;
    }

    /// <summary>A nameless file with the content; visible only when it is complete.</summary>
    private async KTask<Result<Inode>> CopyFileAsync(Task current, KernelStat attributes, long contentSize)
    {
        Inode work = Super.Work;
        await work.Lock.LockAsync(current);
        Result<Inode> made = await work.CreateTemporaryAsync(current, FileMode.Regular | FileMode.UserRead | FileMode.UserWrite);
        work.Lock.Unlock(current);
        if (!made.TryGet(out Inode? copy, out Errno error))
            return error;
        long size = Math.Min(attributes.Size, contentSize);
        if (size > 0 && (error = await CopyContentAsync(current, copy, size)) != Errno.Success)
        {
            copy.Put();
            return error;
        }

        return copy;
    }

    private async KTask<Errno> CopyContentAsync(Task current, Inode copy, long size)
    {
        var path = new VfsPath(null!, Super.Root);
        Result<OpenFile> openedSource = await Lower!.OpenAsync(current, path, OpenFlags.ReadOnly | OpenFlags.LargeFile);
        if (!openedSource.TryGet(out OpenFile? source, out Errno error))
            return error;
        Result<OpenFile> openedTarget = await copy.OpenAsync(current, path, OpenFlags.WriteOnly | OpenFlags.LargeFile);
        if (!openedTarget.TryGet(out OpenFile? target, out error))
        {
            source.Put();
            return error;
        }

        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent((int)Math.Min(size, CopyChunk));
        long offset = 0;
        while (offset < size && error == Errno.Success)
        {
            int wanted = (int)Math.Min(size - offset, Math.Min(buffer.Length, CopyChunk));
            Result<long> read = await source.ReadAsync(current, new KernelIovIter(buffer.AsMemory(0, wanted)), offset);
            if (!read.TryGet(out long length, out error) || length == 0)
                break;
            error = await WriteAllAsync(current, target, buffer.AsMemory(0, (int)length), offset);
            offset += length;
        }

        System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        source.Put();
        target.Put();

        // Zeros at the end were left out as a hole.
        return error == Errno.Success ? await SetSizeAsync(current, copy, size) : error;
    }

    /// <summary>Writes what is not zero; whole chunks of zeros become holes.</summary>
    private static async KTask<Errno> WriteAllAsync(Task current, OpenFile target, Memory<byte> data, long offset)
    {
        if (!data.Span.ContainsAnyExcept((byte)0))
            return Errno.Success;
        while (!data.IsEmpty)
        {
            Result<long> written = await target.WriteAsync(current, new KernelIovIter(data), offset);
            if (!written.TryGet(out long length, out Errno error))
                return error;
            if (length == 0)
                return Errno.ENOSPC;
            data = data[(int)length..];
            offset += length;
        }

        return Errno.Success;
    }

    private static async KTask<Errno> SetSizeAsync(Task current, Inode copy, long size)
    {
        await copy.Lock.LockAsync(current);
        Errno error = await copy.SetAttributesAsync(current, new InodeAttributes { Mask = AttributeMask.Size, Size = size });
        copy.Lock.Unlock(current);
        return error;
    }

    /// <summary>What has no content is made in the work directory, complete, and then moved to its place.</summary>
    private async KTask<Result<Inode>> CopyNodeAsync(Task current)
    {
        byte[] target = [];
        if (IsSymlink)
        {
            Result<byte[]> link = await Lower!.ReadLinkAsync(current);
            if (!link.TryGet(out target!, out Errno error))
                return error;
        }

        return await Super.MakeInWorkAsync(current, Lower!.Mode, Lower.Device, target);
    }

    private async KTask<Errno> MoveFromWorkAsync(Task current, Inode copy, Inode directory, FileName name)
    {
        FileName temporary = Super.TemporaryNameOf(copy);
        Inode work = Super.Work;
        await work.Lock.LockAsync(current);
        Errno error = await work.RenameAsync(current, temporary, copy, directory, name, null, RenameFlags.NoReplace);
        work.Lock.Unlock(current);
        if (error == Errno.Success)
            Super.ForgetTemporary(copy);
        return error;
    }

    /// <summary>Owner, mode, times, extended attributes, and the mark of where it came from.</summary>
    private async KTask<Errno> CopyMetadataAsync(Task current, Inode copy, KernelStat attributes)
    {
        Errno error = await CopyXattrsAsync(current, copy);
        if (error != Errno.Success)
            return error;
        await copy.Lock.LockAsync(current);
        error = await copy.SetXattrAsync(current, Super.OriginName, Identity.Encode(), XattrFlags.None);
        if (error is Errno.Success or Errno.EOPNOTSUPP)
        {
            error = await copy.SetAttributesAsync(current, new InodeAttributes
            {
                Mask = AttributeMask.Uid | AttributeMask.Gid | AttributeMask.AccessTime | AttributeMask.ModificationTime
                    | (IsSymlink ? AttributeMask.None : AttributeMask.Mode),
                Uid = attributes.Uid,
                Gid = attributes.Gid,
                Mode = attributes.Mode,
                AccessTime = attributes.AccessTime,
                ModificationTime = attributes.ModificationTime,
            });
        }

        copy.Lock.Unlock(current);
        return error;
    }

    private async KTask<Errno> CopyXattrsAsync(Task current, Inode copy)
    {
        Result<string[]> names = await Lower!.ListXattrAsync(current);
        if (!names.Ok)
            return names.Error == Errno.EOPNOTSUPP ? Errno.Success : names.Error;
        foreach (string name in names.Value)
        {
            if (IsOwnXattr(name))
                continue;
            Result<byte[]> value = await Lower.GetXattrAsync(current, name);
            if (!value.Ok)
            {
                if (value.Error is Errno.ENODATA or Errno.EOPNOTSUPP)
                    continue;
                return value.Error;
            }

            await copy.Lock.LockAsync(current);
            Errno error = await copy.SetXattrAsync(current, name, value.Value, XattrFlags.None);
            copy.Lock.Unlock(current);
            if (error is not (Errno.Success or Errno.EOPNOTSUPP))
                return error;
        }

        return Errno.Success;
    }

    /// <summary>A copy-up is no change of the directory that anybody should see.</summary>
    private static KTask<Errno> RestoreTimesAsync(Task current, Inode directory, Timespec access, Timespec modification) =>
        directory.SetAttributesAsync(current, new InodeAttributes
        {
            Mask = AttributeMask.AccessTime | AttributeMask.ModificationTime,
            AccessTime = access,
            ModificationTime = modification,
        });

    private async KTask DiscardAsync(Task current, Inode copy)
    {
        if (!IsRegular)
            await Super.RemoveFromWorkAsync(current, copy);
        copy.Put();
    }
}
