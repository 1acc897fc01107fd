/* What the debugger is tried on: calls, variables to watch, a signal, a child and threads. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int counter;
int total;
double ratio = 0.5;
struct item { int id; char name[16]; } items[3];
static int gate[2];

__attribute__((noinline)) int square(int x)
{
    int r = x * x;
    return r;
}

__attribute__((noinline)) int work(int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++) {
        counter = i;
        sum += square(i);
    }
    total = sum;
    return sum;
}

static void handler(int s)
{
    counter = 100 + s;
}

static void *waits(void *a)
{
    char c;
    read(gate[0], &c, 1);
    return a;
}

/* Until all other threads sleep. */
static void until_asleep(void)
{
    for (int asleep = 0; asleep < 2;) {
        DIR *d = opendir("/proc/self/task");
        struct dirent *e;
        asleep = 0;
        while ((e = readdir(d))) {
            char path[300], text[400] = "";
            snprintf(path, sizeof path, "/proc/self/task/%s/stat", e->d_name);
            int fd = open(path, O_RDONLY);
            read(fd, text, sizeof text - 1);
            close(fd);
            char *end = strrchr(text, ')');
            asleep += end && end[2] == 'S';
        }
        closedir(d);
        usleep(1000);
    }
}

__attribute__((noinline)) void meet(void)
{
    total = 7;
}

int main(int argc, char **argv)
{
    for (int i = 0; i < 3; i++) {
        items[i].id = i * 10;
        snprintf(items[i].name, 16, "item%d", i);
    }
    ratio *= work(6);
    printf("sum %d\n", total);
    fflush(stdout);
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(square(4));
    waitpid(child, &status, 0);
    pipe(gate);
    pthread_t t[2];
    for (long i = 0; i < 2; i++)
        pthread_create(&t[i], 0, waits, (void *)i);
    until_asleep();
    meet();
    write(gate[1], "xx", 2);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], 0);
    total = WEXITSTATUS(status);
    abort();
}
