/* Two processes that wake each other over pipes, each with work in 64 pages of its own between: what a switch makes a processor forget. */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "timing.h"

enum { PAGES = 64, PAGE = 4096 };

static void work(volatile unsigned char *memory)
{
    for (int i = 0; i < PAGES; i++)
        memory[i * PAGE + i] += 1;
}

static int pass(int from, int to, volatile unsigned char *memory)
{
    char byte;
    if (read(from, &byte, 1) != 1)
        return 0;
    work(memory);
    return write(to, &byte, 1) == 1;
}

int main(void)
{
    int there[2], back[2];
    const int rounds = 20000;
    unsigned char *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || pipe(there) != 0 || pipe(back) != 0)
        return 1;
    work(memory);
    pid_t child = fork();
    if (child < 0)
        return 1;
    if (child == 0) {
        close(there[1]);
        while (pass(there[0], back[1], memory))
            ;
        _exit(0);
    }
    close(there[0]);
    if (write(there[1], "x", 1) != 1)
        return 1;
    uint64_t begin = now(), start = 0;
    for (int i = 0; i < rounds;) {
        if (start == 0 && now() - begin > WARM_UP_NS)
            start = now();
        if (!pass(back[0], there[1], memory))
            return 1;
        if (start != 0)
            i++;
    }
    report(start, rounds);
    close(there[1]);
    int status;
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}
