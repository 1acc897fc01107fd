/* n processes that want a processor: each notes when it had one. Prints "process nice start end" in microseconds for each
 * stretch, and "total process nice cpu-time" in microseconds at the end.
 * usage: slices SECONDS NICE… (one process for each nice value) */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 20000
/* A pause in one's own clock readings that is longer than this is somebody else's turn. */
#define PAUSE 400

struct record {
    int count;
    long total;
    struct { int start, end; } stretch[MOST];
};

static long now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void run(struct record *r, long begin, long end)
{
    while (now(CLOCK_MONOTONIC) < begin);
    long used = now(CLOCK_PROCESS_CPUTIME_ID);
    long start = now(CLOCK_MONOTONIC), last = start;
    while (last < end) {
        long t = now(CLOCK_MONOTONIC);
        if (t - last > PAUSE && r->count < MOST) {
            r->stretch[r->count].start = start - begin;
            r->stretch[r->count++].end = last - begin;
            start = t;
        }
        last = t;
    }
    if (r->count < MOST) {
        r->stretch[r->count].start = start - begin;
        r->stretch[r->count++].end = last - begin;
    }
    r->total = now(CLOCK_PROCESS_CPUTIME_ID) - used;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: slices SECONDS NICE...\n");
        return 2;
    }
    int n = argc - 2;
    struct record *records = mmap(NULL, n * sizeof *records, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    long begin = now(CLOCK_MONOTONIC) + 200000 + 50000 * n;
    long end = begin + (long)(atof(argv[1]) * 1000000);
    for (int i = 0; i < n; i++) {
        if (fork() == 0) {
            setpriority(PRIO_PROCESS, 0, atoi(argv[i + 2]));
            run(&records[i], begin, end);
            _exit(0);
        }
    }
    while (wait(NULL) > 0);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < records[i].count; k++)
            printf("%d %s %d %d\n", i, argv[i + 2], records[i].stretch[k].start, records[i].stretch[k].end);
    for (int i = 0; i < n; i++)
        printf("total %d %s %ld\n", i, argv[i + 2], records[i].total);
    return 0;
}
