namespace Vitrine.Kernel;

/// <content>Numbers that namespaces and unknown calls draw from the machine.</content>
internal sealed partial class KernelInstance
{
    // PROC_DYNAMIC_FIRST of Linux: inode numbers of namespaces come from proc's dynamic range.
    private ulong _nextNamespaceInode = 0xF0000000;

    /// <summary>Calls of syscalls that do not exist here, by number.</summary>
    public Dictionary<int, long> UnknownSyscalls { get; } = [];

    /// <summary>kernel.core_pattern: what core files are called (core(5)).</summary>
    public string CorePattern { get; set; } = "core";

    /// <summary>kernel.core_uses_pid: a name without %p gets the process's number appended.</summary>
    public bool CoreUsesPid { get; set; }

    /// <summary>Woken when the kernel log grows.</summary>
    public Sched.WaitQueue LogWait { get; } = new();

    /// <summary>Descriptors on their way in the queues of Unix sockets.</summary>
    public Net.Unix.FilesInFlight UnixFilesInFlight => field ??= new(this);

    public InodeNumber NextNamespaceInode() => new(_nextNamespaceInode++);

    /// <summary>Counts a syscall that is answered with ENOSYS.</summary>
    public void UnknownSyscall(int number) => UnknownSyscalls[number] = UnknownSyscalls.GetValueOrDefault(number) + 1;
}
