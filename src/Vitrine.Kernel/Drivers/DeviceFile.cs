using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers;

/// <summary>What the memory devices of mem(4) share: no offset matters, seeking always succeeds.</summary>
internal abstract class MemoryDeviceFile(VfsPath path, Inode inode, OpenFlags flags) : OpenFile(path, inode, flags)
{
    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence) => KTask<Result<long>>.FromResult(0L);

    public override bool IsPollable => false;

    /// <summary>Takes all that is offered without looking at it.</summary>
    protected static Result<long> Swallow(IovIter from)
    {
        long count = from.Remaining;
        from.Skip(count);
        return count;
    }
}

/// <summary>/dev/null: reads end at once, writes vanish.</summary>
internal sealed class NullFile(VfsPath path, Inode inode, OpenFlags flags) : MemoryDeviceFile(path, inode, flags)
{
    public override bool CanSpliceFrom => false;

    public override KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset) => KTask<Result<long>>.FromResult(0L);

    public override KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset) => KTask<Result<long>>.FromResult(Swallow(from));
}

/// <summary>/dev/zero and /dev/full: reads give zeros; writes vanish, or find the device full.</summary>
internal sealed class ZeroFile(VfsPath path, Inode inode, OpenFlags flags, bool full) : MemoryDeviceFile(path, inode, flags)
{
    private static readonly byte[] Zeros = new byte[4096];

    public override async KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
    {
        long done = 0;
        while (to.Remaining > 0)
        {
            int wanted = (int)Math.Min(to.Remaining, Zeros.Length);
            int copied = to.CopyTo(Zeros.AsSpan(0, wanted));
            done += copied;
            if (copied < wanted)
            {
                Errno error = await to.FaultInAsync(current, write: true);
                if (error != Errno.Success)
                    return done > 0 ? done : error;
            }

            if (current.HasInterruptingWork && to.Remaining > 0)
                return done > 0 ? done : Errno.ERESTARTSYS;
        }

        return done;
    }

    public override KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset) =>
        full ? Fail<long>(Errno.ENOSPC) : KTask<Result<long>>.FromResult(Swallow(from));

    public override Errno Map(Task current, Mm.VmArea vma)
    {
        if (full)
            return Errno.ENODEV;
        return vma.IsShared ? vma.SetAnonymousShared(current.Kernel) : Errno.Success;
    }
}

/// <summary>/dev/random and /dev/urandom: the machine's entropy; writes are taken and mixed into nothing.</summary>
internal sealed class RandomFile(VfsPath path, Inode inode, OpenFlags flags) : MemoryDeviceFile(path, inode, flags)
{
    private const uint GetEntropyCount = 0x80045200;

    public override bool IsPollable => true;

    public override async KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
    {
        byte[] chunk = new byte[Math.Min(to.Remaining, 4096)];
        long done = 0;
        while (to.Remaining > 0)
        {
            int wanted = (int)Math.Min(to.Remaining, chunk.Length);
            current.Kernel.Entropy.Fill(chunk.AsSpan(0, wanted));
            int at = 0;
            while (at < wanted)
            {
                at += to.CopyTo(chunk.AsSpan(at, wanted - at));
                if (at == wanted)
                    break;
                Errno error = await to.FaultInAsync(current, write: true);
                if (error != Errno.Success)
                    return done + at > 0 ? done + at : error;
            }

            done += wanted;
            // Reads of more than 256 bytes may be interrupted (random(4)).
            if (current.HasInterruptingWork && done >= 256 && to.Remaining > 0)
                break;
        }

        return done;
    }

    public override KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset) => KTask<Result<long>>.FromResult(Swallow(from));

    public override async KTask<SyscallResult> IoctlAsync(Task current, uint command, ulong argument)
    {
        if (command != GetEntropyCount)
            return Errno.ENOTTY;
        return await current.WriteUserAsync(new UserPtr<int>(new VirtAddr(argument)), 256);
    }
}
