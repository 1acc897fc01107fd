using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Net.Unix;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Net;

/// <summary>The open file description of a socket.</summary>
internal sealed class SocketFile : OpenFile
{
    /// <summary>Kernel memory charged for a socket with its description and inode.</summary>
    public const long DeclaredSize = 2048;

    private const uint SiocOutQ = 0x5411;
    private const uint SiocAtMark = 0x8905;
    private readonly Cgroup _cgroup;

    private SocketFile(VfsPath path, Inode inode, OpenFlags flags, Socket socket, Cgroup cgroup)
        : base(path, inode, flags)
    {
        Socket = socket;
        socket.File = this;
        _cgroup = cgroup;
    }

    public Socket Socket { get; }

    public override bool IsStream => true;

    /// <summary>Wraps a socket; takes it over. ENOMEM at the cgroup's limit, the socket is then released.</summary>
    public static Result<OpenFile> Create(Task current, Socket socket, OpenFlags flags)
    {
        Errno error = current.Cgroup.ChargeKernelMemory(DeclaredSize);
        if (error != Errno.Success)
        {
            socket.Release();
            return error;
        }

        KernelInstance kernel = current.Kernel;
        PseudoSuperBlock fileSystem = kernel.Vfs.SockFs;
        var inode = new PseudoInode(fileSystem, FileMode.Socket | (FileMode)0x1ff)
        {
            Uid = current.Credentials.Fsuid,
            Gid = current.Credentials.Fsgid,
        };
        VfsPath path = fileSystem.MakePath(inode, $"socket:[{inode.Number.Value}]");
        var file = new SocketFile(path, inode, OpenFlags.ReadWrite | (flags & OpenFlags.NonBlock), socket, current.Cgroup);
        path.Dentry.Put();
        return file;
    }

    /// <summary>Descriptors that came with the data are dropped: only recvmsg can take them.</summary>
    public override async KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
    {
        if (to.Remaining == 0)
            return 0;
        var message = new ReceivedMessage();
        Result<long> received = await Socket.ReceiveAsync(current, to, message, WaitFlag(to.IsNoWait));
        foreach (OpenFile file in message.Files ?? [])
            file.Put();
        return received;
    }

    public override KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset) =>
        Socket.SendAsync(current, from, null, null, Identify(current), WaitFlag(from.IsNoWait));

    public override bool SupportsAsync => true;

    public override void Subscribe(bool on) => Socket.Subscribers.Set(this, on);

    public override PollEvents Poll(PollTable? table) => Socket.Poll(table);

    public override async KTask<SyscallResult> IoctlAsync(Task current, uint command, ulong argument)
    {
        Result<int> value = command switch
        {
            IoctlCommand.FioNRead => Socket.AvailableBytes,
            SiocOutQ => Socket.QueuedBytes,
            SiocAtMark => Socket.AtMark,
            _ => Errno.ENOTTY,
        };
        if (!value.Ok)
            return value.Error;
        return await current.WriteUserAsync(new UserPtr<int>(new VirtAddr(argument)), value.Value);
    }

    public override void Release()
    {
        Socket.File = null;
        Socket.Release();
        _cgroup.UnchargeKernelMemory(DeclaredSize);
        if (Socket is UnixSocket)
            Kernel.UnixFilesInFlight.SocketClosed();
    }

    /// <summary>The identity that goes with what a task sends.</summary>
    public static SenderIdentity Identify(Task current) =>
        new(current.ThreadGroup.Leader.Pid, current.Credentials.Uid, current.Credentials.Gid);

    private MessageFlags WaitFlag(bool noWait) => IsNonBlocking || noWait ? MessageFlags.DontWait : MessageFlags.None;
}
