namespace Vitrine.Kernel.Digests;

/// <summary>What a machine's state was at a moment, as SHA-256 hashes: the whole, and the three parts that it is made from.</summary>
/// <param name="Instructions">Instructions retired until then.</param>
/// <param name="Whole">Of the three others.</param>
/// <param name="Memory">Frames in use, with their contents and descriptors: page tables, page cache, programs' memory.</param>
/// <param name="Tasks">Tasks with registers and signals, address spaces, descriptors.</param>
/// <param name="Machine">Clocks, timers, run queues, counters.</param>
internal sealed record StateDigest(ulong Instructions, byte[] Whole, byte[] Memory, byte[] Tasks, byte[] Machine);

/// <summary>
/// When digests of a deterministic machine are made: after every so many instructions, exactly, and at the end of each program
/// that the caller started, before it gives anything back. Under the kernel lock.
/// </summary>
/// <param name="kernel">The machine.</param>
/// <param name="interval">Instructions between two of them; 0: only at programs' ends.</param>
/// <param name="start">After how many instructions the first one is made; 0: after an interval.</param>
/// <param name="taken">Told of each that comes after an interval.</param>
internal sealed class StateDigests(KernelInstance kernel, ulong interval, ulong start, Action<StateDigest>? taken)
{
    /// <summary>At how many retired instructions the next one is due.</summary>
    public ulong Next { get; private set; } = interval == 0 ? ulong.MaxValue : start == 0 ? interval : start;

    public void Take(ulong retired)
    {
        Next = retired + interval;
        taken?.Invoke(Compute());
    }

    public StateDigest Compute()
    {
        using var writer = new DigestWriter();
        byte[] memory = MemoryDigest.Compute(kernel, writer);
        byte[] tasks = TaskDigest.Compute(kernel, writer);
        byte[] machine = MachineDigest.Compute(kernel, writer);
        writer.Add(memory);
        writer.Add(tasks);
        writer.Add(machine);
        return new StateDigest(kernel.Processors[0].Cpu.InstructionsRetired, writer.Finish(), memory, tasks, machine);
    }
}
