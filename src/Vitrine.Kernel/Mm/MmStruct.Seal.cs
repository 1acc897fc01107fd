namespace Vitrine.Kernel.Mm;

/// <content>mseal: mappings that nobody may change any more, not even their owner.</content>
internal sealed partial class MmStruct
{
    /// <summary>mseal(2): EINVAL, ENOMEM for a range with holes, before anything is changed.</summary>
    public Errno Seal(VirtAddr start, ulong length)
    {
        ulong aligned = Page.AlignUp(length);
        if (!start.IsPageAligned || (length != 0 && aligned == 0) || start.Value + aligned < start.Value)
            return Errno.EINVAL;
        VirtAddr end = start + aligned;
        for (VirtAddr at = start; at < end;)
        {
            if (Areas.Find(at) is not { } area)
                return Errno.ENOMEM;
            at = area.End;
        }

        for (VirtAddr at = start; at < end;)
        {
            VmArea area = Areas.Find(at)!;
            VirtAddr to = area.End < end ? area.End : end;
            Errno error = SetFlags(area, at, to, area.Flags | VmFlags.Sealed, out _);
            if (error != Errno.Success)
                return error;
            at = to;
        }

        return Errno.Success;
    }

    /// <summary>Some mapping in the range is sealed.</summary>
    private bool HasSealed(VirtAddr start, VirtAddr end)
    {
        for (int i = Areas.FirstEndingAfter(start); i < Areas.Count && Areas[i].Start < end; i++)
        {
            if ((Areas[i].Flags & VmFlags.Sealed) != 0)
                return true;
        }

        return false;
    }

    /// <summary>The advice would change what is in sealed memory that can't be written to.</summary>
    private static bool IsSealedFrom(VmArea area, MemoryAdvice advice) =>
        (area.Flags & (VmFlags.Sealed | VmFlags.Write | VmFlags.Shared)) == VmFlags.Sealed && area.IsAnonymous
        && advice is (MemoryAdvice.DontNeed or MemoryAdvice.DontNeedLocked or MemoryAdvice.Free or MemoryAdvice.Remove
            or MemoryAdvice.DontFork or MemoryAdvice.WipeOnFork);
}
