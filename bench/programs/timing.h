/* A clock and a line of output for benchmarks that measure themselves: nanoseconds for one operation. */
#ifndef TIMING_H
#define TIMING_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

static inline uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* For how long to run before measuring: kernels of managed code are compiled in steps. */
#define WARM_UP_NS 800000000u

static inline void report(uint64_t start, uint64_t operations)
{
    printf("%.1f\n", (double)(now() - start) / (double)operations);
}

#endif
