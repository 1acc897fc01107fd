using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Sched;

/// <content>How many tasks are doing what, for /proc/stat and the load average.</content>
internal sealed partial class Scheduler
{
    /// <summary>Runnable tasks that wait for a processor.</summary>
    public int Waiting
    {
        get
        {
            int waiting = 0;
            foreach (RunQueue queue in Queues)
                waiting += queue.Waiting;
            return waiting;
        }
    }

    /// <summary>Tasks on a processor or waiting for one (procs_running).</summary>
    public int Running
    {
        get
        {
            int running = Waiting;
            foreach (Processor processor in _kernel.Processors)
            {
                if (processor.Current is not null)
                    running++;
            }

            return running;
        }
    }

    /// <summary>Tasks in uninterruptible waits, idle kernel threads apart.</summary>
    public int Blocked
    {
        get
        {
            int blocked = 0;
            foreach (ThreadGroup group in _kernel.Tasks.Processes)
            {
                foreach (Task task in group.Threads)
                {
                    if (task.State is TaskState.Uninterruptible or TaskState.Killable)
                        blocked++;
                }
            }

            return blocked;
        }
    }

    /// <summary>What the load averages count: running tasks, and those in uninterruptible sleep.</summary>
    public int CountActive() => Running + Blocked;
}
