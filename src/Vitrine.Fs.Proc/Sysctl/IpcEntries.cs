using System.Globalization;
using Vitrine.Kernel.Ipc.Mqueue;
using Vitrine.Kernel.Ipc.SysV;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Sysctl;

/// <summary>/proc/sys/kernel's settings of System V IPC: those of the reader's IPC namespace (ipc/ipc_sysctl.c's part).</summary>
internal static class IpcEntries
{
    public static readonly StaticEntry[] All =
    [
        Number("msgmax", ns => ns.MessageMaximum, (ns, value) => ns.MessageMaximum = value, int.MaxValue),
        Number("msgmnb", ns => ns.MessageQueueBytes, (ns, value) => ns.MessageQueueBytes = value, int.MaxValue),
        Number("msgmni", ns => ns.MessageQueueMaximum, (ns, value) => ns.MessageQueueMaximum = value, IpcIds.MaximumObjects),
        SysctlTree.Setting("sem", ShowSemaphores, SetSemaphores),
        Large("shmall", ns => ns.SharedPageMaximum, (ns, value) => ns.SharedPageMaximum = value),
        Large("shmmax", ns => ns.SharedMaximum, (ns, value) => ns.SharedMaximum = value),
        Number("shmmni", ns => ns.SharedSegmentMaximum, (ns, value) => ns.SharedSegmentMaximum = value, IpcIds.MaximumObjects),
        Number("msg_next_id", ns => ns.MessageQueues.NextId, (ns, value) => ns.MessageQueues.NextId = value, int.MaxValue),
        Number("sem_next_id", ns => ns.SemaphoreSets.NextId, (ns, value) => ns.SemaphoreSets.NextId = value, int.MaxValue),
        Number("shm_next_id", ns => ns.SharedSegments.NextId, (ns, value) => ns.SharedSegments.NextId = value, int.MaxValue),
    ];

    /// <summary>/proc/sys/fs/mqueue (mq_overview(7)).</summary>
    public static readonly StaticEntry[] Mqueue =
    [
        Queues("msg_default", q => q.DefaultMessages, (q, value) => q.DefaultMessages = value, 1, PosixQueues.HardMessageMaximum),
        Queues("msg_max", q => q.MessageMaximum, (q, value) => q.MessageMaximum = value, 1, PosixQueues.HardMessageMaximum),
        Queues("msgsize_default", q => q.DefaultMessageSize, (q, value) => q.DefaultMessageSize = value, 128, PosixQueues.HardMessageSizeMaximum),
        Queues("msgsize_max", q => q.MessageSizeMaximum, (q, value) => q.MessageSizeMaximum = value, 128, PosixQueues.HardMessageSizeMaximum),
        Queues("queues_max", q => q.QueueMaximum, (q, value) => q.QueueMaximum = value, 0, int.MaxValue),
    ];

    private static StaticEntry Queues(string name, Func<PosixQueues, int> value, Action<PosixQueues, int> store, int minimum, int maximum) =>
        SysctlTree.Count(
            name, task => value(task.Namespaces.Ipc.PosixQueues), (task, number) => store(task.Namespaces.Ipc.PosixQueues, (int)number), minimum, maximum);

    private static StaticEntry Number(string name, Func<IpcNamespace, int> value, Action<IpcNamespace, int> store, int maximum) =>
        SysctlTree.Setting(
            name,
            task => value(task.Namespaces.Ipc).ToString(CultureInfo.InvariantCulture),
            (task, text) =>
            {
                if (!int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number > maximum)
                    return Errno.EINVAL;
                store(task.Namespaces.Ipc, number);
                return Errno.Success;
            });

    private static StaticEntry Large(string name, Func<IpcNamespace, ulong> value, Action<IpcNamespace, ulong> store) =>
        SysctlTree.Setting(
            name,
            task => value(task.Namespaces.Ipc).ToString(CultureInfo.InvariantCulture),
            (task, text) =>
            {
                if (!ulong.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong number))
                    return Errno.EINVAL;
                store(task.Namespaces.Ipc, number);
                return Errno.Success;
            });

    private static string ShowSemaphores(Task current)
    {
        IpcNamespace ns = current.Namespaces.Ipc;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{ns.SemaphoresPerSet}\t{ns.SemaphoreMaximum}\t{ns.SemaphoreOperationMaximum}\t{ns.SemaphoreSetMaximum}");
    }

    /// <summary>Up to four numbers; those that are not given stay.</summary>
    private static Errno SetSemaphores(Task current, string text)
    {
        IpcNamespace ns = current.Namespaces.Ipc;
        int[] values = [ns.SemaphoresPerSet, ns.SemaphoreMaximum, ns.SemaphoreOperationMaximum, ns.SemaphoreSetMaximum];
        string[] parts = text.Split((char[])[' ', '\t', '\n'], values.Length, StringSplitOptions.RemoveEmptyEntries);
        for (int i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out values[i]))
                return Errno.EINVAL;
        }

        if (values[3] > IpcIds.MaximumObjects)
            return Errno.ERANGE;
        ns.SemaphoresPerSet = values[0];
        ns.SemaphoreMaximum = values[1];
        ns.SemaphoreOperationMaximum = values[2];
        ns.SemaphoreSetMaximum = values[3];
        return Errno.Success;
    }
}
