using System.Runtime.CompilerServices;
using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;
using static Vitrine.Cpu.Execution.Inline;

namespace Vitrine.Cpu.Execution;

/// <summary>
/// Far pointers: LSS LFS LGS, far JMP and CALL, RETF and IRET to the same privilege level. There is no compatibility
/// mode: a transfer to the 32-bit code segment is #GP.
/// </summary>
internal static unsafe class FarTransferHandlers
{
    /// <summary>Flags that POPF and IRET load at privilege level 3.</summary>
    private const ulong Changeable = 0x244dd5;

    private const ulong NestedTask = 0x4000;

    /// <summary>LSS LFS LGS: the segment register at offset S, the general one at D; Aux is the offset's size.</summary>
    [MethodImpl(Handler)]
    public static Op* LoadPointer(CpuState* c, Op* o)
    {
        if (!TryReadPointer(c, o, out ulong offset, out ulong selector) || !SystemHandlers.TryLoadSegment(c, o, selector, (ushort*)((byte*)c + o->S)))
            return o;
        byte* d = (byte*)c + o->D;
        switch (o->Aux)
        {
            case 2: Byte2.StoreRegister(d, offset); break;
            case 4: Byte4.StoreRegister(d, offset); break;
            default: Byte8.StoreRegister(d, offset); break;
        }

        return o[1].Fn(c, o + 1);
    }

    /// <summary>JMP to a far pointer in memory, of which Aux is the offset's size.</summary>
    [MethodImpl(Handler)]
    public static Op* Jump(CpuState* c, Op* o)
    {
        if (!TryReadPointer(c, o, out ulong target, out ulong selector))
            return o;
        if (!IsCodeToJumpTo(selector) || !IsCanonical(target))
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        c->Retired += o->Before + 1u;
        return Leave.To(c, o, target);
    }

    /// <summary>CALL to a far pointer in memory.</summary>
    [MethodImpl(Handler)]
    public static Op* Call(CpuState* c, Op* o)
    {
        if (!TryReadPointer(c, o, out ulong target, out ulong selector))
            return o;
        if (!IsCodeToJumpTo(selector) || !IsCanonical(target))
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        int width = o->Aux;
        ulong upper = c->Gpr[4] - (ulong)width;
        ulong lower = upper - (ulong)width;

        // Both slots are probed before either is written.
        if (!MemoryAccess.TryWritable(c, o, upper, width, out byte* _) || !MemoryAccess.TryWritable(c, o, lower, width, out byte* _) || !TryStore(c, o, upper, Descriptors.UserCode, width)
            || !TryStore(c, o, lower, Op.NextRip(c, o), width))
            return Leave.Stack(c, o);
        c->Gpr[4] = lower;
        c->Retired += o->Before + 1u;
        return Leave.To(c, o, target);
    }

    /// <summary>RETF with operands of Aux bytes; Imm further bytes are dropped.</summary>
    [MethodImpl(Handler)]
    public static Op* Return(CpuState* c, Op* o)
    {
        int width = o->Aux;
        ulong sp = c->Gpr[4];
        if (!TryLoad(c, o, sp, width, out ulong target) || !TryLoad(c, o, sp + (ulong)width, width, out ulong selector))
            return o;
        if ((ushort)selector != Descriptors.UserCode || !IsCanonical(target))
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        c->Gpr[4] = sp + (ulong)(2 * width) + o->Imm;
        c->Retired += o->Before + 1u;
        return Leave.To(c, o, target);
    }

    /// <summary>IRET with operands of Aux bytes. In 64-bit mode it always loads RSP and SS.</summary>
    [MethodImpl(Handler)]
    public static Op* InterruptReturn(CpuState* c, Op* o)
    {
        int width = o->Aux;
        ulong sp = c->Gpr[4];
        if ((c->SystemFlags & NestedTask) != 0)
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        if (!TryLoad(c, o, sp, width, out ulong target) || !TryLoad(c, o, sp + (ulong)width, width, out ulong selector)
            || !TryLoad(c, o, sp + (ulong)(2 * width), width, out ulong flags) || !TryLoad(c, o, sp + (ulong)(3 * width), width, out ulong newSp)
            || !TryLoad(c, o, sp + (ulong)(4 * width), width, out ulong stack))
            return o;
        if ((ushort)selector != Descriptors.UserCode || (ushort)stack != Descriptors.UserData || !IsCanonical(target))
            return Leave.Fault(c, o, ExceptionVector.GeneralProtection);
        ulong mask = width == 2 ? Changeable & 0xffff : Changeable;
        CpuState.WriteFlags(c, (CpuState.ReadFlags(c) & ~mask) | (flags & mask));
        c->Gpr[4] = newSp;
        c->Retired += o->Before + 1u;
        return Leave.To(c, o, target);
    }

    [MethodImpl(Always)]
    private static bool IsCanonical(ulong address) => (ulong)((long)(address << 16) >> 16) == address;

    /// <summary>For a jump or call the requested privilege level may be any.</summary>
    private static bool IsCodeToJumpTo(ulong selector) => ((selector | 3) & 0xffff) == Descriptors.UserCode;

    /// <summary>Offset, then selector, in one operand: both are there or neither.</summary>
    private static bool TryReadPointer(CpuState* c, Op* o, out ulong offset, out ulong selector)
    {
        int width = o->Aux;
        if (!MemoryAccess.TryReadable(c, o, Op.Address(c, o), width + 2, out byte* p))
        {
            offset = selector = 0;
            return false;
        }

        offset = width switch
        {
            2 => Byte2.Load(p),
            4 => Byte4.Load(p),
            _ => Byte8.Load(p),
        };
        selector = Byte2.Load(p + width);
        return true;
    }

    private static bool TryLoad(CpuState* c, Op* o, ulong address, int width, out ulong value) => width switch
    {
        2 => MemoryAccess.TryLoad<Byte2>(c, o, address, out value),
        4 => MemoryAccess.TryLoad<Byte4>(c, o, address, out value),
        _ => MemoryAccess.TryLoad<Byte8>(c, o, address, out value),
    };

    private static bool TryStore(CpuState* c, Op* o, ulong address, ulong value, int width) => width switch
    {
        2 => MemoryAccess.TryStore<Byte2>(c, o, address, (ushort)value),
        4 => MemoryAccess.TryStore<Byte4>(c, o, address, (uint)value),
        _ => MemoryAccess.TryStore<Byte8>(c, o, address, value),
    };
}
