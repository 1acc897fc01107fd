using Vitrine.Abi;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu;

/// <summary>
/// Breakpoints of the debug registers. Watched pages have no entry in the translation cache, so every access to them
/// comes by the slow way, leaves the block, and is stepped with its operands compared: nothing else is slower for it.
/// Pages with a breakpoint on execution are not in the jump cache, the only way from page to page, and all of their
/// instructions are stepped. A task without breakpoints pays for none of this.
/// </summary>
internal sealed unsafe partial class VirtualProcessor
{
    private const ulong ResumeFlag = 0x10000;

    private bool _stepsPages;
    private ulong _stepResume;

    /// <summary>The breakpoints of the task whose registers are loaded; null: none.</summary>
    public DebugRegisters? Debug { get; set; }

    /// <summary>Makes the processor heed the breakpoints of the task that is about to run, or none.</summary>
    private void ArmBreakpoints()
    {
        CpuState* c = _state;
        _stepsPages = false;
        c->StepsPages = 0;
        c->WatchActive = 0;
        c->WatchHits = 0;
        if (Debug is not { IsArmed: true } debug)
            return;
        for (int i = 0; i < DebugRegisters.Count; i++)
        {
            if (!debug.IsEnabled(i))
                continue;
            switch (debug.Condition(i))
            {
                case DebugCondition.Execute:
                    _stepsPages = true;
                    c->StepsPages = 1;
                    break;
                case DebugCondition.Write or DebugCondition.Access:
                    int length = debug.Length(i);
                    ulong start = debug[i] & ~(ulong)(length - 1);
                    c->WatchAddress[i] = start;
                    c->WatchLength[i] = (byte)length;
                    c->WatchActive |= 1 << i;
                    if (debug.Condition(i) == DebugCondition.Access)
                        c->WatchActive |= 1 << (i + DebugRegisters.Count);
                    _current!.Forget(start, 1);
                    break;
            }
        }

        if (_stepsPages)
            _current!.ForgetJumps();
        Publish();
    }

    /// <summary>A breakpoint on execution lies in the page of the address.</summary>
    private bool IsSteppedPage(ulong address)
    {
        for (int i = 0; i < DebugRegisters.Count; i++)
        {
            if (Debug!.IsEnabled(i) && Debug.Condition(i) == DebugCondition.Execute && (Debug[i] ^ address) < 4096)
                return true;
        }

        return false;
    }

    /// <summary>A breakpoint on the instruction at RIP comes before it; then the resume flag must let it through. True: the run is over.</summary>
    private bool MeetBreakpoint()
    {
        CpuState* c = _state;
        ulong hits = 0;
        if (_stepsPages && (c->SystemFlags & ResumeFlag) == 0)
        {
            for (int i = 0; i < DebugRegisters.Count; i++)
            {
                if (Debug!.IsEnabled(i) && Debug.Condition(i) == DebugCondition.Execute && Debug[i] == c->Rip)
                    hits |= 1UL << i;
            }
        }

        if (hits == 0)
            return false;
        _exit = new CpuExit(CpuExitKind.Exception, new VirtAddr(hits), Vector: ExceptionVector.Debug);
        return true;
    }

    /// <summary>One instruction, then #DB if it completed and the trap flag was set or it met a breakpoint.</summary>
    private bool TraceStep()
    {
        if (MeetBreakpoint())
            return true;
        bool traps = (_state->SystemFlags & TrapFlag) != 0;
        _stepResume = _state->SystemFlags & ResumeFlag;
        ulong before = _state->Rip;
        if (Step(StepFlags.None))
        {
            // A fault leaves the instruction to be tried again, and what it met before does not count.
            if (_exit is { Kind: CpuExitKind.Exception, Vector: ExceptionVector.Debug } && _state->WatchHits != 0)
                _exit = _exit with { Address = new VirtAddr(_exit.Address.Value | (traps && !_trapHeld ? DebugStatus.Step : 0)) };
            if (_exit.Kind != CpuExitKind.PageFault || _state->Rip != before)
                _state->SystemFlags &= ~_stepResume;
            return true;
        }

        _state->SystemFlags &= ~_stepResume;
        if (!traps || _trapHeld || (Debug is { StepsBranches: true } && !TookBranch(before)))
            return false;
        _exit = new CpuExit(CpuExitKind.Exception, new VirtAddr(DebugStatus.Step), Vector: ExceptionVector.Debug);
        return true;
    }

    private bool TookBranch(ulong before) => _stepBuilder!.EndsWithBranch && _state->Rip != before + (ulong)_stepBuilder.CodeLength;

    /// <summary>A stepped instruction is complete: #DB if its operands met a breakpoint.</summary>
    private bool TrapOnHits()
    {
        if (_state->WatchHits == 0)
            return false;
        _exit = new CpuExit(CpuExitKind.Exception, new VirtAddr((ulong)_state->WatchHits), Vector: ExceptionVector.Debug);
        return true;
    }
}
