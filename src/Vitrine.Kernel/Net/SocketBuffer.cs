using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Net;

/// <summary>Who sent a message, as SCM_CREDENTIALS reports it. Numbers are translated when they are received.</summary>
internal readonly record struct SenderIdentity(Namespaces.PidNumber? Pid, Uid Uid, Gid Gid);

/// <summary>
/// A piece of data on its way between sockets (sk_buff's twin). Small ones are charged kernel memory, larger ones lie in
/// guest frames. Owned by the queue it is on, and by whoever called <see cref="Get"/>.
/// </summary>
internal sealed class SocketBuffer
{
    /// <summary>What a buffer counts besides its data, against socket limits (SKB_TRUESIZE's overhead).</summary>
    public const int Overhead = 768;

    /// <summary>Up to this many bytes live in charged kernel memory rather than in a frame of their own.</summary>
    private const int SmallSize = 1024;

    private readonly KernelInstance _kernel;
    private readonly Cgroup _cgroup;
    private readonly byte[]? _small;
    private readonly PageFrameNumber[]? _frames;
    private Security.UserAccount? _filesOf;
    private int _references = 1;

    private SocketBuffer(KernelInstance kernel, Cgroup cgroup, int capacity, byte[]? small, PageFrameNumber[]? frames)
    {
        _kernel = kernel;
        _cgroup = cgroup;
        Capacity = capacity;
        _small = small;
        _frames = frames;
    }

    public int Capacity { get; }

    /// <summary>Bytes written so far, from the start.</summary>
    public int Length { get; private set; }

    /// <summary>Bytes already consumed from the front.</summary>
    public int Consumed { get; set; }

    public int Remaining => Length - Consumed;

    public int TrueSize => Capacity + Overhead;

    public SenderIdentity Sender { get; init; }

    /// <summary>Files in transit (SCM_RIGHTS): each a counted reference.</summary>
    public OpenFile[]? Files { get; private set; }

    /// <summary>The Unix socket whose send buffer it counts against.</summary>
    public Unix.UnixSocket? Origin { get; set; }

    /// <summary>The address of the sender, for datagrams.</summary>
    public byte[]? Address { get; init; }

    /// <summary>Makes an empty buffer for <paramref name="capacity"/> bytes; ENOMEM or ENOBUFS when there is no memory.</summary>
    public static async KTask<Result<SocketBuffer>> CreateAsync(Task current, int capacity, SenderIdentity sender, byte[]? address)
    {
        Cgroup cgroup = current.Cgroup;
        bool isSmall = capacity <= SmallSize;
        Errno error = cgroup.ChargeKernelMemory(Overhead + (isSmall ? capacity : 0));
        if (error != Errno.Success)
            return error;
        if (isSmall)
            return new SocketBuffer(current.Kernel, cgroup, capacity, new byte[capacity], null) { Sender = sender, Address = address };
        var frames = new PageFrameNumber[(capacity + (int)Page.Size - 1) / (int)Page.Size];
        for (int i = 0; i < frames.Length; i++)
        {
            Result<PageFrameNumber> frame = await current.Kernel.Memory.AllocateAsync(current, FrameRequest.KernelNoZero);
            if (!frame.Ok)
            {
                while (--i >= 0)
                    current.Kernel.Memory.Put(frames[i]);
                cgroup.UnchargeKernelMemory(Overhead);
                return frame.Error;
            }

            frames[i] = frame.Value;
        }

        return new SocketBuffer(current.Kernel, cgroup, capacity, null, frames) { Sender = sender, Address = address };
    }

    /// <summary>Fills the buffer from the iterator, faulting pages in; EFAULT leaves it partly filled.</summary>
    public async KTask<Errno> FillAsync(Task current, IovIter from)
    {
        while (Length < Capacity)
        {
            int chunk = ChunkAt(Length, Capacity - Length);
            int copied = from.CopyFrom(SpanAt(Length, chunk));
            Length += copied;
            if (copied == chunk)
                continue;
            Errno error = await from.FaultInAsync(current, write: false);
            if (error != Errno.Success)
                return error;
        }

        return Errno.Success;
    }

    /// <summary>Copies up to <paramref name="count"/> bytes from an offset behind what was consumed; changes nothing else. Short on a missing page.</summary>
    public int CopyTo(IovIter to, int offset, int count)
    {
        int done = 0;
        count = Math.Min(count, Remaining - offset);
        while (done < count)
        {
            int at = Consumed + offset + done;
            int chunk = ChunkAt(at, count - done);
            int copied = to.CopyTo(SpanAt(at, chunk));
            done += copied;
            if (copied < chunk)
                break;
        }

        return done;
    }

    /// <summary>Copies so many bytes from the front, faulting pages in; consumes nothing. EFAULT leaves them partly copied.</summary>
    public async KTask<Errno> CopyOutAsync(Task current, IovIter to, int count)
    {
        int done = CopyTo(to, 0, count);
        while (done < count)
        {
            Errno error = await to.FaultInAsync(current, write: true);
            if (error != Errno.Success)
                return error;
            done += CopyTo(to, done, count - done);
        }

        return Errno.Success;
    }

    /// <summary>Takes a reference: the data stays while it is copied, whoever takes it off its queue.</summary>
    public void Get() => _references++;

    /// <summary>Gives a reference back; with the last one everything: files still in transit are closed.</summary>
    public void Free()
    {
        if (--_references > 0)
            return;
        _cgroup.UnchargeKernelMemory(Overhead + (_small?.Length ?? 0));
        if (_frames is not null)
        {
            foreach (PageFrameNumber frame in _frames)
                _kernel.Memory.Put(frame);
        }

        DropFiles();
    }

    /// <summary>Puts files into the buffer, which takes the references over.</summary>
    public void AttachFiles(OpenFile[] files, Security.UserAccount sender)
    {
        Files = files;
        _filesOf = sender;
        _kernel.UnixFilesInFlight.Depart(files, sender);
    }

    /// <summary>Takes the files out: the references are the caller's.</summary>
    public OpenFile[]? DetachFiles()
    {
        OpenFile[]? files = Files;
        if (files is not null)
            _kernel.UnixFilesInFlight.Arrive(files, _filesOf!);
        Files = null;
        return files;
    }

    /// <summary>Closes files that nobody received.</summary>
    public void DropFiles()
    {
        if (DetachFiles() is { } files)
            _kernel.UnixFilesInFlight.Drop(files);
    }

    private int ChunkAt(int position, int count) =>
        _small is not null ? count : Math.Min(count, (int)Page.Size - (position & ((int)Page.Size - 1)));

    private Span<byte> SpanAt(int position, int count) => _small is not null
        ? _small.AsSpan(position, count)
        : _kernel.Memory.Ram.FrameSpan(_frames![position / (int)Page.Size]).Slice(position & ((int)Page.Size - 1), count);
}
