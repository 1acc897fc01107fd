using System.Runtime.InteropServices;

namespace Vitrine.Fs.Host.Native;

/// <summary>
/// The host's system calls that the file system uses, as libc exports them: blittable, without marshalling. Each
/// wrapper gives the errno as a value; the host is Linux, so its numbers are the guest's. Any thread.
/// </summary>
[HostBoundary("the only door to the host's files")]
internal static unsafe class HostCalls
{
    public const int AtEmptyPath = 0x1000;
    public const int AtSymlinkNoFollow = 0x100;
    public const int AtNoAutomount = 0x800;
    public const int AtRemoveDirectory = 0x200;
    public const int AtSymlinkFollow = 0x400;

    public const OpenFlags PathFlags = OpenFlags.Path | OpenFlags.NoFollow | OpenFlags.CloseOnExec;

    private const string Libc = "libc";

    /// <summary>The basic fields and the time of birth.</summary>
    private const uint StatxWanted = (uint)(StatxMask.BasicStats | StatxMask.BirthTime);

    /// <summary>Opens a path from the host's root or working directory: only for the root of a tree.</summary>
    public static Result<int> OpenPath(ReadOnlySpan<byte> path, OpenFlags flags)
    {
        byte[] terminated = new byte[path.Length + 1];
        path.CopyTo(terminated);
        // SAFETY: the array is pinned for the call and ends in NUL.
        fixed (byte* p = terminated)
            return Descriptor(openat(-100, p, (int)flags, 0));
    }

    /// <summary>Opens one component below a held directory.</summary>
    public static Result<int> OpenAt(int directory, ReadOnlySpan<byte> name, OpenFlags flags, uint mode = 0)
    {
        // SAFETY: a terminated copy on the stack.
        byte* path = stackalloc byte[FileNameBuffer.Size];
        FileNameBuffer.Fill(path, name);
        int fd;
        do
        {
            fd = openat(directory, path, (int)flags, mode);
        }
        while (fd < 0 && LastError() == Errno.EINTR);
        return Descriptor(fd);
    }

    public static void Close(int fd) => _ = close(fd);

    public static Errno StatAt(int directory, ReadOnlySpan<byte> name, out HostStatx stat)
    {
        // SAFETY: a terminated copy on the stack; the result is a local of the right size.
        byte* path = stackalloc byte[FileNameBuffer.Size];
        FileNameBuffer.Fill(path, name);
        fixed (HostStatx* result = &stat)
            return Outcome(statx(directory, path, AtSymlinkNoFollow | AtNoAutomount, StatxWanted, result));
    }

    public static Errno Stat(int fd, out HostStatx stat)
    {
        byte empty = 0;
        // SAFETY: an empty path on the stack; the result is a local of the right size.
        fixed (HostStatx* result = &stat)
            return Outcome(statx(fd, &empty, AtEmptyPath | AtSymlinkNoFollow | AtNoAutomount, StatxWanted, result));
    }

    public static Errno StatFs(int fd, out HostStatFs stat)
    {
        // SAFETY: the result is a local of the right size.
        fixed (HostStatFs* result = &stat)
            return Outcome(fstatfs(fd, result));
    }

    /// <summary>The target of a symbolic link in a held directory, or of the link that the descriptor is (empty name).</summary>
    public static Result<byte[]> ReadLinkAt(int directory, ReadOnlySpan<byte> name)
    {
        const int limit = 4096;
        // SAFETY: both buffers are on the stack; the length of the second is passed.
        byte* path = stackalloc byte[FileNameBuffer.Size];
        FileNameBuffer.Fill(path, name);
        byte* target = stackalloc byte[limit];
        nint length = readlinkat(directory, path, target, limit);
        return length < 0 ? LastError() : new ReadOnlySpan<byte>(target, (int)length).ToArray();
    }

    /// <summary>Reads raw linux_dirent64 records. 0 bytes at the end.</summary>
    public static Result<int> ReadDirectory(int fd, byte* buffer, int size)
    {
        nint length = getdents64(fd, buffer, (nuint)size);
        return length < 0 ? LastError() : (int)length;
    }

    /// <summary>Reads at an offset into host memory; short at the end of the file, or before what is not in memory.</summary>
    /// <param name="mayWait">False: EAGAIN rather than wait for the disk, EOPNOTSUPP where the file system can't tell.</param>
    public static Result<long> ReadAt(int fd, HostIovec* vectors, int count, long offset, bool mayWait = true)
    {
        const int noWait = 8; // RWF_NOWAIT
        for (; ; )
        {
            nint length = mayWait ? preadv(fd, vectors, count, offset) : preadv2(fd, vectors, count, offset, noWait);
            if (length >= 0)
                return (long)length;
            Errno error = LastError();
            if (error != Errno.EINTR)
                return error;
        }
    }

    public static Result<long> WriteAt(int fd, HostIovec* vectors, int count, long offset)
    {
        for (; ; )
        {
            nint length = pwritev(fd, vectors, count, offset);
            if (length >= 0)
                return (long)length;
            Errno error = LastError();
            if (error != Errno.EINTR)
                return error;
        }
    }

    public static Errno MakeDirectoryAt(int directory, ReadOnlySpan<byte> name, uint mode)
    {
        // SAFETY: a terminated copy on the stack.
        byte* path = stackalloc byte[FileNameBuffer.Size];
        FileNameBuffer.Fill(path, name);
        return Outcome(mkdirat(directory, path, mode));
    }

    public static Errno MakeFifoAt(int directory, ReadOnlySpan<byte> name, uint mode)
    {
        // SAFETY: a terminated copy on the stack.
        byte* path = stackalloc byte[FileNameBuffer.Size];
        FileNameBuffer.Fill(path, name);
        return Outcome(mkfifoat(directory, path, mode));
    }

    public static Errno SymlinkAt(ReadOnlySpan<byte> target, int directory, ReadOnlySpan<byte> name)
    {
        byte[] terminated = new byte[target.Length + 1];
        target.CopyTo(terminated);
        // SAFETY: a terminated copy on the stack and a pinned array that ends in NUL.
        byte* path = stackalloc byte[FileNameBuffer.Size];
        FileNameBuffer.Fill(path, name);
        fixed (byte* text = terminated)
            return Outcome(symlinkat(text, directory, path));
    }

    public static Errno LinkAt(int oldDirectory, ReadOnlySpan<byte> oldName, int newDirectory, ReadOnlySpan<byte> newName)
    {
        // SAFETY: terminated copies on the stack.
        byte* from = stackalloc byte[FileNameBuffer.Size];
        byte* to = stackalloc byte[FileNameBuffer.Size];
        FileNameBuffer.Fill(from, oldName);
        FileNameBuffer.Fill(to, newName);
        return Outcome(linkat(oldDirectory, from, newDirectory, to, 0));
    }

    public static Errno UnlinkAt(int directory, ReadOnlySpan<byte> name, bool isDirectory)
    {
        // SAFETY: a terminated copy on the stack.
        byte* path = stackalloc byte[FileNameBuffer.Size];
        FileNameBuffer.Fill(path, name);
        return Outcome(unlinkat(directory, path, isDirectory ? AtRemoveDirectory : 0));
    }

    public static Errno RenameAt(int oldDirectory, ReadOnlySpan<byte> oldName, int newDirectory, ReadOnlySpan<byte> newName, RenameFlags flags)
    {
        // SAFETY: terminated copies on the stack.
        byte* from = stackalloc byte[FileNameBuffer.Size];
        byte* to = stackalloc byte[FileNameBuffer.Size];
        FileNameBuffer.Fill(from, oldName);
        FileNameBuffer.Fill(to, newName);
        return Outcome(renameat2(oldDirectory, from, newDirectory, to, (uint)flags));
    }

    public static Errno Truncate(int fd, long size) => Outcome(ftruncate(fd, size));

    public static Errno Allocate(int fd, FallocateMode mode, long offset, long length) => Outcome(fallocate(fd, (int)mode, offset, length));

    public static Errno Sync(int fd, bool dataOnly) => Outcome(dataOnly ? fdatasync(fd) : fsync(fd));

    public static Result<long> Seek(int fd, long offset, SeekWhence whence)
    {
        long position = lseek(fd, offset, (int)whence);
        return position < 0 ? LastError() : position;
    }

    public static Errno ChangeOwnerAt(int directory, ReadOnlySpan<byte> name, uint uid, uint gid)
    {
        // SAFETY: a terminated copy on the stack.
        byte* path = stackalloc byte[FileNameBuffer.Size];
        FileNameBuffer.Fill(path, name);
        return Outcome(fchownat(directory, path, uid, gid, AtSymlinkNoFollow));
    }

    /// <summary>Changes the mode of what a descriptor (O_PATH ones too) refers to.</summary>
    public static Errno ChangeMode(int fd, uint mode)
    {
        // SAFETY: a terminated path on the stack.
        byte* path = stackalloc byte[DescriptorPath.Size];
        DescriptorPath.Fill(path, fd);
        return Outcome(fchmodat(-100, path, mode, 0));
    }

    /// <summary>Changes the owner of what a descriptor (O_PATH ones too) refers to; uint.MaxValue leaves one as it is.</summary>
    public static Errno ChangeOwner(int fd, uint uid, uint gid)
    {
        byte empty = 0;
        // SAFETY: an empty path on the stack.
        return Outcome(fchownat(fd, &empty, uid, gid, AtEmptyPath));
    }

    /// <summary>Sets access and modification time; UTIME_OMIT in the nanoseconds leaves one as it is.</summary>
    public static Errno SetTimes(int fd, Timespec access, Timespec modification)
    {
        // SAFETY: a terminated path and two timespecs on the stack.
        byte* path = stackalloc byte[DescriptorPath.Size];
        DescriptorPath.Fill(path, fd);
        Timespec* times = stackalloc Timespec[2] { access, modification };
        return Outcome(utimensat(-100, path, times, 0));
    }

    /// <summary>An extended attribute of what a descriptor (O_PATH ones too) refers to.</summary>
    public static Result<byte[]> GetXattr(int fd, ReadOnlySpan<byte> name)
    {
        const int limit = 65536;
        // SAFETY: terminated strings on the stack; the length of the buffer is passed.
        byte* path = stackalloc byte[DescriptorPath.Size];
        DescriptorPath.Fill(path, fd);
        byte* attribute = stackalloc byte[FileNameBuffer.Size];
        FileNameBuffer.Fill(attribute, name);
        byte[] value = new byte[256];
        for (; ; )
        {
            nint length;
            fixed (byte* p = value)
                length = getxattr(path, attribute, p, (nuint)value.Length);
            if (length >= 0)
                return value.AsSpan(0, (int)length).ToArray();
            Errno error = LastError();
            if (error != Errno.ERANGE || value.Length == limit)
                return error;
            value = new byte[limit];
        }
    }

    public static Errno SetXattr(int fd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, XattrFlags flags)
    {
        // SAFETY: terminated strings on the stack; the value is pinned and its length passed.
        byte* path = stackalloc byte[DescriptorPath.Size];
        DescriptorPath.Fill(path, fd);
        byte* attribute = stackalloc byte[FileNameBuffer.Size];
        FileNameBuffer.Fill(attribute, name);
        fixed (byte* p = value)
            return Outcome(setxattr(path, attribute, p, (nuint)value.Length, (int)flags));
    }

    public static Errno RemoveXattr(int fd, ReadOnlySpan<byte> name)
    {
        // SAFETY: terminated strings on the stack.
        byte* path = stackalloc byte[DescriptorPath.Size];
        DescriptorPath.Fill(path, fd);
        byte* attribute = stackalloc byte[FileNameBuffer.Size];
        FileNameBuffer.Fill(attribute, name);
        return Outcome(removexattr(path, attribute));
    }

    /// <summary>The names of all extended attributes, each ended by NUL.</summary>
    public static Result<byte[]> ListXattr(int fd)
    {
        // SAFETY: a terminated path on the stack; the buffer is pinned and its length passed.
        byte* path = stackalloc byte[DescriptorPath.Size];
        DescriptorPath.Fill(path, fd);
        byte[] names = new byte[65536];
        nint length;
        fixed (byte* p = names)
            length = listxattr(path, p, (nuint)names.Length);
        return length < 0 ? LastError() : names.AsSpan(0, (int)length).ToArray();
    }

    private static Result<int> Descriptor(int fd) => fd < 0 ? LastError() : fd;

    private static Errno Outcome(int result) => result < 0 ? LastError() : Errno.Success;

    private static Errno LastError()
    {
        var error = (Errno)Marshal.GetLastPInvokeError();
        return error == Errno.Success ? Errno.EIO : error;
    }

#pragma warning disable IDE1006 // Named as libc names them.
    [DllImport(Libc, SetLastError = true)]
    private static extern int openat(int directory, byte* path, int flags, uint mode);

    [DllImport(Libc, SetLastError = true)]
    private static extern int close(int fd);

    [DllImport(Libc, SetLastError = true)]
    private static extern int statx(int directory, byte* path, int flags, uint mask, HostStatx* result);

    [DllImport(Libc, SetLastError = true)]
    private static extern int fstatfs(int fd, HostStatFs* result);

    [DllImport(Libc, SetLastError = true)]
    private static extern nint readlinkat(int directory, byte* path, byte* buffer, nuint size);

    [DllImport(Libc, SetLastError = true)]
    private static extern nint getdents64(int fd, byte* buffer, nuint size);

    [DllImport(Libc, SetLastError = true)]
    private static extern nint preadv(int fd, HostIovec* vectors, int count, long offset);

    [DllImport(Libc, SetLastError = true)]
    private static extern nint preadv2(int fd, HostIovec* vectors, int count, long offset, int flags);

    [DllImport(Libc, SetLastError = true)]
    private static extern nint pwritev(int fd, HostIovec* vectors, int count, long offset);

    [DllImport(Libc, SetLastError = true)]
    private static extern int mkdirat(int directory, byte* path, uint mode);

    [DllImport(Libc, SetLastError = true)]
    private static extern int mkfifoat(int directory, byte* path, uint mode);

    [DllImport(Libc, SetLastError = true)]
    private static extern int symlinkat(byte* target, int directory, byte* path);

    [DllImport(Libc, SetLastError = true)]
    private static extern int linkat(int oldDirectory, byte* oldPath, int newDirectory, byte* newPath, int flags);

    [DllImport(Libc, SetLastError = true)]
    private static extern int unlinkat(int directory, byte* path, int flags);

    [DllImport(Libc, SetLastError = true)]
    private static extern int renameat2(int oldDirectory, byte* oldPath, int newDirectory, byte* newPath, uint flags);

    [DllImport(Libc, SetLastError = true)]
    private static extern int ftruncate(int fd, long size);

    [DllImport(Libc, SetLastError = true)]
    private static extern int fallocate(int fd, int mode, long offset, long length);

    [DllImport(Libc, SetLastError = true)]
    private static extern int fsync(int fd);

    [DllImport(Libc, SetLastError = true)]
    private static extern int fdatasync(int fd);

    [DllImport(Libc, SetLastError = true)]
    private static extern long lseek(int fd, long offset, int whence);

    [DllImport(Libc, SetLastError = true)]
    private static extern int fchownat(int directory, byte* path, uint uid, uint gid, int flags);

    [DllImport(Libc, SetLastError = true)]
    private static extern int fchmodat(int directory, byte* path, uint mode, int flags);

    [DllImport(Libc, SetLastError = true)]
    private static extern int utimensat(int directory, byte* path, Timespec* times, int flags);

    [DllImport(Libc, SetLastError = true)]
    private static extern nint getxattr(byte* path, byte* name, byte* value, nuint size);

    [DllImport(Libc, SetLastError = true)]
    private static extern int setxattr(byte* path, byte* name, byte* value, nuint size, int flags);

    [DllImport(Libc, SetLastError = true)]
    private static extern int removexattr(byte* path, byte* name);

    [DllImport(Libc, SetLastError = true)]
    private static extern nint listxattr(byte* path, byte* list, nuint size);
#pragma warning restore IDE1006
}
