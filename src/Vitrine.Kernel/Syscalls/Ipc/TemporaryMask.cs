using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>The signal mask that ppoll, pselect6 and epoll_pwait put in place for the time of the call.</summary>
internal static class TemporaryMask
{
    /// <summary>Reads and sets the mask if there is one. EINVAL for a size other than 8 bytes.</summary>
    public static async KTask<Errno> SetAsync(Task current, UserPtr<ulong> mask, nuint size)
    {
        if (mask.IsNull)
            return Errno.Success;
        if (size != sizeof(ulong))
            return Errno.EINVAL;
        Result<ulong> value = await current.ReadUserAsync(mask);
        if (!value.Ok)
            return value.Error;
        current.SetTemporaryMask(new SignalSet(value.Value));
        return Errno.Success;
    }
}
