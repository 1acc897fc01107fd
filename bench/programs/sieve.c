/* Eratosthenes: counts primes with one byte a number; loads, stores and short loops over 2 MiB. */
#include "bench.h"

#define LIMIT (2u << 20)

static unsigned char composite[LIMIT];

static uint64_t run(void)
{
    uint64_t sum = 0;
    for (int round = 0; round < 36; round++) {
        for (uint32_t i = 0; i < LIMIT; i++)
            composite[i] = 0;
        for (uint32_t i = 2; i * i < LIMIT; i++) {
            if (composite[i])
                continue;
            for (uint32_t k = i * i; k < LIMIT; k += i)
                composite[k] = 1;
        }
        for (uint32_t i = 2; i < LIMIT; i++)
            sum += composite[i] ? 0 : i ^ (uint32_t)round;
    }
    return sum;
}
