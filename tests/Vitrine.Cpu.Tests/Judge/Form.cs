using Iced.Intel;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>What the generator and the comparison need to know of an instruction form, worked out once.</summary>
internal sealed class Form
{
    public Form(Code code)
    {
        Code = code;
        OpCode = code.ToOpCode();
        Mnemonic = code.Mnemonic();
        IsFpu = OpCode.Encoding == EncodingKind.Legacy && HasFeature(CpuidFeature.FPU, CpuidFeature.FPU287, CpuidFeature.FPU387);
        IsString = false;
        for (int i = 0; i < OpCode.OpCount; i++)
        {
            OpCodeOperandKind kind = OpCode.GetOpKind(i);
            IsString |= kind is OpCodeOperandKind.seg_rSI or OpCodeOperandKind.es_rDI;
            HasMemory |= kind is OpCodeOperandKind.mem or OpCodeOperandKind.mem_offs or OpCodeOperandKind.r8_or_mem
                or OpCodeOperandKind.r16_or_mem or OpCodeOperandKind.r32_or_mem or OpCodeOperandKind.r64_or_mem
                or OpCodeOperandKind.mm_or_mem or OpCodeOperandKind.xmm_or_mem or OpCodeOperandKind.ymm_or_mem;
            IsGather |= kind is OpCodeOperandKind.mem_vsib32x or OpCodeOperandKind.mem_vsib32y or OpCodeOperandKind.mem_vsib64x or OpCodeOperandKind.mem_vsib64y;
            UsesVectors |= kind is OpCodeOperandKind.mm_or_mem or OpCodeOperandKind.xmm_or_mem or OpCodeOperandKind.mm_reg
                or OpCodeOperandKind.mm_rm or OpCodeOperandKind.xmm_reg or OpCodeOperandKind.xmm_rm or OpCodeOperandKind.xmm_vvvv or OpCodeOperandKind.ymm_or_mem or OpCodeOperandKind.ymm_reg or OpCodeOperandKind.ymm_rm;
            TouchesSegments |= kind is OpCodeOperandKind.seg_reg or OpCodeOperandKind.fs or OpCodeOperandKind.gs;
            ShiftsByCl |= kind == OpCodeOperandKind.cl;
        }

        TouchesSegments |= Mnemonic is Mnemonic.Lfs or Mnemonic.Lgs or Mnemonic.Lss or Mnemonic.Wrfsbase or Mnemonic.Wrgsbase;
        IsMasked = Mnemonic is Mnemonic.Vmaskmovps or Mnemonic.Vmaskmovpd or Mnemonic.Vpmaskmovd or Mnemonic.Vpmaskmovq;
        IsExtendedState = Mnemonic is Mnemonic.Xsave or Mnemonic.Xsave64 or Mnemonic.Xsaveopt or Mnemonic.Xsaveopt64 or Mnemonic.Xsavec or Mnemonic.Xsavec64
            or Mnemonic.Xrstor or Mnemonic.Xrstor64;
        IsFar = Mnemonic is Mnemonic.Lfs or Mnemonic.Lgs or Mnemonic.Lss or Mnemonic.Retf or Mnemonic.Iret or Mnemonic.Iretd or Mnemonic.Iretq
            || code is Code.Call_m1616 or Code.Call_m1632 or Code.Call_m1664 or Code.Jmp_m1616 or Code.Jmp_m1632 or Code.Jmp_m1664;
        Elements = ElementsOf(OpCode.MemorySize);
        if (Mnemonic is Mnemonic.Pcmpistri or Mnemonic.Pcmpistrm or Mnemonic.Pcmpestri or Mnemonic.Pcmpestrm
            or Mnemonic.Pcmpestri64 or Mnemonic.Pcmpestrm64 or Mnemonic.Vpcmpistri or Mnemonic.Vpcmpistrm or Mnemonic.Vpcmpestri or Mnemonic.Vpcmpestrm
            or Mnemonic.Vpcmpestri64 or Mnemonic.Vpcmpestrm64)
            Elements = ElementKind.Text;
        MemoryBytes = SizeOf(OpCode.MemorySize);
    }

    public Code Code { get; }

    public OpCodeInfo OpCode { get; }

    public Mnemonic Mnemonic { get; }

    public bool IsFpu { get; }

    public bool IsString { get; }

    /// <summary>An explicit memory operand is possible.</summary>
    public bool HasMemory { get; }

    public bool UsesVectors { get; }

    /// <summary>Elements are gathered by a vector of indices.</summary>
    public bool IsGather { get; }

    /// <summary>A mask chooses which elements of memory are touched.</summary>
    public bool IsMasked { get; }

    /// <summary>XSAVE and its kin.</summary>
    public bool IsExtendedState { get; }

    public bool TouchesSegments { get; }

    public bool ShiftsByCl { get; }

    /// <summary>Works on a far pointer or a far frame.</summary>
    public bool IsFar { get; }

    public ElementKind Elements { get; }

    /// <summary>How many bytes of memory an access covers.</summary>
    public int MemoryBytes { get; }

    private bool HasFeature(params ReadOnlySpan<CpuidFeature> features)
    {
        foreach (CpuidFeature feature in Code.CpuidFeatures())
        {
            if (features.Contains(feature))
                return true;
        }

        return false;
    }

    private static int SizeOf(MemorySize size)
    {
        if (size is MemorySize.Xsave or MemorySize.Xsave64)
            return 832;
        int bytes = size.GetInfo().Size;
        return bytes == 0 ? 8 : bytes;
    }

    private static ElementKind ElementsOf(MemorySize size) => size.GetElementType() switch
    {
        MemorySize.Float32 => ElementKind.Single,
        MemorySize.Float64 => ElementKind.Double,
        MemorySize.Float80 => ElementKind.Extended,
        MemorySize.Bcd => ElementKind.Decimal,
        MemorySize.Unknown => ElementKind.Mixed,
        _ => ElementKind.Integer,
    };
}
