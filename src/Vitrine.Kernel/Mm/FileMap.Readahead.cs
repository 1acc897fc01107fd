using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>Filling the cache: windows that double while a file is read in order, and around faults.</content>
internal static partial class FileMap
{
    private const int InitialWindow = 4;

    /// <summary>Gets a page for a fault, and its neighbours. The value: whether it had to be read.</summary>
    internal static async KTask<Result<bool>> FaultInFolioAsync(Task current, AddressSpace space, ulong index, bool random)
    {
        bool read = false;
        if (!space.IsSwapBacked && space.FindFrame(index).IsNone)
        {
            // Read around: half a window before, half behind (do_sync_mmap_readahead).
            read = true;
            ulong half = random ? 0UL : ReadaheadState.DefaultMaximum / 2;
            ulong start = index > half ? index - half : 0;
            int count = random ? 1 : ReadaheadState.DefaultMaximum;
            Errno error = await FillAsync(current, space, start, count, mark: -1);
            if (error != Errno.Success)
                return error;
        }

        Result<Folio> got = await space.GetAsync(current, index);
        if (!got.TryGet(out Folio folio, out Errno failed))
            return failed == Errno.ENODATA ? false : failed;
        folio.Put();
        return read;
    }

    /// <summary>Reads pages that are missing of [start, start + count), for madvise(WILLNEED) and readahead(2).</summary>
    public static KTask<Errno> PrefetchAsync(Task current, AddressSpace space, ulong start, int count) =>
        space.IsSwapBacked ? KTask<Errno>.FromResult(Errno.Success) : FillAsync(current, space, start, count, mark: -1);

    /// <summary>A page, uptodate and counted, however it has to be had (filemap_get_pages for one page).</summary>
    internal static async KTask<Result<Folio>> GetSlowAsync(Task current, AddressSpace space, ulong index)
    {
        for (; ; )
        {
            if (index >= space.PageCount)
                return Errno.ENODATA;
            Result<Folio> got = await space.GetLockedAsync(current, index);
            if (!got.TryGet(out Folio folio, out Errno error))
                return error;
            if (index >= space.PageCount)
            {
                // Truncated while we waited for the lock or the frame.
                space.Drop(folio);
                folio.Unlock();
                folio.Put();
                return Errno.ENODATA;
            }

            if (!folio.IsUptodate)
            {
                error = await space.ReadFolioAsync(current, folio);
                if (error == Errno.Success)
                {
                    folio.MarkUptodate();
                    current.Kernel.Memory.Vm.Add(VmCounter.PageIn, space.IsSwapBacked ? 0 : (long)(folio.PageCount << (Page.Shift - 10)));
                }
                else if (folio.Space == space)
                {
                    space.Drop(folio);
                }
            }

            bool mine = folio.Space == space;
            folio.Unlock();
            if (error == Errno.Success && mine)
                return folio;
            folio.Put();
            if (error != Errno.Success)
                return error;
        }
    }

    private static async KTask<Errno> ReadaheadAsync(Task current, AddressSpace space, ReadaheadState state, ulong index, int wanted)
    {
        if (space.IsSwapBacked)
            return Errno.Success;
        int maximum = Math.Max(state.Maximum, 1);
        bool sequential = index == 0 || (long)index == state.Previous || (long)index == state.Previous + 1;
        ulong start = index;
        if (IsReadaheadMark(space, index))
        {
            // A reader has come to the mark: the next window, twice as large.
            ClearMark(space, index);
            start = Math.Max(state.Start + (ulong)state.Size, index + 1);
            state.Size = Math.Min(Math.Max(state.Size * 2, InitialWindow), maximum);
            state.AsyncSize = state.Size;
        }
        else if (!sequential || state.Maximum == 0)
        {
            return await FillAsync(current, space, index, Math.Min(wanted, Math.Max(state.Maximum, ReadaheadState.DefaultMaximum)), mark: -1);
        }
        else if (state.Size > 0 && index == state.Start + (ulong)state.Size)
        {
            state.Size = Math.Min(state.Size * 2, maximum);
            state.AsyncSize = state.Size;
        }
        else
        {
            state.Size = Math.Clamp(wanted <= maximum / 4 ? wanted * 4 : wanted, InitialWindow, Math.Max(maximum, InitialWindow));
            state.AsyncSize = state.Size > wanted ? state.Size - wanted : state.Size;
        }

        state.Start = start;
        return await FillAsync(current, space, start, state.Size, mark: state.Size - state.AsyncSize);
    }

    private static unsafe void ClearMark(AddressSpace space, ulong index) =>
        space.Kernel.Memory[space.FindFrame(index)]->Flags &= ~PageFlags.Readahead;

    /// <summary>Reads the missing pages of a window, in runs. Frames are taken only while there are plenty.</summary>
    private static async KTask<Errno> FillAsync(Task current, AddressSpace space, ulong start, int count, int mark)
    {
        ulong end = Math.Min(start + (ulong)count, space.PageCount);
        ulong markIndex = mark < 0 ? ulong.MaxValue : start + (ulong)mark;
        ulong index = start;
        while (index < end)
        {
            if (!space.FindFrame(index).IsNone)
            {
                index++;
                continue;
            }

            Folio[] run = TakeRun(current, space, index, end, markIndex);
            if (run.Length == 0)
                return Errno.Success;
            index += (ulong)run.Length;
            Errno error = await space.ReadFoliosAsync(current, run);
            FinishRun(space, run, error);
            if (error != Errno.Success)
                return error;
        }

        return Errno.Success;
    }

    private static unsafe Folio[] TakeRun(Task current, AddressSpace space, ulong index, ulong end, ulong markIndex)
    {
        PhysicalMemory memory = current.Kernel.Memory;
        int length = 1;
        while (index + (ulong)length < end && space.FindFrame(index + (ulong)length).IsNone)
            length++;
        var run = new Folio[length];
        for (int i = 0; i < length; i++)
        {
            PageFrameNumber frame = memory.TryAllocate(FrameRequest.Readahead, current.Cgroup);
            if (frame.IsNone)
            {
                Array.Resize(ref run, i);
                break;
            }

            run[i] = space.Insert(index + (ulong)i, frame);
            if (index + (ulong)i == markIndex)
                memory[frame]->Flags |= PageFlags.Readahead;
        }

        return run;
    }

    private static void FinishRun(AddressSpace space, Folio[] run, Errno error)
    {
        PhysicalMemory memory = space.Kernel.Memory;
        foreach (Folio folio in run)
        {
            if (error == Errno.Success)
                folio.MarkUptodate();
            else if (folio.Space == space)
                space.Drop(folio);
            folio.Unlock();
            folio.Put();
        }

        if (error == Errno.Success)
            memory.Vm.Add(VmCounter.PageIn, (long)run.Length << (Page.Shift - 10));
    }
}
