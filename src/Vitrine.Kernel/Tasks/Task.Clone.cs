using System.Runtime.CompilerServices;
using Vitrine.Cpu;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tasks;

/// <content>Making processes and threads (copy_process).</content>
internal sealed partial class Task
{
    private const CloneFlags NamespaceFlags =
        CloneFlags.NewNs | CloneFlags.NewUts | CloneFlags.NewIpc | CloneFlags.NewPid | CloneFlags.NewNet
        | CloneFlags.NewCgroup | CloneFlags.NewUser | CloneFlags.NewTime;

    /// <summary>Where the kernel writes 0 and wakes a futex when the thread lets go of its memory (set_tid_address).</summary>
    public UserPtr<int> ClearChildTid { get; set; }

    /// <summary>Creates a child as asked and starts it. Its number as the caller sees it.</summary>
    public async KTask<SyscallResult> CloneAsync(CloneRequest request)
    {
        Errno error = Check(in request);
        if (error != Errno.Success)
            return error;
        PtraceEvent told = EventOf(in request);
        // A signal for the whole process must reach all of its threads or none: take it first.
        RecalculatePending();
        if ((Work & TaskWork.Signal) != 0)
            return Errno.ERESTARTNOINTR;
        error = Kernel.Tasks.Charge(Cgroup, Credentials, ThreadGroup.Limit(ResourceLimit.ProcessCount));
        if (error != Errno.Success)
            return error;
        error = NamespaceCopies.Check(this, request.Flags & NamespaceFlags);
        if (error != Errno.Success)
        {
            Kernel.Tasks.Uncharge(Cgroup, Credentials);
            return error;
        }

        ThreadGroup group = request.Has(CloneFlags.Thread) ? ThreadGroup : NewGroup(in request);
        var child = new Task(Kernel, group, Credentials, Namespaces, Cgroup)
        {
            Comm = Comm,
            StartTime = Kernel.Time.Now,
            ExitSignal = request.Has(CloneFlags.Thread) ? SignalNumber.None : request.ExitSignal,
        };
        if (!request.Has(CloneFlags.Thread))
            group.Leader = child;
        error = await CopyIntoAsync(child, request);
        if (error == Errno.Success && (Work & TaskWork.Signal) != 0 && IsFatalSignalPending)
            error = Errno.ERESTARTNOINTR;
        Result<PidNumber> number = error == Errno.Success ? AllocateNumber(in request) : error;
        if (!number.TryGet(out PidNumber? pid, out error))
        {
            await child.UndoCopyAsync(this);
            return error;
        }

        if (request.Has(CloneFlags.PidFd))
        {
            error = await InstallPidFdAsync(pid, request.PidFd, request.Has(CloneFlags.Thread));
            if (error != Errno.Success)
            {
                pid.ReleaseIfUnused();
                await child.UndoCopyAsync(this);
                return error;
            }
        }

        if (request.Has(CloneFlags.SysVSem))
            ShareSemaphores(child);
        CopyRegisters(child, in request);
        if (request.Has(CloneFlags.ChildSetTid))
        {
            child.SetChildTid = request.ChildTid;
            child.Work |= TaskWork.Deferred;
        }

        if (request.Has(CloneFlags.ChildClearTid))
            child.ClearChildTid = request.ChildTid;
        MakeRelative(child, pid, in request);
        int result = pid.In(Namespaces.Pid);
        if (request.Has(CloneFlags.ParentSetTid))
            _ = await WriteUserAsync(request.ParentTid, result);
        if (request.Has(CloneFlags.Vfork))
        {
            VforkChild = child;
            child.VforkParent = this;
            Work |= TaskWork.Vfork;
        }

        if (request.Has(CloneFlags.Ptrace) || told != PtraceEvent.None)
            child.InheritTracer(this);
        child.MakeRunnable();
        Kernel.ProcessListeners?.Forked(child, child.Parent ?? this);
        if (Tracee is { Tracer: not null } tracee)
        {
            tracee.VforkPid = request.Has(CloneFlags.Vfork) ? pid : null;
            if (told != PtraceEvent.None)
                PlanEvent(told, ForTracer(pid));
        }

        return result;
    }

    /// <summary>The event that the tracer is told of, and with which it gets the child as well; none if it does not want it.</summary>
    private PtraceEvent EventOf(in CloneRequest request)
    {
        if (Tracee is not { Tracer: not null } tracee || request.Has(CloneFlags.Untraced))
            return PtraceEvent.None;
        PtraceEvent what = request.Has(CloneFlags.Vfork) ? PtraceEvent.Vfork
            : request.ExitSignal != SignalNumber.Chld ? PtraceEvent.Clone
            : PtraceEvent.Fork;
        return tracee.Wants(what) ? what : PtraceEvent.None;
    }

    private Errno Check(in CloneRequest request)
    {
        if (request.Has(CloneFlags.NewNs) && request.Has(CloneFlags.Fs))
            return Errno.EINVAL;
        if (request.Has(CloneFlags.NewUser) && request.Has(CloneFlags.Fs))
            return Errno.EINVAL;
        if (request.Has(CloneFlags.Thread) && !request.Has(CloneFlags.SignalHandlers))
            return Errno.EINVAL;
        if (request.Has(CloneFlags.SignalHandlers) && !request.Has(CloneFlags.Vm))
            return Errno.EINVAL;
        // Siblings of process 1 would have no parent to inherit them.
        if (request.Has(CloneFlags.Parent) && ThreadGroup.IsUnkillable)
            return Errno.EINVAL;
        if (request.Has(CloneFlags.Thread) && (request.Flags & (CloneFlags.NewUser | CloneFlags.NewPid)) != 0)
            return Errno.EINVAL;
        if (request.Has(CloneFlags.PidFd) && request.Has(CloneFlags.Detached))
            return Errno.EINVAL;
        if (request.Has(CloneFlags.NewTime) && request.Has(CloneFlags.Thread | CloneFlags.Vm))
            return Errno.EINVAL;
        // A promised bandwidth can't be copied.
        if (Sched.Budget is not null && !Sched.ResetOnFork)
            return Errno.EAGAIN;
        return Errno.Success;
    }

    private ThreadGroup NewGroup(in CloneRequest request)
    {
        ThreadGroup from = ThreadGroup;
        var group = new ThreadGroup(Kernel)
        {
            StartTime = Kernel.Time.Now,
            Limits = (RLimit[])from.Limits.Clone(),
            HasChildSubreaper = from.HasChildSubreaper || from.IsChildSubreaper,
            OomScoreAdjustment = from.OomScoreAdjustment,
            OomScoreAdjustmentMinimum = from.OomScoreAdjustmentMinimum,
            Terminal = from.Terminal,
        };
        if (request.Has(CloneFlags.SignalHandlers))
        {
            group.Handlers = from.Handlers;
            group.Handlers.Users++;
        }
        else
        {
            group.Handlers = from.Handlers.Copy();
            if (request.Has(CloneFlags.ClearSignalHandlers))
                group.Handlers.ResetHandlers();
        }

        return group;
    }

    private async KTask<Errno> CopyIntoAsync(Task child, CloneRequest request)
    {
        child.Blocked = Blocked;
        child.NoNewPrivileges = NoNewPrivileges;
        child.Personality = Personality;
        child.TimerSlack = child.DefaultTimerSlack = TimerSlack;
        CopyIoContext(child, request.Has(CloneFlags.Io));
        child.MemoryPolicy = MemoryPolicy;
        child.Sched.CopyPolicy(Sched);
        if (request.Has(CloneFlags.Vm) && !request.Has(CloneFlags.Vfork))
            child.AlternateStack = new SignalStack { Flags = SignalStackFlags.Disable };
        else
            child.AlternateStack = AlternateStack;
        if (!request.Has(CloneFlags.Vm))
            child.Rseq = Rseq;

        if (request.Has(CloneFlags.Fs))
            child.Fs = Fs?.Get();
        else
            child.Fs = Fs?.Copy();
        if (request.Has(CloneFlags.Files))
        {
            child.Files = Files?.Get();
        }
        else if (Files is not null)
        {
            if (!Files.Copy(this).TryGet(out FdTable? files, out Errno error))
                return error;
            child.Files = files;
        }

        Result<NamespaceSet> namespaces = NamespaceCopies.Copy(this, request.Flags & NamespaceFlags, child.Fs);
        if (!namespaces.TryGet(out NamespaceSet? set, out Errno failed))
            return failed;
        child.Namespaces = set;
        child._ownsNamespaces = true;
        if (request.Has(CloneFlags.Vm))
        {
            child.Mm = Mm?.Get();
            return Errno.Success;
        }

        Result<MmStruct> mm = await Mm!.ForkAsync(this);
        if (!mm.TryGet(out MmStruct? copy, out failed))
            return failed;
        child.Mm = copy;
        return Errno.Success;
    }

    /// <summary>A child that never lived gives back what it had got.</summary>
    private async KTask UndoCopyAsync(Task current)
    {
        Mm?.Put();
        Mm = null;
        if (Files is not null)
            await Files.PutAsync(current);
        Files = null;
        Fs?.Put();
        Fs = null;
        if (_ownsNamespaces)
            Namespaces.Put();
        if (ThreadGroup.Leader == this)
            ThreadGroup.Handlers.Users--;
        Kernel.Tasks.Uncharge(Cgroup, Credentials);
        ReleaseRegisters();
    }

    private Result<PidNumber> AllocateNumber(in CloneRequest request)
    {
        PidNamespace ns = Namespaces.Pid;
        if (request.SetTid is { Length: > 0 } wished)
        {
            if (wished.Length > ns.Level + 1)
                return Errno.EINVAL;
            if (!Credentials.IsCapable(ns.Owner!, Capability.CheckpointRestore) && !Credentials.IsCapable(ns.Owner!, Capability.SysAdmin))
                return Errno.EPERM;
            return PidNumber.Allocate(ns, wished);
        }

        return PidNumber.Allocate(ns);
    }

    private unsafe void CopyRegisters(Task child, in CloneRequest request)
    {
        OnProcessor?.StoreExtended(this);
        Unsafe.CopyBlock(child.Registers, Registers, (uint)sizeof(RegisterFile));
        child.Registers->Rax = 0;
        child.OriginalRax = OriginalRax;
        // What the tracer set on this task is not the child's.
        if (Tracee is { OwnsTrapFlag: true })
            child.Registers->Rflags &= ~TrapFlag;
        if (request.StackPointer != 0)
            child.Registers->Rsp = request.StackPointer;
        if (request.Has(CloneFlags.SetTls))
            child.Registers->FsBase = request.Tls;
    }

    private void MakeRelative(Task child, PidNumber pid, in CloneRequest request)
    {
        if (request.Has(CloneFlags.Thread))
        {
            Kernel.Tasks.Add(child, pid);
            // A stop or an exit of the group in progress takes the new thread in.
            if (ThreadGroup.GroupStopCount > 0)
            {
                child.JoinGroupStop(StopSignal);
                child.Work |= TaskWork.Signal;
            }

            return;
        }

        Task? parent = this;
        if (request.Has(CloneFlags.Parent))
        {
            parent = ThreadGroup.Leader.Parent;
            child.ExitSignal = ThreadGroup.Leader.ExitSignal;
        }

        child.SetParent(parent);
        Kernel.Tasks.Add(child, pid);
        ProcessGroups.Join(child.ThreadGroup, ThreadGroup.ProcessGroup);
        ProcessGroups.JoinSession(child.ThreadGroup, ThreadGroup.Session);
    }

    private bool _ownsNamespaces;
}
