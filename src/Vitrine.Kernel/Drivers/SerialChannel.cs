using Vitrine.Hardware.Host;

namespace Vitrine.Kernel.Drivers;

/// <summary>
/// A channel of a deterministic machine: the machine stands still until the host has done what is asked, so that the guest
/// never sees how fast the other side is. A read gives all that was asked for, less only at the end; a write takes
/// everything; and asking for readiness waits for it. Only somebody outside who wants something of the machine (a signal, its end)
/// is answered first.
/// </summary>
internal sealed class SerialChannel(KernelInstance kernel, HostChannel inner) : HostChannel
{
    public override HostChannelKind Kind => inner.Kind;

    public override uint Mode => inner.Mode;

    public override uint Flags => inner.Flags;

    public override ulong RawDevice => inner.RawDevice;

    public override long Size => inner.Size;

    public override int Read(Span<byte> buffer)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            int got = inner.Read(buffer[done..]);
            if (got == 0)
                break;
            if (got > 0)
                done += got;
            else if (got != -(int)Errno.EAGAIN || !StandStill(HostReadiness.Readable))
                return done > 0 ? done : got;
        }

        return done;
    }

    public override int Write(ReadOnlySpan<byte> bytes)
    {
        int done = 0;
        while (done < bytes.Length)
        {
            int put = inner.Write(bytes[done..]);
            if (put >= 0)
                done += put;
            else if (put != -(int)Errno.EAGAIN || !StandStill(HostReadiness.Writable))
                return done > 0 ? done : put;
        }

        return done;
    }

    public override HostReadiness Poll()
    {
        // (Of one that goes both ways nobody knows which way is meant.)
        const uint accessMode = 3;
        HostReadiness wanted = (Flags & accessMode) switch
        {
            0 => HostReadiness.Readable,
            1 => HostReadiness.Writable,
            _ => HostReadiness.None,
        };
        if (wanted != HostReadiness.None)
            _ = StandStill(wanted);
        return inner.Poll();
    }

    public override void Arm(HostReadiness wanted, Action ready) => inner.Arm(wanted, ready);

    public override long Seek(long offset, int whence) => inner.Seek(offset, whence);

    public override int ReadAt(Span<byte> buffer, long offset) => inner.ReadAt(buffer, offset);

    public override int WriteAt(ReadOnlySpan<byte> bytes, long offset) => inner.WriteAt(bytes, offset);

    public override int Truncate(long length) => inner.Truncate(length);

    public override HostChannel? OpenAgain(uint flags, out int refused) =>
        inner.OpenAgain(flags, out refused) is { } again ? new SerialChannel(kernel, again) : null;

    public override int Sync() => inner.Sync();

    public override void Dispose() => inner.Dispose();

    private bool StandStill(HostReadiness wanted) => kernel.Processors[0].StandStill(inner, wanted);
}
