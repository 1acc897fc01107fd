using Vitrine.Hosting;

namespace Vitrine;

/// <summary>
/// A computer with its own Linux-compatible kernel, inside this process: memory, processors, file tree, processes.
/// Machines are independent of each other. Thread-safe.
/// </summary>
public sealed class Machine : IAsyncDisposable
{
    /// <summary>The release that <c>uname -r</c> prints inside.</summary>
    public const string KernelRelease = "6.12.0-vitrine";

    private readonly RunningMachine _machine;

    private Machine(RunningMachine machine) => _machine = machine;

    /// <summary>The kernel's log so far, a line a message, oldest first (what <c>dmesg</c> prints inside).</summary>
    public IReadOnlyList<string> KernelLog => _machine.ReadLog();

    /// <summary>
    /// Completes when the machine has stopped: after <see cref="StopAsync"/>, disposal or its time limit. Fails with a
    /// <see cref="VitrineException"/> if its kernel panicked.
    /// </summary>
    public Task Stopped => _machine.Stopped;

    /// <summary>
    /// Starts, in the background and once in a process, to compile what the first machine's processor will need. Whoever
    /// knows early that it will start a machine calls it first; nothing depends on it but time.
    /// </summary>
    public static void Prepare() => Cpu.ProcessorWarmUp.Start();

    /// <summary>Powers a machine on and boots its kernel; on return it can start programs.</summary>
    /// <exception cref="VitrineException">An option can't be used, or the host refuses something.</exception>
    public static async Task<Machine> StartAsync(MachineOptions? options = null, CancellationToken cancellation = default)
    {
        RunningMachine machine = MachineAssembler.Assemble(options ?? new MachineOptions());
        try
        {
            await machine.BootAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            await machine.StopAsync().ConfigureAwait(false);
            throw;
        }

        return new Machine(machine);
    }

    /// <summary>Starts a program; on return it has been loaded.</summary>
    /// <exception cref="VitrineException">The program can't be started, or the machine has stopped.</exception>
    public Task<GuestProcess> StartProcessAsync(ProcessOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return _machine.StartProcessAsync(options, cancellation);
    }

    /// <summary>Runs a program to its end. Cancelling kills it.</summary>
    /// <exception cref="VitrineException">The program can't be started, or the machine stopped first.</exception>
    public async Task<ProcessResult> RunAsync(ProcessOptions options, CancellationToken cancellation = default)
    {
        GuestProcess process = await StartProcessAsync(options, cancellation).ConfigureAwait(false);
        using CancellationTokenRegistration kill = cancellation.Register(static p => ((GuestProcess)p!).Signal(9), process);
        ProcessResult result = await process.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        return result;
    }

    /// <summary>Kills every process and stops the machine; idempotent.</summary>
    public Task StopAsync() => _machine.StopAsync();

    /// <summary>Stops the machine and gives everything back to the host.</summary>
    public async ValueTask DisposeAsync() => await _machine.StopAsync().ConfigureAwait(false);
}
