namespace Vitrine.Abi;

/// <summary>struct mq_attr of x86-64: eight longs, the last four reserved.</summary>
internal struct MessageQueueAttributes
{
    /// <summary>O_NONBLOCK or 0.</summary>
    public long Flags;

    /// <summary>Messages that fit.</summary>
    public long MaximumMessages;

    /// <summary>Bytes of the longest message.</summary>
    public long MessageSize;

    /// <summary>Messages in the queue now.</summary>
    public long CurrentMessages;

    public long Reserved0;
    public long Reserved1;
    public long Reserved2;
    public long Reserved3;
}
