using Vitrine.Cpu.X87;

namespace Vitrine.Cpu;

/// <summary>
/// What <c>cpuid</c> says: one fixed processor for each <see cref="CpuLevel"/>, the same on every host. A feature is
/// announced only if all of its instructions work.
/// </summary>
internal static class CpuModel
{
    /// <summary>Time-stamp counts per second.</summary>
    public const uint TscFrequency = 1_000_000_000;

    /// <summary>AT_HWCAP: leaf 1, EDX. FPU TSC CX8 SEP(no) CMOV CLFSH MMX FXSR SSE SSE2, and the system features that such a processor has.</summary>
    public const uint Features1Edx =
        1u << 0 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 8 | 1u << 9 | 1u << 13 | 1u << 15 | 1u << 16 | 1u << 19 |
        1u << 23 | 1u << 24 | 1u << 25 | 1u << 26;

    // Leaf 1, ECX: SSE3 SSSE3 CX16 SSE4.1 SSE4.2 POPCNT XSAVE OSXSAVE, and the hypervisor bit.
    private const uint Features1Ecx =
        1u << 0 | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23 | 1u << 26 | 1u << 27 | 1u << 31;

    // FMA MOVBE AVX F16C; then PCLMULQDQ AES RDRAND.
    private const uint Features1EcxOf3 = 1u << 12 | 1u << 22 | 1u << 28 | 1u << 29;
    private const uint Features1EcxOfMax = 1u << 1 | 1u << 25 | 1u << 30;

    // Leaf 7, EBX: BMI1 AVX2 BMI2 ERMS; then FSGSBASE RDSEED ADX CLFLUSHOPT CLWB SHA. ERMS promises nothing but that REP MOVSB is quick.
    private const uint Features7EbxOf3 = 1u << 3 | 1u << 5 | 1u << 8 | 1u << 9;
    private const uint Features7EbxOfMax = 1u << 0 | 1u << 18 | 1u << 19 | 1u << 23 | 1u << 24 | 1u << 29;

    // Leaf 7, ECX: GFNI VAES VPCLMULQDQ RDPID.
    private const uint Features7EcxOfMax = 1u << 8 | 1u << 9 | 1u << 10 | 1u << 22;

    // Leaf 13.1, EAX: XSAVEOPT XSAVEC XGETBV with ECX = 1.
    private const uint SaveFeaturesOfMax = 1u << 0 | 1u << 1 | 1u << 2;

    // Leaf 80000001: LAHF and LZCNT in ECX; SYSCALL NX RDTSCP LM in EDX.
    private const uint FeaturesExtendedEcx = 1u << 0;
    private const uint FeaturesExtendedEcxOf3 = 1u << 5;
    private const uint FeaturesExtendedEdx = 1u << 11 | 1u << 20 | 1u << 27 | 1u << 29;

    /// <summary>Family 6, model 0x1a, stepping 5: no model-specific behaviour is expected of it.</summary>
    private const uint Signature = 0x000106a5;

    private const string Brand = "Vitrine virtual processor";

    /// <summary>AT_HWCAP2: bit 1 says that user code may use RDFSBASE and its kin.</summary>
    public static uint HardwareCapabilities2(CpuLevel level) => level >= CpuLevel.Max ? 1u << 1 : 0;

    /// <summary>XCR0: the state components that XSAVE manages.</summary>
    public static ulong ExtendedControl(CpuLevel level) =>
        (ulong)(level >= CpuLevel.V3 ? StateComponents.X87 | StateComponents.Sse | StateComponents.Avx : StateComponents.X87 | StateComponents.Sse);

    /// <summary>EAX, EBX, ECX, EDX for a leaf.</summary>
    public static (ulong Eax, ulong Ebx, ulong Ecx, ulong Edx) Leaf(CpuLevel level, uint leaf, uint subleaf, uint processor) => leaf switch
    {
        0 => (0x15, Word("Genu"), Word("ntel"), Word("ineI")),
        1 => (Signature, 64 / 8 << 8 | 1u << 16 | processor << 24,
            Features1Ecx | (level >= CpuLevel.V3 ? Features1EcxOf3 : 0) | (level >= CpuLevel.Max ? Features1EcxOfMax : 0), Features1Edx),

        // Descriptor 0xff: see leaf 4.
        2 => (0x00feff01, 0, 0, 0),
        4 => subleaf switch
        {
            0 => Cache(type: 1, level: 1, ways: 8, sets: 64, threads: 1),
            1 => Cache(type: 2, level: 1, ways: 8, sets: 64, threads: 1),
            2 => Cache(type: 3, level: 2, ways: 8, sets: 512, threads: 1),
            3 => Cache(type: 3, level: 3, ways: 16, sets: 8192, threads: 1),
            _ => (0, 0, 0, 0),
        },
        7 => subleaf == 0
            ? (0UL, (level >= CpuLevel.V3 ? Features7EbxOf3 : 0) | (level >= CpuLevel.Max ? Features7EbxOfMax : 0), level >= CpuLevel.Max ? Features7EcxOfMax : 0, 0UL)
            : (0UL, 0UL, 0UL, 0UL),
        0xd => SavedState(level, subleaf),

        // TSC = crystal * 1, and the crystal's frequency.
        0x15 => (1, 1, TscFrequency, 0),
        0x40000000 => (0x40000000, Word("Vitr"), Word("ineV"), Word("itri")),
        0x80000000 => (0x80000008, 0, 0, 0),
        0x80000001 => (0, 0, FeaturesExtendedEcx | (level >= CpuLevel.V3 ? FeaturesExtendedEcxOf3 : 0), FeaturesExtendedEdx),
        0x80000002 or 0x80000003 or 0x80000004 => BrandPart((int)(leaf - 0x80000002) * 16),
        0x80000006 => (0, 0, 256u << 16 | 6 << 12 | 64, 0),

        // Invariant TSC.
        0x80000007 => (0, 0, 0, 1u << 8),
        0x80000008 => (48u << 8 | Translation.PageWalk.PhysicalBits, 0, 0, 0),

        // Out of range: as the highest basic leaf on real processors; zero is as good and the same everywhere.
        _ => (0, 0, 0, 0),
    };

    /// <summary>Leaf 13: the components, the size of the standard form, the means of the compacted one, and where AVX's part lies.</summary>
    private static (ulong Eax, ulong Ebx, ulong Ecx, ulong Edx) SavedState(CpuLevel level, uint subleaf)
    {
        ulong components = ExtendedControl(level);
        uint size = (uint)ExtendedState.SizeOf(components);
        return subleaf switch
        {
            0 => (components, size, size, 0),
            1 => level >= CpuLevel.Max ? (SaveFeaturesOfMax, size, 0, 0) : (0UL, 0UL, 0UL, 0UL),
            2 => level >= CpuLevel.V3 ? (ExtendedState.AvxSize, ExtendedState.AvxOffset, 0, 0) : (0UL, 0UL, 0UL, 0UL),
            _ => (0, 0, 0, 0),
        };
    }

    private static (ulong Eax, ulong Ebx, ulong Ecx, ulong Edx) Cache(uint type, uint level, uint ways, uint sets, uint threads) =>
        (type | level << 5 | 1u << 8 | (threads - 1) << 14, (64 - 1) | (ways - 1) << 22, sets - 1, 0);

    private static uint Word(string text) => (uint)(text[0] | text[1] << 8 | text[2] << 16 | text[3] << 24);

    private static (ulong Eax, ulong Ebx, ulong Ecx, ulong Edx) BrandPart(int start) =>
        (BrandWord(start), BrandWord(start + 4), BrandWord(start + 8), BrandWord(start + 12));

    private static uint BrandWord(int start)
    {
        uint word = 0;
        for (int i = 0; i < 4 && start + i < Brand.Length; i++)
            word |= (uint)Brand[start + i] << (8 * i);
        return word;
    }
}
