using System.Runtime.InteropServices;

namespace Vitrine.Kernel.Mm;

/// <summary>
/// Zeroed host memory that is committed only where it is touched. The hosts' calloc does that for large blocks.
/// </summary>
internal static unsafe class LazyArray
{
    public static void* Allocate(nuint bytes) => NativeMemory.AllocZeroed(bytes);

    public static void Free(void* block, nuint bytes)
    {
        _ = bytes;
        NativeMemory.Free(block);
    }
}
