/* Handlers, masks, queues, alternate stacks, restarts.
 * covers: rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn
 * covers: sigaltstack pause restart_syscall
 * link: static dynamic
 */
#include "check.h"
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

static volatile int seen, order[16], codes[16], values[16];
static volatile int on_alternate;
static char alternate[65536];

static void record(int signal, siginfo_t *info, void *context)
{
    char here;
    if (seen < 16) {
        order[seen] = signal;
        codes[seen] = info->si_code;
        values[seen] = info->si_value.sival_int;
    }
    seen++;
    on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
}

static void simple(int signal) { seen++; }

static void install(int signal, int flags)
{
    struct sigaction action = { .sa_sigaction = record, .sa_flags = SA_SIGINFO | flags };
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

static void print_seen(void)
{
    printf("%d:", seen);
    for (int i = 0; i < seen && i < 16; i++)
        printf(" %d(%d)", order[i], codes[i]);
    printf("\n");
    seen = 0;
}

static void actions(void)
{
    struct sigaction old, action = { .sa_handler = simple, .sa_flags = SA_RESTART | SA_NODEFER };
    sigaddset(&action.sa_mask, SIGUSR2);
    SHOW(sigaction(SIGUSR1, &action, &old));
    HOLDS(old.sa_handler == SIG_DFL);
    SHOW(sigaction(SIGUSR1, NULL, &old));
    HOLDS(old.sa_handler == simple && (old.sa_flags & ~0x04000000) == (SA_RESTART | SA_NODEFER) && sigismember(&old.sa_mask, SIGUSR2));
    SHOW(sigaction(SIGKILL, &action, NULL));
    SHOW(sigaction(SIGSTOP, &action, NULL));
    SHOW(sigaction(SIGKILL, NULL, &old));
    SHOW(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8));
    SHOW(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8));
    SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
    SHOW(syscall(SYS_rt_sigaction, SIGUSR1, BAD, NULL, 8));
    SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, BAD, 8));
    SHOW(raise(SIGUSR1));
    printf("%d\n", seen);
    seen = 0;
    install(SIGUSR2, SA_RESETHAND);
    raise(SIGUSR2);
    print_seen();
    sigaction(SIGUSR2, NULL, &old);
    HOLDS(old.sa_handler == SIG_DFL);
    signal(SIGUSR2, SIG_IGN);
    SHOW(raise(SIGUSR2));
}

static void masks(void)
{
    sigset_t set, old, pending;
    install(SIGUSR1, 0);
    install(SIGUSR2, 0);
    install(SIGRTMIN, 0);
    install(SIGRTMIN + 1, 0);
    sigfillset(&set);
    SHOW(sigprocmask(SIG_SETMASK, &set, &old));
    sigprocmask(SIG_BLOCK, NULL, &set);
    HOLDS(!sigismember(&set, SIGKILL) && !sigismember(&set, SIGSTOP) && sigismember(&set, SIGTERM));
    union sigval value = { .sival_int = 1 };
    raise(SIGUSR2);
    raise(SIGUSR2);
    raise(SIGUSR1);
    sigqueue(getpid(), SIGRTMIN + 1, value);
    value.sival_int = 2;
    sigqueue(getpid(), SIGRTMIN, value);
    value.sival_int = 3;
    sigqueue(getpid(), SIGRTMIN, value);
    SHOW(sigpending(&pending));
    HOLDS(sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGRTMIN) && !sigismember(&pending, SIGHUP));
    SHOW(sigprocmask(SIG_SETMASK, &old, NULL));
    for (int i = 0; i < seen; i++)
        printf("%d code %d value %d\n", order[i], codes[i], order[i] >= SIGRTMIN ? values[i] : 0);
    seen = 0;
    SHOW(syscall(SYS_rt_sigprocmask, 9, &set, NULL, 8));
    SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4));
    SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8));
    SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, BAD, 8));
    SHOW(syscall(SYS_rt_sigpending, BAD, 8));
    SHOW(syscall(SYS_rt_sigpending, &pending, 16));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    sigset_t none;
    sigemptyset(&none);
    SHOW(sigsuspend(&none));
    print_seen();
    sigprocmask(SIG_BLOCK, NULL, &old);
    HOLDS(sigismember(&old, SIGUSR1));
    SHOW(syscall(SYS_rt_sigsuspend, BAD, 8));
    SHOW(syscall(SYS_rt_sigsuspend, &none, 4));
    raise(SIGUSR1);
    siginfo_t info;
    struct timespec soon = { 0, 1000000 };
    SHOW(sigtimedwait(&set, &info, &soon));
    printf("code %d\n", info.si_code);
    SHOW(sigtimedwait(&set, &info, &soon));
    soon.tv_nsec = -1;
    SHOW(sigtimedwait(&set, &info, &soon));
    SHOW(syscall(SYS_rt_sigtimedwait, BAD, NULL, NULL, 8));
    SHOW(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 4));
    raise(SIGUSR1);
    SHOW(syscall(SYS_rt_sigtimedwait, &set, BAD, NULL, 8));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    seen = 0;
}

static void queues(void)
{
    siginfo_t info = { .si_code = SI_QUEUE, .si_signo = SIGUSR1 };
    info.si_value.sival_int = 5;
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info));
    printf("%d value %d\n", codes[0], values[0]);
    seen = 0;
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), 99, &info));
    SHOW(syscall(SYS_rt_sigqueueinfo, 99999999, SIGUSR1, &info));
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, BAD));
    info.si_code = SI_USER;
    SHOW(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &info));
    info.si_code = -1;
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, &info));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), 99999999, SIGUSR1, &info));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, -1, getpid(), SIGUSR1, &info));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, BAD));
    print_seen();
}

static void stacks(void)
{
    stack_t stack = { .ss_sp = alternate, .ss_size = sizeof alternate }, old;
    SHOW(sigaltstack(&stack, &old));
    printf("%d\n", old.ss_flags);
    install(SIGUSR1, SA_ONSTACK);
    raise(SIGUSR1);
    printf("on the alternate stack: %d\n", on_alternate);
    install(SIGUSR1, 0);
    raise(SIGUSR1);
    printf("on the alternate stack: %d\n", on_alternate);
    seen = 0;
    stack.ss_size = 100;
    SHOW(sigaltstack(&stack, NULL));
    stack.ss_flags = 99;
    SHOW(sigaltstack(&stack, NULL));
    SHOW(sigaltstack(BAD, NULL));
    SHOW(syscall(SYS_sigaltstack, NULL, BAD));
    stack.ss_flags = SS_DISABLE;
    SHOW(sigaltstack(&stack, NULL));
    SHOW(sigaltstack(NULL, &old));
    printf("%d\n", old.ss_flags);
}

static void change(int signal, siginfo_t *info, void *context)
{
    ucontext_t *user = context;
    /* Behind "movb $1, (%rax)": three bytes. */
    user->uc_mcontext.gregs[REG_RIP] += 3;
    user->uc_mcontext.gregs[REG_RBX] = 1234;
    seen++;
    printf("signal %d code %d address %p trap %lld error %lld\n", signal, info->si_code, info->si_addr,
        user->uc_mcontext.gregs[REG_TRAPNO], user->uc_mcontext.gregs[REG_ERR]);
}

static void contexts(void)
{
    struct sigaction action = { .sa_sigaction = change, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, NULL);
    long rbx = 0;
    double kept = 1.5;
    __asm__ volatile("movsd %2, %%xmm7\n\tmovb $1, (%1)\n\tmovsd %%xmm7, %2" : "=b"(rbx) : "a"(8L), "m"(kept) : "memory", "xmm7");
    printf("rbx %ld kept %.1f\n", rbx, kept);
    __asm__ volatile("xorl %%ebx, %%ebx\n\tmovb $1, (%1)" : "=b"(rbx) : "a"(0xdead00000000beefL) : "memory");
    printf("rbx %ld\n", rbx);
    signal(SIGSEGV, SIG_DFL);
    seen = 0;
}

static void restarts(void)
{
    int p[2];
    char c;
    pipe(p);
    /* Again and again, so that one that comes before the call begins is not the last. */
    struct itimerval soon = { { 0, 20000 }, { 0, 20000 } }, never = { { 0, 0 }, { 0, 0 } };
    install(SIGALRM, 0);
    setitimer(ITIMER_REAL, &soon, NULL);
    SHOW(read(p[0], &c, 1));
    setitimer(ITIMER_REAL, &never, NULL);
    install(SIGALRM, SA_RESTART);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        usleep(100000);
        write(p[1], "x", 1);
        _exit(0);
    }
    setitimer(ITIMER_REAL, &soon, NULL);
    SHOW(read(p[0], &c, 1));
    setitimer(ITIMER_REAL, &soon, NULL);
    SHOW(pause());
    struct timespec t = { 20, 0 };
    setitimer(ITIMER_REAL, &soon, NULL);
    SHOW(nanosleep(&t, &t) == -1 && t.tv_sec < 20);
    setitimer(ITIMER_REAL, &never, NULL);
    HOLDS(seen >= 3);
    seen = 0;
    int status;
    waitpid(child, &status, 0);
    SHOW(syscall(SYS_restart_syscall));
    signal(SIGTSTP, SIG_DFL);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        struct timespec half = { 0, 200000000 };
        _exit(nanosleep(&half, NULL) == 0 ? 4 : 5);
    }
    usleep(50000);
    kill(child, SIGSTOP);
    waitpid(child, &status, WUNTRACED);
    kill(child, SIGCONT);
    waitpid(child, &status, 0);
    printf("a stopped sleep goes on: %d\n", WEXITSTATUS(status));
}

static void ignored(int signal)
{
    IN_CHILD({
        struct sigaction action = { .sa_handler = SIG_DFL };
        sigaction(signal, &action, NULL);
        kill(getpid(), signal);
        usleep(1000);
    });
}

int main(void)
{
    actions();
    masks();
    queues();
    stacks();
    contexts();
    restarts();
    int defaults[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGUSR1, SIGCHLD, SIGCONT, SIGURG, SIGXCPU, SIGWINCH, SIGIO, SIGPWR, SIGSYS, SIGRTMIN, SIGRTMAX };
    for (unsigned i = 0; i < sizeof defaults / sizeof *defaults; i++)
        ignored(defaults[i]);
    return 0;
}
