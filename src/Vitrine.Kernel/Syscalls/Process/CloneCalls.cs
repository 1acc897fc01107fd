using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>fork(2), vfork(2), clone(2), clone3(2).</summary>
internal static class CloneCalls
{
    private const CloneFlags Clone3Only = CloneFlags.ClearSignalHandlers | CloneFlags.IntoCgroup | CloneFlags.NewTime;

    [Syscall(57, "fork", SyscallSupport.Real)]
    public static KTask<SyscallResult> Fork(Task current) =>
        current.CloneAsync(new CloneRequest { ExitSignal = SignalNumber.Chld });

    [Syscall(58, "vfork", SyscallSupport.Real)]
    public static KTask<SyscallResult> Vfork(Task current) =>
        current.CloneAsync(new CloneRequest { Flags = CloneFlags.Vm | CloneFlags.Vfork, ExitSignal = SignalNumber.Chld });

    [Syscall(56, "clone", SyscallSupport.Partial, Note = "pid, user and time namespaces are refused with EINVAL")]
    public static KTask<SyscallResult> Clone(
        Task current,
        [Strace("clone-flags")] ulong flags,
        [Strace("hex")] ulong stack,
        UserPtr<int> parentTid,
        UserPtr<int> childTid,
        [Strace("hex")] ulong tls)
    {
        // Only the low 32 bits are clone's; the exit signal is the lowest byte.
        var bits = (CloneFlags)(uint)flags & ~CloneFlags.SignalMask;
        var signal = (SignalNumber)(flags & (ulong)CloneFlags.SignalMask);
        if ((bits & CloneFlags.PidFd) != 0 && (bits & CloneFlags.ParentSetTid) != 0)
            return KTask<SyscallResult>.FromResult(Errno.EINVAL);
        return current.CloneAsync(new CloneRequest
        {
            Flags = bits,
            ExitSignal = signal > SignalNumber.RealTimeMax ? SignalNumber.None : signal,
            StackPointer = stack,
            Tls = tls,
            ParentTid = parentTid,
            ChildTid = childTid,
            PidFd = parentTid,
        });
    }

    [Syscall(435, "clone3", SyscallSupport.Partial, Note = "CLONE_INTO_CGROUP gives EINVAL; pid, user and time namespaces too")]
    public static async KTask<SyscallResult> Clone3(Task current, [Strace("clone-args")] UserPtr<CloneArguments> arguments, ulong size)
    {
        if (size > Page.Size)
            return Errno.E2BIG;
        if (size < CloneArguments.SizeVersion0)
            return Errno.EINVAL;
        byte[] bytes = new byte[size];
        Errno error = await current.ReadUserBytesAsync(arguments.Address, bytes);
        if (error != Errno.Success)
            return error;
        CloneArguments args = Extend<CloneArguments>(bytes, out bool unknown);
        if (unknown)
            return Errno.E2BIG;
        int[]? wished = null;
        if (args.SetTidSize > 0)
        {
            if (args.SetTidSize > 32 || args.SetTid == 0)
                return Errno.EINVAL;
            byte[] numbers = new byte[args.SetTidSize * sizeof(int)];
            error = await current.ReadUserBytesAsync(new VirtAddr(args.SetTid), numbers);
            if (error != Errno.Success)
                return error;
            wished = MemoryMarshal.Cast<byte, int>(numbers).ToArray();
        }
        else if (args.SetTid != 0)
        {
            return Errno.EINVAL;
        }

        const CloneFlags known = (CloneFlags)0x1_FFFF_FFFF;
        if ((args.Flags & ~(known | CloneFlags.IntoCgroup)) != 0 || args.ExitSignal > 64)
            return Errno.EINVAL;
        if ((args.Flags & (CloneFlags.Detached | (CloneFlags.SignalMask & ~CloneFlags.NewTime))) != 0)
            return Errno.EINVAL;
        if ((args.Flags & CloneFlags.IntoCgroup) != 0)
            return Errno.EINVAL;
        if ((args.Flags & CloneFlags.ClearSignalHandlers) != 0 && (args.Flags & CloneFlags.SignalHandlers) != 0)
            return Errno.EINVAL;
        if ((args.Flags & (CloneFlags.Thread | CloneFlags.Parent)) != 0 && args.ExitSignal != 0)
            return Errno.EINVAL;
        if (args.Stack == 0 ? args.StackSize != 0 : args.StackSize == 0)
            return Errno.EINVAL;
        return await current.CloneAsync(new CloneRequest
        {
            Flags = args.Flags,
            ExitSignal = (SignalNumber)args.ExitSignal,
            StackPointer = args.Stack + args.StackSize,
            Tls = args.Tls,
            ParentTid = new UserPtr<int>(new VirtAddr(args.ParentTid)),
            ChildTid = new UserPtr<int>(new VirtAddr(args.ChildTid)),
            PidFd = new UserPtr<int>(new VirtAddr(args.PidFd)),
            SetTid = wished,
        });
    }

    [Syscall(218, "set_tid_address", SyscallSupport.Real)]
    public static SyscallResult SetTidAddress(Task current, UserPtr<int> address)
    {
        current.ClearChildTid = address;
        return new Pid(current.Pid.In(current.Namespaces.Pid));
    }

    /// <summary>
    /// A structure that may be older (shorter, the rest is zero) or newer (longer) than ours: what we do not know must be
    /// zero (copy_struct_from_user).
    /// </summary>
    internal static T Extend<T>(ReadOnlySpan<byte> bytes, out bool unknown)
        where T : unmanaged
    {
        T value = default;
        Span<byte> known = MemoryMarshal.AsBytes(new Span<T>(ref value));
        int common = Math.Min(known.Length, bytes.Length);
        bytes[..common].CopyTo(known);
        unknown = bytes[common..].ContainsAnyExcept((byte)0);
        return value;
    }
}
