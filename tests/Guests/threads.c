/*
 * Thread groups: who dies when, who is waited for, who gets signals, and exec from a thread that is not the first.
 * covers: exit exit_group tgkill gettid set_tid_address wait4 waitid
 */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/prctl.h>
#include <time.h>

static sem_t ready;
static volatile int seen;
static volatile pid_t handled_by;
static char self_path[256];

static void *sleeps(void *unused)
{
    sem_post(&ready);
    for (;;)
        pause();
    return unused;
}

static void *exits_group(void *unused)
{
    usleep(10000);
    _exit(21);
    return unused;
}

static void *outlives_leader(void *unused)
{
    usleep(50000);
    syscall(SYS_exit, 33);
    return unused;
}

static void *executes(void *unused)
{
    char *arguments[] = { self_path, "executed", NULL };
    execv(self_path, arguments);
    _exit(99);
    return unused;
}

static void on_signal(int signal)
{
    seen += signal == SIGUSR1 ? 1 : 100;
    handled_by = gettid();
}

static void *takes_signals(void *id)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    *(pid_t *)id = gettid();
    sem_post(&ready);
    while (seen < 2)
        usleep(1000);
    return NULL;
}

static void fatal_things(void)
{
    pthread_t thread;
    IN_CHILD({
        pthread_create(&thread, NULL, sleeps, NULL);
        sem_wait(&ready);
        exit(11);
    });
    IN_CHILD({
        pthread_create(&thread, NULL, exits_group, NULL);
        pause();
    });
    IN_CHILD({
        pthread_create(&thread, NULL, sleeps, NULL);
        sem_wait(&ready);
        kill(getpid(), SIGKILL);
        pause();
    });
    IN_CHILD({
        pthread_create(&thread, NULL, sleeps, NULL);
        sem_wait(&ready);
        pthread_kill(thread, SIGSEGV);
        pause();
    });
    IN_CHILD({
        pthread_create(&thread, NULL, outlives_leader, NULL);
        syscall(SYS_exit, 44);
    });
}

/* A process whose first thread has ended is not waited for before its last one ends. */
static int gate[2];

static void *waits_at_gate(void *unused)
{
    char c;
    read(gate[0], &c, 1);
    return NULL;
}

static void leader_first(void)
{
    pipe(gate);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        close(gate[1]);
        pthread_create(&thread, NULL, waits_at_gate, NULL);
        syscall(SYS_exit, 44);
    }
    close(gate[0]);
    char path[40], stat[200], state;
    sprintf(path, "/proc/%d/stat", pid);
    do {
        FILE *f = fopen(path, "r");
        fgets(stat, sizeof stat, f);
        fclose(f);
        state = strrchr(stat, ')')[2];
    } while (state != 'Z');
    int status;
    SHOW(waitpid(pid, &status, WNOHANG));
    close(gate[1]);
    HOLDS(waitpid(pid, &status, 0) == pid);
    SHOW(WEXITSTATUS(status));
}

static void signals_to_threads(void)
{
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, &old);
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, on_signal);
    pid_t id = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, takes_signals, &id);
    sem_wait(&ready);
    SHOW(kill(getpid(), SIGUSR1));
    while (seen < 1)
        usleep(1000);
    HOLDS(handled_by == id);
    SHOW(syscall(SYS_tgkill, getpid(), id, SIGUSR2));
    pthread_join(thread, NULL);
    HOLDS(handled_by == id && seen == 101);
    SHOW(syscall(SYS_tgkill, getpid(), gettid(), 0));
    SHOW(syscall(SYS_tgkill, getpid() + 100000, gettid(), SIGUSR1));
    SHOW(syscall(SYS_tgkill, -1, gettid(), SIGUSR1));
    SHOW(syscall(SYS_tgkill, getpid(), gettid(), 100));
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void stopping_all(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        /* A group of its own, with a parent outside: one that job control may stop. */
        setpgid(0, 0);
        pthread_t thread;
        pthread_create(&thread, NULL, sleeps, NULL);
        for (;;)
            pause();
    }
    usleep(50000);
    int status;
    siginfo_t info = { 0 };
    kill(pid, SIGSTOP);
    SHOW(waitid(P_PID, pid, &info, WSTOPPED));
    HOLDS(info.si_code == CLD_STOPPED && info.si_status == SIGSTOP && info.si_pid == pid);
    SHOW(waitid(P_PID, pid, &info, WSTOPPED | WNOHANG));
    kill(pid, SIGCONT);
    SHOW(waitid(P_PID, pid, &info, WCONTINUED));
    HOLDS(info.si_code == CLD_CONTINUED && info.si_status == SIGCONT);
    kill(pid, SIGTSTP);
    HOLDS(waitpid(pid, &status, WUNTRACED) == pid);
    HOLDS(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
    kill(pid, SIGTERM);
    SHOW(waitpid(pid, &status, WNOHANG));
    kill(pid, SIGCONT);
    HOLDS(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void executing(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t threads[3];
        pthread_create(&threads[0], NULL, sleeps, NULL);
        pthread_create(&threads[1], NULL, sleeps, NULL);
        sem_wait(&ready);
        sem_wait(&ready);
        setenv("PARENT_OF_EXEC", "1", 1);
        char text[16];
        snprintf(text, sizeof text, "%d", getpid());
        setenv("PID_BEFORE", text, 1);
        pthread_create(&threads[2], NULL, executes, NULL);
        pause();
    }
    int status;
    HOLDS(waitpid(pid, &status, 0) == pid);
    SHOW(WEXITSTATUS(status));
}

int main(int count, char **arguments)
{
    if (count == 2 && !strcmp(arguments[1], "executed")) {
        const char *before = getenv("PID_BEFORE");
        HOLDS(before && atoi(before) == getpid() && gettid() == getpid());
        return 55;
    }
    ssize_t length = readlink("/proc/self/exe", self_path, sizeof self_path - 1);
    if (length > 0)
        self_path[length] = 0;
    sem_init(&ready, 0, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    fatal_things();
    leader_first();
    signals_to_threads();
    stopping_all();
    executing();
    return 0;
}
