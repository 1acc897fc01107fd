using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Sched;

/// <content>How many tasks are doing what, for /proc/stat and the load average.</content>
internal sealed partial class Scheduler
{
    /// <summary>Tasks on a processor or waiting for one.</summary>
    public int Running
    {
        get
        {
            int running = _count;
            foreach (Processor processor in kernel.Processors)
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
            foreach (ThreadGroup group in kernel.Tasks.Processes)
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
}
