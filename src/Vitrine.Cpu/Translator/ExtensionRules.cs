using System.Runtime.Intrinsics.X86;
using Iced.Intel;
using static Vitrine.Cpu.Translator.FlagRecord;

namespace Vitrine.Cpu.Translator;

/// <summary>Which instructions of the levels above x86-64-v2 are translated how: those that this host has, too.</summary>
internal static class ExtensionRules
{
    /// <summary>The host has what x86-64-v3 adds, as far as .NET can tell.</summary>
    private static readonly bool HostHasLevel3 =
        Avx2.IsSupported && Fma.IsSupported && Bmi1.X64.IsSupported && Bmi2.X64.IsSupported && Lzcnt.X64.IsSupported;

    // These have no class of their own, or none for this form: CPUID leaf 1 (ECX) and leaf 7 (EBX, ECX).
    private static readonly bool HostHasHalfConversion = HostHasLevel3 && (X86Base.CpuId(1, 0).Ecx >> 29 & 1) != 0;
    private static readonly bool HostHasSha = HostHasLevel3 && (X86Base.CpuId(7, 0).Ebx >> 29 & 1) != 0;
    private static readonly int WideCryptography = HostHasLevel3 ? X86Base.CpuId(7, 0).Ecx : 0;

    public static void Choose(ref RegionInstruction r, CpuLevel level)
    {
        ref Instruction i = ref r.Code;
        if (level < CpuLevel.V3 || !HostHasLevel3 || !AreKnown(i.Code.CpuidFeatures(), level))
            return;
        switch (i.Mnemonic)
        {
            case Mnemonic.Vzeroupper or Mnemonic.Vzeroall:
                r.Kind = InstructionKind.Verbatim;
                return;
            case Mnemonic.Movbe:
                r.Kind = InstructionKind.General;
                r.WritesMemory = i.Op0Kind == OpKind.Memory;
                return;
            case Mnemonic.Mulx or Mnemonic.Pdep or Mnemonic.Pext or Mnemonic.Rorx or Mnemonic.Sarx or Mnemonic.Shlx or Mnemonic.Shrx:
                General(ref r, 0, 0);
                return;
            case Mnemonic.Andn or Mnemonic.Blsi or Mnemonic.Blsmsk or Mnemonic.Blsr or Mnemonic.Bzhi:
                General(ref r, All, Carry | Zero | Sign | Overflow);
                return;
            case Mnemonic.Bextr:
                General(ref r, All, Carry | Zero | Overflow);
                return;
            case Mnemonic.Tzcnt or Mnemonic.Lzcnt:
                General(ref r, All, Carry | Zero);
                return;
            case Mnemonic.Vcomiss or Mnemonic.Vcomisd or Mnemonic.Vucomiss or Mnemonic.Vucomisd or Mnemonic.Vptest or Mnemonic.Vtestps or Mnemonic.Vtestpd:
                InstructionRules.Set(ref r, InstructionKind.VectorCompare, 0, All, All);
                break;
            case Mnemonic.Vrcpps or Mnemonic.Vrcpss or Mnemonic.Vrsqrtps or Mnemonic.Vrsqrtss or Mnemonic.Vldmxcsr or Mnemonic.Vstmxcsr:
            case Mnemonic.Vmaskmovdqu or Mnemonic.Vmaskmovps or Mnemonic.Vmaskmovpd or Mnemonic.Vpmaskmovd or Mnemonic.Vpmaskmovq:
                return;
            case Mnemonic.Vpcmpestri or Mnemonic.Vpcmpestrm or Mnemonic.Vpcmpistri or Mnemonic.Vpcmpistrm or Mnemonic.Vpcmpestri64 or Mnemonic.Vpcmpestrm64:
                InstructionRules.ChooseStringCompare(ref r);
                return;
            default:
                if (i.OpCount == 0)
                    return;
                r.Kind = InstructionKind.Vector;
                break;
        }

        if (!InstructionRules.HasMemory(i))
            return;
        int size = i.MemorySize.GetSize();
        if (size is < 1 or > 32)
        {
            r.Kind = InstructionKind.Interpreted;
            return;
        }

        r.VectorSize = (ushort)size;
        r.WritesMemory = i.Op0Kind == OpKind.Memory;
        r.Aligned = i.Encoding == EncodingKind.Legacy || i.Mnemonic is Mnemonic.Vmovaps or Mnemonic.Vmovapd or Mnemonic.Vmovdqa
            or Mnemonic.Vmovntps or Mnemonic.Vmovntpd or Mnemonic.Vmovntdq or Mnemonic.Vmovntdqa;
    }

    /// <summary>Which operand is in memory.</summary>
    public static int MemoryOperand(in Instruction i) => i.Op0Kind == OpKind.Memory ? 0 : i.Op1Kind == OpKind.Memory ? 1 : 2;

    /// <summary>ModRM.reg is part of the opcode.</summary>
    public static bool HasOpcodeExtension(in Instruction i) => i.Mnemonic is Mnemonic.Blsi or Mnemonic.Blsmsk or Mnemonic.Blsr;

    private static void General(ref RegionInstruction r, int writes, int valid)
    {
        ref Instruction i = ref r.Code;
        int inMemory = InstructionRules.HasMemory(i) ? 1 : 0;
        for (int n = 0; n < i.OpCount; n++)
        {
            if (i.GetOpKind(n) == OpKind.Register && HostRegister.Of(InstructionRules.Number(i.GetOpRegister(n))) < 0)
                inMemory++;
        }

        if (inMemory <= 2)
            InstructionRules.Set(ref r, InstructionKind.General, 0, writes, valid);
    }

    private static bool AreKnown(CpuidFeature[] features, CpuLevel level)
    {
        foreach (CpuidFeature feature in features)
        {
            bool known = feature switch
            {
                CpuidFeature.AVX or CpuidFeature.AVX2 or CpuidFeature.FMA or CpuidFeature.BMI1 or CpuidFeature.BMI2 or CpuidFeature.LZCNT => true,
                CpuidFeature.MOVBE => true,
                CpuidFeature.F16C => HostHasHalfConversion,
                CpuidFeature.SHA => level >= CpuLevel.Max && HostHasSha,
                CpuidFeature.AES => level >= CpuLevel.Max && Aes.IsSupported,
                CpuidFeature.PCLMULQDQ => level >= CpuLevel.Max && Pclmulqdq.IsSupported,
                CpuidFeature.GFNI => level >= CpuLevel.Max && (WideCryptography >> 8 & 1) != 0,
                CpuidFeature.VAES => level >= CpuLevel.Max && (WideCryptography >> 9 & 1) != 0,
                CpuidFeature.VPCLMULQDQ => level >= CpuLevel.Max && (WideCryptography >> 10 & 1) != 0,
                _ => false,
            };
            if (!known)
                return false;
        }

        return true;
    }
}
