using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm.Memfd;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Memory;

/// <summary>memfd_create(2).</summary>
internal static class MemfdCalls
{
    /// <summary>NAME_MAX less "memfd:", the final NUL included.</summary>
    private const int NameLimit = FileName.MaxLength - 6 + 1;

    private const FileMode ReadWriteAll = FileMode.UserRead | FileMode.UserWrite | FileMode.GroupRead | FileMode.GroupWrite
        | FileMode.OtherRead | FileMode.OtherWrite;

    private const FileMode ExecuteAll = FileMode.UserExecute | FileMode.GroupExecute | FileMode.OtherExecute;

    [Syscall(319, "memfd_create", SyscallSupport.Partial, Note = "MFD_HUGETLB: ENOSYS, there are no huge pages")]
    public static async KTask<SyscallResult> MemfdCreate(Task current, UserString name, [Strace("memfd-flags")] MemfdFlags flags)
    {
        if ((flags & ~(MemfdFlags.CloseOnExec | MemfdFlags.AllowSealing | MemfdFlags.HugeTlb | MemfdFlags.NoExecSeal | MemfdFlags.Exec)) != 0
            || (flags & (MemfdFlags.NoExecSeal | MemfdFlags.Exec)) == (MemfdFlags.NoExecSeal | MemfdFlags.Exec))
        {
            return Errno.EINVAL;
        }

        Result<byte[]> text = await current.ReadUserStringAsync(name, NameLimit, Errno.EINVAL);
        if (!text.Ok)
            return text.Error;
        if ((flags & MemfdFlags.HugeTlb) != 0)
            return Errno.ENOSYS;
        bool sealedExec = (flags & MemfdFlags.NoExecSeal) != 0;
        FileSeals seals = sealedExec ? FileSeals.Exec
            : (flags & MemfdFlags.AllowSealing) != 0 ? FileSeals.None : FileSeals.Seal;
        PseudoSuperBlock shm = current.Kernel.Vfs.ShmFs;
        var inode = new MemfdInode(shm, sealedExec ? ReadWriteAll : ReadWriteAll | ExecuteAll, seals)
        {
            Uid = current.Credentials.Fsuid,
            Gid = current.Credentials.Fsgid,
            LinkCount = 0,
        };

        // Names are bytes; Latin-1 carries them through a string unchanged.
        VfsPath path = shm.MakePath(inode, "/memfd:" + Encoding.Latin1.GetString(text.Value) + " (deleted)");
        var file = new MemfdFile(path, inode, OpenFlags.ReadWrite | OpenFlags.LargeFile);
        path.Dentry.Put();
        Errno error = file.Account(current);
        if (error == Errno.Success)
        {
            Result<Fd> fd = current.Files!.Install(current, file, (flags & MemfdFlags.CloseOnExec) != 0);
            if (fd.Ok)
                return fd.Value;
            error = fd.Error;
        }

        file.Put();
        return error;
    }
}
