using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Net;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Net;

/// <summary>struct msghdr of x86-64.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MessageHeader
{
    public ulong Name;
    public int NameLength;
    private readonly uint _pad0;
    public ulong Vectors;
    public ulong VectorCount;
    public ulong Control;
    public ulong ControlLength;
    public uint Flags;
    private readonly uint _pad1;
}

/// <summary>send and receive (send(2), recv(2), cmsg(3)).</summary>
internal static class MessageCalls
{
    // sizeof(struct mmsghdr), and where msg_len, msg_namelen, msg_controllen and msg_flags lie.
    private const int MultipleHeaderSize = 64;
    private const ulong NameLengthOffset = 8;
    private const ulong ControlLengthOffset = 40;
    private const ulong FlagsOffset = 48;
    private const ulong MultipleLengthOffset = 56;

    [Syscall(44, "sendto", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SendTo(
        Task current, Fd fd, VirtAddr buffer, nuint length, MessageFlags flags, VirtAddr address, int addressLength)
    {
        Result<SocketFile> file = SocketCalls.Get(current, fd);
        if (!file.Ok)
            return file.Error;
        SyscallResult result = await SendToAsync(current, file.Value, buffer, length, flags, address, addressLength);
        file.Value.Put();
        return result;
    }

    [Syscall(45, "recvfrom", SyscallSupport.Real)]
    public static async KTask<SyscallResult> ReceiveFrom(
        Task current, Fd fd, VirtAddr buffer, nuint length, MessageFlags flags, VirtAddr address, UserPtr<int> addressLength)
    {
        Result<SocketFile> file = SocketCalls.Get(current, fd);
        if (!file.Ok)
            return file.Error;
        var message = new ReceivedMessage();
        Result<IovIter> iter = UserIovIter.Single(current, buffer, length);
        Result<long> received = iter.Ok
            ? await file.Value.Socket.ReceiveAsync(current, iter.Value, message, WithWait(file.Value, flags))
            : iter.Error;
        file.Value.Put();
        AncillaryData.DropFiles(message);
        if (!received.Ok)
            return received.Error;
        if (address.Value != 0)
        {
            Errno error = await SocketAddresses.WriteAsync(current, message.Address ?? [], address, addressLength);
            if (error != Errno.Success)
                return error;
        }

        return received.Value;
    }

    [Syscall(46, "sendmsg", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SendMessage(Task current, Fd fd, UserPtr<MessageHeader> header, MessageFlags flags)
    {
        Result<SocketFile> file = SocketCalls.Get(current, fd);
        if (!file.Ok)
            return file.Error;
        SyscallResult result = await SendMessageAsync(current, file.Value, header, flags);
        file.Value.Put();
        return result;
    }

    [Syscall(47, "recvmsg", SyscallSupport.Real)]
    public static async KTask<SyscallResult> ReceiveMessage(Task current, Fd fd, UserPtr<MessageHeader> header, MessageFlags flags)
    {
        Result<SocketFile> file = SocketCalls.Get(current, fd);
        if (!file.Ok)
            return file.Error;
        SyscallResult result = await ReceiveMessageAsync(current, file.Value, header, flags);
        file.Value.Put();
        return result;
    }

    [Syscall(307, "sendmmsg", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SendMultiple(Task current, Fd fd, VirtAddr headers, uint count, MessageFlags flags)
    {
        Result<SocketFile> file = SocketCalls.Get(current, fd);
        if (!file.Ok)
            return file.Error;
        count = Math.Min(count, 1024);
        SyscallResult result = SyscallResult.Success;
        uint done = 0;
        for (; done < count; done++)
        {
            VirtAddr at = headers + (done * MultipleHeaderSize);
            result = await SendMessageAsync(current, file.Value, new UserPtr<MessageHeader>(at), flags);
            if (!result.IsError)
                result = await current.WriteUserAsync(new UserPtr<uint>(at + MultipleLengthOffset), (uint)result.Value);
            if (result.IsError)
                break;
        }

        file.Value.Put();
        return done > 0 ? done : result;
    }

    [Syscall(299, "recvmmsg", SyscallSupport.Real)]
    public static async KTask<SyscallResult> ReceiveMultiple(
        Task current, Fd fd, VirtAddr headers, uint count, MessageFlags flags, UserPtr<Timespec> timeout)
    {
        Ktime deadline = Ktime.Never;
        if (!timeout.IsNull)
        {
            Result<Timespec> limit = await current.ReadUserAsync(timeout);
            if (!limit.Ok)
                return limit.Error;
            if (!limit.Value.IsValid)
                return Errno.EINVAL;
            deadline = current.Kernel.Time.Now + Ktime.Duration(limit.Value);
        }

        Result<SocketFile> file = SocketCalls.Get(current, fd);
        if (!file.Ok)
            return file.Error;
        count = Math.Min(count, 1024);
        SyscallResult result = SyscallResult.Success;
        uint done = 0;
        while (done < count)
        {
            VirtAddr at = headers + (done * MultipleHeaderSize);
            result = await ReceiveMessageAsync(current, file.Value, new UserPtr<MessageHeader>(at), flags & ~MessageFlags.WaitForOne);
            if (!result.IsError)
                result = await current.WriteUserAsync(new UserPtr<uint>(at + MultipleLengthOffset), (uint)result.Value);
            if (result.IsError)
                break;
            done++;
            if ((flags & MessageFlags.WaitForOne) != 0)
                flags |= MessageFlags.DontWait;
            if (deadline <= current.Kernel.Time.Now)
                break;
        }

        file.Value.Put();
        if (!timeout.IsNull && done > 0)
        {
            long left = Math.Max(deadline - current.Kernel.Time.Now, 0);
            Errno error = await current.WriteUserAsync(timeout, Timespec.FromNanoseconds(left));
            if (error != Errno.Success)
                return error;
        }

        return done > 0 ? done : result;
    }

    private static async KTask<SyscallResult> SendToAsync(
        Task current, SocketFile file, VirtAddr buffer, nuint length, MessageFlags flags, VirtAddr address, int addressLength)
    {
        byte[]? name = null;
        if (address.Value != 0)
        {
            Result<byte[]> bytes = await SocketAddresses.ReadAsync(current, address, addressLength);
            if (!bytes.Ok)
                return bytes.Error;
            name = bytes.Value;
        }

        Result<IovIter> iter = UserIovIter.Single(current, buffer, length);
        if (!iter.Ok)
            return iter.Error;
        Result<long> sent = await file.Socket.SendAsync(current, iter.Value, name, null, SocketFile.Identify(current), WithWait(file, flags));
        return sent.Ok ? sent.Value : sent.Error;
    }

    private static async KTask<SyscallResult> SendMessageAsync(Task current, SocketFile file, UserPtr<MessageHeader> pointer, MessageFlags flags)
    {
        Result<MessageHeader> header = await current.ReadUserAsync(pointer);
        if (!header.Ok)
            return header.Error;
        MessageHeader message = header.Value;
        byte[]? name = null;
        if (message.Name != 0 && message.NameLength != 0)
        {
            if (message.NameLength < 0)
                return Errno.EINVAL;
            Result<byte[]> bytes = await SocketAddresses.ReadAsync(current, new VirtAddr(message.Name), Math.Min(message.NameLength, 128));
            if (!bytes.Ok)
                return bytes.Error;
            name = bytes.Value;
        }

        Result<IovIter> iter = await UserIovIter.ReadAsync(current, new VirtAddr(message.Vectors), message.VectorCount, Errno.EMSGSIZE);
        if (!iter.Ok)
            return iter.Error;
        Result<OutgoingAncillary> ancillary = await AncillaryData.ReadAsync(current, new VirtAddr(message.Control), message.ControlLength);
        if (!ancillary.Ok)
            return ancillary.Error;
        Result<long> sent = await file.Socket.SendAsync(
            current, iter.Value, name, ancillary.Value.Files, ancillary.Value.Sender, WithWait(file, flags));
        ancillary.Value.Release();
        return sent.Ok ? sent.Value : sent.Error;
    }

    private static async KTask<SyscallResult> ReceiveMessageAsync(Task current, SocketFile file, UserPtr<MessageHeader> pointer, MessageFlags flags)
    {
        Result<MessageHeader> header = await current.ReadUserAsync(pointer);
        if (!header.Ok)
            return header.Error;
        MessageHeader request = header.Value;
        Result<IovIter> iter = await UserIovIter.ReadAsync(current, new VirtAddr(request.Vectors), request.VectorCount, Errno.EMSGSIZE);
        if (!iter.Ok)
            return iter.Error;
        var message = new ReceivedMessage();
        Result<long> received = await file.Socket.ReceiveAsync(current, iter.Value, message, WithWait(file, flags));
        if (!received.Ok)
        {
            AncillaryData.DropFiles(message);
            return received.Error;
        }

        Result<long> controlLength = await AncillaryData.WriteAsync(
            current, file.Socket, message, new VirtAddr(request.Control), (long)request.ControlLength, (flags & MessageFlags.CloseOnExec) != 0);
        if (!controlLength.Ok)
            return controlLength.Error;
        Errno error = Errno.Success;
        if (request.Name != 0)
        {
            byte[] address = message.Address ?? [];
            int count = Math.Min(address.Length, Math.Max(request.NameLength, 0));
            error = await current.WriteUserBytesAsync(new VirtAddr(request.Name), address.AsMemory(0, count));
            if (error == Errno.Success)
                error = await current.WriteUserAsync(new UserPtr<int>(pointer.Address + NameLengthOffset), address.Length);
        }

        if (error == Errno.Success)
            error = await current.WriteUserAsync(new UserPtr<ulong>(pointer.Address + ControlLengthOffset), (ulong)controlLength.Value);
        if (error == Errno.Success)
        {
            uint outFlags = (uint)message.Flags | ((uint)flags & (uint)MessageFlags.CloseOnExec);
            error = await current.WriteUserAsync(new UserPtr<uint>(pointer.Address + FlagsOffset), outFlags);
        }

        return error != Errno.Success ? error : received.Value;
    }

    private static MessageFlags WithWait(SocketFile file, MessageFlags flags) => file.IsNonBlocking ? flags | MessageFlags.DontWait : flags;
}
