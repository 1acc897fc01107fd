using Vitrine.Cpu;
using Vitrine.Hardware;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Printk;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Syscalls;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel;

/// <summary>What a machine's kernel is told at boot.</summary>
internal sealed record KernelOptions
{
    public required GuestMemory Ram { get; init; }

    /// <summary>What takes freed frames back; null: the machine keeps what it has touched.</summary>
    public IRamDevice? RamDevice { get; init; }

    public required ProcessorComplex Complex { get; init; }

    public required VirtualProcessor[] Processors { get; init; }

    public required IClockDevice Clock { get; init; }

    public required IEntropyDevice Entropy { get; init; }

    /// <summary>The clock of deterministic mode, which is then <see cref="Clock"/> too; there is one processor. Null: real time.</summary>
    public VirtualClock? VirtualClock { get; init; }

    public string HostName { get; init; } = "vitrine";

    /// <summary>The seed of the yielding mode; null switches it off.</summary>
    public ulong? YieldSeed { get; init; }
}

/// <summary>
/// One machine's kernel: the root of all its state, nothing of which is static. Guarded by <see cref="Lock"/> unless a
/// member says otherwise.
/// </summary>
internal sealed partial class KernelInstance
{
    private volatile bool _halted;
    private Exception? _panic;

    public KernelInstance(KernelOptions options)
    {
        Options = options;
        Entropy = options.Entropy;
        VirtualClock = options.VirtualClock;
        FpuState = new Signals.FpuStateArea(CpuModel.ExtendedControl(options.Complex.Level));
        Time = new Timekeeper(options.Clock);
        Log = new PrintkLog(Time);
        Tick = new TickDevice(this);
        Log.Added = _ =>
        {
            if (Interrupts is { } interrupts)
                interrupts.Post(() => LogWait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal)));
        };
        Timers.EarlierDeadline = deadline => Tick.Lower(deadline.Nanoseconds);
        Interrupts = new InterruptQueue(this);
        Scheduler = new Scheduler(this);
        if (options.YieldSeed is { } seed)
            Yielding = new YieldingMode(seed);
        Processors = new Processor[options.Processors.Length];
        for (int i = 0; i < Processors.Length; i++)
            Processors[i] = new Processor(this, options.Processors[i], i);
        InitUserNamespace = new UserNamespace(null, NextNamespaceInode());
        RootCgroup = new Cgroup(null, "");
        Memory = new PhysicalMemory(this, options.Ram, options.RamDevice);
    }

    public KernelOptions Options { get; }

    public KernelLock Lock { get; } = new();

    public Processor[] Processors { get; }

    public ProcessorComplex Complex => Options.Complex;

    /// <summary>How the FPU state lies in memory: in signal frames, core files and for debuggers.</summary>
    public Signals.FpuStateArea FpuState { get; }

    /// <summary>The frames of guest RAM.</summary>
    public PhysicalMemory Memory { get; }

    public Scheduler Scheduler { get; }

    public Timekeeper Time { get; }

    /// <summary>
    /// Not null in deterministic mode: time is what the one processor retires, nothing runs beside its thread, and the
    /// machine stands still, real time and all, while the host works for it.
    /// </summary>
    public VirtualClock? VirtualClock { get; }

    /// <summary>Not null on a deterministic machine whose state is hashed.</summary>
    public Digests.StateDigests? Digests { get; set; }

    public TimerQueue Timers { get; } = new();

    public TickDevice Tick { get; }

    public InterruptQueue Interrupts { get; }

    public IEntropyDevice Entropy { get; }

    public PrintkLog Log { get; }

    public YieldingMode? Yielding { get; }

    public IMachineObserver? Observer { get; set; }

    public UserNamespace InitUserNamespace { get; }

    public Cgroup RootCgroup { get; }

    /// <summary>True once the machine has stopped: processors leave their loops. Any thread.</summary>
    public bool IsHalted => _halted;

    /// <summary>The bug that stopped it, if one did.</summary>
    public Exception? PanicCause => _panic;

    /// <summary>Told when the last thread of a process begins to end, before the process gives anything back.</summary>
    public Action<ThreadGroup>? ProcessEnding { get; set; }

    /// <summary>Told once, on some thread, that the machine has halted.</summary>
    public Action<Exception?>? Halted { get; set; }

    /// <summary>Stops all processors; idempotent, any thread.</summary>
    public void Halt(Exception? cause = null)
    {
        if (_halted)
            return;
        _panic = cause;
        _halted = true;
        foreach (Processor processor in Processors)
            processor.Interrupt();
        Halted?.Invoke(cause);
    }

    /// <summary>A kernel bug: logs it and stops the machine.</summary>
    public void Panic(Exception cause)
    {
        Log.Write(PrintkLevel.Emergency, $"Kernel panic - not syncing: {cause.Message}");
        Halt(cause);
    }
}
