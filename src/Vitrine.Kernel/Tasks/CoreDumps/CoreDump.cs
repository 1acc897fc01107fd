using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Printk;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Tasks.CoreDumps;

/// <summary>
/// A process's last picture (core(5), fs/coredump.c's part): the thread that got the fatal signal stops all others on their
/// way to exit, writes the file, and lets them end. Lives as long as that takes.
/// </summary>
internal sealed class CoreDump(Task dumper)
{
    private readonly WaitQueue _arrived = new();
    private readonly WaitQueue _done = new();
    private int _awaited;
    private bool _isDone;

    /// <summary>The thread that writes.</summary>
    public Task Dumper { get; } = dumper;

    /// <summary>
    /// Ends the process for a signal, with a core file if its action asks for one. The wait status has 0x80 set when a file
    /// was written.
    /// </summary>
    public static async KTask ExitAsync(Task current, SignalInfo info)
    {
        int status = (int)info.Signal;
        ThreadGroup group = current.ThreadGroup;
        if (SignalSet.CoreDumping.Has(info.Signal) && !group.IsExiting && group.ExecTask is null && MayDump(current))
        {
            var dump = new CoreDump(current);
            await dump.StopOthersAsync(group, status);
            if (await WriteAsync(current, info))
                group.GroupExitCode = status | 0x80;
            dump.Finish(group);
        }

        await current.ExitGroupAsync(status);
    }

    /// <summary>Another thread on its way out: waits with its registers in place until the file is written.</summary>
    public async KTask JoinAsync(Task current)
    {
        _awaited--;
        _arrived.WakeAll();
        while (!_isDone)
            _ = await _done.WaitAsync(current, WaitMode.Uninterruptible);
    }

    private static bool MayDump(Task current) =>
        current.Mm is { Dumpable: 1 }
        && current.ThreadGroup.Limit(ResourceLimit.Core).Soft >= Page.Size
        && current.Kernel.CorePattern.Length > 0;

    private async KTask StopOthersAsync(ThreadGroup group, int status)
    {
        group.IsExiting = true;
        group.GroupExitCode = status;
        group.CoreDump = this;
        foreach (Task thread in group.Threads)
        {
            if (thread != Dumper && !thread.IsExiting)
                _awaited++;
        }

        SignalSender.KillThreads(group, except: Dumper);
        while (_awaited > 0)
            _ = await _arrived.WaitAsync(Dumper, WaitMode.Uninterruptible);
    }

    private void Finish(ThreadGroup group)
    {
        group.CoreDump = null;
        _isDone = true;
        _done.WakeAll();
    }

    private static async KTask<bool> WriteAsync(Task current, SignalInfo info)
    {
        string path = CoreName.Format(current, current.Kernel.CorePattern, info.Signal);
        const OpenFlags Flags = OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.NoFollow | OpenFlags.LargeFile;
        Result<OpenFile> opened = await current.Kernel.Vfs.OpenAsync(current, path, Flags, (Abi.FileMode)0x180);
        if (!opened.TryGet(out OpenFile? file, out Errno error))
        {
            current.Kernel.Log.Write(PrintkLevel.Info, $"coredump: {current.Tgid}({current.Comm}): can't write {path}: {error}");
            return false;
        }

        // Whoever else has the file, by another name or as its owner, must not read what was in this memory.
        bool written = false;
        Inode inode = file.Inode;
        if (inode.IsRegular && inode.LinkCount == 1 && inode.Uid == current.Credentials.Fsuid
            && await current.Kernel.Vfs.TruncateAsync(current, file.Path.Dentry, 0) == Errno.Success)
        {
            ulong limit = current.ThreadGroup.Limit(ResourceLimit.Core).Soft;
            await new CoreFile(current, file, (long)Math.Min(limit, long.MaxValue)).WriteAsync(info);
            written = true;
        }

        file.Put();
        return written;
    }
}
