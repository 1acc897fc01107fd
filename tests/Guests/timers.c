/* Clocks of processes and threads, every kind of timer and of notification, sleeping on each clock, setting clocks.
 * capabilities: sys_time
 * covers: clock_gettime clock_getres clock_nanosleep nanosleep clock_settime settimeofday gettimeofday time
 * covers: getitimer setitimer alarm timer_create timer_settime timer_gettime timer_getoverrun timer_delete
 * link: static dynamic
 */
#include "check.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile int fired, fired_in, with_value, with_code;

static void on_signal(int signal, siginfo_t *info, void *context)
{
    fired++;
    fired_in = gettid();
    with_value = info->si_value.sival_int;
    with_code = info->si_code;
}

static long long ns(struct timespec t) { return t.tv_sec * 1000000000LL + t.tv_nsec; }

static long long now(clockid_t clock)
{
    struct timespec t = { 0 };
    return clock_gettime(clock, &t) == 0 ? ns(t) : -errno;
}

static void burn(long long nanoseconds)
{
    long long until = now(CLOCK_THREAD_CPUTIME_ID) + nanoseconds;
    while (now(CLOCK_THREAD_CPUTIME_ID) < until)
        ;
}

/* The number of a clock that counts a process's or a thread's time. */
static clockid_t cpu_clock(pid_t id, int kind, int of_thread) { return (~(clockid_t)id << 3) | kind | (of_thread ? 4 : 0); }

static void *burns(void *unused)
{
    burn(30000000);
    return NULL;
}

static void cpu_clocks(void)
{
    struct timespec t;
    for (int kind = 0; kind < 3; kind++) {
        HOLDS(now(cpu_clock(getpid(), kind, 0)) >= 0);
        HOLDS(now(cpu_clock(gettid(), kind, 1)) >= 0);
        HOLDS(now(cpu_clock(0, kind, 0)) >= 0);
        SHOW(syscall(SYS_clock_getres, cpu_clock(getpid(), kind, 0), NULL));
    }
    SHOW(clock_getres(cpu_clock(getpid(), 2, 0), &t));
    SHOW(t.tv_nsec);
    SHOW(now(cpu_clock(1 << 27, 2, 0)) == -EINVAL);
    SHOW(now(cpu_clock(1 << 27, 2, 1)) == -EINVAL);
    SHOW(now(cpu_clock(getppid(), 2, 1)) == -EINVAL);
    SHOW(now(cpu_clock(99, 3, 0)) == -EINVAL);
    SHOW(syscall(SYS_clock_settime, cpu_clock(getpid(), 2, 0), &t));
    long long process = now(CLOCK_PROCESS_CPUTIME_ID), own = now(CLOCK_THREAD_CPUTIME_ID);
    pthread_t thread;
    pthread_create(&thread, NULL, burns, NULL);
    pthread_join(thread, NULL);
    own = now(CLOCK_THREAD_CPUTIME_ID) - own;
    HOLDS(now(CLOCK_PROCESS_CPUTIME_ID) - process >= own + 30000000);
    pid_t child = fork();
    if (child == 0) {
        for (;;)
            ;
    }
    while (now(cpu_clock(child, 2, 0)) < 10000000)
        usleep(1000);
    HOLDS(now(cpu_clock(child, 2, 0)) >= 10000000);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void setting(void)
{
    struct timespec t;
    struct timeval tv;
    struct timezone zone = { 0, 0 }, far = { 16 * 60, 0 };
    /* To what it is. */
    clock_gettime(CLOCK_REALTIME, &t);
    SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &t));
    gettimeofday(&tv, NULL);
    SHOW(syscall(SYS_settimeofday, &tv, NULL));
    SHOW(syscall(SYS_settimeofday, NULL, NULL));
    SHOW(syscall(SYS_settimeofday, NULL, &zone));
    SHOW(syscall(SYS_gettimeofday, NULL, &zone));
    SHOW(zone.tz_minuteswest);
    SHOW(syscall(SYS_settimeofday, NULL, &far));
    SHOW(syscall(SYS_settimeofday, NULL, BAD));
    tv.tv_usec = -1;
    SHOW(syscall(SYS_settimeofday, &tv, NULL));
    t.tv_sec = -1;
    SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &t));
    t.tv_sec = 0;
    t.tv_nsec = 0;
    SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &t));
    int unsettable[] = { CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
        CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI, 12, 16 };
    for (int i = 0; i < 10; i++)
        SHOW(syscall(SYS_clock_settime, unsettable[i], &t));
    IN_CHILD({
        setuid(12345);
        clock_gettime(CLOCK_REALTIME, &t);
        gettimeofday(&tv, NULL);
        SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &t));
        SHOW(syscall(SYS_settimeofday, &tv, NULL));
        SHOW(syscall(SYS_settimeofday, NULL, &zone));
    });
}

static void *burns_long(void *stop)
{
    while (!*(volatile int *)stop)
        ;
    return NULL;
}

static void sleeping(void)
{
    struct timespec t, rest;
    int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI };
    for (int i = 0; i < 4; i++) {
        t = (struct timespec){ 0, 5000000 };
        long long begun = now(clocks[i]);
        SHOW(syscall(SYS_clock_nanosleep, clocks[i], 0, &t, NULL));
        HOLDS(now(clocks[i]) - begun >= 5000000);
        clock_gettime(clocks[i], &t);
        t.tv_nsec += 5000000;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        SHOW(syscall(SYS_clock_nanosleep, clocks[i], TIMER_ABSTIME, &t, NULL));
        HOLDS(now(clocks[i]) >= ns(t));
    }
    int others[] = { CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_THREAD_CPUTIME_ID, 12, 16, -1 };
    for (int i = 0; i < 7; i++)
        SHOW(syscall(SYS_clock_nanosleep, others[i], 0, &t, NULL));
    t = (struct timespec){ 0, -1 };
    SHOW(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL));
    t = (struct timespec){ 0, 1 };
    SHOW(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 64, &t, NULL));

    /* A signal: how much is left is told of a relative sleep only. */
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART };
    sigaction(SIGALRM, &action, NULL);
    t = (struct timespec){ 500, 0 };
    rest = (struct timespec){ 777, 77 };
    WITH_ALARMS(SHOW(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, &rest)));
    HOLDS(rest.tv_sec >= 400 && rest.tv_sec < 500);
    WITH_ALARMS(SHOW(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, BAD)));
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += 500;
    rest = (struct timespec){ 77, 77 };
    WITH_ALARMS(SHOW(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &t, &rest)));
    SHOW(rest.tv_sec);

    /* The CPU time of the process passes while another thread works. */
    volatile int stop = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, burns_long, (void *)&stop);
    t = (struct timespec){ 0, 30000000 };
    long long begun = now(CLOCK_PROCESS_CPUTIME_ID);
    SHOW(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &t, NULL));
    HOLDS(now(CLOCK_PROCESS_CPUTIME_ID) - begun >= 30000000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    t.tv_nsec += 20000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    SHOW(syscall(SYS_clock_nanosleep, cpu_clock(getpid(), 2, 0), TIMER_ABSTIME, &t, NULL));
    HOLDS(now(CLOCK_PROCESS_CPUTIME_ID) >= ns(t));
    stop = 1;
    pthread_join(thread, NULL);
    SHOW(syscall(SYS_clock_nanosleep, cpu_clock(gettid(), 2, 1), 0, &t, NULL));
    SHOW(syscall(SYS_clock_nanosleep, cpu_clock(1 << 27, 2, 0), 0, &t, NULL));
    t = (struct timespec){ 1000, 0 };
    WITH_ALARMS(SHOW(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &t, &rest)));
    HOLDS(rest.tv_sec >= 900 && rest.tv_sec <= 1000);
}

static void interval_timers(void)
{
    struct itimerval value = { { 0, 3000 }, { 0, 3000 } }, old, none = { 0 };
    int kinds[] = { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF }, signals[] = { SIGALRM, SIGVTALRM, SIGPROF };
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
    for (int i = 0; i < 3; i++) {
        sigaction(signals[i], &action, NULL);
        fired = 0;
        SHOW(setitimer(kinds[i], &value, NULL));
        while (fired < 3)
            ;
        SHOW(getitimer(kinds[i], &old));
        HOLDS(old.it_interval.tv_usec == 3000 || old.it_interval.tv_usec == 4000);
        SHOW(setitimer(kinds[i], &none, &old));
        HOLDS(old.it_interval.tv_usec == 3000 || old.it_interval.tv_usec == 4000);
        SHOW(getitimer(kinds[i], &old));
        HOLDS(old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0);
        struct itimerval negative = { { 0, 0 }, { 0, -1 } };
        SHOW(syscall(SYS_setitimer, kinds[i], &negative, NULL));
        SHOW(syscall(SYS_setitimer, kinds[i], &none, BAD));
        SHOW(syscall(SYS_setitimer, kinds[i], NULL, &old));
    }
    SHOW(syscall(SYS_setitimer, -1, &none, NULL));
    SHOW(syscall(SYS_getitimer, 3, &old));
    SHOW(syscall(SYS_getitimer, ITIMER_PROF, BAD));
    /* An alarm is the same timer, and survives exec, not fork. */
    SHOW(alarm(50));
    SHOW(getitimer(ITIMER_REAL, &old));
    HOLDS(old.it_value.tv_sec > 0 && old.it_value.tv_sec <= 50 && old.it_interval.tv_sec == 0);
    IN_CHILD(SHOW(alarm(0)));
    SHOW(setitimer(ITIMER_REAL, &value, NULL));
    SHOW(alarm(0));
    SHOW(alarm(0));
}

static volatile int thread_is;

static void *takes_signals(void *unused)
{
    thread_is = gettid();
    while (fired < 2)
        usleep(1000);
    return NULL;
}

static void created(void)
{
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID,
        cpu_clock(getpid(), 0, 0) };
    int id;
    struct itimerspec value = { { 0, 0 }, { 0, 5000000 } }, old;
    for (int i = 0; i < 7; i++) {
        struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 40 + i };
        SHOW(syscall(SYS_timer_create, clocks[i], &event, &id));
        fired = 0;
        SHOW(syscall(SYS_timer_settime, id, 0, &value, NULL));
        while (!fired)
            ;
        printf("value %d code %d\n", with_value, with_code);
        struct itimerspec at = value;
        clock_gettime(clocks[i], &at.it_value);
        at.it_value.tv_nsec += 5000000;
        at.it_value.tv_sec += at.it_value.tv_nsec / 1000000000;
        at.it_value.tv_nsec %= 1000000000;
        fired = 0;
        SHOW(syscall(SYS_timer_settime, id, TIMER_ABSTIME, &at, NULL));
        while (!fired)
            ;
        HOLDS(now(clocks[i]) >= ns(at.it_value));
        SHOW(syscall(SYS_timer_gettime, id, &old));
        HOLDS(ns(old.it_value) == 0 && ns(old.it_interval) == 0);
        SHOW(syscall(SYS_timer_getoverrun, id));
        struct itimerspec far = { { 7, 0 }, { 1000, 0 } };
        SHOW(syscall(SYS_timer_settime, id, 0, &far, NULL));
        SHOW(syscall(SYS_timer_settime, id, 0, &value, &old));
        HOLDS(old.it_value.tv_sec >= 900 && old.it_value.tv_sec <= 1000);
        SHOW((long)old.it_interval.tv_sec);
        SHOW(syscall(SYS_timer_delete, id));
    }
    int others[] = { CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, 12, 16, -1, cpu_clock(1 << 27, 2, 0) };
    for (int i = 0; i < 7; i++)
        SHOW(syscall(SYS_timer_create, others[i], NULL, &id));

    /* To a thread by name; to nobody; to one that a library makes. */
    fired = thread_is = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, takes_signals, NULL);
    while (!thread_is)
        usleep(1000);
    struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID | SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    event.sigev_notify_thread_id = thread_is;
    value.it_interval.tv_nsec = 5000000;
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
    SHOW(syscall(SYS_timer_settime, id, 0, &value, NULL));
    pthread_join(thread, NULL);
    HOLDS(fired_in == thread_is);
    SHOW(syscall(SYS_timer_delete, id));
    event.sigev_notify_thread_id = 1;
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
    event.sigev_notify = SIGEV_THREAD_ID;
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
    event.sigev_notify = 77;
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = 0;
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
    event.sigev_notify = SIGEV_NONE;
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
    value.it_value.tv_nsec = 1000000;
    SHOW(syscall(SYS_timer_settime, id, 0, &value, NULL));
    usleep(3000);
    SHOW(syscall(SYS_timer_gettime, id, &old));
    HOLDS(ns(old.it_value) > 0 && ns(old.it_value) <= 5000000 && ns(old.it_interval) == 5000000);
    SHOW(syscall(SYS_timer_getoverrun, id));
    /* Timers are neither forked nor kept by exec; their numbers are the process's. */
    IN_CHILD(SHOW(syscall(SYS_timer_gettime, id, &old)); SHOW(syscall(SYS_timer_delete, id)));
    SHOW(syscall(SYS_timer_settime, id, 0, BAD, NULL));
    SHOW(syscall(SYS_timer_settime, id, 0, &value, BAD));
    value.it_interval.tv_nsec = -1;
    SHOW(syscall(SYS_timer_settime, id, 0, &value, NULL));
    SHOW(syscall(SYS_timer_delete, id));
    SHOW(syscall(SYS_timer_delete, id));
    SHOW(syscall(SYS_timer_gettime, -1, &old));
    SHOW(syscall(SYS_timer_getoverrun, -1));

    /* Each timer takes one of the signals that may be pending. */
    IN_CHILD({
        struct rlimit two = { 2, 2 };
        setrlimit(RLIMIT_SIGPENDING, &two);
        setresuid(45678, 45678, 45678);
        SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id));
        SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id));
        SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id));
    });

    /* Missed periods are counted while the signal is blocked. */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    value = (struct itimerspec){ { 0, 1000000 }, { 0, 1000000 } };
    SHOW(syscall(SYS_timer_create, CLOCK_REALTIME, NULL, &id));
    SHOW(syscall(SYS_timer_settime, id, 0, &value, NULL));
    usleep(20000);
    siginfo_t info;
    SHOW(sigwaitinfo(&set, &info));
    HOLDS(info.si_code == SI_TIMER && info.si_overrun >= 10 && info.si_value.sival_int == id);
    HOLDS(syscall(SYS_timer_getoverrun, id) == info.si_overrun);
    SHOW(syscall(SYS_timer_delete, id));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    cpu_clocks();
    setting();
    sleeping();
    interval_timers();
    created();
    return 0;
}
