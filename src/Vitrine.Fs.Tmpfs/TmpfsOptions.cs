using System.Globalization;

namespace Vitrine.Fs.Tmpfs;

/// <summary>Mount options of tmpfs (tmpfs(5)): each null where the mount call did not name it.</summary>
internal sealed class TmpfsOptions
{
    /// <summary>Pages; 0: no limit.</summary>
    public ulong? MaxPages { get; private set; }

    /// <summary>Inodes; 0: no limit.</summary>
    public ulong? MaxInodes { get; private set; }

    public FileMode? Mode { get; private set; }

    public Uid? Uid { get; private set; }

    public Gid? Gid { get; private set; }

    /// <summary>Parses mount(2)'s data. EINVAL for what tmpfs does not know.</summary>
    /// <param name="ramPages">What a percentage is of.</param>
    public static Result<TmpfsOptions> Parse(string text, ulong ramPages)
    {
        var options = new TmpfsOptions();
        foreach (string option in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = option.IndexOf('=');
            string name = equals < 0 ? option : option[..equals];
            string? value = equals < 0 ? null : option[(equals + 1)..];
            if (!options.TryApply(name, value, ramPages))
                return Errno.EINVAL;
        }

        return options;
    }

    private bool TryApply(string name, string? value, ulong ramPages)
    {
        switch (name)
        {
            case "size" when value is not null && value.EndsWith('%'):
                if (!ulong.TryParse(value.AsSpan(0, value.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out ulong percent) || percent > ulong.MaxValue / 100 / Math.Max(ramPages, 1))
                    return false;
                MaxPages = ramPages * percent / 100;
                return true;
            case "size" when TryParseSize(value, out ulong bytes):
                MaxPages = Page.AlignUp(bytes) >> Page.Shift;
                return true;
            case "nr_blocks" when TryParseSize(value, out ulong pages) && pages <= long.MaxValue:
                MaxPages = pages;
                return true;
            case "nr_inodes" when TryParseSize(value, out ulong inodes):
                MaxInodes = inodes;
                return true;
            case "mode" when TryParseOctal(value, out uint mode):
                Mode = (FileMode)mode & FileMode.PermissionMask;
                return true;
            case "uid" when uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid) && uid != uint.MaxValue:
                Uid = new Uid(uid);
                return true;
            case "gid" when uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out uint gid) && gid != uint.MaxValue:
                Gid = new Gid(gid);
                return true;
            case "inode64" or "inode32" or "noswap":
                return value is null;
            case "huge":
                return value is "never";
            case "mpol":
                return value is "default" or "local";
            default:
                return false;
        }
    }

    /// <summary>memparse: a number with an optional suffix k, m, g, t, p, e; 0x and leading 0 as in C.</summary>
    private static bool TryParseSize(string? text, out ulong size)
    {
        size = 0;
        if (string.IsNullOrEmpty(text))
            return false;
        int shift = (text[^1] | 0x20) switch { 'k' => 10, 'm' => 20, 'g' => 30, 't' => 40, 'p' => 50, 'e' when !text.StartsWith("0x", StringComparison.Ordinal) => 60, _ => 0 };
        ReadOnlySpan<char> digits = shift == 0 ? text : text.AsSpan(0, text.Length - 1);
        bool valid = digits.StartsWith("0x")
            ? ulong.TryParse(digits[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out size)
            : ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out size);
        if (!valid || size > ulong.MaxValue >> shift)
            return false;
        size <<= shift;
        return true;
    }

    private static bool TryParseOctal(string? text, out uint value)
    {
        value = 0;
        if (string.IsNullOrEmpty(text) || text.Length > 11)
            return false;
        foreach (char c in text)
        {
            if (c is < '0' or > '7')
                return false;
            value = (value << 3) | (uint)(c - '0');
        }

        return true;
    }
}
