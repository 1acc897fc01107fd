namespace Vitrine.Cpu;

/// <summary>
/// Which instructions a processor has, in ascending order: each level has all of those below it. An instruction
/// outside of the chosen level is #UD, so a run doesn't depend on the host.
/// </summary>
internal enum CpuLevel
{
    /// <summary>The psABI's x86-64-v2, and XSAVE with x87 and SSE state.</summary>
    V2 = 2,

    /// <summary>The psABI's x86-64-v3: AVX, AVX2, BMI1, BMI2, F16C, FMA, LZCNT, MOVBE, and XSAVE with AVX state.</summary>
    V3 = 3,

    /// <summary>
    /// Everything that is implemented: besides V3 AES, PCLMULQDQ, SHA, ADX, RDRAND, RDSEED, FSGSBASE, RDPID, XSAVEOPT,
    /// XSAVEC and XGETBV of XINUSE.
    /// </summary>
    Max = 4,
}
