using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Tmpfs;

/// <summary>An open regular file.</summary>
internal sealed class TmpfsFile(VfsPath path, TmpfsRegularFile file, OpenFlags flags) : OpenFile(path, file, flags)
{
    private ReadaheadState? _readahead;

    public override KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset) =>
        FileMap.ReadAsync(current, file.Pages, to, offset, _readahead ??= new ReadaheadState());

    public override async KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset)
    {
        await file.Lock.LockAsync(current);
        Result<long> result;
        Errno error = BeginWrite(current, from, ref offset);
        if (error != Errno.Success || from.Remaining == 0)
        {
            // Not "0L : error", which is an Errno of 0.
            result = error == Errno.Success ? (Result<long>)0L : error;
        }
        else
        {
            file.TouchContent();
            result = await FileMap.WriteAsync(current, file.Pages, from, offset);
        }

        file.Lock.Unlock(current);
        return result;
    }

    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence) =>
        RegularFileSeek.SeekAsync(this, offset, whence);

    public override KTask<Errno> SyncAsync(Task current, bool dataOnly) => Fail(Errno.Success);

    public override Errno Map(Task current, VmArea vma) => FileMap.Map(this, vma);

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

    private async KTask<Errno> PunchAsync(Task current, long offset, long length)
    {
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

        // What can't ever fit is refused before the first frame is taken.
        ulong pages = Page.AlignUp((ulong)length) >> Page.Shift;
        if (file.Super.MaxPages != 0 && pages > file.Super.MaxPages)
            return Errno.ENOSPC;
        Errno error = await file.Pages.AllocateRangeAsync(current, offset, end);
        if (error != Errno.Success)
            return error;
        if (grows)
            file.Size = end;
        file.TouchContent();
        return Errno.Success;
    }
}
