using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>
/// What process_vm_readv and its kin do to the memory of another process: reading and writing as far as that one itself could,
/// and taking the pages of one that ends.
/// </content>
internal sealed partial class MmStruct
{
    /// <summary>Reads what the owner could read, faulting it in. EFAULT, with nothing said of what was read.</summary>
    public async KTask<Errno> ReadAllowedAsync(Task current, VirtAddr from, Memory<byte> data)
    {
        for (int done = 0; ;)
        {
            done += CopyFromUser(from + (ulong)done, data.Span[done..]);
            if (done == data.Length)
                return Errno.Success;
            Errno error = await FaultInAsync(current, from + (ulong)done, write: false);
            if (error != Errno.Success)
                return Errno.EFAULT;
        }
    }

    /// <summary>Writes what the owner could write, faulting it in. EFAULT, with nothing said of what was written.</summary>
    public async KTask<Errno> WriteAllowedAsync(Task current, VirtAddr to, ReadOnlyMemory<byte> data)
    {
        for (int done = 0; ;)
        {
            done += CopyToUser(to + (ulong)done, data.Span[done..]);
            if (done == data.Length)
                return Errno.Success;
            Errno error = await FaultInAsync(current, to + (ulong)done, write: true);
            if (error != Errno.Success)
                return Errno.EFAULT;
        }
    }

    /// <summary>Frees the private pages of an address space whose users are all about to end, before they do.</summary>
    public void Reap()
    {
        MmuGather gather = Memory.Gather;
        gather.Begin(this);
        for (int i = 0; i < Areas.Count; i++)
        {
            VmArea area = Areas[i];
            if ((area.Flags & (VmFlags.HugeTlb | VmFlags.PfnMap)) == 0 && (area.IsAnonymous || !area.IsShared))
                Zap(gather, area.Start.Value, area.End.Value);
        }

        gather.Finish();
    }

    /// <summary>Names the anonymous mappings of a range for /proc/PID/maps (PR_SET_VMA_ANON_NAME); null takes names away.</summary>
    public Errno NameRange(VirtAddr start, ulong length, string? name)
    {
        if (!start.IsPageAligned)
            return Errno.EINVAL;
        ulong aligned = Page.AlignUp(length);
        if ((length != 0 && aligned == 0) || start.Value + aligned < start.Value)
            return Errno.EINVAL;
        if (aligned == 0)
            return Errno.Success;
        VirtAddr end = start + aligned;
        Errno unmapped = Areas.Find(start) is null ? Errno.ENOMEM : Errno.Success;
        VirtAddr last = start;
        Errno error = ForEachArea(start, end, area =>
        {
            if (area.Start > last)
                unmapped = Errno.ENOMEM;
            last = area.End;
            if (area.File is not null)
                return Errno.EBADF;
            area.AnonymousName = name;
            _ = Merge(area);
            return Errno.Success;
        });
        return error != Errno.Success ? error : last < end ? Errno.ENOMEM : unmapped;
    }
}
