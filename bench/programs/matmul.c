/*
 * Matrix multiply in double precision: four by eight accumulators in AVX2 registers with fused multiply-add, or plain C
 * where the processor says it has neither. All values are small integers, so both give the same sums.
 */
#include "bench.h"
#include <cpuid.h>
#include <immintrin.h>

enum { N = 192, ROUNDS = 100 };

static double a[N][N] __attribute__((aligned(64))), b[N][N] __attribute__((aligned(64))), c[N][N] __attribute__((aligned(64)));

static int has_avx2_and_fma(void)
{
    unsigned eax, ebx, ecx, edx, low, high;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & bit_OSXSAVE) == 0 || (ecx & bit_FMA) == 0)
        return 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6 && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_AVX2) != 0;
}

__attribute__((target("avx2,fma"))) static NOINLINE void multiply_vectors(void)
{
    for (int i = 0; i < N; i += 4) {
        for (int j = 0; j < N; j += 8) {
            __m256d sum[4][2];
            for (int r = 0; r < 4; r++) {
                sum[r][0] = _mm256_load_pd(&c[i + r][j]);
                sum[r][1] = _mm256_load_pd(&c[i + r][j + 4]);
            }
            for (int k = 0; k < N; k++) {
                __m256d left = _mm256_load_pd(&b[k][j]), right = _mm256_load_pd(&b[k][j + 4]);
                for (int r = 0; r < 4; r++) {
                    __m256d factor = _mm256_broadcast_sd(&a[i + r][k]);
                    sum[r][0] = _mm256_fmadd_pd(factor, left, sum[r][0]);
                    sum[r][1] = _mm256_fmadd_pd(factor, right, sum[r][1]);
                }
            }
            for (int r = 0; r < 4; r++) {
                _mm256_store_pd(&c[i + r][j], sum[r][0]);
                _mm256_store_pd(&c[i + r][j + 4], sum[r][1]);
            }
        }
    }
}

static NOINLINE void multiply_scalars(void)
{
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            double factor = a[i][k];
            for (int j = 0; j < N; j++)
                c[i][j] += factor * b[k][j];
        }
}

static uint64_t run(void)
{
    /* Sets the inexact flag, which is set in every program that has divided before. */
    volatile double third = 1.0;
    third /= 3.0;
    int vectors = has_avx2_and_fma();
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)(int)(next_random() % 33) - 16;
            b[i][j] = (double)(int)(next_random() % 33) - 16;
        }
    for (int round = 0; round < ROUNDS; round++) {
        if (vectors)
            multiply_vectors();
        else
            multiply_scalars();
        a[round % N][round / N] += 1;
    }
    uint64_t sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            sum = sum * 31 + (uint64_t)(int64_t)c[i][j];
    return sum;
}
