using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Net.Unix;

/// <content>
/// Urgent data of streams (MSG_OOB): one byte in a buffer of its own, which an ordinary read stops at and then passes
/// over, unless SO_OOBINLINE has it read in its place. A later urgent byte makes the one before it an ordinary one.
/// </content>
internal sealed partial class UnixSocket
{
    /// <summary>The urgent byte that has not been taken, in the queue.</summary>
    private LinkedListNode<SocketBuffer>? _urgent;

    public override Result<int> AtMark
    {
        get
        {
            if (Type != SocketType.Stream)
                return Errno.EOPNOTSUPP;
            if (_received.First is not { } first)
                return 0;
            return first == _urgent || (first.Value.Remaining == 0 && (_urgent is null || first.Next == _urgent)) ? 1 : 0;
        }
    }

    private bool IsUrgentInline => BooleanOptions.Contains(SocketOption.OutOfBandInline);

    private void DeliverUrgent(UnixSocket target, SocketBuffer buffer)
    {
        Deliver(target, buffer);
        target._urgent = target._received.Last;
        target._wait.WakeAll((uint)PollEvents.Priority);
        target.File?.SignalOwner(SignalNumber.Urg);
        target.Subscribers.NotifyUrgent();
    }

    /// <summary>recv with MSG_OOB: the byte, once; its empty buffer stays as the mark. EINVAL without one.</summary>
    private async KTask<Result<long>> ReceiveUrgentAsync(Task current, IovIter to, ReceivedMessage message, MessageFlags flags)
    {
        if (IsUrgentInline || _urgent is not { } node || to.Remaining == 0)
            return Errno.EINVAL;
        SocketBuffer buffer = node.Value;
        buffer.Get();
        bool peek = (flags & MessageFlags.Peek) != 0;
        if (!peek)
            _urgent = null;
        Errno error = await buffer.CopyOutAsync(current, to, 1);
        if (!peek)
            buffer.Consumed = buffer.Length;
        buffer.Free();
        if (error != Errno.Success)
            return Errno.EFAULT;
        message.Flags |= MessageFlags.OutOfBand;
        return 1L;
    }

    /// <summary>
    /// What an ordinary read does at the urgent byte, or at the mark that is left of it: the next buffer to read from;
    /// null to stop, or to wait if nothing was read yet.
    /// </summary>
    private LinkedListNode<SocketBuffer>? PassUrgent(LinkedListNode<SocketBuffer> node, bool peek, bool hasRead)
    {
        LinkedListNode<SocketBuffer>? at = node;
        if (at.Value.Remaining == 0)
        {
            if (hasRead && _urgent is null)
                return null;
            LinkedListNode<SocketBuffer>? next = at.Next;
            if (!peek)
                Discard(at);
            at = next;
        }

        if (at is null || at != _urgent)
            return at;
        if (hasRead)
            return null;
        if (peek)
            return IsUrgentInline ? at : at.Next;
        _urgent = null;
        if (IsUrgentInline)
            return at;
        Discard(at);
        return _received.First;
    }
}
