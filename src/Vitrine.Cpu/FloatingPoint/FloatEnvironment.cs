namespace Vitrine.Cpu.FloatingPoint;

/// <summary>The rounding modes, numbered as in MXCSR.RC and in the x87 control word.</summary>
internal enum RoundingMode
{
    Nearest = 0,
    Down = 1,
    Up = 2,
    Zero = 3,
}

/// <summary>The floating-point exceptions, numbered as the sticky bits of MXCSR and of the x87 status word.</summary>
[Flags]
internal enum FloatExceptions : uint
{
    None = 0,
    Invalid = 1,
    Denormal = 2,
    ZeroDivide = 4,
    Overflow = 8,
    Underflow = 16,
    Precision = 32,

    /// <summary>Those that are found on the operands, before anything is computed.</summary>
    PreComputation = Invalid | Denormal | ZeroDivide,
    All = 63,
}

/// <summary>
/// How an operation rounds and what it has raised so far: MXCSR taken apart, or the x87 control word.
/// </summary>
internal struct FloatEnvironment
{
    public RoundingMode Rounding;

    /// <summary>Exceptions whose mask bit is set.</summary>
    public FloatExceptions Masked;

    /// <summary>Exceptions raised since the environment was made.</summary>
    public FloatExceptions Raised;

    /// <summary>MXCSR.DAZ: denormal operands count as zeros.</summary>
    public bool DenormalsAreZero;

    /// <summary>MXCSR.FTZ: a tiny result becomes zero while underflow is masked.</summary>
    public bool FlushToZero;

    /// <summary>The x87 C1 of the last rounding: the magnitude was rounded up.</summary>
    public bool RoundedUp;

    /// <summary>Takes MXCSR apart.</summary>
    public static FloatEnvironment FromMxcsr(uint mxcsr) => new()
    {
        Rounding = (RoundingMode)((mxcsr >> 13) & 3),
        Masked = (FloatExceptions)((mxcsr >> 7) & 63),
        DenormalsAreZero = (mxcsr & 0x40) != 0,
        FlushToZero = (mxcsr & 0x8000) != 0,
    };

    public readonly bool Traps(FloatExceptions which) => (which & ~Masked) != 0;
}
