using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc.SysV;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>System V message queues: msgget(2), msgsnd(2), msgrcv(2), msgctl(2).</summary>
internal static class MessageQueueCalls
{
    [Syscall(68, "msgget", SyscallSupport.Real)]
    public static SyscallResult MsgGet(Task current, int key, [Strace("octal")] IpcFlags flags)
    {
        IpcNamespace ns = current.Namespaces.Ipc;
        Errno error = ns.MessageQueues.Get(current, key, flags, _ => Errno.Success, out SysVMessageQueue? queue);
        if (error != Errno.Success)
            return error;
        if (queue is not null)
            return queue.Id;
        if (current.Cgroup.ChargeKernelMemory(SysVMessageQueue.DeclaredSize) != Errno.Success)
            return Errno.ENOMEM;
        queue = new SysVMessageQueue(current, key, flags);
        error = ns.MessageQueues.Add(queue, ns.MessageQueueMaximum);
        if (error == Errno.Success)
            return queue.Id;
        current.Cgroup.UnchargeKernelMemory(SysVMessageQueue.DeclaredSize);
        return error;
    }

    [Syscall(69, "msgsnd", SyscallSupport.Real)]
    public static async KTask<SyscallResult> MsgSnd(Task current, int id, UserPtr<long> buffer, long size, [Strace("hex")] IpcFlags flags)
    {
        Result<long> type = await current.ReadUserAsync(buffer);
        if (!type.Ok)
            return type.Error;
        IpcNamespace ns = current.Namespaces.Ipc;
        if (size < 0 || size > ns.MessageMaximum || id < 0 || type.Value < 1)
            return Errno.EINVAL;
        byte[] text = new byte[size];
        Errno error = await current.ReadUserBytesAsync(buffer.Element(1).Address, text);
        if (error != Errno.Success)
            return error;
        if (ns.MessageQueues.Find(id) is not { } queue)
            return Errno.EINVAL;
        if (SysVMessage.Charge(current.Cgroup, text.Length) != Errno.Success)
            return Errno.ENOMEM;
        var message = new SysVMessage(type.Value, text, current.Cgroup);
        error = await queue.SendAsync(current, message, wait: (flags & IpcFlags.NoWait) == 0);
        if (error != Errno.Success)
            message.Uncharge();
        return error;
    }

    [Syscall(70, "msgrcv", SyscallSupport.Real)]
    public static async KTask<SyscallResult> MsgRcv(Task current, int id, UserPtr<long> buffer, long size, long type, [Strace("hex")] IpcFlags flags)
    {
        if (id < 0 || size < 0)
            return Errno.EINVAL;
        MessageSearch search = MessageSearch.Equal;
        if ((flags & IpcFlags.MessageCopy) != 0)
        {
            if ((flags & IpcFlags.MessageExcept) != 0 || (flags & IpcFlags.NoWait) == 0)
                return Errno.EINVAL;
            search = MessageSearch.Position;
        }
        else if (type == 0)
        {
            search = MessageSearch.Any;
        }
        else if (type < 0)
        {
            search = MessageSearch.LessOrEqual;
            type = type == long.MinValue ? long.MaxValue : -type;
        }
        else if ((flags & IpcFlags.MessageExcept) != 0)
        {
            search = MessageSearch.NotEqual;
        }

        if (current.Namespaces.Ipc.MessageQueues.Find(id) is not { } queue)
            return Errno.EINVAL;
        Result<SysVMessage> received = await queue.ReceiveAsync(
            current, search, type, (ulong)size, truncate: (flags & IpcFlags.MessageNoError) != 0, wait: (flags & IpcFlags.NoWait) == 0);
        if (!received.TryGet(out SysVMessage? message, out Errno error))
            return error;
        int length = (int)Math.Min(size, message.Text.Length);
        error = await current.WriteUserAsync(buffer, message.Type);
        if (error == Errno.Success)
            error = await current.WriteUserBytesAsync(buffer.Element(1).Address, message.Text.AsMemory(0, length));
        return error != Errno.Success ? error : length;
    }

    [Syscall(71, "msgctl", SyscallSupport.Real)]
    public static async KTask<SyscallResult> MsgCtl(Task current, int id, IpcCommand command, VirtAddr buffer)
    {
        IpcIds<SysVMessageQueue> queues = current.Namespaces.Ipc.MessageQueues;
        if (id < 0 || command < 0)
            return Errno.EINVAL;
        switch (command)
        {
            case IpcCommand.Info:
            case IpcCommand.MessageInfo:
                Errno error = await current.WriteUserAsync(new UserPtr<MessageInfo>(buffer), Info(current.Namespaces.Ipc, command));
                return error != Errno.Success ? error : queues.HighestIndex;
            case IpcCommand.Status:
            case IpcCommand.MessageStatus:
            case IpcCommand.MessageStatusAny:
                return await StatusAsync(current, command == IpcCommand.Status ? queues.Find(id) : queues.At(id), command, buffer);
            case IpcCommand.Set:
                return await SetAsync(current, id, new UserPtr<MessageQueueStatus>(buffer));
            case IpcCommand.Remove:
                if (queues.Find(id) is not { } queue)
                    return Errno.EINVAL;
                if (!queue.MayControl(current))
                    return Errno.EPERM;
                queues.Remove(queue);
                return 0;
            default:
                return Errno.EINVAL;
        }
    }

    private static MessageInfo Info(IpcNamespace ns, IpcCommand command)
    {
        var info = new MessageInfo
        {
            MaximumQueues = ns.MessageQueueMaximum,
            MaximumSize = ns.MessageMaximum,
            MaximumBytes = ns.MessageQueueBytes,
            SegmentSize = 16,
            Segments = 0xFFFF,
        };
        if (command == IpcCommand.MessageInfo)
        {
            info.Pool = ns.MessageQueues.Count;
            info.Map = (int)ns.MessageCount;
            info.Total = (int)ns.MessageBytes;
        }
        else
        {
            // Constants of the interface: MSGPOOL, MSGMAP and MSGTQL.
            info.Pool = 32000 * 16384 / 1024;
            info.Map = 16384;
            info.Total = 16384;
        }

        return info;
    }

    private static async KTask<SyscallResult> StatusAsync(Task current, SysVMessageQueue? queue, IpcCommand command, VirtAddr buffer)
    {
        if (queue is null)
            return Errno.EINVAL;
        if (command != IpcCommand.MessageStatusAny && !queue.MayAccess(current, 0x124))
            return Errno.EACCES;
        int result = command == IpcCommand.Status ? 0 : queue.Id;
        Errno error = await current.WriteUserAsync(new UserPtr<MessageQueueStatus>(buffer), queue.Status(current));
        return error != Errno.Success ? error : result;
    }

    private static async KTask<SyscallResult> SetAsync(Task current, int id, UserPtr<MessageQueueStatus> buffer)
    {
        Result<MessageQueueStatus> read = await current.ReadUserAsync(buffer);
        if (!read.TryGet(out MessageQueueStatus status, out Errno error))
            return error;
        IpcNamespace ns = current.Namespaces.Ipc;
        if (ns.MessageQueues.Find(id) is not { } queue)
            return Errno.EINVAL;
        if (!queue.MayControl(current))
            return Errno.EPERM;
        if (status.MaximumBytes > (ulong)ns.MessageQueueBytes && !current.Credentials.IsCapable(ns.Owner!, Capability.SysResource))
            return Errno.EPERM;
        error = queue.SetOwner(current, in status.Permission);
        if (error == Errno.Success)
            queue.SetMaximum(status.MaximumBytes);
        return error;
    }
}
