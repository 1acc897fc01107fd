using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vitrine.Cpu.Execution;

/// <summary>
/// What has been decoded from one frame: a hash from offset to block, and the memory that the blocks lie in.
/// Readers take no lock; it grows only under the cache's lock, and is freed as a whole after all processors
/// have passed a block's end.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FrameCode
{
    public const int Buckets = 64;

    /// <summary>Chunks, linked by their first word.</summary>
    public CodeChunk* Chunks;

    /// <summary>The free part of the newest chunk.</summary>
    public byte* Free;
    public byte* End;

    public uint Frame;

    /// <summary>Not zero once no writable translation of the frame is left: only then may its bytes be decoded.</summary>
    public int Ready;

    /// <summary>No other code of a frame ever has the same.</summary>
    public ulong Stamp;

    private fixed ulong _heads[Buckets];

    public static BlockHeader** Head(FrameCode* f, uint offset) => (BlockHeader**)f->_heads + ((offset ^ (offset >> 6)) & (Buckets - 1));

    /// <summary>The block that begins at an offset, for an instruction that crosses pages only with the right second frame.</summary>
    [MethodImpl(Inline.Hot)]
    public static BlockHeader* Find(FrameCode* f, uint offset, uint secondFrame)
    {
        for (BlockHeader* b = (BlockHeader*)Volatile.Read(ref *(nint*)Head(f, offset)); b != null; b = b->Next)
        {
            if (b->Offset == offset && b->SecondFrame == secondFrame)
                return b;
        }

        return null;
    }
}

/// <summary>A piece of memory for decoded code.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CodeChunk
{
    public const int Size = 8192;

    public CodeChunk* Next;
}
