using Vitrine.Cpu;
using Vitrine.Kernel.Async;

namespace Vitrine.Kernel.Tasks;

/// <content>Signals and faults as the entry code needs them.</content>
internal sealed partial class Task
{
    /// <summary>A signal is pending that is not blocked, or the task must exit or freeze: interruptible waits end.</summary>
    public bool HasInterruptingWork => (Work & (TaskWork.Exit | TaskWork.Freeze)) != 0;

    /// <summary>The task is going to die: killable waits end.</summary>
    public bool IsFatalSignalPending => (Work & TaskWork.Exit) != 0;

    private KTask HandlePageFaultAsync(VirtAddr address, PageFaultError error) => throw new NotSupportedException();

    private void HandleException(CpuExit exit) => throw new NotSupportedException();

    private KTask ExitToUserAsync() => throw new NotSupportedException();
}
