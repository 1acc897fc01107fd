using Vitrine.Cpu;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;

namespace Vitrine.Kernel.Tasks;

/// <content>
/// The one way out of the kernel (exit_to_user_mode_loop's twin): called again by the processor loop until the work word
/// is zero. Waiting states that may last (stopped, frozen, a vfork parent) are entered as plain state, with nothing
/// suspended.
/// </content>
internal sealed partial class Task
{
    /// <summary>What a new task does in the kernel before it first goes to user mode; an errno makes it exit.</summary>
    internal Func<Task, KTask<Errno>>? StartBody { get; set; }

    /// <summary>Where the child's thread id goes when it first runs (CLONE_CHILD_SETTID); 0: nowhere.</summary>
    internal UserPtr<int> SetChildTid { get; set; }

    /// <summary>Runs the exit-to-user routine once: at most one piece of work, then the loop looks again.</summary>
    internal void BeginExitWork()
    {
        if (!TryPark())
            BeginOther(ExitToUserAsync());
    }

    /// <summary>
    /// The states that may last and have nothing suspended. They are entered here and nowhere deeper, so that not even a
    /// path on its way back is left behind.
    /// </summary>
    private bool TryPark()
    {
        if ((Work & TaskWork.Trace) != 0)
        {
            TakeTraceStop();
            return true;
        }

        if ((Work & TaskWork.Vfork) != 0)
        {
            if (VforkChild is { } child && !child.HasReleasedParent && !IsFatalSignalPending)
            {
                Park(TaskState.Killable);
                return true;
            }

            VforkChild = null;
            Work &= ~TaskWork.Vfork;
            if (Tracee is { HoldsResult: true } tracee)
            {
                FinishVforkOf(tracee);
                return true;
            }
        }

        if ((Work & TaskWork.Stop) != 0)
        {
            Work &= ~TaskWork.Stop;
            if (!IsFatalSignalPending)
                Park(TaskState.Stopped);
            return true;
        }

        // What concerns the task's own registers comes first: restarts and frames are written before it rests.
        if ((Work & (TaskWork.Freeze | TaskWork.Deferred | TaskWork.Signal | TaskWork.Restart)) == TaskWork.Freeze)
        {
            Park(TaskState.Frozen);
            return true;
        }

        return false;
    }

    private async KTask ExitToUserAsync()
    {
        if ((Work & TaskWork.Deferred) != 0)
        {
            Work &= ~TaskWork.Deferred;
            await RunDeferredAsync();
            return;
        }

        if ((Work & (TaskWork.Signal | TaskWork.Restart)) != 0)
        {
            await HandleSignalsAsync();
            return;
        }

        if ((Work & TaskWork.Rseq) != 0)
        {
            Work &= ~TaskWork.Rseq;
            await UpdateRseqAsync();
        }
    }

    private async KTask RunDeferredAsync()
    {
        if (StartBody is { } body)
        {
            StartBody = null;
            if (await body(this) != Errno.Success)
                await ExitGroupAsync(127 << 8);
            return;
        }

        if (!SetChildTid.IsNull)
        {
            UserPtr<int> at = SetChildTid;
            SetChildTid = default;
            // As in Linux a bad address is nobody's error: the child simply has no id there.
            _ = await WriteUserAsync(at, Pid.In(Namespaces.Pid));
        }
    }

    private async KTask HandleSignalsAsync()
    {
        SignalVerdict verdict = SignalVerdict.None;
        SignalInfo info = default;
        SignalAction action = default;
        if ((Work & TaskWork.Signal) != 0)
        {
            verdict = NextSignal(out info, out action);
            RecalculatePending();
        }

        switch (verdict)
        {
            case SignalVerdict.None:
                Work &= ~TaskWork.Restart;
                RestartSyscall();
                if (HasSavedMask)
                    RestoreSavedMask(interrupted: false);
                break;
            case SignalVerdict.Handler:
                Work &= ~TaskWork.Restart;
                Counters.Signals++;
                Kernel.Observer?.SignalDelivered(this, in info);
                await DeliverAsync(info, action);
                break;
            case SignalVerdict.Stop:
                Kernel.Observer?.SignalDelivered(this, SignalInfo.FromKernel((SignalNumber)ThreadGroup.GroupExitCode));
                break;
            case SignalVerdict.Fatal:
                Kernel.Observer?.SignalDelivered(this, in info);
                await CoreDumps.CoreDump.ExitAsync(this, info);
                break;
            case SignalVerdict.Trace:
                break;
            case SignalVerdict.Exit:
                await ExitAsync(ThreadGroup.IsExiting ? ThreadGroup.GroupExitCode : (int)SignalNumber.Kill);
                break;
        }
    }

    /// <summary>No handler runs: an interrupted syscall begins again, as if nothing had happened.</summary>
    private unsafe void RestartSyscall()
    {
        if (SyscallNumber < 0)
            return;
        switch ((Errno)(-(long)Registers->Rax))
        {
            case Errno.ERESTARTSYS:
            case Errno.ERESTARTNOINTR:
            case Errno.ERESTARTNOHAND:
                Registers->Rax = (ulong)SyscallNumber;
                Registers->Rip -= SyscallInstructionLength;
                break;
            case Errno.ERESTART_RESTARTBLOCK:
                Registers->Rax = RestartSyscallNumber;
                Registers->Rip -= SyscallInstructionLength;
                break;
        }

        SyscallNumber = -1;
    }

    /// <summary>A handler is going to run: what the interrupted syscall returns, or that it begins again after the handler.</summary>
    private unsafe void RestartForHandler(in SignalAction action)
    {
        if (SyscallNumber < 0)
            return;
        switch ((Errno)(-(long)Registers->Rax))
        {
            case Errno.ERESTARTNOHAND:
            case Errno.ERESTART_RESTARTBLOCK:
            case Errno.ERESTARTSYS when !action.Has(SignalActionFlags.Restart):
                Registers->Rax = unchecked((ulong)-(long)Errno.EINTR);
                break;
            case Errno.ERESTARTSYS:
            case Errno.ERESTARTNOINTR:
                Registers->Rax = (ulong)SyscallNumber;
                Registers->Rip -= SyscallInstructionLength;
                break;
        }

        SyscallNumber = -1;
    }

    private const uint SyscallInstructionLength = 2;
    private const ulong RestartSyscallNumber = 219;
}
