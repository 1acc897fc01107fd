using Vitrine.Kernel.Async;
using Vitrine.Kernel.Net;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Syscalls.Net;

/// <summary>setsockopt and getsockopt at level SOL_SOCKET (socket(7)); other levels: ENOPROTOOPT or EOPNOTSUPP as AF_UNIX gives.</summary>
internal static class SocketOptionCalls
{
    private const int SolSocket = 1;
    private const int SmallestSendBuffer = 4608;
    private const int SmallestReceiveBuffer = 2304;

    [Syscall(54, "setsockopt", SyscallSupport.Partial, Note = "SOL_SOCKET only; no filters, time stamps, marks, priorities, SO_PEEK_OFF and SO_PEERGROUPS: ENOPROTOOPT")]
    public static async KTask<SyscallResult> SetSockOpt(Task current, Fd fd, int level, SocketOption option, VirtAddr value, int length)
    {
        if (length < 0)
            return Errno.EINVAL;
        Result<SocketFile> file = SocketCalls.Get(current, fd);
        if (!file.Ok)
            return file.Error;
        Errno error = level == SolSocket
            ? await SetAsync(current, file.Value.Socket, option, value, length)
            : await SetOtherAsync(current, file.Value.Socket, level, (int)option, value, length);
        file.Value.Put();
        return error;
    }

    [Syscall(55, "getsockopt", SyscallSupport.Partial, Note = "SOL_SOCKET only; no filters, time stamps, marks, priorities, SO_PEEK_OFF and SO_PEERGROUPS: ENOPROTOOPT")]
    public static async KTask<SyscallResult> GetSockOpt(Task current, Fd fd, int level, SocketOption option, VirtAddr value, UserPtr<int> lengthPointer)
    {
        Result<SocketFile> file = SocketCalls.Get(current, fd);
        if (!file.Ok)
            return file.Error;
        SyscallResult result = level == SolSocket
            ? await GetAsync(current, file.Value.Socket, option, value, lengthPointer)
            : Errno.EOPNOTSUPP;
        file.Value.Put();
        return result;
    }

    private static async KTask<Errno> SetOtherAsync(Task current, Socket socket, int level, int option, VirtAddr value, int length)
    {
        int number = 0;
        if (length >= sizeof(int))
        {
            Result<int> read = await current.ReadUserAsync(new UserPtr<int>(value));
            if (!read.TryGet(out number, out Errno error))
                return error;
        }

        return socket.SetOption(current, level, option, number);
    }

    private static async KTask<Errno> SetAsync(Task current, Socket socket, SocketOption option, VirtAddr value, int length)
    {
        if (option is SocketOption.ReceiveTimeout or SocketOption.SendTimeout or SocketOption.Linger)
            return await SetPairAsync(current, socket, option, value, length);
        if (length < sizeof(int))
            return Errno.EINVAL;
        Result<int> read = await current.ReadUserAsync(new UserPtr<int>(value));
        if (!read.Ok)
            return read.Error;
        int number = read.Value;
        bool capable = current.Credentials.IsCapable(socket.Network.Owner!, Capability.NetAdmin);
        switch (option)
        {
            case SocketOption.PassCredentials:
                socket.PassCredentials = number != 0;
                return Errno.Success;
            case SocketOption.SendBuffer:
                socket.SendBuffer = BufferSize(Math.Min((uint)number, Socket.MaximumBuffer), SmallestSendBuffer);
                return Errno.Success;
            case SocketOption.ReceiveBuffer:
                socket.ReceiveBuffer = BufferSize(Math.Min((uint)number, Socket.MaximumBuffer), SmallestReceiveBuffer);
                return Errno.Success;
            case SocketOption.SendBufferForce:
                if (!capable)
                    return Errno.EPERM;
                socket.SendBuffer = BufferSize((uint)Math.Max(number, 0), SmallestSendBuffer);
                return Errno.Success;
            case SocketOption.ReceiveBufferForce:
                if (!capable)
                    return Errno.EPERM;
                socket.ReceiveBuffer = BufferSize((uint)Math.Max(number, 0), SmallestReceiveBuffer);
                return Errno.Success;
            case SocketOption.ReceiveLowWater:
                socket.ReceiveLowWater = number < 0 ? int.MaxValue : Math.Max(number, 1);
                return Errno.Success;
            case SocketOption.Debug when number != 0 && !capable:
                return Errno.EACCES;
            case SocketOption.Debug:
            case SocketOption.ReuseAddress:
            case SocketOption.KeepAlive:
            case SocketOption.Broadcast:
            case SocketOption.DontRoute:
            case SocketOption.OutOfBandInline:
            case SocketOption.Timestamp:
                if (number != 0)
                    socket.BooleanOptions.Add(option);
                else
                    socket.BooleanOptions.Remove(option);
                return Errno.Success;
            case SocketOption.ReusePort:
                return number != 0 ? Errno.EOPNOTSUPP : Errno.Success;
            default:
                return Errno.ENOPROTOOPT;
        }
    }

    private static async KTask<Errno> SetPairAsync(Task current, Socket socket, SocketOption option, VirtAddr value, int length)
    {
        if (option == SocketOption.Linger)
        {
            if (length < sizeof(ulong))
                return Errno.EINVAL;
            Result<ulong> linger = await current.ReadUserAsync(new UserPtr<ulong>(value));
            if (!linger.Ok)
                return linger.Error;
            socket.LingerTime = new Timeval((int)linger.Value, (int)(linger.Value >> 32));
            return Errno.Success;
        }

        if (length < 16)
            return Errno.EINVAL;
        Result<Timeval> time = await current.ReadUserAsync(new UserPtr<Timeval>(value));
        if (!time.Ok)
            return time.Error;
        if (time.Value.Microseconds is < 0 or >= 1_000_000)
            return Errno.EDOM;
        long duration = time.Value.Seconds < 0 ? 1 : Ktime.Duration(new Timespec(time.Value.Seconds, time.Value.Microseconds * 1000));
        if (option == SocketOption.ReceiveTimeout)
            socket.ReceiveTimeout = duration;
        else
            socket.SendTimeout = duration;
        return Errno.Success;
    }

    private static async KTask<SyscallResult> GetAsync(Task current, Socket socket, SocketOption option, VirtAddr value, UserPtr<int> lengthPointer)
    {
        Result<int> room = await current.ReadUserAsync(lengthPointer);
        if (!room.Ok)
            return room.Error;
        if (room.Value < 0)
            return Errno.EINVAL;
        byte[]? bytes = Encode(current, socket, option, out Errno failure);
        if (bytes is null)
            return failure;
        int count = Math.Min(room.Value, bytes.Length);
        Errno error = await current.WriteUserBytesAsync(value, bytes.AsMemory(0, count));
        return error != Errno.Success ? error : await current.WriteUserAsync(lengthPointer, count);
    }

    private static byte[]? Encode(Task current, Socket socket, SocketOption option, out Errno error)
    {
        error = Errno.Success;
        switch (option)
        {
            case SocketOption.Type:
                return BitConverter.GetBytes((int)socket.Type);
            case SocketOption.Domain:
                return BitConverter.GetBytes((int)socket.Family);
            case SocketOption.Protocol:
                return BitConverter.GetBytes(socket.Protocol);
            case SocketOption.Error:
                Errno pending = socket.PendingError;
                socket.PendingError = Errno.Success;
                return BitConverter.GetBytes((int)pending);
            case SocketOption.SendBuffer:
                return BitConverter.GetBytes(socket.SendBuffer);
            case SocketOption.ReceiveBuffer:
                return BitConverter.GetBytes(socket.ReceiveBuffer);
            case SocketOption.ReceiveLowWater:
                return BitConverter.GetBytes(socket.ReceiveLowWater);
            case SocketOption.SendLowWater:
                return BitConverter.GetBytes(1);
            case SocketOption.AcceptConnections:
                return BitConverter.GetBytes(socket.IsListening ? 1 : 0);
            case SocketOption.PassCredentials:
                return BitConverter.GetBytes(socket.PassCredentials ? 1 : 0);
            case SocketOption.PeerCredentials:
                SenderIdentity? peer = socket.PeerIdentity;
                byte[] credentials = new byte[12];
                BitConverter.TryWriteBytes(credentials, peer?.Pid?.In(current.Namespaces.Pid) ?? 0);
                BitConverter.TryWriteBytes(credentials.AsSpan(4), peer?.Uid.Value ?? uint.MaxValue);
                BitConverter.TryWriteBytes(credentials.AsSpan(8), peer?.Gid.Value ?? uint.MaxValue);
                return credentials;
            case SocketOption.ReceiveTimeout:
            case SocketOption.SendTimeout:
                Timespec time = Timespec.FromNanoseconds(option == SocketOption.ReceiveTimeout ? socket.ReceiveTimeout : socket.SendTimeout);
                byte[] timeval = new byte[16];
                BitConverter.TryWriteBytes(timeval, time.Seconds);
                BitConverter.TryWriteBytes(timeval.AsSpan(8), time.Nanoseconds / 1000);
                return timeval;
            case SocketOption.Linger:
                byte[] linger = new byte[8];
                BitConverter.TryWriteBytes(linger, (int)socket.LingerTime.Seconds);
                BitConverter.TryWriteBytes(linger.AsSpan(4), (int)socket.LingerTime.Microseconds);
                return linger;
            case SocketOption.Debug:
            case SocketOption.ReuseAddress:
            case SocketOption.KeepAlive:
            case SocketOption.Broadcast:
            case SocketOption.DontRoute:
            case SocketOption.OutOfBandInline:
            case SocketOption.Timestamp:
                return BitConverter.GetBytes(socket.BooleanOptions.Contains(option) ? 1 : 0);
            case SocketOption.ReusePort:
            case SocketOption.Priority:
                return BitConverter.GetBytes(0);
            default:
                error = Errno.ENOPROTOOPT;
                return null;
        }
    }

    private static int BufferSize(uint requested, int smallest) => (int)Math.Max(Math.Min(requested, int.MaxValue / 2) * 2, (uint)smallest);
}
