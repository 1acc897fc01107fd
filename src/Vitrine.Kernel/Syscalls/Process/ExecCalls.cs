using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Tasks.Exec;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>execve(2) and execveat(2).</summary>
internal static class ExecCalls
{
    private const uint EmptyPath = 0x1000;
    private const uint NoFollow = 0x100;
    private const int PathMaximum = 4096;

    [Syscall(59, "execve", SyscallSupport.Real)]
    public static KTask<SyscallResult> Execve(
        Task current,
        [Strace("path")] UserString path,
        [Strace("argv")] UserPtr<ulong> arguments,
        [Strace("envp")] UserPtr<ulong> environment) => ExecAsync(current, Fd.Cwd, path, arguments, environment, 0);

    [Syscall(322, "execveat", SyscallSupport.Real)]
    public static KTask<SyscallResult> Execveat(
        Task current,
        Fd directory,
        [Strace("path")] UserString path,
        [Strace("argv")] UserPtr<ulong> arguments,
        [Strace("envp")] UserPtr<ulong> environment,
        [Strace("at")] uint flags) => ExecAsync(current, directory, path, arguments, environment, flags);

    /// <summary>Executes a program for the kernel itself: the host's processes start so.</summary>
    public static async KTask<Errno> ExecuteAsync(Task current, byte[] path, IReadOnlyList<byte[]> arguments, IReadOnlyList<byte[]> environment)
    {
        var strings = new ExecArguments(current.Cgroup, current.ThreadGroup.Limit(ResourceLimit.Stack));
        Errno error = Errno.Success;
        for (int i = 0; error == Errno.Success && i < arguments.Count; i++)
            error = strings.AddArgument(arguments[i]);
        for (int i = 0; error == Errno.Success && i < environment.Count; i++)
            error = strings.AddEnvironment(environment[i]);
        if (error == Errno.Success)
            return await current.ExecAsync(Fd.Cwd, path, 0, strings);
        strings.Release();
        return error;
    }

    private static async KTask<SyscallResult> ExecAsync(
        Task current, Fd directory, UserString path, UserPtr<ulong> arguments, UserPtr<ulong> environment, uint flags)
    {
        if ((flags & ~(EmptyPath | NoFollow)) != 0)
            return Errno.EINVAL;
        Result<byte[]> name = await current.ReadUserStringAsync(path, PathMaximum, Errno.ENAMETOOLONG);
        if (!name.TryGet(out byte[]? bytes, out Errno error))
            return error;
        if (bytes.Length == 0 && (flags & EmptyPath) == 0)
            return Errno.ENOENT;
        var strings = new ExecArguments(current.Cgroup, current.ThreadGroup.Limit(ResourceLimit.Stack));
        error = await strings.ReadAsync(current, arguments, environment: false);
        if (error == Errno.Success)
            error = await strings.ReadAsync(current, environment, environment: true);
        if (error == Errno.Success)
            return await current.ExecAsync(directory, bytes, flags, strings);
        strings.Release();
        return error;
    }
}
