using System.Globalization;

namespace Vitrine.Fs.Devpts;

/// <summary>Mount options (devpts in filesystems(5)): who owns new slaves, their mode, the mode of ptmx, how many there may be.</summary>
/// <param name="Uid">Owner of new slaves; null: who opens the master.</param>
/// <param name="Gid">Group of new slaves; null: the opener's.</param>
internal readonly record struct DevptsOptions(Uid? Uid, Gid? Gid, FileMode Mode, FileMode MultiplexerMode, int Maximum)
{
    /// <summary>As many as there are minor numbers.</summary>
    public const int Unlimited = 1 << 20;

    private const uint AllBits = 0xfff;

    public static DevptsOptions Default => new(null, null, (FileMode)0x180, FileMode.None, Unlimited);

    /// <summary>Parses mount(2)'s data over what was there before. EINVAL.</summary>
    public static Errno Parse(string text, DevptsOptions before, out DevptsOptions options)
    {
        options = before;
        foreach (string option in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? option : option[..equals];
            string value = equals < 0 ? "" : option[(equals + 1)..];
            switch (name)
            {
                case "uid" when TryParse(value, 10, out uint uid) && uid != uint.MaxValue:
                    options = options with { Uid = new Uid(uid) };
                    break;
                case "gid" when TryParse(value, 10, out uint gid) && gid != uint.MaxValue:
                    options = options with { Gid = new Gid(gid) };
                    break;
                case "mode" when TryParse(value, 8, out uint mode):
                    options = options with { Mode = (FileMode)(mode & AllBits) };
                    break;
                case "ptmxmode" when TryParse(value, 8, out uint mode):
                    options = options with { MultiplexerMode = (FileMode)(mode & AllBits) };
                    break;
                case "max" when TryParse(value, 10, out uint maximum) && maximum <= Unlimited:
                    options = options with { Maximum = (int)maximum };
                    break;
                case "newinstance" when equals < 0:
                    // Every mount is one since Linux 4.7.
                    break;
                default:
                    return Errno.EINVAL;
            }
        }

        return Errno.Success;
    }

    private static bool TryParse(string text, int radix, out uint value)
    {
        value = 0;
        if (radix == 10)
            return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
        if (text.Length is 0 or > 10)
            return false;
        foreach (char digit in text)
        {
            if (digit is < '0' or > '7')
                return false;
            value = (value << 3) | (uint)(digit - '0');
        }

        return true;
    }
}
