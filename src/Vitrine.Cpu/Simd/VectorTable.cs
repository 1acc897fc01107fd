using Iced.Intel;
using Vitrine.Cpu.Execution;

namespace Vitrine.Cpu.Simd;

/// <summary>Finds the operation of an MMX or SSE instruction code.</summary>
internal static unsafe class VectorTable
{
    /// <summary>The operation, or one that isn't known.</summary>
    public static VectorOperation Find(Code code) => default;
}
