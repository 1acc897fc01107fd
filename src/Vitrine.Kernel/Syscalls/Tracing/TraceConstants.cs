using System.Globalization;
using System.Text;

namespace Vitrine.Kernel.Syscalls.Tracing;

/// <summary>
/// A set of named constants as strace prints it. <see cref="FieldMask"/> covers the bits that hold one enumerated
/// value (all bits for a plain enumeration); the remaining members are flags.
/// </summary>
internal sealed class TraceConstantSet(ulong fieldMask, KeyValuePair<string, ulong>[] members)
{
    public ulong FieldMask { get; } = fieldMask;

    /// <summary>Appends the names of <paramref name="value"/>: <c>A|B|0x40</c>, <c>0</c>, or <c>0x7 /* ??? */</c>.</summary>
    public void Append(StringBuilder text, ulong value)
    {
        int start = text.Length;
        ulong rest = value;
        if (FieldMask != 0 && FieldName(value & FieldMask) is { } name)
        {
            text.Append(name);
            rest &= ~FieldMask;
        }

        if (FieldMask == ulong.MaxValue)
        {
            if (text.Length == start)
                text.Append(CultureInfo.InvariantCulture, $"{Hex(value)} /* ??? */");
            return;
        }

        foreach (KeyValuePair<string, ulong> member in members)
        {
            if ((member.Value & ~FieldMask) != 0 && (rest & member.Value) == member.Value)
            {
                Separate(text, start).Append(member.Key);
                rest &= ~member.Value;
            }
        }

        if (rest != 0)
            Separate(text, start).Append(Hex(rest));
        else if (text.Length == start)
            text.Append('0');
    }

    /// <summary>The member with exactly this value, or null.</summary>
    public string? NameOf(ulong value)
    {
        foreach (KeyValuePair<string, ulong> member in members)
        {
            if (member.Value == value)
                return member.Key;
        }

        return null;
    }

    private static string Hex(ulong value) => value == 0 ? "0" : "0x" + value.ToString("x", CultureInfo.InvariantCulture);

    private string? FieldName(ulong field)
    {
        foreach (KeyValuePair<string, ulong> member in members)
        {
            if ((member.Value & ~FieldMask) == 0 && member.Value == field)
                return member.Key;
        }

        return null;
    }

    private static StringBuilder Separate(StringBuilder text, int start) => text.Length == start ? text : text.Append('|');
}

/// <summary>
/// The constants of Linux's x86-64 user interface by the names that [Strace] formats use. Kept as text and parsed
/// when the first line is traced: a machine that is not traced pays nothing for them.
/// </summary>
internal static class TraceConstants
{
    /// <summary>A set a line (continued by '+'): name, mask of the enumerated field in hex ('*' for all), members in hex.</summary>
    private const string Text = """
        open 3 O_RDONLY=0 O_WRONLY=1 O_RDWR=2 O_SYNC=101000 O_TMPFILE=410000 O_CREAT=40 O_EXCL=80 O_NOCTTY=100 O_TRUNC=200
        + O_APPEND=400 O_NONBLOCK=800 O_DSYNC=1000 O_ASYNC=2000 O_DIRECT=4000 O_DIRECTORY=10000 O_NOFOLLOW=20000 O_NOATIME=40000
        + O_CLOEXEC=80000 O_PATH=200000 O_LARGEFILE=8000
        at 0 AT_SYMLINK_NOFOLLOW=100 AT_REMOVEDIR=200 AT_SYMLINK_FOLLOW=400 AT_NO_AUTOMOUNT=800 AT_EMPTY_PATH=1000
        + AT_STATX_FORCE_SYNC=2000 AT_STATX_DONT_SYNC=4000 AT_RECURSIVE=8000
        unlinkat 0 AT_REMOVEDIR=200
        pipe-flags 0 O_CLOEXEC=80000 O_NONBLOCK=800 O_DIRECT=4000
        faccessat 0 AT_SYMLINK_NOFOLLOW=100 AT_EACCESS=200 AT_EMPTY_PATH=1000
        access 0 R_OK=4 W_OK=2 X_OK=1
        prot 0 PROT_READ=1 PROT_WRITE=2 PROT_EXEC=4 PROT_GROWSDOWN=1000000 PROT_GROWSUP=2000000
        mmap f MAP_SHARED=1 MAP_PRIVATE=2 MAP_SHARED_VALIDATE=3 MAP_FIXED_NOREPLACE=100000 MAP_FIXED=10 MAP_ANONYMOUS=20
        + MAP_32BIT=40 MAP_NORESERVE=4000 MAP_POPULATE=8000 MAP_NONBLOCK=10000 MAP_GROWSDOWN=100 MAP_DENYWRITE=800 MAP_EXECUTABLE=1000
        + MAP_LOCKED=2000 MAP_STACK=20000 MAP_HUGETLB=40000 MAP_SYNC=80000
        mremap 0 MREMAP_MAYMOVE=1 MREMAP_FIXED=2 MREMAP_DONTUNMAP=4
        msync 0 MS_ASYNC=1 MS_INVALIDATE=2 MS_SYNC=4
        madvise * MADV_NORMAL=0 MADV_RANDOM=1 MADV_SEQUENTIAL=2 MADV_WILLNEED=3 MADV_DONTNEED=4 MADV_FREE=8 MADV_REMOVE=9
        + MADV_DONTFORK=a MADV_DOFORK=b MADV_HWPOISON=64 MADV_MERGEABLE=c MADV_UNMERGEABLE=d MADV_HUGEPAGE=e MADV_NOHUGEPAGE=f
        + MADV_DONTDUMP=10 MADV_DODUMP=11 MADV_WIPEONFORK=12 MADV_KEEPONFORK=13 MADV_COLD=14 MADV_PAGEOUT=15 MADV_POPULATE_READ=16
        + MADV_POPULATE_WRITE=17 MADV_DONTNEED_LOCKED=18
        clone ff CLONE_VM=100 CLONE_FS=200 CLONE_FILES=400 CLONE_SIGHAND=800 CLONE_PIDFD=1000 CLONE_PTRACE=2000 CLONE_VFORK=4000
        + CLONE_PARENT=8000 CLONE_THREAD=10000 CLONE_NEWNS=20000 CLONE_SYSVSEM=40000 CLONE_SETTLS=80000 CLONE_PARENT_SETTID=100000
        + CLONE_CHILD_CLEARTID=200000 CLONE_DETACHED=400000 CLONE_UNTRACED=800000 CLONE_CHILD_SETTID=1000000 CLONE_NEWCGROUP=2000000
        + CLONE_NEWUTS=4000000 CLONE_NEWIPC=8000000 CLONE_NEWUSER=10000000 CLONE_NEWPID=20000000 CLONE_NEWNET=40000000
        + CLONE_IO=80000000
        signal * SIGHUP=1 SIGINT=2 SIGQUIT=3 SIGILL=4 SIGTRAP=5 SIGABRT=6 SIGBUS=7 SIGFPE=8 SIGKILL=9 SIGUSR1=a SIGSEGV=b SIGUSR2=c
        + SIGPIPE=d SIGALRM=e SIGTERM=f SIGSTKFLT=10 SIGCHLD=11 SIGCONT=12 SIGSTOP=13 SIGTSTP=14 SIGTTIN=15 SIGTTOU=16 SIGURG=17
        + SIGXCPU=18 SIGXFSZ=19 SIGVTALRM=1a SIGPROF=1b SIGWINCH=1c SIGIO=1d SIGPWR=1e SIGSYS=1f
        sa-flags 0 SA_RESTORER=4000000 SA_ONSTACK=8000000 SA_RESTART=10000000 SA_INTERRUPT=20000000 SA_NODEFER=40000000
        + SA_RESETHAND=80000000 SA_SIGINFO=4 SA_NOCLDSTOP=1 SA_NOCLDWAIT=2
        sigmask-how * SIG_BLOCK=0 SIG_UNBLOCK=1 SIG_SETMASK=2
        whence * SEEK_SET=0 SEEK_CUR=1 SEEK_END=2 SEEK_DATA=3 SEEK_HOLE=4
        fcntl * F_DUPFD=0 F_GETFD=1 F_SETFD=2 F_GETFL=3 F_SETFL=4 F_GETLK=5 F_SETLK=6 F_SETLKW=7 F_SETOWN=8 F_GETOWN=9 F_SETSIG=a
        + F_GETSIG=b F_SETOWN_EX=f F_GETOWN_EX=10 F_OFD_GETLK=24 F_OFD_SETLK=25 F_OFD_SETLKW=26 F_SETLEASE=400 F_GETLEASE=401
        + F_NOTIFY=402 F_DUPFD_CLOEXEC=406 F_SETPIPE_SZ=407 F_GETPIPE_SZ=408 F_ADD_SEALS=409 F_GET_SEALS=40a
        fd-flags 0 FD_CLOEXEC=1
        wait 0 WNOHANG=1 WUNTRACED=2 WEXITED=4 WCONTINUED=8 WNOWAIT=1000000 __WNOTHREAD=20000000 __WALL=40000000 __WCLONE=80000000
        waitid-type * P_ALL=0 P_PID=1 P_PGID=2 P_PIDFD=3
        clock * CLOCK_REALTIME=0 CLOCK_MONOTONIC=1 CLOCK_PROCESS_CPUTIME_ID=2 CLOCK_THREAD_CPUTIME_ID=3 CLOCK_MONOTONIC_RAW=4
        + CLOCK_REALTIME_COARSE=5 CLOCK_MONOTONIC_COARSE=6 CLOCK_BOOTTIME=7 CLOCK_REALTIME_ALARM=8 CLOCK_BOOTTIME_ALARM=9 CLOCK_TAI=b
        timer-flags 0 TIMER_ABSTIME=1
        rlimit * RLIMIT_CPU=0 RLIMIT_FSIZE=1 RLIMIT_DATA=2 RLIMIT_STACK=3 RLIMIT_CORE=4 RLIMIT_RSS=5 RLIMIT_NPROC=6 RLIMIT_NOFILE=7
        + RLIMIT_MEMLOCK=8 RLIMIT_AS=9 RLIMIT_LOCKS=a RLIMIT_SIGPENDING=b RLIMIT_MSGQUEUE=c RLIMIT_NICE=d RLIMIT_RTPRIO=e
        + RLIMIT_RTTIME=f
        poll-events 0 POLLIN=1 POLLPRI=2 POLLOUT=4 POLLERR=8 POLLHUP=10 POLLNVAL=20 POLLRDNORM=40 POLLRDBAND=80 POLLWRNORM=100
        + POLLWRBAND=200 POLLMSG=400 POLLRDHUP=2000
        epoll-events 0 EPOLLIN=1 EPOLLPRI=2 EPOLLOUT=4 EPOLLERR=8 EPOLLHUP=10 EPOLLRDNORM=40 EPOLLRDBAND=80 EPOLLWRNORM=100
        + EPOLLWRBAND=200 EPOLLMSG=400 EPOLLRDHUP=2000 EPOLLEXCLUSIVE=10000000 EPOLLWAKEUP=20000000 EPOLLONESHOT=40000000
        + EPOLLET=80000000
        epoll-op * EPOLL_CTL_ADD=1 EPOLL_CTL_DEL=2 EPOLL_CTL_MOD=3
        epoll-flags 0 EPOLL_CLOEXEC=80000
        eventfd-flags 0 EFD_SEMAPHORE=1 EFD_CLOEXEC=80000 EFD_NONBLOCK=800
        timerfd-flags 0 TFD_CLOEXEC=80000 TFD_NONBLOCK=800
        signalfd-flags 0 SFD_CLOEXEC=80000 SFD_NONBLOCK=800
        inotify-flags 0 IN_CLOEXEC=80000 IN_NONBLOCK=800
        memfd-flags 0 MFD_CLOEXEC=1 MFD_ALLOW_SEALING=2 MFD_HUGETLB=4
        arch-prctl * ARCH_SET_GS=1001 ARCH_SET_FS=1002 ARCH_GET_FS=1003 ARCH_GET_GS=1004 ARCH_GET_CPUID=1011 ARCH_SET_CPUID=1012
        prctl * PR_SET_PDEATHSIG=1 PR_GET_PDEATHSIG=2 PR_GET_DUMPABLE=3 PR_SET_DUMPABLE=4 PR_GET_KEEPCAPS=7 PR_SET_KEEPCAPS=8
        + PR_SET_NAME=f PR_GET_NAME=10 PR_GET_SECCOMP=15 PR_SET_SECCOMP=16 PR_CAPBSET_READ=17 PR_CAPBSET_DROP=18 PR_GET_SECUREBITS=1b
        + PR_SET_SECUREBITS=1c PR_SET_TIMERSLACK=1d PR_GET_TIMERSLACK=1e PR_SET_CHILD_SUBREAPER=24 PR_GET_CHILD_SUBREAPER=25
        + PR_SET_NO_NEW_PRIVS=26 PR_GET_NO_NEW_PRIVS=27 PR_GET_TID_ADDRESS=28 PR_SET_THP_DISABLE=29 PR_GET_THP_DISABLE=2a
        + PR_CAP_AMBIENT=2f PR_SET_MM=23 PR_SET_VMA=53564d41
        futex 7f FUTEX_WAIT=0 FUTEX_WAKE=1 FUTEX_FD=2 FUTEX_REQUEUE=3 FUTEX_CMP_REQUEUE=4 FUTEX_WAKE_OP=5 FUTEX_LOCK_PI=6
        + FUTEX_UNLOCK_PI=7 FUTEX_TRYLOCK_PI=8 FUTEX_WAIT_BITSET=9 FUTEX_WAKE_BITSET=a FUTEX_WAIT_REQUEUE_PI=b FUTEX_CMP_REQUEUE_PI=c
        + FUTEX_LOCK_PI2=d
        ioctl * TCGETS=5401 TCSETS=5402 TCSETSW=5403 TCSETSF=5404 TIOCGPGRP=540f TIOCSPGRP=5410 TIOCGWINSZ=5413 TIOCSWINSZ=5414
        + TIOCSCTTY=540e TIOCNOTTY=5422 TIOCGSID=5429 FIONREAD=541b FIONBIO=5421 FIOCLEX=5451 FIONCLEX=5450 TIOCGPTN=80045430
        + TIOCSPTLCK=40045431 TIOCGPTPEER=5441 FICLONE=40049409 FS_IOC_GETFLAGS=80086601 BLKGETSIZE64=80081272 TCSBRK=5409 TCFLSH=540b
        + TIOCOUTQ=5411 TIOCSTI=5412
        rename 0 RENAME_NOREPLACE=1 RENAME_EXCHANGE=2 RENAME_WHITEOUT=4
        getrandom 0 GRND_NONBLOCK=1 GRND_RANDOM=2 GRND_INSECURE=4
        fadvise * POSIX_FADV_NORMAL=0 POSIX_FADV_RANDOM=1 POSIX_FADV_SEQUENTIAL=2 POSIX_FADV_WILLNEED=3 POSIX_FADV_DONTNEED=4
        + POSIX_FADV_NOREUSE=5
        fallocate 0 FALLOC_FL_KEEP_SIZE=1 FALLOC_FL_PUNCH_HOLE=2 FALLOC_FL_COLLAPSE_RANGE=8 FALLOC_FL_ZERO_RANGE=10
        + FALLOC_FL_INSERT_RANGE=20 FALLOC_FL_UNSHARE_RANGE=40
        flock 0 LOCK_SH=1 LOCK_EX=2 LOCK_NB=4 LOCK_UN=8
        mount 0 MS_RDONLY=1 MS_NOSUID=2 MS_NODEV=4 MS_NOEXEC=8 MS_SYNCHRONOUS=10 MS_REMOUNT=20 MS_MANDLOCK=40 MS_DIRSYNC=80
        + MS_NOATIME=400 MS_NODIRATIME=800 MS_BIND=1000 MS_MOVE=2000 MS_REC=4000 MS_SILENT=8000 MS_POSIXACL=10000 MS_UNBINDABLE=20000
        + MS_PRIVATE=40000 MS_SLAVE=80000 MS_SHARED=100000 MS_RELATIME=200000 MS_STRICTATIME=1000000 MS_LAZYTIME=2000000
        umount 0 MNT_FORCE=1 MNT_DETACH=2 MNT_EXPIRE=4 UMOUNT_NOFOLLOW=8
        statx-mask 0 STATX_ALL=fff STATX_BASIC_STATS=7ff STATX_TYPE=1 STATX_MODE=2 STATX_NLINK=4 STATX_UID=8 STATX_GID=10
        + STATX_ATIME=20 STATX_MTIME=40 STATX_CTIME=80 STATX_INO=100 STATX_SIZE=200 STATX_BLOCKS=400 STATX_BTIME=800 STATX_MNT_ID=1000
        rusage-who * RUSAGE_SELF=0 RUSAGE_CHILDREN=ffffffff RUSAGE_THREAD=1
        itimer * ITIMER_REAL=0 ITIMER_VIRTUAL=1 ITIMER_PROF=2
        sched-policy * SCHED_OTHER=0 SCHED_FIFO=1 SCHED_RR=2 SCHED_BATCH=3 SCHED_IDLE=5 SCHED_DEADLINE=6
        membarrier-cmd * MEMBARRIER_CMD_QUERY=0 MEMBARRIER_CMD_GLOBAL=1 MEMBARRIER_CMD_GLOBAL_EXPEDITED=2
        + MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED=4 MEMBARRIER_CMD_PRIVATE_EXPEDITED=8 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED=10
        + MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE=20 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE=40
        xattr-flags 0 XATTR_CREATE=1 XATTR_REPLACE=2
        socket-domain * AF_UNSPEC=0 AF_UNIX=1 AF_INET=2 AF_INET6=a AF_NETLINK=10 AF_PACKET=11
        socket-type f SOCK_STREAM=1 SOCK_DGRAM=2 SOCK_RAW=3 SOCK_RDM=4 SOCK_SEQPACKET=5 SOCK_CLOEXEC=80000 SOCK_NONBLOCK=800
        splice-flags 0 SPLICE_F_MOVE=1 SPLICE_F_NONBLOCK=2 SPLICE_F_MORE=4 SPLICE_F_GIFT=8
        mlockall 0 MCL_CURRENT=1 MCL_FUTURE=2 MCL_ONFAULT=4
        rwf 0 RWF_HIPRI=1 RWF_DSYNC=2 RWF_SYNC=4 RWF_NOWAIT=8 RWF_APPEND=10
        close-range 0 CLOSE_RANGE_UNSHARE=2 CLOSE_RANGE_CLOEXEC=4
        file-type f000 S_IFREG=8000 S_IFDIR=4000 S_IFLNK=a000 S_IFCHR=2000 S_IFBLK=6000 S_IFIFO=1000 S_IFSOCK=c000 S_ISUID=800
        + S_ISGID=400 S_ISVTX=200
        si-code-segv * SEGV_MAPERR=1 SEGV_ACCERR=2
        si-code-bus * BUS_ADRALN=1 BUS_ADRERR=2 BUS_OBJERR=3
        si-code-fpe * FPE_INTDIV=1 FPE_INTOVF=2 FPE_FLTDIV=3 FPE_FLTOVF=4 FPE_FLTUND=5 FPE_FLTRES=6 FPE_FLTINV=7 FPE_FLTSUB=8
        si-code-ill * ILL_ILLOPC=1 ILL_ILLOPN=2 ILL_ILLADR=3 ILL_ILLTRP=4 ILL_PRVOPC=5 ILL_PRVREG=6 ILL_COPROC=7 ILL_BADSTK=8
        si-code-chld * CLD_EXITED=1 CLD_KILLED=2 CLD_DUMPED=3 CLD_TRAPPED=4 CLD_STOPPED=5 CLD_CONTINUED=6
        """;

    private static readonly Dictionary<string, TraceConstantSet> Sets = Parse();

    public static bool TryGet(string name, out TraceConstantSet set) => Sets.TryGetValue(name, out set!);

    public static TraceConstantSet Get(string name) => Sets[name];

    private static Dictionary<string, TraceConstantSet> Parse()
    {
        var sets = new Dictionary<string, TraceConstantSet>(StringComparer.Ordinal);
        foreach (string line in Text.Replace("\n+", "", StringComparison.Ordinal).Split('\n'))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            ulong mask = words[1] == "*" ? ulong.MaxValue : ParseHex(words[1]);
            var members = new KeyValuePair<string, ulong>[words.Length - 2];
            for (int i = 0; i < members.Length; i++)
            {
                int equals = words[i + 2].IndexOf('=', StringComparison.Ordinal);
                members[i] = new(words[i + 2][..equals], ParseHex(words[i + 2].AsSpan(equals + 1)));
            }

            sets.Add(words[0], new TraceConstantSet(mask, members));
        }

        return sets;
    }

    private static ulong ParseHex(ReadOnlySpan<char> text) => ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
