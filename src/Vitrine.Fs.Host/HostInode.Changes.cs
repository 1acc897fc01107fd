using Vitrine.Fs.Host.Native;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <content>Attributes of a tree that is shared writable.</content>
internal abstract partial class HostInode
{
    /// <summary>UTIME_OMIT.</summary>
    private const long OmitTime = 0x3FFFFFFE;

    /// <summary>The permission bits that may reach the host: no program of the guest gains rights there.</summary>
    public static uint PermissionsOutside(FileMode mode)
    {
        FileMode bits = mode & FileMode.PermissionMask;
        return (uint)((mode & FileMode.TypeMask) == FileMode.Regular ? bits & ~(FileMode.SetUid | FileMode.SetGid) : bits);
    }

    public override async KTask<Errno> SetAttributesAsync(Task current, InodeAttributes changes)
    {
        if (!Super.Spec.IsWritable)
            return Errno.EROFS;
        Errno error = Errno.Success;
        if ((changes.Mask & AttributeMask.Size) != 0)
            error = await ResizeAsync(current, changes.Size);
        if (error == Errno.Success && (changes.Mask & (AttributeMask.Uid | AttributeMask.Gid)) != 0)
            error = await ChangeOwnerAsync(current, changes);
        if (error == Errno.Success && (changes.Mask & AttributeMask.Mode) != 0)
            error = await ChangeModeAsync(current, changes.Mode);
        if (error == Errno.Success && (changes.Mask & (AttributeMask.AccessTime | AttributeMask.ModificationTime)) != 0)
            error = await ChangeTimesAsync(current, changes);
        Result<HostStatx> fresh = await StatHostAsync(current);
        if (fresh.Ok)
            RefreshAfterChange(fresh.Value);
        return error;
    }

    public override async KTask<Errno> SetXattrAsync(Task current, string name, ReadOnlyMemory<byte> value, XattrFlags flags)
    {
        Errno error = CheckXattrChange(name, out byte[] attribute);
        return error != Errno.Success ? error : await OnItselfAsync(current, descriptor => HostCalls.SetXattr(descriptor, attribute, value.Span, flags));
    }

    public override async KTask<Errno> RemoveXattrAsync(Task current, string name)
    {
        Errno error = CheckXattrChange(name, out byte[] attribute);
        return error != Errno.Success ? error : await OnItselfAsync(current, descriptor => HostCalls.RemoveXattr(descriptor, attribute));
    }

    /// <summary>A regular file overrides it.</summary>
    protected virtual KTask<Errno> ResizeAsync(Task current, long size) => Fail(IsDirectory ? Errno.EISDIR : Errno.EINVAL);

    /// <summary>Takes over what the guest itself has changed.</summary>
    protected virtual void RefreshAfterChange(in HostStatx stat) => Refresh(stat);

    private Errno CheckXattrChange(string name, out byte[] attribute)
    {
        attribute = System.Text.Encoding.UTF8.GetBytes(name);
        if (!Super.Spec.IsWritable)
            return Errno.EROFS;
        if (!name.StartsWith("user.", StringComparison.Ordinal))
            return Errno.EOPNOTSUPP;
        return attribute.Length > 255 ? Errno.ERANGE : Errno.Success;
    }

    private async KTask<Errno> ChangeModeAsync(Task current, FileMode mode)
    {
        if (IsSymlink)
            return Errno.EOPNOTSUPP;
        if (IsRegular && (mode & (FileMode.SetUid | FileMode.SetGid)) != 0 && PermissionsOutside(FileMode.Regular | mode) != (uint)(mode & FileMode.PermissionMask))
            return Errno.EPERM;
        uint permissions = (uint)(mode & FileMode.PermissionMask);
        return await OnItselfAsync(current, descriptor => HostCalls.ChangeMode(descriptor, permissions));
    }

    private KTask<Errno> ChangeOwnerAsync(Task current, InodeAttributes changes)
    {
        uint uid = (changes.Mask & AttributeMask.Uid) != 0 ? changes.Uid.Value : uint.MaxValue;
        uint gid = (changes.Mask & AttributeMask.Gid) != 0 ? changes.Gid.Value : uint.MaxValue;
        return OnItselfAsync(current, descriptor => HostCalls.ChangeOwner(descriptor, uid, gid));
    }

    private KTask<Errno> ChangeTimesAsync(Task current, InodeAttributes changes)
    {
        var omit = new Timespec(0, OmitTime);
        Timespec access = (changes.Mask & AttributeMask.AccessTime) != 0 ? changes.AccessTime : omit;
        Timespec modification = (changes.Mask & AttributeMask.ModificationTime) != 0 ? changes.ModificationTime : omit;
        return OnItselfAsync(current, descriptor => HostCalls.SetTimes(descriptor, access, modification));
    }

    /// <summary>A call on an O_PATH descriptor of this very file.</summary>
    private async KTask<Errno> OnItselfAsync(Task current, Func<int, Errno> call)
    {
        Result<int> opened = await OpenForPathAsync(current);
        if (!opened.TryGet(out int descriptor, out Errno error))
            return error;
        error = HostDevice.IsSlow ? await HostWork.RunAsync(current, () => call(descriptor)) : call(descriptor);
        HostCalls.Close(descriptor);
        return error;
    }
}
