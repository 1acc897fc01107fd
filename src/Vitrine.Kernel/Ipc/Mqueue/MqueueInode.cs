using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc.Mqueue;

/// <summary>A message in a POSIX queue, charged to its sender's cgroup until it is received.</summary>
internal sealed class MqueueMessage(uint priority, byte[] text, Cgroup cgroup)
{
    private const int Overhead = 96;

    public uint Priority { get; } = priority;

    public byte[] Text { get; } = text;

    public static Errno Charge(Cgroup cgroup, int length) => cgroup.ChargeKernelMemory(Overhead + length);

    public void Uncharge() => cgroup.UnchargeKernelMemory(Overhead + Text.Length);
}

/// <summary>
/// A POSIX message queue (mqueue_inode_info's twin): messages by priority, oldest first within one. A message goes straight
/// to a waiting receiver and a waiting sender's message straight into room that is made, the waiter of the highest
/// scheduling priority first, so that nobody overtakes them.
/// </summary>
internal sealed partial class MqueueInode : Inode
{
    /// <summary>The declared size of a queue.</summary>
    public const int ObjectSize = 768;

    // Sizes of Linux's structures, which RLIMIT_MSGQUEUE counts besides the texts.
    private const long MessageHeaderSize = 48;
    private const long TreeNodeSize = 48;
    private const int ShownSize = 80;

    private readonly PosixQueues _queues;
    private readonly UserAccount _account;
    private readonly long _accountedBytes;
    private readonly Cgroup _chargedTo;
    private readonly SortedDictionary<uint, Queue<MqueueMessage>> _messages = new(Comparer<uint>.Create((a, b) => b.CompareTo(a)));
    private readonly WaiterList _senders = new();
    private readonly WaiterList _receivers = new();

    private MqueueInode(Task current, MqueueSuperBlock superBlock, FileMode mode, long maximum, long size, UserAccount account, long accounted)
        : base(superBlock, superBlock.NextInode(), mode)
    {
        _queues = superBlock.Queues;
        _account = account;
        _accountedBytes = accounted;
        _chargedTo = current.Cgroup;
        Kernel = superBlock.Kernel;
        MaximumMessages = maximum;
        MessageSize = size;
        Uid = current.Credentials.Fsuid;
        Gid = current.Credentials.Fsgid;
        Size = ShownSize;
        Touch();
        ModificationTime = AccessTime;
    }

    public KernelInstance Kernel { get; }

    public long MaximumMessages { get; }

    public long MessageSize { get; }

    public int Count { get; private set; }

    /// <summary>Bytes of all messages.</summary>
    public long Bytes { get; private set; }

    /// <summary>Who polls.</summary>
    public WaitQueue Wait { get; } = new();

    /// <summary>Makes a queue without a name, with one reference.</summary>
    public static Result<MqueueInode> Make(Task current, MqueueSuperBlock superBlock, FileMode mode, MessageQueueAttributes? wanted)
    {
        PosixQueues queues = superBlock.Queues;
        bool privileged = current.Credentials.IsCapable(queues.Namespace.Owner!, Capability.SysResource);
        if (queues.Count >= queues.QueueMaximum && !privileged)
            return Errno.ENOSPC;
        long maximum = wanted?.MaximumMessages ?? Math.Min(queues.MessageMaximum, queues.DefaultMessages);
        long size = wanted?.MessageSize ?? Math.Min(queues.MessageSizeMaximum, queues.DefaultMessageSize);
        if (maximum <= 0 || size <= 0)
            return Errno.EINVAL;
        if (maximum > (privileged ? PosixQueues.HardMessageMaximum : queues.MessageMaximum)
            || size > (privileged ? PosixQueues.HardMessageSizeMaximum : queues.MessageSizeMaximum))
        {
            return Errno.EINVAL;
        }

        // All of what the queue may come to hold is accounted when it is made.
        long bytes = (maximum * (MessageHeaderSize + size)) + (Math.Min(maximum, PosixQueues.Priorities) * TreeNodeSize);
        UserAccount account = current.Kernel.Users[current.Credentials.Uid];
        if (!account.TryChargeMessageQueue(bytes, current.ThreadGroup.Limit(ResourceLimit.MessageQueue).Soft))
            return Errno.EMFILE;
        Errno error = current.Cgroup.ChargeKernelMemory(ObjectSize);
        if (error != Errno.Success)
        {
            account.UnchargeMessageQueue(bytes);
            return error;
        }

        queues.Count++;
        return new MqueueInode(current, superBlock, mode, maximum, size, account, bytes);
    }

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags) =>
        KTask<Result<OpenFile>>.FromResult(new MqueueFile(path, this, flags));

    public override KTask<Errno> SetAttributesAsync(Task current, InodeAttributes changes)
    {
        // The size shown is that of the state's text; truncating it says nothing about the messages.
        ApplyAttributes(changes);
        return Fail(Errno.Success);
    }

    /// <summary>Puts a message into the queue, or hands it to who waits. EAGAIN, ETIMEDOUT, ERESTARTSYS when there is no room.</summary>
    /// <param name="deadline">A moment of CLOCK_REALTIME in nanoseconds; null: for ever.</param>
    public async KTask<Errno> SendAsync(Task current, MqueueMessage message, bool wait, long? deadline)
    {
        if (Count >= MaximumMessages)
        {
            if (!wait)
                return Errno.EAGAIN;
            var waiter = new Waiter(current) { Message = message };
            Errno error = await SleepAsync(current, _senders, waiter, deadline);
            if (error != Errno.Success)
                return error;
        }
        else if (_receivers.TakeFirst() is { } receiver)
        {
            receiver.Finish(message);
        }
        else
        {
            Insert(message);
            Notify(current);
        }

        Touch();
        ModificationTime = AccessTime;
        return Errno.Success;
    }

    /// <summary>Takes the oldest message of the highest priority; its charge becomes the caller's.</summary>
    public async KTask<Result<MqueueMessage>> ReceiveAsync(Task current, bool wait, long? deadline)
    {
        MqueueMessage message;
        if (Count == 0)
        {
            if (!wait)
                return Errno.EAGAIN;
            var waiter = new Waiter(current);
            Errno error = await SleepAsync(current, _receivers, waiter, deadline);
            if (error != Errno.Success)
                return error;
            message = waiter.Message!;
        }
        else
        {
            message = RemoveFirst();
            if (_senders.TakeFirst() is { } sender)
            {
                Insert(sender.Message!);
                sender.Finish(sender.Message);
            }
            else
            {
                Wait.WakeAll((uint)(PollEvents.Out | PollEvents.WriteNormal));
            }
        }

        Touch();
        ModificationTime = AccessTime;
        return message;
    }

    public MessageQueueAttributes Attributes(OpenFlags flags) => new()
    {
        Flags = (long)(flags & OpenFlags.NonBlock),
        MaximumMessages = MaximumMessages,
        MessageSize = MessageSize,
        CurrentMessages = Count,
    };

    /// <summary>Notes a use: access and change time.</summary>
    public void Touch() => AccessTime = ChangeTime = Kernel.Time.RealtimeTimespec;

    public override void Evict()
    {
        foreach (Queue<MqueueMessage> queue in _messages.Values)
        {
            foreach (MqueueMessage message in queue)
                message.Uncharge();
        }

        _messages.Clear();
        _account.UnchargeMessageQueue(_accountedBytes);
        _chargedTo.UnchargeKernelMemory(ObjectSize);
        _queues.Count--;
    }

    private void Insert(MqueueMessage message)
    {
        if (!_messages.TryGetValue(message.Priority, out Queue<MqueueMessage>? queue))
        {
            queue = [];
            _messages.Add(message.Priority, queue);
        }

        queue.Enqueue(message);
        Count++;
        Bytes += message.Text.Length;
    }

    private MqueueMessage RemoveFirst()
    {
        // Highest priority first, by the order of the keys.
        SortedDictionary<uint, Queue<MqueueMessage>>.Enumerator first = _messages.GetEnumerator();
        if (!first.MoveNext())
            throw new InvalidOperationException("an empty message queue was asked for a message");
        (uint priority, Queue<MqueueMessage> queue) = first.Current;
        MqueueMessage message = queue.Dequeue();
        if (queue.Count == 0)
            _messages.Remove(priority);
        Count--;
        Bytes -= message.Text.Length;
        return message;
    }

    private async KTask<Errno> SleepAsync(Task current, WaiterList list, Waiter waiter, long? deadline)
    {
        Timekeeper time = Kernel.Time;
        list.Add(waiter);
        while (!waiter.IsDone)
        {
            if (deadline is { } moment && time.Realtime >= moment)
            {
                list.Remove(waiter);
                return Errno.ETIMEDOUT;
            }

            Ktime until = deadline is { } at ? time.ToMonotonic(ClockId.Realtime, at) : Ktime.Never;
            WakeReason reason = deadline is null
                ? await current.SleepAsync(WaitMode.Interruptible, until)
                : await time.WasSet.WaitAsync(current, WaitMode.Interruptible, until);
            if (reason == WakeReason.Interrupted && !waiter.IsDone)
            {
                list.Remove(waiter);
                return Errno.ERESTARTSYS;
            }
        }

        return Errno.Success;
    }

    /// <summary>A task that waits for room with a message, or for a message.</summary>
    private sealed class Waiter(Task task)
    {
        /// <summary>Real-time tasks come before all others; among those the nicer one later.</summary>
        public int Priority { get; } = task.Sched.EffectivePriority > 0 ? task.Sched.EffectivePriority : -20 - task.Sched.Nice;

        public MqueueMessage? Message { get; set; }

        public bool IsDone { get; private set; }

        public void Finish(MqueueMessage? message)
        {
            Message = message;
            IsDone = true;
            task.Wake();
        }
    }

    /// <summary>Waiters by priority, those that came first before others of the same.</summary>
    private sealed class WaiterList
    {
        private readonly LinkedList<Waiter> _waiters = new();

        public bool IsEmpty => _waiters.Count == 0;

        public void Add(Waiter waiter)
        {
            LinkedListNode<Waiter>? before = _waiters.Last;
            while (before is not null && before.Value.Priority < waiter.Priority)
                before = before.Previous;
            if (before is null)
                _waiters.AddFirst(waiter);
            else
                _waiters.AddAfter(before, waiter);
        }

        public void Remove(Waiter waiter) => _waiters.Remove(waiter);

        public Waiter? TakeFirst()
        {
            Waiter? first = _waiters.First?.Value;
            if (first is not null)
                _waiters.RemoveFirst();
            return first;
        }
    }
}
