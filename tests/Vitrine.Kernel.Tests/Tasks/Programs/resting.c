/* Processes that wait in every way there is while the machine is brought to rest and let go again. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int *shared;

static pid_t start(int (*body)(void))
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(body());
    return pid;
}

static int sleeps(void)
{
    struct timespec t = { 0, 400000000 }, left;
    return nanosleep(&t, &left) == 0 ? 10 : 11;
}

static int waits_on_futex(void)
{
    return syscall(SYS_futex, &shared[0], FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 20 : 21;
}

static int waits_on_futex_with_timeout(void)
{
    struct timespec t = { 0, 400000000 };
    return syscall(SYS_futex, &shared[1], FUTEX_WAIT, 0, &t, NULL, 0) == -1 && errno == ETIMEDOUT ? 30 : 31;
}

static int waits_for_child(void)
{
    pid_t pid = start(sleeps);
    int status;
    return waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 10 ? 40 : 41;
}

static int waits_for_signal(void)
{
    sigset_t set;
    siginfo_t info;
    struct timespec t = { 0, 400000000 };
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return sigtimedwait(&set, &info, &t) == -1 && errno == EAGAIN ? 50 : 51;
}

static int computes(void)
{
    volatile unsigned long n = 0;
    while (__atomic_load_n(&shared[2], __ATOMIC_RELAXED) == 0)
        n++;
    return 60;
}

static int vforks(void)
{
    pid_t pid = vfork();
    if (pid == 0) {
        struct timespec t = { 0, 400000000 };
        _exit(nanosleep(&t, NULL) == 0 ? 70 : 71);
    }
    int status;
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static int pauses(void)
{
    pause();
    return 81;
}

int main(void)
{
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int (*bodies[])(void) = { sleeps, waits_on_futex, waits_on_futex_with_timeout, waits_for_child, waits_for_signal, computes, vforks, pauses, pauses };
    enum { count = sizeof bodies / sizeof *bodies };
    pid_t pids[count];
    for (int i = 0; i < count; i++)
        pids[i] = start(bodies[i]);
    kill(pids[8], SIGSTOP);
    int status;
    waitpid(pids[8], &status, WUNTRACED);
    struct timespec t = { 0, 100000000 };
    nanosleep(&t, NULL);
    write(1, "ready\n", 6);
    t.tv_nsec = 500000000;
    nanosleep(&t, NULL);
    syscall(SYS_futex, &shared[0], FUTEX_WAKE, 1, NULL, NULL, 0);
    __atomic_store_n(&shared[2], 1, __ATOMIC_RELAXED);
    kill(pids[7], SIGTERM);
    kill(pids[8], SIGKILL);
    for (int i = 0; i < count; i++) {
        waitpid(pids[i], &status, 0);
        printf("%d: %x\n", i, status);
    }
    return 0;
}
