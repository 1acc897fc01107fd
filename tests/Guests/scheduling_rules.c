/* Policies, what they may be changed to and by whom; processors; attributes; I/O priorities of every scope.
 * covers: sched_setscheduler sched_getscheduler sched_setparam sched_getparam sched_setattr sched_getattr sched_yield
 * covers: sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_setaffinity sched_getaffinity getcpu
 * covers: ioprio_set ioprio_get
 * cpus: 2
 */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#define NOBODY (1 << 30)

struct attributes { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; uint32_t least, most; };

static pid_t sleeper(uid_t user)
{
    int ready[2];
    char c;
    pipe(ready);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        if (user)
            setresuid(user, user, user);
        write(ready[1], "r", 1);
        for (;;)
            pause();
    }
    read(ready[0], &c, 1);
    close(ready[0]);
    close(ready[1]);
    return child;
}

static void finish(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static long set(pid_t pid, int policy, int priority)
{
    struct sched_param param = { priority };
    return syscall(SYS_sched_setscheduler, pid, policy, &param);
}

static void policies(void)
{
    struct sched_param param;
    int all[] = { SCHED_OTHER, SCHED_BATCH, SCHED_IDLE };
    for (int i = 0; i < 3; i++) {
        SHOW(set(0, all[i], 0));
        SHOW(sched_getscheduler(0));
        SHOW(set(0, all[i], 1));
        SHOW(set(0, all[i] | SCHED_RESET_ON_FORK, 0));
        SHOW(sched_getscheduler(0) == (all[i] | SCHED_RESET_ON_FORK));
        IN_CHILD(SHOW(sched_getscheduler(0)));
        SHOW(set(0, all[i], 0));
    }
    SHOW(set(0, SCHED_OTHER, 0));
    SHOW(set(0, SCHED_FIFO, 0));
    SHOW(set(0, SCHED_FIFO, 100));
    SHOW(set(0, SCHED_RR, -1));
    SHOW(set(0, 4, 0));
    SHOW(set(0, SCHED_DEADLINE, 0));
    SHOW(set(0, 77, 0));
    SHOW(set(0, -1, 0));
    SHOW(set(-1, SCHED_OTHER, 0));
    SHOW(set(NOBODY, SCHED_OTHER, 0));
    SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL));
    SHOW(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, BAD));
    SHOW(syscall(SYS_sched_setparam, 0, BAD));
    SHOW(syscall(SYS_sched_setparam, 0, NULL));
    SHOW(syscall(SYS_sched_setparam, -1, &param));
    SHOW(syscall(SYS_sched_getparam, 0, BAD));
    SHOW(syscall(SYS_sched_getparam, -1, &param));
    SHOW(syscall(SYS_sched_getparam, NOBODY, &param));
    param.sched_priority = 0;
    SHOW(syscall(SYS_sched_setparam, 0, &param));
    param.sched_priority = 1;
    SHOW(syscall(SYS_sched_setparam, 0, &param));
    for (int policy = 0; policy < 8; policy++)
        printf("%d: %d to %d\n", policy, policy == 7 ? 0 : sched_get_priority_min(policy), policy == 7 ? 0 : sched_get_priority_max(policy));
    SHOW(sched_get_priority_min(-1));
    SHOW(sched_get_priority_max(77));

    pid_t other = sleeper(0);
    SHOW(set(other, SCHED_BATCH, 0));
    SHOW(sched_getscheduler(other));
    IN_CHILD({
        setrlimit(RLIMIT_RTPRIO, &(struct rlimit){ 0, 0 });
        setrlimit(RLIMIT_NICE, &(struct rlimit){ 0, 0 });
        setresuid(12345, 12345, 12345);
        SHOW(set(other, SCHED_OTHER, 0));
        SHOW(sched_getscheduler(other));
        SHOW(set(0, SCHED_FIFO, 1));
        SHOW(set(0, SCHED_RR, 1));
        SHOW(set(0, SCHED_BATCH | SCHED_RESET_ON_FORK, 0));
        SHOW(set(0, SCHED_BATCH, 0));
        SHOW(set(0, SCHED_IDLE | SCHED_RESET_ON_FORK, 0));
        SHOW(set(0, SCHED_OTHER | SCHED_RESET_ON_FORK, 0));
    });
    finish(other);
}

static long attr(pid_t pid, struct attributes *a, unsigned flags) { return syscall(SYS_sched_setattr, pid, a, flags); }

static void attributes(void)
{
    struct { struct attributes known; uint64_t beyond; } longer;
    struct attributes a, b;
    for (unsigned size = 48; size <= 72; size += 4) {
        memset(&longer, 0x77, sizeof longer);
        printf("%u: %ld", size, syscall(SYS_sched_getattr, 0, &longer, size, 0));
        printf(" size %u policy %u nice %d\n", longer.known.size, longer.known.policy, longer.known.nice);
    }
    SHOW(syscall(SYS_sched_getattr, 0, &a, 47, 0));
    SHOW(syscall(SYS_sched_getattr, 0, &a, 5000, 0));
    SHOW(syscall(SYS_sched_getattr, 0, &a, 48, 1));
    SHOW(syscall(SYS_sched_getattr, 0, NULL, 48, 0));
    SHOW(syscall(SYS_sched_getattr, 0, BAD, 48, 0));
    SHOW(syscall(SYS_sched_getattr, NOBODY, &a, 48, 0));
    a = (struct attributes){ .size = 48, .policy = SCHED_BATCH, .nice = 4 };
    SHOW(attr(0, &a, 0));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(sched_getscheduler(0));
    /* Reset on fork, and keeping policy or parameters. */
    a.flags = 1;
    a.nice = 7;
    SHOW(attr(0, &a, 0));
    SHOW(syscall(SYS_sched_getattr, 0, &b, 56, 0));
    printf("flags %lx\n", (long)b.flags);
    IN_CHILD(SHOW(sched_getscheduler(0)); SHOW(getpriority(PRIO_PROCESS, 0)));
    a = (struct attributes){ .size = 48, .policy = SCHED_OTHER, .flags = 8, .nice = 8 };
    SHOW(attr(0, &a, 0));
    printf("policy %d nice %d\n", sched_getscheduler(0), getpriority(PRIO_PROCESS, 0));
    a = (struct attributes){ .size = 48, .policy = SCHED_OTHER, .flags = 16, .nice = 9 };
    SHOW(attr(0, &a, 0));
    printf("policy %d nice %d\n", sched_getscheduler(0), getpriority(PRIO_PROCESS, 0));
    a = (struct attributes){ .size = 48, .policy = SCHED_OTHER, .nice = 40 };
    SHOW(attr(0, &a, 0));
    SHOW(getpriority(PRIO_PROCESS, 0));
    a.size = 47;
    SHOW(attr(0, &a, 0));
    SHOW(a.size >= 48);
    a.size = 5000;
    SHOW(attr(0, &a, 0));
    a.size = 0;
    SHOW(attr(0, &a, 0));
    memset(&longer, 0, sizeof longer);
    longer.known.size = sizeof longer;
    SHOW(attr(0, &longer.known, 0));
    longer.beyond = 1;
    longer.known.size = sizeof longer;
    SHOW(attr(0, &longer.known, 0));
    a = (struct attributes){ .size = 48, .policy = SCHED_OTHER };
    SHOW(attr(0, &a, 1));
    SHOW(attr(-1, &a, 0));
    SHOW(attr(NOBODY, &a, 0));
    SHOW(attr(0, BAD, 0));
    SHOW(attr(0, NULL, 0));
    a.priority = 1;
    SHOW(attr(0, &a, 0));
    a.priority = 0;
    a.flags = 0x80;
    SHOW(attr(0, &a, 0));
    a.flags = 0;
    a.policy = 77;
    SHOW(attr(0, &a, 0));
    a.policy = SCHED_DEADLINE;
    SHOW(attr(0, &a, 0));
    IN_CHILD({
        setrlimit(RLIMIT_NICE, &(struct rlimit){ 0, 0 });
        setresuid(12345, 12345, 12345);
        a = (struct attributes){ .size = 48, .policy = SCHED_OTHER, .nice = 1 };
        SHOW(attr(0, &a, 0));
        a.nice = 0;
        SHOW(attr(0, &a, 0));
        SHOW(attr(getppid(), &a, 0));
    });
}

static void processors(void)
{
    cpu_set_t all, one, back;
    unsigned cpu = 9999, node = 9999;
    SHOW(sched_getaffinity(0, sizeof all, &all));
    HOLDS(CPU_COUNT(&all) >= 1);
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &all))
            continue;
        CPU_ZERO(&one);
        CPU_SET(i, &one);
        if (sched_setaffinity(0, sizeof one, &one) != 0 || sched_getcpu() != i || syscall(SYS_getcpu, &cpu, &node, NULL) != 0 || cpu != i)
            printf("processor %d is not taken\n", i);
    }
    SHOW(sched_getaffinity(0, sizeof back, &back));
    HOLDS(CPU_COUNT(&back) == 1 && CPU_EQUAL(&back, &one));
    IN_CHILD(sched_getaffinity(0, sizeof back, &back); HOLDS(CPU_EQUAL(&back, &one)));
    HOLDS(node == 0);
    CPU_SET(1000, &all);
    SHOW(sched_setaffinity(0, sizeof all, &all));
    SHOW(sched_getaffinity(0, sizeof back, &back));
    HOLDS(!CPU_ISSET(1000, &back));
    CPU_ZERO(&one);
    SHOW(sched_setaffinity(0, sizeof one, &one));
    CPU_SET(1000, &one);
    SHOW(sched_setaffinity(0, sizeof one, &one));
    SHOW(syscall(SYS_sched_setaffinity, 0, 0, &all));
    SHOW(syscall(SYS_sched_setaffinity, 0, 1, &back));
    sched_setaffinity(0, sizeof all, &all);
    SHOW(sched_setaffinity(0, sizeof all, BAD));
    SHOW(sched_setaffinity(NOBODY, sizeof all, &all));
    SHOW(sched_setaffinity(-1, sizeof all, &all));
    SHOW(syscall(SYS_sched_getaffinity, 0, 7, &back));
    SHOW(syscall(SYS_sched_getaffinity, 0, 0, &back));
    SHOW(syscall(SYS_sched_getaffinity, NOBODY, 128, &back));
    SHOW(syscall(SYS_sched_getaffinity, 0, 128, BAD));
    pid_t other = sleeper(0);
    SHOW(sched_setaffinity(other, sizeof back, &back));
    IN_CHILD({
        setresuid(12345, 12345, 12345);
        SHOW(sched_setaffinity(other, sizeof back, &back));
        SHOW(sched_getaffinity(other, sizeof back, &back));
    });
    finish(other);
    SHOW(syscall(SYS_getcpu, BAD, NULL, NULL));
    SHOW(syscall(SYS_getcpu, NULL, BAD, NULL));
    SHOW(syscall(SYS_getcpu, NULL, &node, BAD));
    for (int i = 0; i < 100; i++)
        sched_yield();
    struct timespec slice;
    SHOW(syscall(SYS_sched_rr_get_interval, -1, &slice));
    SHOW(syscall(SYS_sched_rr_get_interval, NOBODY, &slice));
    SHOW(syscall(SYS_sched_rr_get_interval, 0, BAD));
    SHOW(syscall(SYS_sched_rr_get_interval, 0, &slice));
    HOLDS(slice.tv_sec == 0 && slice.tv_nsec >= 0 && slice.tv_nsec < 100000000);
}

#define IOPRIO(class, level) ((class) << 13 | (level))

static long ioset(int which, int who, int value) { return syscall(SYS_ioprio_set, which, who, value); }
static long ioget(int which, int who) { return syscall(SYS_ioprio_get, which, who); }

static void io_priorities(void)
{
    pid_t other = sleeper(34567);
    for (int class = 0; class < 4; class++) {
        for (int level = 0; level < 8; level += 7) {
            printf("class %d level %d: ", class, level);
            SHOW(ioset(1, 0, IOPRIO(class, level)));
            SHOW(ioget(1, 0));
        }
    }
    SHOW(ioset(1, 0, IOPRIO(4, 0)));
    SHOW(ioset(1, 0, -1));
    SHOW(ioset(1, 0, IOPRIO(2, 3)));
    IN_CHILD(SHOW(ioget(1, 0)));
    SHOW(ioset(1, other, IOPRIO(2, 5)));
    SHOW(ioget(1, other));
    SHOW(ioset(2, other, IOPRIO(2, 6)));
    SHOW(ioget(2, other));
    SHOW(ioset(3, 34567, IOPRIO(3, 0)));
    SHOW(ioget(3, 34567));
    SHOW(ioset(0, 0, IOPRIO(2, 3)));
    SHOW(ioset(4, 0, IOPRIO(2, 3)));
    SHOW(ioget(0, 0));
    SHOW(ioget(4, 0));
    SHOW(ioset(1, NOBODY, IOPRIO(2, 3)));
    SHOW(ioset(2, NOBODY, IOPRIO(2, 3)));
    SHOW(ioset(3, 45678, IOPRIO(2, 3)));
    SHOW(ioget(1, NOBODY));
    SHOW(ioget(2, NOBODY));
    SHOW(ioget(3, 45678));
    IN_CHILD({
        setresuid(12345, 12345, 12345);
        SHOW(ioset(1, 0, IOPRIO(1, 3)));
        SHOW(ioset(1, other, IOPRIO(2, 3)));
        SHOW(ioset(1, 0, IOPRIO(3, 0)));
        SHOW(ioget(1, other));
    });
    finish(other);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    policies();
    attributes();
    processors();
    io_priorities();
    return 0;
}
