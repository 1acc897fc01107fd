namespace Vitrine.Abi;

/// <summary>Signals of x86-64 (signal(7)); 32 to 64 are the real-time signals.</summary>
internal enum SignalNumber
{
    None = 0,
    Hup = 1,
    Int = 2,
    Quit = 3,
    Ill = 4,
    Trap = 5,
    Abrt = 6,
    Bus = 7,
    Fpe = 8,
    Kill = 9,
    Usr1 = 10,
    Segv = 11,
    Usr2 = 12,
    Pipe = 13,
    Alrm = 14,
    Term = 15,
    StkFlt = 16,
    Chld = 17,
    Cont = 18,
    Stop = 19,
    Tstp = 20,
    TtIn = 21,
    TtOu = 22,
    Urg = 23,
    Xcpu = 24,
    Xfsz = 25,
    VtAlrm = 26,
    Prof = 27,
    Winch = 28,
    Io = 29,
    Pwr = 30,
    Sys = 31,
    RealTimeMin = 32,
    RealTimeMax = 64,
}

/// <summary>A set of signals as sigset_t of the kernel: bit n−1 for signal n.</summary>
internal readonly record struct SignalSet(ulong Bits)
{
    /// <summary>Bytes of the kernel's sigset_t: what sigsetsize must be.</summary>
    public const ulong Size = 8;

    public static SignalSet Empty => default;

    public static SignalSet All => new(ulong.MaxValue);

    /// <summary>What can be neither blocked nor caught.</summary>
    public static SignalSet Unblockable => Of(SignalNumber.Kill) | Of(SignalNumber.Stop);

    /// <summary>Signals whose default action stops the process.</summary>
    public static SignalSet Stopping =>
        Of(SignalNumber.Stop) | Of(SignalNumber.Tstp) | Of(SignalNumber.TtIn) | Of(SignalNumber.TtOu);

    /// <summary>Signals that are ignored by default.</summary>
    public static SignalSet IgnoredByDefault =>
        Of(SignalNumber.Cont) | Of(SignalNumber.Chld) | Of(SignalNumber.Winch) | Of(SignalNumber.Urg);

    /// <summary>Signals whose default action dumps core.</summary>
    public static SignalSet CoreDumping =>
        Of(SignalNumber.Quit) | Of(SignalNumber.Ill) | Of(SignalNumber.Trap) | Of(SignalNumber.Abrt) | Of(SignalNumber.Fpe)
        | Of(SignalNumber.Segv) | Of(SignalNumber.Bus) | Of(SignalNumber.Sys) | Of(SignalNumber.Xcpu) | Of(SignalNumber.Xfsz);

    /// <summary>Signals that an instruction causes; they are taken before all others.</summary>
    public static SignalSet Synchronous =>
        Of(SignalNumber.Segv) | Of(SignalNumber.Bus) | Of(SignalNumber.Ill) | Of(SignalNumber.Trap) | Of(SignalNumber.Fpe) | Of(SignalNumber.Sys);

    public bool IsEmpty => Bits == 0;

    public static SignalSet Of(SignalNumber signal) => new(1UL << ((int)signal - 1));

    public bool Has(SignalNumber signal) => (Bits >> ((int)signal - 1) & 1) != 0;

    public SignalSet With(SignalNumber signal) => new(Bits | 1UL << ((int)signal - 1));

    public SignalSet Without(SignalNumber signal) => new(Bits & ~(1UL << ((int)signal - 1)));

    /// <summary>The lowest signal of the set, or none.</summary>
    public SignalNumber First => Bits == 0 ? SignalNumber.None : (SignalNumber)(System.Numerics.BitOperations.TrailingZeroCount(Bits) + 1);

    public static SignalSet operator |(SignalSet a, SignalSet b) => new(a.Bits | b.Bits);

    public static SignalSet operator &(SignalSet a, SignalSet b) => new(a.Bits & b.Bits);

    public static SignalSet operator ~(SignalSet a) => new(~a.Bits);
}
