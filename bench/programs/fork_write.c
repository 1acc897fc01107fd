/* A process of 512 pages forks; its child writes to 32 of them and ends; then it writes to the same ones: copies and page tables. */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "timing.h"

enum { PAGES = 512, WRITTEN = 32, PAGE = 4096 };

static void work(volatile unsigned char *memory)
{
    for (int i = 0; i < WRITTEN; i++)
        memory[i * (PAGES / WRITTEN) * PAGE] += 1;
}

static int round_trip(unsigned char *memory)
{
    pid_t child = fork();
    if (child == 0) {
        work(memory);
        _exit(0);
    }
    work(memory);
    return child > 0 && waitpid(child, NULL, 0) == child;
}

int main(void)
{
    const int rounds = 600;
    unsigned char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return 1;
    for (int i = 0; i < PAGES; i++)
        memory[i * PAGE] = 1;
    for (uint64_t begin = now(); now() - begin < WARM_UP_NS;)
        if (!round_trip(memory))
            return 1;
    uint64_t start = now();
    for (int i = 0; i < rounds; i++)
        if (!round_trip(memory))
            return 1;
    report(start, rounds);
    return 0;
}
