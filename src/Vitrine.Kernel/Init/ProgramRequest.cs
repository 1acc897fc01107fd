using Vitrine.Hardware.Host;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Init;

/// <summary>
/// A program that the machine's caller wants to run, as process 1 gets it. Strings are bytes, as everywhere in the
/// kernel. The two callbacks come once each, under the kernel lock, and must not wait.
/// </summary>
internal sealed class ProgramRequest
{
    /// <summary>A path, or a name without a slash that is searched in the PATH of <see cref="Environment"/>.</summary>
    public required byte[] Program { get; init; }

    public required byte[][] Arguments { get; init; }

    public required byte[][] Environment { get; init; }

    /// <summary>Where to start; tried in order, the first that can be entered counts.</summary>
    public required byte[][] WorkingDirectories { get; init; }

    public required Credentials Credentials { get; init; }

    /// <summary>What is behind descriptors 0, 1 and 2; null for a closed one.</summary>
    public required HostChannel?[] Streams { get; init; }

    /// <summary>The program has been loaded (its process number and task), or could not be.</summary>
    public required Action<ProgramStart> Started { get; init; }

    /// <summary>
    /// The process has been stopped by job control: whoever started it outside can continue it. Null where nobody can; its
    /// process group then is an orphaned one. Under the kernel lock, each time; must not wait.
    /// </summary>
    public Action? Stopped { get; init; }

    /// <summary>The machine's state at the program's end, if it is hashed; set before <see cref="Ended"/>.</summary>
    public Digests.StateDigest? FinalState { get; set; }

    /// <summary>The process is gone; its wait status as wait4 stores it. Only after a start without an error.</summary>
    public required Action<int> Ended { get; init; }
}

/// <summary>What came of a request.</summary>
/// <param name="Error">Why the program was not started; success if it was.</param>
/// <param name="What">What the error is about: the program, its directory.</param>
internal readonly record struct ProgramStart(ThreadGroup? Process, Errno Error, string What);
