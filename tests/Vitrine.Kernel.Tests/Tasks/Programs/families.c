/* Processes, threads, orphans, other users, queued signals, timers: all gone at the end, in whatever order. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *thread(void *argument)
{
    usleep(1000);
    return argument;
}

static int member(int depth)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, thread, NULL);
    if (depth > 0 && fork() == 0)
        _exit(member(depth - 1));
    if (depth == 2)
        setuid(1000);
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    union sigval value = { 0 };
    for (int i = 0; i < 5; i++)
        sigqueue(getpid(), SIGRTMIN + i, value);
    timer_t timer;
    timer_create(CLOCK_MONOTONIC, NULL, &timer);
    struct itimerspec soon = { { 0, 1000000 }, { 0, 1000000 } };
    timer_settime(timer, 0, &soon, NULL);
    volatile char *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 1 << 20; i += 4096)
        memory[i] = 1;
    if (depth & 1)
        pthread_exit(NULL);
    usleep(2000);
    return depth;
}

int main(void)
{
    for (int i = 0; i < 6; i++)
        if (fork() == 0)
            _exit(member(i));
    /* One that nobody waits for, asleep at the end. */
    if (fork() == 0) {
        sleep(1000);
        _exit(0);
    }
    for (int i = 0; i < 6; i++)
        wait(NULL);
    puts("done");
    return 0;
}
