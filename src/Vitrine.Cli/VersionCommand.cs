using System.CommandLine;
using System.Reflection;

namespace Vitrine.Cli;

/// <summary><c>vitrine version</c>.</summary>
internal static class VersionCommand
{
    public static Command Create()
    {
        var command = new Command("version", "Print the versions of Vitrine and of the kernel that programs see.");
        command.SetAction(static _ =>
        {
            string version = typeof(Machine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
            Console.Out.WriteLine($"vitrine {version.Split('+')[0]} (kernel {Machine.KernelRelease}, x86_64)");
            return 0;
        });
        return command;
    }
}
