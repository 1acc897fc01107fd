using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>A register file as it goes to and comes from the native runner; <c>struct state</c> there.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MachineState
{
    public fixed ulong Gpr[16];
    public ulong Rip, Rflags, FsBase, GsBase;

    /// <summary>An FXSAVE image: FCW FSW FTW FOP FIP FDP MXCSR, ST at 32, XMM at 160.</summary>
    public fixed byte Fx[512];

    /// <summary>The upper halves of the YMM registers.</summary>
    public fixed byte High[256];

    [UnscopedRef]
    public ref ushort Fcw => ref At<ushort>(0);

    [UnscopedRef]
    public ref ushort Fsw => ref At<ushort>(2);

    [UnscopedRef]
    public ref byte Ftw => ref At<byte>(4);

    [UnscopedRef]
    public ref uint Mxcsr => ref At<uint>(24);

    [UnscopedRef]
    public ref ulong St(int half) => ref At<ulong>(32 + (8 * half));

    [UnscopedRef]
    public ref ulong Xmm(int half) => ref At<ulong>(160 + (8 * half));

    /// <summary>A word of the upper half of a YMM register: two words for each.</summary>
    [UnscopedRef]
    public ref ulong YmmHigh(int half) => ref Unsafe.As<byte, ulong>(ref High[8 * half]);

    [UnscopedRef]
    private ref T At<T>(int offset)
        where T : unmanaged => ref Unsafe.As<byte, T>(ref Fx[offset]);
}

/// <summary>Bytes that an instance wants at a place of the arena before it runs.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Patch
{
    public uint ArenaOffset;
    public ushort Length;

    /// <summary>Where the bytes are, counted from the start of the instance.</summary>
    public ushort DataOffset;
}

[Flags]
internal enum InstanceTraits : uint
{
    None = 0,
    TouchesSegments = 1,
}

/// <summary>One instruction with everything it depends on; <c>struct instance</c> in the native runner.</summary>
[StructLayout(LayoutKind.Sequential, Size = Stride)]
internal unsafe struct Instance
{
    public const int Stride = 3072;
    public const int MaxPatches = 6;
    public const int DataStart = 984;

    public MachineState State;
    public uint Patches;
    public InstanceTraits Traits;
    private fixed ulong _patch[MaxPatches];

    public readonly ReadOnlySpan<Patch> PatchList
    {
        get
        {
            // SAFETY: Patch is 8 bytes and _patch holds MaxPatches of them; instances live in native memory.
            fixed (ulong* p = _patch)
                return new ReadOnlySpan<Patch>(p, (int)Patches);
        }
    }

    public readonly ReadOnlySpan<byte> BytesOf(Patch patch)
    {
        // SAFETY: AddPatch placed the bytes inside this record, which lives in native memory.
        fixed (Instance* self = &this)
            return new ReadOnlySpan<byte>((byte*)self + patch.DataOffset, patch.Length);
    }

    /// <summary>Adds bytes at a guest address; parts that fall on nothing mapped are dropped.</summary>
    public void AddPatch(ulong address, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int inPage = (int)Math.Min((ulong)bytes.Length, 4096 - (address & 4095));
            int offset = Arena.OffsetOf(address);
            if (offset >= 0)
                Append((uint)offset, bytes[..inPage]);
            bytes = bytes[inPage..];
            address += (ulong)inPage;
        }
    }

    /// <summary>Takes a patch away and puts other bytes at its address.</summary>
    public void ReplacePatch(Patch old, ulong address, ReadOnlySpan<byte> bytes)
    {
        // SAFETY: as in PatchList.
        fixed (Instance* self = &this)
        {
            var list = (Patch*)self->_patch;
            for (int i = 0; i < Patches; i++)
            {
                if (list[i].ArenaOffset != old.ArenaOffset)
                    continue;
                list[i] = list[Patches - 1];
                Patches--;
                break;
            }
        }

        AddPatch(address, bytes);
    }

    private void Append(uint arenaOffset, ReadOnlySpan<byte> bytes)
    {
        int at = DataStart;
        foreach (Patch p in PatchList)
            at = Math.Max(at, p.DataOffset + p.Length);
        if (Patches == MaxPatches || at + bytes.Length > Stride)
            throw new InvalidOperationException("An instance has more patches than its record holds.");

        // SAFETY: room was checked above; instances live in native memory.
        fixed (Instance* self = &this)
        {
            bytes.CopyTo(new Span<byte>((byte*)self + at, bytes.Length));
            ((Patch*)self->_patch)[Patches++] = new Patch
            {
                ArenaOffset = arenaOffset,
                Length = (ushort)bytes.Length,
                DataOffset = (ushort)at,
            };
        }
    }
}

/// <summary>A word of memory that an instruction changed.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MemoryDifference
{
    public uint ArenaOffset, Reserved;
    public ulong Value;
}

/// <summary>What an instance ended with; <c>struct result</c> in the native runner.</summary>
[StructLayout(LayoutKind.Sequential, Size = Stride)]
internal unsafe struct Result
{
    public const int Stride = 4096;
    public const int HeaderSize = 968;
    public const int MaxDifferences = (Stride - HeaderSize) / 16;

    /// <summary>Stands in <see cref="Vector"/> for a return of the interpreter that the host can't make.</summary>
    public const uint NotAnException = 0x100;

    public MachineState State;
    public uint Vector, Error;
    public ulong Cr2;

    /// <summary>CS DS ES FS GS SS.</summary>
    public fixed ushort Selectors[8];
    public uint Differences;
    private readonly uint _reserved;

    public readonly ReadOnlySpan<MemoryDifference> DifferenceList
    {
        get
        {
            // SAFETY: the list starts behind the header of the record, which lives in native memory.
            fixed (Result* self = &this)
                return new ReadOnlySpan<MemoryDifference>((byte*)self + HeaderSize, Math.Min((int)Differences, MaxDifferences));
        }
    }

    public void AddDifference(uint arenaOffset, ulong value)
    {
        if (Differences < MaxDifferences)
        {
            // SAFETY: as DifferenceList; bounded above.
            fixed (Result* self = &this)
                ((MemoryDifference*)((byte*)self + HeaderSize))[Differences] = new MemoryDifference { ArenaOffset = arenaOffset, Value = value };
        }

        Differences++;
    }
}
