using Vitrine.Cpu;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>
/// Page faults: demand zero, page cache, copy-on-write, stack growth. What needs no waiting is done in one atomic
/// attempt; otherwise the attempt says what it lacks, that is awaited with nothing held, and the attempt is repeated.
/// </content>
internal sealed partial class MmStruct
{
    /// <summary>Pages mapped around a read fault when they are in the page cache anyway (fault_around_bytes).</summary>
    private const ulong FaultAroundPages = 16;

    private enum FaultStep
    {
        Done = 0,
        Signal = 1,

        /// <summary>The page cache lacks the folio.</summary>
        NeedsFolio = 2,
        NeedsMemory = 3,
    }

    /// <summary>Resolves a page fault of user code.</summary>
    public KTask<FaultOutcome> HandleFaultAsync(Task current, VirtAddr address, PageFaultError error)
    {
        FaultAccess access = (error & PageFaultError.Write) != 0 ? FaultAccess.Write
            : (error & PageFaultError.InstructionFetch) != 0 ? FaultAccess.Execute
            : FaultAccess.Read;
        return FaultAsync(current, address, access);
    }

    /// <summary>Makes the page at the address present (and writable), as an access there would. EFAULT if an access would get SIGSEGV or SIGBUS.</summary>
    public KTask<Errno> FaultInAsync(Task current, VirtAddr address, bool write)
    {
        if (address.Value >= TaskSize)
            return KTask<Errno>.FromResult(Errno.EFAULT);
        var fault = new FaultRequest { Address = address.Value, Access = write ? FaultAccess.Write : FaultAccess.Read };
        FaultStep step = TryFault(current, ref fault);
        if (step == FaultStep.Done)
        {
            CountFault(current, major: false);
            return KTask<Errno>.FromResult(Errno.Success);
        }

        if (step == FaultStep.Signal)
            return KTask<Errno>.FromResult(Errno.EFAULT);
        return FaultInSlowAsync(current, fault, step);
    }

    /// <summary>Resolves a fault of any access; the outcome's signal is for the caller to raise.</summary>
    internal KTask<FaultOutcome> FaultAsync(Task current, VirtAddr address, FaultAccess access)
    {
        if (address.Value >= TaskSize)
            return KTask<FaultOutcome>.FromResult(FaultOutcome.NotMapped);
        var fault = new FaultRequest { Address = address.Value, Access = access };
        FaultStep step = TryFault(current, ref fault);
        if (step == FaultStep.Done)
        {
            CountFault(current, major: false);
            return KTask<FaultOutcome>.FromResult(FaultOutcome.Handled);
        }

        if (step == FaultStep.Signal)
            return KTask<FaultOutcome>.FromResult(fault.Outcome);
        return FaultSlowAsync(current, fault, step);
    }

    private async KTask<Errno> FaultInSlowAsync(Task current, FaultRequest fault, FaultStep step)
    {
        FaultOutcome outcome = await FaultSlowAsync(current, fault, step);
        if (!outcome.IsHandled)
            return Errno.EFAULT;

        // Out of memory with the caller to die: an endless retry must end.
        return current.IsFatalSignalPending ? Errno.EFAULT : Errno.Success;
    }

    private async KTask<FaultOutcome> FaultSlowAsync(Task current, FaultRequest fault, FaultStep step)
    {
        bool major = false;
        for (; ; )
        {
            if (step == FaultStep.NeedsFolio)
            {
                AddressSpace space = fault.Space!;
                space.Pin();
                Result<bool> read = await FileMap.FaultInFolioAsync(current, space, fault.Index, fault.RandomAccess);
                space.Unpin();
                if (!read.TryGet(out bool fromDisk, out Errno error))
                {
                    if (error != Errno.ENOMEM)
                        return FaultOutcome.BusError;
                    if (current.IsFatalSignalPending)
                        return FaultOutcome.Handled;
                    return FaultOutcome.BusError;
                }

                major |= fromDisk;
                if (fromDisk)
                    Memory.RelieveThrashing(current);
            }
            else
            {
                // A task that is to die goes back to its exit work, and does not fault again.
                Errno error = await Memory.WaitForMemoryAsync(current, 0);
                if (error != Errno.Success)
                    return FaultOutcome.Handled;
            }

            step = TryFault(current, ref fault);
            if (step == FaultStep.Done)
            {
                CountFault(current, major);
                return FaultOutcome.Handled;
            }

            if (step == FaultStep.Signal)
                return fault.Outcome;

            // What was had is gone again: memory is so short that the attempts may go on for long.
            await current.RescheduleAsync();
            if (current.IsFatalSignalPending)
                return FaultOutcome.Handled;
        }
    }

    private void CountFault(Task current, bool major)
    {
        Memory.Vm.Add(VmCounter.PageFault, 1);
        if (major)
        {
            Memory.Vm.Add(VmCounter.MajorFault, 1);
            current.MajorFaults++;
        }
        else
        {
            current.MinorFaults++;
        }
    }

    private unsafe FaultStep TryFault(Task current, ref FaultRequest fault)
    {
        ulong page = fault.Address & ~(Page.Size - 1);
        var address = new VirtAddr(page);
        VmArea? area = Areas.Find(address) ?? GrowStackTo(current, address);
        if (area is null)
            return fault.Fail(FaultOutcome.NotMapped);
        bool write = (fault.Access & FaultAccess.Write) != 0;
        if (!Allows(area, fault.Access))
            return fault.Fail(FaultOutcome.Forbidden);

        ulong* slot = EnsureEntry(page);
        if (slot is null)
            return FaultStep.NeedsMemory;
        ulong entry = Volatile.Read(ref *slot);
        if (entry == 0)
            return FaultMissing(current, ref fault, area, slot, page, write);
        if ((entry & Pte.Present) == 0)
        {
            // Another process reads (or has copied) a page of a mapping without any access.
            if ((fault.Access & FaultAccess.Remote) == 0)
                throw new InvalidOperationException($"page {page:x} of an accessible mapping has entry {entry:x}");
            if (!write || (Memory[Pte.Frame(entry)]->Flags & PageFlags.Anonymous) != 0)
                return FaultStep.Done;
        }

        if (write && (entry & Pte.Writable) == 0)
            return FaultWriteProtected(current, ref fault, area, slot, page, entry);

        // Another thread was faster, or the kernel touches the page before the program does.
        _ = Interlocked.Or(ref *slot, write ? Pte.Accessed | Pte.Dirty : Pte.Accessed);
        return FaultStep.Done;
    }

    private static bool Allows(VmArea area, FaultAccess access)
    {
        if ((access & FaultAccess.Write) != 0)
        {
            return (area.Flags & VmFlags.Write) != 0
                || ((access & FaultAccess.Remote) != 0 && area.IsCopyOnWrite);
        }

        if ((access & FaultAccess.Execute) != 0)
            return (area.Flags & VmFlags.Execute) != 0;
        if ((access & FaultAccess.Remote) != 0)
            return (area.Flags & VmFlags.MayRead) != 0;
        return (area.Flags & VmFlags.Access) != 0;
    }

    private unsafe FaultStep FaultMissing(Task current, ref FaultRequest fault, VmArea area, ulong* slot, ulong page, bool write)
    {
        if (area.Mapping is not null)
            return FaultCached(current, ref fault, area, slot, page, write);
        if (area.Operations is not null)
            return FaultSpecial(ref fault, area, slot, page);
        return FaultAnonymous(current, area, slot, write);
    }

    private unsafe FaultStep FaultSpecial(ref FaultRequest fault, VmArea area, ulong* slot, ulong page)
    {
        PageFrameNumber frame = area.Operations!.FrameAt(area, area.IndexOf(new VirtAddr(page)));
        if (frame.IsNone)
            return fault.Fail(FaultOutcome.BusError);
        ulong bits = ProtectionBits(area.Flags) | Pte.Special | Pte.Accessed;
        if ((area.Flags & (VmFlags.Write | VmFlags.Shared)) == (VmFlags.Write | VmFlags.Shared))
            bits |= Pte.Writable;
        SetEntry(slot, Pte.Of(frame, bits));
        return FaultStep.Done;
    }

    private unsafe FaultStep FaultAnonymous(Task current, VmArea area, ulong* slot, bool write)
    {
        if (!write)
        {
            SetEntry(slot, Pte.Of(PhysicalMemory.ZeroFrame, ProtectionBits(area.Flags) | Pte.Special | Pte.Accessed));
            return FaultStep.Done;
        }

        PageFrameNumber frame = Memory.TryAllocate(FrameRequest.User, current.Cgroup);
        if (frame.IsNone)
            return FaultStep.NeedsMemory;
        InstallAnonymous(area, slot, frame);
        return FaultStep.Done;
    }

    /// <summary>Puts a fresh frame into an empty entry for a write; the entry takes over the reference.</summary>
    private unsafe void InstallAnonymous(VmArea area, ulong* slot, PageFrameNumber frame)
    {
        Memory[frame]->Flags |= PageFlags.Anonymous | PageFlags.SwapBacked | PageFlags.Uptodate;
        area.HasAnonymous = true;
        CountMapped(frame);
        SetEntry(slot, Pte.Of(frame, WrittenBits(area)));
    }

    private static ulong WrittenBits(VmArea area)
    {
        ulong bits = ProtectionBits(area.Flags) | Pte.Accessed | Pte.Dirty;
        return (area.Flags & VmFlags.Write) != 0 ? bits | Pte.Writable : bits;
    }

    private unsafe FaultStep FaultCached(Task current, ref FaultRequest fault, VmArea area, ulong* slot, ulong page, bool write)
    {
        AddressSpace space = area.Mapping!;
        ulong index = area.IndexOf(new VirtAddr(page));
        if (index >= space.PageCount)
            return fault.Fail(FaultOutcome.BusError);
        PageFrameNumber cached = space.FindFrame(index);
        PageDescriptor* descriptor = Memory[cached];
        if (cached.IsNone || (descriptor->Flags & (PageFlags.Uptodate | PageFlags.Locked)) != PageFlags.Uptodate)
        {
            fault.Space = space;
            fault.Index = index;
            fault.RandomAccess = (area.Flags & VmFlags.RandomRead) != 0;
            return FaultStep.NeedsFolio;
        }

        descriptor->Flags |= PageFlags.Referenced;
        if (write && !area.IsShared)
        {
            // Counted, so that reclaim inside the allocation leaves it alone.
            Memory.Get(cached);
            PageFrameNumber copy = Memory.TryAllocate(FrameRequest.UserNoZero, current.Cgroup);
            if (!copy.IsNone)
                Memory.Copy(copy, cached);
            Memory.Put(cached);
            if (copy.IsNone)
                return FaultStep.NeedsMemory;
            InstallAnonymous(area, slot, copy);
            return FaultStep.Done;
        }

        Memory.Get(cached);
        CountMapped(cached);
        ulong bits = ProtectionBits(area.Flags) | Pte.Accessed;
        if (area.IsShared && (area.Flags & VmFlags.Write) != 0 && (write || !space.TracksDirty))
            bits |= Pte.Writable;
        if (write)
        {
            bits |= Pte.Dirty;
            Memory.MarkDirty(cached);
            space.Touched();
        }

        SetEntry(slot, Pte.Of(cached, bits));
        if (!write)
            MapAround(area, space, page, index);
        return FaultStep.Done;
    }

    /// <summary>Maps neighbours that are in the page cache: not accessed yet, so that the accessed bits stay true.</summary>
    private unsafe void MapAround(VmArea area, AddressSpace space, ulong page, ulong index)
    {
        ulong first = Math.Max(page & ~((FaultAroundPages << Page.Shift) - 1), area.Start.Value);
        ulong end = Math.Min((page & ~((FaultAroundPages << Page.Shift) - 1)) + (FaultAroundPages << Page.Shift), area.End.Value);
        ulong bits = ProtectionBits(area.Flags);
        if (area.IsShared && (area.Flags & VmFlags.Write) != 0 && !space.TracksDirty)
            bits |= Pte.Writable;
        ulong* slot = FindEntry(first);
        ulong at = index - ((page - first) >> Page.Shift);
        ulong pages = space.PageCount;
        for (ulong address = first; address < end && at < pages; address += Page.Size, slot++, at++)
        {
            if (*slot != 0)
                continue;
            PageFrameNumber frame = space.FindFrame(at);
            if (frame.IsNone)
                continue;
            PageDescriptor* descriptor = Memory[frame];
            if ((descriptor->Flags & (PageFlags.Uptodate | PageFlags.Locked | PageFlags.Readahead)) != PageFlags.Uptodate)
                continue;
            Memory.Get(frame);
            CountMapped(frame);
            SetEntry(slot, Pte.Of(frame, bits));
        }
    }

    private unsafe FaultStep FaultWriteProtected(Task current, ref FaultRequest fault, VmArea area, ulong* slot, ulong page, ulong entry)
    {
        PageFrameNumber old = Pte.Frame(entry);
        if ((entry & Pte.Special) != 0 && old != PhysicalMemory.ZeroFrame)
            return fault.Fail(FaultOutcome.Forbidden);
        if (area.IsShared)
        {
            if (area.Mapping is { } space)
            {
                Memory.MarkDirty(old);
                space.Touched();
            }

            _ = Interlocked.Or(ref *slot, Pte.Writable | Pte.Accessed | Pte.Dirty);
            return FaultStep.Done;
        }

        if ((entry & Pte.Special) == 0)
        {
            PageDescriptor* page0 = Memory[old];
            if ((page0->Flags & PageFlags.Anonymous) != 0 && page0->RefCount == 1)
            {
                // Nobody else has it: a fork's other side is gone.
                Memory.Vm.Add(VmCounter.Reuse, 1);
                ulong widened = (area.Flags & VmFlags.Write) != 0 ? Pte.Writable | Pte.Accessed | Pte.Dirty : Pte.Accessed;
                _ = Interlocked.Or(ref *slot, widened);
                return FaultStep.Done;
            }

            Memory.Get(old);
        }

        bool zero = (entry & Pte.Special) != 0;
        PageFrameNumber copy = Memory.TryAllocate(zero ? FrameRequest.User : FrameRequest.UserNoZero, current.Cgroup);
        if (copy.IsNone)
        {
            if (!zero)
                Memory.Put(old);
            return FaultStep.NeedsMemory;
        }

        // Reclaim inside the allocation may have taken the entry away: then the fault starts again.
        if (Pte.Frame(Volatile.Read(ref *slot)) != old)
        {
            Memory.Put(copy);
            Memory.Put(old);
            return TryFault(current, ref fault);
        }

        if (!zero)
            Memory.Copy(copy, old);
        Memory[copy]->Flags |= PageFlags.Anonymous | PageFlags.SwapBacked | PageFlags.Uptodate;
        area.HasAnonymous = true;
        CountMapped(copy);
        ulong before = Interlocked.Exchange(ref *slot, Pte.Of(copy, WrittenBits(area)));
        FlushPage(page);
        if (!zero)
        {
            CountUnmapped(old, before);
            Memory.Put(old);
            Memory.Put(old);
        }

        return FaultStep.Done;
    }

    private struct FaultRequest
    {
        public ulong Address;
        public FaultAccess Access;
        public FaultOutcome Outcome;
        public AddressSpace? Space;
        public ulong Index;
        public bool RandomAccess;

        public FaultStep Fail(FaultOutcome outcome)
        {
            Outcome = outcome;
            return FaultStep.Signal;
        }
    }
}
