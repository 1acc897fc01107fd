using Vitrine.Kernel.Ipc.SysV;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.System;

/// <summary>/proc/sysvipc: the System V objects of the reader's IPC namespace (sysvipc(7)), which ipcs can read.</summary>
internal static class SysVFiles
{
    private static readonly StaticEntry[] Entries =
    [
        new("msg", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, Messages)),
        new("sem", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, Semaphores)),
        new("shm", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, Segments)),
    ];

    public static GeneratedInode Make(GeneratedSuperBlock superBlock) => new StaticDirectory(superBlock, Entries);

    private static void Messages(Task current, GeneratedText text)
    {
        text.Line("       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime");
        IpcIds<SysVMessageQueue> queues = current.Namespaces.Ipc.MessageQueues;
        for (int index = 0; queues.Next(ref index, out SysVMessageQueue? queue); index++)
        {
            MessageQueueStatus status = queue.Status(current);
            Identity(text, queue);
            text.AppendPadded((long)status.Bytes, 10).Append(' ').AppendPadded((long)status.Count, 10).Append(' ');
            text.AppendPadded(status.LastSender, 5).Append(' ').AppendPadded(status.LastReceiver, 5).Append(' ');
            Owners(text, queue);
            Times(text, status.SendTime, status.ReceiveTime, status.ChangeTime);
            text.Append('\n');
        }
    }

    private static void Semaphores(Task current, GeneratedText text)
    {
        text.Line("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime");
        IpcIds<SysVSemaphoreSet> sets = current.Namespaces.Ipc.SemaphoreSets;
        for (int index = 0; sets.Next(ref index, out SysVSemaphoreSet? set); index++)
        {
            Identity(text, set);
            text.AppendPadded(set.Count, 10).Append(' ');
            Owners(text, set);
            Times(text, set.OperationTime, set.ChangeTime);
            text.Append('\n');
        }
    }

    private static void Segments(Task current, GeneratedText text)
    {
        text.Append("       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime");
        text.Line("                   rss                  swap");
        IpcIds<SharedSegment> segments = current.Namespaces.Ipc.SharedSegments;
        for (int index = 0; segments.Next(ref index, out SharedSegment? segment); index++)
        {
            SharedSegmentStatus status = segment.Status(current);
            Identity(text, segment);
            text.AppendPadded((long)status.Size, 21).Append(' ');
            text.AppendPadded(status.Creator, 5).Append(' ').AppendPadded(status.LastUser, 5).Append("  ");
            text.AppendPadded((long)status.Attached, 5).Append(' ');
            Owners(text, segment);
            Times(text, status.AttachTime, status.DetachTime, status.ChangeTime);
            text.Append(' ').AppendPadded(segment.ResidentPages << Page.Shift, 21).Append(' ').AppendPadded(0, 21).Append('\n');
        }
    }

    private static void Identity(GeneratedText text, IpcObject item)
    {
        text.AppendPadded(item.Key, 10).Append(' ').AppendPadded(item.Id, 10).Append("  ");
        text.Append(Convert.ToString(item.Mode, 8).PadLeft(4)).Append("  ");
    }

    private static void Owners(GeneratedText text, IpcObject item)
    {
        text.AppendPadded(item.Uid.Value, 5).Append(' ').AppendPadded(item.Gid.Value, 5).Append(' ');
        text.AppendPadded(item.CreatorUid.Value, 5).Append(' ').AppendPadded(item.CreatorGid.Value, 5);
    }

    private static void Times(GeneratedText text, params ReadOnlySpan<long> times)
    {
        foreach (long time in times)
            text.Append(' ').AppendPadded(time, 10);
    }
}
