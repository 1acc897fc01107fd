using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>
/// /proc/PID/mem: the address space of a process as a file. Whoever may trace the process may read and write all of it,
/// whatever its protection; a write to a private mapping makes a copy. The file belongs to the program that ran when it was
/// opened and is empty once that is gone.
/// </summary>
internal sealed class MemoryInode(ProcessContext context) : GeneratedInode(context.SuperBlock, FileMode.Regular | (FileMode)0x180)
{
    public override bool IsStillValid => context.IsAlive;

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags)
    {
        if (!context.IsAlive)
            return Fail<OpenFile>(Errno.ESRCH);
        if (!PtraceAccess.May(current, context.Task, PtraceMode.AttachByFsIds))
            return Fail<OpenFile>(Errno.EACCES);
        return KTask<Result<OpenFile>>.FromResult(new MemoryFile(path, this, flags, context.Task.Mm));
    }

    private sealed class MemoryFile(VfsPath path, Inode inode, OpenFlags flags, MmStruct? mm) : OpenFile(path, inode, flags)
    {
        public override bool IsPollable => false;

        public override async KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
        {
            if (mm is not { Users: > 0 })
                return 0L;
            mm.Get();
            byte[] buffer = new byte[Math.Min(to.Remaining, (long)Page.Size)];
            long done = 0;
            Errno error = Errno.Success;
            while (to.Remaining > 0 && error == Errno.Success)
            {
                Memory<byte> part = buffer.AsMemory(0, ToPageEnd(offset + done, to.Remaining));
                if (await mm.ReadRemoteAsync(current, new VirtAddr((ulong)(offset + done)), part) != Errno.Success)
                {
                    error = Errno.EIO;
                    break;
                }

                for (int copied = 0; copied < part.Length && error == Errno.Success;)
                {
                    int now = to.CopyTo(part.Span[copied..]);
                    copied += now;
                    done += now;
                    if (copied < part.Length)
                        error = await to.FaultInAsync(current, write: true);
                }

                await current.RescheduleAsync();
            }

            mm.Put();
            return done > 0 || error == Errno.Success ? done : error;
        }

        public override async KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset)
        {
            if (mm is not { Users: > 0 })
                return 0L;
            mm.Get();
            byte[] buffer = new byte[Math.Min(from.Remaining, (long)Page.Size)];
            long done = 0;
            Errno error = Errno.Success;
            while (from.Remaining > 0 && error == Errno.Success)
            {
                Memory<byte> part = buffer.AsMemory(0, ToPageEnd(offset + done, from.Remaining));
                int copied = 0;
                while (copied < part.Length && error == Errno.Success)
                {
                    copied += from.CopyFrom(part.Span[copied..]);
                    if (copied < part.Length)
                        error = await from.FaultInAsync(current, write: false);
                }

                if (copied == 0)
                    break;
                if (await mm.WriteRemoteAsync(current, new VirtAddr((ulong)(offset + done)), part[..copied]) != Errno.Success)
                {
                    error = Errno.EIO;
                    break;
                }

                done += copied;
                await current.RescheduleAsync();
            }

            mm.Put();
            return done > 0 || error == Errno.Success ? done : error;
        }

        public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence) => whence switch
        {
            SeekWhence.Set => KTask<Result<long>>.FromResult(offset),
            SeekWhence.Current => KTask<Result<long>>.FromResult(Position + offset),
            _ => Fail<long>(Errno.EINVAL),
        };

        private static int ToPageEnd(long offset, long remaining) =>
            (int)Math.Min(remaining, (long)Page.Size - (offset & ((long)Page.Size - 1)));
    }
}
