/* Futexes that move waiters to locks with owners, the younger futex calls, what a thread's end does to its locks,
 * restartable sequences that are interrupted, barriers.
 * linux: 6.7
 * covers: futex futex_wait futex_wake futex_requeue futex_waitv set_robust_list get_robust_list rseq membarrier
 */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

#ifndef FUTEX2_SIZE_U32
#define FUTEX2_SIZE_U8 0
#define FUTEX2_SIZE_U16 1
#define FUTEX2_SIZE_U32 2
#define FUTEX2_SIZE_U64 3
#define FUTEX2_PRIVATE FUTEX_PRIVATE_FLAG
#endif
#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

struct waitv { uint64_t value, address; uint32_t flags, reserved; };

static int *words;

static long futex(int *word, int op, unsigned value, const void *timeout, int *second, unsigned value3)
{
    return syscall(SYS_futex, word, op, value, timeout, second, value3);
}

static long futex_wait(void *word, unsigned long value, unsigned long mask, unsigned flags, struct timespec *timeout, int clock)
{
    return syscall(455, word, value, mask, flags, timeout, clock);
}

static long futex_wake(void *word, unsigned long mask, int count, unsigned flags) { return syscall(454, word, mask, count, flags); }

static struct timespec in_milliseconds(clockid_t clock, long ms)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void until_asleep(pid_t pid)
{
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    for (;;) {
        int fd = open(path, O_RDONLY);
        ssize_t n = read(fd, text, sizeof text - 1);
        close(fd);
        text[n > 0 ? n : 0] = 0;
        char *state = strrchr(text, ')');
        if (state && state[2] == 'S')
            return;
        usleep(1000);
    }
}

static int reap(pid_t pid)
{
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Waits on the first word to own the second; says how it came out, and lets go of the lock. */
static pid_t requeue_waiter(int *word, int *lock, int code)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        long result = futex(word, FUTEX_WAIT_REQUEUE_PI, *word, NULL, lock, 0);
        int owned = (*lock & FUTEX_TID_MASK) == getpid();
        words[8]++;
        if (owned)
            futex(lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
        _exit(result == 0 && owned ? code : 100);
    }
    until_asleep(pid);
    return pid;
}

static void moving_to_locks(void)
{
    int *word = &words[0], *lock = &words[1], *other = &words[2];
    *word = 7;
    *lock = *other = 0;
    SHOW(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)0L, lock, 7));

    /* The lock is free: the first waiter gets it at once. */
    pid_t a = requeue_waiter(word, lock, 1);
    SHOW(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)0L, other, 7));
    SHOW(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)0L, lock, 8));
    SHOW(futex(word, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(word, FUTEX_CMP_REQUEUE, 1, (void *)5L, lock, 7));
    SHOW(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)0L, lock, 7));
    SHOW(reap(a));
    SHOW(*lock);

    /* The lock is ours: all wait for it, one after the other. */
    SHOW(futex(lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    a = requeue_waiter(word, lock, 1);
    pid_t b = requeue_waiter(word, lock, 2), c = requeue_waiter(word, lock, 4);
    SHOW(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1L, lock, 7));
    HOLDS(*lock == (getpid() | FUTEX_WAITERS));
    SHOW(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)9L, lock, 7));
    words[8] = 0;
    SHOW(futex(lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    SHOW(reap(a) + reap(b) + reap(c));
    SHOW(*lock);
    SHOW(words[8]);

    /* Free, with more than one waiting. */
    a = requeue_waiter(word, lock, 1);
    b = requeue_waiter(word, lock, 2);
    SHOW(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)5L, lock, 7));
    SHOW(reap(a) + reap(b));
    SHOW(*lock);

    /* A waiter of the plain kind is not moved. */
    fflush(stdout);
    a = fork();
    if (a == 0)
        _exit(futex(word, FUTEX_WAIT, 7, NULL, NULL, 0) == 0 ? 3 : 4);
    until_asleep(a);
    SHOW(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)0L, lock, 7));
    SHOW(futex(word, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(reap(a));

    SHOW(futex(word, FUTEX_CMP_REQUEUE_PI, 2, (void *)0L, lock, 7));
    SHOW(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)0L, word, 7));
    SHOW(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)-1L, lock, 7));
    SHOW(futex(BAD, FUTEX_CMP_REQUEUE_PI, 1, (void *)0L, lock, 7));
    SHOW(futex(word, FUTEX_WAIT_REQUEUE_PI, 7, NULL, word, 0));
    SHOW(futex(word, FUTEX_WAIT_REQUEUE_PI, 6, NULL, lock, 0));
    SHOW(futex(word, FUTEX_WAIT_REQUEUE_PI, 7, NULL, BAD, 0));
    struct timespec past = { 1, 0 }, bad = { 0, 1000000000 }, soon = in_milliseconds(CLOCK_MONOTONIC, 10);
    SHOW(futex(word, FUTEX_WAIT_REQUEUE_PI, 7, &past, lock, 0));
    SHOW(futex(word, FUTEX_WAIT_REQUEUE_PI, 7, &soon, lock, 0));
    soon = in_milliseconds(CLOCK_REALTIME, 10);
    SHOW(futex(word, FUTEX_WAIT_REQUEUE_PI | FUTEX_CLOCK_REALTIME, 7, &soon, lock, 0));
    SHOW(futex(word, FUTEX_WAIT_REQUEUE_PI, 7, &bad, lock, 0));
    SHOW(futex(word, FUTEX_WAIT_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 7, &past, lock, 0));

    /* Time runs out while the lock is waited for already. */
    SHOW(futex(lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    fflush(stdout);
    a = fork();
    if (a == 0) {
        soon = in_milliseconds(CLOCK_MONOTONIC, 1000);
        _exit(futex(word, FUTEX_WAIT_REQUEUE_PI, 7, &soon, lock, 0) == -1 && errno == ETIMEDOUT ? 5 : 6);
    }
    until_asleep(a);
    SHOW(futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void *)0L, lock, 7));
    SHOW(reap(a));
    SHOW(futex(lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));

    /* FUTEX_LOCK_PI2 takes either clock. */
    SHOW(futex(lock, FUTEX_LOCK_PI2, 0, NULL, NULL, 0));
    fflush(stdout);
    a = fork();
    if (a == 0) {
        soon = in_milliseconds(CLOCK_MONOTONIC, 10);
        SHOW(futex(lock, FUTEX_LOCK_PI2, 0, &soon, NULL, 0));
        soon = in_milliseconds(CLOCK_REALTIME, 10);
        SHOW(futex(lock, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME, 0, &soon, NULL, 0));
        SHOW(futex(lock, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, &soon, NULL, 0));
        fflush(stdout);
        _exit(0);
    }
    SHOW(reap(a));
    SHOW(futex(lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}

static void younger_calls(void)
{
    words[0] = 5;
    struct timespec past = { 1, 0 }, bad = { 0, -1 }, soon = in_milliseconds(CLOCK_MONOTONIC, 10);
    SHOW(futex_wait(words, 4, ~0u, FUTEX2_SIZE_U32, NULL, CLOCK_MONOTONIC));
    SHOW(futex_wait(words, 5, ~0u, FUTEX2_SIZE_U32, &past, CLOCK_MONOTONIC));
    SHOW(futex_wait(words, 5, ~0u, FUTEX2_SIZE_U32 | FUTEX2_PRIVATE, &soon, CLOCK_MONOTONIC));
    soon = in_milliseconds(CLOCK_REALTIME, 10);
    SHOW(futex_wait(words, 5, ~0u, FUTEX2_SIZE_U32, &soon, CLOCK_REALTIME));
    SHOW(futex_wait(words, 5, ~0u, FUTEX2_SIZE_U32, &soon, CLOCK_BOOTTIME));
    SHOW(futex_wait(words, 5, ~0u, FUTEX2_SIZE_U32, &bad, CLOCK_MONOTONIC));
    SHOW(futex_wait(words, 5, ~0u, FUTEX2_SIZE_U32, BAD, CLOCK_MONOTONIC));
    SHOW(futex_wait(words, 5, 0, FUTEX2_SIZE_U32, NULL, CLOCK_MONOTONIC));
    SHOW(futex_wait(words, 1UL << 32, ~0u, FUTEX2_SIZE_U32, NULL, CLOCK_MONOTONIC));
    SHOW(futex_wait(words, 5, 1UL << 32, FUTEX2_SIZE_U32, NULL, CLOCK_MONOTONIC));
    SHOW(futex_wait((char *)words + 2, 5, ~0u, FUTEX2_SIZE_U32, NULL, CLOCK_MONOTONIC));
    SHOW(futex_wait(BAD, 5, ~0u, FUTEX2_SIZE_U32, NULL, CLOCK_MONOTONIC));
    SHOW(futex_wait(words, 5, ~0u, FUTEX2_SIZE_U8, NULL, CLOCK_MONOTONIC));
    SHOW(futex_wait(words, 5, ~0u, FUTEX2_SIZE_U64, NULL, CLOCK_MONOTONIC));
    SHOW(futex_wait(words, 5, ~0u, 0x100, NULL, CLOCK_MONOTONIC));
    SHOW(futex_wake(words, ~0u, 1, FUTEX2_SIZE_U32));
    SHOW(futex_wake(words, ~0u, 0, FUTEX2_SIZE_U32));
    SHOW(futex_wake(words, 0, 1, FUTEX2_SIZE_U32));
    SHOW(futex_wake(words, 1UL << 32, 1, FUTEX2_SIZE_U32));
    SHOW(futex_wake((char *)words + 1, ~0u, 1, FUTEX2_SIZE_U32));
    SHOW(futex_wake(BAD, ~0u, 1, FUTEX2_SIZE_U32));
    SHOW(futex_wake(words, ~0u, 1, FUTEX2_SIZE_U16));
    pid_t pids[3];
    for (int i = 0; i < 3; i++) {
        fflush(stdout);
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(futex_wait(words, 5, 1 << i, FUTEX2_SIZE_U32, NULL, CLOCK_MONOTONIC) == 0 ? i + 1 : 50);
        until_asleep(pids[i]);
    }
    SHOW(futex_wake(words, 8, 9, FUTEX2_SIZE_U32));
    SHOW(futex_wake(words, 2, 9, FUTEX2_SIZE_U32));
    SHOW(reap(pids[1]));
    SHOW(futex_wake(words, ~0u, 0, FUTEX2_SIZE_U32));
    struct waitv pair[2] = { { 5, (uintptr_t)words, FUTEX2_SIZE_U32, 0 }, { 0, (uintptr_t)&words[1], FUTEX2_SIZE_U32, 0 } };
    SHOW(syscall(456, pair, 0, 1, 1));
    SHOW(reap(pids[0]));
    SHOW(futex_wake(words, ~0u, 9, FUTEX2_SIZE_U32));
    SHOW(futex_wake(&words[1], ~0u, 9, FUTEX2_SIZE_U32));
    SHOW(reap(pids[2]));
    pair[0].value = 6;
    SHOW(syscall(456, pair, 0, 1, 1));
    pair[0].value = 5;
    SHOW(syscall(456, pair, 1, 1, 1));
    SHOW(syscall(456, NULL, 0, 1, 1));
    SHOW(syscall(456, BAD, 0, 1, 1));
    SHOW(syscall(456, pair, 0, -1, 1));
    SHOW(syscall(456, pair, 0, 1, -1));
    pair[1].flags = FUTEX2_SIZE_U8;
    SHOW(syscall(456, pair, 0, 1, 1));
    pair[1].flags = FUTEX2_SIZE_U32;
    pair[1].reserved = 1;
    SHOW(syscall(456, pair, 0, 1, 1));
    pair[1].reserved = 0;
    pair[1].address = 8;
    SHOW(syscall(456, pair, 0, 1, 1));
}

/* A thread ends with locks on its robust list: the words say so, and one waiter each wakes up. */
struct robust { struct robust_list list; int word; };

static int ends_with_locks(void *unused)
{
    static struct robust_list_head head;
    struct robust *shared = (struct robust *)(words + 64);
    head.list.next = &shared[0].list;
    shared[0].list.next = &shared[1].list;
    shared[1].list.next = &head.list;
    head.futex_offset = offsetof(struct robust, word);
    head.list_op_pending = &shared[2].list;
    SHOW(syscall(SYS_set_robust_list, &head, sizeof head));
    for (int i = 0; i < 3; i++)
        shared[i].word = gettid() | (i == 0 ? FUTEX_WAITERS : 0);
    shared[1].word = 12345;
    fflush(stdout);
    syscall(SYS_exit, 0);
    return 0;
}

static void ends_of_threads(void)
{
    struct robust *shared = (struct robust *)(words + 64);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        ends_with_locks(NULL);
    SHOW(reap(pid));
    printf("%x %d %x\n", shared[0].word, shared[1].word, shared[2].word & ~FUTEX_TID_MASK);
    struct robust_list_head *head = NULL;
    size_t length = 0;
    IN_CHILD({
        pid_t parent = getppid();
        setuid(12345);
        SHOW(syscall(SYS_get_robust_list, parent, &head, &length));
    });
    SHOW(syscall(SYS_get_robust_list, 0, &head, BAD));
    SHOW(syscall(SYS_get_robust_list, -1, &head, &length));
    SHOW(syscall(SYS_set_robust_list, NULL, 0L));
    SHOW(syscall(SYS_set_robust_list, BAD, sizeof *head));
    IN_CHILD(SHOW(syscall(SYS_set_robust_list, BAD, sizeof *head)));
    SHOW(syscall(SYS_set_robust_list, NULL, sizeof *head));
}

struct section { uint32_t version, flags; uint64_t start, length, abort; } __attribute__((aligned(32)));

static struct { uint32_t cpu_start, cpu; uint64_t section; uint32_t flags, node, mm; } __attribute__((aligned(32))) area;
static volatile int interrupted;

static void on_alarm(int signal) { interrupted++; }

/* Spins in a critical section that does not end by itself: an interruption must lead to the abort handler. */
static long spin(struct section *cs)
{
    long result;
    __asm__ volatile(
        "lea 1f(%%rip), %%rax\n\tmov %%rax, 8(%1)\n\t"
        "lea 2f(%%rip), %%rcx\n\tsub %%rax, %%rcx\n\tmov %%rcx, 16(%1)\n\t"
        "lea 3f(%%rip), %%rax\n\tmov %%rax, 24(%1)\n\t"
        "xor %%eax, %%eax\n\t"
        "mov %1, 8(%2)\n\t"
        "1: inc %%rax\n\tjmp 1b\n\t"
        "2: mov $-1, %%rax\n\tjmp 4f\n\t"
        ".byte 0x0f, 0xb9, 0x3d\n\t.long 0x53053053\n\t"
        "3: mov $77, %%rax\n\t"
        "4:\n\t"
        : "=&a"(result)
        : "r"(cs), "r"(&area)
        : "rcx", "memory");
    return result;
}

static int sequences(void *unused)
{
    static struct section cs;
    SHOW(syscall(SYS_rseq, &area, 32, 0, 0x53053053));
    HOLDS(area.cpu_start == area.cpu && area.cpu < 1024);
    SHOW(syscall(SYS_rseq, &area, 32, 0, 0x53053053));
    SHOW(syscall(SYS_rseq, &area, 32, 0, 0x53053054));
    SHOW(syscall(SYS_rseq, (char *)&area + 32, 32, 0, 0x53053053));
    SHOW(syscall(SYS_rseq, &area, 31, 0, 0x53053053));
    SHOW(syscall(SYS_rseq, &area, 32, 4, 0x53053053));
    struct itimerval soon = { { 0, 0 }, { 0, 20000 } };
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &soon, NULL);
    SHOW(spin(&cs));
    SHOW(area.section == 0);
    /* The alarm may come after another interruption, such as the end of a time slice. */
    while (!interrupted)
        usleep(1000);
    SHOW(syscall(SYS_rseq, &area, 32, 1, 0x53053054));
    SHOW(syscall(SYS_rseq, &area, 64, 1, 0x53053053));
    SHOW(syscall(SYS_rseq, (char *)&area + 32, 32, 1, 0x53053053));
    SHOW(syscall(SYS_rseq, &area, 32, 1, 0x53053053));
    HOLDS(area.cpu == (uint32_t)-1);
    SHOW(syscall(SYS_rseq, &area, 32, 1, 0x53053053));
    SHOW(syscall(SYS_rseq, (char *)&area + 8, 32, 0, 0x53053053));
    SHOW(syscall(SYS_rseq, &area, 16, 0, 0x53053053));
    SHOW(syscall(SYS_rseq, (void *)0xffff800000000000UL, 32, 0, 0x53053053));

    /* An abort handler without the signature before it ends the process. */
    SHOW(syscall(SYS_rseq, &area, 32, 0, 0x11111111));
    fflush(stdout);
    setitimer(ITIMER_REAL, &soon, NULL);
    spin(&cs);
    return 0;
}

static void barriers(void)
{
    long all = syscall(SYS_membarrier, 0, 0, 0);
    HOLDS((all & 0x3ff) == 0x3ff);
    IN_CHILD({
        SHOW(syscall(SYS_membarrier, 512, 0, 0));
        SHOW(syscall(SYS_membarrier, 1, 0, 0));
        SHOW(syscall(SYS_membarrier, 2, 0, 0));
        SHOW(syscall(SYS_membarrier, 8, 0, 0));
        SHOW(syscall(SYS_membarrier, 32, 0, 0));
        SHOW(syscall(SYS_membarrier, 128, 0, 0));
        SHOW(syscall(SYS_membarrier, 4, 0, 0));
        SHOW(syscall(SYS_membarrier, 512, 0, 0));
        SHOW(syscall(SYS_membarrier, 16, 0, 0));
        SHOW(syscall(SYS_membarrier, 512, 0, 0));
        SHOW(syscall(SYS_membarrier, 8, 0, 0));
        SHOW(syscall(SYS_membarrier, 64, 0, 0));
        SHOW(syscall(SYS_membarrier, 32, 0, 0));
        SHOW(syscall(SYS_membarrier, 256, 0, 0));
        SHOW(syscall(SYS_membarrier, 512, 0, 0));
        SHOW(syscall(SYS_membarrier, 128, 0, 0));
        SHOW(syscall(SYS_membarrier, 128, 1, 0));
        SHOW(syscall(SYS_membarrier, 128, 1, 100000));
        SHOW(syscall(SYS_membarrier, 128, 2, 0));
        SHOW(syscall(SYS_membarrier, 512, 1, 0));
        SHOW(syscall(SYS_membarrier, 3, 0, 0));
        SHOW(syscall(SYS_membarrier, 8, 1, 0));
        SHOW(syscall(SYS_membarrier, 1024, 0, 0));
        fflush(stdout);
        if (fork() == 0) {
            SHOW(syscall(SYS_membarrier, 512, 0, 0));
            fflush(stdout);
            _exit(0);
        }
        wait(NULL);
    });
}

int main(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    words = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    moving_to_locks();
    younger_calls();
    ends_of_threads();
    /* A thread of its own memory's making has no area registered by a library. */
    fflush(stdout);
    int status;
    pid_t pid = clone(sequences, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    waitpid(pid, &status, 0);
    printf("signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    barriers();
    return 0;
}
