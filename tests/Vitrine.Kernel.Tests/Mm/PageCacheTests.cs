using Vitrine.Cpu;
using Vitrine.Kernel;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tests.Mm;

public class PageCacheTests
{
    private const PageFaultError User = PageFaultError.User;
    private const PageFaultError UserWrite = PageFaultError.User | PageFaultError.Write;

    [Fact]
    public void Read_WholeFile_ComesThroughReadaheadInLargeRuns()
    {
        using var f = new MmFixture();
        var space = new PatternSpace(f.Kernel, 300_000);
        byte[] buffer = new byte[400_000];
        Result<long> read = MmFixture.Now(FileMap.ReadAsync(f.Current, space, new KernelIovIter(buffer), 0, new ReadaheadState()));
        Assert.Equal(300_000, read.Value);
        for (int i = 0; i < 300_000; i++)
        {
            if (PatternSpace.ByteAt(i) != buffer[i])
                Assert.Fail($"byte {i}");
        }

        Assert.True(space.Reads < 12, $"{space.Reads} reads");
        read = MmFixture.Now(FileMap.ReadAsync(f.Current, space, new KernelIovIter(buffer), 300_000, new ReadaheadState()));
        Assert.Equal(0, read.Value);
        space.Destroy();
    }

    [Fact]
    public void Mapping_PrivateWrite_CopiesAndLeavesTheCache()
    {
        using var f = new MmFixture();
        var space = new PatternSpace(f.Kernel, 40_000);
        MmStruct mm = f.NewMm();
        VirtAddr at = MapSpace(f, mm, space, 12, shared: false);
        Assert.Equal(PatternSpace.ByteAt(8192), f.Load(mm, at + 8192));
        f.Store(mm, at + 8192, 77);
        f.Store(mm, at + 12288, 78);
        Assert.Equal(77, f.Load(mm, at + 8192));
        Assert.Equal(PatternSpace.ByteAt(12289), f.Load(mm, at + 12289));
        Assert.Equal(PatternSpace.ByteAt(8192), space.Find(2)!.Value.Span[0]);
        Assert.Equal(2, mm.Statistics.Rss(RssKind.Anonymous));
        Assert.Equal(FaultOutcome.BusError, MmFixture.Now(mm.HandleFaultAsync(f.Current, at + 40_960, User)));
        mm.Put();
        space.Destroy();
    }

    [Fact]
    public void Truncate_UnmapsAndFaultsWithSigbus_PrivateCopiesToo()
    {
        using var f = new MmFixture();
        var space = new PatternSpace(f.Kernel, 40_000);
        MmStruct mm = f.NewMm();
        VirtAddr shared = MapSpace(f, mm, space, 10, shared: true);
        VirtAddr copy = MapSpace(f, mm, space, 10, shared: false);
        f.Store(mm, shared + 100, 1);
        _ = f.Load(mm, shared + 20_000);
        f.Store(mm, copy + 20_000, 1);
        space.Length = 5000;
        Done(space.TruncateAsync(f.Current, 5000));
        Assert.Equal(1, f.Load(mm, shared + 100));
        Assert.Equal(0, f.Load(mm, shared + 5001));
        Assert.Equal(FaultOutcome.BusError, MmFixture.Now(mm.HandleFaultAsync(f.Current, shared + 20_000, User)));
        Assert.Equal(FaultOutcome.BusError, MmFixture.Now(mm.HandleFaultAsync(f.Current, copy + 20_000, UserWrite)));
        mm.Put();
        space.Destroy();
    }

    [Fact]
    public void Write_ToSharedMapping_IsSeenByReadAndByOtherMappings()
    {
        using var f = new MmFixture();
        ShmemSpace space = ShmemSpace.CreateAnonymous(f.Kernel, 100_000, account: true).Value;
        MmStruct mm = f.NewMm();
        VirtAddr at = MapSpace(f, mm, space, 20, shared: true);
        f.Store(mm, at + 70_000, 9);
        byte[] buffer = new byte[100_000];
        Assert.Equal(100_000, MmFixture.Now(FileMap.ReadAsync(f.Current, space, new KernelIovIter(buffer), 0, new ReadaheadState())).Value);
        Assert.Equal(9, buffer[70_000]);
        Assert.Equal(1, buffer.Count(b => b != 0));
        Assert.Equal(1, space.FrameCount);
        Assert.Equal(3, MmFixture.Now(FileMap.WriteAsync(f.Current, space, new KernelIovIter(new byte[] { 4, 5, 6 }), 4095)).Value);
        Assert.Equal(5, f.Load(mm, at + 4096));
        Assert.Equal(3, space.FrameCount);
        Assert.Equal(0L, space.SeekData(0).Value);
        Assert.Equal(8192L, space.SeekHole(0).Value);
        Assert.Equal(69_632L, space.SeekData(8192).Value);
        Done(space.PunchHoleAsync(f.Current, 4000, 9000));
        Assert.Equal(0, f.Load(mm, at + 4096));
        space.Unpin();
        mm.Put();
    }

    [Fact]
    public void TryAllocate_MemoryShort_TakesCleanPageCache_MappedTooButNotLocked()
    {
        using var f = new MmFixture(32);
        var space = new PatternSpace(f.Kernel, 20 << 20);
        byte[] buffer = new byte[1 << 20];
        for (long at = 0; at < 20 << 20; at += buffer.Length)
            _ = MmFixture.Now(FileMap.ReadAsync(f.Current, space, new KernelIovIter(buffer), at, new ReadaheadState()));
        MmStruct mm = f.NewMm();
        VirtAddr mapped = MapSpace(f, mm, space, 16, shared: false);
        _ = f.Load(mm, mapped);
        var frames = new List<PageFrameNumber>();
        for (; ; )
        {
            PageFrameNumber frame = f.Memory.TryAllocate(FrameRequest.KernelNoZero);
            if (frame.IsNone)
                break;
            frames.Add(frame);
        }

        Assert.Equal(0, f.Memory.Vm[VmCounter.FilePages]);
        Assert.Equal(0, mm.Statistics.Resident);
        foreach (PageFrameNumber frame in frames)
            f.Memory.Put(frame);
        Assert.Equal(PatternSpace.ByteAt(0), f.Load(mm, mapped));
        mm.Put();
        space.Destroy();
    }

    [Fact]
    public void Remap_GrowMoveShrink_KeepsContent()
    {
        using var f = new MmFixture();
        MmStruct mm = f.NewMm();
        VirtAddr at = f.MapAnonymous(mm, 4, ProtectionFlags.Read | ProtectionFlags.Write);
        f.Store(mm, at + 4096, 11);
        VirtAddr moved = MmFixture.Now(mm.RemapAsync(f.Current, at, 16384, 4 << 20, MremapFlags.MayMove, default)).Value;
        Assert.Equal(11, f.Load(mm, moved + 4096));
        f.Store(mm, moved + (3 << 20), 12);
        VirtAddr target = new(0x10_0000_0000);
        Assert.Equal(target, MmFixture.Now(mm.RemapAsync(f.Current, moved, 4 << 20, 4 << 20, MremapFlags.MayMove | MremapFlags.Fixed, target)).Value);
        Assert.Equal(12, f.Load(mm, target + (3 << 20)));
        Assert.Equal(FaultOutcome.NotMapped, MmFixture.Now(mm.HandleFaultAsync(f.Current, moved, User)));
        Assert.Equal(target, MmFixture.Now(mm.RemapAsync(f.Current, target, 4 << 20, 8192, MremapFlags.None, default)).Value);
        Assert.Equal(2, mm.Statistics.TotalVm);
        VirtAddr twin = MmFixture.Now(mm.RemapAsync(f.Current, target, 8192, 8192, MremapFlags.MayMove | MremapFlags.DontUnmap, default)).Value;
        Assert.Equal(11, f.Load(mm, twin + 4096));
        Assert.Equal(0, f.Load(mm, target + 4096));
        Assert.Equal(Errno.EFAULT, MmFixture.Now(mm.RemapAsync(f.Current, new VirtAddr(0x20_0000_0000), 4096, 8192, MremapFlags.MayMove, default)).Error);
        Assert.Equal(Errno.EINVAL, MmFixture.Now(mm.RemapAsync(f.Current, target, 8192, 0, MremapFlags.MayMove, default)).Error);
        mm.Put();
    }

    [Fact]
    public void Advise_DontNeed_ReadsZerosAgain_AndHolesAreReported()
    {
        using var f = new MmFixture();
        MmStruct mm = f.NewMm();
        VirtAddr at = f.MapAnonymous(mm, 8);
        f.Store(mm, at, 1);
        Assert.Equal(Errno.Success, MmFixture.Now(mm.AdviseAsync(f.Current, at, 8192, MemoryAdvice.DontNeed)));
        Assert.Equal(0, f.Load(mm, at));
        Assert.Equal(Errno.Success, mm.Unmap(at + 8192, 4096));
        Assert.Equal(Errno.ENOMEM, MmFixture.Now(mm.AdviseAsync(f.Current, at, 32768, MemoryAdvice.Random)));
        Assert.Equal(2, mm.Areas.Count);
        Assert.Equal(Errno.EINVAL, MmFixture.Now(mm.AdviseAsync(f.Current, at, 4096, (MemoryAdvice)77)));
        Assert.Equal(Errno.Success, MmFixture.Now(mm.LockAsync(f.Current, at, 4096, MlockFlags.None)));
        Assert.Equal(1, mm.Statistics.LockedVm);
        Assert.Equal(Errno.EINVAL, MmFixture.Now(mm.AdviseAsync(f.Current, at, 4096, MemoryAdvice.DontNeed)));
        mm.Put();
    }

    [Fact]
    public void FolioTree_SparseIndexes_IterateInOrder()
    {
        var tree = new FolioTree();
        ulong[] indexes = [0, 1, 63, 64, 4095, 4096, 1UL << 30, 1UL << 40, (1UL << 52) - 1];
        foreach (ulong index in indexes)
            tree.Add(index, (uint)(index % 1000) + 1);
        var seen = new List<ulong>();
        ulong at = 0;
        while (tree.Next(ref at, out uint frame))
        {
            Assert.Equal((uint)(at % 1000) + 1, frame);
            seen.Add(at++);
        }

        Assert.Equal(indexes, seen);
        foreach (ulong index in indexes)
            Assert.NotEqual(0u, tree.Remove(index));
        Assert.Equal(0, tree.Count);
        at = 0;
        Assert.False(tree.Next(ref at, out _));
    }

    private static VirtAddr MapSpace(MmFixture f, MmStruct mm, AddressSpace space, ulong pages, bool shared)
    {
        MapFlags flags = MapFlags.Anonymous | (shared ? MapFlags.Shared : MapFlags.Private);
        VirtAddr at = MmFixture.Now(mm.MapAsync(f.Current, default, pages << Page.Shift, ProtectionFlags.Read | ProtectionFlags.Write, flags, null, 0)).Value;
        VmArea area = mm.Areas.Find(at)!;
        if (area.Start != at || area.Pages != pages)
        {
            // Merged with a neighbour: make it one of its own.
            Assert.Equal(Errno.Success, mm.Unmap(at, pages << Page.Shift));
            at = MmFixture.Now(mm.MapAsync(f.Current, new VirtAddr(0x10_0000_0000), pages << Page.Shift, ProtectionFlags.Read | ProtectionFlags.Write, flags | MapFlags.Fixed, null, 0)).Value;
            area = mm.Areas.Find(at)!;
        }

        area.PageOffset = 0;
        area.SetMapping(space);
        return at;
    }

    private static void Done(KTask path)
    {
        Assert.True(path.IsCompleted);
        path.GetAwaiter().GetResult();
    }

    private sealed class PatternSpace(KernelInstance kernel, long length) : AddressSpace(kernel, null)
    {
        public long Length { get; set; } = length;

        public int Reads { get; private set; }

        public override long Size => Length;

        public static byte ByteAt(long offset) => (byte)((offset * 7) ^ (offset >> 8) | 1);

        public override void Pin()
        {
        }

        public override void Unpin()
        {
        }

        public override KTask<Errno> ReadFoliosAsync(Task current, ReadOnlyMemory<Folio> folios)
        {
            Reads++;
            foreach (Folio folio in folios.Span)
                Fill(folio);
            return KTask<Errno>.FromResult(Errno.Success);
        }

        public override KTask<Errno> ReadFolioAsync(Task current, Folio folio)
        {
            Reads++;
            Fill(folio);
            return KTask<Errno>.FromResult(Errno.Success);
        }

        private void Fill(Folio folio)
        {
            long start = (long)folio.Index << Page.Shift;
            Span<byte> data = folio.Span;
            for (int i = 0; i < data.Length; i++)
                data[i] = start + i < Length ? ByteAt(start + i) : (byte)0;
        }
    }
}
