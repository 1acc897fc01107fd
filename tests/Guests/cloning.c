/* What clone shares and what it copies, flag by flag; clone3's structure; limits on processes.
 * covers: fork vfork clone clone3 set_tid_address exit exit_group
 * link: static dynamic
 */
#include "check.h"
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

static char stack[65536] __attribute__((aligned(16)));
static volatile int handled;
static int *shared;
static volatile int tid_word;

static void handler(int signal) { handled++; }

static pid_t start(int (*function)(void *), int flags)
{
    fflush(stdout);
    return clone(function, stack + sizeof stack, flags, NULL, NULL, NULL, &tid_word);
}

static int ended(pid_t child)
{
    int status;
    if (child < 0)
        return -errno;
    if (waitpid(child, &status, __WALL) != child)
        return -1000;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int changes_files(void *unused)
{
    close(100);
    return open("/dev/null", O_RDONLY) < 0;
}

static int changes_directory(void *unused)
{
    umask(0);
    return chdir("inner");
}

static int changes_memory(void *unused)
{
    handled = 77;
    return 0;
}

static int changes_handlers(void *unused)
{
    signal(SIGUSR1, SIG_IGN);
    return 0;
}

static int tells_parent(void *unused)
{
    *shared = getppid();
    return 3;
}

static int tells_number(void *unused)
{
    *shared = tid_word;
    return tid_word == getpid() ? 1 : 2;
}

static int tells_tls(void *unused)
{
    unsigned long base;
    syscall(SYS_arch_prctl, 0x1003, &base);
    syscall(SYS_exit, base == (unsigned long)stack ? 5 : 6);
    return 0;
}

static int nothing(void *unused) { return 9; }

static int fails_to_stop(void *unused)
{
    usleep(20000);
    *shared = 1;
    _exit(4);
}

static int renames_host(void *unused)
{
    struct utsname name;
    if (sethostname("elsewhere", 9) != 0)
        return 1;
    uname(&name);
    return strcmp(name.nodename, "elsewhere") != 0;
}

static void sharing(void)
{
    char directory[256];
    dup2(1, 100);
    SHOW(ended(start(changes_files, SIGCHLD)));
    HOLDS(fcntl(100, F_GETFD) >= 0);
    SHOW(ended(start(changes_files, CLONE_FILES | SIGCHLD)));
    HOLDS(fcntl(100, F_GETFD) < 0);
    for (int fd = 3; fd < 20; fd++)
        close(fd);
    mkdir("inner", 0777);
    umask(027);
    SHOW(ended(start(changes_directory, SIGCHLD)));
    getcwd(directory, sizeof directory);
    HOLDS(umask(027) == 027 && !strstr(directory, "inner"));
    SHOW(ended(start(changes_directory, CLONE_FS | SIGCHLD)));
    getcwd(directory, sizeof directory);
    HOLDS(umask(027) == 0 && strstr(directory, "inner"));
    SHOW(chdir(".."));
    SHOW(ended(start(changes_memory, SIGCHLD)));
    SHOW(handled);
    SHOW(ended(start(changes_memory, CLONE_VM | SIGCHLD)));
    SHOW(handled);
    struct sigaction action;
    signal(SIGUSR1, handler);
    SHOW(ended(start(changes_handlers, CLONE_VM | SIGCHLD)));
    sigaction(SIGUSR1, NULL, &action);
    HOLDS(action.sa_handler == handler);
    SHOW(ended(start(changes_handlers, CLONE_VM | CLONE_SIGHAND | SIGCHLD)));
    sigaction(SIGUSR1, NULL, &action);
    HOLDS(action.sa_handler == SIG_IGN);
    SHOW(ended(start(nothing, CLONE_IO | CLONE_SYSVSEM | CLONE_UNTRACED | CLONE_PTRACE | SIGCHLD)));
    SHOW(ended(start(nothing, CLONE_DETACHED | SIGCHLD)));
}

static void identity(void)
{
    pid_t parent = 0, child;
    pid_t child_word = 0;
    child = clone(tells_number, stack + sizeof stack, CLONE_CHILD_SETTID | CLONE_PARENT_SETTID | SIGCHLD, NULL, &parent, NULL, &tid_word);
    HOLDS(parent == child && ended(child) == 1 && *shared == child && tid_word == 0);
    tid_word = 5;
    child = start(nothing, CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD);
    SHOW(ended(child));
    SHOW(tid_word);
    SHOW(ended(clone(tells_tls, stack + sizeof stack, CLONE_SETTLS | SIGCHLD, NULL, NULL, stack, NULL)));

    /* A sibling: its parent is ours. */
    fflush(stdout);
    child = fork();
    if (child == 0) {
        pid_t sibling = start(tells_parent, CLONE_PARENT | SIGCHLD);
        _exit(sibling > 0 && waitpid(sibling, NULL, __WALL) == -1 && errno == ECHILD ? 1 : 2);
    }
    int status;
    HOLDS(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 1);
    HOLDS(waitpid(-1, &status, 0) > 0 && WEXITSTATUS(status) == 3 && *shared == getpid());

    /* The caller of vfork waits, also when clone makes it. */
    *shared = 0;
    child = start(fails_to_stop, CLONE_VM | CLONE_VFORK | SIGCHLD);
    SHOW(*shared);
    SHOW(ended(child));
    *shared = 0;
    child = vfork();
    if (child == 0) {
        usleep(20000);
        *shared = 2;
        _exit(6);
    }
    SHOW(*shared);
    SHOW(ended(child));

    /* Another exit signal. */
    signal(SIGUSR2, handler);
    handled = 0;
    child = start(nothing, SIGUSR2);
    SHOW(ended(child));
    SHOW(handled);

    int fd = -1;
    child = clone(nothing, stack + sizeof stack, CLONE_PIDFD | SIGCHLD, NULL, &fd, NULL, NULL);
    HOLDS(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
    struct pollfd p = { fd, POLLIN, 0 };
    SHOW(poll(&p, 1, -1));
    SHOW(ended(child));
    close(fd);
    SHOW(ended(start(renames_host, CLONE_NEWUTS | SIGCHLD)));
    SHOW(ended(start(nothing, CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_NEWNET | SIGCHLD)));
}

static void refusals(void)
{
    SHOW(start(nothing, CLONE_SIGHAND | SIGCHLD));
    SHOW(start(nothing, CLONE_THREAD | CLONE_SIGHAND | SIGCHLD));
    SHOW(start(nothing, CLONE_THREAD | CLONE_VM | SIGCHLD));
    SHOW(start(nothing, CLONE_FS | CLONE_NEWNS | SIGCHLD));
    SHOW(clone(nothing, stack + sizeof stack, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, &tid_word));
    SHOW(clone(nothing, stack + sizeof stack, CLONE_PIDFD | SIGCHLD, NULL, BAD));
    SHOW(clone(nothing, stack + sizeof stack, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, NULL, &tid_word));
    IN_CHILD({
        struct rlimit one = { 1, 1 };
        setrlimit(RLIMIT_NPROC, &one);
        setresuid(34567, 34567, 34567);
        SHOW(fork());
        SHOW(vfork());
        SHOW(start(nothing, SIGCHLD));
        struct clone_args args = { .exit_signal = SIGCHLD };
        SHOW(syscall(SYS_clone3, &args, sizeof args));
        SHOW(start(nothing, CLONE_NEWUTS | SIGCHLD));
    });
}

static long clone3(struct clone_args *args, size_t size)
{
    fflush(stdout);
    return syscall(SYS_clone3, args, size);
}

static void structures(void)
{
    struct clone_args args = { .exit_signal = SIGCHLD };
    int fd = -1, parent = 0;
    pid_t child;
    for (size_t size = 64; size <= 88; size += 8) {
        child = clone3(&args, size);
        if (child == 0)
            _exit((int)size);
        printf("%zu: %d\n", size, ended(child));
    }
    struct { struct clone_args known; uint64_t beyond[2]; } longer = { args };
    child = clone3(&longer.known, sizeof longer);
    if (child == 0)
        _exit(8);
    SHOW(ended(child));
    longer.beyond[1] = 1;
    SHOW(clone3(&longer.known, sizeof longer));
    SHOW(clone3(&args, 63));
    SHOW(clone3(&args, 5000));
    SHOW(clone3(BAD, sizeof args));

    args.flags = CLONE_PIDFD | CLONE_PARENT_SETTID;
    args.pidfd = (uintptr_t)&fd;
    args.parent_tid = (uintptr_t)&parent;
    child = clone3(&args, sizeof args);
    if (child == 0)
        _exit(7);
    HOLDS(fd >= 0 && parent == child);
    SHOW(ended(child));
    close(fd);

    /* Handlers go back to their defaults; what is ignored stays so. */
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    args = (struct clone_args){ .flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD };
    child = clone3(&args, sizeof args);
    if (child == 0) {
        struct sigaction one, two;
        sigaction(SIGUSR1, NULL, &one);
        sigaction(SIGUSR2, NULL, &two);
        _exit((one.sa_handler == SIG_DFL) * 2 + (two.sa_handler == SIG_IGN));
    }
    SHOW(ended(child));

    /* A number of one's choice. */
    child = fork();
    if (child == 0)
        _exit(0);
    SHOW(ended(child));
    pid_t wished = child;
    args = (struct clone_args){ .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wished, .set_tid_size = 1 };
    child = clone3(&args, sizeof args);
    if (child == 0)
        _exit(getpid() == wished ? 1 : 2);
    HOLDS(child == wished);
    SHOW(ended(child));
    wished = getpid();
    SHOW(clone3(&args, sizeof args));
    wished = 0;
    SHOW(clone3(&args, sizeof args));
    wished = -1;
    SHOW(clone3(&args, sizeof args));
    args.set_tid = 0;
    SHOW(clone3(&args, sizeof args));
    args.set_tid = (uintptr_t)&wished;
    args.set_tid_size = 0;
    SHOW(clone3(&args, sizeof args));
    args.set_tid_size = 33;
    SHOW(clone3(&args, sizeof args));
    args.set_tid = (uintptr_t)BAD;
    args.set_tid_size = 1;
    SHOW(clone3(&args, sizeof args));
    IN_CHILD({
        wished = 12345;
        args.set_tid = (uintptr_t)&wished;
        setresuid(34567, 34567, 34567);
        SHOW(clone3(&args, sizeof args));
    });

    args = (struct clone_args){ .exit_signal = 65 };
    SHOW(clone3(&args, sizeof args));
    args = (struct clone_args){ .flags = CLONE_DETACHED, .exit_signal = SIGCHLD };
    SHOW(clone3(&args, sizeof args));
    args.flags = CSIGNAL;
    SHOW(clone3(&args, sizeof args));
    args.flags = 1ULL << 40;
    SHOW(clone3(&args, sizeof args));
    args.flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM;
    SHOW(clone3(&args, sizeof args));
    args.flags = CLONE_PARENT;
    SHOW(clone3(&args, sizeof args));
    args.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
    SHOW(clone3(&args, sizeof args));
    args = (struct clone_args){ .exit_signal = SIGCHLD, .stack = (uintptr_t)stack };
    SHOW(clone3(&args, sizeof args));
    args = (struct clone_args){ .exit_signal = SIGCHLD, .stack_size = 4096 };
    SHOW(clone3(&args, sizeof args));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sharing();
    identity();
    refusals();
    structures();
    HOLDS(syscall(SYS_set_tid_address, NULL) == gettid());
    syscall(SYS_exit_group, 0x1ff);
}
