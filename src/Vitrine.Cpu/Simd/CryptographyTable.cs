using Iced.Intel;
using Vitrine.Cpu.Execution;
using static Vitrine.Cpu.Simd.VectorForms;

namespace Vitrine.Cpu.Simd;

/// <summary>The XMM instructions of AES, PCLMULQDQ, SHA and GFNI, with two operands.</summary>
internal static unsafe class CryptographyTable
{
    public static VectorOperation Find(Code code) => code switch
    {
        Code.Aesdec_xmm_xmmm128 => Packed(&AesRounds.Aesdec),
        Code.Aesdeclast_xmm_xmmm128 => Packed(&AesRounds.Aesdeclast),
        Code.Aesenc_xmm_xmmm128 => Packed(&AesRounds.Aesenc),
        Code.Aesenclast_xmm_xmmm128 => Packed(&AesRounds.Aesenclast),
        Code.Aesimc_xmm_xmmm128 => Packed(&AesRounds.Aesimc),
        Code.Aeskeygenassist_xmm_xmmm128_imm8 => Packed(&AesRounds.Aeskeygenassist),
        Code.Pclmulqdq_xmm_xmmm128_imm8 => Packed(&CarrylessMultiply.Pclmulqdq),
        Code.Sha1rnds4_xmm_xmmm128_imm8 => Packed(&ShaRounds.Sha1rnds4),
        Code.Sha1nexte_xmm_xmmm128 => Packed(&ShaRounds.Sha1nexte),
        Code.Sha1msg1_xmm_xmmm128 => Packed(&ShaRounds.Sha1msg1),
        Code.Sha1msg2_xmm_xmmm128 => Packed(&ShaRounds.Sha1msg2),
        Code.Sha256rnds2_xmm_xmmm128 => Packed(&ShaRounds.Sha256rnds2),
        Code.Sha256msg1_xmm_xmmm128 => Packed(&ShaRounds.Sha256msg1),
        Code.Sha256msg2_xmm_xmmm128 => Packed(&ShaRounds.Sha256msg2),
        Code.Gf2p8mulb_xmm_xmmm128 => Packed(&GaloisField.Gf2p8mulb),
        Code.Gf2p8affineqb_xmm_xmmm128_imm8 => Packed(&GaloisField.Gf2p8affineqb),
        Code.Gf2p8affineinvqb_xmm_xmmm128_imm8 => Packed(&GaloisField.Gf2p8affineinvqb),
        _ => default,
    };
}
