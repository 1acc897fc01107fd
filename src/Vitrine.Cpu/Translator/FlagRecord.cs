using System.Numerics;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Translator;

/// <summary>Flags that machine code has left as a record of the operation that set them.</summary>
internal static unsafe class FlagRecord
{
    /// <summary>CF PF AF ZF SF OF in the places of RFLAGS' low byte, and OF in bit 8 so that all have one.</summary>
    public const int Carry = 1;
    public const int Parity = 2;
    public const int Adjust = 4;
    public const int Zero = 8;
    public const int Sign = 16;
    public const int Overflow = 32;
    public const int All = 63;

    public static uint Word(FlagKind kind, int size) => ((uint)kind << 2) | (uint)BitOperations.Log2((uint)size);

    public static uint Word(FlagOverlay overlay, int size) => (((uint)overlay << 2) | (uint)BitOperations.Log2((uint)size)) << 16;

    public static FlagKind KindOf(uint word) => (FlagKind)((word & 0xffff) >> 2);

    public static int SizeOf(uint word) => 1 << (int)(word & 3);

    /// <summary>Brings the flags into the interpreter's form.</summary>
    public static void Materialise(CpuState* c)
    {
        uint word = c->FlagKind;
        if (word == 0)
            return;
        c->FlagKind = 0;
        if ((word & 0xffff) != 0)
        {
            switch (word & 3)
            {
                case 0: Base<Byte1>(c, KindOf(word)); break;
                case 1: Base<Byte2>(c, KindOf(word)); break;
                case 2: Base<Byte4>(c, KindOf(word)); break;
                default: Base<Byte8>(c, KindOf(word)); break;
            }
        }

        uint overlay = word >> 16;
        if (overlay != 0)
        {
            switch (overlay & 3)
            {
                case 0: Overlay<Byte1>(c, (FlagOverlay)(overlay >> 2)); break;
                case 1: Overlay<Byte2>(c, (FlagOverlay)(overlay >> 2)); break;
                case 2: Overlay<Byte4>(c, (FlagOverlay)(overlay >> 2)); break;
                default: Overlay<Byte8>(c, (FlagOverlay)(overlay >> 2)); break;
            }
        }
    }

    /// <summary>For LAHF's reverse: AH is SF ZF AF PF CF, AL is 1 if OF.</summary>
    public static uint Image(CpuState* c)
    {
        ulong flags = CpuState.ReadArithmetic(c);
        return (uint)((flags & 0xff) << 8) | (uint)((flags >> 11) & 1);
    }

    private static void Base<TSize>(CpuState* c, FlagKind kind)
        where TSize : struct, ISize
    {
        ulong a = TSize.Truncate(c->FlagA);
        ulong b = TSize.Truncate(c->FlagB);
        switch (kind)
        {
            case FlagKind.Add:
                FlagRules.Sum<TSize>(c, a, b, a + b);
                break;
            case FlagKind.Subtract:
                FlagRules.Difference<TSize>(c, a, b, a - b);
                break;
            case FlagKind.AddResult:
                FlagRules.Sum<TSize>(c, TSize.Truncate(a - b), b, a);
                break;
            case FlagKind.SubtractResult:
                FlagRules.Difference<TSize>(c, TSize.Truncate(a + b), b, a);
                break;
            case FlagKind.Logic:
                FlagRules.Logic<TSize>(c, a);
                break;
            case FlagKind.AddCarry:
                FlagRules.Sum<TSize>(c, a, b, c->FlagR);
                break;
            case FlagKind.SubtractBorrow:
                FlagRules.Difference<TSize>(c, a, b, c->FlagR);
                break;
            case FlagKind.ShiftLeft:
                _ = ShiftLeft.Apply<TSize>(c, a, Count<TSize>(c));
                break;
            case FlagKind.ShiftRight:
                _ = ShiftRight.Apply<TSize>(c, a, Count<TSize>(c));
                break;
            case FlagKind.ShiftArithmeticRight:
                _ = ShiftArithmeticRight.Apply<TSize>(c, a, Count<TSize>(c));
                break;
            case FlagKind.Multiply:
                bool lost = (byte)c->FlagB != 0;
                CpuState.SetResult(c, TSize.SignExtend(a), lost, lost);
                break;
            case FlagKind.Result:
                CpuState.SetResult(c, TSize.SignExtend(a), (byte)c->FlagB != 0, false);
                break;
            case FlagKind.Bytes:
                ulong bytes = c->FlagB;
                CpuState.WriteArithmetic(c, (bytes & 1) | ((bytes >> 8) & 1) << 2 | ((bytes >> 16) & 1) << 6);
                break;
            case FlagKind.Image:
                CpuState.WriteArithmetic(c, ((c->FlagB >> 8) & 0xd5) | (c->FlagB & 1) << 11);
                break;
        }
    }

    private static int Count<TSize>(CpuState* c)
        where TSize : struct, ISize => (byte)c->FlagB & (TSize.Bytes == 8 ? 63 : 31);

    private static void Overlay<TSize>(CpuState* c, FlagOverlay overlay)
        where TSize : struct, ISize
    {
        ulong r = TSize.Truncate(c->FlagOverlay);
        switch (overlay)
        {
            case FlagOverlay.Increment:
                Increment.SetFlags<TSize>(c, TSize.Truncate(r - 1), r);
                break;
            case FlagOverlay.Decrement:
                Decrement.SetFlags<TSize>(c, TSize.Truncate(r + 1), r);
                break;
            case FlagOverlay.RotateLeft:
                bool carry = (r & 1) != 0;
                CpuState.SetCarryOverflow(c, carry, carry != (TSize.SignExtend(r) < 0));
                break;
            case FlagOverlay.RotateRight:
                CpuState.SetCarryOverflow(c, TSize.SignExtend(r) < 0, TSize.SignExtend(r ^ (r << 1)) < 0);
                break;
            case FlagOverlay.Carry:
                CpuState.SetCarry(c, (r & 1) != 0);
                break;
        }
    }
}
