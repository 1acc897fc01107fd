/* Calls that a program takes care of itself (PR_SET_SYSCALL_USER_DISPATCH); signals to a process by its directory.
 * covers: prctl pidfd_send_signal
 * link: static
 */
#include "check.h"
#include <sys/mman.h>
#include <sys/prctl.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

extern char call_start[], call_end[];

/* A call from code of its own, so that the range of allowed code can name it. */
__asm__(".text\n.globl call_start, call_end\n"
        "call_start:\n mov %rdi, %rax\n mov %rsi, %rdi\n mov %rdx, %rsi\n syscall\n"
        "call_end:\n ret\n");
long call_start_function(long number, long a, long b) __asm__("call_start");

static volatile char selector;
static volatile int caught, number, code, architecture, errno_seen;
static void *volatile address;

static void on_sys(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    selector = 0;
    caught++;
    number = info->si_syscall;
    code = info->si_code;
    architecture = info->si_arch;
    errno_seen = info->si_errno;
    address = info->si_call_addr;
}

static void show(long result)
{
    int at_end = address == call_end;
    printf("result %ld, caught %d: call %d, code %d, architecture %x, errno %d, at the instruction's end: %d\n",
        result, caught, number, code, architecture, errno_seen, at_end);
    caught = number = 0;
}

static long with_selector(char value, long call, long a, long b)
{
    selector = value;
    long result = call_start_function(call, a, b);
    selector = 0;
    return result;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO};
    sigaction(SIGSYS, &action, NULL);
    SHOW(prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 1, 0, 0));
    SHOW(prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, &selector));
    SHOW(prctl(PR_SET_SYSCALL_USER_DISPATCH, 9, 0, 0, 0));
    SHOW(prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 1, -1L, &selector));
    SHOW(prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 5, 0, &selector));
    SHOW(prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, -4096L));

    puts("-- a selector");
    SHOW(prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &selector));
    show(with_selector(0, SYS_getppid, 0, 0) == getppid());
    show(with_selector(1, SYS_getppid, 0, 0));
    show(with_selector(1, 100000, 0, 0));
    show(with_selector(1, SYS_exit, 3, 0));

    puts("-- a child starts without it");
    IN_CHILD(show(with_selector(1, SYS_getppid, 0, 0) == getppid()));

    puts("-- allowed code");
    SHOW(prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, call_start, call_end - call_start + 1, &selector));
    show(with_selector(1, SYS_getppid, 0, 0) == getppid());

    puts("-- what the selector may say");
    IN_CHILD({
        prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &selector);
        with_selector(2, SYS_getppid, 0, 0);
    });
    IN_CHILD(prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, 16); call_start_function(SYS_getppid, 0, 0));
    char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, page));
    HOLDS(call_start_function(SYS_getppid, 0, 0) == getppid());
    SHOW(prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0));
    show(with_selector(1, SYS_getppid, 0, 0) == getppid());

    puts("-- the directory of a process for a pidfd");
    signal(SIGUSR1, SIG_IGN);
    char path[64];
    int self = open("/proc/self", O_RDONLY | O_DIRECTORY);
    SHOW(syscall(SYS_pidfd_send_signal, self, 0, NULL, 0));
    SHOW(syscall(SYS_pidfd_send_signal, self, SIGUSR1, NULL, 0));
    SHOW(syscall(SYS_pidfd_send_signal, self, 65, NULL, 0));
    snprintf(path, sizeof path, "/proc/self/task/%d", getpid());
    int task = open(path, O_RDONLY | O_DIRECTORY);
    SHOW(syscall(SYS_pidfd_send_signal, task, 0, NULL, 0));
    int path_only = open("/proc/self", O_PATH);
    SHOW(syscall(SYS_pidfd_send_signal, path_only, 0, NULL, 0));
    SHOW(syscall(SYS_pidfd_getfd, self, 0, 0));
    pid_t child = fork();
    if (child == 0)
        pause();
    snprintf(path, sizeof path, "/proc/%d", child);
    int other = open(path, O_RDONLY | O_DIRECTORY);
    SHOW(syscall(SYS_pidfd_send_signal, other, SIGTERM, NULL, 0));
    int status;
    waitpid(child, &status, 0);
    printf("child ended by signal %d\n", WTERMSIG(status));
    SHOW(syscall(SYS_pidfd_send_signal, other, SIGTERM, NULL, 0));
    return 0;
}
