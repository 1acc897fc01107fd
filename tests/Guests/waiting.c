/* Waiting for children: every option and every way to name whom, threads and clones, descriptors of processes, what
 * SIGCHLD's action changes.
 * covers: wait4 waitid
 * link: static dynamic
 */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static char stack[65536] __attribute__((aligned(16)));

static long wait4_(pid_t pid, int *status, int options) { return syscall(SYS_wait4, pid, status, options, NULL); }
static long waitid_(int type, int id, siginfo_t *info, int options) { return syscall(SYS_waitid, type, id, info, options, NULL); }

static pid_t spawn(int code)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(code);
    return child;
}

static pid_t spawn_occupying(int code)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        occupy();
        _exit(code);
    }
    return child;
}

static pid_t sleeper(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        for (;;)
            pause();
    }
    setpgid(child, child);
    return child;
}

static int leaves(void *code) { return (int)(long)code; }

static void show(const siginfo_t *info, pid_t child)
{
    printf("signal %d code %d status %d, the child's: %d, the user's: %d\n", info->si_signo, info->si_code, info->si_status,
        info->si_pid == child, info->si_uid == getuid());
}

static void whom(void)
{
    int status;
    pid_t a = spawn(1);
    HOLDS(wait4_(a, &status, 0) == a);
    SHOW(status);
    a = spawn(2);
    HOLDS(wait4_(-1, &status, 0) == a && status == 0x200);
    a = spawn(3);
    HOLDS(wait4_(0, &status, 0) == a && status == 0x300);
    a = sleeper();
    SHOW(wait4_(-a, &status, WNOHANG));
    SHOW(wait4_(0, &status, WNOHANG));
    kill(a, SIGKILL);
    HOLDS(wait4_(-a, NULL, 0) == a);
    SHOW(wait4_(-a, &status, 0));
    SHOW(wait4_(0, &status, 0));
    SHOW(wait4_(-1, &status, 0));
    SHOW(wait4_(getpid(), &status, 0));
    SHOW(wait4_(1 << 30, &status, 0));
    SHOW(wait4_((int)0x80000000, &status, 0));
    SHOW(wait4_(-1, &status, WEXITED));
    SHOW(wait4_(-1, &status, WNOWAIT));
    SHOW(wait4_(-1, &status, 0x40));
    struct rusage use = { 0 };
    a = spawn_occupying(0);
    HOLDS(syscall(SYS_wait4, a, NULL, 0, &use) == a && use.ru_maxrss > 0);
    a = spawn(0);
    SHOW(syscall(SYS_wait4, a, NULL, 0, BAD));
    SHOW(wait4_(a, NULL, 0));
}

static void states(void)
{
    int status;
    siginfo_t info = { 0 };
    pid_t a = sleeper();
    kill(a, SIGSTOP);
    HOLDS(wait4_(a, &status, WUNTRACED) == a);
    HOLDS(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    SHOW(wait4_(a, &status, WUNTRACED | WNOHANG));
    kill(a, SIGCONT);
    HOLDS(wait4_(a, &status, WCONTINUED) == a);
    HOLDS(WIFCONTINUED(status));
    SHOW(wait4_(a, &status, WCONTINUED | WNOHANG));

    kill(a, SIGSTOP);
    SHOW(waitid_(P_PID, a, &info, WSTOPPED | WNOWAIT));
    show(&info, a);
    SHOW(waitid_(P_PGID, a, &info, WSTOPPED));
    show(&info, a);
    SHOW(waitid_(P_ALL, 0, &info, WSTOPPED | WEXITED | WCONTINUED | WNOHANG));
    SHOW(info.si_pid);
    SHOW(info.si_signo);
    kill(a, SIGCONT);
    SHOW(waitid_(P_ALL, 0, &info, WCONTINUED | WNOWAIT));
    show(&info, a);
    SHOW(waitid_(P_PID, a, &info, WCONTINUED));
    SHOW(waitid_(P_PID, a, &info, WCONTINUED | WNOHANG));
    kill(a, SIGTERM);
    SHOW(waitid_(P_PID, a, &info, WEXITED | WNOWAIT));
    show(&info, a);
    SHOW(waitid_(P_PID, a, &info, WSTOPPED | WNOHANG));
    SHOW(waitid_(P_PID, a, NULL, WEXITED));
    SHOW(waitid_(P_PID, a, &info, WEXITED));
    struct rusage use = { 0 };
    a = spawn_occupying(77);
    SHOW(syscall(SYS_waitid, P_PID, a, &info, WEXITED, &use));
    show(&info, a);
    HOLDS(use.ru_maxrss > 0);

    SHOW(waitid_(P_ALL, 0, &info, WEXITED | WNOHANG));
    SHOW(waitid_(P_PID, 0, &info, WEXITED));
    SHOW(waitid_(P_PID, -5, &info, WEXITED));
    SHOW(waitid_(P_PGID, -5, &info, WEXITED));
    SHOW(waitid_(P_PGID, 0, &info, WEXITED));
    SHOW(waitid_(9, 0, &info, WEXITED));
    SHOW(waitid_(P_ALL, 0, &info, 0));
    SHOW(waitid_(P_ALL, 0, &info, WNOHANG));
    SHOW(waitid_(P_ALL, 0, &info, WEXITED | 0x40));
    a = spawn(5);
    SHOW(waitid_(P_PID, a, BAD, WEXITED));
    SHOW(waitid_(P_PID, a, &info, WEXITED));
    a = spawn(5);
    SHOW(syscall(SYS_waitid, P_PID, a, NULL, WEXITED, BAD));
}

/* Children that tell of their end with another signal, or none, are waited for only when asked. */
static void clones(void)
{
    int status;
    siginfo_t info = { 0 };
    signal(SIGUSR1, SIG_IGN);
    pid_t quiet = clone(leaves, stack + sizeof stack, SIGUSR1, (void *)7L);
    SHOW(wait4_(quiet, &status, 0));
    SHOW(waitid_(P_PID, quiet, &info, WEXITED));
    HOLDS(waitid_(P_PID, quiet, &info, WEXITED | WNOWAIT | __WCLONE) == 0 && info.si_pid == quiet);
    HOLDS(wait4_(quiet, &status, __WCLONE) == quiet && status == 0x700);
    quiet = clone(leaves, stack + sizeof stack, 0, (void *)8L);
    HOLDS(wait4_(quiet, &status, __WALL) == quiet && status == 0x800);
    quiet = clone(leaves, stack + sizeof stack, 0, (void *)9L);
    SHOW(waitid_(P_ALL, 0, &info, WEXITED | __WALL));
    show(&info, quiet);
    pid_t usual = spawn(4);
    SHOW(wait4_(usual, &status, __WCLONE));
    SHOW(waitid_(P_PID, usual, &info, WEXITED | __WCLONE));
    HOLDS(wait4_(usual, &status, __WALL) == usual);
}

static void *waits_elsewhere(void *child)
{
    int status;
    siginfo_t info;
    pid_t pid = *(pid_t *)child;
    SHOW(wait4_(pid, &status, __WNOTHREAD));
    SHOW(wait4_(-1, &status, __WNOTHREAD | WNOHANG));
    SHOW(waitid_(P_PID, pid, &info, WEXITED | __WNOTHREAD));
    SHOW(waitid_(P_PID, pid, &info, WEXITED | WNOWAIT));
    pid_t own = spawn(6);
    HOLDS(wait4_(own, &status, __WNOTHREAD) == own && status == 0x600);
    own = spawn(6);
    SHOW(waitid_(P_PID, own, &info, WEXITED | __WNOTHREAD));
    return NULL;
}

static void threads(void)
{
    int status;
    pthread_t thread;
    pid_t child = spawn(11);
    pthread_create(&thread, NULL, waits_elsewhere, &child);
    pthread_join(thread, NULL);
    HOLDS(wait4_(child, &status, __WNOTHREAD) == child && status == 0xb00);
}

static void descriptors(void)
{
    siginfo_t info = { 0 };
    pid_t child = sleeper();
    int fd = syscall(SYS_pidfd_open, child, 0), impatient = syscall(SYS_pidfd_open, child, O_NONBLOCK);
    HOLDS(fd >= 0 && impatient >= 0 && (fcntl(impatient, F_GETFL) & O_NONBLOCK));
    SHOW(waitid_(P_PIDFD, fd, &info, WEXITED | WNOHANG));
    SHOW(waitid_(P_PIDFD, impatient, &info, WEXITED));
    SHOW(waitid_(P_PIDFD, impatient, &info, WEXITED | WNOHANG));
    kill(child, SIGSTOP);
    SHOW(waitid_(P_PIDFD, fd, &info, WSTOPPED));
    show(&info, child);
    struct pollfd p = { fd, POLLIN, 0 };
    SHOW(poll(&p, 1, 0));
    kill(child, SIGKILL);
    SHOW(poll(&p, 1, -1));
    SHOW(p.revents);
    SHOW(waitid_(P_PIDFD, impatient, &info, WEXITED | WNOWAIT));
    show(&info, child);
    SHOW(waitid_(P_PIDFD, fd, &info, WEXITED));
    SHOW(waitid_(P_PIDFD, fd, &info, WEXITED));
    p.revents = 0;
    SHOW(poll(&p, 1, 0));
    SHOW(p.revents);
    SHOW(waitid_(P_PIDFD, -1, &info, WEXITED));
    SHOW(waitid_(P_PIDFD, 999, &info, WEXITED));
    SHOW(waitid_(P_PIDFD, 1, &info, WEXITED));
}

static volatile int told, code, status;

static void on_child(int signal, siginfo_t *info, void *context)
{
    told++;
    code = info->si_code;
    status = info->si_status;
}

/* What SIGCHLD's action says about stopping children and about zombies. */
static void child_signals(void)
{
    siginfo_t info;
    struct sigaction action = { .sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART };
    sigaction(SIGCHLD, &action, NULL);
    pid_t child = sleeper();
    kill(child, SIGSTOP);
    SHOW(waitid_(P_PID, child, &info, WSTOPPED));
    printf("told %d code %d status %d\n", told, code, status);
    kill(child, SIGCONT);
    SHOW(waitid_(P_PID, child, &info, WCONTINUED));
    /* A wait may know it before the signal has come. */
    while (told < 2)
        usleep(1000);
    printf("told %d code %d status %d\n", told, code, status);
    action.sa_flags |= SA_NOCLDSTOP;
    sigaction(SIGCHLD, &action, NULL);
    kill(child, SIGSTOP);
    SHOW(waitid_(P_PID, child, &info, WSTOPPED));
    kill(child, SIGCONT);
    SHOW(waitid_(P_PID, child, &info, WCONTINUED));
    printf("told %d\n", told);
    kill(child, SIGTERM);
    SHOW(waitid_(P_PID, child, &info, WEXITED));
    printf("told %d code %d status %d\n", told, code, status);

    /* No zombies: a wait lasts until no child is left. The handler is still told. */
    action.sa_flags |= SA_NOCLDWAIT;
    sigaction(SIGCHLD, &action, NULL);
    told = 0;
    child = spawn(3);
    SHOW(wait4_(child, NULL, 0));
    SHOW(waitid_(P_ALL, 0, &info, WEXITED));
    printf("told %d code %d status %d\n", told, code, status);
    signal(SIGCHLD, SIG_IGN);
    child = spawn(3);
    SHOW(wait4_(-1, NULL, 0));
    signal(SIGCHLD, SIG_DFL);

    /* A signal ends a wait. */
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGALRM, &action, NULL);
    child = sleeper();
    WITH_ALARMS(SHOW(wait4_(child, NULL, 0)));
    WITH_ALARMS(SHOW(waitid_(P_PID, child, &info, WEXITED)));
    kill(child, SIGKILL);
    SHOW(waitid_(P_PID, child, &info, WEXITED));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    whom();
    states();
    clones();
    threads();
    descriptors();
    child_signals();
    return 0;
}
