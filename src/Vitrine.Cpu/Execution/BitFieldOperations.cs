using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Vitrine.Cpu.State;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>
/// An operation of BMI1, BMI2 or LZCNT: a result from the operand that may be memory and from the register that VEX.vvvv
/// names (for those of one source: the old destination). Sets the flags that the instruction sets.
/// </summary>
internal unsafe interface IBitFieldOperation
{
    static abstract ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize;
}

internal readonly unsafe struct AndNot : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize
    {
        ulong r = ~register & operand;
        CpuState.SetResult(c, TSize.SignExtend(r), false, false);
        return r;
    }
}

/// <summary>BLSR.</summary>
internal readonly unsafe struct ResetLowestBit : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize
    {
        ulong r = operand & (operand - 1);
        CpuState.SetResult(c, TSize.SignExtend(r), operand == 0, false);
        return r;
    }
}

/// <summary>BLSMSK.</summary>
internal readonly unsafe struct MaskToLowestBit : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize
    {
        ulong r = operand ^ (operand - 1);
        CpuState.SetResult(c, TSize.SignExtend(r), operand == 0, false);
        return r;
    }
}

/// <summary>BLSI.</summary>
internal readonly unsafe struct LowestBit : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize
    {
        ulong r = operand & (0 - operand);
        CpuState.SetResult(c, TSize.SignExtend(r), operand != 0, false);
        return r;
    }
}

/// <summary>BEXTR: start in the register's lowest byte, length in the next. Only ZF is defined, CF and OF are clear.</summary>
internal readonly unsafe struct ExtractField : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize
    {
        int start = (byte)register, length = (byte)(register >> 8);
        ulong r = start > 63 ? 0 : operand >> start;
        if (length < 64)
            r &= (1UL << length) - 1;
        CpuState.SetResult(c, TSize.SignExtend(r), false, false);
        return r;
    }
}

/// <summary>BZHI: clears the bits from the register's lowest byte on; CF: there are none.</summary>
internal readonly unsafe struct ZeroHighBits : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize
    {
        int index = (byte)register;
        bool beyond = index >= TSize.Bytes * 8;
        ulong r = beyond ? operand : operand & ((1UL << index) - 1);
        CpuState.SetResult(c, TSize.SignExtend(r), beyond, false);
        return r;
    }
}

/// <summary>PDEP: the operand is the mask.</summary>
internal readonly unsafe struct DepositBits : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize =>
        Bmi2.X64.IsSupported ? Bmi2.X64.ParallelBitDeposit(register, operand) : BitFields.Deposit(register, operand);
}

/// <summary>PEXT: the operand is the mask.</summary>
internal readonly unsafe struct GatherBits : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize =>
        Bmi2.X64.IsSupported ? Bmi2.X64.ParallelBitExtract(register, operand) : BitFields.Gather(register, operand);
}

/// <summary>SHLX.</summary>
internal readonly unsafe struct ShiftLeftPlain : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize =>
        operand << (int)(register & (ulong)(TSize.Bytes * 8 - 1));
}

/// <summary>SHRX.</summary>
internal readonly unsafe struct ShiftRightPlain : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize =>
        operand >> (int)(register & (ulong)(TSize.Bytes * 8 - 1));
}

/// <summary>SARX.</summary>
internal readonly unsafe struct ShiftArithmeticPlain : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize =>
        (ulong)(TSize.SignExtend(operand) >> (int)(register & (ulong)(TSize.Bytes * 8 - 1)));
}

/// <summary>TZCNT: only CF and ZF are defined; the others follow the result.</summary>
internal readonly unsafe struct TrailingZeros : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize
    {
        ulong r = operand == 0 ? (ulong)(TSize.Bytes * 8) : (ulong)BitOperations.TrailingZeroCount(operand);
        CpuState.SetResult(c, (long)r, operand == 0, false);
        return r;
    }
}

/// <summary>LZCNT: only CF and ZF are defined; the others follow the result.</summary>
internal readonly unsafe struct LeadingZeros : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize
    {
        ulong r = (ulong)(BitOperations.LeadingZeroCount(operand) - (64 - TSize.Bytes * 8));
        CpuState.SetResult(c, (long)r, operand == 0, false);
        return r;
    }
}

/// <summary>ADCX: only CF takes part.</summary>
internal readonly unsafe struct AddWithCarryAlone : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize
    {
        ulong r = BitFields.Add<TSize>(operand, register, CpuState.Carry(c), out bool carry);
        CpuState.SetCarry(c, carry);
        return r;
    }
}

/// <summary>ADOX: OF in place of CF.</summary>
internal readonly unsafe struct AddWithOverflowAlone : IBitFieldOperation
{
    [MethodImpl(Always)]
    public static ulong Compute<TSize>(CpuState* c, ulong operand, ulong register) where TSize : struct, ISize
    {
        ulong r = BitFields.Add<TSize>(operand, register, CpuState.Overflow(c), out bool carry);
        CpuState.SetCarryOverflow(c, CpuState.Carry(c), carry);
        return r;
    }
}

/// <summary>What hosts without the instructions compute instead.</summary>
internal static class BitFields
{
    public static ulong Deposit(ulong value, ulong mask)
    {
        ulong r = 0;
        for (; mask != 0; mask &= mask - 1, value >>= 1)
        {
            if ((value & 1) != 0)
                r |= mask & (0 - mask);
        }

        return r;
    }

    public static ulong Gather(ulong value, ulong mask)
    {
        ulong r = 0;
        for (int n = 0; mask != 0; mask &= mask - 1, n++)
        {
            if ((value & mask & (0 - mask)) != 0)
                r |= 1UL << n;
        }

        return r;
    }

    [MethodImpl(Always)]
    public static ulong Add<TSize>(ulong a, ulong b, bool carryIn, out bool carryOut) where TSize : struct, ISize
    {
        ulong carry = carryIn ? 1UL : 0;
        ulong sum = a + b + carry;
        carryOut = TSize.Bytes == 8 ? sum < a || (carryIn && sum == a) : sum >> 32 != 0;
        return TSize.Truncate(sum);
    }
}
