using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Vitrine.Cpu.Execution;

namespace Vitrine.Cpu.Decoding;

/// <summary>
/// A function pointer of the runtime leads to a small stub, <c>jmp [cell]</c>, so that code can be replaced; handlers never are.
/// This follows such a jump once, when a block is made, instead of at every operation.
/// </summary>
internal static unsafe class DirectCode
{
    private const int StubSize = 32;

    /// <summary>
    /// Where the function begins; the pointer itself if it isn't such a stub, or the function hasn't been compiled
    /// yet: then the cell leads to the rest of the stub, which asks for that.
    /// </summary>
    public static OpFunction Of(OpFunction function)
    {
        if (!X86Base.X64.IsSupported || function == null)
            return function;

        // SAFETY: a function pointer points to at least one instruction; the six bytes of this one are read only
        // after its first two have matched.
        byte* code = (byte*)function;
        if (Unsafe.ReadUnaligned<ushort>(code) != 0x25ff)
            return function;
        int distance = Unsafe.ReadUnaligned<int>(code + 2);
        byte* target = *(byte**)(code + 6 + distance);
        return target > code && target < code + StubSize ? function : (OpFunction)target;
    }
}
