using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Memory;

/// <summary>mmap(2), munmap(2), mprotect(2), mremap(2), brk(2), remap_file_pages(2).</summary>
internal static class MappingCalls
{
    [Syscall(9, "mmap", SyscallSupport.Real, Note = "MAP_HUGETLB: ENOMEM, the pools of huge pages are empty")]
    public static async KTask<SyscallResult> Mmap(
        Task current, VirtAddr address, ulong length, [Strace("prot")] ProtectionFlags protection, [Strace("mmap")] MapFlags flags, Fd fd, ulong offset)
    {
        if ((offset & (Page.Size - 1)) != 0)
            return Errno.EINVAL;
        if ((flags & MapFlags.Anonymous) == 0)
            return await MmapFileAsync(current, address, length, protection, flags, fd, offset);
        if ((flags & MapFlags.HugeTlb) != 0)
            return length == 0 || !IsHugeSize(flags) ? Errno.EINVAL : Errno.ENOMEM;
        return Finish(await current.Mm!.MapAsync(current, address, length, protection, flags, null, offset));
    }

    [Syscall(11, "munmap", SyscallSupport.Real)]
    public static SyscallResult Munmap(Task current, VirtAddr address, ulong length) => current.Mm!.Unmap(address, length);

    [Syscall(10, "mprotect", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Mprotect(Task current, VirtAddr address, ulong length, [Strace("prot")] ProtectionFlags protection) =>
        await current.Mm!.ProtectAsync(current, address, length, protection);

    [Syscall(25, "mremap", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Mremap(
        Task current, VirtAddr oldAddress, ulong oldLength, ulong newLength, [Strace("mremap")] MremapFlags flags, VirtAddr newAddress) =>
        Finish(await current.Mm!.RemapAsync(current, oldAddress, oldLength, newLength, flags, newAddress));

    [Syscall(12, "brk", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Brk(Task current, VirtAddr address) =>
        (await current.Mm!.SetBrkAsync(current, address)).Value;

    [Syscall(216, "remap_file_pages", SyscallSupport.Real)]
    public static async KTask<SyscallResult> RemapFilePages(
        Task current, VirtAddr start, ulong size, [Strace("prot")] ProtectionFlags protection, ulong pageOffset, MapFlags flags)
    {
        // Deprecated; emulated by a new mapping of the same file, as Linux has done since 4.0.
        MmStruct mm = current.Mm!;
        start = start.PageBase;
        size = Page.AlignDown(size);
        if (protection != 0 || start.Value + size <= start.Value || pageOffset + (size >> Page.Shift) < pageOffset)
            return Errno.EINVAL;
        if (mm.Areas.Find(start) is not { } area || !area.IsShared || area.File is null || start + size > area.End)
            return Errno.EINVAL;
        OpenFile file = area.File.Get();
        var same = (ProtectionFlags)(area.Flags & VmFlags.Access);
        MapFlags mapFlags = (flags & MapFlags.NonBlock) | MapFlags.Shared | MapFlags.Fixed | MapFlags.Populate;
        if ((area.Flags & VmFlags.Locked) != 0)
            mapFlags |= MapFlags.Locked;
        Result<VirtAddr> result = await mm.MapAsync(current, start, size, same, mapFlags, file, pageOffset << Page.Shift);
        file.Put();
        return result.Error;
    }

    private static async KTask<SyscallResult> MmapFileAsync(
        Task current, VirtAddr address, ulong length, ProtectionFlags protection, MapFlags flags, Fd fd, ulong offset)
    {
        if (!current.Files!.Get(fd).TryGet(out OpenFile? file, out Errno error))
            return error;
        Result<VirtAddr> result = Errno.EINVAL;
        if ((flags & MapFlags.HugeTlb) == 0)
            result = await current.Mm!.MapAsync(current, address, length, protection, flags, file, offset);
        file.Put();
        return Finish(result);
    }

    /// <summary>The size that is asked for is none in particular, 2 MiB or 1 GiB.</summary>
    private static bool IsHugeSize(MapFlags flags)
    {
        const MapFlags size = (MapFlags)(0x3fu << 26);
        return (flags & size) is MapFlags.None or MapFlags.Huge2M or MapFlags.Huge1G;
    }

    private static SyscallResult Finish(Result<VirtAddr> result) => result.Ok ? result.Value.Value : result.Error;
}
