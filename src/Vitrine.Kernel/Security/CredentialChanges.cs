using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Security;

/// <summary>
/// Putting changed ids in force: what they do to capabilities (capabilities(7), "Effect of user ID changes"), to the user's
/// process count and to dumpability (commit_creds).
/// </summary>
internal static class CredentialChanges
{
    private const ulong FileSystemCapabilities =
        1UL << (int)Capability.Chown | 1UL << (int)Capability.DacOverride | 1UL << (int)Capability.DacReadSearch
        | 1UL << (int)Capability.Fowner | 1UL << (int)Capability.Fsetid | 1UL << (int)Capability.LinuxImmutable
        | 1UL << (int)Capability.Mknod | 1UL << (int)Capability.MacOverride;

    public static Errno SetUids(Task current, Credentials next)
    {
        Credentials old = current.Credentials;
        if ((next.SecureBits & SecureBits.NoSetuidFixup) == 0)
            next = FixUp(old, next);
        if (next.Uid != old.Uid)
        {
            // A limit that is passed by this shows at the next exec or fork only, as on Linux.
            current.Kernel.Users[next.Uid].ChargeProcess();
            current.Kernel.Users[old.Uid].UnchargeProcess();
        }

        Commit(current, old, next);
        return Errno.Success;
    }

    public static Errno SetGids(Task current, Credentials next)
    {
        Commit(current, current.Credentials, next);
        return Errno.Success;
    }

    public static void SetFsUid(Task current, Uid uid)
    {
        Credentials old = current.Credentials;
        Credentials next = old with { Fsuid = uid };
        if ((old.SecureBits & SecureBits.NoSetuidFixup) == 0)
        {
            if (old.Fsuid == Uid.Root && uid != Uid.Root)
                next = next with { Effective = next.Effective & ~FileSystemCapabilities };
            else if (old.Fsuid != Uid.Root && uid == Uid.Root)
                next = next with { Effective = next.Effective | (next.Permitted & FileSystemCapabilities) };
        }

        Commit(current, old, next);
    }

    private static Credentials FixUp(Credentials old, Credentials next)
    {
        bool hadRoot = old.Uid == Uid.Root || old.Euid == Uid.Root || old.Suid == Uid.Root;
        bool hasRoot = next.Uid == Uid.Root || next.Euid == Uid.Root || next.Suid == Uid.Root;
        if (hadRoot && !hasRoot)
        {
            if ((next.SecureBits & SecureBits.KeepCapabilities) == 0)
                next = next with { Permitted = 0, Effective = 0 };
            next = next with { Ambient = 0 };
        }

        if (old.Euid == Uid.Root && next.Euid != Uid.Root)
            next = next with { Effective = 0 };
        if (old.Euid != Uid.Root && next.Euid == Uid.Root)
            next = next with { Effective = next.Permitted };
        return next;
    }

    private static void Commit(Task current, Credentials old, Credentials next)
    {
        if (old.Euid != next.Euid || old.Egid != next.Egid || old.Fsuid != next.Fsuid || old.Fsgid != next.Fsgid
            || (next.Permitted & ~old.Permitted) != 0)
        {
            if (current.Mm is { } mm)
                mm.Dumpable = 0;
            current.ParentDeathSignal = SignalNumber.None;
        }

        current.Credentials = next;
    }
}
