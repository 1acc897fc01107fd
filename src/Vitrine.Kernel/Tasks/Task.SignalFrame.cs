using System.Globalization;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Signals;

namespace Vitrine.Kernel.Tasks;

/// <content>Running a handler: the frame is pushed and the registers point at the handler; rt_sigreturn takes them back.</content>
internal sealed partial class Task
{
    private const ulong DirectionFlag = 0x400;
    private const ulong TrapFlag = 0x100;
    private const ulong ResumeFlag = 0x10000;

    /// <summary>True while the stack pointer is on the alternate stack (an auto-disarmed one counts as unused).</summary>
    public bool IsOnAlternateStack(ulong stackPointer) =>
        (AlternateStack.Flags & SignalStackFlags.AutoDisarm) == 0 && Covers(stackPointer);

    private bool Covers(ulong stackPointer) =>
        AlternateStack.Size != 0 && stackPointer > AlternateStack.Pointer && stackPointer - AlternateStack.Pointer <= AlternateStack.Size;

    private async KTask DeliverAsync(SignalInfo info, SignalAction action)
    {
        RestartForHandler(in action);
        bool stepping = Tracee is { IsStepping: true };
        if (stepping)
            DisableSingleStep();
        if (!Rseq.IsRegistered || await FixRseqAsync())
        {
            SignalSet oldMask = HasSavedMask ? SavedMask : Blocked;
            HasSavedMask = false;
            if (await PushFrameAsync(info, action, oldMask))
            {
                SignalSet blocked = Blocked | action.Mask;
                if (!action.Has(SignalActionFlags.NoDefer))
                    blocked = blocked.With(info.Signal);
                SetBlocked(blocked & ~SignalSet.Unblockable);
                if (stepping && IsTraced)
                    PlanStop(TraceStop.Handler, (int)SignalNumber.Trap);
                return;
            }
        }

        // There is no stack to run the handler on.
        if (info.Signal == SignalNumber.Segv)
            SignalSender.ForceFatal(this, SignalNumber.Segv);
        else
            SignalSender.Force(this, SignalInfo.FromKernel(SignalNumber.Segv));
    }

    private async KTask<bool> PushFrameAsync(SignalInfo info, SignalAction action, SignalSet oldMask)
    {
        if (!action.Has(SignalActionFlags.Restorer))
            return false;
        if (!PlaceFrame(in action, out ulong fpuAt, out ulong frameAt))
            return false;
        byte[] bytes = new byte[fpuAt + (ulong)Kernel.FpuState.FrameSize - frameAt];
        FillFrame(bytes, in info, in action, oldMask, frameAt, fpuAt);
        if (await WriteUserBytesAsync(new VirtAddr(frameAt), bytes) != Errno.Success)
            return false;
        if ((AlternateStack.Flags & SignalStackFlags.AutoDisarm) != 0)
            AlternateStack = new SignalStack { Flags = SignalStackFlags.Disable };
        EnterHandler(in action, info.Signal, frameAt);
        return true;
    }

    /// <summary>Where the frame goes: below the red zone, or on the alternate stack. False if it would leave that.</summary>
    private unsafe bool PlaceFrame(in SignalAction action, out ulong fpuAt, out ulong frameAt)
    {
        ulong stackPointer = Registers->Rsp - SignalFrame.RedZone;
        bool nested = IsOnAlternateStack(Registers->Rsp);
        bool entering = false;
        if (action.Has(SignalActionFlags.OnStack) && !nested && AlternateStack.Size != 0)
        {
            stackPointer = AlternateStack.Pointer + AlternateStack.Size;
            entering = true;
        }

        fpuAt = (stackPointer - (ulong)Kernel.FpuState.FrameSize) & ~63UL;
        frameAt = ((fpuAt - SignalFrame.Size) & ~15UL) - 8;
        if ((nested || entering) && !Covers(frameAt))
        {
            Kernel.Log.Info(string.Create(CultureInfo.InvariantCulture, $"signal: {Comm}[{Tid}] overflowed sigaltstack"));
            return false;
        }

        return MmStruct.IsUserRange(new VirtAddr(frameAt), fpuAt + (ulong)Kernel.FpuState.FrameSize - frameAt);
    }

    private unsafe void FillFrame(byte[] bytes, in SignalInfo info, in SignalAction action, SignalSet oldMask, ulong frameAt, ulong fpuAt)
    {
        SignalStack stack = AlternateStack;
        if ((stack.Flags & SignalStackFlags.AutoDisarm) == 0 && stack.Size != 0)
            stack.Flags = IsOnAlternateStack(Registers->Rsp) ? SignalStackFlags.OnStack : SignalStackFlags.None;
        SignalFrame.Write(bytes.AsSpan(0, SignalFrame.Size), Registers, in info, in action, oldMask, in stack, LastFault, fpuAt);
        Kernel.FpuState.Write(bytes.AsSpan((int)(fpuAt - frameAt), Kernel.FpuState.FrameSize), Registers);
    }

    private unsafe void EnterHandler(in SignalAction action, SignalNumber signal, ulong frameAt)
    {
        Registers->Rdi = (ulong)signal;
        Registers->Rax = 0;
        Registers->Rsi = frameAt + SignalFrame.InfoOffset;
        Registers->Rdx = frameAt + SignalFrame.ContextOffset;
        Registers->Rip = action.Handler;
        Registers->Rsp = frameAt;
        Registers->Rflags &= ~(DirectionFlag | TrapFlag | ResumeFlag);
        SignalFrame.ResetFpu(Registers);
    }

    /// <summary>rt_sigreturn: everything goes back to what the frame says; the value is RAX's. A bad frame is SIGSEGV.</summary>
    internal async KTask<SyscallResult> ReturnFromSignalAsync()
    {
        // The restorer was returned to, so RSP is one word above the frame's start.
        ulong frameAt = FrameAddress();
        byte[] frame = new byte[SignalFrame.Size];
        byte[]? fpu = null;
        bool good = MmStruct.IsUserRange(new VirtAddr(frameAt), SignalFrame.Size)
            && await ReadUserBytesAsync(new VirtAddr(frameAt), frame) == Errno.Success;
        SyscallNumber = -1;
        Work &= ~TaskWork.Restart;
        Restart = default;
        if (good)
        {
            ulong fpuAt = RestoreRegisters(frame);
            if (fpuAt != 0)
            {
                // At least the legacy region must be there; the rest only if its software words say so.
                fpu = new byte[Kernel.FpuState.FrameSize];
                good = MmStruct.IsUserRange(new VirtAddr(fpuAt), (ulong)fpu.Length);
                if (good && await ReadUserBytesAsync(new VirtAddr(fpuAt), fpu) != Errno.Success)
                {
                    fpu = new byte[512];
                    good = await ReadUserBytesAsync(new VirtAddr(fpuAt), fpu) == Errno.Success;
                }
            }

            good = good && RestoreFpu(fpu);
        }

        if (!good)
        {
            Kernel.Log.Info(string.Create(CultureInfo.InvariantCulture, $"{Comm}[{Tid}] bad frame in rt_sigreturn frame:{frameAt:x}"));
            SignalSender.Force(this, SignalInfo.FromKernel(SignalNumber.Segv));
            return 0;
        }

        return CurrentRax();
    }

    private unsafe ulong FrameAddress() => Registers->Rsp - 8;

    private unsafe SyscallResult CurrentRax() => new((long)Registers->Rax);

    private unsafe ulong RestoreRegisters(byte[] frame)
    {
        ulong fpuAt = SignalFrame.Read(frame, Registers, out SignalSet mask, out SignalStack stack);
        SetBlocked(mask & ~SignalSet.Unblockable);
        // As sigaltstack(2) would set it, its errors ignored.
        _ = SetAlternateStack(in stack, Registers->Rsp, SignalStack.MinimumSize);
        return fpuAt;
    }

    private unsafe bool RestoreFpu(byte[]? area)
    {
        OnProcessor?.StoreExtended(this);
        if (area is not null)
            return Kernel.FpuState.Read(area, Registers);
        SignalFrame.ResetFpu(Registers);
        return true;
    }

    /// <summary>The checks of sigaltstack(2): EPERM while on it, EINVAL for flags, ENOMEM if it is too small.</summary>
    internal Errno SetAlternateStack(in SignalStack stack, ulong stackPointer, ulong minimum)
    {
        if (IsOnAlternateStack(stackPointer))
            return Errno.EPERM;
        SignalStackFlags mode = stack.Flags & ~SignalStackFlags.AutoDisarm;
        if (mode is not (SignalStackFlags.None or SignalStackFlags.OnStack or SignalStackFlags.Disable))
            return Errno.EINVAL;
        if (mode == SignalStackFlags.Disable)
        {
            AlternateStack = new SignalStack { Flags = stack.Flags };
            return Errno.Success;
        }

        if (stack.Size < minimum)
            return Errno.ENOMEM;
        AlternateStack = new SignalStack { Pointer = stack.Pointer, Size = stack.Size, Flags = stack.Flags };
        return Errno.Success;
    }
}
