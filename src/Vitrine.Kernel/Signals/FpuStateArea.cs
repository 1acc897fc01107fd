using System.Buffers.Binary;
using Vitrine.Cpu;

namespace Vitrine.Kernel.Signals;

/// <summary>
/// The FPU state in memory: XSAVE's standard form with Linux's software words (struct _fpx_sw_bytes) in the bytes that FXSAVE
/// leaves free, and the closing magic word. Its size follows from the components that the processor has.
/// </summary>
/// <param name="features">XCR0.</param>
internal readonly unsafe struct FpuStateArea(ulong features)
{
    public const int LegacySize = 512;
    public const int HeaderAt = 512;

    /// <summary>Where the software words begin.</summary>
    public const int SoftwareAt = 464;

    private const int LeastSize = 576;
    private const int AvxAt = 576;
    private const int AvxSize = 256;
    private const uint Magic1 = 0x46505853;
    private const uint Magic2 = 0x46505845;
    private const uint MxcsrMask = 0xffff;
    private const ulong X87 = 1;
    private const ulong Sse = 2;
    private const ulong Avx = 4;

    public ulong Features { get; } = features;

    /// <summary>Bytes of the XSAVE area.</summary>
    public int Size => (Features & Avx) != 0 ? AvxAt + AvxSize : LeastSize;

    /// <summary>Bytes of a signal frame's FPU state: with the closing magic word.</summary>
    public int FrameSize => Size + sizeof(uint);

    /// <summary>AT_MINSIGSTKSZ: frame, FPU state and the most that aligning them takes.</summary>
    public ulong MinimumStackSize => ((ulong)(SignalFrame.Size + 15 + FrameSize + 63) + 15) & ~15UL;

    /// <summary>Writes <see cref="FrameSize"/> bytes. The legacy components count as in use always, the AVX one if it isn't all zero.</summary>
    public void Write(Span<byte> area, RegisterFile* registers)
    {
        area.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(area, registers->FpuControl);
        BinaryPrimitives.WriteUInt16LittleEndian(area[2..], registers->FpuStatus);
        area[4] = registers->FpuTag;
        BinaryPrimitives.WriteUInt16LittleEndian(area[6..], registers->FpuOpcode);
        Put(area, 8, registers->FpuIp);
        Put(area, 16, registers->FpuDp);
        BinaryPrimitives.WriteUInt32LittleEndian(area[24..], registers->Mxcsr);
        BinaryPrimitives.WriteUInt32LittleEndian(area[28..], MxcsrMask);
        for (int i = 0; i < 16; i++)
            Put(area, 32 + (i * 8), registers->St[i]);
        for (int i = 0; i < 32; i++)
            Put(area, 160 + (i * 8), registers->Ymm[((i >> 1) * 4) + (i & 1)]);
        ulong present = X87 | Sse;
        if ((Features & Avx) != 0)
        {
            ulong any = 0;
            for (int i = 0; i < 32; i++)
            {
                ulong word = registers->Ymm[((i >> 1) * 4) + 2 + (i & 1)];
                Put(area, AvxAt + (i * 8), word);
                any |= word;
            }

            if (any != 0)
                present |= Avx;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(area[SoftwareAt..], Magic1);
        BinaryPrimitives.WriteInt32LittleEndian(area[(SoftwareAt + 4)..], FrameSize);
        Put(area, SoftwareAt + 8, Features);
        BinaryPrimitives.WriteInt32LittleEndian(area[(SoftwareAt + 16)..], Size);
        Put(area, HeaderAt, present);
        BinaryPrimitives.WriteUInt32LittleEndian(area[Size..], Magic2);
    }

    /// <summary>
    /// Takes the state back. Without valid software words only the legacy region counts, as FXRSTOR would take it; components that are
    /// missing get their initial values. False if MXCSR or the header has bits that the processor does not have: XRSTOR would fault.
    /// </summary>
    public bool Read(ReadOnlySpan<byte> area, RegisterFile* registers)
    {
        ulong selected = X87 | Sse, present = X87 | Sse;
        if (IsExtended(area, out ulong wanted))
        {
            present = Get(area, HeaderAt);
            if ((present & ~Features) != 0 || (Get(area, HeaderAt + 8) | Get(area, HeaderAt + 16)) != 0)
                return false;
            selected = wanted & Features;
        }

        bool loadsMxcsr = (selected & (Sse | Avx)) != 0;
        uint mxcsr = BinaryPrimitives.ReadUInt32LittleEndian(area[24..]);
        if (loadsMxcsr && (mxcsr & ~MxcsrMask) != 0)
            return false;
        present &= selected;
        SignalFrame.ResetFpu(registers);
        if ((present & X87) != 0)
        {
            registers->FpuControl = BinaryPrimitives.ReadUInt16LittleEndian(area);
            registers->FpuStatus = BinaryPrimitives.ReadUInt16LittleEndian(area[2..]);
            registers->FpuTag = area[4];
            registers->FpuOpcode = (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(area[6..]) & 0x7ff);
            registers->FpuIp = Get(area, 8);
            registers->FpuDp = Get(area, 16);
            for (int i = 0; i < 16; i++)
                registers->St[i] = (i & 1) == 0 ? Get(area, 32 + (i * 8)) : Get(area, 32 + (i * 8)) & 0xffff;
        }

        if ((present & Sse) != 0)
        {
            for (int i = 0; i < 32; i++)
                registers->Ymm[((i >> 1) * 4) + (i & 1)] = Get(area, 160 + (i * 8));
        }

        if ((present & Avx) != 0)
        {
            for (int i = 0; i < 32; i++)
                registers->Ymm[((i >> 1) * 4) + 2 + (i & 1)] = Get(area, AvxAt + (i * 8));
        }

        // MXCSR is restored whenever the SSE or AVX area is, even in its initial state.
        if (loadsMxcsr)
            registers->Mxcsr = mxcsr;
        return true;
    }

    /// <summary>The software words and the closing magic word are there and fit each other.</summary>
    private bool IsExtended(ReadOnlySpan<byte> area, out ulong wanted)
    {
        wanted = 0;
        if (area.Length < FrameSize || BinaryPrimitives.ReadUInt32LittleEndian(area[SoftwareAt..]) != Magic1)
            return false;
        wanted = Get(area, SoftwareAt + 8);
        uint whole = BinaryPrimitives.ReadUInt32LittleEndian(area[(SoftwareAt + 4)..]);
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(area[(SoftwareAt + 16)..]);
        return size >= LeastSize && size <= (uint)Size && size <= whole && BinaryPrimitives.ReadUInt32LittleEndian(area[(int)size..]) == Magic2;
    }

    private static void Put(Span<byte> bytes, int offset, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(bytes[offset..], value);

    private static ulong Get(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);
}
