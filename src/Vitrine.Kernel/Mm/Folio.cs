using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <summary>
/// A piece of a page cache: a block of 2^order frames at an aligned index (struct folio's twin), as a handle on the
/// first frame's descriptor. Whoever got it from a counted call owns a reference and gives it back with
/// <see cref="Put"/>.
/// </summary>
internal readonly struct Folio(PhysicalMemory memory, PageFrameNumber frame)
{
    /// <summary>The first frame.</summary>
    public PageFrameNumber Frame { get; } = frame;

    /// <summary>The page index of its start in its address space.</summary>
    public unsafe ulong Index => Descriptor->Index;

    public unsafe int Order => Descriptor->Order;

    public ulong PageCount => 1UL << Order;

    public int Length => (int)Page.Size << Order;

    /// <summary>Its bytes. Off the kernel lock only while the folio is locked, pinned and not uptodate.</summary>
    public unsafe byte* Data => memory.Ram.Frame(Frame);

    /// <summary>Its bytes; not to be kept across an await.</summary>
    public unsafe Span<byte> Span => new(Data, Length);

    public unsafe bool IsLocked => (Descriptor->Flags & PageFlags.Locked) != 0;

    public unsafe bool IsUptodate => (Descriptor->Flags & PageFlags.Uptodate) != 0;

    public unsafe bool IsDirty => (Descriptor->Flags & PageFlags.Dirty) != 0;

    public unsafe bool IsWriteback => (Descriptor->Flags & PageFlags.Writeback) != 0;

    public unsafe bool IsMapped => Descriptor->MapCount > 0;

    /// <summary>The page cache it is in; null once it was truncated away.</summary>
    public unsafe AddressSpace? Space => memory.SpaceOf(Descriptor->Owner);

    internal unsafe PageDescriptor* Descriptor => memory[Frame];

    public Folio Get()
    {
        memory.Get(Frame);
        return this;
    }

    public void Put() => memory.Put(Frame);

    public unsafe bool TryLock()
    {
        if (IsLocked)
            return false;
        Descriptor->Flags |= PageFlags.Locked;
        return true;
    }

    /// <summary>Takes the folio lock; the caller holds a reference. Check <see cref="Space"/> afterwards.</summary>
    public KTask LockAsync(Task current) => TryLock() ? KTask.Completed : LockSlowAsync(current);

    public unsafe void Unlock()
    {
        if (!IsLocked)
            throw new InvalidOperationException($"folio at frame {Frame.Value:x} is unlocked without being locked");
        Descriptor->Flags &= ~PageFlags.Locked;
        WakeWaiters();
    }

    /// <summary>Waits until it is not locked (read) by somebody.</summary>
    public async KTask WaitUnlockedAsync(Task current)
    {
        Folio self = this;
        while (self.IsLocked)
        {
            self.MarkWaiters();
            _ = await self.Memory.WaitQueueOf(self.Frame).WaitAsync(current, WaitMode.Uninterruptible);
        }
    }

    /// <summary>Its content is what it should be. The folio is locked.</summary>
    public unsafe void MarkUptodate() => Descriptor->Flags = (Descriptor->Flags | PageFlags.Uptodate) & ~PageFlags.Error;

    public void MarkDirty() => memory.MarkDirty(Frame);

    /// <summary>Writes into it, telling the processors.</summary>
    public void Write(int offset, ReadOnlySpan<byte> data)
    {
        data.CopyTo(Span[offset..]);
        Written(offset, data.Length);
    }

    public void Zero(int offset, int length)
    {
        Span.Slice(offset, length).Clear();
        Written(offset, length);
    }

    /// <summary>The kernel wrote to a part of it through <see cref="Span"/>.</summary>
    public void Written(int offset, int length)
    {
        for (int at = offset >> Page.Shift; at <= (offset + Math.Max(length, 1) - 1) >> Page.Shift; at++)
            memory.Written(Frame + (uint)at);
    }

    private PhysicalMemory Memory => memory;

    private unsafe void MarkWaiters() => Descriptor->Flags |= PageFlags.Waiters;

    private unsafe void WakeWaiters()
    {
        if ((Descriptor->Flags & PageFlags.Waiters) == 0)
            return;
        Descriptor->Flags &= ~PageFlags.Waiters;
        memory.WaitQueueOf(Frame).WakeAll();
    }

    private async KTask LockSlowAsync(Task current)
    {
        Folio self = this;
        while (!self.TryLock())
        {
            self.MarkWaiters();
            _ = await self.Memory.WaitQueueOf(self.Frame).WaitAsync(current, WaitMode.Uninterruptible);
        }
    }
}
