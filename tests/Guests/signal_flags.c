/* Each flag of sigaction and sigaltstack, the ways to send and to wait, and who may do it.
 * covers: rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo rt_tgsigqueueinfo
 * covers: sigaltstack kill tkill tgkill pause
 * link: static dynamic
 */
#include "check.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif
#ifndef SA_UNSUPPORTED
#define SA_UNSUPPORTED 0x400
#endif
#ifndef SA_EXPOSE_TAGBITS
#define SA_EXPOSE_TAGBITS 0x800
#endif

static volatile int depth, deepest, seen, masked, code, value, sender, user;
static char alternate[65536], second[65536];
static volatile int place, flags_inside;

static void nests(int signal)
{
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (seen++ == 0)
        raise(signal);
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    masked = sigismember(&set, signal) * 10 + sigismember(&set, SIGUSR2);
    depth--;
}

static void install(int signal, void *handler, int flags)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
    sigaction(signal, &action, NULL);
}

static void deferral(void)
{
    install(SIGUSR1, nests, 0);
    raise(SIGUSR1);
    printf("deepest %d seen %d masked %d\n", deepest, seen, masked);
    deepest = seen = 0;
    install(SIGUSR1, nests, SA_NODEFER);
    raise(SIGUSR1);
    printf("deepest %d seen %d masked %d\n", deepest, seen, masked);
    deepest = seen = 0;
    struct sigaction action = { .sa_handler = nests, .sa_flags = SA_NODEFER }, old;
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaddset(&action.sa_mask, SIGUSR1);
    sigaddset(&action.sa_mask, SIGKILL);
    SHOW(sigaction(SIGUSR1, &action, NULL));
    raise(SIGUSR1);
    printf("deepest %d seen %d masked %d\n", deepest, seen, masked);
    SHOW(sigaction(SIGUSR1, NULL, &old));
    HOLDS(!sigismember(&old.sa_mask, SIGKILL) && sigismember(&old.sa_mask, SIGUSR1));
    deepest = seen = 0;

    /* One shot: the default comes back before the handler runs. */
    install(SIGUSR1, nests, SA_RESETHAND | SA_NODEFER);
    IN_CHILD(raise(SIGUSR1));
}

static void one_argument(int signal) { seen += signal; }

static void three_arguments(int signal, siginfo_t *info, void *context)
{
    ucontext_t *user_context = context;
    seen++;
    code = info->si_code;
    value = info->si_value.sival_int;
    sender = info->si_pid;
    user = info->si_uid;
    masked = sigismember(&user_context->uc_sigmask, SIGUSR2);
}

static void details(void)
{
    install(SIGUSR1, one_argument, 0);
    raise(SIGUSR1);
    SHOW(seen);
    seen = 0;
    install(SIGUSR1, three_arguments, SA_SIGINFO);
    kill(getpid(), SIGUSR1);
    HOLDS(code == SI_USER && sender == getpid() && user == getuid());
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    syscall(SYS_tkill, gettid(), SIGUSR1);
    HOLDS(code == SI_TKILL && sender == getpid() && masked);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    union sigval sent = { .sival_int = 99 };
    sigqueue(getpid(), SIGUSR1, sent);
    HOLDS(code == SI_QUEUE && value == 99 && !masked);
    seen = 0;

    /* Which flags a kernel knows can be asked for: it does not keep the others. */
    struct { void *handler; unsigned long flags; void *restorer; uint64_t mask; } raw = { SIG_DFL, SA_UNSUPPORTED | SA_EXPOSE_TAGBITS | SA_RESTART | 0x100000 };
    SHOW(syscall(SYS_rt_sigaction, SIGURG, &raw, NULL, 8));
    SHOW(syscall(SYS_rt_sigaction, SIGURG, NULL, &raw, 8));
    printf("flags %lx\n", raw.flags);

    /* Without a restorer of its own a handler can't return. */
    IN_CHILD({
        raw.handler = one_argument;
        raw.flags = 0;
        syscall(SYS_rt_sigaction, SIGUSR2, &raw, NULL, 8);
        raise(SIGUSR2);
    });

    /* Ignoring a signal drops what is pending. */
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN);
    install(SIGUSR1, one_argument, 0);
    sigset_t pending;
    sigpending(&pending);
    SHOW(sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    SHOW(seen);
}

static void where(int signal)
{
    char here;
    stack_t now, other = { .ss_sp = second, .ss_size = sizeof second };
    place = &here >= alternate && &here < alternate + sizeof alternate ? 1 : &here >= second && &here < second + sizeof second ? 2 : 0;
    sigaltstack(NULL, &now);
    flags_inside = now.ss_flags;
    if (signal == SIGUSR2) {
        SHOW(sigaltstack(&other, NULL));
        if (seen++ == 0) {
            int mine = place;
            raise(SIGUSR2);
            printf("inside: %d, one deeper: %d\n", mine, place);
        }
    }
}

static void stacks(void)
{
    stack_t stack = { .ss_sp = alternate, .ss_size = sizeof alternate }, now;
    SHOW(sigaltstack(NULL, &now));
    SHOW(now.ss_flags);
    SHOW(sigaltstack(&stack, NULL));
    install(SIGUSR1, where, SA_ONSTACK);
    raise(SIGUSR1);
    printf("on %d flags %x\n", place, flags_inside);
    install(SIGUSR1, where, 0);
    raise(SIGUSR1);
    printf("on %d flags %x\n", place, flags_inside);
    stack.ss_flags = SS_ONSTACK;
    SHOW(sigaltstack(&stack, &now));
    SHOW(now.ss_flags);
    SHOW(sigaltstack(NULL, &now));
    SHOW(now.ss_flags);
    seen = 0;
    install(SIGUSR2, where, SA_ONSTACK | SA_NODEFER);
    raise(SIGUSR2);

    /* Disarmed while a handler runs on it: another one may be set, and it is back afterwards. */
    seen = 0;
    stack.ss_flags = SS_AUTODISARM;
    SHOW(sigaltstack(&stack, NULL));
    SHOW(sigaltstack(NULL, &now));
    printf("%x\n", now.ss_flags);
    raise(SIGUSR2);
    SHOW(sigaltstack(NULL, &now));
    printf("%x %d\n", now.ss_flags, now.ss_sp == alternate);
    install(SIGUSR1, where, SA_ONSTACK);
    raise(SIGUSR1);
    printf("on %d flags %x\n", place, flags_inside);
    stack.ss_flags = SS_AUTODISARM | SS_ONSTACK;
    SHOW(sigaltstack(&stack, NULL));
    stack.ss_flags = SS_DISABLE | SS_AUTODISARM;
    SHOW(sigaltstack(&stack, NULL));
    SHOW(sigaltstack(NULL, &now));
    printf("%x %d %ld\n", now.ss_flags, now.ss_sp == NULL, (long)now.ss_size);
    stack.ss_flags = 4;
    SHOW(sigaltstack(&stack, NULL));
    stack.ss_flags = 0;
    stack.ss_size = 2047;
    SHOW(sigaltstack(&stack, NULL));
    SHOW(sigaltstack(BAD, NULL));
    SHOW(syscall(SYS_sigaltstack, NULL, BAD));

    /* A stack of its own is not a thread's: a forked child keeps it, an overflow of it kills. */
    stack.ss_size = sizeof alternate;
    SHOW(sigaltstack(&stack, NULL));
    IN_CHILD(sigaltstack(NULL, &now); SHOW(now.ss_sp == alternate));
    stack.ss_flags = SS_DISABLE;
    SHOW(sigaltstack(&stack, NULL));
}

static void *idles(void *unused)
{
    for (;;)
        pause();
}

static void *has_no_stack(void *unused)
{
    stack_t now;
    SHOW(sigaltstack(NULL, &now));
    SHOW(now.ss_flags);
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    SHOW(sigismember(&set, SIGUSR2));
    return NULL;
}

static void in_threads(void)
{
    pthread_t thread;
    sigset_t set;
    stack_t stack = { .ss_sp = alternate, .ss_size = sizeof alternate };
    sigaltstack(&stack, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_create(&thread, NULL, has_no_stack, NULL);
    pthread_join(thread, NULL);

    /* A thread's own pending signals are its own. */
    sigset_t pending;
    syscall(SYS_tkill, gettid(), SIGUSR2);
    SHOW(sigpending(&pending));
    SHOW(sigismember(&pending, SIGUSR2));
    IN_CHILD(sigpending(&pending); SHOW(sigismember(&pending, SIGUSR2)));
    siginfo_t info;
    SHOW(syscall(SYS_rt_sigtimedwait, &set, &info, NULL, 8));
    HOLDS(info.si_code == SI_TKILL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void waits(void)
{
    sigset_t set, none;
    siginfo_t info;
    struct timespec zero = { 0, 0 }, negative = { -1, 0 };
    sigemptyset(&none);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    sigaddset(&set, SIGRTMIN + 2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    union sigval sent = { .sival_int = 1 };
    sigqueue(getpid(), SIGRTMIN + 2, sent);
    sent.sival_int = 2;
    sigqueue(getpid(), SIGRTMIN + 1, sent);
    sent.sival_int = 3;
    sigqueue(getpid(), SIGRTMIN + 1, sent);
    for (int i = 0; i < 3; i++) {
        HOLDS(sigtimedwait(&set, &info, i == 1 ? NULL : &zero) > 0);
        printf("%d value %d\n", info.si_signo - SIGRTMIN, info.si_value.sival_int);
    }
    SHOW(sigtimedwait(&set, NULL, &zero));
    SHOW(sigtimedwait(&set, &info, &negative));
    SHOW(syscall(SYS_rt_sigtimedwait, &set, &info, BAD, 8));
    install(SIGALRM, one_argument, SA_RESTART);
    struct itimerval soon = { { 0, 20000 }, { 0, 20000 } }, never = { 0 };
    setitimer(ITIMER_REAL, &soon, NULL);
    SHOW(sigtimedwait(&set, &info, NULL));
    SHOW(sigsuspend(&none));
    SHOW(pause());
    setitimer(ITIMER_REAL, &never, NULL);

    /* The mask of a suspension is in force meanwhile, and only then. */
    sigaddset(&none, SIGUSR1);
    install(SIGUSR1, one_argument, 0);
    install(SIGUSR2, one_argument, 0);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    seen = 0;
    raise(SIGUSR2);
    raise(SIGRTMIN + 1);
    install(SIGRTMIN + 1, one_argument, 0);
    sigaddset(&none, SIGRTMIN + 1);
    SHOW(sigsuspend(&none));
    SHOW(seen);
    sigset_t old;
    sigprocmask(SIG_BLOCK, NULL, &old);
    HOLDS(sigismember(&old, SIGUSR2) && !sigismember(&old, SIGUSR1));
    SHOW(sigtimedwait(&set, NULL, &zero) == SIGRTMIN + 1);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void limits(void)
{
    IN_CHILD({
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        struct rlimit none = { 0, 0 };
        setrlimit(RLIMIT_SIGPENDING, &none);
        setresuid(23456, 23456, 23456);
        union sigval sent = { .sival_int = 1 };
        SHOW(sigqueue(getpid(), SIGRTMIN, sent));
        SHOW(sigqueue(getpid(), SIGUSR1, sent));
        SHOW(kill(getpid(), SIGUSR2));
        SHOW(raise(SIGRTMIN + 3));
        sigset_t pending;
        sigpending(&pending);
        HOLDS(sigismember(&pending, SIGUSR2) && !sigismember(&pending, SIGRTMIN));
    });
}

static void permissions(void)
{
    pid_t root = getpid();
    siginfo_t info = { .si_code = SI_QUEUE };
    fflush(stdout);
    pid_t group = fork();
    if (group == 0) {
        setpgid(0, 0);
        setresuid(23456, 23456, 23456);
        fflush(stdout);
        pid_t a = fork();
        if (a == 0)
            idles(NULL);
        signal(SIGTERM, SIG_IGN);
        SHOW(kill(root, 0));
        SHOW(kill(root, SIGTERM));
        SHOW(syscall(SYS_tkill, root, SIGTERM));
        SHOW(syscall(SYS_tgkill, root, root, SIGTERM));
        SHOW(syscall(SYS_rt_sigqueueinfo, root, SIGTERM, &info));
        SHOW(syscall(SYS_rt_tgsigqueueinfo, root, root, SIGTERM, &info));
        SHOW(kill(root, 99));
        SHOW(kill(0, 0));
        /* Everything it may kill: the child alone. */
        SHOW(kill(-1, 0));
        SHOW(kill(-1, SIGKILL));
        int status;
        HOLDS(waitpid(a, &status, 0) == a && WTERMSIG(status) == SIGKILL);
        a = fork();
        if (a == 0)
            idles(NULL);
        SHOW(kill(0, SIGTERM));
        HOLDS(waitpid(a, &status, WNOHANG) == 0);
        SHOW(kill(-getpgrp(), SIGKILL));
        pause();
    }
    int status;
    waitpid(group, &status, 0);
    SHOW(WTERMSIG(status));
    SHOW(kill((int)0x80000000, SIGTERM));
    SHOW(kill(-1 << 30, SIGTERM));
    SHOW(syscall(SYS_tkill, -1, 0));
    SHOW(syscall(SYS_tkill, getpid(), -1));
    SHOW(syscall(SYS_tgkill, getpid(), 1 << 30, 0));
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), 0, &info));
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), -1, &info));
    info.si_code = SI_TKILL;
    SHOW(syscall(SYS_rt_sigqueueinfo, 1, SIGTERM, &info));
    info.si_code = 0;
    SHOW(syscall(SYS_rt_tgsigqueueinfo, 1, 1, SIGTERM, &info));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGTERM, &info));
    SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), 0, &info));
}

/* Signals that stop, and that a process whose group is an orphan does not heed. */
static void stops(void)
{
    int signals[] = { SIGTSTP, SIGTTIN, SIGTTOU, SIGSTOP };
    for (int i = 0; i < 4; i++) {
        int ready[2];
        pipe(ready);
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            pid_t middle = getpid();
            /* The middle one leaves: its child is an orphan, alone in its group. */
            if (i != 3 && fork() != 0)
                _exit(0);
            setpgid(0, 0);
            while (getppid() == middle)
                usleep(1000);
            raise(signals[i]);
            write(ready[1], "x", 1);
            _exit(0);
        }
        int status;
        char c;
        if (i == 3) {
            waitpid(child, &status, WUNTRACED);
            printf("stopped by %d\n", WSTOPSIG(status));
            kill(child, SIGCONT);
        }
        waitpid(child, &status, 0);
        printf("signal %d: %ld\n", signals[i], (long)read(ready[0], &c, 1));
        close(ready[0]);
        close(ready[1]);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    deferral();
    details();
    stacks();
    in_threads();
    waits();
    limits();
    permissions();
    stops();
    return 0;
}
