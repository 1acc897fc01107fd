using Iced.Intel;
using Vitrine.Cpu.Simd;
using Vitrine.Cpu.X87;

namespace Vitrine.Cpu.Tests.Simd;

/// <summary>The tables have a row for every instruction that they are responsible for.</summary>
public sealed class VectorTableTests
{
    private static readonly CpuidFeature[] Ours =
    [
        CpuidFeature.MMX, CpuidFeature.SSE, CpuidFeature.SSE2, CpuidFeature.SSE3, CpuidFeature.SSSE3, CpuidFeature.SSE4_1,
        CpuidFeature.SSE4_2, CpuidFeature.FPU, CpuidFeature.FPU387, CpuidFeature.FXSR,
    ];

    // Integer instructions that came with SSE: the core's own.
    private static readonly Mnemonic[] Core =
    [
        Mnemonic.Crc32, Mnemonic.Movnti, Mnemonic.Prefetchnta, Mnemonic.Prefetcht0, Mnemonic.Prefetcht1, Mnemonic.Prefetcht2,
        Mnemonic.Lfence, Mnemonic.Mfence, Mnemonic.Sfence,
    ];

    [Fact]
    public void EveryVectorAndX87Code_IsKnown()
    {
        var missing = new List<Code>();
        foreach (Code code in Enum.GetValues<Code>())
        {
            OpCodeInfo info = code.ToOpCode();
            // 9B is decoded as an instruction of its own.
            if (!info.IsInstruction || !info.Mode64 || info.Encoding != EncodingKind.Legacy || info.ToOpCodeString().StartsWith("9B ", StringComparison.Ordinal))
                continue;
            if (!code.CpuidFeatures().Any(Ours.Contains) || Core.Contains(code.Mnemonic()))
                continue;
            if (!VectorTable.Find(code).IsKnown && !X87Table.Find(code).IsKnown)
                missing.Add(code);
        }

        Assert.Empty(missing);
    }
}
