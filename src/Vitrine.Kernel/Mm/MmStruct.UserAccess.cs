namespace Vitrine.Kernel.Mm;

/// <content>
/// The kernel's access to user memory: synchronous, through the page tables, never faulting. A page that is not there
/// (or needs copy-on-write) stops a copy; the caller awaits <see cref="FaultInAsync"/> and goes on. Single words are
/// accessed with the host's atomics, as other processors run user code meanwhile.
/// </content>
internal sealed unsafe partial class MmStruct
{
    /// <summary>
    /// Copies out of user memory without faulting; stops at the first page that is not readable now.
    /// </summary>
    /// <returns>Bytes copied; fewer than asked means: await <see cref="FaultInAsync"/> for the next byte and go on.</returns>
    public int CopyFromUser(VirtAddr source, Span<byte> destination)
    {
        int done = 0;
        while (done < destination.Length)
        {
            byte* host = Translate(source.Value + (ulong)done, write: false, out _);
            if (host is null)
                break;
            int count = Math.Min(destination.Length - done, (int)Page.Size - (source + (ulong)done).PageOffset);

            // SAFETY: the bytes lie within one frame; the entry can't go while the kernel lock is held.
            new ReadOnlySpan<byte>(host, count).CopyTo(destination[done..]);
            done += count;
        }

        return done;
    }

    /// <summary>Copies into user memory without faulting; sets accessed and dirty bits, drops decoded code, breaks nothing shared: a page that needs copy-on-write counts as not writable now.</summary>
    public int CopyToUser(VirtAddr destination, ReadOnlySpan<byte> source)
    {
        int done = 0;
        while (done < source.Length)
        {
            byte* host = Translate(destination.Value + (ulong)done, write: true, out PageFrameNumber frame);
            if (host is null)
                break;
            int count = Math.Min(source.Length - done, (int)Page.Size - (destination + (ulong)done).PageOffset);

            // SAFETY: as above, and the entry is writable and dirty.
            source.Slice(done, count).CopyTo(new Span<byte>(host, count));
            Memory.Written(frame);
            done += count;
        }

        return done;
    }

    /// <summary>Reads an aligned user word atomically; false if the page must be faulted in first.</summary>
    public bool TryRead32(VirtAddr address, out uint value)
    {
        byte* host = Translate(address.Value, write: false, out _);
        value = host is null ? 0 : Volatile.Read(ref *(uint*)host);
        return host is not null;
    }

    public bool TryRead64(VirtAddr address, out ulong value)
    {
        byte* host = Translate(address.Value, write: false, out _);
        value = host is null ? 0 : Volatile.Read(ref *(ulong*)host);
        return host is not null;
    }

    public bool TryWrite32(VirtAddr address, uint value) => TryExchange32(address, value, out _);

    public bool TryWrite64(VirtAddr address, ulong value)
    {
        byte* host = Translate(address.Value, write: true, out PageFrameNumber frame);
        if (host is null)
            return false;
        Volatile.Write(ref *(ulong*)host, value);
        Memory.Written(frame);
        return true;
    }

    /// <summary>Atomic compare-exchange of an aligned user word; false if the page must be faulted in first.</summary>
    public bool TryCompareExchange32(VirtAddr address, uint expected, uint value, out uint observed)
    {
        byte* host = Translate(address.Value, write: true, out PageFrameNumber frame);
        observed = host is null ? 0 : Interlocked.CompareExchange(ref *(uint*)host, value, expected);
        return Finish(host, frame);
    }

    public bool TryCompareExchange64(VirtAddr address, ulong expected, ulong value, out ulong observed)
    {
        byte* host = Translate(address.Value, write: true, out PageFrameNumber frame);
        observed = host is null ? 0 : Interlocked.CompareExchange(ref *(ulong*)host, value, expected);
        return Finish(host, frame);
    }

    public bool TryExchange32(VirtAddr address, uint value, out uint observed)
    {
        byte* host = Translate(address.Value, write: true, out PageFrameNumber frame);
        observed = host is null ? 0 : Interlocked.Exchange(ref *(uint*)host, value);
        return Finish(host, frame);
    }

    public bool TryAdd32(VirtAddr address, uint value, out uint observed)
    {
        byte* host = Translate(address.Value, write: true, out PageFrameNumber frame);
        observed = host is null ? 0 : Interlocked.Add(ref *(uint*)host, value) - value;
        return Finish(host, frame);
    }

    public bool TryOr32(VirtAddr address, uint value, out uint observed)
    {
        byte* host = Translate(address.Value, write: true, out PageFrameNumber frame);
        observed = host is null ? 0 : Interlocked.Or(ref *(uint*)host, value);
        return Finish(host, frame);
    }

    public bool TryAnd32(VirtAddr address, uint value, out uint observed)
    {
        byte* host = Translate(address.Value, write: true, out PageFrameNumber frame);
        observed = host is null ? 0 : Interlocked.And(ref *(uint*)host, value);
        return Finish(host, frame);
    }

    public bool TryXor32(VirtAddr address, uint value, out uint observed)
    {
        observed = 0;
        byte* host = Translate(address.Value, write: true, out PageFrameNumber frame);
        if (host is null)
            return false;
        uint seen = Volatile.Read(ref *(uint*)host);
        do
        {
            observed = seen;
            seen = Interlocked.CompareExchange(ref *(uint*)host, observed ^ value, observed);
        }
        while (seen != observed);
        Memory.Written(frame);
        return true;
    }

    private bool Finish(byte* host, PageFrameNumber frame)
    {
        if (host is null)
            return false;
        Memory.Written(frame);
        return true;
    }

    /// <summary>
    /// The host address of a user address if the program could access it now, else null. Sets the accessed bit, and
    /// the dirty bit for a write.
    /// </summary>
    private byte* Translate(ulong address, bool write, out PageFrameNumber frame)
    {
        frame = default;
        if (address >= TaskSize)
            return null;
        ulong* slot = FindEntry(address);
        if (slot is null)
            return null;
        ulong entry = Volatile.Read(ref *slot);
        ulong needed = write ? Pte.Present | Pte.User | Pte.Writable : Pte.Present | Pte.User;
        if ((entry & needed) != needed)
            return null;
        ulong marks = write ? Pte.Accessed | Pte.Dirty : Pte.Accessed;
        if ((entry & marks) != marks)
            _ = Interlocked.Or(ref *slot, marks);
        frame = Pte.Frame(entry);
        return Memory.Ram.Frame(frame) + (address & (Page.Size - 1));
    }
}
