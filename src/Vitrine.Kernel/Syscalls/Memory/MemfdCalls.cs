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

    [Syscall(319, "memfd_create", SyscallSupport.Real, Note = "MFD_HUGETLB: the pools of huge pages are empty")]
    public static async KTask<SyscallResult> MemfdCreate(Task current, UserString name, [Strace("memfd-flags")] MemfdFlags flags)
    {
        MemfdFlags known = MemfdFlags.CloseOnExec | MemfdFlags.AllowSealing | MemfdFlags.HugeTlb | MemfdFlags.NoExecSeal | MemfdFlags.Exec;
        if ((flags & MemfdFlags.HugeTlb) != 0)
            known |= MemfdFlags.HugeSize;
        if ((flags & ~known) != 0
            || (flags & (MemfdFlags.NoExecSeal | MemfdFlags.Exec)) == (MemfdFlags.NoExecSeal | MemfdFlags.Exec))
        {
            return Errno.EINVAL;
        }

        Result<byte[]> text = await current.ReadUserStringAsync(name, NameLimit, Errno.EINVAL);
        if (!text.Ok)
            return text.Error;
        bool huge = (flags & MemfdFlags.HugeTlb) != 0;
        bool gigantic = (flags & MemfdFlags.HugeSize) == MemfdFlags.Huge1G;
        if (huge && !gigantic && (flags & MemfdFlags.HugeSize) is not (MemfdFlags.None or MemfdFlags.Huge2M))
            return Errno.ENODEV;
        bool sealedExec = (flags & MemfdFlags.NoExecSeal) != 0;
        FileSeals seals = sealedExec ? FileSeals.Exec
            : (flags & MemfdFlags.AllowSealing) != 0 ? FileSeals.None : FileSeals.Seal;
        PseudoSuperBlock shm = !huge ? current.Kernel.Vfs.ShmFs : current.Kernel.Vfs.HugeFs(gigantic);
        var inode = new MemfdInode(shm, sealedExec ? ReadWriteAll : ReadWriteAll | ExecuteAll, seals)
        {
            Uid = current.Credentials.Fsuid,
            Gid = current.Credentials.Fsgid,
            LinkCount = 0,
            HugeSize = !huge ? 0 : gigantic ? 1L << 30 : 1L << 21,
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
