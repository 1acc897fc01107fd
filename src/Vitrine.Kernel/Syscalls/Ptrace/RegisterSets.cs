using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Ptrace;

/// <summary>Register sets by the type of the note that a core file has them in: PTRACE_GETREGSET and its older kin.</summary>
internal static class RegisterSets
{
    public const uint General = 1;
    public const uint Float = 2;
    public const uint Extended = 0x202;

    /// <summary>Rights to input and output: no task has any.</summary>
    private const uint PortRights = 0x201;

    /// <summary>PTRACE_GETREGS, PTRACE_GETFPREGS.</summary>
    public static async KTask<SyscallResult> GetWholeAsync(Task current, Task child, uint set, VirtAddr to) =>
        await current.WriteUserBytesAsync(to, Read(child, set));

    /// <summary>PTRACE_SETREGS, PTRACE_SETFPREGS.</summary>
    public static async KTask<SyscallResult> SetWholeAsync(Task current, Task child, uint set, VirtAddr from)
    {
        byte[] bytes = new byte[SizeOf(current, set)];
        Errno error = await current.ReadUserBytesAsync(from, bytes);
        return error != Errno.Success ? error : Write(child, set, bytes);
    }

    /// <summary>PTRACE_GETREGSET, PTRACE_SETREGSET: as much as the vector has room for; its length becomes what was done.</summary>
    public static async KTask<SyscallResult> TransferAsync(Task current, Task child, uint set, UserPtr<Iovec> vector, bool write)
    {
        Result<Iovec> read = await current.ReadUserAsync(vector);
        if (!read.TryGet(out Iovec range, out Errno error))
            return error;
        if (set == PortRights)
            return Errno.ENXIO;
        int size = SizeOf(current, set);
        if (size == 0 || range.Length % UnitOf(set) != 0)
            return Errno.EINVAL;
        int length = (int)Math.Min(range.Length, (ulong)size);
        if (write)
        {
            byte[] bytes = new byte[length];
            error = await current.ReadUserBytesAsync(range.Base, bytes);
            if (error == Errno.Success)
                error = Write(child, set, bytes);
        }
        else
        {
            error = await current.WriteUserBytesAsync(range.Base, Read(child, set)[..length]);
        }

        if (error != Errno.Success)
            return error;
        return await current.WriteUserAsync(new UserPtr<ulong>(vector.Address + sizeof(ulong)), (ulong)length);
    }

    private static int SizeOf(Task current, uint set) => set switch
    {
        General => UserRegisters.Size,
        Float => FpuStateArea.LegacySize,
        Extended => current.Kernel.FpuState.Size,
        _ => 0,
    };

    /// <summary>A set is moved in whole units of its type: of 8 bytes, or for FXSAVE's form of 4.</summary>
    private static ulong UnitOf(uint set) => set == Float ? 4u : 8u;

    private static unsafe byte[] Read(Task child, uint set)
    {
        switch (set)
        {
            case General:
                UserRegisters registers = PtraceRegisters.Get(child);
                return MemoryMarshal.AsBytes(new ReadOnlySpan<UserRegisters>(in registers)).ToArray();
            case Float:
                return ExtendedStateArea.ReadLegacy(child.Kernel.FpuState, child.Registers);
            default:
                return ExtendedStateArea.Read(child.Kernel.FpuState, child.Registers);
        }
    }

    private static unsafe Errno Write(Task child, uint set, byte[] bytes)
    {
        switch (set)
        {
            case General:
                for (int i = 0; i < bytes.Length / sizeof(ulong); i++)
                {
                    Errno error = PtraceRegisters.Set(child, i, BitConverter.ToUInt64(bytes, i * sizeof(ulong)));
                    if (error != Errno.Success)
                        return error;
                }

                return Errno.Success;
            case Float:
                return bytes.Length < FpuStateArea.LegacySize ? Errno.EINVAL : ExtendedStateArea.WriteLegacy(child.Kernel.FpuState, child.Registers, bytes);
            default:
                return bytes.Length < child.Kernel.FpuState.Size ? Errno.EFAULT : ExtendedStateArea.Write(child.Kernel.FpuState, child.Registers, bytes);
        }
    }
}
