using Vitrine.Cpu.FloatingPoint;
using Vitrine.Cpu.Simd;
using Vitrine.Cpu.Tests.FloatingPoint;

namespace Vitrine.Cpu.Tests.Simd;

/// <summary>The quick way through a lane gives what the exact way gives, exceptions included.</summary>
public sealed class FloatLaneTests
{
    [Fact]
    public void DoubleLane_AgreesWithExactArithmetic()
    {
        foreach ((ulong a, ulong b) in IeeeArithmeticTests.Pairs(20_000))
        {
            foreach (FloatOperation operation in (FloatOperation[])[FloatOperation.Add, FloatOperation.Subtract, FloatOperation.Multiply, FloatOperation.Divide])
            {
                FloatEnvironment quick = FloatEnvironment.FromMxcsr(0x1f80), exact = quick;
                double x = BitConverter.UInt64BitsToDouble(a), y = BitConverter.UInt64BitsToDouble(b);
                ulong result = BitConverter.DoubleToUInt64Bits(FloatLane.Compute(operation, x, y, ref quick));
                Assert.Equal(Exactly(operation, IeeeFormat.Binary64, a, b, ref exact), result);
                Assert.Equal(exact.Raised, quick.Raised);
            }
        }
    }

    [Fact]
    public void SingleLane_AgreesWithExactArithmetic()
    {
        foreach ((ulong a, ulong b) in IeeeArithmeticTests.Pairs(20_000))
        {
            foreach (FloatOperation operation in (FloatOperation[])[FloatOperation.Add, FloatOperation.Subtract, FloatOperation.Multiply, FloatOperation.Divide])
            {
                FloatEnvironment quick = FloatEnvironment.FromMxcsr(0x1f80), exact = quick;
                uint p = (uint)(a >> 32) ^ (uint)a, q = (uint)(b >> 32) ^ (uint)b;
                float x = BitConverter.UInt32BitsToSingle(p), y = BitConverter.UInt32BitsToSingle(q);
                uint result = BitConverter.SingleToUInt32Bits(FloatLane.Compute(operation, x, y, ref quick));
                Assert.Equal((uint)Exactly(operation, IeeeFormat.Binary32, p, q, ref exact), result);
                Assert.Equal(exact.Raised, quick.Raised);
            }
        }
    }

    [Fact]
    public void SquareRoot_AgreesWithExactArithmetic()
    {
        foreach (ulong a in IeeeArithmeticTests.Seeds(20_000))
        {
            FloatEnvironment quick = FloatEnvironment.FromMxcsr(0x1f80), exact = quick;
            ulong result = BitConverter.DoubleToUInt64Bits(FloatLane.SquareRoot(BitConverter.UInt64BitsToDouble(a), ref quick));
            Assert.Equal(IeeeArithmetic.SquareRoot(IeeeFormat.Binary64, a, ref exact), result);
            Assert.Equal(exact.Raised, quick.Raised);
        }
    }

    private static ulong Exactly(FloatOperation operation, in IeeeFormat format, ulong a, ulong b, ref FloatEnvironment environment) => operation switch
    {
        FloatOperation.Add => IeeeArithmetic.Add(format, a, b, ref environment),
        FloatOperation.Subtract => IeeeArithmetic.Subtract(format, a, b, ref environment),
        FloatOperation.Multiply => IeeeArithmetic.Multiply(format, a, b, ref environment),
        _ => IeeeArithmetic.Divide(format, a, b, ref environment),
    };
}
