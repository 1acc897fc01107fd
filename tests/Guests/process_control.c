/*
 * prctl and its kin: names, subreapers, signals at a parent's death, capabilities, segment bases, descriptors of
 * processes, comparing and unsharing what processes share.
 * covers: prctl arch_prctl pidfd_open pidfd_send_signal pidfd_getfd kcmp unshare
 */
#include "check.h"
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT 47
#endif

static void names_and_flags(void)
{
    char name[16] = "";
    int value = -1;
    SHOW(prctl(PR_SET_NAME, "a name of more than fifteen bytes"));
    SHOW(prctl(PR_GET_NAME, name));
    puts(name);
    SHOW(prctl(PR_SET_NAME, BAD));
    SHOW(prctl(PR_GET_NAME, BAD));
    SHOW(prctl(PR_GET_DUMPABLE));
    SHOW(prctl(PR_SET_DUMPABLE, 0));
    SHOW(prctl(PR_GET_DUMPABLE));
    SHOW(prctl(PR_SET_DUMPABLE, 2));
    SHOW(prctl(PR_SET_DUMPABLE, 1));
    SHOW(prctl(PR_GET_KEEPCAPS));
    SHOW(prctl(PR_SET_KEEPCAPS, 2));
    SHOW(prctl(PR_SET_KEEPCAPS, 1));
    SHOW(prctl(PR_GET_KEEPCAPS));
    SHOW(prctl(PR_GET_TIMING));
    SHOW(prctl(PR_SET_TIMING, 0));
    SHOW(prctl(PR_SET_TIMING, 1));
    SHOW(prctl(PR_GET_TIMERSLACK));
    SHOW(prctl(PR_SET_TIMERSLACK, 1000));
    SHOW(prctl(PR_GET_TIMERSLACK));
    SHOW(prctl(PR_SET_TIMERSLACK, 0));
    SHOW(prctl(PR_GET_TIMERSLACK));
    SHOW(prctl(PR_GET_CHILD_SUBREAPER, &value));
    SHOW(value);
    SHOW(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    SHOW(prctl(PR_GET_PDEATHSIG, &value));
    SHOW(value);
    SHOW(prctl(PR_SET_PDEATHSIG, 99));
    SHOW(prctl(PR_SET_PDEATHSIG, 0));
    SHOW(prctl(PR_GET_TSC, &value));
    SHOW(value);
    SHOW(prctl(PR_GET_SECCOMP));
    SHOW(prctl(PR_GET_SECUREBITS));
    SHOW(prctl(PR_CAPBSET_READ, 99));
    SHOW(prctl(PR_CAP_AMBIENT, 1, 99, 0, 0));
    SHOW(prctl(PR_CAP_AMBIENT, 4, 1, 0, 0));
    SHOW(prctl(PR_CAP_AMBIENT, 9, 0, 0, 0));
    SHOW(prctl(PR_CAP_AMBIENT, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    SHOW(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
    SHOW(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
    SHOW(prctl(12345, 0, 0, 0, 0));
    IN_CHILD({
        SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
        SHOW(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
        SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 1));
        SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
        SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    });
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static void orphans(void)
{
    SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
    int pipes[2];
    pipe(pipes);
    fflush(stdout);
    pid_t self = getpid(), child = fork();
    if (child == 0) {
        if (fork() == 0) {
            while (getppid() != self)
                usleep(1000);
            write(pipes[1], "x", 1);
            _exit(33);
        }
        _exit(22);
    }
    char c;
    int status;
    SHOW(read(pipes[0], &c, 1));
    HOLDS(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 22);
    HOLDS(waitpid(-1, &status, 0) > 0 && WEXITSTATUS(status) == 33);
    SHOW(waitpid(-1, &status, 0));
    SHOW(prctl(PR_SET_CHILD_SUBREAPER, 0));

    /* The signal of a parent's death. */
    fflush(stdout);
    SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
    fflush(stdout);
    if (fork() == 0) {
        int ready[2];
        pipe(ready);
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            write(ready[1], "x", 1);
            for (;;)
                pause();
        }
        read(ready[0], &c, 1);
        _exit(5);
    }
    int statuses = 0;
    while (wait(&status) > 0)
        statuses += WIFSIGNALED(status) ? 1000 * WTERMSIG(status) : WEXITSTATUS(status);
    SHOW(statuses);
    SHOW(prctl(PR_SET_CHILD_SUBREAPER, 0));
}

static void bases(void)
{
    unsigned long base = 1, other = 0x12345678;
    SHOW(syscall(SYS_arch_prctl, 0x1003, &base));
    HOLDS(base != 1 && base != 0);
    SHOW(syscall(SYS_arch_prctl, 0x1001, other));
    SHOW(syscall(SYS_arch_prctl, 0x1004, &base));
    HOLDS(base == other);
    SHOW(syscall(SYS_arch_prctl, 0x1002, 0xffff800000000000UL));
    SHOW(syscall(SYS_arch_prctl, 0x1001, 0xffff800000000000UL));
    SHOW(syscall(SYS_arch_prctl, 0x1003, BAD));
    SHOW(syscall(SYS_arch_prctl, 0x4242, 0));
    SHOW(syscall(SYS_arch_prctl, 0x1011, 0));
    for (int i = 0x1021; i <= 0x1024; i++) {
        if (i == 0x1023)
            continue;
        unsigned long features = 0;
        SHOW(syscall(SYS_arch_prctl, i, &features));
        HOLDS((features & 3) == 3);
        SHOW(syscall(SYS_arch_prctl, i, BAD));
    }
    SHOW(syscall(SYS_arch_prctl, 0x1023, 2));
    SHOW(syscall(SYS_arch_prctl, 0x1025, 2));
    SHOW(syscall(SYS_arch_prctl, 0x1023, 64));
    SHOW(syscall(SYS_arch_prctl, 0x1026, 0));
}

static void descriptors_of_processes(void)
{
    int pipes[2], status;
    pipe(pipes);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        for (;;)
            pause();
    }
    int fd = syscall(SYS_pidfd_open, child, 0);
    HOLDS(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
    struct pollfd p = { fd, POLLIN, 0 };
    SHOW(poll(&p, 1, 0));
    SHOW(syscall(SYS_pidfd_open, -1, 0));
    SHOW(syscall(SYS_pidfd_open, child, 0x40000000));
    SHOW(syscall(SYS_pidfd_open, 0x3ffffff0, 0));
    SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    SHOW(syscall(SYS_pidfd_send_signal, fd, 99, NULL, 0));
    SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0x100));
    SHOW(syscall(SYS_pidfd_send_signal, pipes[0], 0, NULL, 0));
    siginfo_t info = { 0 };
    info.si_signo = SIGUSR2;
    info.si_code = SI_USER;
    SHOW(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, &info, 0));
    int copy = syscall(SYS_pidfd_getfd, fd, pipes[1], 0);
    HOLDS(copy >= 0 && write(copy, "y", 1) == 1);
    char c = 0;
    SHOW(read(pipes[0], &c, 1));
    SHOW(syscall(SYS_pidfd_getfd, fd, 999, 0));
    SHOW(syscall(SYS_pidfd_getfd, fd, 0, 1));
    SHOW(syscall(SYS_pidfd_getfd, pipes[0], 0, 0));
    SHOW(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
    SHOW(poll(&p, 1, 5000));
    SHOW(p.revents);
    siginfo_t waited = { 0 };
    SHOW(waitid(P_PIDFD, fd, &waited, WEXITED | WNOWAIT));
    SHOW(waited.si_code);
    SHOW(waited.si_status);
    SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    HOLDS(waitpid(child, &status, 0) == child);
    SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    SHOW(waitid(P_PIDFD, fd, &waited, WEXITED));
    SHOW(waitid(P_PIDFD, pipes[0], &waited, WEXITED));
}

static int shares_nothing(void *unused)
{
    for (;;)
        pause();
    return 0;
}

static void comparing(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    pid_t self = getpid();
    pid_t child = clone(shares_nothing, stack + sizeof stack, CLONE_FILES | CLONE_FS | SIGCHLD, NULL);
    enum { FILE_, VM_, FILES_, FS_, SIGHAND_ };
    int twin = dup(1);
    SHOW(syscall(SYS_kcmp, self, self, FILE_, 1, twin));
    HOLDS(syscall(SYS_kcmp, self, self, FILE_, 1, open("/dev/null", O_RDONLY)) > 0);
    SHOW(syscall(SYS_kcmp, self, child, FILES_, 0, 0));
    SHOW(syscall(SYS_kcmp, self, child, FS_, 0, 0));
    HOLDS(syscall(SYS_kcmp, self, child, VM_, 0, 0) > 0);
    HOLDS(syscall(SYS_kcmp, self, child, SIGHAND_, 0, 0) > 0);
    SHOW(syscall(SYS_kcmp, self, child, 99, 0, 0));
    SHOW(syscall(SYS_kcmp, self, 0x3ffffff0, FILES_, 0, 0));
    SHOW(syscall(SYS_kcmp, self, self, FILE_, 1, 999));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static int unshares(void *unused)
{
    int before = fcntl(0, F_GETFD) >= 0;
    SHOW(unshare(CLONE_FILES | CLONE_FS));
    close(0);
    SHOW(chdir("/"));
    SHOW(before);
    fflush(stdout);
    return 9;
}

static void unsharing(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    int status;
    fflush(stdout);
    dup2(1, 0);
    pid_t child = clone(unshares, stack + sizeof stack, CLONE_FILES | CLONE_FS | SIGCHLD, NULL);
    waitpid(child, &status, 0);
    SHOW(WEXITSTATUS(status));
    HOLDS(fcntl(0, F_GETFD) >= 0);
    SHOW(unshare(0));
    SHOW(unshare(0x1));
    SHOW(unshare(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD));
}

static void filter(const char *value)
{
    char text[32] = "";
    int fd = open("/proc/self/coredump_filter", O_RDWR);
    if (value) {
        errno = 0;
        long written = write(fd, value, strlen(value));
        printf("%s: %s; ", value, written < 0 ? errname(errno) : "written");
    }
    if (pread(fd, text, sizeof text - 1, 0) < 0)
        puts("not read");
    printf("%s", text);
    close(fd);
}

/* What goes into a core file; and that one that is cut off at the limit is one all the same. */
static void cores(void)
{
    filter(NULL);
    filter("0x7f");
    filter("010");
    filter("5\n");
    filter("0xffffff");
    filter("junk");
    filter("09");
    IN_CHILD(filter(NULL));
    filter("0x33");
    char directory[] = "/tmp/cores-XXXXXX";
    if (!mkdtemp(directory) || chdir(directory) != 0)
        return;
    fflush(stdout);
    for (int limit = 0; limit <= 2; limit++) {
        pid_t child = fork();
        if (child == 0) {
            struct rlimit r = {limit * 2 * PAGE, limit * 2 * PAGE};
            setrlimit(RLIMIT_CORE, &r);
            abort();
        }
        int status;
        waitpid(child, &status, 0);
        printf("limit of %d pages: signal %d, core %d\n", limit * 2, WTERMSIG(status), WCOREDUMP(status) != 0);
    }
    if (system("rm -f core*") == 0 && chdir("/") == 0)
        rmdir(directory);
}

int main(void)
{
    cores();
    names_and_flags();
    orphans();
    bases();
    descriptors_of_processes();
    comparing();
    unsharing();
    return 0;
}
