using Vitrine.Kernel.Sched;

namespace Vitrine.Kernel.Vfs;

/// <summary>Where a file's <see cref="OpenFile.Poll"/> registers for changes (poll_table's twin).</summary>
internal abstract class PollTable
{
    /// <summary>The events that the caller asks about; a hint.</summary>
    public PollEvents Interest { get; set; } = (PollEvents)uint.MaxValue;

    /// <summary>Registers on a queue whose wake-ups (with poll events as key, 0 = any) mean that the file should be asked again.</summary>
    public abstract void Add(WaitQueue queue);
}

/// <summary>Takes directory entries (dir_context's twin).</summary>
internal abstract class DirectoryEmitter
{
    /// <summary>Takes an entry; false if it is full and the entry must come first in the next call.</summary>
    /// <param name="nextOffset">The position behind this entry (d_off): what lseek may come back to.</param>
    /// <param name="type">File type as DT_*: <c>mode &gt;&gt; 12</c>.</param>
    public abstract bool Emit(ReadOnlySpan<byte> name, InodeNumber inode, byte type, long nextOffset);
}
