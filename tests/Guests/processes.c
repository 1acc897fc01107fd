/* Making processes, waiting for them, running programs.
 * covers: fork vfork clone clone3 execve execveat exit exit_group wait4 waitid kill tkill tgkill set_tid_address
 * link: static dynamic
 */
#include "check.h"
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

extern char **environ;
static char *self;
static int shared_value;

static void report(int status)
{
    if (WIFEXITED(status))
        printf("exited %d\n", WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        printf("killed by %d\n", WTERMSIG(status));
    else if (WIFSTOPPED(status))
        printf("stopped by %d\n", WSTOPSIG(status));
    else if (WIFCONTINUED(status))
        printf("continued\n");
}

static void forks(void)
{
    int status;
    int value = 1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        value = 2;
        _exit(value + 40);
    }
    SHOW(waitpid(child, &status, 0) == child);
    report(status);
    printf("value %d\n", value);
    child = vfork();
    if (child == 0) {
        shared_value = 7;
        _exit(3);
    }
    SHOW(waitpid(child, &status, 0) == child);
    report(status);
    printf("vfork shares: %d\n", shared_value);
    SHOW(waitpid(-1, &status, 0));
    SHOW(waitpid(child, &status, 0));
    SHOW(waitpid(99999999, &status, 0));
}

static int in_clone(void *argument)
{
    shared_value = 11;
    return 5;
}

static void clones(void)
{
    int status;
    char *stack = malloc(65536);
    shared_value = 0;
    pid_t child = clone(in_clone, stack + 65536, SIGCHLD, NULL);
    SHOW(waitpid(child, &status, 0) == child);
    report(status);
    printf("%d\n", shared_value);
    child = clone(in_clone, stack + 65536, CLONE_VM | SIGCHLD, NULL);
    SHOW(waitpid(child, &status, 0) == child);
    printf("%d\n", shared_value);
    pid_t parent_tid = 0, child_tid = -1;
    child = clone(in_clone, stack + 65536, CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, NULL, &parent_tid, NULL, &child_tid);
    SHOW(waitpid(child, &status, 0) == child);
    HOLDS(parent_tid == child && child_tid == 0);
    child = clone(in_clone, stack + 65536, CLONE_VM, NULL);
    SHOW(waitpid(child, &status, 0));
    SHOW(waitpid(child, &status, __WCLONE) == child);
    SHOW(clone(in_clone, stack + 65536, CLONE_SIGHAND | SIGCHLD, NULL));
    SHOW(clone(in_clone, stack + 65536, CLONE_THREAD | CLONE_VM | SIGCHLD, NULL));
    SHOW(clone(in_clone, stack + 65536, CLONE_FS | CLONE_NEWNS | SIGCHLD, NULL));
    struct clone_args args = { .exit_signal = SIGCHLD };
    fflush(stdout);
    child = syscall(SYS_clone3, &args, sizeof args);
    if (child == 0)
        _exit(9);
    SHOW(waitpid(child, &status, 0) == child);
    report(status);
    SHOW(syscall(SYS_clone3, &args, 8));
    SHOW(syscall(SYS_clone3, BAD, sizeof args));
    args.exit_signal = 999;
    SHOW(syscall(SYS_clone3, &args, sizeof args));
    args.exit_signal = SIGCHLD;
    args.stack = 4096;
    SHOW(syscall(SYS_clone3, &args, sizeof args));
    HOLDS(syscall(SYS_set_tid_address, &child_tid) == getpid());
}

static void waits(void)
{
    int status;
    siginfo_t info;
    struct rusage use;
    fflush(stdout);
    int gate[2];
    pipe(gate);
    pid_t child = fork();
    if (child == 0) {
        char c;
        close(gate[1]);
        raise(SIGSTOP);
        read(gate[0], &c, 1);
        occupy();
        _exit(21);
    }
    close(gate[0]);
    SHOW(waitpid(child, &status, WUNTRACED) == child);
    report(status);
    SHOW(waitpid(child, &status, WNOHANG));
    SHOW(kill(child, SIGCONT));
    SHOW(waitpid(child, &status, WCONTINUED) == child);
    report(status);
    close(gate[1]);
    SHOW(waitid(P_PID, child, &info, WEXITED | WNOWAIT));
    printf("signo %d code %d status %d\n", info.si_signo, info.si_code, info.si_status);
    HOLDS(info.si_pid == child && info.si_uid == getuid());
    SHOW(wait4(child, &status, 0, &use) == child);
    report(status);
    HOLDS(use.ru_maxrss > 0);
    SHOW(waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
    fflush(stdout);
    child = fork();
    if (child == 0) {
        setpgid(0, 0);
        pause();
    }
    setpgid(child, child);
    memset(&info, 0xff, sizeof info);
    SHOW(waitid(P_PGID, child, &info, WEXITED | WNOHANG));
    printf("%d %d\n", info.si_signo, info.si_pid);
    SHOW(kill(-child, SIGKILL));
    SHOW(waitid(P_PGID, child, &info, WEXITED));
    printf("code %d status %d\n", info.si_code, info.si_status);
    SHOW(waitid(P_PID, child, &info, 0));
    SHOW(waitid(9, child, &info, WEXITED));
    SHOW(waitid(P_PID, -1, &info, WEXITED));
    SHOW(syscall(SYS_wait4, -1, &status, 0x1000, NULL));
    fflush(stdout);
    child = fork();
    if (child == 0)
        _exit(0);
    siginfo_t *nowhere = BAD;
    SHOW(waitid(P_PID, child, nowhere, WEXITED));
    fflush(stdout);
    child = fork();
    if (child == 0)
        _exit(0);
    SHOW(syscall(SYS_wait4, child, BAD, 0, NULL));
}

static void executions(void)
{
    char *empty[] = { NULL };
    char *arguments[] = { "renamed", "child", "two words", NULL };
    char *environment[] = { "A=1", "B=", NULL };
    IN_CHILD(execve(self, arguments, environment); _exit(99));
    IN_CHILD({
        int fd = open(self, O_RDONLY | O_CLOEXEC);
        syscall(SYS_execveat, fd, "", arguments, environment, AT_EMPTY_PATH);
        _exit(99);
    });
    SHOW(execve("missing", arguments, environment));
    SHOW(execve("/", arguments, environment));
    SHOW(execve(BAD, arguments, environment));
    SHOW(execve(self, (char **)BAD, environment));
    int fd = open("text", O_CREAT | O_WRONLY, 0755);
    write(fd, "not a program\n", 14);
    close(fd);
    SHOW(execve("text", arguments, environment));
    chmod("text", 0644);
    SHOW(execve("text", arguments, environment));
    fd = open("script", O_CREAT | O_WRONLY, 0755);
    dprintf(fd, "#!%s script-argument\nrest\n", self);
    close(fd);
    IN_CHILD(execve("./script", arguments, environment); _exit(99));
    fd = open("dangling", O_CREAT | O_WRONLY, 0755);
    dprintf(fd, "#!/no/such/interpreter\n");
    close(fd);
    SHOW(execve("./dangling", arguments, environment));
    fd = open("loop", O_CREAT | O_WRONLY, 0755);
    dprintf(fd, "#!./loop\n");
    close(fd);
    SHOW(execve("./loop", arguments, environment));
    fd = open("elf", O_CREAT | O_WRONLY, 0755);
    write(fd, "\177ELF\2\1\1", 7);
    close(fd);
    SHOW(execve("./elf", arguments, environment));
    fd = open("empty", O_CREAT | O_WRONLY, 0755);
    close(fd);
    SHOW(execve("./empty", arguments, environment));
    SHOW(syscall(SYS_execveat, 99, "x", empty, empty, 0));
    SHOW(syscall(SYS_execveat, AT_FDCWD, "x", empty, empty, 0x8000));
    symlink(self, "link");
    SHOW(syscall(SYS_execveat, AT_FDCWD, "link", arguments, environment, AT_SYMLINK_NOFOLLOW));
    static char huge[200000];
    memset(huge, 'h', sizeof huge - 1);
    char *too_long[] = { "x", huge, NULL };
    SHOW(execve(self, too_long, environment));
    fd = open("busy", O_CREAT | O_RDWR, 0755);
    write(fd, "#!/bin/sh\n", 10);
    SHOW(execve("./busy", arguments, environment));
}

static void signals(void)
{
    SHOW(kill(getpid(), 0));
    SHOW(kill(99999999, 0));
    SHOW(kill(getpid(), 99));
    SHOW(kill(-99999999, SIGTERM));
    SHOW(syscall(SYS_tkill, getpid(), 0));
    SHOW(syscall(SYS_tkill, 0, 0));
    SHOW(syscall(SYS_tkill, 99999999, SIGTERM));
    SHOW(syscall(SYS_tgkill, getpid(), getpid(), 0));
    SHOW(syscall(SYS_tgkill, 1, getpid(), 0));
    SHOW(syscall(SYS_tgkill, -1, getpid(), 0));
    SHOW(syscall(SYS_tgkill, getpid(), getpid(), 99));
    IN_CHILD(kill(getpid(), SIGTERM));
    IN_CHILD(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1));
    IN_CHILD(abort());
    IN_CHILD(*(volatile int *)8 = 1);
    IN_CHILD(__asm__ volatile("ud2"));
    IN_CHILD(volatile int zero = 0; shared_value = 1 / zero);
    IN_CHILD(__asm__ volatile("int3"));
    IN_CHILD(syscall(SYS_exit, 300));
    IN_CHILD(syscall(SYS_exit_group, 257));
}

int main(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "child") == 0 || strcmp(argv[1], "script-argument") == 0)) {
        for (int i = 0; i < argc; i++)
            printf("argument %d: %s\n", i, i == 0 && argv[0][0] == '/' ? "self" : argv[i]);
        for (char **e = environ; *e; e++)
            printf("environment: %s\n", *e);
        return 17;
    }
    char path[4096] = "";
    readlink("/proc/self/exe", path, sizeof path - 1);
    self = path;
    forks();
    clones();
    waits();
    executions();
    signals();
    return 0;
}
