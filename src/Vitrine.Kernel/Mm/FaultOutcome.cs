namespace Vitrine.Kernel.Mm;

/// <summary>
/// How a page fault ended: <see cref="Signal"/> 0, the instruction can be tried again; else the signal to raise and
/// its si_code.
/// </summary>
[MustUse]
internal readonly record struct FaultOutcome(int Signal, int Code)
{
    private const int SigBus = 7;
    private const int SigSegv = 11;

    public static FaultOutcome Handled => default;

    /// <summary>No mapping there (SEGV_MAPERR).</summary>
    public static FaultOutcome NotMapped => new(SigSegv, 1);

    /// <summary>The mapping forbids it (SEGV_ACCERR).</summary>
    public static FaultOutcome Forbidden => new(SigSegv, 2);

    /// <summary>Beyond the end of the file, or no memory for it (BUS_ADRERR).</summary>
    public static FaultOutcome BusError => new(SigBus, 2);

    public bool IsHandled => Signal == 0;
}

/// <summary>What an access wants.</summary>
[Flags]
internal enum FaultAccess
{
    Read = 0,
    Write = 1,
    Execute = 2,

    /// <summary>By the kernel on behalf of user code, or another process's memory (ptrace may override protection).</summary>
    Remote = 4,
}
