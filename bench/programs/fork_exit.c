/* A child that ends at once, and its parent waiting for it. */
#include <sys/wait.h>
#include <unistd.h>
#include "timing.h"

static int round_trip(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child > 0 && waitpid(child, NULL, 0) == child;
}

int main(void)
{
    const int rounds = 1500;
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
