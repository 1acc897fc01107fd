/*
 * What a benchmark needs of an operating system, without a C library: a checksum printed, an exit.
 * Every program defines `static uint64_t run(void)`, whose result is printed in hexadecimal.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#define NOINLINE __attribute__((noinline))

static uint64_t run(void);

static inline long system_call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

/* The compiler may call these for plain C loops and assignments. */
void *memset(void *to, int value, size_t n)
{
    unsigned char *p = to;
    while (n-- != 0) {
        *p++ = (unsigned char)value;
        __asm__ volatile("" : "+r"(p));
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    unsigned char *p = to;
    const unsigned char *q = from;
    while (n-- != 0) {
        *p++ = *q++;
        __asm__ volatile("" : "+r"(p));
    }
    return to;
}

static uint64_t random_state = 88172645463325252u;

/* Marsaglia's xorshift64. */
static inline uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

__attribute__((noreturn, used)) static void start(void)
{
    uint64_t checksum = run();
    char text[17];
    for (int i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[(checksum >> (60 - 4 * i)) & 15];
    text[16] = '\n';
    system_call(1, 1, (long)text, 17);
    system_call(231, 0, 0, 0);
    __builtin_unreachable();
}

__asm__(".globl _start\n_start:\n xor %ebp,%ebp\n and $-16,%rsp\n call start\n");

#endif
