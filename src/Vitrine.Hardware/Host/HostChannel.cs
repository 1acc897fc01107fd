using Vitrine.Abi;

namespace Vitrine.Hardware.Host;

/// <summary>What a host channel is, so that the guest's descriptor keeps its kind.</summary>
internal enum HostChannelKind
{
    Pipe = 1,
    Socket = 2,
    Terminal = 3,
    CharacterDevice = 4,
    File = 5,
}

/// <summary>What a channel is ready for.</summary>
[Flags]
internal enum HostReadiness
{
    None = 0,
    Readable = 1,
    Writable = 2,
    HangUp = 4,
    Error = 8,
}

/// <summary>
/// A way for bytes between the machine and the host behind one of the guest's first descriptors: the host's own
/// descriptor, or a stream of the embedding program. No call blocks; those that would report EAGAIN, and
/// <see cref="Arm"/> tells when it is worth trying again. Results are counts of bytes, or negated errno values.
/// </summary>
internal abstract class HostChannel : IDisposable
{
    public abstract HostChannelKind Kind { get; }

    /// <summary>The type and permission bits that fstat shows.</summary>
    public abstract uint Mode { get; }

    /// <summary>The access mode and O_APPEND of the host's description, as Linux numbers.</summary>
    public abstract uint Flags { get; }

    /// <summary>For devices: the host's device number as dev_t.</summary>
    public virtual ulong RawDevice => 0;

    public abstract int Read(Span<byte> buffer);

    public abstract int Write(ReadOnlySpan<byte> bytes);

    /// <summary>What is ready now.</summary>
    public abstract HostReadiness Poll();

    /// <summary>
    /// Calls <paramref name="ready"/> once, on some host thread, when one of the wanted conditions holds (at once if it
    /// does already). A later call replaces an earlier one that has not fired.
    /// </summary>
    public abstract void Arm(HostReadiness wanted, Action ready);

    /// <summary>Moves the offset that the host's description shares; ESPIPE where there is none.</summary>
    public virtual long Seek(long offset, int whence) => -(long)Errno.ESPIPE;

    public virtual int ReadAt(Span<byte> buffer, long offset) => -(int)Errno.ESPIPE;

    public virtual int WriteAt(ReadOnlySpan<byte> bytes, long offset) => -(int)Errno.ESPIPE;

    /// <summary>The file's size now; 0 for what has none.</summary>
    public virtual long Size => 0;

    /// <summary>Cuts or extends the file.</summary>
    public virtual int Truncate(long length) => -(int)Errno.EINVAL;

    /// <summary>
    /// The same file through a description of its own, with an offset of its own, by an access mode and O_APPEND as Linux
    /// numbers; null and a negated errno if the host refuses. Whoever opened it disposes it.
    /// </summary>
    public virtual HostChannel? OpenAgain(uint flags, out int refused)
    {
        refused = -(int)Errno.ENXIO;
        return null;
    }

    public virtual int Sync() => -(int)Errno.EINVAL;

    /// <summary>The guest holds no descriptor of it any more.</summary>
    public abstract void Dispose();
}
