using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Digests;

/// <summary>What belongs to no task: clocks, timers, run queues, counters since boot.</summary>
internal static class MachineDigest
{
    public static byte[] Compute(KernelInstance kernel, DigestWriter writer)
    {
        Timekeeper time = kernel.Time;
        writer.Add(time.Now.Nanoseconds);
        writer.Add(time.RealtimeOffset);
        writer.Add(time.TaiOffset);
        writer.Add(kernel.Tick.Ticks);
        writer.Add(kernel.InterruptCount);
        foreach (Ktime expiry in kernel.Timers.Expiries())
            writer.Add(expiry.Nanoseconds);
        foreach (Processor processor in kernel.Processors)
        {
            writer.Add(processor.Cpu.InstructionsRetired);
            writer.Add(processor.UserTime);
            writer.Add(processor.SystemTime);
            writer.Add(processor.NiceTime);
            writer.Add(processor.IdleTime);
            AddQueue(writer, kernel.Scheduler.QueueOf(processor));
        }

        writer.Add(kernel.Scheduler.ContextSwitches);
        writer.Add(kernel.Scheduler.Load.One);
        writer.Add(kernel.Scheduler.Load.Five);
        writer.Add(kernel.Scheduler.Load.Fifteen);
        writer.Add(kernel.Tasks.Count);
        writer.Add(kernel.Tasks.Forks);
        writer.Add(kernel.InitialNamespaces.Pid.Last);
        writer.Add(kernel.RootCgroup.KernelMemory);
        return writer.Finish();
    }

    private static void AddQueue(DigestWriter writer, RunQueue queue)
    {
        writer.Add(queue.Waiting);
        writer.Add(queue.RunTime);
        writer.Add(queue.RunDelay);
        writer.Add(queue.Picks);
        writer.Add(queue.Yields);
        writer.Add(queue.WakeUps);
        writer.Add(queue.IdlePicks);
        writer.Add(queue.Fair.Count);
        writer.Add(queue.Fair.Weight);
        writer.Add(queue.Fair.VirtualTime);
    }
}
