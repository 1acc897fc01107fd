using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc.Fanotify;

/// <summary>An event in a group's queue: it keeps the place until it has been read. Null path: the queue overflowed.</summary>
internal class FanotifyEvent(VfsPath? path, FanotifyEvents what, PidNumber? pid)
{
    /// <summary>Kernel memory charged for one.</summary>
    public const int DeclaredSize = 128;

    public VfsPath? Path { get; } = path?.Get();

    public FanotifyEvents What { get; set; } = what;

    /// <summary>Who caused it.</summary>
    public PidNumber? Pid { get; } = pid;

    /// <summary>Whether a later event can be told with this one.</summary>
    public virtual bool IsMergeable => Path is not null;

    public void Release() => Path?.Put();
}

/// <summary>An event that somebody waits for an answer to.</summary>
internal sealed class FanotifyQuestion(VfsPath path, FanotifyEvents what, PidNumber? pid) : FanotifyEvent(path, what, pid)
{
    public override bool IsMergeable => false;

    /// <summary>The reader's descriptor, by which it answers; -1 until it has been read.</summary>
    public int Descriptor { get; set; } = -1;

    /// <summary>FAN_ALLOW, FAN_DENY; 0: not yet.</summary>
    public uint Answer { get; private set; }

    public Sched.WaitQueue Wait { get; } = new();

    public void Reply(uint answer)
    {
        Answer = answer;
        Wait.WakeAll();
    }
}
