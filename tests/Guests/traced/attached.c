/* Waits for its input; what it then does is said by a variable that a debugger sets. */
#include <stdio.h>
#include <unistd.h>

int verdict = 1;
char text[16] = "as it was";

__attribute__((noinline)) static int wait_for(int fd)
{
    char c;
    return read(fd, &c, 1);
}

int main(void)
{
    int n = wait_for(0);
    printf("read %d: %s\n", n, text);
    return verdict;
}
