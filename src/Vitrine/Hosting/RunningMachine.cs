using System.Text;
using Vitrine.Abi;
using Vitrine.Hardware;
using Vitrine.Hardware.Host;
using Vitrine.Kernel;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Digests;
using Vitrine.Kernel.Init;
using Vitrine.Kernel.Printk;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Syscalls.Tracing;
using Vitrine.Kernel.Tasks;
using Task = System.Threading.Tasks.Task;

namespace Vitrine.Hosting;

/// <summary>
/// A machine from the caller's side: carries requests to process 1 and results back, and owns the hardware. Messages
/// only: nothing of the kernel's leaves it.
/// </summary>
internal sealed class RunningMachine
{
    /// <summary>How long processes may take to die of SIGKILL before the processors are stopped under them.</summary>
    private static readonly TimeSpan KillGrace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan HostPatience = TimeSpan.FromSeconds(10);

    private readonly MachineOptions _options;
    private readonly KernelInstance _kernel;
    private readonly GuestRam _ram;
    private readonly HostPoller _poller = new();
    private readonly CallersTerminals _terminals;
    private readonly InitProcess _init;
    private readonly Credentials _credentials;
    private readonly TaskCompletionSource _booted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<TaskCompletionSource<ProcessResult>> _running = [];
    private readonly Lock _lock = new();
    private Timer? _watchdog;
    private bool _timedOut;
    private Task? _stopping;

    public RunningMachine(MachineOptions options, KernelInstance kernel, GuestRam ram, Credentials credentials, Func<Kernel.Tasks.Task, KTask<Errno>> mountTree)
    {
        _options = options;
        _terminals = new CallersTerminals(_poller, OnContinued);
        _kernel = kernel;
        _ram = ram;
        _credentials = credentials;
        _init = new InitProcess(kernel, mountTree, OnBooted);
        kernel.Halted = OnHalted;
        if (options.Trace is { } trace)
            kernel.Observer = new StraceObserver(trace);
    }

    public Task Stopped => _stopped.Task;

    /// <summary>The kernel, for tests that look at a machine at rest.</summary>
    internal KernelInstance Kernel => _kernel;

    public Task BootAsync(CancellationToken cancellation)
    {
        _kernel.Lock.Enter();
        try
        {
            _init.Start();
        }
        finally
        {
            _kernel.Lock.Exit();
        }

        foreach (Processor processor in _kernel.Processors)
            processor.Start();
        if (_options.Timeout is { } timeout)
            _watchdog = new Timer(static m => ((RunningMachine)m!).OnTimeout(), this, timeout, System.Threading.Timeout.InfiniteTimeSpan);
        return _booted.Task.WaitAsync(cancellation);
    }

    public async Task<GuestProcess> StartProcessAsync(ProcessOptions options, CancellationToken cancellation)
    {
        if (_kernel.IsHalted)
            throw Halted();
        var streams = new ProcessStreams(options, _poller, _terminals);
        var started = new TaskCompletionSource<ProgramStart>(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = new TaskCompletionSource<ProcessResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
            _running.Add(ended);
        ProgramRequest? request = null;
        request = new ProgramRequest
        {
            Program = Encoding.UTF8.GetBytes(options.Program),
            Arguments = Bytes([options.ProgramName ?? options.Program, .. options.Arguments]),
            Environment = ProgramEnvironment.Make(options, _credentials),
            WorkingDirectories = Bytes(options.WorkingDirectory is { } directory ? [directory] : [Environment.CurrentDirectory, "/"]),
            Credentials = _credentials,
            Streams = streams.Channels,
            Started = start => started.TrySetResult(start),
            Stopped = _terminals.MayStop(streams.Channels) ? () => _ = Task.Run(_terminals.Stop) : null,
            Ended = status => _ = CompleteAsync(ended, status, streams, request!.FinalState),
        };
        _init.Request(request);
        _ = Stopped.ContinueWith(_ => started.TrySetException(Halted()), TaskScheduler.Default);
        ProgramStart start = await started.Task.WaitAsync(cancellation).ConfigureAwait(false);
        if (start.Error != Errno.Success)
        {
            lock (_lock)
                _running.Remove(ended);
            streams.Abandon();
            throw Refusal(options, start);
        }

        ThreadGroup process = start.Process!;
        return new GuestProcess(
            process.Leader.Pid.Global,
            streams.Input,
            streams.Output,
            streams.Error,
            (signal, wholeGroup) => _init.Signal(process, signal, wholeGroup),
            ended.Task);
    }

    public string[] ReadLog()
    {
        PrintkRecord[] records = _kernel.Log.Snapshot();
        return Array.ConvertAll(records, r => $"[{r.Time.Nanoseconds / 1_000_000_000,5}.{r.Time.Nanoseconds / 1000 % 1_000_000:d6}] {r.Text}");
    }

    public Task StopAsync()
    {
        lock (_lock)
            return _stopping ??= Task.Run(Stop);
    }

    private static byte[][] Bytes(IReadOnlyList<string> texts)
    {
        var bytes = new byte[texts.Count][];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = Encoding.UTF8.GetBytes(texts[i]);
        return bytes;
    }

    private static VitrineException Refusal(ProcessOptions options, ProgramStart start)
    {
        string reason = TraceErrno.TextOf((int)start.Error);
        if (start.What == "directory")
            return new VitrineException(VitrineFailure.InvalidOption, $"cannot start in '{options.WorkingDirectory}': {reason}");
        VitrineFailure failure = start.Error is Errno.ENOENT or Errno.ENOTDIR ? VitrineFailure.ProgramNotFound : VitrineFailure.ProgramNotExecutable;
        bool searched = !options.Program.Contains('/', StringComparison.Ordinal);
        return new VitrineException(
            failure,
            searched && failure == VitrineFailure.ProgramNotFound ? $"{options.Program}: command not found" : $"{options.Program}: {reason}");
    }

    private void OnBooted(Errno error)
    {
        if (error == Errno.Success)
            _booted.TrySetResult();
        else
            _booted.TrySetException(new VitrineException(VitrineFailure.HostRefused, $"cannot mount the file tree: {TraceErrno.TextOf((int)error)}"));
    }

    private async Task CompleteAsync(TaskCompletionSource<ProcessResult> ended, int waitStatus, ProcessStreams streams, StateDigest? state)
    {
        int signal = waitStatus & 0x7f;
        int code = signal == 0 ? (waitStatus >> 8) & 0xff : 0;
        (byte[] output, byte[] error) = await streams.FinishAsync(_stopped.Task).ConfigureAwait(false);
        lock (_lock)
            _running.Remove(ended);
        ended.TrySetResult(new ProcessResult(code, signal, (waitStatus & 0x80) != 0, _timedOut && signal == 9, output, error, state is null ? null : new StateHash(state)));
    }

    /// <summary>This process goes on after a stop; the shell's SIGCONT is meant for the programs.</summary>
    private void OnContinued() => _init.ContinuePrograms();

    private void OnTimeout()
    {
        _timedOut = true;
        _init.KillAll();
        _watchdog!.Dispose();
        _watchdog = new Timer(static k => ((KernelInstance)k!).Halt(), _kernel, KillGrace, System.Threading.Timeout.InfiniteTimeSpan);
    }

    private void OnHalted(Exception? cause)
    {
        // First of all: whatever else goes wrong at the end, the caller can type again.
        _terminals.GiveBack();
        VitrineException failure = Halted();
        TaskCompletionSource<ProcessResult>[] running;
        lock (_lock)
        {
            running = [.. _running];
            _running.Clear();
        }

        _booted.TrySetException(failure);
        foreach (TaskCompletionSource<ProcessResult> process in running)
        {
            if (_timedOut && cause is null)
                process.TrySetResult(new ProcessResult(0, 9, coreDumped: false, timedOut: true, [], []));
            else
                process.TrySetException(failure);
        }

        if (cause is null)
            _stopped.TrySetResult();
        else
            _stopped.TrySetException(failure);
    }

    private VitrineException Halted() => _kernel.PanicCause is { } cause
        ? new VitrineException(VitrineFailure.KernelPanic, $"the machine's kernel panicked: {cause.Message}", cause)
        : new VitrineException(VitrineFailure.MachineStopped, "the machine has been stopped");

    private void Stop()
    {
        _watchdog?.Dispose();
        MachineAudit? audit = MachineAudit.IsOn(_options) && !_kernel.IsHalted ? new MachineAudit(_kernel) : null;
        audit?.LookAtRest();
        audit?.EndProcesses();
        _kernel.Halt();
        foreach (Processor processor in _kernel.Processors)
        {
            // Lost inside the kernel: what it works on is left to it. The caller must not hang too.
            if (!processor.Join(HostPatience))
                throw new VitrineException(VitrineFailure.KernelPanic, $"the machine's processor {processor.Id} does not stop");
        }

        if (_kernel.PanicCause is null)
            audit?.LookForLeaks();
        _kernel.Tick.Dispose();
        _poller.Dispose();
        bool released = _kernel.ReleaseHostResources(HostPatience);
        _kernel.CloseToInterrupts();
        _kernel.Complex.Dispose();

        // A call to the host that hangs may still write into the memory.
        if (released)
            _ram.Dispose();
        _stopped.TrySetResult();
        audit?.Report();
    }
}
