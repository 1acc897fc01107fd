using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Signals;

namespace Vitrine.Kernel.Tasks;

/// <summary>
/// All tasks of a machine: who exists, how many, and how tasks that no clone makes come to be (kernel threads, processes
/// that the host asks for). Guarded by the kernel lock.
/// </summary>
internal sealed class TaskRegistry(KernelInstance kernel)
{
    /// <summary>What a task costs in kernel memory: its stack and structures on Linux, its objects here.</summary>
    public const long KernelMemoryPerTask = 24 << 10;

    /// <summary>Threads that exist, zombies included.</summary>
    public int Count { get; private set; }

    /// <summary>Processes and threads created since boot (processes of /proc/stat).</summary>
    public long Forks { get; internal set; }

    /// <summary>kernel.threads-max: an eighth of RAM could be kernel stacks.</summary>
    public int MaximumThreads { get; set; } = (int)Math.Clamp(kernel.Options.Ram.Length / (128 << 10), 20, 63_704);

    /// <summary>All processes, kernel threads included.</summary>
    public IEnumerable<ThreadGroup> All => Processes;

    /// <summary>All processes in the order of their numbers.</summary>
    public IEnumerable<ThreadGroup> Processes
    {
        get
        {
            foreach (KeyValuePair<int, PidNumber> entry in kernel.InitialNamespaces.Pid.All)
            {
                if (entry.Value.Task is { IsLeader: true } leader)
                    yield return leader.ThreadGroup;
            }
        }
    }

    /// <summary>
    /// Starts a kernel thread: <paramref name="body"/> is run again from its start whenever it returns (that is how it comes
    /// to rest when the machine freezes), until it has called <see cref="Task.ExitAsync"/>.
    /// </summary>
    public Task StartKernelThread(string name, Func<Task, KTask> body)
    {
        ThreadGroup group = NewGroup();
        var task = new Task(kernel, group, kernel.KernelCredentials, kernel.InitialNamespaces, kernel.RootCgroup)
        {
            KernelThreadBody = body,
            Comm = name,
            StartTime = kernel.Time.Now,
        };
        Errno charged = kernel.RootCgroup.ChargeTask();
        Result<PidNumber> pid = PidNumber.Allocate(kernel.InitialNamespaces.Pid);
        if (charged != Errno.Success || !pid.Ok)
            throw new InvalidOperationException($"kernel thread {name} could not be created");
        kernel.Users[Uid.Root].ChargeProcess();
        kernel.InitialNamespaces.Get();
        // Not limited: a kernel that can't start its own threads does not work at all.
        _ = kernel.RootCgroup.ChargeKernelMemory(KernelMemoryPerTask);
        group.Leader = task;
        // Kernel threads share session and group 0 with each other; here each has its own number, which nobody else can join.
        Add(task, pid.Value);
        ProcessGroups.Join(group, pid.Value);
        ProcessGroups.JoinSession(group, pid.Value);
        kernel.InitialNamespaces.Pid.ChildReaper ??= group;
        task.MakeRunnable();
        return task;
    }

    /// <summary>
    /// Starts a process that no process has forked: child of <paramref name="parent"/>, in its own session, without memory,
    /// files or directories. <paramref name="body"/> runs first, in the new task, and ends with exec; if it fails, the
    /// process exits with status 127.
    /// </summary>
    public Result<Task> StartUserProcess(Task parent, string name, Credentials credentials, Func<Task, KTask<Errno>> body)
    {
        ThreadGroup group = NewGroup();
        Errno error = Charge(parent.Cgroup, credentials, group.Limit(ResourceLimit.ProcessCount));
        if (error != Errno.Success)
            return error;
        Result<PidNumber> pid = PidNumber.Allocate(parent.Namespaces.Pid);
        if (!pid.TryGet(out PidNumber? number, out error))
        {
            Uncharge(parent.Cgroup, credentials);
            return error;
        }

        var task = new Task(kernel, group, credentials, parent.Namespaces, parent.Cgroup)
        {
            Comm = name,
            StartTime = kernel.Time.Now,
            ExitSignal = SignalNumber.Chld,
            StartBody = body,
        };
        task.Namespaces.Get();
        group.Leader = task;
        task.SetParent(parent);
        Add(task, number);
        ProcessGroups.Join(group, number);
        ProcessGroups.JoinSession(group, number);
        group.IsSessionLeader = true;
        task.Work |= TaskWork.Deferred;
        task.MakeRunnable();
        return task;
    }

    /// <summary>SIGKILL to every user process: the machine is going down.</summary>
    public void KillAll()
    {
        foreach (ThreadGroup group in Processes.ToArray())
        {
            if (!group.Leader.IsKernelThread)
                SignalSender.SendKernelToGroup(group, SignalNumber.Kill);
        }
    }

    /// <summary>Charges a new task everywhere: the user's count, the group's pids and kernel memory, the machine.</summary>
    internal Errno Charge(Cgroups.Cgroup cgroup, Credentials credentials, RLimit processLimit)
    {
        if (Count >= MaximumThreads)
            return Errno.EAGAIN;
        UserAccount account = kernel.Users[credentials.Uid];
        if (credentials.Uid != Uid.Root && (ulong)account.Processes >= processLimit.Soft
            && !credentials.IsCapable(kernel.InitUserNamespace, Capability.SysResource)
            && !credentials.IsCapable(kernel.InitUserNamespace, Capability.SysAdmin))
        {
            kernel.Users.DropIfUnused(account);
            return Errno.EAGAIN;
        }

        Errno error = cgroup.ChargeTask();
        if (error != Errno.Success)
            return error;
        error = cgroup.ChargeKernelMemory(KernelMemoryPerTask);
        if (error != Errno.Success)
        {
            cgroup.UnchargeTask();
            return error;
        }

        account.ChargeProcess();
        return Errno.Success;
    }

    internal void Uncharge(Cgroups.Cgroup cgroup, Credentials credentials)
    {
        cgroup.UnchargeTask();
        cgroup.UnchargeKernelMemory(KernelMemoryPerTask);
        kernel.Users[credentials.Uid].UnchargeProcess();
    }

    /// <summary>Makes the task visible.</summary>
    internal void Add(Task task, PidNumber pid)
    {
        task.Pid = pid;
        pid.Task = task;
        task.ThreadGroup.Threads.Add(task);
        task.ThreadGroup.LiveThreads++;
        Count++;
        Forks++;
        kernel.Audit.LiveTasks++;
        kernel.Freezer.TaskAdded(task);
    }

    /// <summary>Takes an exited task out (the first half of release_task).</summary>
    internal void Remove(Task task)
    {
        ThreadGroup group = task.ThreadGroup;
        group.Dead.Add(new UsageCounters
        {
            MinorFaults = task.MinorFaults,
            MajorFaults = task.MajorFaults,
            BlocksIn = task.Counters.BlocksIn,
            BlocksOut = task.Counters.BlocksOut,
            VoluntarySwitches = task.Sched.VoluntarySwitches,
            InvoluntarySwitches = task.Sched.InvoluntarySwitches,
        });
        task.UnlinkTracer();
        task.Pending.Flush(SignalSet.All);
        if (group.Leader == task)
        {
            group.SharedPending.Flush(SignalSet.All);
            group.Handlers.Users--;
            task.SetParent(null);
            ProcessGroups.Leave(group);
        }

        task.Namespaces.Put();
        group.Threads.Remove(task);
        task.Pid.Task = null;
        task.Pid.NotifyPidFd();
        task.Pid.ReleaseIfUnused();
        Uncharge(task.Cgroup, task.Credentials);
        Count--;
        kernel.Audit.LiveTasks--;
        task.ReleaseUnlessRunning();
    }

    private ThreadGroup NewGroup()
    {
        var group = new ThreadGroup(kernel) { StartTime = kernel.Time.Now };
        SetDefaultLimits(group);
        return group;
    }

    /// <summary>The limits that Linux gives process 1 (INIT_RLIMITS), and half of all threads for processes.</summary>
    private void SetDefaultLimits(ThreadGroup group)
    {
        RLimit[] limits = group.Limits;
        Array.Fill(limits, RLimit.Unlimited);
        ulong threads = (ulong)MaximumThreads / 2;
        limits[(int)ResourceLimit.Stack] = new RLimit(8 << 20, RLimit.Infinity);
        limits[(int)ResourceLimit.Core] = new RLimit(0, RLimit.Infinity);
        limits[(int)ResourceLimit.ProcessCount] = new RLimit(threads, threads);
        limits[(int)ResourceLimit.SignalsPending] = new RLimit(threads, threads);
        limits[(int)ResourceLimit.NoFile] = new RLimit(1024, 1 << 20);
        limits[(int)ResourceLimit.MemoryLock] = new RLimit(8 << 20, 8 << 20);
        limits[(int)ResourceLimit.MessageQueue] = new RLimit(819_200, 819_200);
        limits[(int)ResourceLimit.Nice] = new RLimit(0, 0);
        limits[(int)ResourceLimit.RealTimePriority] = new RLimit(0, 0);
    }
}
