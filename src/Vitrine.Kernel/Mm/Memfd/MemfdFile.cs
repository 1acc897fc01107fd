using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Mm.Memfd;

/// <summary>An open anonymous file: a regular file over the page cache whose seals are checked first.</summary>
internal sealed class MemfdFile(VfsPath path, MemfdInode file, OpenFlags flags) : OpenFile(path, file, flags)
{
    private ReadaheadState? _readahead;

    public override KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset) =>
        FileMap.ReadAsync(current, file.Pages, to, offset, _readahead ??= new ReadaheadState());

    public override async KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset)
    {
        // Huge pages are written to through mappings only.
        if (file.HugeSize != 0)
            return Errno.EINVAL;
        await file.Lock.LockAsync(current);
        Result<long> result = await WriteLockedAsync(current, from, offset);
        file.Lock.Unlock(current);
        return result;
    }

    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence) =>
        RegularFileSeek.SeekAsync(this, offset, whence);

    public override KTask<Errno> SyncAsync(Task current, bool dataOnly) => Fail(Errno.Success);

    public override Errno Map(Task current, VmArea vma)
    {
        if (file.HugeSize != 0)
            return (vma.PageOffset << Page.Shift) % (ulong)file.HugeSize != 0 ? Errno.EINVAL : Errno.ENOMEM;
        if ((file.Seals & FileSeals.AnyWrite) != 0 && vma.IsShared)
        {
            if ((vma.Flags & VmFlags.Write) != 0)
                return Errno.EPERM;
            vma.Flags &= ~VmFlags.MayWrite;
        }

        return FileMap.Map(this, vma);
    }

    public override async KTask<Errno> AllocateAsync(Task current, FallocateMode mode, long offset, long length)
    {
        if ((mode & ~(FallocateMode.KeepSize | FallocateMode.PunchHole)) != 0)
            return Errno.EOPNOTSUPP;
        await file.Lock.LockAsync(current);
        Errno error = (mode & FallocateMode.PunchHole) != 0
            ? await PunchAsync(current, offset, length)
            : await ReserveAsync(current, mode, offset, length);
        file.Lock.Unlock(current);
        return error;
    }

    public override KTask<SyscallResult> ControlAsync(Task current, FcntlCommand command, ulong argument)
    {
        if (command == FcntlCommand.GetSeals)
            return KTask<SyscallResult>.FromResult((uint)file.Seals);
        if (command != FcntlCommand.AddSeals)
            return base.ControlAsync(current, command, argument);
        if (argument > uint.MaxValue)
            return KTask<SyscallResult>.FromResult(Errno.EINVAL);
        return KTask<SyscallResult>.FromResult(!CanWrite ? Errno.EPERM : file.AddSeals((FileSeals)argument));
    }

    private async KTask<Result<long>> WriteLockedAsync(Task current, IovIter from, long offset)
    {
        Errno error = BeginWrite(current, from, ref offset);
        if (error != Errno.Success)
            return error;
        if (from.Remaining == 0)
            return 0L;
        if ((file.Seals & FileSeals.AnyWrite) != 0)
            return Errno.EPERM;
        if ((file.Seals & FileSeals.Grow) != 0 && offset + from.Remaining > file.Size)
        {
            // Whole pages before the end can still be written; the one that would grow the file can't.
            long end = (long)Page.AlignDown((ulong)file.Size);
            if (end <= offset)
                return Errno.EPERM;
            from.Truncate(end - offset);
        }

        file.TouchContent();
        return await FileMap.WriteAsync(current, file.Pages, from, offset);
    }

    private async KTask<Errno> PunchAsync(Task current, long offset, long length)
    {
        if ((file.Seals & FileSeals.AnyWrite) != 0)
            return Errno.EPERM;
        await file.Pages.PunchHoleAsync(current, offset, offset + length);
        file.TouchContent();
        return Errno.Success;
    }

    private async KTask<Errno> ReserveAsync(Task current, FallocateMode mode, long offset, long length)
    {
        long end = offset + length;
        bool grows = (mode & FallocateMode.KeepSize) == 0 && end > file.Size;
        if (end > file.Size && (ulong)end > current.FileSizeLimit)
        {
            current.SendFileSizeSignal();
            return Errno.EFBIG;
        }

        if (end > file.Size && (file.Seals & FileSeals.Grow) != 0)
            return Errno.EPERM;
        if (file.HugeSize != 0)
            return Errno.ENOSPC;
        Errno error = await file.Pages.AllocateRangeAsync(current, offset, end);
        if (error == Errno.Success && grows)
            file.Size = end;
        if (error == Errno.Success)
            file.TouchContent();
        return error;
    }
}
