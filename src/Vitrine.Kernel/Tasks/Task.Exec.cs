using System.Text;
using Vitrine.Cpu;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks.Exec;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tasks;

/// <content>
/// Executing a program. Everything that can fail happens first, on an address space that is not in use yet; then the old
/// program is given up (begin_new_exec) and nothing can fail any more.
/// </content>
internal sealed partial class Task
{
    private const int MaximumInterpreters = 5;

    /// <summary>Replaces the program. On success the registers are the new program's and the caller returns 0.</summary>
    /// <param name="directory">What a relative path starts from.</param>
    /// <param name="path">As the caller gave it; empty with AT_EMPTY_PATH: the descriptor itself.</param>
    /// <param name="atFlags">AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW.</param>
    /// <param name="arguments">Released here.</param>
    public async KTask<Errno> ExecAsync(Fd directory, byte[] path, uint atFlags, ExecArguments arguments)
    {
        var plan = new ExecPlan(path.Length == 0 || (path[0] != '/' && directory != Fd.Cwd) ? DescriptorPath(directory, path) : path, arguments);
        // The thread that asks may have another number afterwards: the leader's.
        PidNumber number = Pid;
        Errno error = await PrepareExecAsync(plan, directory, path, atFlags);
        if (error == Errno.Success)
            error = await TakeOverThreadGroupAsync();
        if (error == Errno.Success)
            await CommitExecAsync(plan);
        arguments.Release();
        plan.Program?.Put();
        plan.Mm?.Put();
        if (error == Errno.Success && Tracee is { Tracer: not null } tracee)
            TellTracerOfExec(tracee, number);
        return error;
    }

    private void TellTracerOfExec(Tracee tracee, PidNumber number)
    {
        if (tracee.Wants(PtraceEvent.Exec))
            PlanEvent(PtraceEvent.Exec, ForTracer(number));
        else if (!tracee.IsSeized)
            _ = SignalSender.Send(this, SignalSender.FromUser(this, this, SignalNumber.Trap));
    }

    private static byte[] DescriptorPath(Fd directory, byte[] path) =>
        path.Length == 0
            ? Encoding.ASCII.GetBytes($"/dev/fd/{directory.Value}")
            : [.. Encoding.ASCII.GetBytes($"/dev/fd/{directory.Value}/"), .. path];

    private async KTask<Errno> PrepareExecAsync(ExecPlan plan, Fd directory, byte[] path, uint atFlags)
    {
        Result<OpenFile> opened = await VfsOpen.OpenExecAsync(this, directory, path, atFlags);
        byte[] head = new byte[ScriptHeader.BufferSize];
        int length = 0;
        for (int depth = 0; ; depth++)
        {
            if (!opened.TryGet(out OpenFile? file, out Errno error))
                return error;
            plan.Program?.Put();
            plan.Program = file;
            Result<long> read = await FileContent.ReadAsync(this, file, head, 0);
            if (!read.TryGet(out long got, out error))
                return error;
            length = (int)got;
            if (length < 2 || head[0] != '#' || head[1] != '!')
                break;
            if (depth >= MaximumInterpreters)
                return Errno.ELOOP;
            Result<ScriptHeader> parsed = ScriptHeader.Parse(head.AsSpan(0, length));
            if (!parsed.TryGet(out ScriptHeader script, out error))
                return error;
            error = plan.Arguments.PrependInterpreter(script, depth == 0 ? plan.Path : plan.Interpreter!);
            if (error != Errno.Success)
                return error;
            plan.Interpreter = script.Interpreter;
            opened = await VfsOpen.OpenExecAsync(this, Fd.Cwd, script.Interpreter, 0);
        }

        if (plan.Arguments.Arguments.Count == 0)
        {
            // A program may rely on argv[0]: an empty one is better than none.
            Errno added = plan.Arguments.AddArgument([]);
            if (added != Errno.Success)
                return added;
        }

        return await LoadAsync(plan, head.AsMemory(0, length));
    }

    private async KTask<Errno> LoadAsync(ExecPlan plan, ReadOnlyMemory<byte> head)
    {
        OpenFile program = plan.Program!;
        Result<ElfImage> parsed = await ElfLoader.ReadAsync(this, program, head, Errno.ENOEXEC);
        if (!parsed.TryGet(out ElfImage? image, out Errno error))
            return error;
        Result<(Credentials Credentials, bool IsSecure)> credentials = await ExecCredentials.TransformAsync(this, program);
        if (!credentials.TryGet(out (Credentials Credentials, bool IsSecure) raised, out error))
            return error;
        plan.Credentials = raised.Credentials;
        plan.IsSecure = raised.IsSecure;

        OpenFile? interpreter = null;
        ElfImage? interpreterImage = null;
        if (image.InterpreterPath.Size > 0)
        {
            Result<byte[]> path = await ElfLoader.ReadInterpreterPathAsync(this, program, image);
            if (!path.TryGet(out byte[]? interpreterPath, out error))
                return error;
            Result<OpenFile> opened = await VfsOpen.OpenExecAsync(this, Fd.Cwd, interpreterPath, 0);
            if (!opened.TryGet(out interpreter, out error))
                return error;
            byte[] start = new byte[ScriptHeader.BufferSize];
            Result<long> read = await FileContent.ReadAsync(this, interpreter, start, 0);
            Result<ElfImage> second = !read.Ok ? read.Error
                : read.Value < 64 ? Errno.EIO
                : await ElfLoader.ReadAsync(this, interpreter, start.AsMemory(0, (int)read.Value), Errno.EIO);
            if (!second.TryGet(out interpreterImage, out error))
            {
                interpreter.Put();
                return error == Errno.ENOEXEC ? Errno.ELIBBAD : error;
            }
        }

        error = await BuildAddressSpaceAsync(plan, image, interpreter, interpreterImage);
        interpreter?.Put();
        return error;
    }

    private async KTask<Errno> BuildAddressSpaceAsync(ExecPlan plan, ElfImage image, OpenFile? interpreter, ElfImage? interpreterImage)
    {
        Result<MmStruct> created = MmStruct.Create(Kernel, Cgroup);
        if (!created.TryGet(out MmStruct? mm, out Errno error))
            return error;
        mm.CoreFilter = Mm?.CoreFilter ?? CoreFilter.Default;
        plan.Mm = mm;
        RLimit stackLimit = ThreadGroup.Limit(ResourceLimit.Stack);
        uint personality = plan.IsSecure ? Personality & ~PersonalityClearedBySetId : Personality;
        plan.Personality = personality;
        AddressLayout layout = AddressLayout.Choose(Kernel.Entropy, personality, stackLimit);
        mm.MmapBase = layout.MmapBase;
        Result<VirtAddr> stack = await mm.MapStackAsync(this, layout.StackTop, image.HasExecutableStack);
        if (!stack.TryGet(out _, out error))
            return error;
        mm.ExeFile = plan.Program!.Get();

        Result<ulong> mapped = await ElfLoader.MapAsync(this, mm, plan.Program, image, layout.ProgramBase.Value);
        if (!mapped.TryGet(out ulong bias, out error))
            return error;
        SetBounds(mm, image, bias);
        ulong entry = image.Header.Entry + bias;
        ulong interpreterBias = 0;
        if (interpreterImage is not null)
        {
            mapped = await ElfLoader.MapAsync(this, mm, interpreter!, interpreterImage, null);
            if (!mapped.TryGet(out interpreterBias, out error))
                return error;
            entry = interpreterImage.Header.Entry + interpreterBias;
        }

        if (entry >= MmStruct.TaskSize)
            return Errno.ENOEXEC;
        ulong brk = layout.Brk(image.End + bias);
        mm.StartBrk = mm.Brk = new VirtAddr(brk);
        mm.VdsoBase = Kernel.Vdso.Map(this, mm, layout);
        var initial = new InitialStack
        {
            Mm = mm,
            Strings = plan.Arguments,
            Path = plan.Path,
            Image = image,
            Bias = bias,
            InterpreterBase = interpreterImage is null ? 0 : interpreterBias + interpreterImage.Start,
            Credentials = plan.Credentials!,
            IsSecure = plan.IsSecure,
            HardwareCapabilities = CpuModel.Features1Edx,
        };
        Result<ulong> built = await initial.BuildAsync(this, layout);
        if (!built.TryGet(out ulong stackPointer, out error))
            return error;
        plan.Entry = entry;
        plan.StackPointer = stackPointer;
        return Errno.Success;
    }

    private static void SetBounds(MmStruct mm, ElfImage image, ulong bias)
    {
        ulong startCode = ulong.MaxValue, endCode = 0, startData = 0, endData = 0;
        foreach (LoadSegment segment in image.Segments)
        {
            if ((segment.Protection & ProtectionFlags.Execute) != 0)
            {
                startCode = Math.Min(startCode, segment.Address);
                endCode = Math.Max(endCode, segment.Address + segment.FileSize);
            }

            startData = Math.Max(startData, segment.Address);
            endData = Math.Max(endData, segment.Address + segment.FileSize);
        }

        mm.StartCode = new VirtAddr((startCode == ulong.MaxValue ? image.Start : startCode) + bias);
        mm.EndCode = new VirtAddr(endCode + bias);
        mm.StartData = new VirtAddr(startData + bias);
        mm.EndData = new VirtAddr(endData + bias);
    }

    /// <summary>
    /// Ends all other threads of the process and waits until they are gone (de_thread); the caller becomes the leader, under
    /// the leader's number. EAGAIN if the process is exiting or another thread was first.
    /// </summary>
    private async KTask<Errno> TakeOverThreadGroupAsync()
    {
        ThreadGroup group = ThreadGroup;
        if (group.Threads.Count > 1)
        {
            if (group.IsExiting || group.ExecTask is not null)
                return Errno.EAGAIN;
            group.ExecTask = this;
            SignalSender.KillThreads(group, except: this);
            while (group.Threads.Count > (IsLeader ? 1 : 2) || (!IsLeader && group.Leader.State != TaskState.Zombie))
            {
                WakeReason reason = await SleepAsync(WaitMode.Killable, Ktime.Never);
                if (reason == WakeReason.Interrupted)
                {
                    group.ExecTask = null;
                    return Errno.EAGAIN;
                }
            }

            if (!IsLeader)
                ReplaceLeader(group);
            group.ExecTask = null;
        }

        ExitSignal = SignalNumber.Chld;
        return Errno.Success;
    }

    private void ReplaceLeader(ThreadGroup group)
    {
        Task leader = group.Leader;
        (Pid, leader.Pid) = (leader.Pid, Pid);
        Pid.Task = this;
        leader.Pid.Task = leader;
        group.Leader = this;
        // In the parent's list the new leader takes the old one's place in age by going last: the order of waits among
        // living children does not matter.
        SetParent(leader.Parent);
        leader.SetParent(null);
        foreach (Task child in leader.Children.ToArray())
            child.SetParent(this);
        leader.Park(TaskState.Dead);
        // Who waits for the old leader looks again, and does not find it.
        Task? tracer = leader.Tracer;
        Kernel.Tasks.Remove(leader);
        tracer?.ThreadGroup.ChildWait.WakeAll();
    }

    private async KTask CommitExecAsync(ExecPlan plan)
    {
        ThreadGroup group = ThreadGroup;
        if (Files is { Users: > 1 } shared && shared.Copy(this).TryGet(out FdTable? files, out _))
        {
            Files = files;
            await shared.PutAsync(this);
        }

        await LeaveMemoryAsync();
        group.NoteResidentSet(Mm);
        MmStruct? old = Mm;
        Mm = plan.Mm;
        plan.Mm = old;

        group.DeletePosixTimers();
        if (group.Handlers.Users > 1)
        {
            group.Handlers.Users--;
            group.Handlers = group.Handlers.Copy();
        }

        group.Handlers.ResetHandlers();
        AlternateStack = new SignalStack { Flags = SignalStackFlags.Disable };
        RobustHead = default;
        _userDispatch = null;
        ClearChildTid = default;
        Rseq = default;
        Restart = default;
        Breakpoints = null;
        BreakpointStatus = 0;
        Personality = plan.Personality;
        TimerSlack = DefaultTimerSlack;

        Credentials before = Credentials;
        Credentials after = plan.Credentials!;
        bool changesIdentity = after.Euid != before.Euid || after.Egid != before.Egid || (after.Permitted & ~before.Permitted) != 0;
        if (plan.IsSecure || changesIdentity || after.Euid != after.Uid || after.Egid != after.Gid)
        {
            ParentDeathSignal = SignalNumber.None;
            Mm!.Dumpable = plan.IsSecure || changesIdentity ? 0 : 1;
        }

        Credentials = after;
        Comm = CommOf(plan.Path);
        group.HasExeced = true;
        Kernel.ProcessListeners?.Executed(this);
        if (Files is not null)
            await Files.CloseOnExecAsync(this);

        StartAt(plan.Entry, plan.StackPointer);
    }

    private unsafe void StartAt(ulong entry, ulong stackPointer)
    {
        OnProcessor?.StoreExtended(this);
        Registers->Reset();
        Registers->Rip = entry;
        Registers->Rsp = stackPointer;
    }

    /// <summary>The last component of a path, cut to what comm holds.</summary>
    private static string CommOf(byte[] path)
    {
        ReadOnlySpan<byte> name = path.AsSpan(path.AsSpan().LastIndexOf((byte)'/') + 1);
        return Encoding.Latin1.GetString(name[..Math.Min(name.Length, CommLength - 1)]);
    }

    // PER_CLEAR_ON_SETID: ADDR_NO_RANDOMIZE, ADDR_COMPAT_LAYOUT, MMAP_PAGE_ZERO, READ_IMPLIES_EXEC.
    private const uint PersonalityClearedBySetId = 0x0040000 | 0x0200000 | 0x0100000 | 0x0400000;

    /// <summary>What a preparation has found, until it is committed.</summary>
    private sealed class ExecPlan(byte[] path, ExecArguments arguments)
    {
        public byte[] Path { get; } = path;

        public ExecArguments Arguments { get; } = arguments;

        /// <summary>The last script's interpreter.</summary>
        public byte[]? Interpreter { get; set; }

        public OpenFile? Program { get; set; }

        /// <summary>The new address space; after the commit, the old one.</summary>
        public MmStruct? Mm { get; set; }

        public Credentials? Credentials { get; set; }

        public bool IsSecure { get; set; }

        public uint Personality { get; set; }

        public ulong Entry { get; set; }

        public ulong StackPointer { get; set; }
    }
}
