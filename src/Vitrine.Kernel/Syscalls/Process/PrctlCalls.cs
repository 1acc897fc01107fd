using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>prctl(2), and personality(2), the older call of its kind.</summary>
internal static class PrctlCalls
{
    [Syscall(157, "prctl", SyscallSupport.Partial, Note = "unknown operations give EINVAL; PR_SET_MM, seccomp and speculation controls too")]
    public static KTask<SyscallResult> Prctl(
        Task current,
        [Strace("prctl")] ProcessControl operation,
        [Strace("hex")] ulong a2,
        [Strace("hex")] ulong a3,
        [Strace("hex")] ulong a4,
        [Strace("hex")] ulong a5)
    {
        switch (operation)
        {
            case ProcessControl.SetName:
                return SetNameAsync(current, new VirtAddr(a2));
            case ProcessControl.GetName:
                return GetNameAsync(current, new VirtAddr(a2));
            case ProcessControl.GetParentDeathSignal:
                return PutAsync(current, a2, (int)current.ParentDeathSignal);
            case ProcessControl.GetChildSubreaper:
                return PutAsync(current, a2, current.ThreadGroup.IsChildSubreaper ? 1 : 0);
            case ProcessControl.GetTidAddress:
                return PutLongAsync(current, a2, current.ClearChildTid.Address.Value);
            case ProcessControl.GetTsc:
                return PutAsync(current, a2, 1);
            case ProcessControl.SetVma:
                return SetVmaAsync(current, a2, new VirtAddr(a3), a4, new UserString(new VirtAddr(a5)));
            default:
                return KTask<SyscallResult>.FromResult(Simple(current, operation, a2, a3, a4, a5));
        }
    }

    [Syscall(135, "personality", SyscallSupport.Real)]
    public static SyscallResult Personality(Task current, [Strace("hex")] uint persona)
    {
        uint old = current.Personality;
        if (persona != uint.MaxValue)
            current.Personality = persona;
        return old;
    }

    private static SyscallResult Simple(Task current, ProcessControl operation, ulong a2, ulong a3, ulong a4, ulong a5)
    {
        bool rest = (a3 | a4 | a5) != 0;
        Credentials credentials = current.Credentials;
        switch (operation)
        {
            case ProcessControl.SetParentDeathSignal:
                if (a2 > (ulong)SignalNumber.RealTimeMax)
                    return Errno.EINVAL;
                current.ParentDeathSignal = (SignalNumber)a2;
                return 0;
            case ProcessControl.GetDumpable:
                return current.Mm!.Dumpable;
            case ProcessControl.SetDumpable:
                if (a2 > 1)
                    return Errno.EINVAL;
                current.Mm!.Dumpable = (int)a2;
                return 0;
            case ProcessControl.GetKeepCapabilities:
                return (credentials.SecureBits & SecureBits.KeepCapabilities) != 0 ? 1 : 0;
            case ProcessControl.SetKeepCapabilities:
                if (a2 > 1)
                    return Errno.EINVAL;
                if ((credentials.SecureBits & SecureBits.KeepCapabilitiesLocked) != 0)
                    return Errno.EPERM;
                current.Credentials = credentials with
                {
                    SecureBits = (credentials.SecureBits & ~SecureBits.KeepCapabilities) | (a2 != 0 ? SecureBits.KeepCapabilities : 0),
                };
                return 0;
            case ProcessControl.GetTiming:
                return 0;
            case ProcessControl.SetTiming:
                return a2 == 0 ? 0 : Errno.EINVAL;
            case ProcessControl.GetSeccomp:
                return 0;
            case ProcessControl.CapabilityBoundingRead:
                return a2 > (ulong)Capability.CheckpointRestore ? Errno.EINVAL : (long)(credentials.Bounding >> (int)a2 & 1);
            case ProcessControl.CapabilityBoundingDrop:
                if (!current.IsCapable(Capability.Setpcap))
                    return Errno.EPERM;
                if (a2 > (ulong)Capability.CheckpointRestore)
                    return Errno.EINVAL;
                current.Credentials = credentials with { Bounding = credentials.Bounding & ~(1UL << (int)a2) };
                return 0;
            case ProcessControl.SetTsc:
                return a2 == 1 ? 0 : Errno.EINVAL;
            case ProcessControl.GetSecureBits:
                return credentials.SecureBits;
            case ProcessControl.SetSecureBits:
                return SetSecureBits(current, (uint)a2);
            case ProcessControl.SetTimerSlack:
                current.TimerSlack = (long)a2 <= 0 ? current.DefaultTimerSlack : (long)a2;
                return 0;
            case ProcessControl.GetTimerSlack:
                return current.TimerSlack;
            case ProcessControl.SetChildSubreaper:
                current.ThreadGroup.IsChildSubreaper = a2 != 0;
                return 0;
            case ProcessControl.SetNoNewPrivileges:
                if (a2 != 1 || rest)
                    return Errno.EINVAL;
                current.NoNewPrivileges = true;
                return 0;
            case ProcessControl.GetNoNewPrivileges:
                return a2 != 0 || rest ? Errno.EINVAL : current.NoNewPrivileges ? 1 : 0;
            case ProcessControl.SetThpDisable:
                if (rest)
                    return Errno.EINVAL;
                current.Mm!.IsHugePageDisabled = a2 != 0;
                return 0;
            case ProcessControl.GetThpDisable:
                return a2 != 0 || rest ? Errno.EINVAL : current.Mm!.IsHugePageDisabled ? 1 : 0;
            case ProcessControl.SetSyscallUserDispatch:
                return SetUserDispatch(current, a2, a3, a4, new VirtAddr(a5));
            case ProcessControl.CapabilityAmbient:
                return Ambient(current, a2, a3, a4, a5);
            default:
                return Errno.EINVAL;
        }
    }

    internal static Errno SetUserDispatch(Task current, ulong mode, ulong offset, ulong length, VirtAddr selector)
    {
        const ulong off = 0, on = 1;
        switch (mode)
        {
            case off when (offset | length | selector.Value) == 0:
                current.SetUserDispatch(null);
                return Errno.Success;
            case on when offset != 0 && offset + length <= offset:
                return Errno.EINVAL;
            case on when selector.Value != 0 && !MmStruct.IsUserRange(selector, 1):
                return Errno.EFAULT;
            case on:
                current.SetUserDispatch(new UserDispatch(offset, length, selector));
                return Errno.Success;
            default:
                return Errno.EINVAL;
        }
    }

    private static Errno SetSecureBits(Task current, uint wanted)
    {
        Credentials credentials = current.Credentials;
        uint old = credentials.SecureBits;
        bool unlocks = ((old & SecureBits.Locks) & ~wanted) != 0;
        bool changesLocked = (((old & SecureBits.Locks) >> 1) & (old ^ wanted)) != 0;
        if (unlocks || changesLocked || (wanted & ~SecureBits.All) != 0 || !current.IsCapable(Capability.Setpcap))
            return Errno.EPERM;
        current.Credentials = credentials with { SecureBits = wanted };
        return Errno.Success;
    }

    private static SyscallResult Ambient(Task current, ulong operation, ulong capability, ulong a4, ulong a5)
    {
        const ulong isSet = 1, raise = 2, lower = 3, clear = 4;
        Credentials credentials = current.Credentials;
        if (operation == clear)
        {
            if ((capability | a4 | a5) != 0)
                return Errno.EINVAL;
            current.Credentials = credentials with { Ambient = 0 };
            return 0;
        }

        if ((a4 | a5) != 0 || capability > (ulong)Capability.CheckpointRestore)
            return Errno.EINVAL;
        ulong bit = 1UL << (int)capability;
        switch (operation)
        {
            case isSet:
                return (credentials.Ambient & bit) != 0 ? 1 : 0;
            case raise:
                if ((credentials.Permitted & credentials.Inheritable & bit) == 0 || (credentials.SecureBits & SecureBits.NoAmbientRaise) != 0)
                    return Errno.EPERM;
                current.Credentials = credentials with { Ambient = credentials.Ambient | bit };
                return 0;
            case lower:
                current.Credentials = credentials with { Ambient = credentials.Ambient & ~bit };
                return 0;
            default:
                return Errno.EINVAL;
        }
    }

    private static async KTask<SyscallResult> SetNameAsync(Task current, VirtAddr at)
    {
        byte[] name = new byte[Task.CommLength];
        int length = 0;
        // At most fifteen bytes and a NUL; the string may end just before an unmapped page.
        for (; length < Task.CommLength - 1; length++)
        {
            Errno error = await current.ReadUserBytesAsync(at + (ulong)length, name.AsMemory(length, 1));
            if (error != Errno.Success)
                return error;
            if (name[length] == 0)
                break;
        }

        current.Comm = Encoding.Latin1.GetString(name, 0, length);
        current.Kernel.ProcessListeners?.Renamed(current);
        return 0;
    }

    private static async KTask<SyscallResult> SetVmaAsync(Task current, ulong attribute, VirtAddr start, ulong length, UserString name)
    {
        const ulong anonymousName = 0;
        const int limit = 80;
        if (attribute != anonymousName)
            return Errno.EINVAL;
        string? text = null;
        if (name.Address.Value != 0)
        {
            Result<byte[]> read = await current.ReadUserStringAsync(name, limit, Errno.EINVAL);
            if (!read.TryGet(out byte[]? bytes, out Errno error))
                return error;
            // What would make /proc/PID/maps hard to read, or dangerous to a shell, is refused.
            foreach (byte b in bytes)
            {
                if (b is < 0x20 or > 0x7e or (byte)'\\' or (byte)'`' or (byte)'$' or (byte)'[' or (byte)']')
                    return Errno.EINVAL;
            }

            text = Encoding.Latin1.GetString(bytes);
        }

        return current.Mm!.NameRange(start, length, text);
    }

    private static async KTask<SyscallResult> GetNameAsync(Task current, VirtAddr at)
    {
        byte[] name = new byte[Task.CommLength];
        Encoding.Latin1.GetBytes(current.Comm, name);
        return await current.WriteUserBytesAsync(at, name);
    }

    private static async KTask<SyscallResult> PutAsync(Task current, ulong at, int value) =>
        await current.WriteUserAsync(new UserPtr<int>(new VirtAddr(at)), value);

    private static async KTask<SyscallResult> PutLongAsync(Task current, ulong at, ulong value) =>
        await current.WriteUserAsync(new UserPtr<ulong>(new VirtAddr(at)), value);
}
