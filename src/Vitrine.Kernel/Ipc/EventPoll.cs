using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc;

/// <summary>EPOLL* bits beyond those of poll (epoll_ctl(2)).</summary>
[Flags]
internal enum EpollFlags : uint
{
    None = 0,
    Exclusive = 1u << 28,
    WakeUp = 1u << 29,
    OneShot = 1u << 30,
    EdgeTriggered = 1u << 31,
    Private = Exclusive | WakeUp | OneShot | EdgeTriggered,
}

/// <summary>struct epoll_event: packed on x86-64.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct EpollEvent(uint Events, ulong Data)
{
    public const int Size = 12;
}

/// <summary>
/// An epoll instance (epoll(7)): interests in open file descriptions, and the list of those that may be ready. A wake-up
/// puts an interest on the ready list; waiting asks each on it what really is ready.
/// </summary>
internal sealed class EventPoll(KernelInstance kernel, Cgroup cgroup) : AnonymousFile(kernel, "[eventpoll]", OpenFlags.ReadWrite)
{
    /// <summary>Kernel memory charged for an instance and for an interest.</summary>
    public const long DeclaredSize = 512;
    public const long InterestSize = 256;

    /// <summary>How deep instances may watch each other (EP_MAX_NESTS).</summary>
    private const int MaximumNesting = 4;

    private readonly Dictionary<(OpenFile File, int Fd), EpollInterest> _interests = [];
    private readonly LinkedList<EpollInterest> _ready = new();
    private readonly WaitQueue _waiters = new();
    private readonly WaitQueue _pollers = new();

    public override bool IsStream => true;

    public IEnumerable<EpollInterest> Interests => _interests.Values;

    /// <summary>The file that is watched under a number, after so many others of the same number; null: none.</summary>
    public OpenFile? FileOf(Fd fd, uint skipped)
    {
        foreach (EpollInterest interest in _interests.Values)
        {
            if (interest.Fd == fd && skipped-- == 0)
                return interest.File;
        }

        return null;
    }

    public Errno Add(OpenFile file, Fd fd, EpollEvent @event)
    {
        if (_interests.ContainsKey((file, fd.Value)))
            return Errno.EEXIST;
        if (file is EventPoll inner)
        {
            if ((@event.Events & (uint)EpollFlags.Exclusive) != 0)
                return Errno.EINVAL;
            if (inner.Reaches(this, 0) || Height(0) + 1 + inner.Depth(0) > MaximumNesting)
                return Errno.ELOOP;
        }

        Errno error = cgroup.ChargeKernelMemory(InterestSize);
        if (error != Errno.Success)
            return error;
        var interest = new EpollInterest(this, file, fd, @event);
        _interests.Add((file, fd.Value), interest);
        file.AddEpollInterest(interest);
        interest.Arm();
        return Errno.Success;
    }

    public Errno Modify(OpenFile file, Fd fd, EpollEvent @event)
    {
        if (!_interests.TryGetValue((file, fd.Value), out EpollInterest? interest))
            return Errno.ENOENT;
        // EPOLLEXCLUSIVE may be neither set nor changed after the fact.
        if ((interest.Event.Events & (uint)EpollFlags.Exclusive) != 0 || (@event.Events & (uint)EpollFlags.Exclusive) != 0)
            return Errno.EINVAL;
        interest.Event = @event;
        if (interest.ReadyNow() != PollEvents.None)
            MarkReady(interest);
        return Errno.Success;
    }

    public Errno Remove(OpenFile file, Fd fd)
    {
        if (!_interests.TryGetValue((file, fd.Value), out EpollInterest? interest))
            return Errno.ENOENT;
        Forget(interest);
        file.RemoveEpollInterest(interest);
        return Errno.Success;
    }

    /// <summary>Drops an interest whose file goes away.</summary>
    public void Forget(EpollInterest interest)
    {
        interest.Disarm();
        if (interest.Node.List is not null)
            _ready.Remove(interest.Node);
        if (_interests.Remove((interest.File, interest.Fd.Value)))
            cgroup.UnchargeKernelMemory(InterestSize);
    }

    /// <summary>An interest may have become ready: under the kernel lock, from a wake-up.</summary>
    public void MarkReady(EpollInterest interest)
    {
        if (interest.Node.List is null)
            _ready.AddLast(interest.Node);
        _waiters.Wake();
        _pollers.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal));
    }

    /// <summary>Waits for events and writes them to user memory; the number written. EINTR on a signal.</summary>
    public async KTask<SyscallResult> WaitAsync(Task current, VirtAddr events, int maximum, Ktime deadline, bool immediate)
    {
        for (; ; )
        {
            byte[] buffer = new byte[Math.Min(maximum, Math.Max(_ready.Count, 1)) * EpollEvent.Size];
            var taken = new List<EpollInterest>();
            int count = Collect(buffer, taken);
            if (count > 0)
            {
                Errno error = await current.WriteUserBytesAsync(events, buffer.AsMemory(0, count * EpollEvent.Size));
                if (error == Errno.Success)
                    return count;
                // Not delivered: they stay ready.
                foreach (EpollInterest interest in taken)
                {
                    if (interest.Armed)
                        MarkReady(interest);
                }

                return error;
            }

            if (immediate)
                return 0;
            WakeReason reason = await _waiters.WaitAsync(current, WaitMode.Interruptible, deadline, exclusive: true);
            if (reason == WakeReason.Interrupted)
                return Errno.EINTR;
            if (reason == WakeReason.TimedOut)
                immediate = true;
        }
    }

    public override PollEvents Poll(PollTable? table)
    {
        table?.Add(_pollers);
        for (LinkedListNode<EpollInterest>? node = _ready.First; node is not null;)
        {
            LinkedListNode<EpollInterest>? next = node.Next;
            if (node.Value.ReadyNow() != PollEvents.None)
                return PollEvents.In | PollEvents.ReadNormal;
            _ready.Remove(node);
            node = next;
        }

        return PollEvents.None;
    }

    public override void Release()
    {
        foreach (EpollInterest interest in _interests.Values)
        {
            interest.Disarm();
            interest.File.RemoveEpollInterest(interest);
            cgroup.UnchargeKernelMemory(InterestSize);
        }

        _interests.Clear();
        _ready.Clear();
        cgroup.UnchargeKernelMemory(DeclaredSize);
        base.Release();
    }

    /// <summary>Moves what really is ready into the buffer, in order of becoming ready; level-triggered ones stay on the list, at its end.</summary>
    private int Collect(byte[] buffer, List<EpollInterest> taken)
    {
        int count = 0;
        int look = _ready.Count;
        while (look-- > 0 && (count + 1) * EpollEvent.Size <= buffer.Length)
        {
            LinkedListNode<EpollInterest> node = _ready.First!;
            _ready.RemoveFirst();
            EpollInterest interest = node.Value;
            PollEvents events = interest.ReadyNow();
            if (events == PollEvents.None)
                continue;
            var result = new EpollEvent((uint)events, interest.Event.Data);
            MemoryMarshal.Write(buffer.AsSpan(count * EpollEvent.Size), in result);
            count++;
            taken.Add(interest);
            var flags = (EpollFlags)interest.Event.Events;
            if ((flags & EpollFlags.OneShot) != 0)
                interest.Event = interest.Event with { Events = interest.Event.Events & (uint)EpollFlags.Private };
            else if ((flags & EpollFlags.EdgeTriggered) == 0)
                _ready.AddLast(node);
        }

        if (_ready.Count > 0 && count > 0)
            _waiters.Wake();
        return count;
    }

    private bool Reaches(EventPoll target, int depth)
    {
        if (this == target)
            return true;
        if (depth > MaximumNesting)
            return true;
        foreach (EpollInterest interest in _interests.Values)
        {
            if (interest.File is EventPoll inner && inner.Reaches(target, depth + 1))
                return true;
        }

        return false;
    }

    /// <summary>How many instances watch each other above this one.</summary>
    private int Height(int height)
    {
        int highest = height;
        if (height > MaximumNesting)
            return height;
        foreach (EpollInterest interest in EpollInterests)
            highest = Math.Max(highest, interest.Owner.Height(height + 1));
        return highest;
    }

    private int Depth(int depth)
    {
        int deepest = depth;
        if (depth > MaximumNesting)
            return depth;
        foreach (EpollInterest interest in _interests.Values)
        {
            if (interest.File is EventPoll inner)
                deepest = Math.Max(deepest, inner.Depth(depth + 1));
        }

        return deepest;
    }
}
