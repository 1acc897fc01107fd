using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc;

/// <summary>Opens a FIFO by the rules of fifo(7): each side waits for the other unless O_NONBLOCK or O_RDWR.</summary>
internal static class FifoOpener
{
    public static async KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, Inode inode, OpenFlags flags)
    {
        OpenFlags mode = flags & OpenFlags.AccessMode;
        bool nonBlocking = (flags & OpenFlags.NonBlock) != 0;
        if (mode == OpenFlags.AccessMode)
            return Errno.EINVAL;

        // A pipe that is opened again through /proc/PID/fd has had its partners: there is nobody to wait for.
        bool isPipe = inode.SuperBlock == current.Kernel.Vfs.PipeFs;
        if (mode == OpenFlags.WriteOnly && nonBlocking && !isPipe && (inode.Fifo is null || inode.Fifo.Readers == 0))
            return Errno.ENXIO;
        if (inode.Fifo is null)
        {
            Result<Pipe> created = Pipe.Create(current);
            if (!created.Ok)
                return created.Error;
            inode.Fifo = created.Value;
        }

        Pipe pipe = inode.Fifo;
        var file = new PipeFile(path, inode, flags, pipe)
        {
            WriterOpensAtStart = mode == OpenFlags.ReadOnly && nonBlocking && !isPipe && pipe.Writers == 0 ? pipe.WriterOpens : null,
        };
        if (mode == OpenFlags.ReadOnly && !nonBlocking && !isPipe && pipe.Writers == 0)
        {
            uint seen = pipe.WriterOpens;
            while (pipe.WriterOpens == seen)
            {
                if (await pipe.ReadWait.WaitAsync(current, WaitMode.Interruptible, Ktime.Never) == WakeReason.Interrupted)
                {
                    file.Put();
                    return Errno.ERESTARTSYS;
                }
            }
        }
        else if (mode == OpenFlags.WriteOnly && !isPipe && pipe.Readers == 0)
        {
            uint seen = pipe.ReaderOpens;
            while (pipe.ReaderOpens == seen)
            {
                if (await pipe.WriteWait.WaitAsync(current, WaitMode.Interruptible, Ktime.Never) == WakeReason.Interrupted)
                {
                    file.Put();
                    return Errno.ERESTARTSYS;
                }
            }
        }

        return file;
    }
}
