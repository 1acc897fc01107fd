using System.Globalization;
using Vitrine.Cpu;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Printk;
using Vitrine.Kernel.Signals;

namespace Vitrine.Kernel.Tasks;

/// <content>Exceptions of user code: a page fault that can be served, or a signal with the code that Linux gives.</content>
internal sealed partial class Task
{
    /// <summary>Vector, error code and address of the last exception, as a signal frame shows them.</summary>
    public (ulong Vector, ulong ErrorCode, ulong Address) LastFault { get; private set; }

    private async KTask HandlePageFaultAsync(VirtAddr address, PageFaultError error)
    {
        FaultOutcome outcome = await Mm!.HandleFaultAsync(this, address, error);
        if (outcome.Signal == 0)
            return;
        LastFault = ((ulong)ExceptionVector.PageFault, (ulong)error, address.Value);
        var signal = (SignalNumber)outcome.Signal;
        LogUnhandled(signal, "segfault", address.Value, (ulong)error);
        SignalSender.Force(this, SignalInfo.Fault(signal, outcome.Code, address.Value));
    }

    private unsafe void HandleException(CpuExit exit)
    {
        ulong rip = Registers->Rip;
        // An error code of zero for all vectors that have one in user mode: no segment is ever loaded here but flat ones.
        LastFault = ((ulong)exit.Vector, 0, LastFault.Address);
        switch (exit.Vector)
        {
            case ExceptionVector.DivideError:
                Fault(SignalNumber.Fpe, SignalCode.IntegerDivide, rip, "divide error");
                break;
            case ExceptionVector.Debug:
                RaiseDebugTrap(exit.Address.Value, rip);
                break;
            case ExceptionVector.Breakpoint:
                SignalSender.Force(this, SignalInfo.FromKernel(SignalNumber.Trap));
                break;
            case ExceptionVector.Overflow:
                Fault(SignalNumber.Segv, SignalCode.Kernel, 0, "overflow");
                break;
            case ExceptionVector.BoundRange:
                Fault(SignalNumber.Segv, SignalCode.Kernel, 0, "bounds");
                break;
            case ExceptionVector.InvalidOpcode:
                Fault(SignalNumber.Ill, SignalCode.IllegalOperand, rip, "invalid opcode");
                break;
            case ExceptionVector.StackFault:
                Fault(SignalNumber.Bus, SignalCode.Kernel, 0, "stack segment");
                break;
            case ExceptionVector.AlignmentCheck:
                SignalSender.Force(this, SignalInfo.Fault(SignalNumber.Bus, SignalCode.BusAlignment, 0));
                break;
            case ExceptionVector.X87FloatingPoint:
                SignalSender.Force(this, SignalInfo.Fault(SignalNumber.Fpe, X87Code(), rip));
                break;
            case ExceptionVector.SimdFloatingPoint:
                SignalSender.Force(this, SignalInfo.Fault(SignalNumber.Fpe, SimdCode(), rip));
                break;
            case ExceptionVector.DeviceNotAvailable:
            case ExceptionVector.GeneralProtection:
            default:
                Fault(SignalNumber.Segv, SignalCode.Kernel, 0, "general protection fault");
                break;
        }
    }

    /// <summary>A single step, a breakpoint of the debug registers, or INT1, which has no status.</summary>
    private unsafe void RaiseDebugTrap(ulong status, ulong rip)
    {
        BreakpointStatus = status;
        // As the processor does with every debug exception.
        if (Breakpoints is not null)
            Breakpoints.StepsBranches = false;
        int code = (status & DebugStatus.Step) != 0 ? SignalCode.TrapTrace
            : (status & DebugStatus.Breakpoints) != 0 ? SignalCode.TrapHardwareBreakpoint
            : SignalCode.TrapBreakpoint;
        // One on the instruction itself came before it, and must let it through now.
        if ((status & DebugStatus.Breakpoints) != 0 && Breakpoints is { } breakpoints)
        {
            for (int i = 0; i < DebugRegisters.Count; i++)
            {
                if ((status >> i & 1) != 0 && breakpoints.Condition(i) == DebugCondition.Execute)
                    Registers->Rflags |= ResumeFlag;
            }
        }

        SignalSender.Force(this, SignalInfo.Fault(SignalNumber.Trap, code, rip));
    }

    private unsafe void Fault(SignalNumber signal, int code, ulong address, string what)
    {
        if (IsUnhandled(signal))
        {
            Kernel.Log.Info(string.Create(
                CultureInfo.InvariantCulture,
                $"traps: {Comm}[{Tid}] trap {what} ip:{Registers->Rip:x} sp:{Registers->Rsp:x} error:0{MappingDescription.Of(Mm!, new VirtAddr(Registers->Rip))}"));
        }

        SignalSender.Force(this, code == SignalCode.Kernel ? SignalInfo.FromKernel(signal) : SignalInfo.Fault(signal, code, address));
    }

    private unsafe void LogUnhandled(SignalNumber signal, string what, ulong address, ulong error)
    {
        if (signal != SignalNumber.Segv || !IsUnhandled(signal))
            return;
        Kernel.Log.Info(string.Create(
            CultureInfo.InvariantCulture,
            $"{Comm}[{Tid}]: {what} at {address:x} ip {Registers->Rip:x16} sp {Registers->Rsp:x16} error {error:x}{MappingDescription.Of(Mm!, new VirtAddr(Registers->Rip))}"));
    }

    /// <summary>No handler will see it: worth a line in the log.</summary>
    private bool IsUnhandled(SignalNumber signal) =>
        ThreadGroup.Handlers[signal].Handler is SignalAction.Default or SignalAction.Ignore;

    /// <summary>si_code by the exception bits that are set and not masked (math_error's order).</summary>
    private unsafe int X87Code() => FloatCode(Registers->FpuStatus & ~Registers->FpuControl);

    private unsafe int SimdCode() => FloatCode((int)(Registers->Mxcsr & ~(Registers->Mxcsr >> 7)));

    private static int FloatCode(int raised) => raised switch
    {
        _ when (raised & 0x01) != 0 => SignalCode.FloatInvalid,
        _ when (raised & 0x04) != 0 => SignalCode.FloatDivide,
        _ when (raised & 0x08) != 0 => SignalCode.FloatOverflow,
        _ when (raised & 0x12) != 0 => SignalCode.FloatUnderflow,
        _ when (raised & 0x20) != 0 => SignalCode.FloatInexact,
        _ => 0,
    };
}
