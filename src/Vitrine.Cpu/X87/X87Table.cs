using Iced.Intel;
using Vitrine.Cpu.Execution;

namespace Vitrine.Cpu.X87;

/// <summary>Finds the operation of an x87 (or FXSAVE, XSAVE) instruction code.</summary>
internal static unsafe class X87Table
{
    /// <summary>The operation, or one that isn't known.</summary>
    public static VectorOperation Find(Code code) => default;
}
