using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>A file of a process directory: its name, type and mode, and how it is made. Some exist only for processes, some for threads too.</summary>
internal readonly record struct ProcessEntry(string Name, FileMode Mode, bool InThreads, Func<ProcessContext, GeneratedInode> Make);

/// <summary>Which task a file is about.</summary>
internal readonly record struct ProcessContext(ProcSuperBlock SuperBlock, Task Task, bool IsThread)
{
    /// <summary>False once the task has been released.</summary>
    public bool IsAlive => Task.Pid.Task == Task;
}

/// <summary>/proc/PID and /proc/PID/task/TID.</summary>
internal sealed class ProcessDirectory : GeneratedDirectory, IProcessDirectory
{
    private readonly ProcessContext _context;

    public ProcessDirectory(ProcSuperBlock superBlock, Task task, bool isThread)
        : base(superBlock, Public)
    {
        _context = new ProcessContext(superBlock, task, isThread);
        Uid = OwnerOf(task).Uid;
        Gid = OwnerOf(task).Gid;
        LinkCount = isThread ? 7u : 9u;
    }

    public override bool IsStillValid => _context.IsAlive;

    public PidNumber? Process => _context.IsThread ? null : _context.Task.Pid;

    /// <summary>The inode number that listings show for a process.</summary>
    public static InodeNumber InodeOf(Task task) => new(0x2_0000_0000 + ((ulong)(uint)task.Tid << 8));

    /// <summary>Effective ids of the process, or root if it is not dumpable (proc(5)).</summary>
    public static (Uid Uid, Gid Gid) OwnerOf(Task task) =>
        task.Mm is { Dumpable: not 1 } ? (Uid.Root, Gid.Root) : (task.Credentials.Euid, task.Credentials.Egid);

    protected override GeneratedInode? Find(Task current, FileName name)
    {
        if (!_context.IsAlive)
            return null;
        string wanted = name.ToString();
        foreach (ProcessEntry entry in ProcessEntries.All)
        {
            if (entry.Name == wanted && (entry.InThreads || !_context.IsThread))
            {
                GeneratedInode inode = entry.Make(_context);
                inode.Uid = Uid;
                inode.Gid = Gid;
                return inode;
            }
        }

        return null;
    }

    public override void List(Task current, GeneratedListing listing)
    {
        if (!_context.IsAlive)
            return;
        int position = 2;
        ulong inode = InodeOf(_context.Task).Value;
        foreach (ProcessEntry entry in ProcessEntries.All)
        {
            if (entry.InThreads || !_context.IsThread)
                listing.Add(position, entry.Name, new InodeNumber(inode + (ulong)position), entry.Mode);
            position++;
        }
    }

    public override KTask<Errno> PermissionAsync(Task current, AccessMask mask)
    {
        if (_context.SuperBlock.Options.HidePid == 1 && !ProcessAccess.MaySee(current, _context.Task, _context.SuperBlock))
            return Fail(Errno.EPERM);
        return base.PermissionAsync(current, mask);
    }
}

/// <summary>/proc/PID/task.</summary>
internal sealed class ThreadsDirectory(ProcessContext context) : GeneratedDirectory(context.SuperBlock, Public)
{
    public override bool IsStillValid => context.IsAlive;

    protected override GeneratedInode? Find(Task current, FileName name)
    {
        if (ProcRoot.ParseNumber(name) is not { } number || context.SuperBlock.Pids.Find(number)?.Task is not { } task)
            return null;
        return task.ThreadGroup == context.Task.ThreadGroup ? new ProcessDirectory(context.SuperBlock, task, isThread: true) : null;
    }

    public override void List(Task current, GeneratedListing listing)
    {
        foreach (Task thread in context.Task.ThreadGroup.Threads)
        {
            int number = thread.Pid.In(context.SuperBlock.Pids);
            listing.Add(2 + (long)number, number.ToString(global::System.Globalization.CultureInfo.InvariantCulture), ProcessDirectory.InodeOf(thread), FileMode.Directory);
        }
    }
}
