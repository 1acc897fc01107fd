using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>fork: the child gets the same mappings, private pages shared until one side writes.</content>
internal sealed partial class MmStruct
{
    /// <summary>Copies the address space (dup_mmap). ENOMEM.</summary>
    public KTask<Result<MmStruct>> ForkAsync(Task current)
    {
        Result<MmStruct> copy = TryFork(current, out bool outOfFrames);
        return outOfFrames ? ForkSlowAsync(current) : KTask<Result<MmStruct>>.FromResult(copy);
    }

    private async KTask<Result<MmStruct>> ForkSlowAsync(Task current)
    {
        for (; ; )
        {
            Errno error = await Memory.WaitForMemoryAsync(current, 0);
            if (error != Errno.Success)
                return error;
            Result<MmStruct> copy = TryFork(current, out bool outOfFrames);
            if (!outOfFrames)
                return copy;
        }
    }

    private Result<MmStruct> TryFork(Task current, out bool outOfFrames)
    {
        Result<MmStruct> made = Create(Kernel, current.Cgroup);
        outOfFrames = false;
        if (!made.TryGet(out MmStruct? child, out Errno error))
            return error;
        child.CopyLayout(this);
        bool narrowed = false;
        for (int i = 0; i < Areas.Count && error == Errno.Success; i++)
        {
            VmArea area = Areas[i];
            if ((area.Flags & VmFlags.DontCopy) != 0)
                continue;
            error = ForkArea(child, area, ref narrowed, out outOfFrames);
        }

        if (narrowed)
            FlushAll();
        if (error == Errno.Success)
            return child;
        child.Put();
        return error;
    }

    private unsafe void CopyLayout(MmStruct parent)
    {
        MmapBase = parent.MmapBase;
        StartCode = parent.StartCode;
        EndCode = parent.EndCode;
        StartData = parent.StartData;
        EndData = parent.EndData;
        StartBrk = parent.StartBrk;
        Brk = parent.Brk;
        StartStack = parent.StartStack;
        StackTop = parent.StackTop;
        ArgStart = parent.ArgStart;
        ArgEnd = parent.ArgEnd;
        EnvStart = parent.EnvStart;
        EnvEnd = parent.EnvEnd;
        VdsoBase = parent.VdsoBase;
        SavedAuxv = parent.SavedAuxv;
        Dumpable = parent.Dumpable;
        CoreFilter = parent.CoreFilter;
        MembarrierRegistrations = parent.MembarrierRegistrations;
        IsHugePageDisabled = parent.IsHugePageDisabled;
        ExeFile = parent.ExeFile?.Get();
    }

    private Errno ForkArea(MmStruct child, VmArea area, ref bool narrowed, out bool outOfFrames)
    {
        outOfFrames = false;
        Errno error = child.Commit(area.Flags, area.Pages);
        if (error != Errno.Success)
            return error;
        if (!CloneArea(area, child, area.Start, area.End).TryGet(out VmArea? copy, out error))
        {
            child.Uncommit(area.Flags, area.Pages);
            return error;
        }

        // Memory locks are not inherited.
        copy.Flags &= ~VmFlags.LockedMask;
        copy.HasLazy = false;
        child.Statistics.AddArea(copy.Flags, (long)copy.Pages);
        child.Areas.Insert(copy);
        if ((area.Flags & VmFlags.WipeOnFork) != 0)
        {
            copy.HasAnonymous = false;
            return Errno.Success;
        }

        // Pages of the page cache can be faulted in again; private ones can't.
        if (!area.HasAnonymous)
            return Errno.Success;
        if (CopyEntries(child, area, ref narrowed))
            return Errno.Success;
        outOfFrames = true;
        return Errno.ENOMEM;
    }

    /// <summary>Copies the entries of a mapping, write-protecting both sides of private ones. False: no memory for tables.</summary>
    private unsafe bool CopyEntries(MmStruct child, VmArea area, ref bool narrowed)
    {
        bool cow = area.IsCopyOnWrite;
        for (ulong address = area.Start.Value; address < area.End.Value;)
        {
            ulong next = Math.Min((address + Page.HugeSize) & ~(Page.HugeSize - 1), area.End.Value);
            ulong* from = FindEntry(address);
            if (from is null)
            {
                address = next;
                continue;
            }

            ulong* to = null;
            for (; address < next; address += Page.Size, from++)
            {
                ulong entry = *from;
                if (entry == 0)
                {
                    if (to is not null)
                        to++;
                    continue;
                }

                if (to is null)
                {
                    to = child.EnsureEntry(address);
                    if (to is null)
                        return false;

                    // Reclaim inside the allocation may have taken the page away.
                    entry = *from;
                    if (entry == 0)
                    {
                        to++;
                        continue;
                    }
                }

                if (cow && (entry & Pte.Writable) != 0)
                {
                    entry = Interlocked.And(ref *from, ~Pte.Writable) & ~Pte.Writable;
                    narrowed = true;
                }

                if ((entry & Pte.Special) == 0)
                {
                    PageFrameNumber frame = Pte.Frame(entry);
                    Memory.Get(frame);
                    child.CountMapped(frame);
                }

                // The child has not accessed it; what the parent wrote to a shared page is the parent's dirt.
                entry &= ~(Pte.Accessed | Pte.Lazy);
                if (!cow)
                    entry &= ~Pte.Dirty;
                child.SetEntry(to, entry);
                to++;
            }
        }

        return true;
    }
}
