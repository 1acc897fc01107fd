using Iced.Intel;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>
/// Results that Intel's manual specifies by an error bound. The interpreter has one fixed definition of each,
/// the host's processor another; both must keep the bound, so they may differ by twice of it.
/// </summary>
internal static unsafe class Approximation
{
    /// <summary>SDM, RCPPS and RSQRTPS: relative error at most 1.5 × 2^-12.</summary>
    private const double EstimateBound = 1.5 / 4096;

    /// <summary>SDM volume 1, 8.3.10: one unit in the last place, for each of the two.</summary>
    private const ulong TranscendentalUnits = 2;

    public static bool IsTranscendental(Mnemonic mnemonic) => mnemonic is Mnemonic.Fsin or Mnemonic.Fcos or Mnemonic.Fsincos
        or Mnemonic.Fptan or Mnemonic.Fpatan or Mnemonic.F2xm1 or Mnemonic.Fyl2x or Mnemonic.Fyl2xp1;

    public static bool Extended(Form form, int register, ulong host, ulong hostTop, ulong guest, ulong guestTop)
    {
        if (!IsTranscendental(form.Mnemonic) || register > 1 || ((hostTop ^ guestTop) & 0x8000) != 0)
            return false;
        if ((hostTop & 0x7fff) == 0x7fff || (guestTop & 0x7fff) == 0x7fff)
            return false;

        // Neighbouring values are neighbours as numbers of exponent and significand without its integer bit.
        UInt128 a = ((UInt128)(hostTop & 0x7fff) << 63) | (host & ~(1UL << 63));
        UInt128 b = ((UInt128)(guestTop & 0x7fff) << 63) | (guest & ~(1UL << 63));
        return (a > b ? a - b : b - a) <= TranscendentalUnits;
    }

    /// <summary>True if the register is the destination of an estimate and the interpreter's lanes keep the bound.</summary>
    public static bool Singles(Form form, in Instruction instruction, Instance* instance, MachineState* host, MachineState* guest, int register)
    {
        if (form.Mnemonic is not (Mnemonic.Rcpps or Mnemonic.Rcpss or Mnemonic.Rsqrtps or Mnemonic.Rsqrtss
            or Mnemonic.Vrcpps or Mnemonic.Vrcpss or Mnemonic.Vrsqrtps or Mnemonic.Vrsqrtss))
            return false;
        Register destination = instruction.Op0Register;
        if ((destination >= Register.YMM0 ? destination - Register.YMM0 : destination - Register.XMM0) != register)
            return false;
        for (int lane = 0; lane < 8; lane++)
        {
            float h = Lane(host, register, lane), g = Lane(guest, register, lane);
            if (BitConverter.SingleToUInt32Bits(h) == BitConverter.SingleToUInt32Bits(g))
                continue;
            if (!float.IsNormal(h) || !float.IsNormal(g) || Math.Abs(((double)g / h) - 1) > 2 * EstimateBound)
                return false;
        }

        return true;
    }

    private static float Lane(MachineState* state, int register, int lane) =>
        BitConverter.UInt32BitsToSingle(
            (uint)((lane < 4 ? state->Xmm((2 * register) + (lane >> 1)) : state->YmmHigh((2 * register) + ((lane - 4) >> 1))) >> (32 * (lane & 1))));
}
