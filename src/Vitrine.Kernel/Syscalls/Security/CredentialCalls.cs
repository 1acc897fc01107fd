using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Security;

/// <summary>User and group ids (credentials(7)): the get and set calls, supplementary groups.</summary>
internal static class CredentialCalls
{
    private const int MaximumGroups = 65536;

    [Syscall(102, "getuid", SyscallSupport.Real)]
    public static SyscallResult GetUid(Task current) => current.Credentials.Uid.Value;

    [Syscall(104, "getgid", SyscallSupport.Real)]
    public static SyscallResult GetGid(Task current) => current.Credentials.Gid.Value;

    [Syscall(107, "geteuid", SyscallSupport.Real)]
    public static SyscallResult GetEuid(Task current) => current.Credentials.Euid.Value;

    [Syscall(108, "getegid", SyscallSupport.Real)]
    public static SyscallResult GetEgid(Task current) => current.Credentials.Egid.Value;

    [Syscall(118, "getresuid", SyscallSupport.Real)]
    public static async KTask<SyscallResult> GetResUid(Task current, UserPtr<uint> real, UserPtr<uint> effective, UserPtr<uint> saved)
    {
        Credentials credentials = current.Credentials;
        Errno error = await current.WriteUserAsync(real, credentials.Uid.Value);
        if (error == Errno.Success)
            error = await current.WriteUserAsync(effective, credentials.Euid.Value);
        return error == Errno.Success ? await current.WriteUserAsync(saved, credentials.Suid.Value) : error;
    }

    [Syscall(120, "getresgid", SyscallSupport.Real)]
    public static async KTask<SyscallResult> GetResGid(Task current, UserPtr<uint> real, UserPtr<uint> effective, UserPtr<uint> saved)
    {
        Credentials credentials = current.Credentials;
        Errno error = await current.WriteUserAsync(real, credentials.Gid.Value);
        if (error == Errno.Success)
            error = await current.WriteUserAsync(effective, credentials.Egid.Value);
        return error == Errno.Success ? await current.WriteUserAsync(saved, credentials.Sgid.Value) : error;
    }

    [Syscall(105, "setuid", SyscallSupport.Real)]
    public static SyscallResult SetUid(Task current, Uid uid)
    {
        Credentials old = current.Credentials;
        if (uid == Uid.Unchanged)
            return Errno.EINVAL;
        if (IsCapable(old, Capability.Setuid))
            return CredentialChanges.SetUids(current, old with { Uid = uid, Euid = uid, Suid = uid, Fsuid = uid });
        if (uid != old.Uid && uid != old.Suid)
            return Errno.EPERM;
        return CredentialChanges.SetUids(current, old with { Euid = uid, Fsuid = uid });
    }

    [Syscall(106, "setgid", SyscallSupport.Real)]
    public static SyscallResult SetGid(Task current, Gid gid)
    {
        Credentials old = current.Credentials;
        if (gid == Gid.Unchanged)
            return Errno.EINVAL;
        if (IsCapable(old, Capability.Setgid))
            return CredentialChanges.SetGids(current, old with { Gid = gid, Egid = gid, Sgid = gid, Fsgid = gid });
        if (gid != old.Gid && gid != old.Sgid)
            return Errno.EPERM;
        return CredentialChanges.SetGids(current, old with { Egid = gid, Fsgid = gid });
    }

    [Syscall(113, "setreuid", SyscallSupport.Real)]
    public static SyscallResult SetReUid(Task current, Uid real, Uid effective)
    {
        Credentials old = current.Credentials;
        Credentials next = old;
        bool capable = IsCapable(old, Capability.Setuid);
        if (real != Uid.Unchanged)
        {
            if (real != old.Uid && real != old.Euid && !capable)
                return Errno.EPERM;
            next = next with { Uid = real };
        }

        if (effective != Uid.Unchanged)
        {
            if (effective != old.Uid && effective != old.Euid && effective != old.Suid && !capable)
                return Errno.EPERM;
            next = next with { Euid = effective };
        }

        if (real != Uid.Unchanged || (effective != Uid.Unchanged && effective != old.Uid))
            next = next with { Suid = next.Euid };
        return CredentialChanges.SetUids(current, next with { Fsuid = next.Euid });
    }

    [Syscall(114, "setregid", SyscallSupport.Real)]
    public static SyscallResult SetReGid(Task current, Gid real, Gid effective)
    {
        Credentials old = current.Credentials;
        Credentials next = old;
        bool capable = IsCapable(old, Capability.Setgid);
        if (real != Gid.Unchanged)
        {
            if (real != old.Gid && real != old.Egid && !capable)
                return Errno.EPERM;
            next = next with { Gid = real };
        }

        if (effective != Gid.Unchanged)
        {
            if (effective != old.Gid && effective != old.Egid && effective != old.Sgid && !capable)
                return Errno.EPERM;
            next = next with { Egid = effective };
        }

        if (real != Gid.Unchanged || (effective != Gid.Unchanged && effective != old.Gid))
            next = next with { Sgid = next.Egid };
        return CredentialChanges.SetGids(current, next with { Fsgid = next.Egid });
    }

    [Syscall(117, "setresuid", SyscallSupport.Real)]
    public static SyscallResult SetResUid(Task current, Uid real, Uid effective, Uid saved)
    {
        Credentials old = current.Credentials;
        bool Allowed(Uid uid) => uid == Uid.Unchanged || uid == old.Uid || uid == old.Euid || uid == old.Suid;
        if (!IsCapable(old, Capability.Setuid) && !(Allowed(real) && Allowed(effective) && Allowed(saved)))
            return Errno.EPERM;
        Credentials next = old with
        {
            Uid = real == Uid.Unchanged ? old.Uid : real,
            Euid = effective == Uid.Unchanged ? old.Euid : effective,
            Suid = saved == Uid.Unchanged ? old.Suid : saved,
        };
        return CredentialChanges.SetUids(current, next with { Fsuid = next.Euid });
    }

    [Syscall(119, "setresgid", SyscallSupport.Real)]
    public static SyscallResult SetResGid(Task current, Gid real, Gid effective, Gid saved)
    {
        Credentials old = current.Credentials;
        bool Allowed(Gid gid) => gid == Gid.Unchanged || gid == old.Gid || gid == old.Egid || gid == old.Sgid;
        if (!IsCapable(old, Capability.Setgid) && !(Allowed(real) && Allowed(effective) && Allowed(saved)))
            return Errno.EPERM;
        Credentials next = old with
        {
            Gid = real == Gid.Unchanged ? old.Gid : real,
            Egid = effective == Gid.Unchanged ? old.Egid : effective,
            Sgid = saved == Gid.Unchanged ? old.Sgid : saved,
        };
        return CredentialChanges.SetGids(current, next with { Fsgid = next.Egid });
    }

    /// <summary>Always the old id; it tells no errors.</summary>
    [Syscall(122, "setfsuid", SyscallSupport.Real)]
    public static SyscallResult SetFsUid(Task current, Uid uid)
    {
        Credentials old = current.Credentials;
        if (uid == old.Uid || uid == old.Euid || uid == old.Suid || uid == old.Fsuid
            || (uid != Uid.Unchanged && IsCapable(old, Capability.Setuid)))
        {
            CredentialChanges.SetFsUid(current, uid);
        }

        return old.Fsuid.Value;
    }

    [Syscall(123, "setfsgid", SyscallSupport.Real)]
    public static SyscallResult SetFsGid(Task current, Gid gid)
    {
        Credentials old = current.Credentials;
        if (gid == old.Gid || gid == old.Egid || gid == old.Sgid || gid == old.Fsgid
            || (gid != Gid.Unchanged && IsCapable(old, Capability.Setgid)))
        {
            current.Credentials = old with { Fsgid = gid };
        }

        return old.Fsgid.Value;
    }

    [Syscall(115, "getgroups", SyscallSupport.Real)]
    public static async KTask<SyscallResult> GetGroups(Task current, int size, UserPtr<uint> list)
    {
        ImmutableArray<Gid> groups = current.Credentials.Groups;
        if (size < 0)
            return Errno.EINVAL;
        if (size == 0)
            return groups.Length;
        if (groups.Length > size)
            return Errno.EINVAL;
        Errno error = await current.WriteUserBytesAsync(list.Address, MemoryMarshal.AsBytes(groups.AsSpan()).ToArray());
        return error != Errno.Success ? error : groups.Length;
    }

    [Syscall(116, "setgroups", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SetGroups(Task current, int size, UserPtr<uint> list)
    {
        if (!IsCapable(current.Credentials, Capability.Setgid))
            return Errno.EPERM;
        if ((uint)size > MaximumGroups)
            return Errno.EINVAL;
        byte[] bytes = new byte[size * sizeof(uint)];
        Errno error = await current.ReadUserBytesAsync(list.Address, bytes);
        if (error != Errno.Success)
            return error;
        Gid[] groups = MemoryMarshal.Cast<byte, Gid>(bytes).ToArray();
        Array.Sort(groups, static (a, b) => a.Value.CompareTo(b.Value));
        current.Credentials = current.Credentials with { Groups = ImmutableCollectionsMarshal.AsImmutableArray(groups) };
        return 0;
    }

    private static bool IsCapable(Credentials credentials, Capability capability) =>
        credentials.IsCapable(credentials.UserNamespace, capability);
}
