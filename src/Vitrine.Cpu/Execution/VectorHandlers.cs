using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>
/// Runs a <see cref="VectorOperation"/>: Imm is its function, D and S the operands' offsets, Aux the byte operand.
/// The operation behind it in memory order, <c>o[1]</c>, is no instruction but holds its traits
/// (<see cref="Op.Before"/>) and memory size (<see cref="Op.S"/>).
/// </summary>
internal static unsafe class VectorHandlers
{
    /// <summary>Registers only, no special traits.</summary>
    [MethodImpl(Handler)]
    public static Op* Registers(CpuState* c, Op* o)
    {
        ((delegate*<CpuState*, void*, void*, byte, void>)o->Imm)(c, (byte*)c + o->D, (byte*)c + o->S, o->Aux);
        return o[2].Fn(c, o + 2);
    }

    /// <summary>A memory source, no special traits but alignment.</summary>
    [MethodImpl(Handler)]
    public static Op* Reads(CpuState* c, Op* o)
    {
        ulong address = Op.Address(c, o);
        if ((o[1].Before & (int)VectorTraits.Aligned) != 0 && (address & 15) != 0)
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        if (!MemoryAccess.TryReadable(c, o, address, o[1].S, out byte* p))
            return o;
        ((delegate*<CpuState*, void*, void*, byte, void>)o->Imm)(c, (byte*)c + o->D, p, o->Aux);
        return o[2].Fn(c, o + 2);
    }

    /// <summary>A memory destination, no special traits but alignment.</summary>
    [MethodImpl(Handler)]
    public static Op* Writes(CpuState* c, Op* o)
    {
        ulong address = Op.Address(c, o);
        if ((o[1].Before & (int)VectorTraits.Aligned) != 0 && (address & 15) != 0)
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        if (!MemoryAccess.TryWritable(c, o, address, o[1].S, out byte* p))
            return o;
        ((delegate*<CpuState*, void*, void*, byte, void>)o->Imm)(c, p, (byte*)c + o->S, o->Aux);
        MemoryAccess.Commit(c, p);
        return o[2].Fn(c, o + 2);
    }

    /// <summary>Registers only; the function may ask for an exception.</summary>
    [MethodImpl(Handler)]
    public static Op* CheckedRegisters(CpuState* c, Op* o)
    {
        ((delegate*<CpuState*, void*, void*, byte, void>)o->Imm)(c, (byte*)c + o->D, (byte*)c + o->S, o->Aux);
        return c->Internal != 0 ? Leave.Requested(c, o) : o[2].Fn(c, o + 2);
    }

    /// <summary>A memory source; the function may ask for an exception.</summary>
    [MethodImpl(Handler)]
    public static Op* CheckedReads(CpuState* c, Op* o)
    {
        ulong address = Op.Address(c, o);
        if ((o[1].Before & (int)VectorTraits.Aligned) != 0 && (address & 15) != 0)
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        if (!MemoryAccess.TryReadable(c, o, address, o[1].S, out byte* p))
            return o;
        ((delegate*<CpuState*, void*, void*, byte, void>)o->Imm)(c, (byte*)c + o->D, p, o->Aux);
        return c->Internal != 0 ? Leave.Requested(c, o) : o[2].Fn(c, o + 2);
    }

    /// <summary>Any traits. <c>o[1].Aux</c>: 0 registers, 1 reads memory, 2 writes memory.</summary>
    [MethodImpl(Handler)]
    public static Op* General(CpuState* c, Op* o)
    {
        var traits = (VectorTraits)o[1].Before;
        int kind = o[1].Aux;
        int size = o[1].S;
        if ((traits & (VectorTraits.WaitsForX87 | VectorTraits.Mmx)) != 0 && (c->FpuStatus & 0x80) != 0)
            return Leave.Fault(c, o, ExceptionVector.X87FloatingPoint);
        byte* destination = (byte*)c + o->D;
        byte* source = (byte*)c + o->S;
        ulong address = 0;
        if (kind != 0)
        {
            address = Op.Address(c, o);
            ulong mask = (traits & VectorTraits.Aligned) != 0 ? (ulong)Math.Min(size, 16) - 1 : 0;
            if ((address & mask) != 0)
                return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
            if (kind == 1 ? !MemoryAccess.TryReadable(c, o, address, size, out source) : !MemoryAccess.TryWritable(c, o, address, size, out destination))
                return o;
        }

        ((delegate*<CpuState*, void*, void*, byte, void>)o->Imm)(c, destination, source, o->Aux);
        if (c->Internal != 0)
            return Leave.Requested(c, o);
        if (kind == 2)
            MemoryAccess.Commit(c, destination);
        if ((traits & VectorTraits.Mmx) != 0)
        {
            c->FpuTop = 0;
            c->FpuTag = 0xff;
            if (kind != 2 && o->D >= CpuState.X87Offset && o->D < CpuState.X87Offset + 128)
                *(ushort*)(destination + 8) = 0xffff;
        }

        if ((traits & VectorTraits.RecordsX87Pointers) != 0)
        {
            c->FpuIp = c->PageBase + o->Offset;
            if (kind != 0)
                c->FpuDp = address;
        }

        return o[2].Fn(c, o + 2);
    }
}
