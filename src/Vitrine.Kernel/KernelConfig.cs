using System.Text;

namespace Vitrine.Kernel;

/// <summary>
/// What /proc/config.gz says: the options of Linux's configuration whose mechanism this kernel has, and those that programs
/// ask about and it has not. An option is listed as present only when its system calls or files work.
/// </summary>
internal static class KernelConfig
{
    private static readonly string[] Present =
    [
        "64BIT", "X86_64", "X86", "MMU", "SMP", "MULTIUSER", "PRINTK", "HIGH_RES_TIMERS", "POSIX_TIMERS", "HZ_250",
        "BINFMT_ELF", "BINFMT_SCRIPT", "PROC_FS", "PROC_SYSCTL", "SYSCTL", "SYSFS", "DEVTMPFS", "TMPFS", "TMPFS_XATTR", "OVERLAY_FS",
        "IKCONFIG", "IKCONFIG_PROC", "FILE_LOCKING", "SHMEM", "MEMFD_CREATE", "ADVISE_SYSCALLS", "MEMBARRIER", "RSEQ", "KCMP",
        "FUTEX", "FUTEX_PI", "EPOLL", "SIGNALFD", "TIMERFD", "EVENTFD", "AIO", "SYSVIPC", "SYSVIPC_SYSCTL", "PROC_CHILDREN",
        "NAMESPACES", "UTS_NS", "IPC_NS", "NET_NS", "NET", "UNIX", "BLOCK", "BLK_DEV", "BLK_DEV_LOOP", "TTY", "UNIX98_PTYS", "INOTIFY_USER", "DNOTIFY", "CROSS_MEMORY_ATTACH",
        "POSIX_MQUEUE", "POSIX_MQUEUE_SYSCTL", "FANOTIFY", "FANOTIFY_ACCESS_PERMISSIONS", "CONNECTOR", "PROC_EVENTS", "TASKSTATS",
    ];

    private static readonly string[] Absent =
    [
        "MODULES", "SWAP", "KEXEC", "BPF_SYSCALL", "PERF_EVENTS", "IO_URING", "USERFAULTFD", "KEYS", "SECCOMP", "SECCOMP_FILTER",
        "SECURITY", "SECURITY_LANDLOCK", "AUDIT", "QUOTA", "HUGETLBFS", "HUGETLB_PAGE", "TRANSPARENT_HUGEPAGE", "NUMA", "KSM",
        "PID_NS", "USER_NS", "TIME_NS", "CHECKPOINT_RESTORE", "BSD_PROCESS_ACCT", "FHANDLE",
        "INET", "IPV6", "PACKET", "TUN", "EXT4_FS", "BTRFS_FS", "XFS_FS", "VFAT_FS", "FUSE_FS", "NFS_FS",
        "FAULT_INJECTION", "KASAN", "LOCKDEP", "PREEMPT_RT",
    ];

    public static string Text()
    {
        var text = new StringBuilder();
        text.Append("#\n# Automatically generated file; DO NOT EDIT.\n# Linux/x86_64 ").Append(KernelVersion.Release).Append(" Kernel Configuration\n#\n");
        foreach (string option in Present)
            text.Append("CONFIG_").Append(option).Append("=y\n");
        text.Append("CONFIG_HZ=250\n");
        foreach (string option in Absent)
            text.Append("# CONFIG_").Append(option).Append(" is not set\n");
        return text.ToString();
    }
}
