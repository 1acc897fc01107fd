using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Security;

/// <summary>capget(2) and capset(2).</summary>
internal static class CapabilityCalls
{
    private const uint Version1 = 0x19980330;
    private const uint Version2 = 0x20071026;
    private const uint Version3 = 0x20080522;

    [Syscall(125, "capget", SyscallSupport.Real)]
    public static async KTask<SyscallResult> CapGet(Task current, UserPtr<CapabilityHeader> header, UserPtr<CapabilityData> data)
    {
        Result<CapabilityHeader> read = await current.ReadUserAsync(header);
        if (!read.TryGet(out CapabilityHeader head, out Errno error))
            return error;
        int bytes = SizeOf(head.Version);
        if (bytes == 0)
        {
            error = await current.WriteUserAsync(header.Cast<uint>(), Version3);
            // A null pointer asks for the version only.
            return error != Errno.Success ? error : data.IsNull ? 0 : Errno.EINVAL;
        }

        if (head.Pid < 0)
            return Errno.EINVAL;
        Task? target = head.Pid == 0 ? current : current.Namespaces.Pid.Find(head.Pid)?.Task;
        if (target is null)
            return Errno.ESRCH;
        if (data.IsNull)
            return 0;
        return await current.WriteUserBytesAsync(data.Address, Pack(target.Credentials, bytes));
    }

    [Syscall(126, "capset", SyscallSupport.Real)]
    public static async KTask<SyscallResult> CapSet(Task current, UserPtr<CapabilityHeader> header, UserPtr<CapabilityData> data)
    {
        Result<CapabilityHeader> read = await current.ReadUserAsync(header);
        if (!read.TryGet(out CapabilityHeader head, out Errno error))
            return error;
        int bytes = SizeOf(head.Version);
        if (bytes == 0)
        {
            error = await current.WriteUserAsync(header.Cast<uint>(), Version3);
            return error != Errno.Success ? error : Errno.EINVAL;
        }

        if (head.Pid != 0 && head.Pid != current.Pid.In(current.Namespaces.Pid))
            return Errno.EPERM;
        byte[] buffer = new byte[24];
        error = await current.ReadUserBytesAsync(data.Address, buffer.AsMemory(0, bytes));
        if (error != Errno.Success)
            return error;
        CapabilityData wanted = System.Runtime.InteropServices.MemoryMarshal.Read<CapabilityData>(buffer);
        ulong effective = (wanted.EffectiveLow | (ulong)wanted.EffectiveHigh << 32) & Credentials.AllCapabilities;
        ulong permitted = (wanted.PermittedLow | (ulong)wanted.PermittedHigh << 32) & Credentials.AllCapabilities;
        ulong inheritable = (wanted.InheritableLow | (ulong)wanted.InheritableHigh << 32) & Credentials.AllCapabilities;
        Credentials old = current.Credentials;
        bool mayInheritAny = old.IsCapable(old.UserNamespace, Capability.Setpcap);
        if ((!mayInheritAny && (inheritable & ~(old.Inheritable | old.Permitted)) != 0)
            || (inheritable & ~(old.Inheritable | old.Bounding)) != 0
            || (permitted & ~old.Permitted) != 0
            || (effective & ~permitted) != 0)
        {
            return Errno.EPERM;
        }

        current.Credentials = old with
        {
            Effective = effective,
            Permitted = permitted,
            Inheritable = inheritable,
            Ambient = old.Ambient & permitted & inheritable,
        };
        return 0;
    }

    private static int SizeOf(uint version) => version switch
    {
        Version1 => 12,
        Version2 or Version3 => 24,
        _ => 0,
    };

    private static byte[] Pack(Credentials credentials, int bytes)
    {
        var data = new CapabilityData(
            (uint)credentials.Effective,
            (uint)credentials.Permitted,
            (uint)credentials.Inheritable,
            (uint)(credentials.Effective >> 32),
            (uint)(credentials.Permitted >> 32),
            (uint)(credentials.Inheritable >> 32));
        return System.Runtime.InteropServices.MemoryMarshal.AsBytes(new ReadOnlySpan<CapabilityData>(in data))[..bytes].ToArray();
    }
}
