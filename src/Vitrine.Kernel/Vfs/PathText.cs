using System.Text;

namespace Vitrine.Kernel.Vfs;

/// <summary>Paths as text (d_path's twin): from a place up to a root, over mounts.</summary>
internal static class PathText
{
    private static ReadOnlySpan<byte> Deleted => " (deleted)"u8;

    private static ReadOnlySpan<byte> Unreachable => "(unreachable)"u8;

    /// <summary>As /proc/PID/fd shows it: " (deleted)" behind removed names; objects of internal file systems by their own names.</summary>
    public static byte[] Of(VfsPath path, VfsPath root)
    {
        if (path.Dentry.DynamicName is { } dynamic)
            return Encoding.UTF8.GetBytes(dynamic);
        byte[] text = Build(path, root, out _);
        if (!path.Dentry.IsDeleted)
            return text;
        return [.. text, .. Deleted];
    }

    /// <summary>As getcwd(2) gives it: "(unreachable)" in front of what does not lead to the root. ENOENT for a removed directory.</summary>
    public static Result<byte[]> ForWorkingDirectory(VfsPath path, VfsPath root)
    {
        if (path.Dentry.IsDeleted)
            return Errno.ENOENT;
        byte[] text = Build(path, root, out bool reached);
        return reached ? text : [.. Unreachable, .. text];
    }

    /// <summary>The path if it leads to the root, else null.</summary>
    public static byte[]? Reachable(VfsPath path, VfsPath root)
    {
        byte[] text = Build(path, root, out bool reached);
        return reached ? text : null;
    }

    /// <summary>A dentry's path from its file system's root, as mountinfo's fourth field shows it.</summary>
    public static byte[] WithinFileSystem(Dentry dentry)
    {
        int length = 0;
        for (Dentry at = dentry; at.Parent is not null; at = at.Parent)
            length += at.Name.Length + 1;
        if (length == 0)
            return "/"u8.ToArray();
        byte[] text = new byte[length];
        for (Dentry at = dentry; at.Parent is not null; at = at.Parent)
            Prepend(text, ref length, at.Name);
        return dentry.IsDeleted ? [.. text, .. "//deleted"u8] : text;
    }

    private static byte[] Build(VfsPath path, VfsPath root, out bool reached)
    {
        int length = Measure(path, root, out reached);
        if (length == 0)
            return "/"u8.ToArray();
        byte[] text = new byte[length];
        VfsPath at = path;
        while (Up(ref at, root, out FileName name))
        {
            if (name.Length > 0)
                Prepend(text, ref length, name);
        }

        return text;
    }

    private static int Measure(VfsPath path, VfsPath root, out bool reached)
    {
        int length = 0;
        VfsPath at = path;
        while (Up(ref at, root, out FileName name))
            length += name.Length > 0 ? name.Length + 1 : 0;
        reached = at.IsSame(root);
        return length;
    }

    /// <summary>One step towards the root: out of a directory (its name) or of a mount (no name). False at the end.</summary>
    private static bool Up(ref VfsPath at, VfsPath root, out FileName name)
    {
        name = default;
        if (at.IsSame(root))
            return false;
        if (at.Dentry == at.Mount.Root)
        {
            if (at.Mount.Parent is not { } parent)
                return false;
            at = new VfsPath(parent, at.Mount.MountPoint!);
            return true;
        }

        if (at.Dentry.Parent is not { } directory)
            return false;

        name = at.Dentry.Name;
        at = new VfsPath(at.Mount, directory);
        return true;
    }

    private static void Prepend(byte[] text, ref int position, FileName name)
    {
        position -= name.Length;
        name.Bytes.CopyTo(text.AsSpan(position));
        text[--position] = (byte)'/';
    }
}
