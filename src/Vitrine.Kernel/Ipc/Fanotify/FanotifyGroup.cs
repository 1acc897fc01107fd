using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Ipc.Fanotify;

/// <summary>
/// A fanotify descriptor (fanotify(7)): marks, a bounded queue of events, and the questions of those that wait for leave to
/// open or read. Equal events in the queue are told as one. Closing it allows whatever is still asked.
/// </summary>
internal sealed class FanotifyGroup : AnonymousFile
{
    /// <summary>Kernel memory charged for a group, its description included.</summary>
    public const int DeclaredSize = 512;

    private const int MergedOver = 128;
    private const int NoDescriptor = -1;

    private readonly Cgroup _cgroup;
    private readonly UserAccount _account;
    private readonly FanotifyInitFlags _flags;
    private readonly OpenFlags _eventFlags;
    private readonly WaitQueue _wait = new();
    private readonly LinkedList<FanotifyEvent> _events = new();
    private readonly List<FanotifyQuestion> _asked = [];
    private readonly List<FanotifyMark> _marks = [];
    private readonly int _maximumEvents;
    private bool _overflowed;

    /// <param name="account">Has been charged with the group.</param>
    public FanotifyGroup(Task current, UserAccount account, FanotifyInitFlags flags, OpenFlags eventFlags)
        : base(current.Kernel, "[fanotify]", OpenFlags.ReadWrite | ((flags & FanotifyInitFlags.NonBlock) != 0 ? OpenFlags.NonBlock : OpenFlags.ReadOnly))
    {
        _cgroup = current.Cgroup;
        _account = account;
        _flags = flags;
        _eventFlags = eventFlags;
        _maximumEvents = (flags & FanotifyInitFlags.UnlimitedQueue) != 0 ? int.MaxValue : Kernel.Vfs.Settings.FanotifyMaximumEvents;
        Kernel.Vfs.Fanotify.Add(this);
    }

    /// <summary>Whether it may be asked for leave: its class is content or pre-content.</summary>
    public bool MayDecide => (_flags & (FanotifyInitFlags.ClassContent | FanotifyInitFlags.ClassPreContent)) != 0;

    /// <summary>Pre-content groups are asked first, then content, then those that are only told.</summary>
    public int Priority => (_flags & FanotifyInitFlags.ClassPreContent) != 0 ? 2 : (_flags & FanotifyInitFlags.ClassContent) != 0 ? 1 : 0;

    public bool ReportsThreads => (_flags & FanotifyInitFlags.ReportThread) != 0;

    public IReadOnlyList<FanotifyMark> Marks => _marks;

    public FanotifyMark? FindMark(object target) => _marks.Find(mark => mark.Target == target);

    /// <summary>A new mark without events. ENOSPC at the user's limit, ENOMEM.</summary>
    public Result<FanotifyMark> AddMark(object target)
    {
        bool unlimited = (_flags & FanotifyInitFlags.UnlimitedMarks) != 0;
        if (!_account.TryChargeMark(unlimited ? long.MaxValue : Kernel.Vfs.Settings.FanotifyMaximumMarks))
            return Errno.ENOSPC;
        if (_cgroup.ChargeKernelMemory(FanotifyMark.DeclaredSize) != Errno.Success)
        {
            _account.UnchargeMark();
            return Errno.ENOMEM;
        }

        var mark = new FanotifyMark(this, target);
        _marks.Add(mark);
        if (target is Inode)
        {
            mark.Anchor = new FanotifyMark.InodeAnchor(mark);
            InodeWatches.Attach(mark.Anchor);
        }

        return mark;
    }

    public void RemoveMark(FanotifyMark mark)
    {
        if (mark.Anchor is { } anchor)
            InodeWatches.Detach(anchor);
        Forget(mark);
    }

    /// <summary>What was marked is gone.</summary>
    internal void Forget(FanotifyMark mark)
    {
        if (!_marks.Remove(mark))
            return;
        _account.UnchargeMark();
        _cgroup.UnchargeKernelMemory(FanotifyMark.DeclaredSize);
    }

    /// <summary>Queues an event, or adds to one that is queued.</summary>
    public void Queue(VfsPath path, FanotifyEvents what, PidNumber? pid)
    {
        int looked = 0;
        for (LinkedListNode<FanotifyEvent>? node = _events.Last; node is not null && looked < MergedOver; node = node.Previous, looked++)
        {
            FanotifyEvent queued = node.Value;
            if (!queued.IsMergeable || queued.Pid != pid || queued.Path!.Value.Dentry != path.Dentry || queued.Path.Value.Mount != path.Mount)
                continue;
            // What concerns a directory is not mixed with what does not.
            if (((queued.What ^ what) & FanotifyEvents.OnDirectory) != 0)
                continue;
            queued.What |= what;
            return;
        }

        if (Room())
            Enqueue(new FanotifyEvent(path, what, pid));
    }

    /// <summary>Asks for leave and waits: EPERM if it is denied, ERESTARTSYS for a fatal signal.</summary>
    public async KTask<Errno> AskAsync(Task current, VfsPath path, FanotifyEvents what)
    {
        if (!Room())
            return Errno.Success;
        var question = new FanotifyQuestion(path, what, Causer(current));
        Enqueue(question);

        // No reference on the group: when its last descriptor is closed, it answers all that ask.
        while (question.Answer == 0)
        {
            if (await question.Wait.WaitAsync(current, WaitMode.Killable) == WakeReason.Interrupted && question.Answer == 0)
            {
                if (_events.Remove(question))
                    Discard(question);
                _asked.Remove(question);
                return Errno.ERESTARTSYS;
            }
        }

        return question.Answer == FanotifyResponse.Deny ? Errno.EPERM : Errno.Success;
    }

    /// <summary>Whom an event names: the process, or the thread if that was asked for.</summary>
    public PidNumber Causer(Task task) => ReportsThreads ? task.Pid : task.ThreadGroup.Leader.Pid;

    public override async KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
    {
        long done = 0;
        for (; ; )
        {
            if (_events.First?.Value is { } next)
            {
                int size = SizeOf(next);
                if (size > to.Remaining)
                    return done > 0 ? done : Errno.EINVAL;
                _events.RemoveFirst();
                Errno error = await TellAsync(current, to, next);
                if (error != Errno.Success)
                    return done > 0 ? done : error;
                done += size;
                continue;
            }

            if (done > 0)
                return done;
            if (IsNonBlocking || to.IsNoWait)
                return Errno.EAGAIN;
            if (await _wait.WaitAsync(current, WaitMode.Interruptible, Ktime.Never) == WakeReason.Interrupted)
                return Errno.ERESTARTSYS;
        }
    }

    /// <summary>An answer to a question that has been read. ENOENT for descriptors that none has, EINVAL.</summary>
    public override async KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset)
    {
        int size = FanotifyResponse.Size;
        if (from.Remaining < size)
            return Errno.EINVAL;
        byte[] bytes = new byte[size];
        for (int done = 0; (done += from.CopyFrom(bytes.AsSpan(done))) < size;)
        {
            Errno error = await from.FaultInAsync(current, write: false);
            if (error != Errno.Success)
                return error;
        }

        FanotifyResponse response = MemoryMarshal.Read<FanotifyResponse>(bytes);
        uint answer = response.Response & ~FanotifyResponse.Audit;
        if (answer is not (FanotifyResponse.Allow or FanotifyResponse.Deny) || response.Descriptor < 0)
            return Errno.EINVAL;
        if ((response.Response & FanotifyResponse.Audit) != 0 && (_flags & FanotifyInitFlags.EnableAudit) == 0)
            return Errno.EINVAL;
        FanotifyQuestion? question = _asked.Find(asked => asked.Descriptor == response.Descriptor);
        if (question is null)
            return Errno.ENOENT;
        _asked.Remove(question);
        question.Reply(answer);
        return size;
    }

    public override PollEvents Poll(PollTable? table)
    {
        table?.Add(_wait);
        return _events.Count > 0 ? PollEvents.In | PollEvents.ReadNormal : PollEvents.None;
    }

    public override async KTask<SyscallResult> IoctlAsync(Task current, uint command, ulong argument)
    {
        if (command != IoctlCommand.FioNRead)
            return Errno.ENOTTY;
        return await current.WriteUserAsync(new UserPtr<int>(new VirtAddr(argument)), _events.Count * FanotifyMetadata.Size);
    }

    public override string ShowInformation()
    {
        var text = new System.Text.StringBuilder();
        text.Append(System.Globalization.CultureInfo.InvariantCulture, $"fanotify flags:{(uint)_flags:x} event-flags:{(uint)_eventFlags:x}\n");
        foreach (FanotifyMark mark in _marks)
        {
            (string what, DeviceNumber device) = mark.Target switch
            {
                Inode inode => (string.Create(System.Globalization.CultureInfo.InvariantCulture, $"ino:{inode.Number.Value:x} "), inode.SuperBlock.Device),
                Mount mount => (string.Create(System.Globalization.CultureInfo.InvariantCulture, $"mnt_id:{mount.Id:x} "), default),
                _ => ("", ((SuperBlock)mark.Target).Device),
            };
            string where = mark.Target is Mount ? "" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"sdev:{(device.Major << 20) | device.Minor:x} ");
            text.Append(
                System.Globalization.CultureInfo.InvariantCulture,
                $"fanotify {what}{where}mflags:{(mark.SurvivesModify ? (uint)FanotifyMarkFlags.IgnoredSurviveModify : 0) | (mark.IgnoredHasFlags ? (uint)FanotifyMarkFlags.Ignore : 0):x} mask:{(uint)mark.Mask:x} ignored_mask:{(uint)mark.Ignored:x} \n");
        }

        return text.ToString();
    }

    public override void Release()
    {
        Kernel.Vfs.Fanotify.Remove(this);
        while (_marks.Count > 0)
            RemoveMark(_marks[^1]);
        foreach (FanotifyQuestion asked in _asked)
            asked.Reply(FanotifyResponse.Allow);
        _asked.Clear();
        while (_events.First?.Value is { } left)
        {
            _events.RemoveFirst();
            (left as FanotifyQuestion)?.Reply(FanotifyResponse.Allow);
            Discard(left);
        }

        _account.UnchargeGroup();
        _cgroup.UnchargeKernelMemory(DeclaredSize);
        base.Release();
    }

    private int SizeOf(FanotifyEvent told) =>
        FanotifyMetadata.Size + ((_flags & FanotifyInitFlags.ReportPidFd) != 0 && told.Path is not null ? PidFdRecordSize : 0);

    private const int PidFdRecordSize = 8;

    /// <summary>Opens what the event is about for the reader and copies the event out; a question then waits for its answer.</summary>
    private async KTask<Errno> TellAsync(Task current, IovIter to, FanotifyEvent told)
    {
        Fd? installed = null;
        Fd? pidFd = null;
        Errno error = Errno.Success;
        if (told.Path is { } path)
        {
            Result<Fd> opened = await OpenAsync(current, path);
            if (opened.Ok)
                installed = opened.Value;
            else
                error = opened.Error;
            if (error == Errno.Success && (_flags & FanotifyInitFlags.ReportPidFd) != 0)
                pidFd = OpenPidFd(current, told.Pid);
        }

        if (error == Errno.Success)
        {
            // Before the copy, which may wait: the reader answers only what it has seen.
            if (told is FanotifyQuestion question)
            {
                question.Descriptor = installed!.Value.Value;
                _asked.Add(question);
            }

            error = await CopyAsync(current, to, Encode(current, told, installed?.Value ?? NoDescriptor, pidFd?.Value ?? NoDescriptor));
        }

        if (error != Errno.Success)
        {
            if (installed is { } fd)
                _ = await current.Files!.CloseAsync(current, fd);
            if (pidFd is { } process)
                _ = await current.Files!.CloseAsync(current, process);
            if (told is FanotifyQuestion question)
            {
                _asked.Remove(question);
                question.Reply(FanotifyResponse.Deny);
            }
        }

        Discard(told);
        return error;
    }

    private byte[] Encode(Task current, FanotifyEvent told, int descriptor, int pidFd)
    {
        const byte pidFdRecord = 4;
        byte[] bytes = new byte[SizeOf(told)];
        MemoryMarshal.Write(bytes, new FanotifyMetadata
        {
            Length = (uint)bytes.Length,
            Version = FanotifyMetadata.CurrentVersion,
            MetadataLength = (ushort)FanotifyMetadata.Size,
            Mask = (ulong)(told.What & ~FanotifyEvents.Flags),
            Descriptor = descriptor,
            Pid = told.Pid?.In(current.Namespaces.Pid) ?? 0,
        });
        if (bytes.Length > FanotifyMetadata.Size)
        {
            Span<byte> record = bytes.AsSpan(FanotifyMetadata.Size);
            record[0] = pidFdRecord;
            MemoryMarshal.Write(record[2..], (ushort)PidFdRecordSize);
            MemoryMarshal.Write(record[4..], pidFd);
        }

        return bytes;
    }

    private async KTask<Result<Fd>> OpenAsync(Task current, VfsPath path)
    {
        FdTable table = current.Files!;
        Result<Fd> slot = table.Reserve(current, (_eventFlags & OpenFlags.CloseOnExec) != 0);
        if (!slot.Ok)
            return slot.Error;
        Result<OpenFile> opened = await Kernel.Vfs.OpenInodeAsync(
            current, path, path.Dentry.Inode!, _eventFlags & ~OpenFlags.CloseOnExec, silent: true);
        if (!opened.Ok)
        {
            table.Unreserve(slot.Value);
            return opened.Error;
        }

        table.Install(slot.Value, opened.Value);
        return slot.Value;
    }

    private static Fd? OpenPidFd(Task current, PidNumber? number)
    {
        if (number?.Task is null)
            return null;
        var file = new PidFile(current.Kernel, number, OpenFlags.ReadOnly);
        Result<Fd> installed = file.Account(current) == Errno.Success ? current.Files!.Install(current, file, closeOnExec: true) : Errno.ENOMEM;
        if (installed.Ok)
            return installed.Value;
        file.Put();
        return null;
    }

    private static async KTask<Errno> CopyAsync(Task current, IovIter to, byte[] bytes)
    {
        for (int copied = 0; (copied += to.CopyTo(bytes.AsSpan(copied))) < bytes.Length;)
        {
            Errno error = await to.FaultInAsync(current, write: true);
            if (error != Errno.Success)
                return error;
        }

        return Errno.Success;
    }

    /// <summary>Charges for one more event; else one overflow stands for all that are lost.</summary>
    private bool Room()
    {
        if (_events.Count < _maximumEvents && _cgroup.ChargeKernelMemory(FanotifyEvent.DeclaredSize) == Errno.Success)
            return true;
        if (!_overflowed)
        {
            _overflowed = true;
            Enqueue(new FanotifyEvent(null, FanotifyEvents.QueueOverflow, null));
        }

        return false;
    }

    private void Enqueue(FanotifyEvent told)
    {
        _events.AddLast(told);
        _wait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal));
    }

    private void Discard(FanotifyEvent told)
    {
        if (told.Path is null)
            _overflowed = false;
        else
            _cgroup.UnchargeKernelMemory(FanotifyEvent.DeclaredSize);
        told.Release();
    }
}
