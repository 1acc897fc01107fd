/* The cheapest system call there is, alone or beside as many busy processes as the argument says. */
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "timing.h"

int main(int argc, char **argv)
{
    int busy = argc > 1 ? atoi(argv[1]) : 0;
    pid_t children[64];
    if (busy > 64)
        return 2;
    for (int i = 0; i < busy; i++) {
        children[i] = fork();
        if (children[i] < 0)
            return 1;
        if (children[i] == 0)
            for (volatile unsigned spin = 0;; spin++)
                ;
    }
    const int calls = 300000;
    for (uint64_t begin = now(); now() - begin < WARM_UP_NS;)
        for (int i = 0; i < 1000; i++)
            syscall(SYS_getppid);
    uint64_t start = now();
    for (int i = 0; i < calls; i++)
        syscall(SYS_getppid);
    report(start, calls);
    for (int i = 0; i < busy; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    return 0;
}
