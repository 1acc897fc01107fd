using System.Runtime.InteropServices;
using Vitrine.Cpu;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tasks;

/// <summary>
/// A thread of execution (task_struct's twin): a user thread, or a kernel thread when <see cref="Mm"/> is null. All
/// state is plain fields under the kernel lock; what the task is doing inside the kernel is one suspended path, which
/// a machine at rest does not have. Split by aspect: Sched, Entry, Signals, Clone, Exec, Exit, …
/// </summary>
internal sealed unsafe partial class Task
{
    /// <summary>Bytes of comm, the final NUL included.</summary>
    public const int CommLength = 16;

    /// <summary>Creates a task that is not yet visible or runnable; the clone path fills in the rest.</summary>
    public Task(KernelInstance kernel, ThreadGroup threadGroup, Credentials credentials, NamespaceSet namespaces, Cgroup cgroup)
    {
        Kernel = kernel;
        ThreadGroup = threadGroup;
        Credentials = credentials;
        Namespaces = namespaces;
        Cgroup = cgroup;
        Sched = new SchedEntity(this);
        SleepEntry = new WaitEntry { Task = this };
        // SAFETY: freed exactly once, in Release; nobody keeps the pointer beyond the task.
        Registers = (RegisterFile*)NativeMemory.AlignedAlloc((nuint)sizeof(RegisterFile), 64);
        Registers->Reset();
        RootPathDone = OnRootPathDone;
    }

    public KernelInstance Kernel { get; }

    /// <summary>The user-mode registers while the task is in the kernel (pt_regs and FPU state).</summary>
    public RegisterFile* Registers { get; private set; }

    /// <summary>What the threads of a process share: signal_struct and sighand_struct.</summary>
    public ThreadGroup ThreadGroup { get; set; }

    /// <summary>The task's number at each pid-namespace level.</summary>
    public PidNumber Pid { get; set; } = null!;

    /// <summary>The thread id in the initial pid namespace.</summary>
    public int Tid => Pid.Global;

    /// <summary>The process id in the initial pid namespace.</summary>
    public int Tgid => ThreadGroup.Leader.Pid.Global;

    public bool IsLeader => ThreadGroup.Leader == this;

    /// <summary>The address space; null for kernel threads and after exit_mm.</summary>
    public MmStruct? Mm { get; set; }

    public FdTable? Files { get; set; }

    /// <summary>Root, working directory, umask.</summary>
    public FsContext? Fs { get; set; }

    /// <summary>Immutable; replaced as a whole.</summary>
    public Credentials Credentials
    {
        get;
        set
        {
            Credentials? before = field;
            field = value;
            if (before is not null)
                Kernel.ProcessListeners?.ChangedIds(this, before, value);
        }
    }

    public NamespaceSet Namespaces { get; set; }

    public Cgroup Cgroup { get; set; }

    /// <summary>The name shown by ps, at most 15 bytes.</summary>
    public string Comm { get; set; } = "";

    /// <summary>The processor that runs it now.</summary>
    public Processor? OnProcessor { get; set; }

    /// <summary>no_new_privs (prctl): exec grants nothing.</summary>
    public bool NoNewPrivileges { get; set; }

    /// <summary>personality(2).</summary>
    public uint Personality { get; set; }

    /// <summary>Nanoseconds that a sleep may last longer (PR_SET_TIMERSLACK).</summary>
    public long TimerSlack { get; set; } = 50_000;

    public long DefaultTimerSlack { get; set; } = 50_000;

    /// <summary>Frees the native registers; the task will not run again.</summary>
    internal void ReleaseRegisters()
    {
        NativeMemory.AlignedFree(Registers);
        Registers = null;
    }

    /// <summary>As <see cref="ReleaseRegisters"/>, unless a processor is still on the task and does it on leaving.</summary>
    internal void ReleaseUnlessRunning()
    {
        if (OnProcessor is null && Registers is not null)
            ReleaseRegisters();
    }

    public override string ToString() => $"{Comm}[{(Pid is null ? 0 : Tid)}]";
}
