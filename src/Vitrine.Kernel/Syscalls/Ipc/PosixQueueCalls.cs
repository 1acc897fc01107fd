using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc.Mqueue;
using Vitrine.Kernel.Net;
using Vitrine.Kernel.Net.Netlink;
using Vitrine.Kernel.Syscalls.Net;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>POSIX message queues: mq_open, mq_unlink, mq_timedsend, mq_timedreceive, mq_notify, mq_getsetattr (mq_overview(7)).</summary>
internal static class PosixQueueCalls
{
    [Syscall(240, "mq_open", SyscallSupport.Real)]
    public static async KTask<SyscallResult> MqOpen(
        Task current, [Strace("path")] UserString name, OpenFlags flags, [Strace("octal")] uint mode, UserPtr<MessageQueueAttributes> attributes)
    {
        MessageQueueAttributes? wanted = null;
        if (!attributes.IsNull)
        {
            Result<MessageQueueAttributes> read = await current.ReadUserAsync(attributes);
            if (!read.Ok)
                return read.Error;
            wanted = read.Value;
        }

        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<PathName> path = await vfs.Names.ReadAsync(current, name);
        if (!path.Ok)
            return path.Error;
        using PathName text = path.Value;
        if (text.IsEmpty)
            return Errno.ENOENT;
        FdTable table = current.Files!;
        Result<Fd> slot = table.Reserve(current, closeOnExec: true);
        if (!slot.Ok)
            return slot.Error;
        Result<OpenFile> file = await OpenAsync(current, text, flags, (FileMode)mode & FileMode.PermissionMask, wanted);
        if (!file.Ok)
        {
            table.Unreserve(slot.Value);
            return file.Error;
        }

        table.Install(slot.Value, file.Value);
        return slot.Value;
    }

    [Syscall(241, "mq_unlink", SyscallSupport.Real)]
    public static async KTask<SyscallResult> MqUnlink(Task current, [Strace("path")] UserString name)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<PathName> path = await vfs.Names.ReadAsync(current, name);
        if (!path.Ok)
            return path.Error;
        using PathName text = path.Value;
        if (text.IsEmpty)
            return Errno.ENOENT;
        Errno error = CheckName(text.Bytes);
        if (error != Errno.Success)
            return error;
        Mount mount = current.Namespaces.Ipc.PosixQueues.GetMount(current.Kernel);
        return await vfs.UnlinkEntryAsync(current, new VfsPath(mount, mount.Root), new FileName(text.Bytes));
    }

    [Syscall(242, "mq_timedsend", SyscallSupport.Real)]
    public static async KTask<SyscallResult> MqTimedSend(
        Task current, Fd queue, VirtAddr message, ulong length, uint priority, [Strace("timespec")] UserPtr<Timespec> timeout)
    {
        Result<long?> deadline = await DeadlineAsync(current, timeout);
        if (!deadline.Ok)
            return deadline.Error;
        if (priority >= PosixQueues.Priorities)
            return Errno.EINVAL;
        Result<MqueueFile> found = Find(current, queue);
        if (!found.TryGet(out MqueueFile? file, out Errno error))
            return error;
        error = !file.CanWrite ? Errno.EBADF
            : length > (ulong)file.Queue.MessageSize ? Errno.EMSGSIZE
            : MqueueMessage.Charge(current.Cgroup, (int)length);
        if (error == Errno.Success)
        {
            var sent = new MqueueMessage(priority, new byte[length], current.Cgroup);
            error = await current.ReadUserBytesAsync(message, sent.Text);
            if (error == Errno.Success)
                error = await file.Queue.SendAsync(current, sent, !file.IsNonBlocking, deadline.Value);
            if (error != Errno.Success)
                sent.Uncharge();
        }

        file.Put();
        return error;
    }

    [Syscall(243, "mq_timedreceive", SyscallSupport.Real)]
    public static async KTask<SyscallResult> MqTimedReceive(
        Task current, Fd queue, VirtAddr buffer, ulong length, UserPtr<uint> priority, [Strace("timespec")] UserPtr<Timespec> timeout)
    {
        Result<long?> deadline = await DeadlineAsync(current, timeout);
        if (!deadline.Ok)
            return deadline.Error;
        Result<MqueueFile> found = Find(current, queue);
        if (!found.TryGet(out MqueueFile? file, out Errno error))
            return error;
        SyscallResult result = !file.CanRead ? Errno.EBADF
            : length < (ulong)file.Queue.MessageSize ? Errno.EMSGSIZE
            : await ReceiveAsync(current, file, buffer, priority, deadline.Value);
        file.Put();
        return result;
    }

    [Syscall(244, "mq_notify", SyscallSupport.Real)]
    public static async KTask<SyscallResult> MqNotify(Task current, Fd queue, UserPtr<SignalEvent> notification)
    {
        SignalEvent? wanted = null;
        SocketFile? helper = null;
        byte[] cookie = [];
        if (!notification.IsNull)
        {
            Result<SignalEvent> read = await current.ReadUserAsync(notification);
            if (!read.TryGet(out SignalEvent value, out Errno failure))
                return failure;
            switch (value.Notify)
            {
                case SignalNotify.None:
                    break;
                case SignalNotify.Signal when (uint)value.Signal <= (uint)SignalNumber.RealTimeMax:
                    break;
                case SignalNotify.Thread:
                    cookie = new byte[QueueHelper.CookieLength];
                    failure = await current.ReadUserBytesAsync(new VirtAddr(value.Value), cookie);
                    if (failure != Errno.Success)
                        return failure;
                    Result<SocketFile> socket = FindHelper(current, new Fd((int)value.Signal));
                    if (!socket.Ok)
                        return socket.Error;
                    helper = socket.Value;
                    break;
                default:
                    return Errno.EINVAL;
            }

            wanted = value;
        }

        Result<MqueueFile> found = Find(current, queue);
        if (!found.TryGet(out MqueueFile? file, out Errno error))
        {
            helper?.Put();
            return error;
        }

        if (wanted is { } registered)
        {
            error = file.Queue.Register(current, in registered, helper is null ? null : new QueueHelper(helper, cookie));
            if (error != Errno.Success)
                helper?.Put();
        }
        else
        {
            file.Queue.Unregister(current.ThreadGroup);
            file.Queue.Touch();
        }

        file.Put();
        return error;
    }

    [Syscall(245, "mq_getsetattr", SyscallSupport.Real)]
    public static async KTask<SyscallResult> MqGetSetAttr(
        Task current, Fd queue, UserPtr<MessageQueueAttributes> newAttributes, UserPtr<MessageQueueAttributes> oldAttributes)
    {
        OpenFlags? wanted = null;
        if (!newAttributes.IsNull)
        {
            Result<MessageQueueAttributes> read = await current.ReadUserAsync(newAttributes);
            if (!read.Ok)
                return read.Error;
            if ((read.Value.Flags & ~(long)OpenFlags.NonBlock) != 0)
                return Errno.EINVAL;
            wanted = (OpenFlags)read.Value.Flags;
        }

        Result<MqueueFile> found = Find(current, queue);
        if (!found.TryGet(out MqueueFile? file, out Errno error))
            return error;
        MessageQueueAttributes before = file.Queue.Attributes(file.Flags);
        if (wanted is { } flags)
        {
            file.Flags = (file.Flags & ~OpenFlags.NonBlock) | flags;
            file.Queue.Touch();
        }

        file.Put();
        return oldAttributes.IsNull ? Errno.Success : await current.WriteUserAsync(oldAttributes, before);
    }

    private static async KTask<Result<OpenFile>> OpenAsync(Task current, PathName name, OpenFlags flags, FileMode mode, MessageQueueAttributes? wanted)
    {
        Errno error = CheckName(name.Bytes);
        if (error != Errno.Success)
            return error;
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Mount mount = current.Namespaces.Ipc.PosixQueues.GetMount(current.Kernel);
        var directory = (MqueueDirectory)mount.Root.Inode!;
        await directory.Lock.LockAsync(current);
        Result<Dentry> found = await FindOrCreateAsync(current, mount, directory, new FileName(name.Bytes), flags, mode, wanted);
        directory.Lock.Unlock(current);
        if (!found.Ok)
            return found.Error;
        const OpenFlags forgotten = OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.CloseOnExec;
        var place = new VfsPath(mount, found.Value);
        Result<OpenFile> file = await vfs.OpenInodeAsync(current, place, found.Value.Inode!, flags & ~forgotten);
        found.Value.Put();
        return file;
    }

    /// <summary>The queue's dentry with a reference (prepare_open): the permission check is for those that are there already.</summary>
    private static async KTask<Result<Dentry>> FindOrCreateAsync(
        Task current, Mount mount, MqueueDirectory directory, FileName name, OpenFlags flags, FileMode mode, MessageQueueAttributes? wanted)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<Dentry> found = await vfs.LookUpLockedAsync(current, mount.Root, name);
        if (!found.Ok)
            return found;
        Dentry dentry = found.Value;
        Errno error;
        if (!dentry.IsNegative)
        {
            error = (flags & (OpenFlags.Create | OpenFlags.Exclusive)) == (OpenFlags.Create | OpenFlags.Exclusive) ? Errno.EEXIST
                : (flags & OpenFlags.AccessMode) == OpenFlags.AccessMode ? Errno.EINVAL
                : await vfs.PermissionAsync(current, dentry.Inode!, AccessOf(flags));
        }
        else if ((flags & OpenFlags.Create) == 0)
        {
            error = Errno.ENOENT;
        }
        else
        {
            error = mount.SuperBlock.IsReadOnly ? Errno.EROFS : await vfs.MayCreateAsync(current, directory);
            if (error == Errno.Success)
            {
                Result<Inode> made = directory.Create(current, name, mode & ~current.Fs!.Umask, wanted);
                error = made.Error;
                if (made.Ok)
                    vfs.InstantiateNew(mount.Root, dentry, made.Value);
            }
        }

        if (error == Errno.Success)
            return dentry;
        dentry.Put();
        return error;
    }

    private static AccessMask AccessOf(OpenFlags flags) => (flags & OpenFlags.AccessMode) switch
    {
        OpenFlags.ReadOnly => AccessMask.Read,
        OpenFlags.WriteOnly => AccessMask.Write,
        _ => AccessMask.Read | AccessMask.Write,
    };

    private static async KTask<SyscallResult> ReceiveAsync(Task current, MqueueFile file, VirtAddr buffer, UserPtr<uint> priority, long? deadline)
    {
        Result<MqueueMessage> received = await file.Queue.ReceiveAsync(current, !file.IsNonBlocking, deadline);
        if (!received.TryGet(out MqueueMessage? message, out Errno error))
            return error;
        message.Uncharge();
        if (!priority.IsNull)
            error = await current.WriteUserAsync(priority, message.Priority);
        if (error == Errno.Success)
            error = await current.WriteUserBytesAsync(buffer, message.Text);
        return error != Errno.Success ? error : message.Text.Length;
    }

    /// <summary>One component, and none of the names that every directory has (lookup_one_len).</summary>
    private static Errno CheckName(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("."u8) || name.SequenceEqual(".."u8) || name.Contains((byte)'/') ? Errno.EACCES : Errno.Success;

    /// <summary>The moment of CLOCK_REALTIME, null for none. EFAULT, EINVAL.</summary>
    private static async KTask<Result<long?>> DeadlineAsync(Task current, UserPtr<Timespec> timeout)
    {
        if (timeout.IsNull)
            return (long?)null;
        Result<Timespec> read = await current.ReadUserAsync(timeout);
        if (!read.Ok)
            return read.Error;
        return read.Value.IsValid ? (long?)Ktime.Duration(read.Value) : Errno.EINVAL;
    }

    private static Result<MqueueFile> Find(Task current, Fd fd)
    {
        Result<OpenFile> found = current.Files!.Get(fd);
        if (!found.Ok)
            return found.Error;
        if (found.Value is MqueueFile file)
            return file;
        found.Value.Put();
        return Errno.EBADF;
    }

    /// <summary>SIGEV_THREAD's helper, counted: a netlink socket. EBADF, ENOTSOCK, EINVAL.</summary>
    private static Result<SocketFile> FindHelper(Task current, Fd fd)
    {
        Result<SocketFile> found = SocketCalls.Get(current, fd);
        if (!found.Ok || found.Value.Socket is NetlinkSocket)
            return found;
        found.Value.Put();
        return Errno.EINVAL;
    }
}
