using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Vfs;

/// <content>Extended attributes (xattr(7)): who may do what in which name space.</content>
internal sealed partial class VirtualFileSystem
{
    /// <summary>XATTR_SIZE_MAX and XATTR_LIST_MAX.</summary>
    public const int MaximumXattrSize = 65536;

    private const string UserPrefix = "user.";
    private const string TrustedPrefix = "trusted.";
    private const string SecurityPrefix = "security.";
    private const string SystemPrefix = "system.";

    public async KTask<Errno> SetXattrAsync(Task current, VfsPath path, string name, byte[] value, XattrFlags flags)
    {
        Errno error = path.Mount.BeginWrite();
        if (error != Errno.Success)
            return error;
        Inode inode = path.Dentry.Inode!;
        await inode.Lock.LockAsync(current);
        error = await MayAccessXattrAsync(current, inode, name, write: true);
        if (error == Errno.Success)
            error = await inode.SetXattrAsync(current, name, value, flags);
        inode.Lock.Unlock(current);
        path.Mount.EndWrite();
        if (error == Errno.Success)
            NotifyDentry(path.Dentry, FsEvents.Attributes);
        return error;
    }

    public async KTask<Errno> RemoveXattrAsync(Task current, VfsPath path, string name)
    {
        Errno error = path.Mount.BeginWrite();
        if (error != Errno.Success)
            return error;
        Inode inode = path.Dentry.Inode!;
        await inode.Lock.LockAsync(current);
        error = await MayAccessXattrAsync(current, inode, name, write: true);
        if (error == Errno.Success)
            error = await inode.RemoveXattrAsync(current, name);
        inode.Lock.Unlock(current);
        path.Mount.EndWrite();
        if (error == Errno.Success)
            NotifyDentry(path.Dentry, FsEvents.Attributes);
        return error;
    }

    public async KTask<Result<byte[]>> GetXattrAsync(Task current, VfsPath path, string name)
    {
        Inode inode = path.Dentry.Inode!;
        Errno error = await MayAccessXattrAsync(current, inode, name, write: false);
        return error != Errno.Success ? error : await inode.GetXattrAsync(current, name);
    }

    /// <summary>All names, each with its NUL; trusted ones only for the powerful.</summary>
    public async KTask<Result<byte[]>> ListXattrAsync(Task current, VfsPath path)
    {
        Result<string[]> names = await path.Dentry.Inode!.ListXattrAsync(current);
        if (!names.Ok)
            return names.Error == Errno.EOPNOTSUPP ? Array.Empty<byte>() : names.Error;
        bool trusted = current.Credentials.IsCapable(Kernel.InitUserNamespace, Capability.SysAdmin);
        var bytes = new List<byte>();
        foreach (string name in names.Value)
        {
            if (!trusted && name.StartsWith(TrustedPrefix, StringComparison.Ordinal))
                continue;
            bytes.AddRange(Encoding.UTF8.GetBytes(name));
            bytes.Add(0);
        }

        return bytes.ToArray();
    }

    private async KTask<Errno> MayAccessXattrAsync(Task current, Inode inode, string name, bool write)
    {
        if (write && inode.SuperBlock.IsReadOnly)
            return Errno.EROFS;
        if (name.StartsWith(SecurityPrefix, StringComparison.Ordinal))
        {
            if (!write)
                return Errno.Success;
            Capability needed = name == "security.capability" ? Capability.Setfcap : Capability.SysAdmin;
            return current.Credentials.IsCapable(Kernel.InitUserNamespace, needed) ? Errno.Success : Errno.EPERM;
        }

        if (name.StartsWith(SystemPrefix, StringComparison.Ordinal))
            return Errno.Success;
        if (name.StartsWith(TrustedPrefix, StringComparison.Ordinal))
        {
            if (current.Credentials.IsCapable(Kernel.InitUserNamespace, Capability.SysAdmin))
                return Errno.Success;
            return write ? Errno.EPERM : Errno.ENODATA;
        }

        if (name.StartsWith(UserPrefix, StringComparison.Ordinal))
        {
            // Only for what holds content: else anyone who may write a device could fill the disk below it.
            if (!inode.IsRegular && !inode.IsDirectory)
                return write ? Errno.EPERM : Errno.ENODATA;
            if (write && inode.IsDirectory && (inode.Mode & FileMode.Sticky) != 0 && !IsOwnerOrCapable(current, inode))
                return Errno.EPERM;
        }

        return await PermissionAsync(current, inode, write ? AccessMask.Write : AccessMask.Read);
    }
}
