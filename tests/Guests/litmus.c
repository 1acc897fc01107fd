/*
 * Litmus tests of x86's memory order (total store order) over two to four threads: what it forbids is never seen.
 * Arguments: how many rounds each test has, by default 20,000; --expect-reordering: store buffering must also show the one
 * outcome that the order permits and no interleaving explains, so that the processors did run at once.
 * cpus: 2
 */
#include "check.h"
#include <pthread.h>
#include <sched.h>

/* Rounds come in batches with cells of their own for each, so that threads need not wait for each other in between. */
enum { BATCH = 1000, LINE = 64, MOST = 4 };

struct cell { volatile int value; char rest[LINE - sizeof(int)]; } __attribute__((aligned(LINE)));

static struct cell xs[BATCH], ys[BATCH], arrived[MOST];
static int seen[MOST][2][BATCH];
static struct cell waiting, turn;
static const struct litmus *test;
static long patience;
static long rounds = 20000;
static long forbidden, permitted;

struct litmus {
    const char *name;
    int threads;
    /* One thread's part of a round: two accesses in program order; what it read goes to r. */
    void (*part)(int thread, volatile int *x, volatile int *y, int *r0, int *r1);
    int (*forbids)(int i);
    int (*permits)(int i);
};

#define STORES(first, one, second, other) \
    __asm__ volatile("movl %2, %0\n\tmovl %3, %1" : "=m"(*(first)), "=m"(*(second)) : "i"(one), "i"(other) : "memory")
#define LOADS(first, second) \
    __asm__ volatile("movl %2, %0\n\tmovl %3, %1" : "=&r"(*r0), "=&r"(*r1) : "m"(*(first)), "m"(*(second)) : "memory")
#define LOAD_STORE(first, second, value) \
    __asm__ volatile("movl %2, %0\n\tmovl %3, %1" : "=&r"(*r0), "=m"(*(second)) : "m"(*(first)), "i"(value) : "memory")
#define STORE_LOAD(between, first, value, second) \
    __asm__ volatile("movl %3, %1\n\t" between "\n\tmovl %2, %0" : "=&r"(*r0), "=m"(*(first)) : "m"(*(second)), "i"(value) : "memory")

static void store_buffering(int thread, volatile int *x, volatile int *y, int *r0, int *r1)
{
    if (thread == 0)
        STORE_LOAD("", x, 1, y);
    else
        STORE_LOAD("", y, 1, x);
}

static void fenced_store_buffering(int thread, volatile int *x, volatile int *y, int *r0, int *r1)
{
    if (thread == 0)
        STORE_LOAD("mfence", x, 1, y);
    else
        STORE_LOAD("mfence", y, 1, x);
}

static void locked_store_buffering(int thread, volatile int *x, volatile int *y, int *r0, int *r1)
{
    if (thread == 0)
        STORE_LOAD("lock orl $0, (%%rsp)", x, 1, y);
    else
        STORE_LOAD("lock orl $0, (%%rsp)", y, 1, x);
}

static void exchanged_store_buffering(int thread, volatile int *x, volatile int *y, int *r0, int *r1)
{
    volatile int *mine = thread == 0 ? x : y, *theirs = thread == 0 ? y : x;
    int value = 1;
    __asm__ volatile("xchgl %2, %1\n\tmovl %3, %0" : "=&r"(*r0), "+m"(*mine), "+r"(value) : "m"(*theirs) : "memory");
}

static void message_passing(int thread, volatile int *x, volatile int *y, int *r0, int *r1)
{
    if (thread == 0)
        STORES(x, 1, y, 1);
    else
        LOADS(y, x);
}

static void load_buffering(int thread, volatile int *x, volatile int *y, int *r0, int *r1)
{
    if (thread == 0)
        LOAD_STORE(x, y, 1);
    else
        LOAD_STORE(y, x, 1);
}

/* Independent reads of independent writes. */
static void independent_reads(int thread, volatile int *x, volatile int *y, int *r0, int *r1)
{
    switch (thread) {
    case 0: *x = 1; break;
    case 1: *y = 1; break;
    case 2: LOADS(x, y); break;
    default: LOADS(y, x); break;
    }
}

static void two_writes_each(int thread, volatile int *x, volatile int *y, int *r0, int *r1)
{
    if (thread == 0)
        STORES(x, 1, y, 2);
    else
        STORES(y, 1, x, 2);
}

static int both_read_zero(int i)
{
    return seen[0][0][i] == 0 && seen[1][0][i] == 0;
}

static int both_read_one(int i)
{
    return seen[0][0][i] == 1 && seen[1][0][i] == 1;
}

static int message_without_content(int i)
{
    return seen[1][0][i] == 1 && seen[1][1][i] == 0;
}

static int readers_disagree(int i)
{
    return seen[2][0][i] == 1 && seen[2][1][i] == 0 && seen[3][0][i] == 1 && seen[3][1][i] == 0;
}

static int first_writes_last(int i)
{
    return xs[i].value == 1 && ys[i].value == 1;
}

static const struct litmus tests[] = {
    { "store buffering", 2, store_buffering, 0, both_read_zero },
    { "store buffering with mfence", 2, fenced_store_buffering, both_read_zero },
    { "store buffering with a locked instruction", 2, locked_store_buffering, both_read_zero },
    { "store buffering with xchg", 2, exchanged_store_buffering, both_read_zero },
    { "message passing", 2, message_passing, message_without_content },
    { "load buffering", 2, load_buffering, both_read_one },
    { "independent reads of independent writes", 4, independent_reads, readers_disagree },
    { "2+2W", 2, two_writes_each, first_writes_last },
};

/*
 * All threads wait for each other: for a while on their processors, so that they start together, then making room for those
 * that have none.
 */
static void meet(void)
{
    int now = __atomic_load_n(&turn.value, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&waiting.value, 1, __ATOMIC_ACQ_REL) == test->threads) {
        waiting.value = 0;
        __atomic_store_n(&turn.value, now + 1, __ATOMIC_RELEASE);
        return;
    }
    for (long spins = 1; __atomic_load_n(&turn.value, __ATOMIC_ACQUIRE) == now; spins++) {
        if (spins < patience && spins % 8192 != 0)
            __builtin_ia32_pause();
        else
            sched_yield();
    }
}

/* Waits a little until all others are at this round: whoever is not runs at another time, so the batch is done apart. */
static int keep_pace(int thread, int i)
{
    arrived[thread].value = i + 1;
    for (int other = 0; other < test->threads; other++)
        for (int spins = 0; arrived[other].value <= i; spins++)
            if (spins == 1000)
                return 0;
    return 1;
}

/* A value that is neither 0 nor one that the test writes came from nowhere. */
static int from_nowhere(int i)
{
    for (int thread = 0; thread < MOST; thread++)
        for (int k = 0; k < 2; k++)
            if (seen[thread][k][i] < 0 || seen[thread][k][i] > 1)
                return 1;
    return xs[i].value < 0 || xs[i].value > 2 || ys[i].value < 0 || ys[i].value > 2;
}

static void *run_thread(void *argument)
{
    int thread = (int)(long)argument;
    unsigned jitter = 1 + (unsigned)thread;
    for (long done = 0; done < rounds; done += BATCH) {
        int count = rounds - done < BATCH ? (int)(rounds - done) : BATCH, together = 1;
        if (thread == 0)
            for (int i = 0; i < count; i++)
                xs[i].value = ys[i].value = 0;
        arrived[thread].value = 0;
        meet();
        for (int i = 0; i < count; i++) {
            int r0 = 0, r1 = 0;
            if (together)
                together = keep_pace(thread, i);
            jitter = jitter * 1664525 + 1013904223;
            for (unsigned n = jitter >> 29; n > 1; n--)
                __asm__ volatile("");
            test->part(thread, &xs[i].value, &ys[i].value, &r0, &r1);
            seen[thread][0][i] = r0;
            seen[thread][1][i] = r1;
        }
        meet();
        if (thread == 0)
            for (int i = 0; i < count; i++) {
                forbidden += (test->forbids != 0 && test->forbids(i)) || from_nowhere(i);
                permitted += test->permits != 0 && test->permits(i);
            }
    }
    return 0;
}

int main(int argc, char **argv)
{
    int expect_reordering = 0, failed = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--expect-reordering") == 0)
            expect_reordering = 1;
        else
            rounds = atol(argv[i]);
    }
    cpu_set_t processors;
    if (sched_getaffinity(0, sizeof processors, &processors) == 0 && CPU_COUNT(&processors) > 1)
        patience = expect_reordering ? 1 << 20 : 8192;
    for (size_t t = 0; t < sizeof tests / sizeof *tests; t++) {
        pthread_t threads[MOST];
        test = &tests[t];
        forbidden = permitted = 0;
        memset(seen, 0, sizeof seen);
        for (long i = 1; i < test->threads; i++)
            if (pthread_create(&threads[i], 0, run_thread, (void *)i) != 0)
                return 2;
        run_thread(0);
        for (int i = 1; i < test->threads; i++)
            pthread_join(threads[i], 0);
        printf("%s: forbidden outcomes: %ld\n", test->name, forbidden);
        failed |= forbidden != 0;
        if (expect_reordering && test->permits != 0) {
            printf("%s: the permitted outcome was %s\n", test->name, permitted != 0 ? "seen" : "never seen");
            failed |= permitted == 0;
        }
    }
    return failed;
}
