using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vitrine.Abi;
using Vitrine.Cpu.Decoding;

namespace Vitrine.Cpu.Execution;

/// <summary>
/// Decoded code by physical address, shared by a machine's processors. Looking up takes no lock; adding and
/// taking out do. What was taken out is freed by <see cref="Free"/> once no processor can still be in it.
/// </summary>
internal sealed unsafe class CodeCache : IDisposable
{
    private const int SlabSize = 1 << 20;

    private readonly Lock _lock = new();
    private readonly GuestMemory _memory;
    private readonly CpuLevel _level;
    private readonly FrameCode** _frames;
    private readonly uint* _written;
    private readonly List<nint> _slabs = [];

    /// <summary>By a frame that holds the second part of instructions: the frames with their first parts.</summary>
    private readonly Dictionary<uint, HashSet<uint>> _crossings = [];

    private BlockBuilder? _builder;
    private CodeChunk* _freeChunks;
    private nuint _chunkCount;
    private ulong _stamp;

    private readonly Translator.HostCode? _native;
    private readonly Translator.RegionTranslator? _translator;
    private readonly ushort _threshold;
    private readonly bool _onlyWhatRan;
    private bool _holdsTranslation;

    public CodeCache(GuestMemory memory, TranslationPolicy translation, CpuLevel level)
    {
        if (translation.Threshold != 0)
        {
            _native = Translator.HostCode.TryCreate((nuint)Math.Clamp(memory.Length / 8, 16ul << 20, 256ul << 20));
            if (_native != null)
            {
                _translator = new Translator.RegionTranslator(_native, level);
                _threshold = (ushort)translation.Threshold;
                _onlyWhatRan = translation.OnlyWhatRan;
            }
        }

        _memory = memory;
        _level = level;
        Limit = (nuint)Math.Clamp(memory.Length / 8, 32ul << 20, 128ul << 20);
        _frames = (FrameCode**)NativeMemory.AllocZeroed(memory.FrameCount, (nuint)sizeof(nint));
        _written = (uint*)NativeMemory.AllocZeroed(memory.FrameCount / 32 + 1, sizeof(uint));
    }

    public FrameCode** Frames => _frames;

    public uint* WrittenFrames => _written;

    /// <summary>Bytes of decoded code beyond which everything is dropped: an eighth of RAM, but 32 to 128 MiB.</summary>
    public nuint Limit { get; init; }

    public bool IsFull => Bytes > Limit;

    /// <summary>Bytes of decoded code, unused parts of chunks included.</summary>
    public nuint Bytes => _chunkCount * CodeChunk.Size;

    public bool IsCode(uint frame) => Volatile.Read(ref *(nint*)&_frames[frame]) != 0;

    /// <summary>
    /// The frame's code, made if there is none. <paramref name="wasWritten"/>: writable translations of it may exist;
    /// they are to be taken away before anything is decoded, and <see cref="SetReady"/> called then.
    /// </summary>
    [MethodImpl(Inline.Hot)]
    public FrameCode* GetOrMark(uint frame, out bool wasWritten)
    {
        wasWritten = false;
        var code = (FrameCode*)Volatile.Read(ref *(nint*)&_frames[frame]);
        if (code != null)
        {
            wasWritten = Volatile.Read(ref code->Ready) == 0;
            return code;
        }

        lock (_lock)
        {
            code = _frames[frame];
            if (code == null)
            {
                CodeChunk* chunk = NewChunk();
                code = (FrameCode*)(chunk + 1);
                *code = default;
                chunk->Next = null;
                code->Chunks = chunk;
                code->Free = (byte*)(code + 1);
                code->End = (byte*)chunk + CodeChunk.Size;
                code->Frame = frame;
                code->Stamp = ++_stamp;

                // Pairs with the write side, which notes the frame before it looks here.
                Volatile.Write(ref *(nint*)&_frames[frame], (nint)code);
                Interlocked.MemoryBarrier();
                if ((Volatile.Read(ref _written[frame >> 5]) & (1u << (int)(frame & 31))) == 0)
                    code->Ready = 1;
            }

            wasWritten = code->Ready == 0;
            return code;
        }
    }

    /// <summary>
    /// No writable translation of the frame is left, and none can come while it is code. Nothing happens if its code
    /// has been taken out meanwhile.
    /// </summary>
    public void SetReady(uint frame, ulong stamp)
    {
        lock (_lock)
        {
            FrameCode* code = _frames[frame];
            if (code == null || code->Stamp != stamp)
                return;
            Interlocked.And(ref _written[frame >> 5], ~(1u << (int)(frame & 31)));
            Volatile.Write(ref code->Ready, 1);
        }
    }

    /// <summary>
    /// Decodes the block at an offset of a frame and adds it. Null: the frame has been taken out meanwhile, or
    /// (<paramref name="crosses"/>) its first instruction goes on in the next page.
    /// </summary>
    [MethodImpl(Inline.Hot)]
    public BlockHeader* Add(FrameCode* code, uint frame, uint offset, out bool crosses)
    {
        lock (_lock)
        {
            crosses = false;
            if (_frames[frame] != code)
                return null;
            BlockHeader* found = FrameCode.Find(code, offset, 0);
            if (found != null)
                return found;
            _builder ??= new BlockBuilder(_level);
            byte* start = _memory.Frame(new PageFrameNumber(frame)) + offset;
            if (_builder.Build(start, 4096 - (int)offset, offset, BlockBuilder.MaxInstructions, false) == BuildResult.NeedsMoreBytes)
            {
                crosses = true;
                return null;
            }

            return Insert(code, offset, 0);
        }
    }

    /// <summary>As <see cref="Add"/> for one instruction whose bytes lie in two frames, both marked as code.</summary>
    public BlockHeader* AddCrossing(FrameCode* code, uint frame, uint offset, FrameCode* secondCode, uint secondFrame)
    {
        lock (_lock)
        {
            if (_frames[frame] != code || _frames[secondFrame] != secondCode)
                return null;
            BlockHeader* found = FrameCode.Find(code, offset, secondFrame);
            if (found != null)
                return found;
            _builder ??= new BlockBuilder(_level);
            byte* bytes = stackalloc byte[15];
            int length = Collect(bytes, frame, offset, secondFrame);
            _ = _builder.Build(bytes, length, offset, 1, false);
            if (!_crossings.TryGetValue(secondFrame, out HashSet<uint>? firsts))
                _crossings.Add(secondFrame, firsts = []);
            firsts.Add(frame);
            return Insert(code, offset, secondFrame);
        }
    }

    private int Collect(byte* bytes, uint frame, uint offset, uint secondFrame)
    {
        int first = (int)Math.Min(4096 - offset, 15);
        new ReadOnlySpan<byte>(_memory.Frame(new PageFrameNumber(frame)) + offset, first).CopyTo(new Span<byte>(bytes, 15));
        new ReadOnlySpan<byte>(_memory.Frame(new PageFrameNumber(secondFrame)), 15 - first).CopyTo(new Span<byte>(bytes + first, 15 - first));
        return 15;
    }

    [MethodImpl(Inline.Hot)]
    private BlockHeader* Insert(FrameCode* code, uint offset, uint secondFrame)
    {
        int bytes = sizeof(BlockHeader) + _builder!.OpCount * sizeof(Op);

        // Behind a block's last operation two more can be read (and are not used).
        if (code->End - code->Free < bytes + 2 * sizeof(Op))
        {
            CodeChunk* chunk = NewChunk();
            chunk->Next = code->Chunks;
            code->Chunks = chunk;
            code->Free = (byte*)(chunk + 1);
            code->End = (byte*)chunk + CodeChunk.Size;
        }

        // SAFETY: a block has at most 200 operations of 40 bytes, less than a chunk.
        var block = (BlockHeader*)code->Free;
        code->Free += bytes;
        BlockHeader** head = FrameCode.Head(code, offset);
        block->Next = *head;
        block->SecondFrame = secondFrame;
        block->Frame = code->Frame;
        block->Offset = (ushort)offset;
        block->OpCount = (ushort)_builder.OpCount;
        block->CodeLength = (ushort)_builder.CodeLength;
        _builder.CopyTo(BlockHeader.Ops(block), code->Frame);
        block->First = BlockHeader.Ops(block)->Fn;
        block->Heat = _threshold;
        block->Native = null;
        Volatile.Write(ref *(nint*)head, (nint)block);
        return block;
    }

    /// <summary>Enters machine code; null if none is made.</summary>
    public void* NativeGate => _native == null ? null : _native.Enter;

    /// <summary>There is no room for more machine code.</summary>
    public bool IsNativeFull => _native is { HasRoom: false };

    /// <summary>Makes machine code of the region that a block begins. False: it has none, and gets none now.</summary>
    public bool Translate(BlockHeader* block)
    {
        if (_translator == null)
            return false;
        lock (_lock)
        {
            FrameCode* code = _frames[block->Frame];
            uint second = block->SecondFrame;
            if (_holdsTranslation || code == null || FrameCode.Find(code, block->Offset, second) != block)
                return false;
            if (block->Native != null)
                return true;
            if (IsNativeFull)
                return false;
            byte* bytes = stackalloc byte[15];
            byte* native = second == 0
                ? _translator.Translate(_memory.Frame(new PageFrameNumber(block->Frame)), block->Frame, block->Offset, 4096, _onlyWhatRan ? code : null)
                : _translator.Translate(bytes - block->Offset, block->Frame, block->Offset, block->Offset + Collect(bytes, block->Frame, block->Offset, second), null);
            if (native == null)
                return false;

            // Whoever sees the new function must see the code.
            Volatile.Write(ref *(nint*)&block->Native, (nint)native);
            Volatile.Write(ref *(nint*)&BlockHeader.Ops(block)->Fn, (nint)(delegate*<State.CpuState*, Op*, Op*>)&Translator.NativeEntry.Run);
            return true;
        }
    }

    /// <summary>Lets a jump in machine code lead straight to a block of the same frame.</summary>
    public void ConnectNative(Translator.NativeSite* site, BlockHeader* target)
    {
        byte* native = target->Native;
        if (native == null || target->SecondFrame != 0 || target->Frame != (site->Size | (uint)site->Extra << 16))
            return;
        byte* distance = Translator.NativeSite.DataOf(site);

        // SAFETY: the distance is aligned, so whoever executes the jump meanwhile sees the old one or the new one.
        Volatile.Write(ref *(int*)(distance - _native!.ToExecutable), (int)(native - (distance + 4)));
    }

    /// <summary>As <see cref="Translator.RegionTranslator.Split"/>, for machine code of a frame that the caller has come from. False: there is no room.</summary>
    public bool SplitNative(Translator.NativeSite* site, uint frame)
    {
        lock (_lock)
        {
            if (_holdsTranslation || _frames[frame] == null)
                return true;
            if (IsNativeFull)
                return false;
            _translator!.Split(site, _memory.Frame(new PageFrameNumber(frame)), frame);
            return true;
        }
    }

    /// <summary>Takes out what was decoded from the frame, and from others that run on into it. To be given to <see cref="Free"/>.</summary>
    public CodeChunk* TakeOut(uint frame)
    {
        lock (_lock)
        {
            CodeChunk* taken = TakeOutOne(frame, null);
            if (_crossings.Remove(frame, out HashSet<uint>? firsts))
            {
                foreach (uint first in firsts)
                    taken = TakeOutOne(first, taken);
            }

            return taken;
        }
    }

    /// <summary>Takes out everything, and translates nothing until <see cref="FreeAll"/>.</summary>
    public CodeChunk* TakeOutAll()
    {
        lock (_lock)
        {
            _holdsTranslation = true;
            CodeChunk* taken = null;
            for (uint f = 0; f < _memory.FrameCount; f++)
            {
                if (_frames[f] != null)
                    taken = TakeOutOne(f, taken);
            }

            _crossings.Clear();
            return taken;
        }
    }

    /// <summary>Lets no block lead to machine code any more, and translates nothing until <see cref="FreeNative"/>. Decoded code stays.</summary>
    public void TakeOutNative()
    {
        // What was hot probably is, so it needn't prove that at length.
        const ushort HeatAgain = 32;
        lock (_lock)
        {
            _holdsTranslation = true;
            for (uint f = 0; f < _memory.FrameCount; f++)
            {
                FrameCode* code = _frames[f];
                for (uint bucket = 0; code != null && bucket < FrameCode.Buckets; bucket++)
                {
                    for (BlockHeader* block = *FrameCode.Head(code, bucket); block != null; block = block->Next)
                    {
                        if (block->Native == null && block->Heat != 0)
                            continue;
                        Volatile.Write(ref *(nint*)&BlockHeader.Ops(block)->Fn, (nint)block->First);
                        block->Native = null;
                        block->Heat = Math.Min(HeatAgain, _threshold);
                    }
                }
            }
        }
    }

    /// <summary>Frees all machine code, which no processor can reach any more.</summary>
    public void FreeNative()
    {
        lock (_lock)
        {
            _native?.Clear();
            _translator?.Reset();
            _holdsTranslation = false;
        }
    }

    private CodeChunk* TakeOutOne(uint frame, CodeChunk* taken)
    {
        FrameCode* code = _frames[frame];
        if (code == null)
            return taken;
        Volatile.Write(ref *(nint*)&_frames[frame], 0);
        CodeChunk* last = code->Chunks;
        while (last->Next != null)
            last = last->Next;
        last->Next = taken;
        return code->Chunks;
    }

    /// <summary>Gives chunks back that no processor uses any more.</summary>
    public void Free(CodeChunk* chunks)
    {
        if (chunks == null)
            return;
        lock (_lock)
        {
            while (chunks != null)
            {
                CodeChunk* next = chunks->Next;
                chunks->Next = _freeChunks;
                _freeChunks = chunks;
                _chunkCount--;
                chunks = next;
            }
        }
    }

    /// <summary>As <see cref="Free"/>, after everything has been taken out: machine code goes, too.</summary>
    public void FreeAll(CodeChunk* chunks)
    {
        Free(chunks);
        FreeNative();
    }

    private CodeChunk* NewChunk()
    {
        if (_freeChunks == null)
        {
            byte* slab = (byte*)NativeMemory.AlignedAlloc(SlabSize, 64);
            _slabs.Add((nint)slab);
            for (int i = SlabSize - CodeChunk.Size; i >= 0; i -= CodeChunk.Size)
            {
                var chunk = (CodeChunk*)(slab + i);
                chunk->Next = _freeChunks;
                _freeChunks = chunk;
            }
        }

        CodeChunk* result = _freeChunks;
        _freeChunks = result->Next;
        _chunkCount++;
        return result;
    }

    public void Dispose()
    {
        foreach (nint slab in _slabs)
            NativeMemory.AlignedFree((void*)slab);
        _slabs.Clear();
        NativeMemory.Free(_frames);
        NativeMemory.Free(_written);
        _builder?.Dispose();
        _translator?.Dispose();
        _native?.Dispose();
    }
}
