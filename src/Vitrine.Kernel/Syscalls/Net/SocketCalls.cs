using Vitrine.Kernel.Async;
using Vitrine.Kernel.Net;
using Vitrine.Kernel.Net.Inet;
using Vitrine.Kernel.Net.Netlink;
using Vitrine.Kernel.Net.Unix;
using Vitrine.Kernel.Syscalls.Ipc;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Net;

/// <summary>Making, naming and connecting sockets (socket(2) and its kin). AF_UNIX, AF_NETLINK, and AF_INET without any network; other families: EAFNOSUPPORT.</summary>
internal static class SocketCalls
{
    private const int TypeMask = 0xf;
    private const int FamilyMaximum = 46;

    [Syscall(41, "socket", SyscallSupport.Partial, Note = "AF_UNIX; AF_NETLINK for the process connector, task statistics and user sockets; AF_INET as in a network namespace without interfaces; others EAFNOSUPPORT")]
    public static SyscallResult SocketCall(Task current, int family, int type, int protocol)
    {
        Result<OpenFlags> flags = SplitFlags(type);
        if (!flags.Ok)
            return flags.Error;
        Result<Socket> socket = Create(current, family, type & TypeMask, protocol);
        if (!socket.Ok)
            return socket.Error;
        Result<OpenFile> file = SocketFile.Create(current, socket.Value, flags.Value);
        if (!file.Ok)
            return file.Error;
        return Install(current, file.Value, flags.Value);
    }

    [Syscall(53, "socketpair", SyscallSupport.Partial, Note = "AF_UNIX only; others EAFNOSUPPORT")]
    public static async KTask<SyscallResult> SocketPair(Task current, int family, int type, int protocol, UserPtr<int> fds)
    {
        Result<OpenFlags> flags = SplitFlags(type);
        if (!flags.Ok)
            return flags.Error;
        Result<Socket> first = Create(current, family, type & TypeMask, protocol);
        if (!first.Ok)
            return first.Error;
        Result<Socket> second = Create(current, family, type & TypeMask, protocol);
        if (!second.Ok)
        {
            first.Value.Release();
            return second.Error;
        }

        if (first.Value is not UnixSocket one || second.Value is not UnixSocket other)
        {
            first.Value.Release();
            second.Value.Release();
            return Errno.EOPNOTSUPP;
        }

        UnixSocket.Join(one, other);
        Result<OpenFile> a = SocketFile.Create(current, first.Value, flags.Value);
        if (!a.Ok)
        {
            second.Value.Release();
            return a.Error;
        }

        Result<OpenFile> b = SocketFile.Create(current, second.Value, flags.Value);
        if (!b.Ok)
        {
            a.Value.Put();
            return b.Error;
        }

        return await DescriptorPair.InstallAsync(current, a.Value, b.Value, (flags.Value & OpenFlags.CloseOnExec) != 0, fds);
    }

    [Syscall(49, "bind", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Bind(Task current, Fd fd, VirtAddr address, int length)
    {
        Result<SocketFile> file = Get(current, fd);
        if (!file.Ok)
            return file.Error;
        Result<byte[]> bytes = await SocketAddresses.ReadAsync(current, address, length);
        Errno error = bytes.Ok ? await file.Value.Socket.BindAsync(current, bytes.Value) : bytes.Error;
        file.Value.Put();
        return error;
    }

    [Syscall(42, "connect", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Connect(Task current, Fd fd, VirtAddr address, int length)
    {
        Result<SocketFile> file = Get(current, fd);
        if (!file.Ok)
            return file.Error;
        Result<byte[]> bytes = await SocketAddresses.ReadAsync(current, address, length);
        Errno error = bytes.Ok ? await file.Value.Socket.ConnectAsync(current, bytes.Value, file.Value.IsNonBlocking) : bytes.Error;
        file.Value.Put();
        return error;
    }

    [Syscall(50, "listen", SyscallSupport.Real)]
    public static SyscallResult Listen(Task current, Fd fd, int backlog)
    {
        Result<SocketFile> file = Get(current, fd);
        if (!file.Ok)
            return file.Error;
        Errno error = file.Value.Socket.Listen(current, backlog);
        file.Value.Put();
        return error;
    }

    [Syscall(43, "accept", SyscallSupport.Real)]
    public static KTask<SyscallResult> Accept(Task current, Fd fd, VirtAddr address, UserPtr<int> length) =>
        Accept4(current, fd, address, length, 0);

    [Syscall(288, "accept4", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Accept4(Task current, Fd fd, VirtAddr address, UserPtr<int> length, int flags)
    {
        if ((flags & ~(int)(OpenFlags.CloseOnExec | OpenFlags.NonBlock)) != 0)
            return Errno.EINVAL;
        Result<SocketFile> listener = Get(current, fd);
        if (!listener.Ok)
            return listener.Error;
        Result<Socket> accepted = await listener.Value.Socket.AcceptAsync(current, listener.Value.IsNonBlocking);
        listener.Value.Put();
        if (!accepted.Ok)
            return accepted.Error;
        Result<OpenFile> file = SocketFile.Create(current, accepted.Value, (OpenFlags)flags);
        if (!file.Ok)
            return file.Error;
        if (address.Value != 0)
        {
            Result<byte[]> peer = accepted.Value.PeerAddress();
            Errno error = peer.Ok ? await SocketAddresses.WriteAsync(current, peer.Value, address, length) : Errno.ECONNABORTED;
            if (error != Errno.Success)
            {
                file.Value.Put();
                return error;
            }
        }

        return Install(current, file.Value, (OpenFlags)flags);
    }

    [Syscall(48, "shutdown", SyscallSupport.Real)]
    public static SyscallResult Shutdown(Task current, Fd fd, int how)
    {
        Result<SocketFile> file = Get(current, fd);
        if (!file.Ok)
            return file.Error;
        Errno error = how is < 0 or > 2 ? Errno.EINVAL : file.Value.Socket.Shutdown(how);
        file.Value.Put();
        return error;
    }

    [Syscall(51, "getsockname", SyscallSupport.Real)]
    public static KTask<SyscallResult> GetSockName(Task current, Fd fd, VirtAddr address, UserPtr<int> length) =>
        NameAsync(current, fd, address, length, peer: false);

    [Syscall(52, "getpeername", SyscallSupport.Real)]
    public static KTask<SyscallResult> GetPeerName(Task current, Fd fd, VirtAddr address, UserPtr<int> length) =>
        NameAsync(current, fd, address, length, peer: true);

    /// <summary>The socket behind a descriptor, counted; EBADF, ENOTSOCK.</summary>
    internal static Result<SocketFile> Get(Task current, Fd fd)
    {
        Result<OpenFile> file = current.Files!.Get(fd);
        if (!file.Ok)
            return file.Error;
        if (file.Value is SocketFile socket)
            return socket;
        file.Value.Put();
        return Errno.ENOTSOCK;
    }

    private static async KTask<SyscallResult> NameAsync(Task current, Fd fd, VirtAddr address, UserPtr<int> length, bool peer)
    {
        Result<SocketFile> file = Get(current, fd);
        if (!file.Ok)
            return file.Error;
        Result<byte[]> name = peer ? file.Value.Socket.PeerAddress() : file.Value.Socket.LocalAddress();
        file.Value.Put();
        return name.Ok ? await SocketAddresses.WriteAsync(current, name.Value, address, length) : name.Error;
    }

    private static Result<OpenFlags> SplitFlags(int type)
    {
        var flags = (OpenFlags)(uint)(type & ~TypeMask);
        return (flags & ~(OpenFlags.CloseOnExec | OpenFlags.NonBlock)) != 0 ? Errno.EINVAL : flags;
    }

    private static Result<Socket> Create(Task current, int family, int type, int protocol)
    {
        if (family is < 0 or >= FamilyMaximum)
            return Errno.EAFNOSUPPORT;
        if (type is < 0 or > 10)
            return Errno.EINVAL;
        return (AddressFamily)family switch
        {
            AddressFamily.Unix => UnixSocket.Create(current, (SocketType)type, protocol),
            AddressFamily.Netlink => NetlinkSocket.Create(current, (SocketType)type, protocol),
            AddressFamily.Inet => InetSocket.Create(current, (SocketType)type, protocol),
            _ => Errno.EAFNOSUPPORT,
        };
    }

    private static SyscallResult Install(Task current, OpenFile file, OpenFlags flags)
    {
        Result<Fd> fd = current.Files!.Install(current, file, (flags & OpenFlags.CloseOnExec) != 0);
        if (fd.Ok)
            return fd.Value;
        file.Put();
        return fd.Error;
    }
}
