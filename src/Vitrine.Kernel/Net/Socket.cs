using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Net;

/// <summary>What a receive call brings back besides the data.</summary>
internal sealed class ReceivedMessage
{
    /// <summary>The sender's address as sockaddr bytes, for those that report one.</summary>
    public byte[]? Address { get; set; }

    public SenderIdentity? Sender { get; set; }

    /// <summary>Files to install or to drop: the receiver owns the references.</summary>
    public OpenFile[]? Files { get; set; }

    public MessageFlags Flags { get; set; }
}

/// <summary>
/// A socket (struct socket's and sock's twin): what the socket calls need of a protocol family. What a family does not
/// override answers with Linux's errno.
/// </summary>
internal abstract class Socket(NetNamespace network, AddressFamily family, SocketType type, int protocol)
{
    /// <summary>net.core.wmem_default and rmem_default.</summary>
    public const int DefaultBuffer = 212_992;

    /// <summary>net.core.wmem_max and rmem_max.</summary>
    public const int MaximumBuffer = 212_992;

    public NetNamespace Network { get; } = network;

    public AddressFamily Family { get; } = family;

    public SocketType Type { get; } = type;

    public int Protocol { get; } = protocol;

    /// <summary>SO_SNDBUF / SO_RCVBUF as getsockopt reports them: twice what was set.</summary>
    public int SendBuffer { get; set; } = DefaultBuffer;

    public int ReceiveBuffer { get; set; } = DefaultBuffer;

    /// <summary>SO_SNDTIMEO / SO_RCVTIMEO in nanoseconds; 0 is for ever.</summary>
    public long SendTimeout { get; set; }

    public long ReceiveTimeout { get; set; }

    public bool PassCredentials { get; set; }

    public int ReceiveLowWater { get; set; } = 1;

    /// <summary>Boolean options that are kept and reported (SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, …), by number.</summary>
    public HashSet<SocketOption> BooleanOptions { get; } = [];

    public Timeval LingerTime { get; set; }

    /// <summary>An error to be reported by the next call (SO_ERROR takes it).</summary>
    public Errno PendingError { get; set; }

    /// <summary>Its open file description, which keeps it: who is told of urgent data.</summary>
    public OpenFile? File { get; set; }

    /// <summary>Its descriptions with O_ASYNC.</summary>
    public AsyncSubscribers Subscribers { get; } = new();

    public abstract bool IsListening { get; }

    public virtual KTask<Errno> BindAsync(Task current, byte[] address) => Fail(Errno.EOPNOTSUPP);

    public virtual KTask<Errno> ConnectAsync(Task current, byte[] address, bool nonBlocking) => Fail(Errno.EOPNOTSUPP);

    public virtual Errno Listen(Task current, int backlog) => Errno.EOPNOTSUPP;

    public virtual KTask<Result<Socket>> AcceptAsync(Task current, bool nonBlocking) => KTask<Result<Socket>>.FromResult(Errno.EOPNOTSUPP);

    public virtual KTask<Result<long>> SendAsync(Task current, IovIter from, byte[]? address, OpenFile[]? files, SenderIdentity sender, MessageFlags flags) =>
        KTask<Result<long>>.FromResult(Errno.EOPNOTSUPP);

    public virtual KTask<Result<long>> ReceiveAsync(Task current, IovIter to, ReceivedMessage message, MessageFlags flags) =>
        KTask<Result<long>>.FromResult(Errno.EOPNOTSUPP);

    /// <param name="how">0 receive, 1 send, 2 both.</param>
    public virtual Errno Shutdown(int how) => Errno.EOPNOTSUPP;

    public virtual Result<byte[]> LocalAddress() => Errno.EOPNOTSUPP;

    public virtual Result<byte[]> PeerAddress() => Errno.EOPNOTSUPP;

    /// <summary>SO_PEERCRED.</summary>
    public virtual SenderIdentity? PeerIdentity => null;

    /// <summary>An option of a level other than SOL_SOCKET.</summary>
    public virtual Errno SetOption(Task current, int level, int option, int value) => Errno.EOPNOTSUPP;

    public abstract PollEvents Poll(PollTable? table);

    /// <summary>Bytes that could be read now (SIOCINQ / FIONREAD).</summary>
    public virtual Result<int> AvailableBytes => Errno.EOPNOTSUPP;

    /// <summary>Bytes sent and not yet taken (SIOCOUTQ).</summary>
    public virtual Result<int> QueuedBytes => Errno.EOPNOTSUPP;

    /// <summary>Whether the next byte to read is the urgent one (SIOCATMARK).</summary>
    public virtual Result<int> AtMark => Errno.EOPNOTSUPP;

    /// <summary>The last descriptor is gone.</summary>
    public abstract void Release();

    /// <summary>The deadline of a call that may wait, from a timeout option.</summary>
    protected static Ktime Deadline(Task current, long timeout) => timeout == 0 ? Ktime.Never : current.Kernel.Time.Now + timeout;

    protected static KTask<Errno> Fail(Errno error) => KTask<Errno>.FromResult(error);
}
