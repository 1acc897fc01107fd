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

    /// <summary>The instruction from the marked position on has an EVEX prefix: in 64-bit mode 62 is nothing else.</summary>
    public bool MarkedIsEvex()
    {
        for (byte* p = _marked; p < _next; p++)
        {
            if (*p is not (0x67 or 0x64 or 0x65 or 0x2e or 0x36 or 0x3e or 0x26))
                return *p == 0x62;
        }

        return false;
    }

    public void Rewind() => _next = _marked;

    [MethodImpl(Inline.Hot)]
    public override int ReadByte() => _next == _end ? -1 : *_next++;
}
