/* 16 pages mapped, written, made read-only, read and unmapped, what changes of mappings cost. */
#include <sys/mman.h>
#include "timing.h"

enum { PAGES = 16, PAGE = 4096 };

static int round_trip(void)
{
    volatile unsigned char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 0;
    for (int i = 0; i < PAGES; i++)
        memory[i * PAGE] = (unsigned char)i;
    if (mprotect((void *)memory, PAGES * PAGE, PROT_READ) != 0)
        return 0;
    int sum = 0;
    for (int i = 0; i < PAGES; i++)
        sum += memory[i * PAGE];
    return munmap((void *)memory, PAGES * PAGE) == 0 && sum == PAGES * (PAGES - 1) / 2;
}

int main(void)
{
    const int rounds = 10000;
    for (uint64_t begin = now(); now() - begin < WARM_UP_NS;)
        if (!round_trip())
            return 1;
    uint64_t start = now();
    for (int i = 0; i < rounds; i++)
        if (!round_trip())
            return 1;
    report(start, rounds);
    return 0;
}
