/* A byte there and back over two pipes between two processes. */
#include <sys/wait.h>
#include <unistd.h>
#include "timing.h"

int main(void)
{
    int there[2], back[2];
    char byte = 'x';
    const int rounds = 30000;
    if (pipe(there) != 0 || pipe(back) != 0)
        return 1;
    pid_t child = fork();
    if (child < 0)
        return 1;
    if (child == 0) {
        for (int i = 0; i < rounds + rounds / 10; i++)
            if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1)
                _exit(1);
        _exit(0);
    }
    uint64_t start = 0;
    for (int i = 0; i < rounds + rounds / 10; i++) {
        if (i == rounds / 10)
            start = now();
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            return 1;
    }
    report(start, rounds);
    int status;
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}
