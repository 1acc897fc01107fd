/* Hoare's quicksort with insertion sort for short runs: recursion and branches that can't be predicted. */
#include "bench.h"

#define COUNT 400000

static uint32_t numbers[COUNT];

static NOINLINE void sort(uint32_t *a, long low, long high)
{
    while (high - low > 12) {
        uint32_t pivot = a[low + (high - low) / 2];
        long i = low, k = high;
        while (i <= k) {
            while (a[i] < pivot)
                i++;
            while (a[k] > pivot)
                k--;
            if (i <= k) {
                uint32_t t = a[i];
                a[i++] = a[k];
                a[k--] = t;
            }
        }
        if (k - low < high - i) {
            sort(a, low, k);
            low = i;
        } else {
            sort(a, i, high);
            high = k;
        }
    }
    for (long i = low + 1; i <= high; i++) {
        uint32_t t = a[i];
        long k = i;
        for (; k > low && a[k - 1] > t; k--)
            a[k] = a[k - 1];
        a[k] = t;
    }
}

static uint64_t run(void)
{
    uint64_t sum = 0;
    for (int round = 0; round < 8; round++) {
        for (int i = 0; i < COUNT; i++)
            numbers[i] = (uint32_t)next_random();
        sort(numbers, 0, COUNT - 1);
        for (int i = 0; i < COUNT; i++)
            sum = sum * 31 + numbers[i];
    }
    return sum;
}
