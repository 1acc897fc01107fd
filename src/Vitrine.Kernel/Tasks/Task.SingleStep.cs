using Vitrine.Kernel.Async;

namespace Vitrine.Kernel.Tasks;

/// <content>
/// Single steps for a tracer (arch/x86/kernel/step.c's part): the trap flag is set in the task's registers, and taken away
/// again unless the program itself had set it.
/// </content>
internal sealed partial class Task
{
    private const int LongestInstruction = 15;

    /// <summary>The flags as a tracer sees them: without the trap flag if that is the tracer's.</summary>
    public unsafe ulong VisibleFlags => Registers->Rflags & ~(Tracee is { OwnsTrapFlag: true } ? TrapFlag : 0);

    /// <summary>The next instruction of user code, or the end of the system call that the task is in, traps.</summary>
    /// <param name="current">The tracer.</param>
    /// <param name="branches">Not the next instruction, but the next branch that is taken.</param>
    internal async KTask EnableSingleStepAsync(Task current, bool branches)
    {
        Tracee tracee = Tracee!;
        bool wasSet = SetTrapFlag();
        tracee.IsStepping = true;
        // The instruction's own doing must not be undone: it is the program that sets the flag.
        if (await SetsTrapFlagAsync(current))
            tracee.OwnsTrapFlag = false;
        else if (!wasSet)
            tracee.OwnsTrapFlag = true;
        if (branches && tracee.OwnsTrapFlag)
            (Breakpoints ??= new Cpu.DebugRegisters()).StepsBranches = true;
        else if (Breakpoints is not null)
            Breakpoints.StepsBranches = false;
    }

    internal unsafe void DisableSingleStep()
    {
        if (Tracee is not { } tracee)
            return;
        tracee.IsStepping = false;
        if (Breakpoints is not null)
            Breakpoints.StepsBranches = false;
        if (!tracee.OwnsTrapFlag)
            return;
        tracee.OwnsTrapFlag = false;
        Registers->Rflags &= ~TrapFlag;
    }

    private unsafe bool SetTrapFlag()
    {
        bool wasSet = (Registers->Rflags & TrapFlag) != 0;
        Registers->Rflags |= TrapFlag;
        return wasSet;
    }

    /// <summary>True if the next instruction is POPF or IRET.</summary>
    private async KTask<bool> SetsTrapFlagAsync(Task current)
    {
        if (Mm is not { } mm)
            return false;
        byte[] code = new byte[LongestInstruction];
        var at = new VirtAddr(InstructionPointer());
        int length = mm.CopyFromUser(at, code);
        if (length == 0 && await mm.ReadRemoteAsync(current, at, code.AsMemory(0, 1)) == Errno.Success)
            length = mm.CopyFromUser(at, code);
        for (int i = 0; i < length; i++)
        {
            switch (code[i])
            {
                case 0x9d or 0xcf:
                    return true;
                // Segment, size, lock and repeat prefixes, and REX.
                case 0x26 or 0x2e or 0x36 or 0x3e or (>= 0x64 and <= 0x67) or 0xf0 or 0xf2 or 0xf3 or (>= 0x40 and <= 0x4f):
                    continue;
                default:
                    return false;
            }
        }

        return false;
    }
}
