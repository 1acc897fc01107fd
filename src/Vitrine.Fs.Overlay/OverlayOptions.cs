namespace Vitrine.Fs.Overlay;

/// <summary>Mount options of overlay (the kernel's Documentation/filesystems/overlayfs.rst).</summary>
internal sealed class OverlayOptions
{
    /// <summary>Paths, topmost first.</summary>
    public List<string> Lowers { get; } = [];

    public string? Upper { get; private set; }

    public string? Work { get; private set; }

    /// <summary>Marks are kept in user.overlay.* instead of trusted.overlay.*.</summary>
    public bool UserXattrs { get; private set; }

    /// <summary>Parses mount(2)'s data; a backslash escapes a comma, a colon and itself. EINVAL for unknown options.</summary>
    public static Result<OverlayOptions> Parse(string text)
    {
        var options = new OverlayOptions();
        foreach (string option in Split(text, ','))
        {
            int equals = option.IndexOf('=');
            string name = equals < 0 ? option : option[..equals];
            string value = equals < 0 ? "" : option[(equals + 1)..];
            switch (name)
            {
                case "":
                    break;
                case "lowerdir":
                    foreach (string path in Split(value, ':'))
                        options.Lowers.Add(Unescape(path));
                    break;
                case "lowerdir+":
                    options.Lowers.Add(Unescape(value));
                    break;
                case "upperdir":
                    options.Upper = Unescape(value);
                    break;
                case "workdir":
                    options.Work = Unescape(value);
                    break;
                case "userxattr":
                    options.UserXattrs = true;
                    break;

                // What this overlay always does, or never needs; the other choice is not offered.
                case "redirect_dir" when value is "on" or "follow":
                case "index" when value is "on" or "off":
                case "xino" when value is "on" or "auto":
                case "metacopy" when value is "off":
                case "nfs_export" when value is "off":
                case "uuid" when value is "on" or "auto" or "null" or "off":
                case "verity" when value is "off":
                case "volatile":
                    break;
                default:
                    return Errno.EINVAL;
            }
        }

        bool valid = options.Lowers.Count > 0 && !options.Lowers.Contains("") && (options.Upper is null) == (options.Work is null);
        return valid ? options : Errno.EINVAL;
    }

    private static List<string> Split(string text, char separator)
    {
        var parts = new List<string>();
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == separator)
            {
                parts.Add(text[start..i]);
                start = i + 1;
            }
        }

        parts.Add(text[start..]);
        return parts;
    }

    private static string Unescape(string text)
    {
        if (!text.Contains('\\'))
            return text;
        var plain = new System.Text.StringBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length)
                i++;
            plain.Append(text[i]);
        }

        return plain.ToString();
    }
}
