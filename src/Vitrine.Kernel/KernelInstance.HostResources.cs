namespace Vitrine.Kernel;

/// <summary>Something of the host that a machine holds: closed when the machine ends, however it ends.</summary>
internal interface IHostResource
{
    /// <summary>Writes out what must not be lost and closes everything. After the last processor has stopped.</summary>
    void ReleaseHost();
}

/// <content>What the machine holds of the host, and calls to it that are under way.</content>
internal sealed partial class KernelInstance
{
    private readonly List<IHostResource> _hostResources = [];
    private readonly Lock _hostJobsLock = new();
    private int _hostJobs;
    private bool _isClosedToInterrupts;
    private ManualResetEventSlim? _hostJobsDone;

    public void AddHostResource(IHostResource resource) => _hostResources.Add(resource);

    public void RemoveHostResource(IHostResource resource) => _hostResources.Remove(resource);

    /// <summary>
    /// Ends the machine's hold on the host: waits for host calls that are under way (they may be reading into the
    /// machine's memory), then closes what is open. False if a call did not end in time: then nothing is closed, and the
    /// memory must not be given back.
    /// </summary>
    [HostBoundary("waits for the host's threads at the machine's end")]
    public bool ReleaseHostResources(TimeSpan patience)
    {
        lock (_hostJobsLock)
        {
            if (_hostJobs > 0)
                _hostJobsDone = new ManualResetEventSlim(false);
        }

        if (_hostJobsDone is { } done && !done.Wait(patience))
            return false;
        foreach (IHostResource resource in _hostResources.ToArray())
            resource.ReleaseHost();
        _hostResources.Clear();
        return true;
    }

    /// <summary>The processors are about to go: whatever the host's threads post from now on reaches nobody.</summary>
    public void CloseToInterrupts()
    {
        lock (_hostJobsLock)
            _isClosedToInterrupts = true;
    }

    /// <summary>Gets some processor to look at the interrupt queue. Any thread, also after the machine's end.</summary>
    public void InterruptOneProcessor()
    {
        // Held while a processor is touched, so that it can't be freed meanwhile.
        lock (_hostJobsLock)
        {
            if (_isClosedToInterrupts || Processors.Length == 0)
                return;
            foreach (Sched.Processor processor in Processors)
            {
                if (processor.IsIdle)
                {
                    processor.Interrupt();
                    return;
                }
            }

            Processors[0].Interrupt();
        }
    }

    /// <summary>Wakes processors that wait for something from outside, and disturbs no others. Any thread, also after the machine's end.</summary>
    public void WakeProcessorsFromHost()
    {
        lock (_hostJobsLock)
        {
            if (_isClosedToInterrupts)
                return;
            foreach (Sched.Processor processor in Processors)
                processor.WakeFromHost();
        }
    }

    /// <summary>A host call begins. Any thread.</summary>
    internal void HostJobBegins()
    {
        lock (_hostJobsLock)
            _hostJobs++;
    }

    /// <summary>A host call has ended and touches nothing of the machine any more. Any thread.</summary>
    internal void HostJobEnds()
    {
        lock (_hostJobsLock)
        {
            if (--_hostJobs == 0)
                _hostJobsDone?.Set();
        }
    }
}
