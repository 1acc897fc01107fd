using System.Numerics;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>
/// PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM: Intel's SDM 2B, 4.1. The immediate: bits 0–1 the element
/// (unsigned or signed, byte or word), 2–3 the comparison, 4–5 the polarity, 6 the kind of output.
/// </summary>
internal static unsafe class SseString
{
    // SAFETY: dst and src point to operands of 16 bytes; the interpreter has translated or bounced them.

    private const uint Carry = 1, Zero = 0x40, Sign = 0x80, Overflow = 0x800;
    private const int Rax = 0, Rcx = 1, Rdx = 2;

    public static void Pcmpistri(CpuState* state, void* dst, void* src, byte imm) =>
        StoreIndex(state, imm, Compare(state, dst, src, imm, ImplicitLength(dst, imm), ImplicitLength(src, imm)));

    public static void Pcmpistrm(CpuState* state, void* dst, void* src, byte imm) =>
        StoreMask(state, imm, Compare(state, dst, src, imm, ImplicitLength(dst, imm), ImplicitLength(src, imm)));

    public static void Pcmpestri(CpuState* state, void* dst, void* src, byte imm) =>
        StoreIndex(state, imm, Compare(state, dst, src, imm, Length((int)state->Gpr[Rax], imm), Length((int)state->Gpr[Rdx], imm)));

    public static void Pcmpestrm(CpuState* state, void* dst, void* src, byte imm) =>
        StoreMask(state, imm, Compare(state, dst, src, imm, Length((int)state->Gpr[Rax], imm), Length((int)state->Gpr[Rdx], imm)));

    public static void Pcmpestri64(CpuState* state, void* dst, void* src, byte imm) =>
        StoreIndex(state, imm, Compare(state, dst, src, imm, Length((long)state->Gpr[Rax], imm), Length((long)state->Gpr[Rdx], imm)));

    public static void Pcmpestrm64(CpuState* state, void* dst, void* src, byte imm) =>
        StoreMask(state, imm, Compare(state, dst, src, imm, Length((long)state->Gpr[Rax], imm), Length((long)state->Gpr[Rdx], imm)));

    // The VEX forms of those that give a mask clear the rest of YMM0.

    public static void Vpcmpistrm(CpuState* state, void* dst, void* src, byte imm)
    {
        Pcmpistrm(state, dst, src, imm);
        *(Vector128<byte>*)CpuState.Half(state, 1) = default;
    }

    public static void Vpcmpestrm(CpuState* state, void* dst, void* src, byte imm)
    {
        Pcmpestrm(state, dst, src, imm);
        *(Vector128<byte>*)CpuState.Half(state, 1) = default;
    }

    public static void Vpcmpestrm64(CpuState* state, void* dst, void* src, byte imm)
    {
        Pcmpestrm64(state, dst, src, imm);
        *(Vector128<byte>*)CpuState.Half(state, 1) = default;
    }

    private static int Elements(byte imm) => (imm & 1) != 0 ? 8 : 16;

    /// <summary>An explicit length counts by its absolute value, up to the number of elements.</summary>
    private static int Length(long register, byte imm)
    {
        ulong magnitude = register < 0 ? (ulong)-register : (ulong)register;
        return (int)Math.Min(magnitude, (ulong)Elements(imm));
    }

    /// <summary>Up to the first element that is zero.</summary>
    private static int ImplicitLength(void* operand, byte imm)
    {
        if ((imm & 1) != 0)
        {
            uint words = Vector128.ExtractMostSignificantBits(Vector128.Equals(*(Vector128<ushort>*)operand, Vector128<ushort>.Zero));
            return words == 0 ? 8 : BitOperations.TrailingZeroCount(words);
        }

        uint bytes = Vector128.ExtractMostSignificantBits(Vector128.Equals(*(Vector128<byte>*)operand, Vector128<byte>.Zero));
        return bytes == 0 ? 16 : BitOperations.TrailingZeroCount(bytes);
    }

    /// <summary>The manual's IntRes2; sets the flags from it. Masks have a bit for each element.</summary>
    private static uint Compare(CpuState* state, void* first, void* second, byte imm, int firstLength, int secondLength)
    {
        int count = Elements(imm);
        uint all = (1U << count) - 1, firstValid = (1U << firstLength) - 1, secondValid = (1U << secondLength) - 1;
        Vector128<byte> x = *(Vector128<byte>*)first, y = *(Vector128<byte>*)second;
        uint result = ((imm >> 2) & 3) switch
        {
            0 => EqualAny(first, firstLength, y, imm) & secondValid,
            1 => InRange(first, firstLength, y, imm) & secondValid,
            // Elements beyond both ends are equal, beyond one end they differ.
            2 => (Equal(x, y, imm) & firstValid & secondValid) | (all & ~(firstValid | secondValid)),
            _ => EqualOrdered(first, firstLength, y, secondValid, all, imm),
        };
        result = ((imm >> 4) & 3) switch
        {
            1 => ~result & all,
            3 => result ^ secondValid,
            _ => result,
        };
        CpuState.WriteArithmetic(
            state,
            (result != 0 ? Carry : 0) | (secondLength < count ? Zero : 0) | (firstLength < count ? Sign : 0) | ((result & 1) != 0 ? Overflow : 0));
        return result;
    }

    private static uint Equal(Vector128<byte> x, Vector128<byte> y, byte imm) => (imm & 1) != 0
        ? Vector128.ExtractMostSignificantBits(Vector128.Equals(x.AsUInt16(), y.AsUInt16()))
        : Vector128.ExtractMostSignificantBits(Vector128.Equals(x, y));

    /// <summary>One element of a string in all places.</summary>
    private static Vector128<byte> Broadcast(void* elements, int i, byte imm) => (imm & 1) != 0
        ? Vector128.Create(((ushort*)elements)[i]).AsByte()
        : Vector128.Create(((byte*)elements)[i]);

    private static uint EqualAny(void* set, int setLength, Vector128<byte> y, byte imm)
    {
        uint result = 0;
        for (int i = 0; i < setLength; i++)
            result |= Equal(Broadcast(set, i, imm), y, imm);
        return result;
    }

    /// <summary>The set holds pairs of bounds; a pair that isn't complete matches nothing.</summary>
    private static uint InRange(void* set, int setLength, Vector128<byte> y, byte imm)
    {
        uint result = 0;
        for (int i = 0; i + 1 < setLength; i += 2)
        {
            Vector128<byte> low = Broadcast(set, i, imm), high = Broadcast(set, i + 1, imm);
            // Within the bounds: clamping changes nothing.
            Vector128<byte> clamped = (imm & 3) switch
            {
                0 => Vector128.Max(Vector128.Min(y, high), low),
                1 => Vector128.Max(Vector128.Min(y.AsUInt16(), high.AsUInt16()), low.AsUInt16()).AsByte(),
                2 => Vector128.Max(Vector128.Min(y.AsSByte(), high.AsSByte()), low.AsSByte()).AsByte(),
                _ => Vector128.Max(Vector128.Min(y.AsInt16(), high.AsInt16()), low.AsInt16()).AsByte(),
            };
            // With the bounds the wrong way round, low itself would pass.
            Vector128<byte> ordered = (imm & 3) switch
            {
                0 => Vector128.GreaterThanOrEqual(high, low),
                1 => Vector128.GreaterThanOrEqual(high.AsUInt16(), low.AsUInt16()).AsByte(),
                2 => Vector128.GreaterThanOrEqual(high.AsSByte(), low.AsSByte()).AsByte(),
                _ => Vector128.GreaterThanOrEqual(high.AsInt16(), low.AsInt16()).AsByte(),
            };
            if (ordered != Vector128<byte>.Zero)
                result |= Equal(clamped, y, imm);
        }

        return result;
    }

    /// <summary>Where the first string begins in the second; a part cut off by the end of the register counts.</summary>
    private static uint EqualOrdered(void* first, int firstLength, Vector128<byte> y, uint secondValid, uint all, byte imm)
    {
        uint result = all;
        for (int i = 0; i < firstLength; i++)
            result &= ((Equal(Broadcast(first, i, imm), y, imm) & secondValid) >> i) | (all & ~(all >> i));
        return result;
    }

    private static void StoreIndex(CpuState* state, byte imm, uint result)
    {
        int index = Elements(imm);
        if (result != 0)
            index = (imm & 0x40) != 0 ? 31 - BitOperations.LeadingZeroCount(result) : BitOperations.TrailingZeroCount(result);
        state->Gpr[Rcx] = (ulong)index;
    }

    private static void StoreMask(CpuState* state, byte imm, uint result)
    {
        byte* xmm0 = CpuState.Xmm(state, 0);
        if ((imm & 0x40) == 0)
        {
            *(Vector128<uint>*)xmm0 = Vector128.CreateScalar(result);
            return;
        }

        int size = 16 / Elements(imm);
        for (int i = 0; i < 16; i++)
            xmm0[i] = (result >> (i / size) & 1) != 0 ? (byte)0xff : (byte)0;
    }
}
