using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <content>
/// What a task's time is charged to. How much there is follows from the clock. How it divides between user code and the kernel is
/// measured at every entry but those of quick system calls, which would spend more on the clock than on themselves: they count
/// for what such calls took that were measured, one in some.
/// </content>
internal sealed partial class Processor
{
    /// <summary>Quick calls in a row that nobody measures; even with the one that is, so that programs with a rhythm of two or four don't fall in step.</summary>
    private const int MaxQuickCalls = 14;

    private Ktime _chargedUntil;

    /// <summary>Calls since then that were not measured, the current one included.</summary>
    private int _quickCalls;

    /// <summary>Nanoseconds that measured calls took, lately.</summary>
    private long _callTime = 200;

    /// <summary>The time from the last charge on is that of one call.</summary>
    private bool _measures;

    /// <summary>Nanoseconds of its current task's time that have not been charged yet.</summary>
    public long Uncharged => _kernel.Time.Now - _chargedUntil;

    /// <summary>As much of that as its clocks will count.</summary>
    public long Uncounted => Math.Max(Uncharged - (Current?.Sched.Refund ?? 0), 0);

    /// <summary>Charges the current task for its time up to now, for whoever is going to tell what it has used. Under the kernel lock, any thread.</summary>
    public void Settle()
    {
        if (Current is { } task)
            Charge(task, _kernel.Time.Now, IsThisThread);
    }

    private void Charge(Task task, Ktime now, bool inKernel)
    {
        long used = now - _chargedUntil;
        _chargedUntil = now;
        _kernel.Scheduler.Charge(this, task, used, now);
        _chargedSince += used;

        // What the kernel may have told the task of already must count.
        if (!inKernel)
            LookForSteal(task, now);
        used = Counted(task, used);
        long system = _quickCalls != 0 ? Math.Min(_quickCalls * _callTime, used) : inKernel ? used : 0;
        long user = used - system;
        _quickCalls = 0;
        _measures = false;
        task.Sched.UserTime += user;
        task.ThreadGroup.UserTime += user;
        UserTime += user;
        if (task.Sched.Nice > 0)
            NiceTime += user;
        task.Sched.SystemTime += system;
        task.ThreadGroup.SystemTime += system;
        SystemTime += system;
    }

    private Ktime ChargeSystem(Task task)
    {
        Ktime now = _kernel.Time.Now;
        if (_measures)
            _callTime += ((now - _chargedUntil) - _callTime) / 4;
        Charge(task, now, inKernel: true);
        return now;
    }
}
