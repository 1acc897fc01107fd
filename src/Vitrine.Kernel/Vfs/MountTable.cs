using System.Globalization;
using System.Text;

namespace Vitrine.Kernel.Vfs;

/// <summary>How mounts are shown: /proc/PID/mounts, mountinfo and statfs's flags.</summary>
internal static class MountTable
{
    /// <summary>ST_* flags of statfs for a mount; their numbers are the mount flags' but for relatime and nosymfollow.</summary>
    public static long StatFsFlags(Mount mount)
    {
        const MountFlags same = MountFlags.NoSuid | MountFlags.NoDev | MountFlags.NoExec | MountFlags.NoAccessTime | MountFlags.NoDirAccessTime;
        const long relativeAccessTime = 0x1000;
        const long noSymFollow = 0x2000;
        long flags = (long)(mount.Flags & same);
        flags |= (long)(mount.SuperBlock.Flags & (MountFlags.Synchronous | MountFlags.MandatoryLock));
        if (mount.IsReadOnly)
            flags |= (long)MountFlags.ReadOnly;
        if (ShowsRelativeAccessTime(mount))
            flags |= relativeAccessTime;
        if ((mount.Flags & MountFlags.NoSymFollow) != 0)
            flags |= noSymFollow;
        return flags;
    }

    /// <summary>The lines of /proc/PID/mounts as seen from a root.</summary>
    public static void WriteMounts(StringBuilder text, MountNamespace mounts, VfsPath root)
    {
        foreach (Mount mount in mounts.Mounts)
        {
            if (PlaceOf(mount, root) is not { } place)
                continue;
            Escape(text, mount.Source);
            text.Append(' ').Append(place).Append(' ').Append(mount.SuperBlock.Type.Name).Append(' ');
            text.Append(mount.IsReadOnly ? "ro" : "rw");
            AppendFileSystemFlags(text, mount.SuperBlock);
            AppendMountOptions(text, mount);
            text.Append(mount.SuperBlock.ShowOptions()).Append(" 0 0\n");
        }
    }

    /// <summary>The lines of /proc/PID/mountinfo as seen from a root (proc_pid_mountinfo(5)).</summary>
    public static void WriteMountInfo(StringBuilder text, MountNamespace mounts, VfsPath root)
    {
        foreach (Mount mount in mounts.Mounts)
        {
            if (PlaceOf(mount, root) is not { } place)
                continue;
            int parent = mount.Parent?.Id ?? mount.Id;
            text.Append(CultureInfo.InvariantCulture, $"{mount.Id} {parent} {mount.SuperBlock.Device.Major}:{mount.SuperBlock.Device.Minor} ");
            Escape(text, PathText.WithinFileSystem(mount.Root));
            text.Append(' ').Append(place).Append(' ');
            text.Append((mount.Flags & MountFlags.ReadOnly) != 0 ? "ro" : "rw");
            AppendMountOptions(text, mount);
            if (mount.Peers is { } peers)
                text.Append(CultureInfo.InvariantCulture, $" shared:{peers.Id}");
            if (mount.Master is { } master)
                text.Append(CultureInfo.InvariantCulture, $" master:{master.Id}");
            if (mount.IsUnbindable)
                text.Append(" unbindable");
            text.Append(" - ").Append(mount.SuperBlock.Type.Name).Append(' ');
            Escape(text, mount.Source);
            text.Append(mount.SuperBlock.IsReadOnly ? " ro" : " rw");
            AppendFileSystemFlags(text, mount.SuperBlock);
            text.Append(mount.SuperBlock.ShowOptions()).Append('\n');
        }
    }

    private static bool ShowsRelativeAccessTime(Mount mount) =>
        (mount.Flags & (MountFlags.NoAccessTime | MountFlags.StrictAccessTime)) == 0;

    private static void AppendFileSystemFlags(StringBuilder text, SuperBlock superBlock)
    {
        if ((superBlock.Flags & MountFlags.Synchronous) != 0)
            text.Append(",sync");
        if ((superBlock.Flags & MountFlags.DirSync) != 0)
            text.Append(",dirsync");
        if ((superBlock.Flags & MountFlags.MandatoryLock) != 0)
            text.Append(",mand");
        if ((superBlock.Flags & MountFlags.LazyTime) != 0)
            text.Append(",lazytime");
    }

    private static void AppendMountOptions(StringBuilder text, Mount mount)
    {
        MountFlags flags = mount.Flags;
        if ((flags & MountFlags.NoSuid) != 0)
            text.Append(",nosuid");
        if ((flags & MountFlags.NoDev) != 0)
            text.Append(",nodev");
        if ((flags & MountFlags.NoExec) != 0)
            text.Append(",noexec");
        if ((flags & MountFlags.NoAccessTime) != 0)
            text.Append(",noatime");
        if ((flags & MountFlags.NoDirAccessTime) != 0)
            text.Append(",nodiratime");
        if (ShowsRelativeAccessTime(mount))
            text.Append(",relatime");
        if ((flags & MountFlags.NoSymFollow) != 0)
            text.Append(",nosymfollow");
    }

    /// <summary>Where the mount is, escaped; null when it is not below the root.</summary>
    private static string? PlaceOf(Mount mount, VfsPath root)
    {
        byte[]? path = PathText.Reachable(new VfsPath(mount, mount.Root), root);
        if (path is null)
            return null;
        var text = new StringBuilder();
        Escape(text, path);
        return text.ToString();
    }

    private static void Escape(StringBuilder text, string value) => Escape(text, Encoding.UTF8.GetBytes(value));

    /// <summary>Blanks and what would break the line as octal. Bytes beyond ASCII stand as single chars: tables are written as Latin-1.</summary>
    private static void Escape(StringBuilder text, ReadOnlySpan<byte> value)
    {
        foreach (byte b in value)
        {
            if (b is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\\' or (byte)'#')
                text.Append('\\').Append((char)('0' + (b >> 6))).Append((char)('0' + ((b >> 3) & 7))).Append((char)('0' + (b & 7)));
            else
                text.Append((char)b);
        }
    }
}
