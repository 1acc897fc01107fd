using System.Runtime.CompilerServices;
using Iced.Intel;
using Vitrine.Cpu.Execution;

namespace Vitrine.Cpu.Decoding;

/// <summary>Feeds the decoder from host memory: the rest of a page, or bytes collected from two.</summary>
internal sealed unsafe class FrameReader : CodeReader
{
    private byte* _next;
    private byte* _end;
    private byte* _marked;

    public byte* Position => _next;

    public void Set(byte* start, int length)
    {
        _next = start;
        _end = start + length;
    }

    /// <summary>Remembers the position for <see cref="Rewind"/>.</summary>
    public void Mark() => _marked = _next;

    public void Rewind() => _next = _marked;

    [MethodImpl(Inline.Hot)]
    public override int ReadByte() => _next == _end ? -1 : *_next++;
}
