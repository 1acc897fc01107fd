using System.Runtime.InteropServices;
using Vitrine.Cpu;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;

using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Ptrace;

/// <summary>The general and debug registers of a tracee: struct user's fields, and what may be written to them (arch/x86/kernel/ptrace.c's rules).</summary>
internal static unsafe class PtraceRegisters
{
    /// <summary>sizeof(struct user), and where u_debugreg is in it.</summary>
    private const ulong UserSize = 928;
    private const ulong DebugAt = 848;
    private const ulong DebugEnd = DebugAt + (8 * RegisterSize);

    private const ulong RegisterSize = sizeof(ulong);
    private const int OriginalRaxIndex = 15;
    private const int RipIndex = 16;
    private const int CsIndex = 17;
    private const int FlagsIndex = 18;
    private const int RspIndex = 19;
    private const int SsIndex = 20;
    private const int FsBaseIndex = 21;
    private const int GsBaseIndex = 22;
    private const int DsIndex = 23;

    /// <summary>CF PF AF ZF SF TF DF OF NT RF AC.</summary>
    private const ulong SettableFlags = 0x54dd5;
    private const ulong TrapFlag = 0x100;

    private const ulong UserCodeSelector = 0x33;
    private const ulong UserDataSelector = 0x2b;
    private const ulong UserPrivilege = 3;

    /// <summary>Bits of DR6 that are always set.</summary>
    private const ulong StatusReserved = 0xffff0ff0;

    /// <summary>DR7: bits that read as zero whatever is written.</summary>
    private const ulong ControlReserved = 0xdc00;

    // The index in RegisterFile.Gpr of user_regs_struct's first fifteen fields.
    private static ReadOnlySpan<byte> GeneralOrder => [15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7];

    public static UserRegisters Get(Task child)
    {
        UserRegisters all = default;
        Span<ulong> values = MemoryMarshal.Cast<UserRegisters, ulong>(new Span<UserRegisters>(ref all));
        for (int i = 0; i < values.Length; i++)
            values[i] = Get(child, i);
        return all;
    }

    /// <summary>Sets one register by its place. EIO: a value that user code can't have.</summary>
    public static Errno Set(Task child, int index, ulong value)
    {
        RegisterFile* r = child.Registers;
        if (index < GeneralOrder.Length)
        {
            r->Gpr[GeneralOrder[index]] = value;
            return Errno.Success;
        }

        switch (index)
        {
            case OriginalRaxIndex:
                child.OriginalRax = value;
                return Errno.Success;
            case RipIndex:
                r->Rip = value;
                return Errno.Success;
            case RspIndex:
                r->Rsp = value;
                return Errno.Success;
            case FlagsIndex:
                SetFlags(child, value);
                return Errno.Success;
            case FsBaseIndex or GsBaseIndex:
                if (value >= MmStruct.TaskSize)
                    return Errno.EIO;
                (index == FsBaseIndex ? ref r->FsBase : ref r->GsBase) = value;
                return Errno.Success;
            case CsIndex:
                return value == UserCodeSelector ? Errno.Success : Errno.EIO;
            case SsIndex:
                return value == UserDataSelector ? Errno.Success : Errno.EIO;
            default:
                if (value > ushort.MaxValue || (value != 0 && (value & UserPrivilege) != UserPrivilege))
                    return Errno.EIO;
                Selector(r, index) = (ushort)value;
                return Errno.Success;
        }
    }

    /// <summary>A word of struct user; false: there is none at the offset. What lies between the registers is zero.</summary>
    public static bool TryPeekUser(Task child, ulong address, out ulong value)
    {
        value = 0;
        if (address % RegisterSize != 0 || address >= UserSize)
            return false;
        if (address < UserRegisters.Size)
            value = Get(child, (int)(address / RegisterSize));
        else if (address is >= DebugAt and < DebugEnd)
            value = GetDebug(child, (int)((address - DebugAt) / RegisterSize));
        return true;
    }

    public static SyscallResult PokeUser(Task child, ulong address, ulong value)
    {
        if (address % RegisterSize != 0 || address >= UserSize)
            return Errno.EIO;
        if (address < UserRegisters.Size)
            return Set(child, (int)(address / RegisterSize), value);
        return address is >= DebugAt and < DebugEnd ? SetDebug(child, (int)((address - DebugAt) / RegisterSize), value) : Errno.EIO;
    }

    private static ulong Get(Task child, int index)
    {
        RegisterFile* r = child.Registers;
        return index switch
        {
            OriginalRaxIndex => child.OriginalRax,
            RipIndex => r->Rip,
            CsIndex => r->Cs,
            FlagsIndex => child.VisibleFlags,
            RspIndex => r->Rsp,
            SsIndex => r->Ss,
            FsBaseIndex => r->FsBase,
            GsBaseIndex => r->GsBase,
            < OriginalRaxIndex => r->Gpr[GeneralOrder[index]],
            _ => Selector(r, index),
        };
    }

    private static ref ushort Selector(RegisterFile* r, int index)
    {
        switch (index)
        {
            case DsIndex:
                return ref r->Ds;
            case DsIndex + 1:
                return ref r->Es;
            case DsIndex + 2:
                return ref r->Fs;
            default:
                return ref r->Gs;
        }
    }

    private static void SetFlags(Task child, ulong value)
    {
        // A trap flag that the tracer sets by hand is the program's; one of a single step stays.
        Tracee tracee = child.Tracee!;
        if ((value & TrapFlag) != 0)
            tracee.OwnsTrapFlag = false;
        else if (tracee.OwnsTrapFlag)
            value |= TrapFlag;
        child.Registers->Rflags = (child.Registers->Rflags & ~SettableFlags) | (value & SettableFlags);
    }

    private static ulong GetDebug(Task child, int number) => number switch
    {
        < DebugRegisters.Count => child.Breakpoints?[number] ?? 0,
        6 => child.BreakpointStatus ^ StatusReserved,
        7 => child.Breakpoints?.Control ?? 0,
        _ => 0,
    };

    private static Errno SetDebug(Task child, int number, ulong value)
    {
        switch (number)
        {
            case < DebugRegisters.Count:
                if (value >= MmStruct.TaskSize)
                    return Errno.EINVAL;
                if (child.Breakpoints is { } existing && existing.IsEnabled(number) && !IsAligned(value, existing.Length(number)))
                    return Errno.EINVAL;
                (child.Breakpoints ??= new DebugRegisters())[number] = value;
                return Errno.Success;
            case 6:
                child.BreakpointStatus = value ^ StatusReserved;
                return Errno.Success;
            case 7:
                return SetControl(child, value);
            default:
                return Errno.EIO;
        }
    }

    private static Errno SetControl(Task child, ulong value)
    {
        value &= uint.MaxValue & ~ControlReserved;
        var wanted = new DebugRegisters { Control = value };
        for (int i = 0; i < DebugRegisters.Count; i++)
        {
            wanted[i] = child.Breakpoints?[i] ?? 0;
            if (!wanted.IsEnabled(i))
                continue;
            DebugCondition condition = wanted.Condition(i);
            if (condition == DebugCondition.Port || (condition == DebugCondition.Execute && wanted.Length(i) != 1))
                return Errno.EINVAL;
            if (!IsAligned(wanted[i], wanted.Length(i)))
                return Errno.EINVAL;
        }

        (child.Breakpoints ??= wanted).Control = value;
        return Errno.Success;
    }

    private static bool IsAligned(ulong address, int length) => (address & (ulong)(length - 1)) == 0;
}
