using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Tasks;

/// <content>Parents, children and what they are told.</content>
internal sealed partial class Task
{
    private LinkedListNode<Task>? _siblingNode;

    /// <summary>The thread that created the process, or who has inherited it; null for kernel threads and process 1.</summary>
    public Task? Parent { get; private set; }

    /// <summary>Processes (their leaders) whose parent is this thread, oldest first.</summary>
    public LinkedList<Task> Children { get; } = new();

    /// <summary>The signal that the parent gets when the process ends; 0: none (and only __WCLONE waits see it).</summary>
    public SignalNumber ExitSignal { get; set; }

    /// <summary>The wait status once the task has exited.</summary>
    public int ExitCode { get; set; }

    /// <summary>The task is on its way out or gone (PF_EXITING).</summary>
    public bool IsExiting { get; private set; }

    public Ktime StartTime { get; init; }

    public TaskCounters Counters { get; } = new();

    /// <summary>The process that waits in vfork for this one, until exec or exit.</summary>
    internal Task? VforkParent { get; set; }

    /// <summary>The child that this task waits for in vfork.</summary>
    internal Task? VforkChild { get; set; }

    internal bool HasReleasedParent { get; private set; }

    /// <summary>The signal sent when the parent dies (PR_SET_PDEATHSIG).</summary>
    public SignalNumber ParentDeathSignal { get; set; }

    internal void SetParent(Task? parent)
    {
        if (_siblingNode is not null)
        {
            _siblingNode.List?.Remove(_siblingNode);
        }

        Parent = parent;
        if (parent is null)
            return;
        _siblingNode ??= new LinkedListNode<Task>(this);
        parent.Children.AddLast(_siblingNode);
    }

    /// <summary>The address space is no longer the vfork parent's: it may go on.</summary>
    internal void ReleaseVforkParent()
    {
        if (VforkParent is not { } parent)
            return;
        VforkParent = null;
        HasReleasedParent = true;
        parent.Wake();
    }
}

/// <summary>What getrusage and /proc count for one thread beyond scheduling.</summary>
internal sealed class TaskCounters
{
    public long Signals { get; set; }

    /// <summary>In blocks of 512 bytes.</summary>
    public long BlocksIn { get; set; }

    public long BlocksOut { get; set; }

    /// <summary>Bytes through read and write calls (rchar, wchar), and how many calls.</summary>
    public long CharactersRead { get; set; }

    public long CharactersWritten { get; set; }

    public long ReadCalls { get; set; }

    public long WriteCalls { get; set; }
}
