namespace Vitrine;

/// <summary>What a machine is made of. All values have defaults; a machine keeps none of the objects it is given.</summary>
public sealed class MachineOptions
{
    /// <summary>Bytes of guest memory, a multiple of 2 MiB, at least 16 MiB. Committed as the guest touches it.</summary>
    public long Memory { get; init; } = 1L << 30;

    /// <summary>Virtual processors, 1 to 64. Each runs guest code on a host thread of its own.</summary>
    public int Processors { get; init; } = 1;

    /// <summary>
    /// How guest code is executed. The guest can't tell the difference but by time. By default translated, unless the switch
    /// <c>Vitrine.Interpreter</c> of the application is on.
    /// </summary>
    public ProcessorEngine Engine { get; init; } =
        AppContext.TryGetSwitch("Vitrine.Interpreter", out bool interprets) && interprets ? ProcessorEngine.Interpreter : ProcessorEngine.Translator;

    /// <summary>Which instructions the processors have: everything implemented, unless a run shall be the same on other versions too.</summary>
    public ProcessorLevel ProcessorLevel { get; init; } = ProcessorLevel.Maximum;

    /// <summary>
    /// Not null: the machine is deterministic, and this is what all chance in it comes from. There is one processor, time is
    /// counted in retired instructions from 2030-01-01 00:00:00 UTC on, and sleeping takes none of the caller's: the same
    /// programs with the same inputs do the same, instruction by instruction, on any host and with either engine.
    /// </summary>
    public ulong? Seed { get; init; }

    /// <summary>Whether the state is hashed at each program's end (<see cref="ProcessResult.StateHash"/>). Needs a <see cref="Seed"/>.</summary>
    public bool HashesState { get; init; }

    /// <summary>With <see cref="StateHashed"/>: after how many retired instructions the state is hashed each time; 0 for never.</summary>
    public ulong StateHashInterval { get; init; }

    /// <summary>With <see cref="StateHashInterval"/>: after how many retired instructions the first hash is made; 0: after an interval.</summary>
    public ulong StateHashStart { get; init; }

    /// <summary>
    /// Told of each hash that comes after a <see cref="StateHashInterval"/>, on the machine's thread, which it holds up. Two runs
    /// part where the first of these differ. Needs <see cref="HashesState"/>.
    /// </summary>
    public Action<StateHash>? StateHashed { get; init; }

    /// <summary>The host name that the guest sees (<c>uname -n</c>), at most 64 bytes.</summary>
    public string Hostname { get; init; } = "vitrine";

    /// <summary>What the guest sees of the host's file tree.</summary>
    public HostTree HostTree { get; init; } = HostTree.Default;

    /// <summary>Host directories and files that are shared in addition, in the order in which they are mounted.</summary>
    public IReadOnlyList<Volume> Volumes { get; init; } = [];

    /// <summary>Who the first program is.</summary>
    public GuestIdentity Identity { get; init; } = GuestIdentity.Caller;

    /// <summary>After this time the machine is stopped and every process in it is killed. Null: no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>
    /// Called with a line (without its end) for each system call of the guest, in strace's format; null for none.
    /// It runs on the machine's threads one at a time, and holds the machine up while it runs.
    /// </summary>
    public Action<string>? Trace { get; init; }

    /// <summary>
    /// For tests: stopping brings the machine to rest, lets all processes end and unmounts everything, and fails with
    /// what was then not as it must be. Null: as the switch <c>Vitrine.Audit</c> of the application says.
    /// </summary>
    internal bool? Audit { get; init; }

    /// <summary>For tests: translates a block at its first run already.</summary>
    internal bool TranslatesAtOnce { get; init; }

    /// <summary>For tests: the seed of the yielding mode, in which any await of the kernel may give up the processor.</summary>
    internal ulong? YieldSeed { get; init; }
}

/// <summary>How a machine's processors execute guest code.</summary>
public enum ProcessorEngine
{
    /// <summary>Instruction by instruction. Runs on every host.</summary>
    Interpreter = 0,

    /// <summary>What runs often is translated to the host's machine code, the rest interpreted. On hosts that aren't x86-64 Linux: as <see cref="Interpreter"/>.</summary>
    Translator = 1,
}

/// <summary>Whose rights the guest's programs have inside the machine. Towards the host the machine never has more than its caller.</summary>
public enum GuestIdentity
{
    /// <summary>The caller's user, group and supplementary groups; files show their true owners.</summary>
    Caller = 0,

    /// <summary>Root inside the machine (0:0, all capabilities of the machine's own user namespace).</summary>
    Root = 1,
}
