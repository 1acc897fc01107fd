using Vitrine.Kernel.Async;

namespace Vitrine.Kernel.Vfs;

/// <summary>lseek(2) of regular files (generic_file_llseek, mapping_seek_hole_data). The VFS holds the position lock.</summary>
internal static class RegularFileSeek
{
    public static KTask<Result<long>> SeekAsync(OpenFile file, long offset, SeekWhence whence)
    {
        Result<long> result = whence is SeekWhence.Data or SeekWhence.Hole
            ? SeekContent(file, offset, whence)
            : Seek(file, offset, whence);
        return KTask<Result<long>>.FromResult(result);
    }

    /// <summary>The whences that need no look at the content. EINVAL below 0, beyond the largest size, and for others.</summary>
    public static Result<long> Seek(OpenFile file, long offset, SeekWhence whence)
    {
        long origin;
        switch (whence)
        {
            case SeekWhence.Set:
                origin = 0;
                break;
            case SeekWhence.Current:
                origin = file.Position;
                break;
            case SeekWhence.End:
                origin = file.Inode.Size;
                break;
            default:
                return Errno.EINVAL;
        }

        // A sum beyond the largest offset wraps to a negative one.
        long position = unchecked(origin + offset);
        if (position < 0 || position > file.Inode.SuperBlock.MaxFileSize)
            return Errno.EINVAL;
        file.Position = position;
        return position;
    }

    private static Result<long> SeekContent(OpenFile file, long offset, SeekWhence whence)
    {
        Inode inode = file.Inode;
        if (offset < 0 || offset >= inode.Size)
            return Errno.ENXIO;

        // Without a cache to ask, all is data, and the end is a hole.
        Result<long> found = inode.Mapping is { } mapping
            ? (whence == SeekWhence.Data ? mapping.SeekData(offset) : mapping.SeekHole(offset))
            : whence == SeekWhence.Data ? offset : inode.Size;
        if (found.Ok)
            file.Position = found.Value;
        return found;
    }
}
