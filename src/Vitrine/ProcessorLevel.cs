namespace Vitrine;

/// <summary>
/// Which instructions the guest's processors have, whatever the host's are: an instruction outside of the level is an
/// invalid opcode. Each level has all of those below it.
/// </summary>
public enum ProcessorLevel
{
    /// <summary>x86-64-v2 of the psABI: up to SSE4.2 and POPCNT.</summary>
    X8664V2 = 2,

    /// <summary>x86-64-v3 of the psABI: AVX, AVX2, BMI1, BMI2, F16C, FMA, LZCNT, MOVBE.</summary>
    X8664V3 = 3,

    /// <summary>
    /// Everything that this version of Vitrine implements: besides x86-64-v3 AES, PCLMULQDQ, SHA, ADX, RDRAND, RDSEED,
    /// FSGSBASE, RDPID, XSAVEOPT and XSAVEC.
    /// </summary>
    Maximum = 4,
}
