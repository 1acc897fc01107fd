using Vitrine.Kernel.Async;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Signals;

/// <summary>What a process does with signals: rt_sigaction, rt_sigprocmask, rt_sigpending, sigaltstack, rt_sigreturn.</summary>
internal static class SignalActionCalls
{
    private const SignalActionFlags Known =
        SignalActionFlags.NoChildStop | SignalActionFlags.NoChildWait | SignalActionFlags.SigInfo | SignalActionFlags.OnStack
        | SignalActionFlags.Restart | SignalActionFlags.NoDefer | SignalActionFlags.ResetHandler | SignalActionFlags.ExposeTagBits
        | SignalActionFlags.Restorer;

    [Syscall(13, "rt_sigaction", SyscallSupport.Real)]
    public static async KTask<SyscallResult> RtSigAction(
        Task current,
        [Strace("signal")] SignalNumber signal,
        [Strace("sigaction")] UserPtr<SignalAction> action,
        [Strace("out-sigaction")] UserPtr<SignalAction> old,
        ulong size)
    {
        if (size != SignalSet.Size)
            return Errno.EINVAL;
        SignalAction wanted = default;
        if (!action.IsNull)
        {
            Result<SignalAction> read = await current.ReadUserAsync(action);
            if (!read.TryGet(out wanted, out Errno error))
                return error;
        }

        if (signal is < SignalNumber.Hup or > SignalNumber.RealTimeMax
            || (!action.IsNull && signal is SignalNumber.Kill or SignalNumber.Stop && !action.IsNull))
        {
            return Errno.EINVAL;
        }

        SignalAction before = Exchange(current, signal, in wanted, set: !action.IsNull);
        if (!old.IsNull)
        {
            Errno error = await current.WriteUserAsync(old, before);
            if (error != Errno.Success)
                return error;
        }

        return 0;
    }

    [Syscall(14, "rt_sigprocmask", SyscallSupport.Real)]
    public static async KTask<SyscallResult> RtSigProcMask(
        Task current,
        [Strace("sigmask-how")] SignalMaskHow how,
        [Strace("sigset")] UserPtr<SignalSet> set,
        [Strace("out-sigset")] UserPtr<SignalSet> old,
        ulong size)
    {
        if (size != SignalSet.Size)
            return Errno.EINVAL;
        SignalSet before = current.Blocked;
        if (!set.IsNull)
        {
            Result<SignalSet> read = await current.ReadUserAsync(set);
            if (!read.TryGet(out SignalSet wanted, out Errno error))
                return error;
            wanted &= ~SignalSet.Unblockable;
            switch (how)
            {
                case SignalMaskHow.Block:
                    current.SetBlocked(before | wanted);
                    break;
                case SignalMaskHow.Unblock:
                    current.SetBlocked(before & ~wanted);
                    break;
                case SignalMaskHow.SetMask:
                    current.SetBlocked(wanted);
                    break;
                default:
                    return Errno.EINVAL;
            }
        }

        return old.IsNull ? 0 : await current.WriteUserAsync(old, before);
    }

    [Syscall(127, "rt_sigpending", SyscallSupport.Real)]
    public static async KTask<SyscallResult> RtSigPending(Task current, [Strace("out-sigset")] UserPtr<SignalSet> set, ulong size)
    {
        // Smaller sizes get the lower part, as Linux has it.
        if (size > SignalSet.Size)
            return Errno.EINVAL;
        SignalSet pending = (current.Pending.Set | current.ThreadGroup.SharedPending.Set) & current.Blocked;
        return await current.WriteUserBytesAsync(set.Address, BitConverter.GetBytes(pending.Bits).AsMemory(0, (int)size));
    }

    [Syscall(131, "sigaltstack", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SigAltStack(
        Task current, [Strace("stack")] UserPtr<SignalStack> stack, [Strace("out-stack")] UserPtr<SignalStack> old)
    {
        SignalStack before = Describe(current);
        if (!stack.IsNull)
        {
            Result<SignalStack> read = await current.ReadUserAsync(stack);
            if (!read.TryGet(out SignalStack wanted, out Errno error))
                return error;
            error = Set(current, in wanted);
            if (error != Errno.Success)
                return error;
        }

        return old.IsNull ? 0 : await current.WriteUserAsync(old, before);
    }

    [Syscall(15, "rt_sigreturn", SyscallSupport.Real)]
    public static KTask<SyscallResult> RtSigReturn(Task current) => current.ReturnFromSignalAsync();

    private static SignalAction Exchange(Task current, SignalNumber signal, in SignalAction wanted, bool set)
    {
        ThreadGroup group = current.ThreadGroup;
        ref SignalAction registered = ref group.Handlers[signal];
        SignalAction before = registered;
        if (!set)
            return before;
        registered = wanted;
        registered.Flags &= Known;
        registered.Mask &= ~SignalSet.Unblockable;
        // POSIX: a signal that is ignored from now on is dropped even if it is pending or blocked.
        if (group.Handlers.Ignores(signal))
        {
            var flushed = SignalSet.Of(signal);
            group.SharedPending.Flush(flushed);
            foreach (Task thread in group.Threads)
                thread.Pending.Flush(flushed);
        }

        return before;
    }

    private static unsafe SignalStack Describe(Task current)
    {
        SignalStack stack = current.AlternateStack;
        if ((stack.Flags & SignalStackFlags.Disable) == 0)
        {
            SignalStackFlags kept = stack.Flags & SignalStackFlags.AutoDisarm;
            stack.Flags = kept | (current.IsOnAlternateStack(current.Registers->Rsp) ? SignalStackFlags.OnStack : SignalStackFlags.None);
        }

        return stack;
    }

    private static unsafe Errno Set(Task current, in SignalStack wanted) =>
        current.SetAlternateStack(in wanted, current.Registers->Rsp, SignalStack.MinimumSize);
}
