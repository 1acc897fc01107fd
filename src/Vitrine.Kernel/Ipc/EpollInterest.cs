using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc;

/// <summary>One watched (file, descriptor) of an epoll instance (struct epitem's twin). Holds no reference on the file: the file's end removes it.</summary>
internal sealed class EpollInterest : PollTable
{
    private readonly List<Entry> _entries = [];

    public EpollInterest(EventPoll owner, OpenFile file, Fd fd, EpollEvent @event)
    {
        Owner = owner;
        File = file;
        Fd = fd;
        Event = @event;
        Node = new LinkedListNode<EpollInterest>(this);
    }

    public EventPoll Owner { get; }

    public OpenFile File { get; }

    public Fd Fd { get; }

    public EpollEvent Event { get; set; }

    /// <summary>Its place on the owner's ready list.</summary>
    public LinkedListNode<EpollInterest> Node { get; }

    public bool Armed { get; private set; }

    private PollEvents Wanted => (PollEvents)(Event.Events & ~(uint)EpollFlags.Private);

    /// <summary>What is ready now of what is asked for; nothing while a one-shot interest is spent.</summary>
    public PollEvents ReadyNow() => Wanted == PollEvents.None ? PollEvents.None : File.Poll(null) & Effective;

    /// <summary>Registers on the file's queues and looks once.</summary>
    public void Arm()
    {
        Armed = true;
        Interest = Effective;
        if ((File.Poll(this) & Effective) != PollEvents.None)
            Owner.MarkReady(this);
    }

    public void Disarm()
    {
        Armed = false;
        foreach (Entry entry in _entries)
            entry.Queue?.Remove(entry);
        _entries.Clear();
    }

    public override void Add(WaitQueue queue)
    {
        var entry = new Entry(this) { Exclusive = (Event.Events & (uint)EpollFlags.Exclusive) != 0 };
        _entries.Add(entry);
        queue.Add(entry);
    }

    /// <summary>Errors and hang-ups are always reported.</summary>
    private PollEvents Effective => Wanted | PollEvents.Error | PollEvents.HangUp;

    private sealed class Entry(EpollInterest interest) : WaitEntry
    {
        public override bool OnWake(uint key)
        {
            if (interest.Wanted == PollEvents.None || (key != 0 && ((PollEvents)key & interest.Effective) == 0))
                return false;
            interest.Owner.MarkReady(interest);
            return true;
        }
    }
}
