using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <content>What every write to a regular file checks first.</content>
internal abstract partial class OpenFile
{
    /// <summary>
    /// The checks of a write under the inode's lock (generic_write_checks): an appending write gets the end as its
    /// offset, RLIMIT_FSIZE and the file system's largest size shorten it or refuse it (EFBIG, and SIGXFSZ for the
    /// limit). Sets <see cref="IovIter.FileOffset"/>.
    /// </summary>
    protected Errno BeginWrite(Task current, IovIter from, ref long offset)
    {
        if (from.IsAppend)
            offset = Inode.Size;
        from.FileOffset = offset;
        if (from.Remaining == 0)
            return Errno.Success;
        ulong limit = current.FileSizeLimit;
        if (limit != ulong.MaxValue)
        {
            if ((ulong)offset >= limit)
            {
                current.SendFileSizeSignal();
                return Errno.EFBIG;
            }

            from.Truncate((long)Math.Min((ulong)from.Remaining, limit - (ulong)offset));
        }

        long maximum = Inode.SuperBlock.MaxFileSize;
        if (offset >= maximum)
            return Errno.EFBIG;
        from.Truncate(Math.Min(from.Remaining, maximum - offset));
        return Errno.Success;
    }
}
