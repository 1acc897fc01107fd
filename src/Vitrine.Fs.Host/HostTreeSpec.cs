using System.Text;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <summary>How much of a directory of the host a rule shows.</summary>
internal enum HostExposure
{
    /// <summary>The directory and everything below it.</summary>
    Whole = 0,

    /// <summary>The directory itself, and of its entries only those that have rules of their own.</summary>
    Listed = 1,

    /// <summary>An empty directory stands in its place: where something is mounted, or what starts fresh.</summary>
    Empty = 2,
}

/// <summary>What is kept from the guest below a rule.</summary>
[Flags]
internal enum HostFilter
{
    None = 0,

    /// <summary>
    /// What others may not read does not exist: password hashes, private keys, credentials of services. A machine that
    /// root starts so sees no more of the configuration than one that an ordinary user starts.
    /// </summary>
    Unreadable = 1,

    /// <summary>Directories that hold a user's keys (.ssh, .gnupg, .aws, …) do not exist.</summary>
    UserSecrets = 2,
}

/// <summary>A rule about one directory or file of the host's tree; rules form a tree of the same shape.</summary>
internal sealed class HostTreeRule
{
    private readonly Dictionary<FileName, HostTreeRule> _children = [];

    public HostExposure Exposure { get; set; }

    public HostFilter Filter { get; set; }

    /// <summary>Permission bits of an <see cref="HostExposure.Empty"/> directory that the host does not have.</summary>
    public FileMode EmptyMode { get; set; } = (FileMode)0x1ED;

    /// <summary>In the order of their names, so that listings do not depend on hashing.</summary>
    public IEnumerable<KeyValuePair<FileName, HostTreeRule>> Children
    {
        get
        {
            var all = new List<KeyValuePair<FileName, HostTreeRule>>(_children);
            all.Sort(static (a, b) => a.Key.Bytes.SequenceCompareTo(b.Key.Bytes));
            return all;
        }
    }

    public HostTreeRule? Child(FileName name) => _children.GetValueOrDefault(name);

    /// <summary>The rule of an entry, made if there is none, with intermediate directories only listed.</summary>
    public HostTreeRule At(string path)
    {
        HostTreeRule rule = this;
        foreach (string component in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            FileName name = FileName.FromString(component);
            if (!rule._children.TryGetValue(name, out HostTreeRule? next))
            {
                next = new HostTreeRule { Exposure = HostExposure.Listed, Filter = rule.Filter };
                rule._children.Add(name, next);
            }

            rule = next;
        }

        return rule;
    }
}

/// <summary>
/// What of the host a super block shows: where its root is and the rules below it. Read-only unless
/// <see cref="IsWritable"/>; a writable one passes changes through to the host.
/// </summary>
internal sealed class HostTreeSpec
{
    /// <summary>Programs, libraries and configuration: what software needs to run. /etc is filtered.</summary>
    private static readonly string[] WholeDirectories = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt"];

    /// <summary>Of /var only what programs read that is neither private nor large.</summary>
    private static readonly string[] VariableDirectories =
    [
        "var/lib/dpkg", "var/lib/apt", "var/lib/pam", "var/lib/python", "var/lib/misc", "var/lib/locales", "var/lib/texmf",
        "var/lib/tex-common", "var/lib/emacsen-common", "var/lib/xml-core", "var/lib/sgml-base", "var/lib/gems", "var/lib/ucf",
        "var/cache/fontconfig", "var/cache/man", "var/cache/ldconfig", "var/lock", "var/run",
    ];

    /// <summary>Start empty, or have another file system mounted on them.</summary>
    private static readonly (string Path, uint Mode)[] EmptyDirectories =
    [
        ("proc", 0x16D), ("sys", 0x16D), ("dev", 0x1ED), ("run", 0x1ED), ("tmp", 0x3FF), ("root", 0x1C0), ("home", 0x1ED),
        ("mnt", 0x1ED), ("media", 0x1ED), ("srv", 0x1ED), ("boot", 0x1ED),
        ("var/tmp", 0x3FF), ("var/log", 0x1ED), ("var/mail", 0x5FD), ("var/spool", 0x1ED), ("var/backups", 0x1ED), ("var/local", 0x5FD), ("var/opt", 0x1ED),
    ];

    /// <summary>Absolute path of the directory on the host that is the root.</summary>
    public required string HostPath { get; init; }

    public HostTreeRule Root { get; init; } = new();

    public bool IsWritable { get; init; }

    /// <summary>
    /// Contents and attributes are pinned at first sight, listings sorted, inode numbers made up in order of discovery.
    /// </summary>
    public bool IsDeterministic { get; init; }

    /// <summary>The host's own tree for running its programs: see docs/host-tree.md for the list.</summary>
    /// <param name="workingDirectory">
    /// Shown at its own path if it is not within the tree anyway. A home directory itself, a directory above one, or the
    /// root is not shared this way.
    /// </param>
    /// <param name="homeDirectories">Homes known to the caller besides /root and what is directly below /home.</param>
    public static HostTreeSpec ForPrograms(string? workingDirectory = null, IReadOnlyList<string>? homeDirectories = null, bool deterministic = false)
    {
        var root = new HostTreeRule { Exposure = HostExposure.Listed };
        foreach (string path in WholeDirectories)
            root.At(path).Exposure = HostExposure.Whole;
        HostTreeRule etc = root.At("etc");
        etc.Exposure = HostExposure.Whole;
        etc.Filter = HostFilter.Unreadable | HostFilter.UserSecrets;
        root.At("var").Filter = HostFilter.Unreadable;
        foreach (string path in VariableDirectories)
        {
            HostTreeRule rule = root.At(path);
            rule.Exposure = HostExposure.Whole;
            rule.Filter = HostFilter.Unreadable;
        }

        foreach ((string path, uint mode) in EmptyDirectories)
        {
            HostTreeRule rule = root.At(path);
            rule.Exposure = HostExposure.Empty;
            rule.EmptyMode = (FileMode)mode;
        }

        if (workingDirectory is not null && MayShare(workingDirectory, homeDirectories ?? []))
            Share(root, workingDirectory);
        return new HostTreeSpec { HostPath = "/", Root = root, IsDeterministic = deterministic };
    }

    /// <summary>A directory shared as a volume.</summary>
    public static HostTreeSpec ForVolume(string hostPath, bool writable, bool deterministic = false) =>
        new() { HostPath = hostPath, IsWritable = writable, IsDeterministic = deterministic };

    /// <summary>Whether the working directory may be shown without having been named by an option.</summary>
    public static bool MayShare(string directory, IReadOnlyList<string> homeDirectories)
    {
        string[] parts = directory.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0)
            return false;
        string normal = "/" + string.Join('/', parts);
        if (normal is "/root" or "/home" || (parts.Length == 2 && parts[0] == "home"))
            return false;
        foreach (string home in homeDirectories)
        {
            string trimmed = home.TrimEnd('/');
            if (trimmed == normal || trimmed.StartsWith(normal + "/", StringComparison.Ordinal))
                return false;
        }

        // The kernel's own file systems are never shared, whatever they are called by.
        return parts[0] is not ("proc" or "sys" or "dev");
    }

    private static void Share(HostTreeRule root, string directory)
    {
        HostTreeRule rule = root;
        foreach (string component in directory.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (rule.Exposure == HostExposure.Whole)
                return;

            // A directory that was to be empty now has one entry that is the host's.
            rule.Exposure = HostExposure.Listed;
            rule = rule.At(component);
        }

        if (rule.Exposure != HostExposure.Whole)
        {
            rule.Exposure = HostExposure.Whole;
            rule.Filter = HostFilter.UserSecrets;
        }
    }

    /// <summary>Names below which users keep their keys.</summary>
    public static bool IsUserSecret(ReadOnlySpan<byte> name)
    {
        if (name.Length < 4 || name[0] != '.')
            return false;
        return name.SequenceEqual(".ssh"u8) || name.SequenceEqual(".gnupg"u8) || name.SequenceEqual(".aws"u8)
            || name.SequenceEqual(".azure"u8) || name.SequenceEqual(".kube"u8) || name.SequenceEqual(".docker"u8)
            || name.SequenceEqual(".netrc"u8) || name.SequenceEqual(".git-credentials"u8) || name.SequenceEqual(".password-store"u8);
    }

    public override string ToString() => new StringBuilder(HostPath).Append(IsWritable ? " (rw)" : " (ro)").ToString();
}
