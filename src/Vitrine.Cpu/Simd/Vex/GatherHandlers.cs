using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Simd.Vex;

/// <summary>Memory accesses that a mask chooses: VGATHERxx and VMASKMOVxx. An element that isn't chosen can't fault.</summary>
internal static unsafe class GatherHandlers
{
    // SAFETY: D, S and V are offsets of slots of 32 bytes in CpuState; memory is probed element by element.

    private const int WideIndex = 16, WideDestination = 32;

    /// <summary>
    /// V is the mask, S the indices, B the base, X the segment, Imm the displacement, Disp the number of elements; Aux has an
    /// element's size in its low bits. Elements are loaded from the lowest on and their mask cleared, so after a fault the
    /// instruction goes on where it was. At the end the mask register is zero.
    /// </summary>
    [MethodImpl(Handler)]
    public static Op* Gather(CpuState* c, Op* o) => TryGather(c, o) ? o[1].Fn(c, o + 1) : o;

    private static bool TryGather(CpuState* c, Op* o)
    {
        byte* destination = (byte*)c + o->D, mask = (byte*)c + o->V, index = (byte*)c + o->S;
        int size = o->Aux & 15;
        for (int i = 0; i < o->Disp; i++)
        {
            if ((mask[(i + 1) * size - 1] & 0x80) == 0)
            {
                Pass(mask, i, size);
                continue;
            }

            ulong offset = (o->Aux & WideIndex) != 0 ? ((ulong*)index)[i] : (ulong)((int*)index)[i];
            ulong address = *(ulong*)((byte*)c + o->B) + (offset << o->Shift) + o->Imm;
            if ((o->Flags & OpFlags.Address32) != 0)
                address = (uint)address;
            address += *(ulong*)((byte*)c + o->X);
            if (!MemoryAccess.TryReadable(c, o, address, size, out byte* p))
                return false;
            if (size == 8)
                ((ulong*)destination)[i] = Unsafe.ReadUnaligned<ulong>(p);
            else
                ((uint*)destination)[i] = Unsafe.ReadUnaligned<uint>(p);
            Pass(mask, i, size);
        }

        *(Vector128<byte>*)mask = default;
        *(Vector128<byte>*)(mask + 16) = default;

        // Beyond the elements the destination is zero: half an XMM register with four-byte elements of two indices.
        if (o->Disp * size < 16)
            ((ulong*)destination)[1] = 0;
        if ((o->Aux & WideDestination) == 0)
            *(Vector128<byte>*)(destination + 16) = default;
        return true;
    }

    /// <summary>An element that is done, or isn't chosen.</summary>
    [MethodImpl(Always)]
    private static void Pass(byte* mask, int i, int size)
    {
        if (size == 8)
            ((ulong*)mask)[i] = 0;
        else
            ((uint*)mask)[i] = 0;
    }

    /// <summary>V is the mask, D the destination; Aux an element's size, Imm how many. What isn't chosen becomes zero.</summary>
    [MethodImpl(Handler)]
    public static Op* MaskedLoad(CpuState* c, Op* o) => TryLoad(c, o) ? o[1].Fn(c, o + 1) : o;

    private static bool TryLoad(CpuState* c, Op* o)
    {
        byte* mask = (byte*)c + o->V;
        Vector128<byte>* result = stackalloc Vector128<byte>[2];
        result[0] = result[1] = default;
        ulong address = Op.Address(c, o);
        int size = o->Aux;
        for (int i = 0; i < (int)o->Imm; i++)
        {
            if ((mask[(i + 1) * size - 1] & 0x80) == 0)
                continue;
            if (!MemoryAccess.TryReadable(c, o, address + (ulong)(i * size), size, out byte* p))
                return false;
            if (size == 8)
                ((ulong*)result)[i] = Unsafe.ReadUnaligned<ulong>(p);
            else
                ((uint*)result)[i] = Unsafe.ReadUnaligned<uint>(p);
        }

        Vector128<byte>* destination = (Vector128<byte>*)((byte*)c + o->D);
        destination[0] = result[0];
        destination[1] = result[1];
        return true;
    }

    /// <summary>As <see cref="MaskedLoad"/>; S is the source. All chosen elements are probed before one is written.</summary>
    [MethodImpl(Handler)]
    public static Op* MaskedStore(CpuState* c, Op* o) => TryStore(c, o, false) && TryStore(c, o, true) ? o[1].Fn(c, o + 1) : o;

    private static bool TryStore(CpuState* c, Op* o, bool write)
    {
        byte* mask = (byte*)c + o->V, source = (byte*)c + o->S;
        ulong address = Op.Address(c, o);
        int size = o->Aux;
        for (int i = 0; i < (int)o->Imm; i++)
        {
            if ((mask[(i + 1) * size - 1] & 0x80) == 0)
                continue;
            if (!MemoryAccess.TryWritable(c, o, address + (ulong)(i * size), size, out byte* p))
                return false;
            if (!write)
                continue;
            if (size == 8)
                Unsafe.WriteUnaligned(p, ((ulong*)source)[i]);
            else
                Unsafe.WriteUnaligned(p, ((uint*)source)[i]);
            MemoryAccess.Commit(c, p);
        }

        return true;
    }
}
