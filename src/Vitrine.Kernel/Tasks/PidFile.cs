using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tasks;

/// <summary>
/// A pidfd: a descriptor that stays with one process, or with one thread if it was opened with PIDFD_THREAD (O_EXCL),
/// whatever its number is used for later (pidfd_open(2)).
/// </summary>
internal sealed class PidFile(KernelInstance kernel, PidNumber number, OpenFlags flags)
    : AnonymousFile(kernel, "[pidfd]", OpenFlags.ReadWrite | flags)
{
    public PidNumber Number { get; } = number;

    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence) => Fail<long>(Errno.ESPIPE);

    public bool IsOfThread => (Flags & OpenFlags.Exclusive) != 0;

    /// <summary>Its number for the reader's kernel, -1 once the process has been waited for.</summary>
    public override string ShowInformation()
    {
        string number = Number.Task is null ? "-1" : Number.Global.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return $"Pid:\t{number}\nNSpid:\t{number}\n";
    }

    /// <summary>Readable once the process has exited, all threads included; one of a thread once that has.</summary>
    public override PollEvents Poll(PollTable? table)
    {
        table?.Add(Number.ExitWait);
        Task? task = Number.Task;
        if (task is null)
            return PollEvents.In | PollEvents.ReadNormal | PollEvents.HangUp;
        bool ended = task.State is TaskState.Zombie or TaskState.Dead && (IsOfThread || task.ThreadGroup.Threads.Count == 1);
        return ended ? PollEvents.In | PollEvents.ReadNormal : PollEvents.None;
    }
}

/// <summary>The directory of a process under /proc, whose descriptor pidfd_send_signal takes for a pidfd.</summary>
internal interface IProcessDirectory
{
    /// <summary>The process; null for a thread's directory.</summary>
    PidNumber? Process { get; }
}

/// <content>Pidfds at clone.</content>
internal sealed partial class Task
{
    private async KTask<Errno> InstallPidFdAsync(PidNumber number, UserPtr<int> at, bool ofThread)
    {
        var file = new PidFile(Kernel, number, ofThread ? OpenFlags.Exclusive : OpenFlags.ReadOnly);
        Errno error = file.Account(this);
        Result<Fd> installed = error == Errno.Success ? Files!.Install(this, file, closeOnExec: true) : error;
        if (!installed.TryGet(out Fd fd, out error))
        {
            file.Put();
            return error;
        }

        error = await WriteUserAsync(at, fd.Value);
        if (error != Errno.Success)
            _ = await Files!.CloseAsync(this, fd);
        return error;
    }
}
