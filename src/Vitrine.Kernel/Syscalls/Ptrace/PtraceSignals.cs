using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Ptrace;

/// <summary>What a tracer may see and change of a tracee's signals.</summary>
internal static class PtraceSignals
{
    public static KTask<SyscallResult> RequestAsync(Task current, Task child, PtraceRequest request, ulong address, ulong data)
    {
        var at = new VirtAddr(data);
        return request switch
        {
            PtraceRequest.GetSignalInfo => GetInfoAsync(current, child, new UserPtr<SignalInfo>(at)),
            PtraceRequest.SetSignalInfo => SetInfoAsync(current, child, new UserPtr<SignalInfo>(at)),
            PtraceRequest.PeekSignalInfo => PeekAsync(current, child, new UserPtr<PeekSignalInfoArguments>(new VirtAddr(address)), at),
            PtraceRequest.GetSignalMask => GetMaskAsync(current, child, address, new UserPtr<ulong>(at)),
            _ => SetMaskAsync(current, child, address, new UserPtr<ulong>(at)),
        };
    }

    private static async KTask<SyscallResult> GetInfoAsync(Task current, Task child, UserPtr<SignalInfo> to)
    {
        if (!child.Tracee!.HasInfo)
            return Errno.EINVAL;
        return await current.WriteUserAsync(to, child.Tracee.Info);
    }

    private static async KTask<SyscallResult> SetInfoAsync(Task current, Task child, UserPtr<SignalInfo> from)
    {
        Result<SignalInfo> read = await current.ReadUserAsync(from);
        if (!read.TryGet(out SignalInfo info, out Errno error))
            return error;
        if (child.Tracer != current || !child.Tracee!.HasInfo)
            return Errno.EINVAL;
        child.Tracee.Info = info;
        return 0;
    }

    private static async KTask<SyscallResult> PeekAsync(Task current, Task child, UserPtr<PeekSignalInfoArguments> from, VirtAddr to)
    {
        Result<PeekSignalInfoArguments> read = await current.ReadUserAsync(from);
        if (!read.TryGet(out PeekSignalInfoArguments arguments, out Errno error))
            return error;
        if ((arguments.Flags & ~PeekSignalInfoArguments.Shared) != 0 || arguments.Count < 0)
            return Errno.EINVAL;
        PendingSignals pending = (arguments.Flags & PeekSignalInfoArguments.Shared) != 0 ? child.ThreadGroup.SharedPending : child.Pending;
        int size = Marshal.SizeOf<SignalInfo>();
        int done = 0;
        while (done < arguments.Count && pending.TryPeek(arguments.Offset + (ulong)done, out SignalInfo info))
        {
            error = await current.WriteUserAsync(new UserPtr<SignalInfo>(to + (ulong)(done * size)), info);
            if (error != Errno.Success)
                return done > 0 ? done : error;
            done++;
        }

        return done;
    }

    private static async KTask<SyscallResult> GetMaskAsync(Task current, Task child, ulong size, UserPtr<ulong> to)
    {
        if (size != SignalSet.Size)
            return Errno.EINVAL;
        return await current.WriteUserAsync(to, (child.HasSavedMask ? child.SavedMask : child.Blocked).Bits);
    }

    private static async KTask<SyscallResult> SetMaskAsync(Task current, Task child, ulong size, UserPtr<ulong> from)
    {
        if (size != SignalSet.Size)
            return Errno.EINVAL;
        Result<ulong> read = await current.ReadUserAsync(from);
        if (!read.TryGet(out ulong bits, out Errno error))
            return error;
        child.ReplaceMask(new SignalSet(bits) & ~SignalSet.Unblockable);
        return 0;
    }
}
