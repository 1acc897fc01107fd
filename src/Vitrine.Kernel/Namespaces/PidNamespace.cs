using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Namespaces;

/// <summary>One level of process numbers. A task has a number here and in every ancestor.</summary>
internal sealed class PidNamespace(PidNamespace? parent, UserNamespace owner, InodeNumber inode) : Namespace(owner, inode)
{
    /// <summary>pid_max's default on 64 bits.</summary>
    public const int DefaultMaximum = 4_194_304;

    private readonly Dictionary<int, PidNumber> _numbers = [];
    private int _last;

    public PidNamespace? Parent { get; } = parent;

    public int Level { get; } = parent is null ? 0 : parent.Level + 1;

    public int Maximum { get; set; } = DefaultMaximum;

    /// <summary>The last number given out (ns_last_pid, last field of /proc/loadavg).</summary>
    public int Last
    {
        get => _last;
        set => _last = value;
    }

    public int Count => _numbers.Count;

    /// <summary>Process 1 of this namespace.</summary>
    public ThreadGroup? ChildReaper { get; set; }

    public PidNumber? Find(int number) => _numbers.GetValueOrDefault(number);

    /// <summary>All numbers in use, ascending.</summary>
    public IEnumerable<KeyValuePair<int, PidNumber>> All
    {
        get
        {
            int[] numbers = [.. _numbers.Keys];
            Array.Sort(numbers);
            return Array.ConvertAll(numbers, number => KeyValuePair.Create(number, _numbers[number]));
        }
    }

    internal Result<int> Allocate(PidNumber pid)
    {
        for (int tries = 0; tries < Maximum; tries++)
        {
            _last = _last + 1 < Maximum ? _last + 1 : 300;
            if (_numbers.TryAdd(_last, pid))
                return _last;
        }

        return Errno.EAGAIN;
    }

    /// <summary>Takes a given number: EEXIST if it is in use, EINVAL if it is out of range.</summary>
    internal Errno Take(int number, PidNumber pid)
    {
        if (number < 1 || number >= Maximum)
            return Errno.EINVAL;
        return _numbers.TryAdd(number, pid) ? Errno.Success : Errno.EEXIST;
    }

    internal void Free(int number) => _numbers.Remove(number);
}

/// <summary>
/// A process number with its users (struct pid's twin): a task, and whoever uses it as process group or session. It is
/// freed in all levels when the last user is gone.
/// </summary>
internal sealed class PidNumber
{
    private readonly PidNamespace[] _levels;
    private readonly int[] _numbers;

    private PidNumber(PidNamespace[] levels)
    {
        _levels = levels;
        _numbers = new int[levels.Length];
    }

    /// <summary>The number in the initial namespace.</summary>
    public int Global => _numbers[0];

    public PidNamespace Namespace => _levels[^1];

    /// <summary>The task with this number, while it exists.</summary>
    public Task? Task { get; set; }

    /// <summary>Thread groups in the process group / session of this number, in order of joining.</summary>
    public List<ThreadGroup> ProcessGroup { get; } = [];

    public List<ThreadGroup> Session { get; } = [];

    /// <summary>Woken when the process of this number has exited (poll on a pidfd).</summary>
    public Sched.WaitQueue ExitWait { get; } = new();

    /// <summary>The process has become a zombie or is gone.</summary>
    public void NotifyPidFd() => ExitWait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal));

    /// <summary>Takes a number at every level of the namespace, or EAGAIN.</summary>
    /// <param name="ns">The innermost namespace.</param>
    /// <param name="wished">Numbers to take, innermost namespace first; levels beyond get any.</param>
    public static Result<PidNumber> Allocate(PidNamespace ns, ReadOnlySpan<int> wished = default)
    {
        var levels = new PidNamespace[ns.Level + 1];
        for (PidNamespace? level = ns; level is not null; level = level.Parent)
            levels[level.Level] = level;
        var pid = new PidNumber(levels);
        for (int i = 0; i < levels.Length; i++)
        {
            Result<int> number;
            if (ns.Level - i >= wished.Length)
            {
                number = levels[i].Allocate(pid);
            }
            else
            {
                int wish = wished[ns.Level - i];
                Errno error = levels[i].Take(wish, pid);
                number = error == Errno.Success ? wish : error;
            }

            if (!number.Ok)
            {
                while (--i >= 0)
                    levels[i].Free(pid._numbers[i]);
                return number.Error;
            }

            pid._numbers[i] = number.Value;
        }

        return pid;
    }

    /// <summary>The number as seen from a namespace; 0 if it is not visible there.</summary>
    public int In(PidNamespace ns) => ns.Level < _levels.Length && _levels[ns.Level] == ns ? _numbers[ns.Level] : 0;

    /// <summary>The numbers from a namespace's level down to its own (the NSpid line of status).</summary>
    public ReadOnlySpan<int> NumbersFrom(PidNamespace ns) => _numbers.AsSpan(Math.Min(ns.Level, _numbers.Length));

    /// <summary>Frees the numbers if nothing uses them any more.</summary>
    public void ReleaseIfUnused()
    {
        if (Task is not null || ProcessGroup.Count > 0 || Session.Count > 0)
            return;
        for (int i = 0; i < _levels.Length; i++)
            _levels[i].Free(_numbers[i]);
    }
}
