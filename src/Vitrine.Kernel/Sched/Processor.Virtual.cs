using Vitrine.Cpu;
using Vitrine.Hardware;
using Vitrine.Hardware.Host;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <content>
/// The processor of a deterministic machine. User code runs to the instruction at which the next interrupt is due; when
/// all tasks sleep, time goes on to the next timer at once; and where the host must be waited for, the machine stands
/// still. So nothing of what the guest can see depends on how fast the host is.
/// </content>
internal sealed partial class Processor
{
    /// <summary>
    /// Whether the processor is asked for attention inside the kernel. In deterministic mode asking takes time, so that
    /// long paths of the kernel come to an end of their turn.
    /// </summary>
    internal bool IsWanted()
    {
        if (_kernel.VirtualClock is not { } clock)
            return Cpu.IsKicked;
        clock.Skip(VirtualClock.KernelPathNanoseconds);
        return Cpu.IsKicked || _kernel.Tick.Deadline <= _kernel.Time.Now.Nanoseconds;
    }

    internal void TakeKick()
    {
        Cpu.TakeKick();
        if (_kernel.VirtualClock is not null)
            _kernel.Tick.PassDeadline();
    }

    /// <summary>
    /// Waits until a channel to the host is ready, with the machine standing still. False: somebody outside wants
    /// something of the machine first.
    /// </summary>
    internal bool StandStill(HostChannel channel, HostReadiness wanted)
    {
        wanted |= HostReadiness.HangUp | HostReadiness.Error;
        while ((channel.Poll() & wanted) == 0)
        {
            _wakeIdle.Reset();
            if (_kernel.Interrupts.HasPending || _kernel.IsHalted)
                return false;
            channel.Arm(wanted, WakeFromHost);
            _wakeIdle.Wait();
        }

        return true;
    }

    private unsafe CpuExit RunCounted(Task task, PhysAddr root)
    {
        for (; ; )
        {
            // At least one instruction: whatever asks for the past does not hold the task up for ever.
            long deadline = _kernel.Tick.Deadline;
            ulong limit = deadline == long.MaxValue
                ? ulong.MaxValue
                : Cpu.InstructionsRetired + (ulong)Math.Max((deadline - _kernel.Time.Now.Nanoseconds) / VirtualClock.NanosecondsPerInstruction, 1);
            ulong digest = _kernel.Digests?.Next ?? ulong.MaxValue;
            Cpu.Limit = Math.Min(limit, digest);
            _kernel.Lock.Exit();
            CpuExit exit = Cpu.Run(root);
            _kernel.Lock.Enter();
            Cpu.SaveRegisters(task.Registers);
            if (exit.Kind == CpuExitKind.LimitReached)
            {
                if (Cpu.InstructionsRetired >= digest)
                    _kernel.Digests!.Take(Cpu.InstructionsRetired);
                if (Cpu.InstructionsRetired < limit)
                {
                    Cpu.LoadRegisters(task.Registers);
                    continue;
                }

                _kernel.Tick.PassDeadline();
                exit = new CpuExit(CpuExitKind.Kicked);
            }

            return exit;
        }
    }

    private void IdleInVirtualTime(VirtualClock clock)
    {
        IsIdle = true;
        for (; ; )
        {
            _wakeIdle.Reset();
            if (_kernel.Interrupts.HasPending || _kernel.IsHalted || _kernel.Interrupts.TakeDeferred())
                break;
            Ktime next = _kernel.Timers.NextExpiry;
            if (!next.IsNever)
            {
                long left = Math.Max(next - _kernel.Time.Now, 0);
                clock.Skip(left);
                IdleTime += left;
                _kernel.Tick.PassDeadline();
                break;
            }

            _kernel.Lock.Exit();
            _wakeIdle.Wait();
            _kernel.Lock.Enter();
        }

        IsIdle = false;
    }
}
