using Vitrine.Kernel.Net;
using Vitrine.Kernel.Net.Netlink;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Ipc.Mqueue;

/// <summary>
/// The netlink socket that a C library's helper thread reads from for SIGEV_THREAD, and the cookie that it gets, with a last
/// byte that says what happened. Holds a reference on the socket's file until it has told.
/// </summary>
internal sealed class QueueHelper(SocketFile file, byte[] cookie)
{
    public const int CookieLength = 32;

    public void Tell(bool wokenUp)
    {
        const byte isWokenUp = 1, isRemoved = 2;
        cookie[^1] = wokenUp ? isWokenUp : isRemoved;
        _ = ((NetlinkSocket)file.Socket).Deliver(cookie, 0, 0, NetlinkMessages.KernelIdentity);
        file.Put();
    }
}

/// <content>
/// mq_notify(3): one process may ask to be told, once, when a message comes into the empty queue and nobody waits for it.
/// </content>
internal sealed partial class MqueueInode
{
    private ThreadGroup? _notified;
    private SignalEvent _notification;
    private Uid _notifier;
    private QueueHelper? _helper;

    /// <summary>Registers the current process. EBUSY if one is registered; the helper then stays the caller's.</summary>
    /// <param name="current">Who is to be told.</param>
    /// <param name="notification">How.</param>
    /// <param name="helper">Whom SIGEV_THREAD tells instead of the process.</param>
    public Errno Register(Task current, in SignalEvent notification, QueueHelper? helper)
    {
        if (_notified is not null)
            return Errno.EBUSY;
        _notified = current.ThreadGroup;
        _notification = notification;
        _helper = helper;
        _notifier = current.Credentials.Uid;
        Touch();
        return Errno.Success;
    }

    /// <summary>Ends the registration if it is the process's.</summary>
    public void Unregister(ThreadGroup group)
    {
        if (_notified != group)
            return;
        _notified = null;
        _helper?.Tell(wokenUp: false);
        _helper = null;
    }

    /// <summary>The registration as reading the queue's file shows it: SIGEV_*, the signal, the process.</summary>
    internal (int Notify, int Signal, int Pid) Registration(Task reader) => _notified is not { } group
        ? (0, 0, 0)
        : ((int)_notification.Notify, _notification.Notify == SignalNotify.Signal ? (int)_notification.Signal : 0, group.Leader.Pid.In(reader.Namespaces.Pid));

    /// <summary>A message came that nobody waited for.</summary>
    private void Notify(Task current)
    {
        if (Count == 1 && _notified is { } group)
        {
            _notified = null;
            _helper?.Tell(wokenUp: true);
            _helper = null;
            if (_notification.Notify == SignalNotify.Signal && _notification.Signal != SignalNumber.None)
            {
                var info = new SignalInfo
                {
                    Signal = _notification.Signal,
                    Code = SignalCode.MessageQueue,
                    Pid = current.ThreadGroup.Leader.Pid.In(group.Leader.Namespaces.Pid),
                    Uid = current.Credentials.Uid.Value,
                    Value = _notification.Value,
                };

                // Who registered may signal itself, whoever sends the message.
                if (_notifier == group.Leader.Credentials.Uid || !group.IsExiting)
                    _ = SignalSender.SendToGroup(group, in info);
            }
        }

        Wait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal));
    }
}
