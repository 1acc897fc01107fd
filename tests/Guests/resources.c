/* Limits and what each of them limits, priorities of every scope, usage, and the machine's names.
 * covers: getrlimit setrlimit prlimit64 getrusage times getpriority setpriority personality uname sethostname setdomainname
 * covers: sysinfo getrandom arch_prctl
 */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>

static long set(int resource, unsigned long soft, unsigned long hard)
{
    struct rlimit limit = { soft, hard };
    return syscall(SYS_setrlimit, resource, &limit);
}

static void every_limit(void)
{
    struct rlimit limit, old;
    for (int resource = 0; resource < 16; resource++) {
        IN_CHILD({
            /* Whatever the limits are here: they can be lowered, and not raised again. */
            SHOW(syscall(SYS_getrlimit, resource, &old));
            HOLDS(old.rlim_cur <= old.rlim_max);
            limit.rlim_max = old.rlim_max < 20000 ? old.rlim_max : 20000;
            limit.rlim_cur = limit.rlim_max / 2;
            SHOW(syscall(SYS_prlimit64, 0, resource, &limit, NULL));
            SHOW(syscall(SYS_prlimit64, getpid(), resource, NULL, &old));
            HOLDS(old.rlim_cur == limit.rlim_cur && old.rlim_max == limit.rlim_max);
            SHOW(set(resource, limit.rlim_max + 1, limit.rlim_max));
            setresuid(12345, 12345, 12345);
            SHOW(set(resource, 0, limit.rlim_max + 1));
            SHOW(set(resource, limit.rlim_max, limit.rlim_max));
            SHOW(set(resource, limit.rlim_max / 2, limit.rlim_max / 2));
            SHOW(set(resource, limit.rlim_max / 2, limit.rlim_max / 2 + 1));
            syscall(SYS_getrlimit, resource, &old);
            HOLDS(old.rlim_cur == limit.rlim_max / 2 && old.rlim_max == limit.rlim_max / 2);
        });
    }
    SHOW(set(16, 1, 1));
    SHOW(set(-1, 1, 1));
    SHOW(syscall(SYS_getrlimit, 16, &old));
    SHOW(syscall(SYS_prlimit64, 0, 16, NULL, &old));
    SHOW(syscall(SYS_prlimit64, 0, RLIMIT_CORE, BAD, NULL));
    SHOW(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, BAD));
    SHOW(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL));
    SHOW(syscall(SYS_prlimit64, 1 << 30, RLIMIT_CORE, NULL, &old));
    SHOW(syscall(SYS_getrlimit, RLIMIT_CORE, NULL));
    SHOW(set(RLIMIT_NOFILE, 1UL << 40, 1UL << 40));
    pid_t parent = getpid();
    IN_CHILD({
        SHOW(syscall(SYS_prlimit64, parent, RLIMIT_CORE, NULL, &old));
        setresuid(12345, 12345, 12345);
        SHOW(syscall(SYS_prlimit64, parent, RLIMIT_CORE, NULL, &old));
    });
}

static int deep(int n)
{
    volatile char frame[4096];
    frame[0] = n;
    return n == 0 ? 0 : deep(n - 1) + frame[0] * 0;
}

static void effects(void)
{
    IN_CHILD(set(RLIMIT_NOFILE, 5, 5); SHOW(dup(0)); SHOW(dup(0)); SHOW(dup(0)); SHOW(dup2(0, 5)); SHOW(dup2(0, 4)); SHOW(fcntl(0, F_DUPFD, 5)));
    IN_CHILD({
        set(RLIMIT_FSIZE, 4096, 8192);
        int fd = open("limited", O_CREAT | O_TRUNC | O_WRONLY, 0600);
        signal(SIGXFSZ, SIG_IGN);
        SHOW(pwrite(fd, "abcd", 4, 4094));
        SHOW(pwrite(fd, "abcd", 4, 4096));
        SHOW(ftruncate(fd, 4097));
        signal(SIGXFSZ, SIG_DFL);
        ftruncate(fd, 10000);
    });
    IN_CHILD({
        set(RLIMIT_AS, 64 << 20, 64 << 20);
        SHOW(mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
    });
    IN_CHILD({
        set(RLIMIT_DATA, 4 << 20, 4 << 20);
        SHOW(mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
        SHOW(mmap(NULL, 8 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
    });
    IN_CHILD(set(RLIMIT_STACK, 128 << 10, 128 << 10); deep(100));
    IN_CHILD(set(RLIMIT_STACK, 4 << 20, 4 << 20); SHOW(deep(100)));
    IN_CHILD({
        set(RLIMIT_MEMLOCK, PAGE, PAGE);
        char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        SHOW(mlock(p, 4 * PAGE));
        munlock(p, 4 * PAGE);
        setresuid(12345, 12345, 12345);
        SHOW(mlock(p, 2 * PAGE));
        SHOW(mlock(p, PAGE));
    });
    IN_CHILD({
        struct rlimit limit = { 1, 3 };
        setrlimit(RLIMIT_CPU, &limit);
        signal(SIGXCPU, SIG_IGN);
        for (;;)
            ;
    });
    /* Limits are inherited, also by programs. */
    IN_CHILD(set(RLIMIT_CORE, 7, 9); execl("/bin/sh", "sh", "-c", "ulimit -S -n 77; ulimit -S -n; ulimit -H -s", NULL));
}

static void priorities(void)
{
    fflush(stdout);
    int ready[2];
    char c;
    pipe(ready);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        setresuid(23456, 23456, 23456);
        write(ready[1], "r", 1);
        for (;;)
            pause();
    }
    read(ready[0], &c, 1);
    SHOW(setpriority(PRIO_PGRP, child, 3));
    SHOW(syscall(SYS_getpriority, PRIO_PROCESS, child));
    SHOW(syscall(SYS_getpriority, PRIO_PGRP, child));
    SHOW(setpriority(PRIO_USER, 23456, 7));
    SHOW(syscall(SYS_getpriority, PRIO_USER, 23456));
    SHOW(syscall(SYS_getpriority, PRIO_PROCESS, child));
    SHOW(setpriority(PRIO_PROCESS, child, 50));
    SHOW(syscall(SYS_getpriority, PRIO_PROCESS, child));
    SHOW(setpriority(PRIO_PROCESS, child, -50));
    SHOW(syscall(SYS_getpriority, PRIO_PROCESS, child));
    SHOW(setpriority(PRIO_PROCESS, child, 0));
    SHOW(setpriority(PRIO_USER, 34567, 0));
    SHOW(setpriority(PRIO_PGRP, 1 << 30, 0));
    SHOW(syscall(SYS_getpriority, PRIO_USER, 34567));
    SHOW(syscall(SYS_getpriority, PRIO_PGRP, 1 << 30));
    SHOW(syscall(SYS_getpriority, -1, 0));
    SHOW(syscall(SYS_getpriority, 3, 0));
    IN_CHILD({
        pid_t parent = getppid();
        setrlimit(RLIMIT_NICE, &(struct rlimit){ 0, 0 });
        setresuid(12345, 12345, 12345);
        SHOW(setpriority(PRIO_PROCESS, 0, 5));
        SHOW(setpriority(PRIO_PROCESS, 0, 4));
        SHOW(setpriority(PRIO_PROCESS, parent, 5));
        SHOW(setpriority(PRIO_PROCESS, child, 5));
        SHOW(syscall(SYS_getpriority, PRIO_PROCESS, child));
        SHOW(setpriority(PRIO_USER, 12345, 9));
        SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 0));
    });
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static long long us(struct timeval t) { return t.tv_sec * 1000000LL + t.tv_usec; }

static void *uses(void *unused)
{
    struct rusage thread, all;
    do
        getrusage(RUSAGE_THREAD, &thread);
    while (us(thread.ru_utime) + us(thread.ru_stime) < 30000);
    getrusage(RUSAGE_SELF, &all);
    HOLDS(us(all.ru_utime) + us(all.ru_stime) >= us(thread.ru_utime) + us(thread.ru_stime));
    return NULL;
}

static void usage(void)
{
    struct rusage before, use;
    struct tms t;
    pthread_t thread;
    pthread_create(&thread, NULL, uses, NULL);
    pthread_join(thread, NULL);
    getrusage(RUSAGE_SELF, &before);
    HOLDS(us(before.ru_utime) + us(before.ru_stime) >= 30000 && before.ru_maxrss > 100);
    char *p = mmap(NULL, 100 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 100; i++)
        p[i * PAGE] = 1;
    getrusage(RUSAGE_SELF, &use);
    HOLDS(use.ru_minflt - before.ru_minflt >= 100 && use.ru_minflt - before.ru_minflt < 200);
    usleep(1000);
    getrusage(RUSAGE_THREAD, &before);
    HOLDS(before.ru_nvcsw > 0);
    SHOW(use.ru_ixrss + use.ru_nswap + use.ru_msgsnd + use.ru_nsignals);
    getrusage(RUSAGE_CHILDREN, &before);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        do
            getrusage(RUSAGE_SELF, &use);
        while (us(use.ru_utime) + us(use.ru_stime) < 50000);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    getrusage(RUSAGE_CHILDREN, &use);
    HOLDS(us(use.ru_utime) + us(use.ru_stime) - us(before.ru_utime) - us(before.ru_stime) >= 50000);
    HOLDS(use.ru_minflt > before.ru_minflt);
    SHOW(syscall(SYS_getrusage, 2, &use));
    SHOW(syscall(SYS_getrusage, -2, &use));
    SHOW(syscall(SYS_getrusage, RUSAGE_CHILDREN, BAD));
    SHOW(syscall(SYS_getrusage, RUSAGE_THREAD, NULL));
    clock_t a = times(&t), b = times(NULL);
    HOLDS(b >= a && t.tms_cutime + t.tms_cstime >= 5 && t.tms_utime + t.tms_stime >= 1);
    SHOW(syscall(SYS_times, BAD));
}

static void persona(void)
{
    struct utsname name;
    SHOW(personality(0xffffffff));
    int flags[] = { ADDR_NO_RANDOMIZE, MMAP_PAGE_ZERO, ADDR_COMPAT_LAYOUT, READ_IMPLIES_EXEC, ADDR_LIMIT_32BIT, SHORT_INODE, WHOLE_SECONDS,
        STICKY_TIMEOUTS, ADDR_LIMIT_3GB, FDPIC_FUNCPTRS, PER_LINUX32, PER_BSD, UNAME26 };
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
        SHOW(personality(flags[i]));
        SHOW(personality(0xffffffff) == flags[i]);
    }
    uname(&name);
    HOLDS(strncmp(name.release, "2.6.", 4) == 0);
    SHOW(personality(PER_LINUX32));
    uname(&name);
    SHOW(strcmp(name.machine, "i686"));
    SHOW(personality(READ_IMPLIES_EXEC));
    IN_CHILD({
        unsigned char *code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memcpy(code, "\xb8\x2a\x00\x00\x00\xc3", 6);
        SHOW(((int (*)(void))code)());
    });
    SHOW(personality(ADDR_NO_RANDOMIZE));
    IN_CHILD(execl("/bin/sh", "sh", "-c", "read a </proc/self/personality; echo $a", NULL));
    SHOW(personality(0));
}

static void names(void)
{
    struct utsname name;
    struct sysinfo info;
    IN_CHILD({
        SHOW(unshare(CLONE_NEWUTS));
        SHOW(sethostname("elsewhere", 9));
        SHOW(setdomainname("domain.example", 14));
        uname(&name);
        printf("%s %s %s\n", name.nodename, name.domainname, name.sysname);
        SHOW(sethostname("with\0nul", 8));
        uname(&name);
        printf("%s\n", name.nodename);
        char longest[64];
        memset(longest, 'x', 64);
        SHOW(sethostname(longest, 64));
        uname(&name);
        SHOW(strlen(name.nodename));
        SHOW(syscall(SYS_sethostname, longest, 65));
        SHOW(syscall(SYS_setdomainname, longest, 65));
        SHOW(syscall(SYS_sethostname, BAD, 5));
        SHOW(syscall(SYS_setdomainname, BAD, 5));
        SHOW(sethostname("", 0));
        uname(&name);
        SHOW(strlen(name.nodename));
        setuid(12345);
        SHOW(sethostname("x", 1));
        SHOW(setdomainname("x", 1));
    });
    SHOW(syscall(SYS_uname, NULL));
    SHOW(syscall(SYS_sysinfo, NULL));
    SHOW(sysinfo(&info));
    HOLDS(info.uptime >= 0 && info.procs > 0 && info.totalswap >= info.freeswap && info.bufferram <= info.totalram);
    struct timespec up;
    clock_gettime(CLOCK_BOOTTIME, &up);
    HOLDS(info.uptime >= up.tv_sec - 1 && info.uptime <= up.tv_sec + 2);
}

static void randomness(void)
{
    static unsigned char bytes[70000];
    SHOW(getrandom(bytes, sizeof bytes, 0));
    int counts[256] = { 0 }, least = 1 << 30;
    for (unsigned i = 0; i < sizeof bytes; i++)
        counts[bytes[i]]++;
    for (int i = 0; i < 256; i++)
        least = counts[i] < least ? counts[i] : least;
    HOLDS(least > 150);
    SHOW(getrandom(bytes, 100, GRND_RANDOM | GRND_NONBLOCK));
    SHOW(getrandom(bytes, 100, GRND_INSECURE | GRND_NONBLOCK));
    SHOW(getrandom(bytes, 100, GRND_INSECURE | GRND_RANDOM));
    SHOW(getrandom(bytes, 100, 8));
    SHOW(getrandom(BAD, 1, GRND_NONBLOCK));
    SHOW(getrandom(NULL, 0, 0));
    char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + PAGE, PAGE);
    SHOW(getrandom(page + PAGE - 10, 10, 0));
    SHOW(getrandom(page + PAGE, 10, 0));
}

static void bases(void)
{
    unsigned long value = 0;
    SHOW(syscall(SYS_arch_prctl, 0x1001, 0x7000UL));
    unsigned long gs;
    SHOW(syscall(SYS_arch_prctl, 0x1004, &gs));
    SHOW(gs);
    SHOW(syscall(SYS_arch_prctl, 0x1001, &value));
    unsigned long read_back = 5;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(read_back));
    SHOW(read_back);
    SHOW(syscall(SYS_arch_prctl, 0x1003, &value));
    unsigned long tls = value;
    SHOW(syscall(SYS_arch_prctl, 0x1002, tls));
    SHOW(syscall(SYS_arch_prctl, 0x1001, 0x7ffffffff000UL));
    SHOW(syscall(SYS_arch_prctl, 0x1001, -1UL));
    SHOW(syscall(SYS_arch_prctl, 0x1002, 1UL << 63));
    SHOW(syscall(SYS_arch_prctl, 0x1003, BAD));
    SHOW(syscall(SYS_arch_prctl, 0x1004, NULL));
    SHOW(syscall(SYS_arch_prctl, 0x1011, 0L));
    SHOW(syscall(SYS_arch_prctl, 0x9999, 0L));
}

int main(void)
{
    umask(022);
    setvbuf(stdout, NULL, _IOLBF, 0);
    every_limit();
    effects();
    priorities();
    usage();
    persona();
    names();
    randomness();
    bases();
    return 0;
}
