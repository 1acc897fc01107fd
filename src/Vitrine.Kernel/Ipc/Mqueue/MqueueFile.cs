using System.Globalization;
using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc.Mqueue;

/// <summary>
/// A message queue descriptor: what mq_open gives, and what opening the queue's file gives. Messages go through the mq_ calls;
/// read(2) shows the queue's state as text. Closing it ends the process's registration for a notification.
/// </summary>
internal sealed class MqueueFile(VfsPath path, MqueueInode queue, OpenFlags flags) : OpenFile(path, queue, flags)
{
    public MqueueInode Queue { get; } = queue;

    public override bool IsPollable => true;

    public override async KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
    {
        (int notify, int signal, int pid) = Queue.Registration(current);
        byte[] text = Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"QSIZE:{Queue.Bytes,-10} NOTIFY:{notify,-5} SIGNO:{signal,-5} NOTIFY_PID:{pid,-6}\n"));
        long done = 0;
        while (to.Remaining > 0 && offset + done < text.Length)
        {
            int at = (int)(offset + done);
            int wanted = (int)Math.Min(to.Remaining, text.Length - at);
            int copied = to.CopyTo(text.AsSpan(at, wanted));
            done += copied;
            if (copied < wanted)
            {
                Errno error = await to.FaultInAsync(current, write: true);
                if (error != Errno.Success)
                    return done > 0 ? done : error;
            }
        }

        if (done > 0)
            Queue.Touch();
        return done;
    }

    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence) => RegularFileSeek.SeekAsync(this, offset, whence);

    public override PollEvents Poll(PollTable? table)
    {
        table?.Add(Queue.Wait);
        var events = PollEvents.None;
        if (Queue.Count > 0)
            events |= PollEvents.In | PollEvents.ReadNormal;
        if (Queue.Count < Queue.MaximumMessages)
            events |= PollEvents.Out | PollEvents.WriteNormal;
        return events;
    }

    public override KTask<Errno> FlushAsync(Task current)
    {
        Queue.Unregister(current.ThreadGroup);
        return Fail(Errno.Success);
    }
}
