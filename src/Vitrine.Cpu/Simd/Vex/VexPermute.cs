using System.Runtime.Intrinsics;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.Simd.Vex;

/// <summary>What only VEX instructions do: moves between the halves of a YMM register, broadcasts, shifts by lane, 256-bit tests.</summary>
internal static unsafe class VexPermute
{
    // SAFETY: dst and src point to operands of the size that the instruction's table entry declares (dst to 32 bytes for
    // those that do both halves); the interpreter has translated or bounced them.

    public static void Broadcast1(CpuState* state, void* dst, void* src, byte imm) => Both(dst, Vector128.Create(*(byte*)src));

    public static void Broadcast2(CpuState* state, void* dst, void* src, byte imm) => Both(dst, Vector128.Create(*(ushort*)src).AsByte());

    public static void Broadcast4(CpuState* state, void* dst, void* src, byte imm) => Both(dst, Vector128.Create(*(uint*)src).AsByte());

    public static void Broadcast8(CpuState* state, void* dst, void* src, byte imm) => Both(dst, Vector128.Create(*(ulong*)src).AsByte());

    public static void Broadcast16(CpuState* state, void* dst, void* src, byte imm) => Both(dst, *(Vector128<byte>*)src);

    private static void Both(void* dst, Vector128<byte> value)
    {
        ((Vector128<byte>*)dst)[0] = value;
        ((Vector128<byte>*)dst)[1] = value;
    }

    public static void Insert16(CpuState* state, void* dst, void* src, byte imm) => ((Vector128<byte>*)dst)[imm & 1] = *(Vector128<byte>*)src;

    /// <summary>VPERM2x128: for each half two bits choose among the four of both sources, a third clears it.</summary>
    public static void Perm2x128(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<byte> low = Half((Vector128<byte>*)dst, (Vector128<byte>*)src, imm);
        Vector128<byte> high = Half((Vector128<byte>*)dst, (Vector128<byte>*)src, imm >> 4);
        ((Vector128<byte>*)dst)[0] = low;
        ((Vector128<byte>*)dst)[1] = high;
    }

    private static Vector128<byte> Half(Vector128<byte>* first, Vector128<byte>* second, int choice) =>
        (choice & 8) != 0 ? default : ((choice & 2) != 0 ? second : first)[choice & 1];

    /// <summary>VPERMD, VPERMPS: the first source has the indices.</summary>
    public static void Permd(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* index = (uint*)dst, x = (uint*)src;
        uint* result = stackalloc uint[8];
        for (int i = 0; i < 8; i++)
            result[i] = x[index[i] & 7];
        Both(dst, result);
    }

    /// <summary>VPERMQ, VPERMPD.</summary>
    public static void Permq(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong* x = (ulong*)src;
        ulong* result = stackalloc ulong[4];
        for (int i = 0; i < 4; i++)
            result[i] = x[(imm >> (2 * i)) & 3];
        Both(dst, result);
    }

    private static void Both(void* dst, void* value)
    {
        ((Vector128<byte>*)dst)[0] = ((Vector128<byte>*)value)[0];
        ((Vector128<byte>*)dst)[1] = ((Vector128<byte>*)value)[1];
    }

    public static void Permilps(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* x = (uint*)dst, control = (uint*)src;
        *(Vector128<uint>*)dst = Vector128.Create(x[control[0] & 3], x[control[1] & 3], x[control[2] & 3], x[control[3] & 3]);
    }

    /// <summary>Bit 1 of each control word chooses.</summary>
    public static void Permilpd(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong* x = (ulong*)dst, control = (ulong*)src;
        *(Vector128<ulong>*)dst = Vector128.Create(x[(control[0] >> 1) & 1], x[(control[1] >> 1) & 1]);
    }

    public static void PermilpdImmediate(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong* x = (ulong*)src;
        *(Vector128<ulong>*)dst = Vector128.Create(x[imm & 1], x[(imm >> 1) & 1]);
    }

    public static void Psllvd(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* x = (uint*)dst, count = (uint*)src;
        for (int i = 0; i < 4; i++)
            x[i] = count[i] > 31 ? 0 : x[i] << (int)count[i];
    }

    public static void Psllvq(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong* x = (ulong*)dst, count = (ulong*)src;
        for (int i = 0; i < 2; i++)
            x[i] = count[i] > 63 ? 0 : x[i] << (int)count[i];
    }

    public static void Psrlvd(CpuState* state, void* dst, void* src, byte imm)
    {
        uint* x = (uint*)dst, count = (uint*)src;
        for (int i = 0; i < 4; i++)
            x[i] = count[i] > 31 ? 0 : x[i] >> (int)count[i];
    }

    public static void Psrlvq(CpuState* state, void* dst, void* src, byte imm)
    {
        ulong* x = (ulong*)dst, count = (ulong*)src;
        for (int i = 0; i < 2; i++)
            x[i] = count[i] > 63 ? 0 : x[i] >> (int)count[i];
    }

    public static void Psravd(CpuState* state, void* dst, void* src, byte imm)
    {
        int* x = (int*)dst;
        uint* count = (uint*)src;
        for (int i = 0; i < 4; i++)
            x[i] >>= (int)Math.Min(count[i], 31);
    }

    public static void Movmskps256(CpuState* state, void* dst, void* src, byte imm) =>
        *(ulong*)dst = Signs32(((Vector128<uint>*)src)[0]) | (Signs32(((Vector128<uint>*)src)[1]) << 4);

    public static void Movmskpd256(CpuState* state, void* dst, void* src, byte imm) =>
        *(ulong*)dst = Signs64(((Vector128<ulong>*)src)[0]) | (Signs64(((Vector128<ulong>*)src)[1]) << 2);

    public static void Pmovmskb256(CpuState* state, void* dst, void* src, byte imm) =>
        *(ulong*)dst = Vector128.ExtractMostSignificantBits(((Vector128<byte>*)src)[0])
            | (Vector128.ExtractMostSignificantBits(((Vector128<byte>*)src)[1]) << 16);

    private static uint Signs32(Vector128<uint> x) => Vector128.ExtractMostSignificantBits(x);

    private static uint Signs64(Vector128<ulong> x) => Vector128.ExtractMostSignificantBits(x);

    // ZF: no common bit; CF: the source has no bit outside of the destination. VTESTPx looks at the lanes' signs only.

    public static void Ptest256(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<ulong> common = Common((ulong*)dst, (ulong*)src, out Vector128<ulong> outside);
        CpuState.SetZeroCarry(state, common == default, outside == default);
    }

    public static void Testps256(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<ulong> common = Common((ulong*)dst, (ulong*)src, out Vector128<ulong> outside);
        CpuState.SetZeroCarry(state, Signs32(common.AsUInt32()) == 0, Signs32(outside.AsUInt32()) == 0);
    }

    public static void Testpd256(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<ulong> common = Common((ulong*)dst, (ulong*)src, out Vector128<ulong> outside);
        CpuState.SetZeroCarry(state, Signs64(common) == 0, Signs64(outside) == 0);
    }

    public static void Testps128(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<uint> x = *(Vector128<uint>*)dst, y = *(Vector128<uint>*)src;
        CpuState.SetZeroCarry(state, Signs32(x & y) == 0, Signs32(Vector128.AndNot(y, x)) == 0);
    }

    public static void Testpd128(CpuState* state, void* dst, void* src, byte imm)
    {
        Vector128<ulong> x = *(Vector128<ulong>*)dst, y = *(Vector128<ulong>*)src;
        CpuState.SetZeroCarry(state, Signs64(x & y) == 0, Signs64(Vector128.AndNot(y, x)) == 0);
    }

    private static Vector128<ulong> Common(ulong* x, ulong* y, out Vector128<ulong> outside)
    {
        var first = (Vector128<ulong>*)x;
        var second = (Vector128<ulong>*)y;
        outside = Vector128.AndNot(second[0], first[0]) | Vector128.AndNot(second[1], first[1]);
        return (first[0] & second[0]) | (first[1] & second[1]);
    }
}
