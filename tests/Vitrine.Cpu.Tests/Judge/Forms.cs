using System.Runtime.Intrinsics.X86;
using Iced.Intel;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>
/// The list of required forms: every instruction code of the decoder library that 64-bit user mode has and
/// whose features are announced, less those below, each with its reason. Computed from the library's tables,
/// so nothing can be forgotten.
/// </summary>
internal static class Forms
{
    /// <summary>What the processor must announce: the x86-64-v2 level and what every such processor has.</summary>
    private static readonly HashSet<CpuidFeature> Announced =
    [
        CpuidFeature.INTEL8086, CpuidFeature.INTEL186, CpuidFeature.INTEL286, CpuidFeature.INTEL386,
        CpuidFeature.INTEL486, CpuidFeature.X64, CpuidFeature.FPU, CpuidFeature.FPU287, CpuidFeature.FPU387,
        CpuidFeature.MSR, CpuidFeature.CPUID, CpuidFeature.RDPMC, CpuidFeature.SYSCALL, CpuidFeature.SEP,
        CpuidFeature.PAUSE, CpuidFeature.MULTIBYTENOP, CpuidFeature.PREFETCHW, CpuidFeature.CMOV,
        CpuidFeature.CX8, CpuidFeature.CMPXCHG16B, CpuidFeature.TSC, CpuidFeature.RDTSCP, CpuidFeature.CLFSH,
        CpuidFeature.FXSR, CpuidFeature.MMX, CpuidFeature.SSE, CpuidFeature.SSE2, CpuidFeature.SSE3,
        CpuidFeature.SSSE3, CpuidFeature.SSE4_1, CpuidFeature.SSE4_2, CpuidFeature.POPCNT,
    ];

    private const string RaisesToKernel = "enters the kernel; covered by the guest tests of every system call";
    private const string Umip = "with UMIP the host's kernel emulates it, so native runs show the host kernel's choice";
    private const string OwnTest = "its result differs from run to run or from host to host; has a test of its own";

    private static readonly Dictionary<Code, string> Excluded = new()
    {
        [Code.Syscall] = RaisesToKernel,
        [Code.Sysenter] = "undefined on AMD in long mode, enters the kernel on Intel: no common answer",
        [Code.Sgdt_m1664] = Umip,
        [Code.Sidt_m1664] = Umip,
        [Code.Smsw_rm16] = Umip,
        [Code.Smsw_r32m16] = Umip,
        [Code.Smsw_r64m16] = Umip,
        [Code.Sldt_rm16] = Umip,
        [Code.Sldt_r32m16] = Umip,
        [Code.Sldt_r64m16] = Umip,
        [Code.Str_rm16] = Umip,
        [Code.Str_r32m16] = Umip,
        [Code.Str_r64m16] = Umip,
        [Code.Int1] = "hypervisors differ in whether they report RIP before or behind it; has a test of its own",
        [Code.Cpuid] = OwnTest,
        [Code.Rdtsc] = OwnTest,
        [Code.Rdtscp] = OwnTest,
        [Code.Xgetbv] = OwnTest,
        [Code.Rdrand_r16] = OwnTest,
        [Code.Rdrand_r32] = OwnTest,
        [Code.Rdrand_r64] = OwnTest,
        [Code.Rdseed_r16] = OwnTest,
        [Code.Rdseed_r32] = OwnTest,
        [Code.Rdseed_r64] = OwnTest,
        [Code.Rdpid_r64] = OwnTest,
    };

    /// <summary>True if every feature that the form needs is announced by a processor with these extras.</summary>
    public static bool IsAnnounced(Code code, IReadOnlySet<CpuidFeature> extras)
    {
        foreach (CpuidFeature feature in code.CpuidFeatures())
        {
            if (!Announced.Contains(feature) && !extras.Contains(feature))
                return false;
        }

        return true;
    }

    /// <summary>The host takes operands of any alignment where Intel's manual says #GP: AMD for SHA.</summary>
    public static bool MayBeUnaligned(Code code) => HostIsAmd && code.CpuidFeatures()[0] == CpuidFeature.SHA;

    /// <summary>All forms that 64-bit mode has, announced or not.</summary>
    public static IEnumerable<Code> OfLongMode()
    {
        foreach (Code code in Enum.GetValues<Code>())
        {
            OpCodeInfo form = code.ToOpCode();
            if (form.IsInstruction && form.Mode64 && form.IntelDecoder64)
                yield return code;
        }
    }

    private const string VendorsDiffer = "AMD ignores REX.W in far pointers; run on Intel hosts only";

    private static readonly bool HostIsAmd = X86Base.IsSupported && X86Base.CpuId(0, 0).Ebx == 0x6874_7541;

    /// <summary>An optional feature that the form needs and the host's processor doesn't have, or null.</summary>
    public static CpuidFeature? HostLacks(Code code)
    {
        foreach (CpuidFeature feature in code.CpuidFeatures())
        {
            if (Lacking.Value.Contains(feature))
                return feature;
        }

        return null;
    }

    private static readonly Lazy<HashSet<CpuidFeature>> Lacking = new(FindLacking);

    private static HashSet<CpuidFeature> FindLacking()
    {
        var lacking = new HashSet<CpuidFeature>();
        if (!X86Base.IsSupported)
            return lacking;
        foreach ((CpuidFeature feature, uint leaf, uint subLeaf, int register, int bit) in Optional)
        {
            uint last = (uint)X86Base.CpuId(unchecked((int)(leaf & 0x8000_0000)), 0).Eax;
            (int eax, int ebx, int ecx, int edx) = X86Base.CpuId(unchecked((int)leaf), (int)subLeaf);
            int word = register switch { 0 => eax, 1 => ebx, 2 => ecx, _ => edx };
            if (leaf > last || (word >> bit & 1) == 0)
                lacking.Add(feature);
        }

        return lacking;
    }

    /// <summary>Why the form is not run by the judge, or null if it is.</summary>
    public static string? ReasonToExclude(Code code)
    {
        if (Excluded.TryGetValue(code, out string? reason))
            return reason;
        if (HostLacks(code) is { } feature)
            return $"the host's processor has no {feature}";
        if (code.ToOpCode().Fwait)
            return "two instructions to the processor: WAIT and the form without it, both of which are run";
        if (HostIsAmd && code == Code.Movsxd_r16_rm16)
            return "AMD reads 32 bits of memory, Intel's manual says 16; run on Intel hosts only";
        if (HostIsAmd && code is Code.Call_m1664 or Code.Jmp_m1664 or Code.Lss_r64_m1664 or Code.Lfs_r64_m1664 or Code.Lgs_r64_m1664)
            return VendorsDiffer;
        if (code is Code.Reservednop_rm16_r16_0F0D or Code.Reservednop_rm32_r32_0F0D or Code.Reservednop_rm64_r64_0F0D)
            return "no common answer: AMD raises #UD for registers, Intel takes it as a hint";
        return null;
    }

    /// <summary>The forms that the judge runs.</summary>
    public static List<Code> Required(IReadOnlySet<CpuidFeature> extras)
    {
        var list = new List<Code>();
        foreach (Code code in OfLongMode())
        {
            if (IsAnnounced(code, extras) && ReasonToExclude(code) is null)
                list.Add(code);
        }

        return list;
    }

    /// <summary>The optional features that this processor may announce by CPUID: leaf, sub-leaf, register (0 EAX … 3 EDX), bit.</summary>
    public static readonly (CpuidFeature Feature, uint Leaf, uint SubLeaf, int Register, int Bit)[] Optional =
    [
        (CpuidFeature.XSAVE, 1, 0, 2, 26),
        (CpuidFeature.MOVBE, 1, 0, 2, 22),
        (CpuidFeature.AES, 1, 0, 2, 25),
        (CpuidFeature.PCLMULQDQ, 1, 0, 2, 1),
        (CpuidFeature.RDRAND, 1, 0, 2, 30),
        (CpuidFeature.FMA, 1, 0, 2, 12),
        (CpuidFeature.F16C, 1, 0, 2, 29),
        (CpuidFeature.AVX, 1, 0, 2, 28),
        (CpuidFeature.MONITOR, 1, 0, 2, 3),
        (CpuidFeature.FSGSBASE, 7, 0, 1, 0),
        (CpuidFeature.BMI1, 7, 0, 1, 3),
        (CpuidFeature.AVX2, 7, 0, 1, 5),
        (CpuidFeature.BMI2, 7, 0, 1, 8),
        (CpuidFeature.ADX, 7, 0, 1, 19),
        (CpuidFeature.RDSEED, 7, 0, 1, 18),
        (CpuidFeature.CLFLUSHOPT, 7, 0, 1, 23),
        (CpuidFeature.CLWB, 7, 0, 1, 24),
        (CpuidFeature.SHA, 7, 0, 1, 29),
        (CpuidFeature.RDPID, 7, 0, 2, 22),
        (CpuidFeature.MOVDIRI, 7, 0, 2, 27),
        (CpuidFeature.GFNI, 7, 0, 2, 8),
        (CpuidFeature.VAES, 7, 0, 2, 9),
        (CpuidFeature.VPCLMULQDQ, 7, 0, 2, 10),
        (CpuidFeature.XSAVEOPT, 0xD, 1, 0, 0),
        (CpuidFeature.XSAVEC, 0xD, 1, 0, 1),
        (CpuidFeature.LZCNT, 0x8000_0001, 0, 2, 5),
        (CpuidFeature.SSE4A, 0x8000_0001, 0, 2, 6),
        (CpuidFeature.TBM, 0x8000_0001, 0, 2, 21),
        (CpuidFeature.D3NOW, 0x8000_0001, 0, 3, 31),
    ];

    /// <summary>The bits by which CPUID must announce the x86-64-v2 level.</summary>
    public static readonly (CpuidFeature Feature, uint Leaf, uint SubLeaf, int Register, int Bit)[] Level2 =
    [
        (CpuidFeature.FPU, 1, 0, 3, 0),
        (CpuidFeature.TSC, 1, 0, 3, 4),
        (CpuidFeature.CX8, 1, 0, 3, 8),
        (CpuidFeature.CMOV, 1, 0, 3, 15),
        (CpuidFeature.CLFSH, 1, 0, 3, 19),
        (CpuidFeature.MMX, 1, 0, 3, 23),
        (CpuidFeature.FXSR, 1, 0, 3, 24),
        (CpuidFeature.SSE, 1, 0, 3, 25),
        (CpuidFeature.SSE2, 1, 0, 3, 26),
        (CpuidFeature.SSE3, 1, 0, 2, 0),
        (CpuidFeature.SSSE3, 1, 0, 2, 9),
        (CpuidFeature.CMPXCHG16B, 1, 0, 2, 13),
        (CpuidFeature.SSE4_1, 1, 0, 2, 19),
        (CpuidFeature.SSE4_2, 1, 0, 2, 20),
        (CpuidFeature.POPCNT, 1, 0, 2, 23),
        (CpuidFeature.SYSCALL, 0x8000_0001, 0, 3, 11),
        (CpuidFeature.RDTSCP, 0x8000_0001, 0, 3, 27),
        (CpuidFeature.X64, 0x8000_0001, 0, 3, 29),
    ];
}
