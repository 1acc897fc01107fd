using Vitrine.Hardware.Host;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Drivers;
using Vitrine.Kernel.Drivers.Tty;
using Vitrine.Kernel.Printk;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Syscalls.Process;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Init;

/// <summary>
/// Process 1: a kernel task that builds the file tree, starts the programs that the machine's caller asks for, and reaps
/// its children and whatever is re-parented to it. It never ends while the machine runs.
/// </summary>
/// <param name="mountTree">Mounts the root and what is on it; its errno stops the machine.</param>
/// <param name="booted">Told once, under the kernel lock, whether the tree stands.</param>
internal sealed class InitProcess(KernelInstance kernel, Func<Task, KTask<Errno>> mountTree, Action<Errno> booted)
{
    private readonly Queue<ProgramRequest> _requests = new();
    private readonly Dictionary<Task, ProgramRequest> _programs = [];
    private Task? _task;
    private bool _isBooted;
    private bool _wasAsked;

    /// <summary>Creates the task and makes it runnable. Under the kernel lock, once.</summary>
    public void Start()
    {
        _task = kernel.Tasks.StartKernelThread("init", RunAsync);
        if (kernel.Digests is not null)
            kernel.ProcessEnding = NoteFinalState;
    }

    /// <summary>Asks for a program. Any thread, no lock.</summary>
    public void Request(ProgramRequest request)
    {
        // The first comes to a machine that has nothing to do but to finish its boot.
        if (Interlocked.Exchange(ref _wasAsked, true))
            kernel.Interrupts.Post(Accept);
        else
            kernel.Interrupts.PostDeferred(Accept);

        void Accept()
        {
            _requests.Enqueue(request);
            _task!.Wake();
        }
    }

    /// <summary>Sends a signal to a program, or to the process group that it leads. Any thread, no lock.</summary>
    public void Signal(ThreadGroup process, int signal, bool wholeGroup) => kernel.Interrupts.Post(() =>
    {
        if (wholeGroup)
            SignalSender.SendKernelToProcessGroup(process.ProcessGroup, (SignalNumber)signal);
        else
            SignalSender.SendKernelToGroup(process, (SignalNumber)signal);
    });

    /// <summary>Continues the programs that the caller can stop, with their process groups. Any thread, no lock.</summary>
    public void ContinuePrograms() => kernel.Interrupts.Post(() =>
    {
        foreach (Task program in _programs.Keys)
        {
            if (program.ThreadGroup.IsJobOfCaller)
                SignalSender.SendKernelToProcessGroup(program.ThreadGroup.ProcessGroup, SignalNumber.Cont);
        }
    });

    /// <summary>Kills every user process. Any thread, no lock.</summary>
    public void KillAll() => kernel.Interrupts.Post(kernel.Tasks.KillAll);

    private async KTask RunAsync(Task current)
    {
        if (!_isBooted)
        {
            BootLog.WriteMachine(kernel);
            Errno error = await mountTree(current);
            if (error != Errno.Success)
                kernel.Log.Write(PrintkLevel.Emergency, $"Kernel panic - not syncing: VFS: Unable to mount root fs: {error}");
            else
                BootLog.WriteRoot(current);
            _isBooted = true;
            booted(error);
        }

        while (_requests.TryDequeue(out ProgramRequest? request))
            Launch(current, request);
        ReapChildren(current);
        if (_requests.Count == 0)
            _ = await current.ThreadGroup.ChildWait.WaitAsync(current, WaitMode.Idle, Ktime.Never);
    }

    private void NoteFinalState(ThreadGroup process)
    {
        if (_programs.TryGetValue(process.Leader, out ProgramRequest? request))
            request.FinalState = kernel.Digests!.Compute();
    }

    private void Launch(Task current, ProgramRequest request)
    {
        Result<Task> started = kernel.Tasks.StartUserProcess(current, "init", request.Credentials, child => PrepareAsync(child, request));
        if (started.TryGet(out Task? child, out Errno error))
            _programs.Add(child, request);
        else
            request.Started(new ProgramStart(null, error, "process"));
    }

    /// <summary>What the new process does before it is the program: descriptors, directory, exec.</summary>
    private async KTask<Errno> PrepareAsync(Task child, ProgramRequest request)
    {
        (Errno error, string what) = await BecomeAsync(child, request);

        // Killed on its way (the machine's time was up): what failed for that is no refusal, it dies of the signal.
        if (error != Errno.Success && child.IsFatalSignalPending)
            error = Errno.Success;
        if (error != Errno.Success)
            _programs.Remove(child);
        request.Started(new ProgramStart(error == Errno.Success ? child.ThreadGroup : null, error, what));
        return error;
    }

    private static async KTask<(Errno Error, string What)> BecomeAsync(Task child, ProgramRequest request)
    {
        child.Files = FdTable.Create(child.Kernel);
        child.ThreadGroup.IsJobOfCaller = request.Stopped is not null;
        child.Fs = child.Parent!.Fs!.Copy();
        child.Fs.Umask = (FileMode)0x12;
        Errno connected = await ConnectAsync(child, request);
        if (connected != Errno.Success)
            return (connected, "descriptor");

        Errno error = Errno.ENOENT;
        foreach (byte[] directory in request.WorkingDirectories)
        {
            error = await BootPaths.ChangeDirectoryAsync(child, directory);
            if (error == Errno.Success)
                break;
        }

        return error != Errno.Success ? (error, "directory") : (await ExecuteAsync(child, request), "program");
    }

    /// <summary>The first descriptors; those on one terminal share one description, as after a login.</summary>
    private static async KTask<Errno> ConnectAsync(Task child, ProgramRequest request)
    {
        TerminalChannel? terminal = null;
        OpenFile? shared = null;
        for (int i = 0; i < request.Streams.Length; i++)
        {
            if (request.Streams[i] is not { } channel)
                continue;
            OpenFile file;
            if (channel is not TerminalChannel screen)
            {
                file = HostStdioInode.Open(child.Kernel, channel, request.Credentials.Uid, request.Credentials.Gid);
            }
            else if (screen == terminal)
            {
                file = shared!.Get();
            }
            else
            {
                Result<HostTerminalBridge> bridge = await HostTerminalBridge.ForAsync(child, screen);
                Result<OpenFile> opened = bridge.Ok ? await bridge.Value.OpenAsync(child) : bridge.Error;
                if (!opened.Ok)
                    return opened.Error;
                (terminal, shared, file) = (screen, opened.Value, opened.Value);
            }

            Result<Fd> slot = child.Files!.Install(child, file, closeOnExec: false, minimum: i);
            if (!slot.Ok)
            {
                file.Put();
                return slot.Error;
            }
        }

        return Errno.Success;
    }

    /// <summary>execvp: a name without a slash is looked for in PATH; EACCES is remembered while the search goes on.</summary>
    private static async KTask<Errno> ExecuteAsync(Task child, ProgramRequest request)
    {
        byte[] program = request.Program;
        if (program.AsSpan().Contains((byte)'/'))
            return await ExecuteAsync(child, program, request);
        Errno remembered = Errno.ENOENT;
        foreach (byte[] candidate in Candidates(request))
        {
            Errno error = await ExecuteAsync(child, candidate, request);
            if (error == Errno.EACCES)
                remembered = error;
            else if (error is not (Errno.ENOENT or Errno.ENOTDIR))
                return error;
        }

        return remembered;
    }

    private static async KTask<Errno> ExecuteAsync(Task child, byte[] path, ProgramRequest request)
    {
        Errno error = await ExecCalls.ExecuteAsync(child, path, request.Arguments, request.Environment);
        if (error == Errno.Success)
            child.Kernel.Observer?.ProgramStarted(child, path, request.Arguments, request.Environment);
        return error;
    }

    private static List<byte[]> Candidates(ProgramRequest request)
    {
        ReadOnlySpan<byte> path = "/usr/local/bin:/usr/bin:/bin"u8;
        foreach (byte[] variable in request.Environment)
        {
            if (variable.AsSpan().StartsWith("PATH="u8))
                path = variable.AsSpan(5);
        }

        var candidates = new List<byte[]>();
        while (true)
        {
            int colon = path.IndexOf((byte)':');
            ReadOnlySpan<byte> directory = colon < 0 ? path : path[..colon];
            candidates.Add(directory.IsEmpty ? request.Program : [.. directory, (byte)'/', .. request.Program]);
            if (colon < 0)
                return candidates;
            path = path[(colon + 1)..];
        }
    }

    private void ReapChildren(Task current)
    {
        for (LinkedListNode<Task>? node = current.Children.First; node is not null;)
        {
            Task child = node.Value;
            node = node.Next;
            ReportStop(child);
            if (child.State != TaskState.Zombie || child.ThreadGroup.Threads.Count != 1)
                continue;
            int status = child.ExitCode;
            child.State = TaskState.Dead;
            child.Reap();
            if (!_programs.Remove(child, out ProgramRequest? request))
                continue;
            ReleaseTerminals(request, killed: (status & 0x7f) != 0);
            request.Ended(status);
        }
    }

    /// <summary>A program that is stopped is the caller's to continue; told once for each stop, as wait does.</summary>
    private void ReportStop(Task child)
    {
        ThreadGroup process = child.ThreadGroup;
        if (!process.IsJobOfCaller || process.IsStopped == process.IsStopReported)
            return;
        process.IsStopReported = process.IsStopped;
        if (process.IsStopped && _programs.TryGetValue(child, out ProgramRequest? request))
            request.Stopped?.Invoke();
    }

    /// <summary>What a program used of the caller's terminal goes back, unless another program still uses it.</summary>
    private void ReleaseTerminals(ProgramRequest request, bool killed)
    {
        foreach (HostChannel? channel in request.Streams)
        {
            if (channel is not TerminalChannel terminal || !kernel.Terminals.Bridges.TryGetValue(terminal, out HostTerminalBridge? bridge))
                continue;
            bool isUsed = false;
            foreach (ProgramRequest other in _programs.Values)
                isUsed |= other.Streams.AsSpan().Contains(channel);
            if (!isUsed)
                bridge.Disengage(screenToo: killed);
        }
    }
}
