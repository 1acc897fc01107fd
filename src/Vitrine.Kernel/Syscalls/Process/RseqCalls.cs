using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>rseq(2): registration of a thread's area for restartable sequences.</summary>
internal static class RseqCalls
{
    private const uint Unregister = 1;

    [Syscall(334, "rseq", SyscallSupport.Real)]
    public static async KTask<SyscallResult> Rseq(Task current, VirtAddr area, uint length, uint flags, uint signature)
    {
        RseqArea registered = current.Rseq;
        if ((flags & Unregister) != 0)
        {
            if (flags != Unregister)
                return Errno.EINVAL;
            if (!registered.IsRegistered || registered.Address != area)
                return Errno.EINVAL;
            if (registered.Length != length)
                return Errno.EINVAL;
            if (registered.Signature != signature)
                return Errno.EPERM;
            if (!await current.WriteRseqIdsAsync(-1))
                return Errno.EFAULT;
            current.Rseq = default;
            return 0;
        }

        if (flags != 0)
            return Errno.EINVAL;
        if (registered.IsRegistered)
        {
            if (registered.Address != area || registered.Length != length)
                return Errno.EINVAL;
            return registered.Signature != signature ? Errno.EPERM : Errno.EBUSY;
        }

        ulong alignment = length == RseqArea.OriginalSize ? RseqArea.OriginalSize : RseqArea.Alignment;
        if (length < RseqArea.OriginalSize || (area.Value & (alignment - 1)) != 0)
            return Errno.EINVAL;
        if (!MmStruct.IsUserRange(area, length))
            return Errno.EFAULT;
        // A critical section left from an earlier registration must not be taken for a new one.
        Errno error = await current.WriteUserAsync(new UserPtr<ulong>(area + 8), 0UL);
        if (error != Errno.Success)
            return error;
        current.Rseq = new RseqArea(area, length, signature);
        current.Work |= TaskWork.Rseq;
        return 0;
    }
}
