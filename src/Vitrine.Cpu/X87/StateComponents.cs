namespace Vitrine.Cpu.X87;

/// <summary>The state components of XSAVE, by their bits in XCR0 and XSTATE_BV (Intel SDM 1, 13.1).</summary>
[Flags]
internal enum StateComponents : ulong
{
    None = 0,
    X87 = 1,

    /// <summary>The XMM registers and MXCSR.</summary>
    Sse = 2,

    /// <summary>The upper halves of the YMM registers.</summary>
    Avx = 4,
}
