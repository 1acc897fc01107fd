namespace Vitrine.Kernel.Mm;

/// <summary>
/// How an open file is being read (file_ra_state's twin): the window read ahead last, and how large it was. One per
/// open file description, made at the first read.
/// </summary>
internal sealed class ReadaheadState
{
    /// <summary>Pages of the largest window: 128 KiB (read_ahead_kb's default).</summary>
    public const int DefaultMaximum = 32;

    /// <summary>First page of the current window.</summary>
    public ulong Start { get; set; }

    /// <summary>Pages in the window; 0: none yet.</summary>
    public int Size { get; set; }

    /// <summary>Pages of the window behind the one whose reading starts the next window.</summary>
    public int AsyncSize { get; set; }

    /// <summary>posix_fadvise: 0 switches reading ahead off, SEQUENTIAL doubles it.</summary>
    public int Maximum { get; set; } = DefaultMaximum;

    /// <summary>Where the last read ended, in pages; −1 before the first.</summary>
    public long Previous { get; set; } = -1;
}
