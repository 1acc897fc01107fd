using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Ipc.SysV;

/// <summary>A message in a queue: its type and its text, charged to its sender's cgroup until it is received.</summary>
internal sealed class SysVMessage(long type, byte[] text, Cgroup cgroup)
{
    private const int Overhead = 96;

    public long Type { get; } = type;

    public byte[] Text { get; } = text;

    public static Errno Charge(Cgroup cgroup, int length) => cgroup.ChargeKernelMemory(Overhead + length);

    public void Uncharge() => cgroup.UnchargeKernelMemory(Overhead + Text.Length);
}

/// <summary>How msgrcv chooses a message.</summary>
internal enum MessageSearch
{
    Any = 0,
    Equal = 1,
    NotEqual = 2,

    /// <summary>The lowest type up to a limit.</summary>
    LessOrEqual = 3,

    /// <summary>By position, for MSG_COPY.</summary>
    Position = 4,
}

/// <summary>A System V message queue (msg_queue's twin). Messages keep their order; each type can be received alone.</summary>
internal sealed class SysVMessageQueue(Task current, int key, IpcFlags mode) : IpcObject(current, key, mode, DeclaredSize)
{
    public const int DeclaredSize = 256;

    private readonly LinkedList<SysVMessage> _messages = new();
    private readonly WaitQueue _receivers = new();
    private readonly WaitQueue _senders = new();

    public ulong MaximumBytes { get; private set; } = (ulong)current.Namespaces.Ipc.MessageQueueBytes;

    public ulong Bytes { get; private set; }

    public int Count => _messages.Count;

    public long SendTime { get; private set; }

    public long ReceiveTime { get; private set; }

    public PidNumber? LastSender { get; private set; }

    public PidNumber? LastReceiver { get; private set; }

    /// <summary>Puts a message at the end. EACCES, EAGAIN, EIDRM; an interrupted wait is not restarted after a handler.</summary>
    public async KTask<Errno> SendAsync(Task current, SysVMessage message, bool wait)
    {
        for (; ; )
        {
            if (!MayAccess(current, 0x92))
                return Errno.EACCES;
            if (Bytes + (ulong)message.Text.Length <= MaximumBytes && (ulong)Count + 1 <= MaximumBytes)
                break;
            if (!wait)
                return Errno.EAGAIN;
            WakeReason reason = await _senders.WaitAsync(current, WaitMode.Interruptible);
            if (IsRemoved)
                return Errno.EIDRM;
            if (reason == WakeReason.Interrupted)
                return Errno.ERESTARTNOHAND;
        }

        _messages.AddLast(message);
        Bytes += (ulong)message.Text.Length;
        Namespace.MessageBytes += message.Text.Length;
        Namespace.MessageCount++;
        LastSender = current.ThreadGroup.Leader.Pid;
        SendTime = Now(current);
        _receivers.WakeAll();
        return Errno.Success;
    }

    /// <summary>Takes a message (or looks at it, for a position). E2BIG, ENOMSG, EACCES, EIDRM.</summary>
    public async KTask<Result<SysVMessage>> ReceiveAsync(Task current, MessageSearch search, long type, ulong size, bool truncate, bool wait)
    {
        for (; ; )
        {
            if (!MayAccess(current, 0x124))
                return Errno.EACCES;
            if (Find(search, type) is { } node)
            {
                SysVMessage message = node.Value;
                if (size < (ulong)message.Text.Length && !truncate)
                    return Errno.E2BIG;
                if (search == MessageSearch.Position)
                    return size < (ulong)message.Text.Length ? Errno.EINVAL : message;
                _messages.Remove(node);
                Forget(message);
                LastReceiver = current.ThreadGroup.Leader.Pid;
                ReceiveTime = Now(current);
                _senders.WakeAll();
                return message;
            }

            if (!wait)
                return Errno.ENOMSG;
            WakeReason reason = await _receivers.WaitAsync(current, WaitMode.Interruptible);
            if (IsRemoved)
                return Errno.EIDRM;
            if (reason == WakeReason.Interrupted)
                return Errno.ERESTARTNOHAND;
        }
    }

    /// <summary>IPC_SET changed how much fits, or who may: all waiters look again.</summary>
    public void SetMaximum(ulong bytes)
    {
        MaximumBytes = bytes;
        _receivers.WakeAll();
        _senders.WakeAll();
    }

    public MessageQueueStatus Status(Task reader) => new()
    {
        Permission = Permission,
        SendTime = SendTime,
        ReceiveTime = ReceiveTime,
        ChangeTime = ChangeTime,
        Bytes = Bytes,
        Count = (ulong)Count,
        MaximumBytes = MaximumBytes,
        LastSender = Number(reader, LastSender),
        LastReceiver = Number(reader, LastReceiver),
    };

    protected internal override void MarkRemoved()
    {
        base.MarkRemoved();
        foreach (SysVMessage message in _messages)
            Forget(message);
        _messages.Clear();
        _receivers.WakeAll();
        _senders.WakeAll();
    }

    private void Forget(SysVMessage message)
    {
        Bytes -= (ulong)message.Text.Length;
        Namespace.MessageBytes -= message.Text.Length;
        Namespace.MessageCount--;
        message.Uncharge();
    }

    private LinkedListNode<SysVMessage>? Find(MessageSearch search, long type)
    {
        LinkedListNode<SysVMessage>? lowest = null;
        long position = 0;
        for (LinkedListNode<SysVMessage>? node = _messages.First; node is not null; node = node.Next, position++)
        {
            switch (search)
            {
                case MessageSearch.Any:
                case MessageSearch.Equal when node.Value.Type == type:
                case MessageSearch.NotEqual when node.Value.Type != type:
                case MessageSearch.Position when position == type:
                    return node;
                case MessageSearch.LessOrEqual when node.Value.Type <= type && (lowest is null || node.Value.Type < lowest.Value.Type):
                    lowest = node;
                    break;
            }
        }

        return lowest;
    }
}
