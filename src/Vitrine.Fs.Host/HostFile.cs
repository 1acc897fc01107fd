using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <summary>An open regular file of the host.</summary>
internal sealed class HostFile(VfsPath path, HostRegularFile file, OpenFlags flags) : OpenFile(path, file, flags)
{
    private ReadaheadState? _readahead;

    public override ReadaheadState? Readahead => _readahead ??= new ReadaheadState();
    private bool _isMapped;

    public override KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset) =>
        FileMap.ReadAsync(current, file.Pages!, to, offset, _readahead ??= new ReadaheadState());

    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence) =>
        RegularFileSeek.SeekAsync(this, offset, whence);

    public override async KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset)
    {
        await file.Lock.LockAsync(current);
        Errno error = BeginWrite(current, from, ref offset);
        Result<long> result = error != Errno.Success ? error
            : from.Remaining == 0 ? 0L
            : await file.WriteThroughAsync(current, from, offset);
        file.Lock.Unlock(current);
        return result;
    }

    public override KTask<Errno> SyncAsync(Task current, bool dataOnly) =>
        file.Super.Spec.IsWritable ? file.SyncAsync(current, dataOnly) : Fail(Errno.Success);

    public override async KTask<Errno> AllocateAsync(Task current, FallocateMode mode, long offset, long length)
    {
        if (!file.Super.Spec.IsWritable)
            return Errno.EROFS;
        await file.Lock.LockAsync(current);
        Errno error = await file.AllocateAsync(current, mode, offset, length);
        file.Lock.Unlock(current);
        return error;
    }

    public override Errno Map(Task current, VmArea vma)
    {
        if (CanWrite)
        {
            // Writes to the mapping end when it does, which is no moment to open files.
            file.KeepHandle();
            _isMapped = true;
        }

        return FileMap.Map(this, vma);
    }

    public override void Release()
    {
        if (_isMapped)
            file.FlushMapped();
    }
}
