namespace Vitrine.Kernel.Mm;

/// <content>What /proc/PID shows of an address space.</content>
internal sealed partial class MmStruct
{
    /// <summary>
    /// The name of a mapping without a file's path in /proc/PID/maps: "[heap]", "[stack]", "[vdso]", "[anon:…]",
    /// "/dev/zero (deleted)" of shared anonymous memory, or null.
    /// </summary>
    public string? NameOf(VmArea area)
    {
        if (area.Operations?.Name is { } special)
            return special;
        if (area.File is not null)
            return null;
        if (area.Mapping is not null)
            return area.AnonymousName is { } shared ? $"[anon_shmem:{shared}]" : "/dev/zero (deleted)";
        if (area.Start < Brk && area.End > StartBrk)
            return "[heap]";
        if (area.Start <= StartStack && area.End >= StartStack)
            return "[stack]";
        return area.AnonymousName is { } name ? $"[anon:{name}]" : null;
    }

    /// <summary>Measures what is resident of a mapping.</summary>
    public unsafe SmapsMeasure Measure(VmArea area)
    {
        SmapsMeasure measure = default;
        bool locked = (area.Flags & VmFlags.Locked) != 0;
        for (ulong address = area.Start.Value; address < area.End.Value;)
        {
            ulong next = Math.Min((address + Page.HugeSize) & ~(Page.HugeSize - 1), area.End.Value);
            ulong* slot = FindEntry(address);
            if (slot is not null)
            {
                for (ulong at = address; at < next; at += Page.Size, slot++)
                {
                    ulong entry = *slot;
                    if (entry == 0 || (entry & Pte.Special) != 0)
                        continue;
                    PageDescriptor* page = Memory[Pte.Frame(entry)];
                    measure.Add(page->Flags, page->MapCount, entry, locked);
                }
            }

            address = next;
        }

        return measure;
    }

    /// <summary>
    /// The entry of /proc/PID/pagemap for a page: bit 63 present, bit 61 file page or shared anonymous, bit 56 mapped
    /// only here, frame number in bits 0 to 54 (for those who may know it).
    /// </summary>
    public unsafe ulong PagemapEntry(VirtAddr address, bool showFrames)
    {
        ulong* slot = FindEntry(address.Value);
        if (slot is null || !Pte.Maps(*slot))
            return 0;
        PageFrameNumber frame = Pte.Frame(*slot);
        ulong result = (1UL << 63) | (showFrames ? frame.Value : 0);
        if ((*slot & Pte.Special) != 0)
            return result;
        PageDescriptor* page = Memory[frame];
        if ((page->Flags & PageFlags.Anonymous) == 0)
            result |= 1UL << 61;
        return page->MapCount == 1 ? result | (1UL << 56) : result;
    }

    /// <summary>The two-letter codes of /proc/PID/smaps' VmFlags line, each with a space behind it.</summary>
    public static string FlagCodes(VmFlags flags)
    {
        Span<char> text = stackalloc char[3 * 32];
        int length = 0;
        Put(text, ref length, flags, VmFlags.Read, "rd");
        Put(text, ref length, flags, VmFlags.Write, "wr");
        Put(text, ref length, flags, VmFlags.Execute, "ex");
        Put(text, ref length, flags, VmFlags.Shared, "sh");
        Put(text, ref length, flags, VmFlags.MayRead, "mr");
        Put(text, ref length, flags, VmFlags.MayWrite, "mw");
        Put(text, ref length, flags, VmFlags.MayExecute, "me");
        Put(text, ref length, flags, VmFlags.MayShare, "ms");
        Put(text, ref length, flags, VmFlags.GrowsDown, "gd");
        Put(text, ref length, flags, VmFlags.PfnMap, "pf");
        Put(text, ref length, flags, VmFlags.Locked, "lo");
        Put(text, ref length, flags, VmFlags.Io, "io");
        Put(text, ref length, flags, VmFlags.SequentialRead, "sr");
        Put(text, ref length, flags, VmFlags.RandomRead, "rr");
        Put(text, ref length, flags, VmFlags.DontCopy, "dc");
        Put(text, ref length, flags, VmFlags.DontExpand, "de");
        Put(text, ref length, flags, VmFlags.LockOnFault, "lf");
        Put(text, ref length, flags, VmFlags.Account, "ac");
        Put(text, ref length, flags, VmFlags.NoReserve, "nr");
        Put(text, ref length, flags, VmFlags.HugeTlb, "ht");
        Put(text, ref length, flags, VmFlags.Synchronous, "sf");
        Put(text, ref length, flags, VmFlags.WipeOnFork, "wf");
        Put(text, ref length, flags, VmFlags.DontDump, "dd");
        Put(text, ref length, flags, VmFlags.MixedMap, "mm");
        Put(text, ref length, flags, VmFlags.HugePage, "hg");
        Put(text, ref length, flags, VmFlags.NoHugePage, "nh");
        Put(text, ref length, flags, VmFlags.Mergeable, "mg");
        Put(text, ref length, flags, VmFlags.Sealed, "sl");
        return new string(text[..length]);
    }

    private static void Put(Span<char> text, ref int length, VmFlags flags, VmFlags flag, string code)
    {
        if ((flags & flag) == 0)
            return;
        text[length++] = code[0];
        text[length++] = code[1];
        text[length++] = ' ';
    }
}
