using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <summary>An open regular file of the host.</summary>
internal sealed class HostFile(VfsPath path, HostRegularFile file, OpenFlags flags) : OpenFile(path, file, flags)
{
    private ReadaheadState? _readahead;

    public override KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset) =>
        FileMap.ReadAsync(current, file.Pages!, to, offset, _readahead ??= new ReadaheadState());

    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence) =>
        RegularFileSeek.SeekAsync(this, offset, whence);

    public override KTask<Errno> SyncAsync(Task current, bool dataOnly) => KTask<Errno>.FromResult(Errno.Success);

    public override Errno Map(Task current, VmArea vma) => FileMap.Map(this, vma);
}
