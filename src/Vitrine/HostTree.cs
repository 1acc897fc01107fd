namespace Vitrine;

/// <summary>
/// Which parts of the host's tree the guest sees, read-only underneath: what the guest writes is kept in memory and
/// dropped with the machine. Whatever isn't listed does not exist inside.
/// </summary>
public sealed class HostTree
{
    private HostTree(HostTreeKind kind, IReadOnlyList<string> paths)
    {
        Kind = kind;
        Paths = paths;
    }

    /// <summary>
    /// The system's programs and libraries (<c>/usr /bin /sbin /lib* /opt</c>), its configuration (<c>/etc</c>, less what
    /// others may not read), the parts of <c>/var</c> that programs need, and the working directory. Home directories,
    /// <c>/root</c>, <c>/tmp</c> and <c>/run</c> are fresh and empty.
    /// </summary>
    public static HostTree Default { get; } = new(HostTreeKind.Programs, []);

    /// <summary>Nothing: the tree is empty but for the kernel's own file systems and <see cref="MachineOptions.Volumes"/>.</summary>
    public static HostTree None { get; } = new(HostTreeKind.None, []);

    /// <summary>The absolute host paths of <see cref="Of"/>; empty for the others.</summary>
    public IReadOnlyList<string> Paths { get; }

    internal HostTreeKind Kind { get; }

    /// <summary>A tree of exactly these absolute host paths.</summary>
    /// <exception cref="ArgumentException">A path is not absolute.</exception>
    public static HostTree Of(params IReadOnlyList<string> paths)
    {
        ArgumentNullException.ThrowIfNull(paths);
        foreach (string path in paths)
        {
            if (!path.StartsWith('/'))
                throw new ArgumentException($"'{path}' is not an absolute path", nameof(paths));
        }

        return new HostTree(HostTreeKind.Paths, paths);
    }
}

/// <summary>The kinds of <see cref="HostTree"/>.</summary>
internal enum HostTreeKind
{
    None = 0,
    Programs = 1,
    Paths = 2,
}

/// <summary>A host directory or file that the guest sees at <paramref name="GuestPath"/>.</summary>
/// <param name="HostPath">The host's path; relative ones start at the working directory.</param>
/// <param name="GuestPath">An absolute path inside; missing directories on the way are made.</param>
/// <param name="ReadOnly">
/// True: writing gives EROFS. False: what the guest writes changes the host's files, with the caller's rights.
/// </param>
public sealed record Volume(string HostPath, string GuestPath, bool ReadOnly = false)
{
    /// <summary>Parses <c>HOST:GUEST[:ro|:rw]</c>.</summary>
    /// <exception cref="FormatException">The text has another form, or GUEST is not absolute.</exception>
    public static Volume Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split(':');
        if (parts.Length is not (2 or 3) || parts[0].Length == 0 || !parts[1].StartsWith('/'))
            throw new FormatException($"a volume is HOST:GUEST[:ro], with an absolute path for GUEST; got '{text}'");
        return parts switch
        {
            [_, _] or [_, _, "rw"] => new Volume(parts[0], parts[1]),
            [_, _, "ro"] => new Volume(parts[0], parts[1], ReadOnly: true),
            _ => throw new FormatException($"a volume ends in ':ro', ':rw' or nothing; got '{text}'"),
        };
    }
}
