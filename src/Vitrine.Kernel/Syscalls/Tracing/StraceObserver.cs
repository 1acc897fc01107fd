using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Tracing;

/// <summary>Turns what the kernel reports into the tracer's lines (<c>vitrine do --strace</c>).</summary>
/// <param name="sink">Takes a line, under the kernel lock.</param>
internal sealed class StraceObserver(Action<string> sink) : IMachineObserver
{
    private readonly HashSet<int> _known = [];
    private Tracer? _tracer;

    public unsafe void ProgramStarted(Task task, byte[] path, byte[][] arguments, byte[][] environment)
    {
        // The new stack holds argc, argv and its end, then envp.
        ulong vector = task.Registers->Rsp + (8 * ((ulong)arguments.Length + 2));
        TracerFor(task).Started(task.Tid, path, arguments, vector, environment.Length);
    }

    public void SyscallEntered(Task task)
    {
        Tracer tracer = TracerFor(task);
        tracer.Enter(task.Tid, task.SyscallNumber, task.SyscallArguments, new TaskMemory(task.Mm));
    }

    public void SyscallLeft(Task task, SyscallResult result) => _tracer?.Exit(task.Tid, result.Value, new TaskMemory(task.Mm));

    public void SignalDelivered(Task task, in SignalInfo info) =>
        TracerFor(task).Signal(task.Tid, (int)info.Signal, info.Code, info.Address, info.Pid, info.Uid, info.Status);

    public void TaskExited(Task task, int waitStatus)
    {
        Tracer tracer = TracerFor(task);
        int signal = waitStatus & 0x7f;
        if (signal == 0)
            tracer.Exited(task.Tid, (waitStatus >> 8) & 0xff);
        else
            tracer.Killed(task.Tid, signal, (waitStatus & 0x80) != 0);
    }

    private Tracer TracerFor(Task task)
    {
        if (_known.Add(task.Tid) && _tracer is not null)
            _tracer.Attached(task.Tid);
        return _tracer ??= new Tracer(sink, task.Tid);
    }

    /// <summary>The task's present pages.</summary>
    private sealed class TaskMemory(MmStruct? mm) : ITraceMemory
    {
        public int Read(VirtAddr from, Span<byte> to) => mm is null ? 0 : mm.CopyFromUser(from, to);
    }
}
