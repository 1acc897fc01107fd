using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd;

/// <summary>PCLMULQDQ: the product of two polynomials over GF(2); immediate bits 0 and 4 choose the halves.</summary>
internal static unsafe class CarrylessMultiply
{
    // SAFETY: dst and src point to operands of 16 bytes; the interpreter has translated or bounced them.

    public static void Pclmulqdq(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong x = ((ulong*)dst)[imm & 1], y = ((ulong*)src)[(imm >> 4) & 1];
        *(Vector128<ulong>*)dst = System.Runtime.Intrinsics.X86.Pclmulqdq.IsSupported
            ? System.Runtime.Intrinsics.X86.Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar(x), Vector128.CreateScalar(y), 0)
            : Multiply(x, y);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static Vector128<ulong> Multiply(ulong x, ulong y)
    {
        ulong low = 0, high = 0;
        for (int i = 0; i < 64; i++)
        {
            if ((y >> i & 1) == 0)
                continue;
            low ^= x << i;
            high ^= i == 0 ? 0 : x >> (64 - i);
        }

        return Vector128.Create(low, high);
    }
}
