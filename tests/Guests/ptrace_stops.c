/* ptrace(2): stops of system calls and events, seizing and job control, and who is told of what.
 * covers: ptrace wait4 waitid */
#include "trace.h"
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static int *shared;
static int gate[2];

/* What PTRACE_GET_SYSCALL_INFO says, and what the registers do. */
static void call_info(pid_t pid)
{
    struct __ptrace_syscall_info i = { 0 };
    long size = trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof i, (long)&i);
    unsigned long number = 0, rax = 0;
    trace(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, orig_rax), (long)&number);
    trace(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rax), (long)&rax);
    printf("  size %ld arch %x ", size, i.arch);
    if (i.op == PTRACE_SYSCALL_INFO_ENTRY)
        printf("entry %ld (%ld %ld) ", (long)i.entry.nr, (long)i.entry.args[0], (long)i.entry.args[1]);
    else if (i.op == PTRACE_SYSCALL_INFO_EXIT)
        printf("exit %ld error %d ", (long)i.exit.rval, i.exit.is_error);
    else
        printf("none ");
    printf("orig %ld rax %ld\n", (long)number, (long)rax);
}

/* The event message: a process number as such is not the same in every run. */
static unsigned long message(pid_t pid)
{
    unsigned long m = 0;
    SHOW(trace(PTRACE_GETEVENTMSG, pid, 0, (long)&m));
    return m;
}

static void set(pid_t pid, size_t at, unsigned long value)
{
    trace(PTRACE_POKEUSER, pid, at, value);
}

#define REGISTER(name) offsetof(struct user_regs_struct, name)

static void system_calls(void)
{
    puts("== system calls");
    pid_t child = TRACED({
        shared[0] = syscall(SYS_dup2, 100, 101) == -1 ? errno : 0;
        shared[1] = syscall(SYS_getppid) > 0;
        shared[2] = syscall(SYS_dup2, 100, 102) == -1 ? errno : 0;
        shared[3] = syscall(SYS_dup2, 100, 103) == -1 ? errno : 0;
        shared[4] = syscall(SYS_dup2, 100, 104);
    });
    SHOW(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD));
    call_info(child);
    /* raise's own exit and what it does to the mask come first. */
    for (;;) {
        unsigned long number, first;
        int status;
        trace(PTRACE_SYSCALL, child, 0, 0);
        waitpid(child, &status, 0);
        trace(PTRACE_PEEKUSER, child, REGISTER(orig_rax), (long)&number);
        trace(PTRACE_PEEKUSER, child, REGISTER(rdi), (long)&first);
        if (number == SYS_dup2 && first == 100)
            break;
    }
    call_info(child);
    GO(PTRACE_SYSCALL, child, 0);
    call_info(child);
    GO(PTRACE_SYSCALL, child, 0);
    call_info(child);
    message(child);
    GO(PTRACE_SYSCALL, child, 0);
    /* Another call instead. */
    GO(PTRACE_SYSCALL, child, 0);
    set(child, REGISTER(orig_rax), SYS_getppid);
    GO(PTRACE_SYSCALL, child, 0);
    /* Another result. */
    set(child, REGISTER(rax), -EXDEV);
    GO(PTRACE_SYSCALL, child, 0);
    call_info(child);
    /* None at all. */
    set(child, REGISTER(orig_rax), -1);
    set(child, REGISTER(rax), -ENOTDIR);
    GO(PTRACE_SYSCALL, child, 0);
    call_info(child);
    GO(PTRACE_SYSCALL, child, 0);
    /* Only pretended: with PTRACE_SYSEMU there is no second stop. */
    set(child, REGISTER(orig_rax), -1);
    set(child, REGISTER(rax), 7);
    GO(PTRACE_SYSEMU, child, 0);
    call_info(child);
    printf("child saw %d %d %d %d\n", shared[0] == EBADF, shared[1], shared[2] == EXDEV, shared[3] == ENOTDIR);
    GO(PTRACE_CONT, child, SIGTERM);
    /* Without the option the stop is an ordinary one. */
    child = TRACED(getppid());
    GO(PTRACE_SYSCALL, child, 0);
    call_info(child);
    SHOW(trace(PTRACE_GET_SYSCALL_INFO, child, 0, 0));
    SHOW(trace(PTRACE_GET_SYSCALL_INFO, child, 24, 8));
    SHOW(trace(PTRACE_KILL, child, 0, 0));
    NEXT(child);
}

static int nothing(void *a)
{
    return 4;
}

static void *thread(void *a)
{
    return a;
}

static void births(void)
{
    puts("== births");
    static char stack[65536] __attribute__((aligned(16)));
    pid_t child = TRACED({
        waitpid(fork() ?: (_exit(1), 0), 0, 0);
        waitpid(vfork() ?: (_exit(2), 0), 0, 0);
        waitpid(clone(nothing, stack + sizeof stack, SIGUSR1, 0), 0, __WALL);
        waitpid(clone(nothing, stack + sizeof stack, CLONE_UNTRACED | SIGCHLD, 0), 0, __WALL);
        waitpid(clone(nothing, stack + sizeof stack, CLONE_PTRACE | CLONE_UNTRACED | SIGCHLD, 0), 0, __WALL);
    });
    SHOW(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORKDONE));
    for (int i = 0; i < 3; i++) {
        GO(PTRACE_CONT, child, 0);
        pid_t born = message(child);
        siginfo_t info;
        SHOW(trace(PTRACE_GETSIGINFO, child, 0, (long)&info));
        printf("signal %d code %x\n", info.si_signo, info.si_code);
        NEXT(born);
        status_line(born, "TracerPid", getpid());
        SHOW(trace(PTRACE_CONT, child, 0, 0));
        SHOW(waitpid(child, 0, WNOHANG));
        GO(PTRACE_CONT, born, 0);
        if (i == 1) {
            NEXT(child);
            HOLDS(message(child) == born);
            SHOW(trace(PTRACE_CONT, child, 0, 0));
        }
        if (i < 2) {
            NEXT(child);
        } else {
            /* The other exit signal. */
            NEXT(child);
            SHOW(trace(PTRACE_CONT, child, 0, SIGCHLD));
        }
    }
    /* The last one is traced although no event tells of it. */
    int status;
    pid_t last;
    do {
        last = waitpid(-1, &status, __WALL);
        if (last == child)
            trace(PTRACE_CONT, child, 0, 0);
    } while (last == child && WIFSTOPPED(status));
    printf("untold: %s\n", told(status));
    GO(PTRACE_CONT, last, 0);
    for (;;) {
        waitpid(child, &status, 0);
        if (!WIFSTOPPED(status))
            break;
        trace(PTRACE_CONT, child, 0, 0);
    }
    printf("child: %s\n", told(status));
}

static void ends(void)
{
    puts("== ends");
    pid_t child = TRACED(_exit(5));
    SHOW(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXIT));
    GO(PTRACE_CONT, child, 0);
    printf("message %lx\n", message(child));
    status_line(child, "State", 0);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/0", child);
    HOLDS(access(path, F_OK) == 0 || errno == ENOENT);
    GO(PTRACE_CONT, child, 0);
    /* Killed, and still heard. */
    child = TRACED(pause());
    SHOW(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXIT));
    SHOW(trace(PTRACE_CONT, child, 0, 0));
    until_state(child, 'S');
    kill(child, SIGKILL);
    NEXT(child);
    printf("message %lx\n", message(child));
    GO(PTRACE_CONT, child, 0);
    /* A signal that the tracer puts in another one's place. */
    child = TRACED(raise(SIGUSR1));
    GO(PTRACE_CONT, child, 0);
    GO(PTRACE_CONT, child, SIGTERM);
    /* Killed while it is stopped. */
    child = TRACED(pause());
    kill(child, SIGKILL);
    NEXT(child);
    SHOW(trace(PTRACE_CONT, child, 0, 0));
}

static void programs(void)
{
    puts("== programs");
    char *const arguments[] = { "true", 0 };
    /* As of old: a trap after exec. */
    pid_t child = TRACED(execve("/bin/true", arguments, 0));
    GO(PTRACE_CONT, child, 0);
    siginfo_t info;
    SHOW(trace(PTRACE_GETSIGINFO, child, 0, (long)&info));
    printf("signal %d code %d own %d\n", info.si_signo, info.si_code, info.si_pid == child);
    GO(PTRACE_CONT, child, 0);
    /* As an event, between the call's entry and exit. */
    child = TRACED(execve("/bin/true", arguments, 0));
    SHOW(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD));
    unsigned long number = 0;
    int status;
    while (number != SYS_execve) {
        trace(PTRACE_SYSCALL, child, 0, 0);
        waitpid(child, &status, 0);
        trace(PTRACE_PEEKUSER, child, REGISTER(orig_rax), (long)&number);
    }
    GO(PTRACE_SYSCALL, child, 0);
    HOLDS(message(child) == child);
    GO(PTRACE_SYSCALL, child, 0);
    call_info(child);
    GO(PTRACE_CONT, child, 0);
    /* A failed one is none. */
    child = TRACED(execve("/nonexistent", arguments, 0));
    SHOW(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXEC));
    GO(PTRACE_CONT, child, 0);
}

static void *execs(void *a)
{
    char c;
    read(gate[0], &c, 1);
    char *const arguments[] = { "true", 0 };
    execve("/bin/true", arguments, 0);
    return 0;
}

static void threads(void)
{
    puts("== threads");
    pipe(gate);
    pid_t child = TRACED({
        pthread_t t;
        pthread_create(&t, 0, execs, 0);
        pause();
    });
    SHOW(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT));
    GO(PTRACE_CONT, child, 0);
    pid_t thread = message(child);
    NEXT(thread);
    SHOW(trace(PTRACE_CONT, thread, 0, 0));
    SHOW(trace(PTRACE_CONT, child, 0, 0));
    until_state(child, 'S');
    /* Only __WALL and __WCLONE see a thread. */
    SHOW(waitpid(thread, 0, WNOHANG) == -1 ? -errno : 0);
    write(gate[1], "x", 1);
    /* The leader has to go, and is heard. */
    NEXT(child);
    GO(PTRACE_CONT, child, 0);
    HOLDS(message(child) == thread);
    SHOW(trace(PTRACE_CONT, thread, 0, 0));
    /* The thread has the leader's number now. */
    SHOW(trace(PTRACE_SETOPTIONS, child, 0, 0));
    GO(PTRACE_CONT, child, 0);
    /* A thread's end is the tracer's to wait for. */
    child = TRACED({
        pthread_t t;
        pthread_create(&t, 0, (void *(*)(void *))sched_yield, 0);
        pause();
    });
    SHOW(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACECLONE));
    GO(PTRACE_CONT, child, 0);
    thread = message(child);
    NEXT(thread);
    SHOW(trace(PTRACE_CONT, child, 0, 0));
    GO(PTRACE_CONT, thread, 0);
    SHOW(waitpid(thread, 0, __WALL | WNOHANG) == -1 ? -errno : 0);
    kill(child, SIGTERM);
    NEXT(child);
    GO(PTRACE_CONT, child, SIGTERM);
}

static void seizing(void)
{
    puts("== seizing");
    int status;
    siginfo_t info;
    pid_t child = fork();
    if (child == 0) {
        /* Stop signals of the terminal are nothing to a group without a parent in its session. */
        setpgid(0, 0);
        for (;;)
            pause();
    }
    until_state(child, 'S');
    SHOW(trace(PTRACE_SEIZE, child, 0, PTRACE_O_TRACESYSGOOD));
    SHOW(trace(PTRACE_SEIZE, child, 0, 0));
    SHOW(waitpid(child, 0, __WALL | WNOHANG));
    SHOW(trace(PTRACE_CONT, child, 0, 0));
    SHOW(trace(PTRACE_INTERRUPT, child, 0, 0));
    NEXT(child);
    SHOW(trace(PTRACE_GETSIGINFO, child, 0, (long)&info));
    printf("signal %d code %x\n", info.si_signo, info.si_code);
    SHOW(trace(PTRACE_LISTEN, child, 0, 0));
    SHOW(trace(PTRACE_GETSIGINFO, child, 0, (long)&info));
    SHOW(trace(PTRACE_INTERRUPT, child, 0, 0));
    NEXT(child);
    /* Asked in a stop, it stops again after it. */
    SHOW(trace(PTRACE_INTERRUPT, child, 0, 0));
    GO(PTRACE_CONT, child, 0);
    SHOW(trace(PTRACE_CONT, child, 0, 0));
    until_state(child, 'S');
    /* A stop signal is delivered, then the group stops; SIGCONT is told while listening. */
    kill(child, SIGSTOP);
    NEXT(child);
    SHOW(trace(PTRACE_LISTEN, child, 0, 0));
    GO(PTRACE_CONT, child, SIGSTOP);
    SHOW(trace(PTRACE_GETSIGINFO, child, 0, (long)&info));
    printf("signal %d code %x\n", info.si_signo, info.si_code);
    SHOW(trace(PTRACE_LISTEN, child, 0, 0));
    SHOW(waitpid(child, 0, __WALL | WNOHANG));
    status_line(child, "State", 0);
    kill(child, SIGCONT);
    NEXT(child);
    GO(PTRACE_CONT, child, 0);
    SHOW(trace(PTRACE_CONT, child, 0, SIGCONT));
    until_state(child, 'S');
    /* Let go in a stop of its group it stays stopped, to its parent as well. */
    kill(child, SIGTSTP);
    NEXT(child);
    GO(PTRACE_CONT, child, SIGTSTP);
    SHOW(trace(PTRACE_DETACH, child, 0, 0));
    waited("parent", child, WUNTRACED);
    until_state(child, 'T');
    status_line(child, "State", 0);
    status_line(child, "TracerPid", getpid());
    /* Attached where it stands. */
    SHOW(trace(PTRACE_SEIZE, child, 0, 0));
    NEXT(child);
    SHOW(trace(PTRACE_DETACH, child, 0, 0));
    until_state(child, 'T');
    SHOW(trace(PTRACE_ATTACH, child, 0, 0));
    NEXT(child);
    GO(PTRACE_CONT, child, 0);
    SHOW(trace(PTRACE_DETACH, child, 0, SIGTERM));
    kill(child, SIGCONT);
    NEXT(child);
}

static void attaching(void)
{
    puts("== attaching");
    pid_t child = fork();
    if (child == 0) {
        for (;;)
            pause();
    }
    until_state(child, 'S');
    SHOW(trace(PTRACE_ATTACH, child, 0, 0));
    NEXT(child);
    status_line(child, "TracerPid", getpid());
    siginfo_t info;
    SHOW(trace(PTRACE_GETSIGINFO, child, 0, (long)&info));
    printf("code %x\n", info.si_code);
    call_info(child);
    /* Stopped for good: the group's stop has no siginfo. */
    GO(PTRACE_CONT, child, SIGSTOP);
    SHOW(trace(PTRACE_GETSIGINFO, child, 0, (long)&info));
    /* It goes on all the same. */
    SHOW(trace(PTRACE_CONT, child, 0, 0));
    until_state(child, 'S');
    kill(child, SIGCONT);
    NEXT(child);
    SHOW(trace(PTRACE_DETACH, child, 0, 0));
    status_line(child, "TracerPid", getpid());
    SHOW(trace(PTRACE_DETACH, child, 0, 0));
    kill(child, SIGTERM);
    waited("child", child, 0);
}

static void strangers(void)
{
    puts("== strangers");
    int ready[2], go[2];
    char c;
    siginfo_t info;
    pipe(ready);
    pipe(go);
    pid_t child = fork();
    if (child == 0) {
        for (;;)
            pause();
    }
    until_state(child, 'S');
    pid_t tracer = fork();
    if (tracer == 0) {
        trace(PTRACE_ATTACH, child, 0, 0);
        NEXT(child);
        write(ready[1], "x", 1);
        read(go[0], &c, 1);
        SHOW(trace(PTRACE_CONT, child, 0, 0));
        kill(child, SIGTERM);
        NEXT(child);
        GO(PTRACE_CONT, child, SIGTERM);
        write(ready[1], "x", 1);
        read(go[0], &c, 1);
        _exit(0);
    }
    read(ready[0], &c, 1);
    /* The parent hears nothing of the tracer's stops. */
    SHOW(waitpid(child, 0, WNOHANG | WUNTRACED));
    status_line(child, "TracerPid", tracer);
    SHOW(trace(PTRACE_CONT, child, 0, 0));
    write(go[1], "x", 1);
    read(ready[0], &c, 1);
    /* First the tracer, then the parent. */
    waited("parent", child, 0);
    write(go[1], "x", 1);
    waited("tracer", tracer, 0);

    /* A tracer that ends lets its tracees go, or takes them along. */
    for (int kills = 0; kills < 2; kills++) {
        child = fork();
        if (child == 0) {
            for (;;)
                pause();
        }
        until_state(child, 'S');
        tracer = fork();
        if (tracer == 0) {
            trace(PTRACE_SEIZE, child, 0, kills ? PTRACE_O_EXITKILL : 0);
            trace(PTRACE_INTERRUPT, child, 0, 0);
            waitpid(child, 0, 0);
            _exit(0);
        }
        waited("tracer", tracer, 0);
        if (!kills) {
            until_state(child, 'S');
            status_line(child, "TracerPid", tracer);
            kill(child, SIGTERM);
        }
        waited("child", child, 0);
    }

    /* What waitid says of a tracee. */
    child = TRACED(raise(SIGUSR1));
    trace(PTRACE_CONT, child, 0, 0);
    memset(&info, 0, sizeof info);
    SHOW(waitid(P_PID, child, &info, WEXITED | WSTOPPED | WNOWAIT));
    printf("code %d status %d signal %d\n", info.si_code, info.si_status, info.si_signo);
    SHOW(waitid(P_PID, child, &info, WEXITED));
    SHOW(waitid(P_PID, child, &info, WEXITED | WNOHANG));
    SHOW(trace(PTRACE_KILL, child, 0, 0));
    SHOW(waitid(P_PID, child, &info, WEXITED));
    printf("code %d status %d\n", info.si_code, info.si_status);
}

int main(void)
{
    setvbuf(stdout, 0, _IOLBF, 0);
    shared = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    system_calls();
    births();
    ends();
    programs();
    threads();
    seizing();
    attaching();
    strangers();
    return 0;
}
