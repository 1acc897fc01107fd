using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Syscalls.Process;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Ptrace;

/// <summary>ptrace(2): attaching, and the requests of a tracer to a tracee that has stopped.</summary>
internal static class PtraceCalls
{
    [Syscall(101, "ptrace", SyscallSupport.Real, Note = "filters of seccomp and 32-bit thread areas give EIO; PTRACE_O_SUSPEND_SECCOMP gives EINVAL")]
    public static KTask<SyscallResult> Ptrace(
        Task current, [Strace("hex")] PtraceRequest request, int pid, [Strace("hex")] ulong address, [Strace("hex")] ulong data)
    {
        if (request == PtraceRequest.TraceMe)
            return KTask<SyscallResult>.FromResult(TraceMe(current));
        if (current.Namespaces.Pid.Find(pid)?.Task is not { } child)
            return KTask<SyscallResult>.FromResult(Errno.ESRCH);
        if (request is PtraceRequest.Attach or PtraceRequest.Seize)
            return KTask<SyscallResult>.FromResult(Attach(current, child, request == PtraceRequest.Seize, address, data));
        bool anyState = request is PtraceRequest.Kill or PtraceRequest.Interrupt;
        if (child.Tracer != current || !(anyState || IsStopped(child)))
            return KTask<SyscallResult>.FromResult(Errno.ESRCH);
        switch (request)
        {
            case PtraceRequest.Continue or PtraceRequest.Syscall or PtraceRequest.SysEmu or PtraceRequest.SysEmuSingleStep
                or PtraceRequest.SingleStep or PtraceRequest.SingleBlock:
                return ResumeAsync(current, child, request, data);
            case PtraceRequest.PeekText or PtraceRequest.PeekData:
                return PeekAsync(current, child, new VirtAddr(address), new UserPtr<ulong>(new VirtAddr(data)));
            case PtraceRequest.PokeText or PtraceRequest.PokeData:
                return PokeAsync(current, child, new VirtAddr(address), data);
            case PtraceRequest.PeekUser:
                return PtraceRegisters.TryPeekUser(child, address, out ulong word)
                    ? PutAsync(current, new UserPtr<ulong>(new VirtAddr(data)), word)
                    : KTask<SyscallResult>.FromResult(Errno.EIO);
            case PtraceRequest.PokeUser:
                return KTask<SyscallResult>.FromResult(PtraceRegisters.PokeUser(child, address, data));
            case PtraceRequest.GetRegisters or PtraceRequest.GetFloatRegisters:
                return RegisterSets.GetWholeAsync(
                    current, child, request == PtraceRequest.GetRegisters ? RegisterSets.General : RegisterSets.Float, new VirtAddr(data));
            case PtraceRequest.SetRegisters or PtraceRequest.SetFloatRegisters:
                return RegisterSets.SetWholeAsync(
                    current, child, request == PtraceRequest.SetRegisters ? RegisterSets.General : RegisterSets.Float, new VirtAddr(data));
            case PtraceRequest.GetRegisterSet or PtraceRequest.SetRegisterSet:
                return RegisterSets.TransferAsync(
                    current, child, (uint)address, new UserPtr<Iovec>(new VirtAddr(data)), request == PtraceRequest.SetRegisterSet);
            case PtraceRequest.ArchPrctl:
                return ArchPrctlAsync(current, child, (ArchControl)(uint)data, address);
            case PtraceRequest.GetEventMessage:
                return PutAsync(current, new UserPtr<ulong>(new VirtAddr(data)), child.Tracee!.Message);
            case PtraceRequest.GetSignalInfo or PtraceRequest.SetSignalInfo or PtraceRequest.PeekSignalInfo
                or PtraceRequest.GetSignalMask or PtraceRequest.SetSignalMask:
                return PtraceSignals.RequestAsync(current, child, request, address, data);
            case PtraceRequest.GetSyscallInfo:
                return PtraceSyscalls.GetInfoAsync(current, child, address, new VirtAddr(data));
            case PtraceRequest.GetRseqConfiguration:
                return PtraceSyscalls.GetRseqAsync(current, child, address, new VirtAddr(data));
            case PtraceRequest.GetUserDispatch:
                return PtraceSyscalls.GetUserDispatchAsync(current, child, address, new UserPtr<PtraceUserDispatch>(new VirtAddr(data)));
            case PtraceRequest.SetUserDispatch:
                return PtraceSyscalls.SetUserDispatchAsync(current, child, address, new UserPtr<PtraceUserDispatch>(new VirtAddr(data)));
            default:
                return KTask<SyscallResult>.FromResult(Control(child, request, data));
        }
    }

    /// <summary>The requests that neither wait nor touch memory.</summary>
    private static SyscallResult Control(Task child, PtraceRequest request, ulong data)
    {
        Tracee tracee = child.Tracee!;
        switch (request)
        {
            case PtraceRequest.SetOptions or PtraceRequest.OldSetOptions:
                if (!AreValid(data))
                    return Errno.EINVAL;
                tracee.Options = (PtraceOptions)data;
                return 0;
            case PtraceRequest.Kill:
                SignalSender.SendKernel(child, SignalNumber.Kill);
                return 0;
            case PtraceRequest.Interrupt:
                if (!tracee.IsSeized)
                    return Errno.EIO;
                if (!child.IsExiting && !child.IsFatalSignalPending)
                {
                    tracee.TrapPending = true;
                    child.WakeForTracer(resume: tracee.IsListening);
                }

                return 0;
            case PtraceRequest.Listen:
                if (!tracee.IsSeized || !tracee.HasInfo || tracee.Info.Code >> 8 != (int)PtraceEvent.Stop)
                    return Errno.EIO;
                tracee.IsListening = true;
                // Something has happened since the stop began: it is told at once.
                if (tracee.NotifyPending)
                    child.WakeForTracer(resume: true);
                return 0;
            case PtraceRequest.Detach:
                if (data > (ulong)SignalNumber.RealTimeMax)
                    return Errno.EIO;
                child.DisableSingleStep();
                tracee.Code = (int)data;
                child.UnlinkTracer();
                return 0;
            default:
                return Errno.EIO;
        }
    }

    private static Errno TraceMe(Task current)
    {
        if (current.IsTraced)
            return Errno.EPERM;
        // Without a parent that could trace nothing changes.
        if (current.RealParent is { IsExiting: false } parent)
            current.LinkTracer(parent, parent.Credentials, seized: false, PtraceOptions.None);
        return Errno.Success;
    }

    private static Errno Attach(Task current, Task child, bool seize, ulong address, ulong flags)
    {
        if (seize && (address != 0 || (flags & ~(ulong)PtraceOptions.Known) != 0))
            return Errno.EIO;
        if (seize && !AreValid(flags))
            return Errno.EINVAL;
        if (child.IsKernelThread || child.ThreadGroup == current.ThreadGroup)
            return Errno.EPERM;
        if (!PtraceAccess.May(current, child, PtraceMode.AttachByRealIds))
            return Errno.EPERM;
        if (child.State is TaskState.Zombie or TaskState.Dead || child.IsTraced)
            return Errno.EPERM;
        child.LinkTracer(current, current.Credentials, seize, seize ? (PtraceOptions)flags : PtraceOptions.None);
        if (!seize)
            SignalSender.SendKernel(child, SignalNumber.Stop);
        if (child.State == TaskState.Stopped)
            child.TurnStopIntoTrace();
        return Errno.Success;
    }

    /// <summary>The tracee rests in a stop, and nothing has been said that would end it.</summary>
    private static bool IsStopped(Task child) =>
        child.State == TaskState.Traced && !child.Tracee!.IsListening && !child.IsFatalSignalPending;

    private static bool AreValid(ulong options) =>
        (options & ~(ulong)PtraceOptions.Known) == 0 && (options & (ulong)PtraceOptions.SuspendSeccomp) == 0;

    private static async KTask<SyscallResult> ResumeAsync(Task current, Task child, PtraceRequest request, ulong data)
    {
        if (data > (ulong)SignalNumber.RealTimeMax)
            return Errno.EIO;
        Tracee tracee = child.Tracee!;
        if (request is PtraceRequest.SingleStep or PtraceRequest.SysEmuSingleStep or PtraceRequest.SingleBlock)
        {
            await child.EnableSingleStepAsync(current, request == PtraceRequest.SingleBlock);
            if (child.Tracer != current || child.State != TaskState.Traced)
                return Errno.ESRCH;
        }
        else
        {
            child.DisableSingleStep();
        }

        tracee.StopsAtSyscalls = request == PtraceRequest.Syscall;
        tracee.EmulatesSyscalls = request is PtraceRequest.SysEmu or PtraceRequest.SysEmuSingleStep;
        tracee.Code = (int)data;
        child.MakeRunnable();
        return 0;
    }

    private static async KTask<SyscallResult> PeekAsync(Task current, Task child, VirtAddr from, UserPtr<ulong> to)
    {
        if (!PtraceAccess.MayAccessMemory(child))
            return Errno.EIO;
        byte[] word = new byte[sizeof(ulong)];
        MmStruct mm = child.Mm!.Get();
        Errno error = await mm.ReadRemoteAsync(current, from, word);
        mm.Put();
        if (error != Errno.Success)
            return Errno.EIO;
        return await current.WriteUserBytesAsync(to.Address, word);
    }

    private static async KTask<SyscallResult> PokeAsync(Task current, Task child, VirtAddr to, ulong value)
    {
        if (!PtraceAccess.MayAccessMemory(child))
            return Errno.EIO;
        MmStruct mm = child.Mm!.Get();
        Errno error = await mm.WriteRemoteAsync(current, to, BitConverter.GetBytes(value));
        mm.Put();
        return error != Errno.Success ? Errno.EIO : Errno.Success;
    }

    private static async KTask<SyscallResult> PutAsync(Task current, UserPtr<ulong> to, ulong value) => await current.WriteUserAsync(to, value);

    private static async KTask<SyscallResult> ArchPrctlAsync(Task current, Task child, ArchControl operation, ulong argument)
    {
        switch (operation)
        {
            case ArchControl.SetFs:
            case ArchControl.SetGs:
                return ArchCalls.SetBase(child, operation == ArchControl.SetFs, argument);
            case ArchControl.GetFs:
            case ArchControl.GetGs:
                return await current.WriteUserAsync(new UserPtr<ulong>(new VirtAddr(argument)), ArchCalls.Base(child, operation == ArchControl.GetFs));
            default:
                return Errno.EINVAL;
        }
    }
}
