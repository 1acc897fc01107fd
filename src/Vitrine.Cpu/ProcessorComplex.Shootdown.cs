using Vitrine.Abi;
using Vitrine.Cpu.Execution;

namespace Vitrine.Cpu;

/// <summary>Told of an instruction that the processor doesn't know, before #UD is delivered.</summary>
internal delegate void UnknownInstructionHandler(VirtAddr address, ReadOnlySpan<byte> bytes);

/// <summary>
/// Creation and shootdown. One lock serialises everything that makes processors forget or stand still; its holder
/// waits only for processors that run guest code, and those answer without it.
/// </summary>
internal sealed unsafe partial class ProcessorComplex(GuestMemory memory, TranslationPolicy translation = default, CpuLevel level = CpuLevel.Max) : IDisposable
{
    private readonly Lock _shootdown = new();
    private readonly Lock _dropping = new();
    private VirtualProcessor[] _processors = [];

    public GuestMemory Memory { get; } = memory;

    /// <summary>Which instructions the processors have.</summary>
    public CpuLevel Level { get; } = level;

    /// <summary>The time-stamp counter; null means the host's monotonic clock in nanoseconds.</summary>
    public Func<ulong>? TimeStamp { get; set; }

    /// <summary>Where RDRAND and RDSEED get their numbers; called by any processor's thread. Null means the host's.</summary>
    public Func<ulong>? Entropy { get; set; }

    public UnknownInstructionHandler? UnknownInstruction { get; set; }

    public IReadOnlyList<VirtualProcessor> Processors => _processors;

    internal CodeCache Code { get; } = new(memory, translation, level);

    /// <summary>A section that stops all processors is under way: none may enter guest code.</summary>
    internal bool Stopping => Volatile.Read(ref _stopping);

    private bool _stopping;

    /// <summary>Adds a processor. To be called before any runs.</summary>
    public VirtualProcessor CreateProcessor()
    {
        lock (_shootdown)
        {
            var processor = new VirtualProcessor(this, (uint)_processors.Length);
            _processors = [.. _processors, processor];
            return processor;
        }
    }

    public partial void Flush(PhysAddr cr3, VirtAddr start, ulong pages) =>
        Broadcast(new ShootdownRequest(ShootdownKind.Range, cr3.Value, start.Value, pages));

    public partial void FlushAll(PhysAddr cr3) => Broadcast(new ShootdownRequest(ShootdownKind.AddressSpace, cr3.Value, 0, 0));

    public partial bool IsCode(PageFrameNumber pfn) => Code.IsCode(pfn.Value);

    public partial void InvalidateCode(PageFrameNumber pfn)
    {
        if (!Code.IsCode(pfn.Value))
            return;
        CodeChunk* chunks = Code.TakeOut(pfn.Value);
        Broadcast(new ShootdownRequest(ShootdownKind.Jumps, 0, 0, 0));
        Code.Free(chunks);
    }

    /// <summary>Drops all decoded code, when there is too much of it.</summary>
    internal void DropAllCode()
    {
        lock (_dropping)
        {
            CodeChunk* chunks = Code.TakeOutAll();
            Broadcast(new ShootdownRequest(ShootdownKind.Jumps, 0, 0, 0));
            Code.FreeAll(chunks);
        }
    }

    /// <summary>Drops all machine code, when there is no room for more; decoded code stays.</summary>
    internal void DropMachineCode()
    {
        lock (_dropping)
        {
            if (!Code.IsNativeFull)
                return;
            Code.TakeOutNative();
            Broadcast(new ShootdownRequest(ShootdownKind.Jumps, 0, 0, 0));
            Code.FreeNative();
        }
    }

    /// <summary>Takes away writable translations of a frame that has just become code.</summary>
    internal void ProtectCode(uint frame, ulong stamp)
    {
        Broadcast(new ShootdownRequest(ShootdownKind.Writable, 0, (ulong)Memory.Frame(new PageFrameNumber(frame)), 0));
        Code.SetReady(frame, stamp);
    }

    /// <summary>Not to be called by a thread whose processor is in guest code.</summary>
    private void Broadcast(in ShootdownRequest request)
    {
        lock (_shootdown)
        {
            VirtualProcessor[] processors = _processors;
            foreach (VirtualProcessor p in processors)
                p.Post(request);
            foreach (VirtualProcessor p in processors)
                p.AwaitAcknowledgement();
        }
    }

    /// <summary>Runs an action while no processor runs guest code. Not to be called by a thread whose processor does.</summary>
    internal void RunExclusively(Action action)
    {
        lock (_shootdown)
        {
            Volatile.Write(ref _stopping, true);
            Interlocked.MemoryBarrier();
            VirtualProcessor[] processors = _processors;
            foreach (VirtualProcessor p in processors)
                p.Attract(State.AttentionBits.Stop);
            foreach (VirtualProcessor p in processors)
                p.Seize();
            try
            {
                action();
            }
            finally
            {
                foreach (VirtualProcessor p in processors)
                    p.Unseize();
                Volatile.Write(ref _stopping, false);
            }
        }
    }

    public void Dispose()
    {
        foreach (VirtualProcessor p in _processors)
            p.Dispose();
        Code.Dispose();
    }
}

internal enum ShootdownKind
{
    /// <summary>Pages of an address space.</summary>
    Range,

    /// <summary>All of an address space.</summary>
    AddressSpace,

    /// <summary>Writable translations of a frame (its host address).</summary>
    Writable,

    /// <summary>Where blocks are, in all address spaces.</summary>
    Jumps,
}

/// <summary>What a processor is asked to forget.</summary>
internal readonly record struct ShootdownRequest(ShootdownKind Kind, ulong Cr3, ulong Start, ulong Pages);
