using System.Globalization;
using System.Text;

namespace Vitrine.Kernel.Tasks.CoreDumps;

/// <summary>The name of a core file from /proc/sys/kernel/core_pattern (core(5)).</summary>
internal static class CoreName
{
    public static string Format(Task task, string pattern, SignalNumber signal)
    {
        var name = new StringBuilder();
        bool hasPid = false;
        for (int i = 0; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c != '%')
            {
                name.Append(c);
                continue;
            }

            // A single % at the end is dropped, as is an unknown letter with its %.
            if (++i == pattern.Length)
                break;
            hasPid |= pattern[i] == 'p';
            name.Append(Value(task, pattern[i], signal));
        }

        if (!hasPid && task.Kernel.CoreUsesPid)
            name.Append('.').Append(task.Tgid);
        return name.ToString();
    }

    private static string Value(Task task, char letter, SignalNumber signal) => letter switch
    {
        '%' => "%",
        'p' => Number(task.ThreadGroup.Leader.Pid.In(task.Namespaces.Pid)),
        'P' => Number(task.Tgid),
        'i' => Number(task.Pid.In(task.Namespaces.Pid)),
        'I' => Number(task.Tid),
        'u' => Number(task.Credentials.Uid.Value),
        'g' => Number(task.Credentials.Gid.Value),
        'd' => Number(task.Mm?.Dumpable ?? 0),
        's' => Number((int)signal),
        't' => Number(task.Kernel.Time.Realtime / Time.Ktime.NanosecondsPerSecond),
        'h' => Plain(task.Namespaces.Uts.NodeName),
        'e' => Plain(task.Comm),
        'f' => Plain(Executable(task) is var path ? path[(path.LastIndexOf('/') + 1)..] : ""),
        'E' => Executable(task).Replace('/', '!'),
        'c' => Number(task.ThreadGroup.Limit(ResourceLimit.Core).Soft),
        _ => "",
    };

    private static string Executable(Task task) =>
        task.Mm?.ExeFile is { } file ? Encoding.UTF8.GetString(Vfs.PathText.Of(file.Path, task.Fs!.Root)) : task.Comm;

    /// <summary>What comes from the guest must not lead to another directory.</summary>
    private static string Plain(string text) => text is "." or ".." ? text.Replace('.', '!') : text.Replace('/', '!');

    private static string Number<T>(T value)
        where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
