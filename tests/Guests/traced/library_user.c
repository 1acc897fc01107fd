/* Calls into the library, for ltrace. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    char *p = malloc(20);
    strcpy(p, "hello");
    for (int i = 0; i < 3; i++)
        printf("%s %zu\n", p, strlen(p));
    char *q = getenv("NOT_THERE");
    puts(q ? q : "none");
    fflush(stdout);
    if (fork() == 0) {
        puts("child");
        exit(4);
    }
    int status;
    wait(&status);
    free(p);
    return 2;
}
