using System.Buffers.Binary;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Security;

/// <summary>
/// What exec makes of credentials: set-user-ID and set-group-ID bits, file capabilities, root's privileges, the ambient
/// set (capabilities(7), "Transformation of capabilities during execve()").
/// </summary>
internal static class ExecCredentials
{
    private const uint RevisionMask = 0xFF000000;
    private const uint Revision1 = 0x01000000;
    private const uint Revision2 = 0x02000000;
    private const uint Revision3 = 0x03000000;

    /// <summary>The new credentials, and whether the program is to be told that it runs with raised rights (AT_SECURE).</summary>
    public static async KTask<Result<(Credentials Credentials, bool IsSecure)>> TransformAsync(Task current, OpenFile file)
    {
        Credentials old = current.Credentials;
        Credentials next = old;
        bool mayRaise = !current.NoNewPrivileges && (file.Path.Mount.Flags & MountFlags.NoSuid) == 0;
        uint mode = (uint)file.Inode.Mode;
        if (mayRaise)
        {
            if ((mode & (uint)FileMode.SetUid) != 0)
                next = next with { Euid = file.Inode.Uid };
            if ((mode & (uint)(FileMode.SetGid | FileMode.GroupExecute)) == (uint)(FileMode.SetGid | FileMode.GroupExecute))
                next = next with { Egid = file.Inode.Gid };
        }

        ulong filePermitted = 0;
        ulong fileInheritable = 0;
        bool fileEffective = false;
        bool hasFileCapabilities = false;
        if (mayRaise)
        {
            Result<byte[]> attribute = await file.Inode.GetXattrAsync(current, "security.capability");
            if (attribute.TryGet(out byte[]? bytes, out _))
            {
                if (!Parse(bytes, out filePermitted, out fileInheritable, out fileEffective))
                    return Errno.EINVAL;
                hasFileCapabilities = true;
            }
        }

        ulong granted = (filePermitted & old.Bounding) | (fileInheritable & old.Inheritable);
        if (hasFileCapabilities && fileEffective && (filePermitted & ~granted) != 0)
            return Errno.EPERM;
        if ((old.SecureBits & SecureBits.NoRoot) == 0 && !(hasFileCapabilities && old.Uid != Uid.Root && next.Euid == Uid.Root))
        {
            if (next.Euid == Uid.Root || old.Uid == Uid.Root)
                granted = old.Bounding | old.Inheritable;
            if (next.Euid == Uid.Root)
                fileEffective = true;
        }

        bool raises = next.Euid != old.Uid || next.Egid != old.Gid || (granted & ~old.Permitted) != 0;
        if (raises && current.IsTraced && !current.TracerIsCapable(old.UserNamespace))
        {
            // A tracer without the right to trace such a program would control it: it runs without what it would gain.
            if (!old.IsCapable(old.UserNamespace, Capability.Setuid))
                next = next with { Euid = old.Uid, Egid = old.Gid };
            granted &= old.Permitted;
        }

        bool isSetId = next.Euid != old.Uid || next.Egid != old.Gid;
        ulong ambient = hasFileCapabilities || next.Euid != old.Euid || next.Egid != old.Egid ? 0 : old.Ambient;
        ulong permitted = granted | ambient;
        next = next with
        {
            Suid = next.Euid,
            Fsuid = next.Euid,
            Sgid = next.Egid,
            Fsgid = next.Egid,
            Permitted = permitted,
            Effective = fileEffective ? permitted : ambient,
            Ambient = ambient,
            SecureBits = old.SecureBits & ~SecureBits.KeepCapabilities,
        };
        bool secure = isSetId
            || (old.Uid != Uid.Root && (fileEffective || (permitted & ~ambient) != 0) && hasFileCapabilities);
        return (next, secure);
    }

    /// <summary>struct vfs_cap_data: magic with the effective bit, then permitted and inheritable in 32-bit halves.</summary>
    private static bool Parse(ReadOnlySpan<byte> data, out ulong permitted, out ulong inheritable, out bool effective)
    {
        permitted = inheritable = 0;
        effective = false;
        if (data.Length < 4)
            return false;
        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(data);
        int expected = (magic & RevisionMask) switch
        {
            Revision1 => 12,
            Revision2 => 20,
            Revision3 => 24,
            _ => -1,
        };
        if (data.Length != expected)
            return false;
        effective = (magic & 1) != 0;
        permitted = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
        inheritable = BinaryPrimitives.ReadUInt32LittleEndian(data[8..]);
        if (expected > 12)
        {
            permitted |= (ulong)BinaryPrimitives.ReadUInt32LittleEndian(data[12..]) << 32;
            inheritable |= (ulong)BinaryPrimitives.ReadUInt32LittleEndian(data[16..]) << 32;
        }

        permitted &= Credentials.AllCapabilities;
        inheritable &= Credentials.AllCapabilities;
        // A revision-3 attribute with a root id that is not ours grants nothing.
        if (expected == 24 && BinaryPrimitives.ReadUInt32LittleEndian(data[20..]) != 0)
            permitted = inheritable = 0;
        return true;
    }
}
