using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>Two descriptors at once, for pipe and socketpair: both or none, and none if they can't be reported.</summary>
internal static class DescriptorPair
{
    /// <summary>Takes over both files, whatever comes out.</summary>
    public static async KTask<SyscallResult> InstallAsync(Task current, OpenFile first, OpenFile second, bool closeOnExec, UserPtr<int> fds)
    {
        FdTable files = current.Files!;
        Result<Fd> a = files.Reserve(current, closeOnExec);
        if (!a.Ok)
        {
            first.Put();
            second.Put();
            return a.Error;
        }

        Result<Fd> b = files.Reserve(current, closeOnExec);
        if (!b.Ok)
        {
            files.Unreserve(a.Value);
            first.Put();
            second.Put();
            return b.Error;
        }

        ulong packed = (uint)a.Value.Value | ((ulong)(uint)b.Value.Value << 32);
        Errno error = await current.WriteUserAsync(fds.Cast<ulong>(), packed);
        if (error != Errno.Success)
        {
            files.Unreserve(a.Value);
            files.Unreserve(b.Value);
            first.Put();
            second.Put();
            return error;
        }

        files.Install(a.Value, first);
        files.Install(b.Value, second);
        return SyscallResult.Success;
    }
}
