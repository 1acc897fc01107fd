using System.Text;
using Vitrine.Kernel.Security;

namespace Vitrine.Hosting;

/// <summary>The environment of a program, from its options and the safe defaults.</summary>
internal static class ProgramEnvironment
{
    public static byte[][] Make(ProcessOptions options, Credentials credentials)
    {
        Dictionary<string, string> variables = options.ClearEnvironment
            ? []
            : SafeEnvironment.Create(Environment.GetEnvironmentVariable, UserName(credentials), HomeDirectory(credentials));
        foreach ((string name, string? value) in options.Environment)
        {
            if (value is null)
                variables.Remove(name);
            else
                variables[name] = value;
        }

        var result = new byte[variables.Count][];
        int i = 0;
        foreach ((string name, string value) in variables)
            result[i++] = Encoding.UTF8.GetBytes(name + "=" + value);
        return result;
    }

    /// <summary>The home directory that the guest gets, fresh: the caller's path, or root's.</summary>
    public static string HomeDirectory(Credentials credentials) =>
        credentials.Uid.Value == 0 ? "/root" : Environment.GetEnvironmentVariable("HOME") is ['/', .., _] home ? home : "/";

    private static string UserName(Credentials credentials) =>
        credentials.Uid.Value == 0 ? "root" : Environment.GetEnvironmentVariable("USER") ?? credentials.Uid.Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
