using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Sched;

/// <summary>
/// A host call that may be slow, run on the host's thread pool without the kernel lock; the waiting task is woken
/// through the interrupt queue. The work must not touch kernel state. The wait is uninterruptible: host work is bound
/// to finish (calls that may block for ever, such as reading a terminal, use interrupts of their own instead).
/// A deterministic machine stands still meanwhile: the call is made in place and takes no time of the guest's.
/// </summary>
[HostBoundary("hands slow host calls to the host's pool")]
internal static class HostWork
{
    /// <summary>Runs <paramref name="work"/> off the lock and returns its value; what it throws panics the machine.</summary>
    public static async KTask<T> RunAsync<T>(Task current, Func<T> work)
    {
        if (current.Kernel.VirtualClock is not null)
            return work();
        var job = new Job<T>(current, work);
        current.Kernel.HostJobBegins();
        ThreadPool.UnsafeQueueUserWorkItem(job, preferLocal: false);
        while (!job.Done)
            _ = await current.SleepAsync(WaitMode.Uninterruptible, Ktime.Never);
        if (job.Error is { } error)
            throw new KernelPanicException(error);
        return job.Value!;
    }

    private sealed class Job<T>(Task task, Func<T> work) : IThreadPoolWorkItem
    {
        public T? Value;
        public Exception? Error;
        public bool Done;

        public void Execute()
        {
            try
            {
                Value = work();
            }
#pragma warning disable CA1031 // Carried to the kernel, where it panics the machine.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Error = exception;
            }

            task.Kernel.Interrupts.Post(Complete);
            task.Kernel.HostJobEnds();
        }

        private void Complete()
        {
            Done = true;
            task.Wake();
        }
    }
}
