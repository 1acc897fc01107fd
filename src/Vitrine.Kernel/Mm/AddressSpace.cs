using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Mm;

/// <summary>
/// The page cache of one object: folios by index, and who maps them (struct address_space's twin). A file system
/// derives from it and says how a folio is read, written back, and what its size is. Every folio in it holds one
/// reference on behalf of the cache.
/// </summary>
internal abstract partial class AddressSpace(KernelInstance kernel, Inode? host)
{
    private readonly FolioTree _folios = new();
    private readonly List<VmArea> _mappings = [];

    public KernelInstance Kernel { get; } = kernel;

    /// <summary>The inode whose content this is; null for anonymous shared memory.</summary>
    public Inode? Host { get; } = host;

    /// <summary>Bytes; what is beyond reads as the end of file, and faults with SIGBUS.</summary>
    public virtual long Size => Host!.Size;

    /// <summary>Pages that hold some of <see cref="Size"/>.</summary>
    public ulong PageCount => ((ulong)Size + Page.Size - 1) >> Page.Shift;

    /// <summary>Pages in the cache (nrpages).</summary>
    public long CachedPages => _folios.Count;

    /// <summary>Its frames are its home: never dropped but by truncation (or swap).</summary>
    public virtual bool IsSwapBacked => false;

    /// <summary>Writes to shared mappings must be noticed by a fault, for writeback.</summary>
    public virtual bool TracksDirty => false;

    /// <summary>Mappings of it, in no order (i_mmap).</summary>
    public IReadOnlyList<VmArea> Mappings => _mappings;

    /// <summary>Some shared mapping is or may become writable (F_SEAL_WRITE is refused then).</summary>
    public bool HasWritableSharedMapping
    {
        get
        {
            foreach (VmArea area in _mappings)
            {
                if (area.IsShared && (area.Flags & VmFlags.MayWrite) != 0)
                    return true;
            }

            return false;
        }
    }

    /// <summary>Its number in page descriptors, once it has folios.</summary>
    internal int Number { get; set; }

    protected unsafe PhysicalMemory Memory => Kernel.Memory;

    /// <summary>
    /// Fills a locked folio (<see cref="Folio.Data"/>), zeros behind the end. The caller marks it uptodate and unlocks.
    /// </summary>
    public abstract KTask<Errno> ReadFolioAsync(Task current, Folio folio);

    /// <summary>Reads consecutive locked folios, at best in one go. An error concerns all of them.</summary>
    public virtual async KTask<Errno> ReadFoliosAsync(Task current, ReadOnlyMemory<Folio> folios)
    {
        for (int i = 0; i < folios.Length; i++)
        {
            Errno error = await ReadFolioAsync(current, folios.Span[i]);
            if (error != Errno.Success)
                return error;
        }

        return Errno.Success;
    }

    /// <summary>Writes a locked dirty folio to where it belongs. Only called when <see cref="TracksDirty"/>.</summary>
    public virtual KTask<Errno> WriteFolioAsync(Task current, Folio folio) => KTask<Errno>.FromResult(Errno.Success);

    /// <summary>A mapping wrote to it (file_update_time).</summary>
    public virtual void Touched()
    {
    }

    /// <summary>Keeps it from going while a mapping or call uses it.</summary>
    public virtual void Pin() => Host!.Get();

    public virtual void Unpin() => Host!.Put();

    /// <summary>The folio at an index if it is cached, whatever its state; not counted.</summary>
    public Folio? Find(ulong index)
    {
        PageFrameNumber frame = FindFrame(index);
        return frame.IsNone ? null : new Folio(Memory, frame);
    }

    /// <summary>The first cached folio at or after an index; not counted.</summary>
    public bool FindNext(ref ulong index, out Folio folio)
    {
        bool found = _folios.Next(ref index, out uint frame);
        folio = new Folio(Memory, new PageFrameNumber(frame));
        return found;
    }

    /// <summary>An uptodate, unlocked folio with a reference for the caller. ENODATA: beyond the end; or the error of reading it.</summary>
    public unsafe KTask<Result<Folio>> GetAsync(Task current, ulong index)
    {
        PageFrameNumber frame = FindFrame(index);
        if (!frame.IsNone && (Memory[frame]->Flags & (PageFlags.Uptodate | PageFlags.Locked)) == PageFlags.Uptodate)
        {
            MarkAccessed(frame);
            return KTask<Result<Folio>>.FromResult(new Folio(Memory, frame).Get());
        }

        return FileMap.GetSlowAsync(current, this, index);
    }

    /// <summary>
    /// The folio at an index, locked, with a reference; made (not uptodate) if it is missing. ENOMEM.
    /// </summary>
    public async KTask<Result<Folio>> GetLockedAsync(Task current, ulong index)
    {
        for (; ; )
        {
            PageFrameNumber frame = FindFrame(index);
            if (frame.IsNone)
            {
                Result<Folio> made = await AddAsync(current, index);
                if (made.Ok || made.Error != Errno.EEXIST)
                    return made;
                continue;
            }

            Folio folio = new Folio(Memory, frame).Get();
            await folio.LockAsync(current);
            if (folio.Space == this && folio.Index == index)
                return folio;
            folio.Unlock();
            folio.Put();
        }
    }

    /// <summary>Makes a locked folio at an index, with a reference. EEXIST if somebody else was faster; ENOMEM.</summary>
    internal async KTask<Result<Folio>> AddAsync(Task current, ulong index)
    {
        Result<PageFrameNumber> frame = await Memory.AllocateAsync(current, FrameRequest.PageCache);
        if (!frame.TryGet(out PageFrameNumber pfn, out Errno error))
            return error;
        if (_folios[index] != 0)
        {
            Memory.Put(pfn);
            return Errno.EEXIST;
        }

        error = ChargeFolio(1);
        if (error != Errno.Success)
        {
            Memory.Put(pfn);
            return error;
        }

        return Insert(index, pfn);
    }

    /// <summary>Puts a fresh frame into the cache: locked, referenced by the cache and by the caller.</summary>
    internal unsafe Folio Insert(ulong index, PageFrameNumber frame)
    {
        PageDescriptor* page = Memory[frame];
        if (Number == 0)
            Memory.Register(this);
        _folios.Add(index, frame.Value);
        page->Owner = Number;
        page->Index = index;
        page->RefCount++;
        page->Flags |= PageFlags.Locked;
        Memory.Vm.Add(VmCounter.FilePages, 1);
        if (IsSwapBacked)
        {
            page->Flags |= PageFlags.SwapBacked;
            Memory.Vm.Add(VmCounter.Shmem, 1);
            Memory.Vm.Add(VmCounter.InactiveAnon, 1);
        }
        else
        {
            Memory.AddToLru(frame);
        }

        return new Folio(Memory, frame);
    }

    /// <summary>The frame cached for a page; none if there is none.</summary>
    internal PageFrameNumber FindFrame(ulong index) => new(_folios[index]);

    /// <summary>The second access to an inactive page makes it active (mark_page_accessed).</summary>
    internal void MarkAccessed(PageFrameNumber frame) => Memory.MarkAccessed(frame);

    internal void AddMapping(VmArea area)
    {
        area.MappingSlot = _mappings.Count;
        _mappings.Add(area);
    }

    internal void RemoveMapping(VmArea area)
    {
        int last = _mappings.Count - 1;
        VmArea moved = _mappings[last];
        _mappings[area.MappingSlot] = moved;
        moved.MappingSlot = area.MappingSlot;
        _mappings.RemoveAt(last);
        area.MappingSlot = -1;
    }

    /// <summary>Takes a folio out of the cache and drops the cache's reference; nobody maps it.</summary>
    internal unsafe void Drop(Folio folio)
    {
        PageDescriptor* page = folio.Descriptor;
        _ = _folios.Remove(page->Index);
        page->Owner = 0;
        Memory.Vm.Add(VmCounter.FilePages, -1);
        if ((page->Flags & PageFlags.SwapBacked) != 0)
        {
            Memory.Vm.Add(VmCounter.Shmem, -1);
            Memory.Vm.Add(VmCounter.InactiveAnon, -1);
        }
        else
        {
            Memory.RemoveFromLru(folio.Frame);
        }

        Memory.ClearDirty(folio.Frame);
        FolioDropped(1);
        Memory.Put(folio.Frame);
        if (_folios.Count == 0)
            Memory.Unregister(this);
    }

    /// <summary>Asked before pages are added on behalf of a write or fault; an errno refuses them.</summary>
    protected virtual Errno ChargeFolio(long pages) => Errno.Success;

    /// <summary>So many pages have left the cache.</summary>
    protected virtual void FolioDropped(long pages)
    {
    }
}
