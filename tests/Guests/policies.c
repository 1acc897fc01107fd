/* Scheduling policies: who runs before whom on one processor, what may be asked for, what is lent and refused.
 * covers: sched_setscheduler sched_getscheduler sched_setparam sched_getparam sched_setattr sched_getattr
 * covers: sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_yield
 * link: static
 * capabilities: sys_nice
 */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
};

static volatile char *trail;
static volatile int *at;

static void mark(char c) { trail[__atomic_fetch_add(at, 1, __ATOMIC_SEQ_CST)] = c; }

static void show_trail(const char *what)
{
    trail[*at] = 0;
    printf("%s: %s\n", what, (char *)trail);
    *at = 0;
}

static long setattr(pid_t pid, struct attr *a, unsigned flags) { return syscall(SYS_sched_setattr, pid, a, flags); }
static long getattr(pid_t pid, struct attr *a, unsigned size, unsigned flags) { return syscall(SYS_sched_getattr, pid, a, size, flags); }

static int become(int policy, int priority)
{
    struct sched_param p = { priority };
    return sched_setscheduler(0, policy, &p);
}

static void show(const char *when)
{
    struct attr a = { 0 };
    struct sched_param p;
    getattr(0, &a, sizeof a, 0);
    sched_getparam(0, &p);
    printf("%s: policy %d flags %llu nice %d priority %u param %d scheduler %x", when, a.policy, (unsigned long long)a.flags, a.nice, a.priority,
        p.sched_priority, sched_getscheduler(0));
    if (a.policy == SCHED_DEADLINE)
        printf(" %llu/%llu/%llu", (unsigned long long)a.runtime, (unsigned long long)a.deadline, (unsigned long long)a.period);
    printf("\n");
}

static void asking(void)
{
    struct sched_param p = { 10 };
    int policies[] = { SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE, SCHED_OTHER, SCHED_FIFO | SCHED_RESET_ON_FORK, SCHED_OTHER };
    for (int i = 0; i < 7; i++) {
        int real = (policies[i] & 3) == SCHED_FIFO || policies[i] == SCHED_RR;
        p.sched_priority = real ? 10 + i : 0;
        SHOW(sched_setscheduler(0, policies[i], &p));
        show("now");
    }
    p.sched_priority = 1;
    SHOW(sched_setscheduler(0, SCHED_OTHER, &p));
    SHOW(sched_setscheduler(0, SCHED_BATCH, &p));
    p.sched_priority = 0;
    SHOW(sched_setscheduler(0, SCHED_FIFO, &p));
    p.sched_priority = 100;
    SHOW(sched_setscheduler(0, SCHED_RR, &p));
    p.sched_priority = 1;
    SHOW(sched_setscheduler(0, 4, &p));
    SHOW(sched_setscheduler(0, 99, &p));
    SHOW(sched_setscheduler(0, -1, &p));
    SHOW(sched_setscheduler(0, SCHED_FIFO, NULL));
    SHOW(sched_setscheduler(0, SCHED_FIFO, BAD));
    SHOW(sched_setscheduler(-1, SCHED_FIFO, &p));
    SHOW(sched_setscheduler(99999999, SCHED_FIFO, &p));
    p.sched_priority = 0;
    SHOW(sched_setscheduler(0, SCHED_DEADLINE, &p));
    become(SCHED_FIFO, 5);
    p.sched_priority = 7;
    SHOW(sched_setparam(0, &p));
    SHOW(sched_getparam(0, &p));
    SHOW(p.sched_priority);
    p.sched_priority = 0;
    SHOW(sched_setparam(0, &p));
    SHOW(sched_setparam(0, NULL));
    SHOW(sched_setparam(-1, &p));
    SHOW(sched_setparam(99999999, &p));
    SHOW(sched_getparam(0, NULL));
    SHOW(sched_getparam(0, BAD));
    SHOW(sched_getparam(-1, &p));
    SHOW(sched_getparam(99999999, &p));
    SHOW(sched_getscheduler(-1));
    SHOW(sched_getscheduler(99999999));
    become(SCHED_OTHER, 0);
    SHOW(sched_setparam(0, &p));
    p.sched_priority = 1;
    SHOW(sched_setparam(0, &p));
    int all[] = { 0, 1, 2, 3, 4, 5, 6, 8, -1 };
    for (int i = 0; i < 9; i++) {
        SHOW(sched_get_priority_max(all[i]));
        SHOW(sched_get_priority_min(all[i]));
    }
    struct timespec t;
    become(SCHED_RR, 3);
    SHOW(sched_rr_get_interval(0, &t));
    printf("%ld %ld\n", t.tv_sec, t.tv_nsec);
    become(SCHED_FIFO, 3);
    SHOW(sched_rr_get_interval(0, &t));
    printf("%ld %ld\n", t.tv_sec, t.tv_nsec);
    become(SCHED_OTHER, 0);
    SHOW(sched_rr_get_interval(0, &t));
    SHOW(sched_rr_get_interval(-1, &t));
    SHOW(sched_rr_get_interval(99999999, &t));
    SHOW(sched_rr_get_interval(0, BAD));
}

static void attributes(void)
{
    struct attr a = { sizeof a, SCHED_OTHER, 0, 5 };
    SHOW(setattr(0, &a, 0));
    show("nice");
    SHOW(getpriority(PRIO_PROCESS, 0));
    a = (struct attr){ sizeof a, SCHED_RR, 1, 0, 20 };
    SHOW(setattr(0, &a, 0));
    show("reset on fork");
    pid_t child = fork();
    if (child == 0) {
        show("child");
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    a = (struct attr){ sizeof a, SCHED_BATCH, 8, 0, 30 };
    SHOW(setattr(0, &a, 0));
    show("policy kept");
    a = (struct attr){ sizeof a, SCHED_FIFO, 16, 0, 1 };
    SHOW(setattr(0, &a, 0));
    show("parameters kept");
    a = (struct attr){ sizeof a, SCHED_OTHER, 0, -3 };
    SHOW(setattr(0, &a, 0));
    show("other");
    a = (struct attr){ 48, SCHED_OTHER, 0, 0 };
    SHOW(setattr(0, &a, 0));
    a.size = 0;
    SHOW(setattr(0, &a, 0));
    a.size = 47;
    SHOW(setattr(0, &a, 0));
    SHOW(a.size);
    a.size = 5000;
    SHOW(setattr(0, &a, 0));
    static struct { struct attr a; char more[64]; } big;
    big.a = (struct attr){ sizeof big, SCHED_OTHER };
    SHOW(setattr(0, &big.a, 0));
    big.more[9] = 1;
    SHOW(setattr(0, &big.a, 0));
    SHOW(big.a.size);
    a = (struct attr){ sizeof a, SCHED_OTHER, 1ULL << 20 };
    SHOW(setattr(0, &a, 0));
    a.flags = 32;
    SHOW(setattr(0, &a, 0));
    a.flags = 64;
    SHOW(setattr(0, &a, 0));
    a.flags = 0;
    SHOW(setattr(0, &a, 1));
    SHOW(setattr(-1, &a, 0));
    SHOW(setattr(99999999, &a, 0));
    SHOW(setattr(0, NULL, 0));
    SHOW(setattr(0, BAD, 0));
    a.policy = 77;
    SHOW(setattr(0, &a, 0));
    a.policy = -1;
    SHOW(setattr(0, &a, 0));
    SHOW(getattr(0, &a, 48, 0));
    SHOW(a.size);
    SHOW(getattr(0, &a, 47, 0));
    SHOW(getattr(0, &a, 5000, 0));
    SHOW(getattr(0, &a, sizeof a, 1));
    SHOW(getattr(0, NULL, sizeof a, 0));
    SHOW(getattr(0, BAD, sizeof a, 0));
    SHOW(getattr(-1, &a, sizeof a, 0));
    SHOW(getattr(99999999, &a, sizeof a, 0));
}

static void deadlines(void)
{
    struct attr a = { sizeof a, SCHED_DEADLINE, 0, 0, 0, 20000000, 100000000, 100000000 };
    /* Only who may use all processors may have deadlines: whoever started this may have been held to some. */
    cpu_set_t all;
    memset(&all, 0xff, sizeof all);
    SHOW(sched_setaffinity(0, sizeof all, &all));
    SHOW(setattr(0, &a, 0));
    show("deadline");
    SHOW(fork());
    SHOW(sched_yield());
    struct timespec start, now, used, before_it;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before_it);
    clock_gettime(CLOCK_MONOTONIC, &start);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while (now.tv_sec * 1000 + now.tv_nsec / 1000000 - start.tv_sec * 1000 - start.tv_nsec / 1000000 < 1000);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    long spent = (used.tv_sec - before_it.tv_sec) * 1000 + (used.tv_nsec - before_it.tv_nsec) / 1000000;
    HOLDS(spent < 450);
    a.flags = 1;
    SHOW(setattr(0, &a, 0));
    pid_t child = fork();
    if (child == 0) {
        show("child");
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    a.flags = 6;
    SHOW(setattr(0, &a, 0));
    show("flags");
    a.flags = 0;
    a.period = 0;
    SHOW(setattr(0, &a, 0));
    show("no period");
    a.runtime = 0;
    SHOW(setattr(0, &a, 0));
    a.runtime = 1000;
    SHOW(setattr(0, &a, 0));
    a.runtime = 200000000;
    SHOW(setattr(0, &a, 0));
    a.runtime = 20000000;
    a.deadline = 0;
    SHOW(setattr(0, &a, 0));
    a.deadline = 100000000;
    a.period = 50000000;
    SHOW(setattr(0, &a, 0));
    a.deadline = a.period = 1ULL << 63;
    SHOW(setattr(0, &a, 0));
    a.deadline = a.period = 5000000000000;
    SHOW(setattr(0, &a, 0));
    a.runtime = 2000;
    a.deadline = a.period = 50000;
    SHOW(setattr(0, &a, 0));
    become(SCHED_OTHER, 0);
    show("after");
}

/* Order on one processor. */
static void order(void)
{
    int p[2], q[2];
    char c;
    pipe(p);
    pipe(q);
    become(SCHED_FIFO, 10);
    if (fork() == 0) {
        become(SCHED_FIFO, 20);
        mark('a');
        read(p[0], &c, 1);
        mark('c');
        _exit(0);
    }
    /* the child has 10 too until it asks for 20: it runs when we wait */
    sched_yield();
    mark('b');
    write(p[1], "x", 1);
    mark('d');
    wait(NULL);
    show_trail("a higher priority comes at once");
    if (fork() == 0) {
        mark('2');
        read(p[0], &c, 1);
        mark('4');
        _exit(0);
    }
    mark('1');
    sched_yield();
    mark('3');
    write(p[1], "x", 1);
    mark('-');
    wait(NULL);
    show_trail("an equal one waits");
    for (int i = 0; i < 3; i++) {
        if (fork() == 0) {
            for (int n = 0; n < 3; n++) {
                mark('A' + i);
                sched_yield();
            }
            _exit(0);
        }
    }
    while (wait(NULL) > 0);
    show_trail("equals that yield take turns");
    pid_t low = fork();
    if (low == 0) {
        become(SCHED_OTHER, 0);
        mark('l');
        _exit(0);
    }
    sched_yield();
    mark('h');
    for (volatile int i = 0; i < 1000000; i++);
    mark('h');
    wait(NULL);
    show_trail("a fair one waits for us to sleep");
    pid_t other = fork();
    if (other == 0) {
        read(p[0], &c, 1);
        mark('o');
        _exit(0);
    }
    usleep(20000);
    write(p[1], "x", 1);
    struct sched_param up = { 30 };
    mark('m');
    sched_setscheduler(other, SCHED_FIFO, &up);
    mark('n');
    wait(NULL);
    show_trail("raised above us it runs at once");
    become(SCHED_OTHER, 0);
}

static uint32_t *lock;

static long pi(int op) { return syscall(SYS_futex, lock, op, 0, NULL, NULL, 0); }

/* The classic: low has the lock, high wants it, middle would keep low from running. */
static void inheritance(void)
{
    int begin[2], taken[2];
    char c;
    pipe(begin);
    pipe(taken);
    become(SCHED_FIFO, 40);
    if (fork() == 0) {
        become(SCHED_FIFO, 10);
        pi(FUTEX_LOCK_PI);
        mark('L');
        write(taken[1], "xx", 2);
        for (volatile int i = 0; i < 3000000; i++);
        mark('l');
        pi(FUTEX_UNLOCK_PI);
        mark('e');
        _exit(0);
    }
    read(taken[0], &c, 1);
    if (fork() == 0) {
        become(SCHED_FIFO, 20);
        mark('M');
        for (volatile int i = 0; i < 3000000; i++);
        mark('m');
        _exit(0);
    }
    mark('H');
    pi(FUTEX_LOCK_PI);
    mark('h');
    pi(FUTEX_UNLOCK_PI);
    while (wait(NULL) > 0);
    show_trail("priority is lent");
    become(SCHED_OTHER, 0);
}

static void rights(void)
{
    struct rlimit none = { 0, 0 };
    struct sched_param p = { 3 };
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_RTPRIO, &none);
        become(SCHED_FIFO, 5);
        setresuid(12345, 12345, 12345);
        p.sched_priority = 6;
        SHOW(sched_setparam(0, &p));
        p.sched_priority = 2;
        SHOW(sched_setparam(0, &p));
        p.sched_priority = 4;
        SHOW(sched_setparam(0, &p));
        SHOW(sched_setscheduler(0, SCHED_RR, &p));
        p.sched_priority = 0;
        SHOW(sched_setscheduler(0, SCHED_OTHER, &p));
        SHOW(sched_setscheduler(0, SCHED_BATCH, &p));
        SHOW(sched_setscheduler(0, SCHED_IDLE, &p));
        SHOW(sched_setscheduler(0, SCHED_OTHER, &p));
        SHOW(sched_setscheduler(getppid(), SCHED_BATCH, &p));
        struct attr a = { sizeof a, SCHED_DEADLINE, 0, 0, 0, 20000000, 100000000, 100000000 };
        SHOW(setattr(0, &a, 0));
        a = (struct attr){ sizeof a, SCHED_IDLE, 1, 0 };
        SHOW(setattr(0, &a, 0));
        a.flags = 0;
        SHOW(setattr(0, &a, 0));
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    trail = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    at = (volatile int *)(trail + 2048);
    lock = (uint32_t *)(trail + 3072);
    asking();
    attributes();
    fflush(stdout);
    if (geteuid() != 0)
        return 0;
    deadlines();
    fflush(stdout);
    rights();
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof one, &one);
    order();
    inheritance();
    return 0;
}
