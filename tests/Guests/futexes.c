/*
 * Futexes and what threads leave to the kernel: every operation, time-outs on both clocks, robust lists, restartable
 * sequences, barriers.
 * covers: futex futex_waitv set_robust_list get_robust_list set_tid_address rseq membarrier
 */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

struct waitv { uint64_t value, address; uint32_t flags, reserved; };

static int *words;

static long futex(int *word, int op, unsigned value, const void *timeout, int *second, unsigned value3)
{
    return syscall(SYS_futex, word, op, value, timeout, second, value3);
}

static struct timespec in_milliseconds(clockid_t clock, long ms)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

/* Waits until the process sleeps: all it does from then on is wait in its call. */
static void until_asleep(pid_t pid)
{
    char path[64], text[256];
    for (;;) {
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        int fd = open(path, O_RDONLY);
        if (fd < 0) {
            usleep(50000);
            return;
        }
        ssize_t n = read(fd, text, sizeof text - 1);
        close(fd);
        text[n > 0 ? n : 0] = 0;
        char *state = strrchr(text, ')');
        if (state && state[2] == 'S')
            return;
        usleep(1000);
    }
}

static pid_t waiter(int *word, int op, unsigned value, unsigned bitset)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(futex(word, op, value, NULL, NULL, bitset) == 0 ? 7 : 8);
    until_asleep(pid);
    return pid;
}

static int reap(pid_t pid)
{
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void waiting_and_waking(void)
{
    struct timespec none = { 0, 0 }, bad = { 0, 1000000000 }, soon = { 0, 10000000 };
    words[0] = 5;
    SHOW(futex(words, FUTEX_WAIT, 4, NULL, NULL, 0));
    SHOW(futex(words, FUTEX_WAIT, 5, &none, NULL, 0));
    SHOW(futex(words, FUTEX_WAIT, 5, &soon, NULL, 0));
    SHOW(futex(words, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 5, &soon, NULL, 0));
    SHOW(futex(words, FUTEX_WAIT, 5, &bad, NULL, 0));
    SHOW(futex(words, FUTEX_WAIT, 5, BAD, NULL, 0));
    SHOW(futex((int *)((char *)words + 1), FUTEX_WAIT, 5, NULL, NULL, 0));
    SHOW(futex(BAD, FUTEX_WAIT, 5, NULL, NULL, 0));
    SHOW(futex(words, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex((int *)((char *)words + 2), FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(words, FUTEX_WAIT_BITSET, 5, NULL, NULL, 0));
    SHOW(futex(words, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
    SHOW(futex(words, 99, 1, NULL, NULL, 0));
    SHOW(futex(words, FUTEX_FD, 1, NULL, NULL, 0));
    SHOW(futex(words, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));

    struct timespec past = { 1, 0 }, at = in_milliseconds(CLOCK_MONOTONIC, 10);
    SHOW(futex(words, FUTEX_WAIT_BITSET, 5, &past, NULL, ~0u));
    SHOW(futex(words, FUTEX_WAIT_BITSET, 5, &at, NULL, ~0u));
    at = in_milliseconds(CLOCK_REALTIME, 10);
    SHOW(futex(words, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &at, NULL, ~0u));

    pid_t a = waiter(words, FUTEX_WAIT, 5, 0), b = waiter(words, FUTEX_WAIT, 5, 0), c = waiter(words, FUTEX_WAIT, 5, 0);
    SHOW(futex(words, FUTEX_WAKE, 2, NULL, NULL, 0));
    SHOW(futex(words, FUTEX_WAKE, 100, NULL, NULL, 0));
    SHOW(reap(a) + reap(b) + reap(c));
    a = waiter(words, FUTEX_WAIT_BITSET, 5, 1);
    b = waiter(words, FUTEX_WAIT_BITSET, 5, 2);
    SHOW(futex(words, FUTEX_WAKE_BITSET, 10, NULL, NULL, 4));
    SHOW(futex(words, FUTEX_WAKE_BITSET, 10, NULL, NULL, 2));
    SHOW(reap(b));
    SHOW(futex(words, FUTEX_WAKE_BITSET, 10, NULL, NULL, ~0u));
    SHOW(reap(a));
}

static void requeueing(void)
{
    words[0] = 1;
    words[1] = 2;
    pid_t a = waiter(words, FUTEX_WAIT, 1, 0), b = waiter(words, FUTEX_WAIT, 1, 0), c = waiter(words, FUTEX_WAIT, 1, 0);
    SHOW(futex(words, FUTEX_CMP_REQUEUE, 1, (void *)5L, &words[1], 9));
    SHOW(futex(words, FUTEX_CMP_REQUEUE, 1, (void *)1L, &words[1], 1));
    SHOW(futex(words, FUTEX_REQUEUE, 0, (void *)5L, &words[1], 0));
    SHOW(futex(words, FUTEX_WAKE, 5, NULL, NULL, 0));
    SHOW(futex(&words[1], FUTEX_WAKE, 5, NULL, NULL, 0));
    SHOW(reap(a) + reap(b) + reap(c));
    SHOW(futex(words, FUTEX_CMP_REQUEUE, -1, (void *)1L, &words[1], 1));
    SHOW(futex(words, FUTEX_REQUEUE, 1, (void *)1L, (int *)((char *)words + 6), 1));

    words[0] = words[1] = 10;
    a = waiter(words, FUTEX_WAIT, 10, 0);
    b = waiter(&words[1], FUTEX_WAIT, 10, 0);
    SHOW(futex(words, FUTEX_WAKE_OP, 1, (void *)1L, &words[1], FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 10)));
    SHOW(words[1]);
    SHOW(reap(a) + reap(b));
    SHOW(futex(words, FUTEX_WAKE_OP, 1, (void *)1L, &words[1], FUTEX_OP(FUTEX_OP_SET, 12, FUTEX_OP_CMP_NE, 1)));
    SHOW(futex(words, FUTEX_WAKE_OP, 1, (void *)1L, &words[1], FUTEX_OP(FUTEX_OP_OR, 3, FUTEX_OP_CMP_LT, 1)));
    SHOW(futex(words, FUTEX_WAKE_OP, 1, (void *)1L, &words[1], FUTEX_OP(FUTEX_OP_ANDN, 5, FUTEX_OP_CMP_GE, 1)));
    SHOW(futex(words, FUTEX_WAKE_OP, 1, (void *)1L, &words[1], FUTEX_OP(FUTEX_OP_XOR | FUTEX_OP_OPARG_SHIFT, 4, FUTEX_OP_CMP_GT, 1)));
    SHOW(words[1]);
    SHOW(futex(words, FUTEX_WAKE_OP, 1, (void *)1L, &words[1], FUTEX_OP(7, 4, FUTEX_OP_CMP_GT, 1)));
}

static void owned_locks(void)
{
    int self = getpid();
    words[2] = words[3] = 0;
    SHOW(futex(&words[2], FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    HOLDS(words[2] == self);
    SHOW(futex(&words[2], FUTEX_LOCK_PI, 0, NULL, NULL, 0));
    SHOW(futex(&words[2], FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct timespec at = in_milliseconds(CLOCK_REALTIME, 10);
        SHOW(futex(&words[2], FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
        SHOW(futex(&words[2], FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
        SHOW(futex(&words[2], FUTEX_LOCK_PI, 0, &at, NULL, 0));
        fflush(stdout);
        __atomic_store_n(&words[3], 1, __ATOMIC_SEQ_CST);
        long got = futex(&words[2], FUTEX_LOCK_PI, 0, NULL, NULL, 0);
        SHOW(got);
        HOLDS((words[2] & FUTEX_TID_MASK) == getpid());
        SHOW(futex(&words[2], FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
        fflush(stdout);
        _exit(0);
    }
    while (!__atomic_load_n(&words[3], __ATOMIC_SEQ_CST))
        usleep(1000);
    until_asleep(pid);
    HOLDS((words[2] & FUTEX_WAITERS) != 0);
    SHOW(futex(&words[2], FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
    SHOW(reap(pid));
    SHOW(words[2]);
    words[2] = 0x3ffffff0;
    SHOW(futex(&words[2], FUTEX_LOCK_PI, 0, NULL, NULL, 0));
}

static void vectors(void)
{
    words[0] = 1;
    words[1] = 2;
    struct waitv v[2] = { { 1, (uintptr_t)&words[0], 2, 0 }, { 2, (uintptr_t)&words[1], 2, 0 } };
    struct timespec at = in_milliseconds(CLOCK_MONOTONIC, 10);
    SHOW(syscall(SYS_futex_waitv, v, 2, 0, &at, CLOCK_MONOTONIC));
    v[1].value = 3;
    SHOW(syscall(SYS_futex_waitv, v, 2, 0, NULL, CLOCK_MONOTONIC));
    v[1].value = 2;
    SHOW(syscall(SYS_futex_waitv, v, 0, 0, NULL, CLOCK_MONOTONIC));
    SHOW(syscall(SYS_futex_waitv, v, 2, 1, NULL, CLOCK_MONOTONIC));
    SHOW(syscall(SYS_futex_waitv, v, 129, 0, NULL, CLOCK_MONOTONIC));
    SHOW(syscall(SYS_futex_waitv, v, 2, 0, &at, CLOCK_BOOTTIME));
    v[0].flags = 1;
    SHOW(syscall(SYS_futex_waitv, v, 2, 0, NULL, CLOCK_MONOTONIC));
    v[0].flags = 2;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit(syscall(SYS_futex_waitv, v, 2, 0, NULL, CLOCK_MONOTONIC));
    until_asleep(pid);
    SHOW(futex(&words[1], FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(reap(pid));
}

static void *exits_with_lock(void *mutex)
{
    pthread_mutex_lock(mutex);
    return NULL;
}

static void robust_lists(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_t mutex;
    pthread_mutex_init(&mutex, &attributes);
    pthread_t thread;
    pthread_create(&thread, NULL, exits_with_lock, &mutex);
    pthread_join(thread, NULL);
    SHOW(pthread_mutex_lock(&mutex) == EOWNERDEAD);
    SHOW(pthread_mutex_consistent(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));

    struct robust_list_head *head = NULL;
    size_t length = 0;
    SHOW(syscall(SYS_get_robust_list, 0, &head, &length));
    HOLDS(head != NULL && length == sizeof *head);
    SHOW(syscall(SYS_get_robust_list, 0, BAD, &length));
    SHOW(syscall(SYS_get_robust_list, 0x3ffffff0, &head, &length));
    SHOW(syscall(SYS_set_robust_list, head, length - 1));
    SHOW(syscall(SYS_set_robust_list, head, length));
}

static void restartable_sequences_and_barriers(void)
{
    static struct { uint32_t start, id; uint64_t cs; uint32_t flags, node, mm; } __attribute__((aligned(32))) area;
    SHOW(syscall(SYS_rseq, &area, 32, 2, 0x1234));
    SHOW(syscall(SYS_rseq, &area, 32, 1, 0x1234));
    HOLDS(syscall(SYS_set_tid_address, &words[5]) == getpid());
    IN_CHILD({
        /* A forked child of a program whose libc has registered already. */
        long result = syscall(SYS_rseq, (char *)&area + 4, 32, 0, 0x1234);
        HOLDS(result == -1 && errno == EINVAL);
    });
    HOLDS(syscall(SYS_membarrier, 0, 0, 0) > 0);
    SHOW(syscall(SYS_membarrier, 0, 1, 0));
    SHOW(syscall(SYS_membarrier, 1 << 20, 0, 0));
    SHOW(syscall(SYS_membarrier, 8, 0, 0));
    SHOW(syscall(SYS_membarrier, 16, 0, 0));
    SHOW(syscall(SYS_membarrier, 8, 0, 0));
    SHOW(syscall(SYS_membarrier, 32, 0, 0));
    SHOW(syscall(SYS_membarrier, 64, 0, 0));
    SHOW(syscall(SYS_membarrier, 32, 0, 0));
    SHOW(syscall(SYS_membarrier, 4, 0, 0));
    SHOW(syscall(SYS_membarrier, 2, 0, 0));
    SHOW(syscall(SYS_membarrier, 1, 0, 0));
}

int main(void)
{
    words = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    waiting_and_waking();
    requeueing();
    owned_locks();
    vectors();
    robust_lists();
    restartable_sequences_and_barriers();
    return 0;
}
