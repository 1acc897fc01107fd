using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>smaps and smaps_rollup (proc(5)): what is resident of each mapping, and of all.</summary>
internal static class ProcessResidency
{
    private const int NameWidth = 16;
    private const int ValueWidth = 8;

    public static void Smaps(Task current, ProcessContext context, GeneratedText text)
    {
        if (context.Task.Mm is not { } mm)
            return;
        for (int i = 0; i < mm.Areas.Count; i++)
        {
            VmArea area = mm.Areas[i];
            SmapsMeasure measure = mm.Measure(area);
            ProcessMemoryFiles.MapLine(current, text, mm, area);
            Line(text, "Size:", (long)area.Length);
            Line(text, "KernelPageSize:", (long)Page.Size);
            Line(text, "MMUPageSize:", (long)Page.Size);
            Lines(text, in measure, rollup: false);
            text.Append("THPeligible:           0\nVmFlags: ").Append(MmStruct.FlagCodes(area.Flags)).Append('\n');
        }
    }

    public static void Rollup(Task current, ProcessContext context, GeneratedText text)
    {
        if (context.Task.Mm is not { } mm || mm.Areas.Count == 0)
            return;
        SmapsMeasure sum = default;
        for (int i = 0; i < mm.Areas.Count; i++)
            sum.Add(mm.Measure(mm.Areas[i]));
        text.AppendHex(mm.Areas[0].Start.Value, 8).Append('-').AppendHex(mm.Areas[mm.Areas.Count - 1].End.Value, 8);
        text.Line(" ---p 00000000 00:00 0                                  [rollup]");
        Lines(text, in sum, rollup: true);
    }

    private static void Lines(GeneratedText text, in SmapsMeasure measure, bool rollup)
    {
        Line(text, "Rss:", measure.Rss);
        Line(text, "Pss:", measure.Pss);
        Line(text, "Pss_Dirty:", measure.PssDirtyFraction >> 12);
        if (rollup)
        {
            Line(text, "Pss_Anon:", measure.PssAnonFraction >> 12);
            Line(text, "Pss_File:", measure.PssFileFraction >> 12);
            Line(text, "Pss_Shmem:", measure.PssShmemFraction >> 12);
        }

        Line(text, "Shared_Clean:", measure.SharedClean);
        Line(text, "Shared_Dirty:", measure.SharedDirty);
        Line(text, "Private_Clean:", measure.PrivateClean);
        Line(text, "Private_Dirty:", measure.PrivateDirty);
        Line(text, "Referenced:", measure.Referenced);
        Line(text, "Anonymous:", measure.Anonymous);
        foreach (string none in (ReadOnlySpan<string>)["KSM:", "LazyFree:", "AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:", "Shared_Hugetlb:", "Private_Hugetlb:", "Swap:", "SwapPss:"])
            Line(text, none, 0);
        Line(text, "Locked:", measure.Locked);
    }

    private static void Line(GeneratedText text, string name, long bytes) => text.AppendKilobytes(name, (ulong)bytes >> 10, NameWidth, ValueWidth);
}

/// <summary>/proc/PID/pagemap: an 8-byte entry per page of the address space (Documentation/admin-guide/mm/pagemap).</summary>
internal sealed class PagemapInode(ProcessContext context) : GeneratedInode(context.SuperBlock, FileMode.Regular | TextInode.PrivateMode)
{
    public override bool IsStillValid => context.IsAlive;

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags)
    {
        if (!ProcessAccess.MayRead(current, context.Task))
            return Fail<OpenFile>(Errno.EACCES);
        // Frame numbers are shown to those who could do without this file.
        bool frames = current.IsCapable(Capability.SysAdmin);
        return KTask<Result<OpenFile>>.FromResult(new PagemapFile(path, this, flags, context, frames));
    }

    private sealed class PagemapFile(VfsPath path, PagemapInode inode, OpenFlags flags, ProcessContext context, bool frames) : OpenFile(path, inode, flags)
    {
        private const int EntrySize = sizeof(ulong);

        public override bool IsPollable => false;

        public override async KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
        {
            if (((offset | to.Remaining) & (EntrySize - 1)) != 0)
                return Errno.EINVAL;
            if (context.Task.Mm is not { } mm)
                return 0L;
            long done = 0;
            long pages = (long)(MmStruct.TaskSize >> Page.Shift);
            while (to.Remaining > 0 && (offset + done) / EntrySize < pages)
            {
                ulong entry = mm.PagemapEntry(new VirtAddr((ulong)((offset + done) / EntrySize) << Page.Shift), frames);
                int copied;
                while ((copied = to.CopyTo(MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(ref entry)))) < EntrySize)
                {
                    to.Revert(copied);
                    Errno error = await to.FaultInAsync(current, write: true);
                    if (error != Errno.Success)
                        return done > 0 ? done : error;
                }

                done += EntrySize;
                await current.RescheduleAsync();
            }

            return done;
        }

        public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence)
        {
            long target = whence switch
            {
                SeekWhence.Set => offset,
                SeekWhence.Current => Position + offset,
                _ => -1,
            };
            return KTask<Result<long>>.FromResult(target < 0 ? Errno.EINVAL : target);
        }
    }
}
