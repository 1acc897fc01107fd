namespace Vitrine.Kernel.Vfs.Locking;

/// <summary>All file locks of a machine.</summary>
internal sealed class FileLockTable
{
    public void RemovePosix(Inode inode, FdTable owner)
    {
    }
}
