using System.Collections.Generic;
using Microsoft.CodeAnalysis;

namespace Vitrine.Generators.Analyzers;

/// <summary>
/// What the machine's projects must not touch: the host's clocks, chance, threads, console and path-string files.
/// A whole type by its name, or single members of it.
/// </summary>
internal static class BannedApi
{
    private const string Time = "take the time from the machine's clock";
    private const string Chance = "take chance from the machine's entropy source";
    private const string Thread = "nothing in the kernel blocks or owns a host thread";
    private const string Files = "reach host files through held directory handles";
    private const string Console = "log through printk";
    private const string Host = "the host's environment is handed in, never read";

    private static readonly Dictionary<string, string> Types = new()
    {
        ["System.Diagnostics.Stopwatch"] = Time,
        ["System.Random"] = Chance,
        ["System.Security.Cryptography.RandomNumberGenerator"] = Chance,
        ["System.Threading.ThreadPool"] = Thread,
        ["System.Threading.Timer"] = Time,
        ["System.Timers.Timer"] = Time,
        ["System.Threading.Tasks.Parallel"] = Thread,
        ["System.Threading.Tasks.TaskFactory"] = Thread,
        ["System.Console"] = Console,
        ["System.IO.File"] = Files,
        ["System.IO.Directory"] = Files,
        ["System.IO.Path"] = Files,
        ["System.IO.FileInfo"] = Files,
        ["System.IO.DirectoryInfo"] = Files,
        ["System.IO.FileStream"] = Files,
        ["System.IO.DriveInfo"] = Files,
        ["System.Diagnostics.Process"] = Host,
    };

    private static readonly Dictionary<string, string> Members = new()
    {
        ["System.DateTime.Now"] = Time,
        ["System.DateTime.UtcNow"] = Time,
        ["System.DateTime.Today"] = Time,
        ["System.DateTimeOffset.Now"] = Time,
        ["System.DateTimeOffset.UtcNow"] = Time,
        ["System.TimeProvider.System"] = Time,
        ["System.TimeZoneInfo.Local"] = Time,
        ["System.Environment.TickCount"] = Time,
        ["System.Environment.TickCount64"] = Time,
        ["System.Environment.Exit"] = Host,
        ["System.Environment.GetEnvironmentVariable"] = Host,
        ["System.Environment.GetEnvironmentVariables"] = Host,
        ["System.Environment.CurrentDirectory"] = Host,
        ["System.Environment.UserName"] = Host,
        ["System.Environment.MachineName"] = Host,
        ["System.Guid.NewGuid"] = Chance,
        ["System.Threading.Thread.Sleep"] = Thread,
        ["System.Threading.Thread.Join"] = Thread,
        ["System.Threading.Thread.Start"] = Thread,
        ["System.Threading.Tasks.Task.Wait"] = Thread,
        ["System.Threading.Tasks.Task.WaitAll"] = Thread,
        ["System.Threading.Tasks.Task.WaitAny"] = Thread,
        ["System.Threading.Tasks.Task.Run"] = Thread,
        ["System.Threading.Tasks.Task.Delay"] = Time,
        ["System.Threading.Tasks.Task.Yield"] = Thread,
        ["System.Threading.Tasks.Task.Result"] = Thread,
    };

    /// <summary>Why the member is banned, or null.</summary>
    public static string? ReasonFor(ISymbol? member)
    {
        if (member?.ContainingType is not { } type)
            return null;
        string name = type.ContainingNamespace.ToDisplayString() + "." + type.Name;
        if (Types.TryGetValue(name, out string? reason))
            return reason;
        return Members.TryGetValue(name + "." + member.Name, out reason) ? reason : null;
    }
}
