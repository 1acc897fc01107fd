using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Memory;

/// <summary>madvise(2), msync(2), mincore(2), mlock(2) and its family.</summary>
internal static class ResidencyCalls
{
    [Syscall(28, "madvise", SyscallSupport.Partial, Note = "no merging of equal pages, no memory poisoning, no MADV_COLLAPSE: EINVAL")]
    public static async KTask<SyscallResult> Madvise(Task current, VirtAddr address, ulong length, [Strace("madvise")] MemoryAdvice advice) =>
        await current.Mm!.AdviseAsync(current, address, length, advice);

    [Syscall(26, "msync", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Msync(Task current, VirtAddr address, ulong length, [Strace("msync")] MsyncFlags flags) =>
        await current.Mm!.SyncAsync(current, address, length, flags);

    [Syscall(27, "mincore", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Mincore(Task current, VirtAddr address, ulong length, VirtAddr vector)
    {
        if (!address.IsPageAligned)
            return Errno.EINVAL;
        if (!MmStruct.IsUserRange(address, length))
            return Errno.ENOMEM;
        ulong pages = (length >> Page.Shift) + ((length & (Page.Size - 1)) != 0 ? 1UL : 0);
        if (!MmStruct.IsUserRange(vector, pages))
            return Errno.EFAULT;
        byte[] chunk = new byte[Math.Min(pages, Page.Size)];
        for (ulong done = 0; done < pages;)
        {
            int count = (int)Math.Min(pages - done, (ulong)chunk.Length);
            Errno error = current.Mm!.Residency(current, address + (done << Page.Shift), chunk.AsSpan(0, count));
            if (error == Errno.Success)
                error = await current.WriteUserBytesAsync(vector + done, chunk.AsMemory(0, count));
            if (error != Errno.Success)
                return error;
            done += (ulong)count;
        }

        return SyscallResult.Success;
    }

    [Syscall(149, "mlock", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Mlock(Task current, VirtAddr address, ulong length) =>
        await current.Mm!.LockAsync(current, address, length, MlockFlags.None);

    [Syscall(325, "mlock2", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Mlock2(Task current, VirtAddr address, ulong length, MlockFlags flags)
    {
        if ((flags & ~MlockFlags.OnFault) != 0)
            return Errno.EINVAL;
        return await current.Mm!.LockAsync(current, address, length, flags);
    }

    [Syscall(150, "munlock", SyscallSupport.Real)]
    public static SyscallResult Munlock(Task current, VirtAddr address, ulong length) => current.Mm!.Unlock(address, length);

    [Syscall(151, "mlockall", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Mlockall(Task current, [Strace("mlockall")] MlockallFlags flags) =>
        await current.Mm!.LockAllAsync(current, flags);

    [Syscall(152, "munlockall", SyscallSupport.Real)]
    public static SyscallResult Munlockall(Task current)
    {
        current.Mm!.UnlockAll();
        return SyscallResult.Success;
    }
}
