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
        close(there[1]);
        while (read(there[0], &byte, 1) == 1)
            if (write(back[1], &byte, 1) != 1)
                _exit(1);
        _exit(0);
    }
    close(there[0]);
    uint64_t begin = now(), start = 0;
    for (int i = 0; i < rounds;) {
        if (start == 0 && now() - begin > WARM_UP_NS)
            start = now();
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            return 1;
        if (start != 0)
            i++;
    }
    report(start, rounds);
    close(there[1]);
    int status;
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}
