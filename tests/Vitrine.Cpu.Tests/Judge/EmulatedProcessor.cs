using System.Runtime.InteropServices;
using Vitrine.Abi;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>Our side: runs an instance over the same arena as the native runner does, on an engine.</summary>
internal sealed unsafe class EmulatedProcessor : IJudgedEngine
{
    private const int ContentLength = Arena.PageCount * 4096;

    private readonly GuestSpace _space;
    private readonly VirtualProcessor _processor;
    private readonly PageFrameNumber _content;
    private readonly byte[] _pristine = Arena.PristineContent();
    private readonly byte[] _expected;
    private readonly RegisterFile* _registers = (RegisterFile*)NativeMemory.AlignedAlloc((nuint)sizeof(RegisterFile), 64);

    public EmulatedProcessor(TranslationPolicy translation)
    {
        _space = new GuestSpace(4, translation: translation);
        _expected = (byte[])_pristine.Clone();
        _content = _space.AllocateFrame();
        for (int i = 1; i < Arena.PageCount; i++)
            _space.AllocateFrame();
        foreach (ArenaPage page in Arena.Pages)
        {
            Pte bits = page.Protection switch
            {
                Protection.Read | Protection.Write => Pte.Writable | Pte.NoExecute,
                Protection.Read => Pte.NoExecute,
                _ => Pte.None,
            };
            _space.Map(page.Address, bits, _content + page.Index);
        }

        _pristine.CopyTo(Content);
        _processor = _space.CreateProcessor();
    }

    private Span<byte> Content => new(_space.Memory.Frame(_content), ContentLength);

    public void Run(Instance* instance, Result* result)
    {
        foreach (Patch patch in instance->PatchList)
            Write((int)patch.ArenaOffset, instance->BytesOf(patch), _expected);

        Load(&instance->State);
        _processor.LoadRegisters(_registers);
        CpuExit exit = _processor.Run(_space.Cr3);
        _processor.SaveRegisters(_registers);
        Store(result, exit);

        result->Differences = 0;
        Span<ulong> now = MemoryMarshal.Cast<byte, ulong>(Content), before = MemoryMarshal.Cast<byte, ulong>(_expected.AsSpan());
        int at = 0;
        while (true)
        {
            int equal = now[at..].CommonPrefixLength(before[at..]);
            at += equal;
            if (at >= now.Length)
                break;
            result->AddDifference((uint)at * 8, now[at]);
            now[at] = before[at];
            at++;
        }

        foreach (Patch patch in instance->PatchList)
            Write((int)patch.ArenaOffset, _pristine.AsSpan((int)patch.ArenaOffset, patch.Length), _expected);
    }

    public void Dispose()
    {
        _processor.Dispose();
        _space.Dispose();
        NativeMemory.AlignedFree(_registers);
    }

    private void Write(int offset, ReadOnlySpan<byte> bytes, byte[] copy)
    {
        bytes.CopyTo(Content[offset..]);
        bytes.CopyTo(copy.AsSpan(offset));
        uint page = (uint)offset >> Page.Shift;
        if (page >= 6)
            _space.Complex.InvalidateCode(_content + page);
    }

    private void Load(MachineState* s)
    {
        RegisterFile* r = _registers;
        r->Reset();
        for (int i = 0; i < 16; i++)
            r->Gpr[i] = s->Gpr[i];
        r->Rip = s->Rip;
        r->Rflags = s->Rflags;
        r->FsBase = s->FsBase;
        r->GsBase = s->GsBase;
        r->Mxcsr = s->Mxcsr;
        r->FpuControl = s->Fcw;
        r->FpuStatus = s->Fsw;
        r->FpuTag = s->Ftw;
        for (int i = 0; i < 16; i++)
            r->St[i] = s->St(i);
        for (int i = 0; i < 16; i++)
        {
            r->Ymm[4 * i] = s->Xmm(2 * i);
            r->Ymm[(4 * i) + 1] = s->Xmm((2 * i) + 1);
            r->Ymm[(4 * i) + 2] = s->YmmHigh(2 * i);
            r->Ymm[(4 * i) + 3] = s->YmmHigh((2 * i) + 1);
        }
    }

    private void Store(Result* result, CpuExit exit)
    {
        RegisterFile* r = _registers;
        MachineState* s = &result->State;
        for (int i = 0; i < 16; i++)
            s->Gpr[i] = r->Gpr[i];
        s->Rip = r->Rip;
        s->Rflags = r->Rflags;
        s->FsBase = r->FsBase;
        s->GsBase = r->GsBase;
        s->Mxcsr = r->Mxcsr;
        s->Fcw = r->FpuControl;
        s->Fsw = r->FpuStatus;
        s->Ftw = r->FpuTag;
        for (int i = 0; i < 16; i++)
            s->St(i) = r->St[i];
        for (int i = 0; i < 16; i++)
        {
            s->Xmm(2 * i) = r->Ymm[4 * i];
            s->Xmm((2 * i) + 1) = r->Ymm[(4 * i) + 1];
            s->YmmHigh(2 * i) = r->Ymm[(4 * i) + 2];
            s->YmmHigh((2 * i) + 1) = r->Ymm[(4 * i) + 3];
        }

        (result->Vector, result->Error, result->Cr2) = exit.Kind switch
        {
            CpuExitKind.PageFault => ((uint)ExceptionVector.PageFault, (uint)exit.ErrorCode, exit.Address.Value),
            CpuExitKind.Exception => ((uint)exit.Vector, (uint)exit.ErrorCode, 0UL),
            _ => (Result.NotAnException + (uint)exit.Kind, 0U, 0UL),
        };
        result->Selectors[0] = r->Cs;
        result->Selectors[1] = r->Ds;
        result->Selectors[2] = r->Es;
        result->Selectors[3] = r->Fs;
        result->Selectors[4] = r->Gs;
        result->Selectors[5] = r->Ss;
    }
}
