/* Limits, usage, priorities, and what a program asks of the system as a whole.
 * covers: getrlimit setrlimit prlimit64 getrusage getpriority setpriority uname sysinfo getcpu getrandom sethostname setdomainname
 * covers: sched_yield sched_getaffinity sched_setaffinity sched_getscheduler sched_setscheduler sched_getparam sched_setparam
 * covers: sched_get_priority_max sched_get_priority_min sched_rr_get_interval times personality
 */
#include "check.h"
#include <sched.h>
#include <sys/personality.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>

static void resources(void)
{
    struct rlimit limit, old;
    SHOW(syscall(SYS_getrlimit, RLIMIT_NOFILE, &old));
    limit = old;
    limit.rlim_cur = 100;
    SHOW(syscall(SYS_setrlimit, RLIMIT_NOFILE, &limit));
    syscall(SYS_getrlimit, RLIMIT_NOFILE, &limit);
    printf("%ld\n", (long)limit.rlim_cur);
    limit.rlim_cur = limit.rlim_max + 1;
    if (limit.rlim_max != RLIM_INFINITY)
        SHOW(syscall(SYS_setrlimit, RLIMIT_NOFILE, &limit));
    SHOW(syscall(SYS_getrlimit, 99, &limit));
    SHOW(syscall(SYS_getrlimit, RLIMIT_NOFILE, BAD));
    SHOW(syscall(SYS_setrlimit, 99, &old));
    SHOW(syscall(SYS_setrlimit, RLIMIT_NOFILE, BAD));
    SHOW(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &old, &limit));
    printf("%ld\n", (long)limit.rlim_cur);
    SHOW(syscall(SYS_prlimit64, getpid(), RLIMIT_CORE, NULL, &limit));
    SHOW(syscall(SYS_prlimit64, 99999999, RLIMIT_CORE, NULL, &limit));
    SHOW(syscall(SYS_prlimit64, 0, 99, NULL, &limit));
    SHOW(syscall(SYS_prlimit64, 0, RLIMIT_CORE, BAD, NULL));
    IN_CHILD({
        struct rlimit small = { 1000, 1000 };
        setrlimit(RLIMIT_FSIZE, &small);
        signal(SIGXFSZ, SIG_IGN);
        int fd = open("big", O_CREAT | O_WRONLY, 0644);
        char block[600] = { 0 };
        SHOW(write(fd, block, 600));
        SHOW(write(fd, block, 600));
        SHOW(write(fd, block, 600));
        SHOW(ftruncate(fd, 2000));
        signal(SIGXFSZ, SIG_DFL);
        write(fd, block, 600);
    });
    IN_CHILD({
        struct rlimit one = { 1, 2 };
        setrlimit(RLIMIT_CPU, &one);
        for (;;)
            ;
    });
}

static void usage(void)
{
    struct rusage use;
    struct tms tms;
    occupy();
    SHOW(getrusage(RUSAGE_SELF, &use));
    HOLDS(use.ru_maxrss > 0 && use.ru_minflt > 0);
    SHOW(getrusage(RUSAGE_CHILDREN, &use));
    HOLDS(use.ru_utime.tv_sec * 1000000 + use.ru_utime.tv_usec + use.ru_stime.tv_usec > 600000);
    SHOW(getrusage(RUSAGE_THREAD, &use));
    SHOW(syscall(SYS_getrusage, 99, &use));
    SHOW(syscall(SYS_getrusage, RUSAGE_SELF, BAD));
    WORKS(times(&tms));
    HOLDS(tms.tms_cutime + tms.tms_cstime > 50);
    WORKS(syscall(SYS_times, NULL));
    SHOW(syscall(SYS_times, BAD));
}

static void priorities(void)
{
    SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 0));
    SHOW(setpriority(PRIO_PROCESS, 0, 5));
    SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 0));
    SHOW(setpriority(PRIO_PROCESS, 0, 100));
    SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 0));
    SHOW(syscall(SYS_getpriority, PRIO_PGRP, getpgrp()) > 0);
    SHOW(syscall(SYS_getpriority, PRIO_USER, getuid()) > 0);
    SHOW(syscall(SYS_getpriority, 9, 0));
    SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 99999999));
    SHOW(setpriority(9, 0, 0));
    SHOW(setpriority(PRIO_PROCESS, 99999999, 0));
}

static void scheduling(void)
{
    struct sched_param param = { 0 };
    struct timespec slice;
    cpu_set_t set;
    SHOW(sched_yield());
    SHOW(sched_getscheduler(0));
    SHOW(sched_getscheduler(-1));
    SHOW(sched_getscheduler(99999999));
    SHOW(syscall(SYS_sched_getparam, 0, &param));
    printf("%d\n", param.sched_priority);
    SHOW(syscall(SYS_sched_getparam, 0, NULL));
    SHOW(syscall(SYS_sched_getparam, 99999999, &param));
    SHOW(syscall(SYS_sched_setparam, 0, &param));
    param.sched_priority = 5;
    SHOW(syscall(SYS_sched_setparam, 0, &param));
    SHOW(syscall(SYS_sched_setparam, 99999999, &param));
    SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &param));
    param.sched_priority = 0;
    SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &param));
    SHOW(sched_getscheduler(0));
    SHOW(syscall(SYS_sched_setscheduler, 0, 99, &param));
    SHOW(syscall(SYS_sched_setscheduler, 99999999, SCHED_OTHER, &param));
    SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL));
    SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &param));
    SHOW(sched_get_priority_max(SCHED_FIFO));
    SHOW(sched_get_priority_min(SCHED_FIFO));
    SHOW(sched_get_priority_max(SCHED_OTHER));
    SHOW(sched_get_priority_min(SCHED_RR));
    SHOW(sched_get_priority_max(99));
    SHOW(sched_get_priority_min(99));
    SHOW(sched_rr_get_interval(0, &slice));
    SHOW(sched_rr_get_interval(-1, &slice));
    SHOW(syscall(SYS_sched_rr_get_interval, 0, BAD));
    SHOW(syscall(SYS_sched_rr_get_interval, 99999999, &slice));
    CPU_ZERO(&set);
    HOLDS(syscall(SYS_sched_getaffinity, 0, sizeof set, &set) >= 8);
    HOLDS(CPU_COUNT(&set) >= 1);
    SHOW(syscall(SYS_sched_setaffinity, 0, sizeof set, &set));
    SHOW(syscall(SYS_sched_getaffinity, 0, 4, &set));
    SHOW(syscall(SYS_sched_getaffinity, 99999999, sizeof set, &set));
    SHOW(syscall(SYS_sched_getaffinity, 0, sizeof set, BAD));
    SHOW(syscall(SYS_sched_setaffinity, 0, sizeof set, BAD));
    SHOW(syscall(SYS_sched_setaffinity, 99999999, sizeof set, &set));
    CPU_ZERO(&set);
    SHOW(syscall(SYS_sched_setaffinity, 0, sizeof set, &set));
    unsigned cpu, node;
    SHOW(syscall(SYS_getcpu, &cpu, &node, NULL));
    HOLDS(cpu < 1024);
    SHOW(syscall(SYS_getcpu, NULL, NULL, NULL));
    SHOW(syscall(SYS_getcpu, BAD, NULL, NULL));
}

static void machine(void)
{
    struct utsname name;
    struct sysinfo info;
    SHOW(uname(&name));
    printf("%s %s\n", name.sysname, name.machine);
    SHOW(syscall(SYS_uname, BAD));
    SHOW(sysinfo(&info));
    HOLDS(info.totalram > 0 && info.freeram <= info.totalram && info.mem_unit >= 1 && info.procs >= 1);
    SHOW(syscall(SYS_sysinfo, BAD));
    char bytes[256] = { 0 };
    SHOW(syscall(SYS_getrandom, bytes, 256, 0));
    int different = 0;
    for (int i = 1; i < 256; i++)
        different += bytes[i] != bytes[0];
    HOLDS(different > 200);
    SHOW(syscall(SYS_getrandom, bytes, 16, GRND_NONBLOCK));
    SHOW(syscall(SYS_getrandom, bytes, 16, GRND_RANDOM));
    SHOW(syscall(SYS_getrandom, bytes, 16, GRND_INSECURE));
    SHOW(syscall(SYS_getrandom, bytes, 16, GRND_INSECURE | GRND_RANDOM));
    SHOW(syscall(SYS_getrandom, bytes, 16, 0x100));
    SHOW(syscall(SYS_getrandom, BAD, 16, 0));
    SHOW(syscall(SYS_getrandom, bytes, 0, 0));
    SHOW(syscall(SYS_sethostname, "x", -1));
    SHOW(syscall(SYS_sethostname, "x", 65));
    SHOW(syscall(SYS_setdomainname, "x", -1));
    SHOW(syscall(SYS_setdomainname, "x", 65));
    SHOW(syscall(SYS_personality, 0xffffffff));
    SHOW(syscall(SYS_personality, ADDR_NO_RANDOMIZE));
    SHOW(syscall(SYS_personality, 0xffffffff));
}

int main(void)
{
    umask(022);
    resources();
    usage();
    priorities();
    scheduling();
    machine();
    return 0;
}
