/* Clocks, sleeps and timers.
 * capabilities: sys_time
 * covers: clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time alarm getitimer setitimer clock_settime settimeofday
 * covers: timer_create timer_settime timer_gettime timer_getoverrun timer_delete clock_adjtime adjtimex
 * link: static dynamic
 */
#include "check.h"
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

static volatile sig_atomic_t fired;

static void on_signal(int signal, siginfo_t *info, void *context)
{
    fired++;
}

static long long ns(struct timespec t) { return t.tv_sec * 1000000000LL + t.tv_nsec; }

static long long now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return ns(t);
}

static void read_clocks(void)
{
    struct timespec t;
    struct timeval tv;
    int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
        CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI };
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        long long a = now(clocks[i]), b = now(clocks[i]);
        printf("clock %d: %s\n", clocks[i], b >= a && a >= 0 ? "goes on" : "GOES BACK");
        SHOW(syscall(SYS_clock_gettime, clocks[i], &t));
        SHOW(clock_getres(clocks[i], &t));
    }
    HOLDS(now(CLOCK_REALTIME) > 1600000000LL * 1000000000);
    long long vdso = now(CLOCK_REALTIME);
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
    HOLDS(ns(t) >= vdso && ns(t) - vdso < 100000000000LL);
    vdso = now(CLOCK_MONOTONIC);
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    HOLDS(ns(t) >= vdso && ns(t) - vdso < 100000000000LL);
    SHOW(syscall(SYS_clock_gettime, 77, &t));
    SHOW(syscall(SYS_clock_gettime, CLOCK_REALTIME, BAD));
    SHOW(syscall(SYS_clock_getres, 77, &t));
    SHOW(syscall(SYS_clock_getres, CLOCK_REALTIME, BAD));
    SHOW(syscall(SYS_clock_getres, CLOCK_REALTIME, NULL));
    SHOW(syscall(SYS_gettimeofday, &tv, NULL));
    HOLDS(tv.tv_sec > 1600000000 && tv.tv_usec < 1000000);
    SHOW(syscall(SYS_gettimeofday, BAD, NULL));
    SHOW(syscall(SYS_gettimeofday, NULL, BAD));
    time_t seconds;
    WORKS(syscall(SYS_time, &seconds));
    HOLDS(llabs(seconds - now(CLOCK_REALTIME) / 1000000000) <= 100 && time(NULL) >= seconds);
    WORKS(syscall(SYS_time, NULL));
    SHOW(syscall(SYS_time, BAD));
    t.tv_nsec = 1000000000;
    SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, &t));
    SHOW(syscall(SYS_clock_settime, 77, &t));
    SHOW(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &t));
    SHOW(syscall(SYS_clock_settime, CLOCK_REALTIME, BAD));
    tv.tv_usec = 1000000;
    SHOW(syscall(SYS_settimeofday, &tv, NULL));
    SHOW(syscall(SYS_settimeofday, BAD, NULL));
    struct timex x = { 0 };
    WORKS(syscall(SYS_adjtimex, &x));
    WORKS(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &x));
    SHOW(syscall(SYS_adjtimex, BAD));
    SHOW(syscall(SYS_clock_adjtime, 77, &x));
    SHOW(syscall(SYS_clock_adjtime, CLOCK_REALTIME, BAD));
}

static void sleeps(void)
{
    struct timespec t = { 0, 20000000 }, rest = { 9, 9 };
    long long start = now(CLOCK_MONOTONIC);
    SHOW(nanosleep(&t, &rest));
    HOLDS(now(CLOCK_MONOTONIC) - start >= 20000000);
    start = now(CLOCK_MONOTONIC);
    SHOW(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL));
    HOLDS(now(CLOCK_MONOTONIC) - start >= 20000000);
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 20000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    SHOW(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL));
    HOLDS(now(CLOCK_REALTIME) >= ns(t));
    SHOW(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL));
    t.tv_nsec = -1;
    SHOW(nanosleep(&t, NULL));
    t.tv_nsec = 1000000000;
    SHOW(nanosleep(&t, NULL));
    t.tv_sec = -1;
    t.tv_nsec = 0;
    SHOW(nanosleep(&t, NULL));
    SHOW(nanosleep(BAD, NULL));
    SHOW(syscall(SYS_clock_nanosleep, 77, 0, &t, NULL));
    t.tv_sec = 0;
    SHOW(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL));
    SHOW(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, BAD, NULL));
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART };
    sigaction(SIGALRM, &action, NULL);
    struct itimerval soon = { { 0, 20000 }, { 0, 20000 } }, never = { { 0, 0 }, { 0, 0 } };
    SHOW(setitimer(ITIMER_REAL, &soon, NULL));
    t.tv_sec = 500;
    SHOW(nanosleep(&t, &rest));
    HOLDS(rest.tv_sec >= 400 && rest.tv_sec < 500 && fired >= 1);
    SHOW(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, &rest));
    HOLDS(rest.tv_sec >= 400 && rest.tv_sec < 500 && fired >= 2);
    SHOW(setitimer(ITIMER_REAL, &never, NULL));
}

static void interval_timers(void)
{
    struct itimerval value = { { 0, 5000 }, { 0, 5000 } }, old;
    fired = 0;
    SHOW(setitimer(ITIMER_REAL, &value, &old));
    printf("%ld %ld\n", (long)old.it_value.tv_sec, (long)old.it_value.tv_usec);
    while (fired < 5)
        pause();
    SHOW(getitimer(ITIMER_REAL, &old));
    HOLDS(old.it_interval.tv_usec == 5000 && old.it_value.tv_usec <= 5000);
    value.it_value.tv_usec = 0;
    SHOW(setitimer(ITIMER_REAL, &value, NULL));
    SHOW(getitimer(ITIMER_REAL, &old));
    printf("%ld\n", (long)old.it_value.tv_usec);
    value.it_value.tv_usec = 1000000;
    SHOW(syscall(SYS_setitimer, ITIMER_REAL, &value, NULL));
    SHOW(syscall(SYS_setitimer, 9, &value, NULL));
    SHOW(syscall(SYS_setitimer, ITIMER_REAL, BAD, NULL));
    SHOW(syscall(SYS_getitimer, 9, &value));
    SHOW(syscall(SYS_getitimer, ITIMER_REAL, BAD));
    SHOW(alarm(100));
    SHOW(alarm(0));
    SHOW(alarm(0));
    IN_CHILD(signal(SIGALRM, SIG_DFL); alarm(1); for (;;) pause());
    IN_CHILD({
        struct itimerval cpu = { { 0, 0 }, { 0, 10000 } };
        setitimer(ITIMER_VIRTUAL, &cpu, NULL);
        for (;;)
            ;
    });
    IN_CHILD({
        struct itimerval cpu = { { 0, 0 }, { 0, 10000 } };
        setitimer(ITIMER_PROF, &cpu, NULL);
        for (;;)
            ;
    });
}

static void posix_timers(void)
{
    timer_t id;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    event.sigev_value.sival_int = 42;
    struct itimerspec value = { { 0, 2000000 }, { 0, 2000000 } }, old;
    sigset_t set;
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &id));
    SHOW(timer_settime(id, 0, &value, &old));
    printf("%ld\n", old.it_value.tv_nsec);
    usleep(20000);
    SHOW(sigwaitinfo(&set, &info));
    printf("code %d value %d\n", info.si_code, info.si_value.sival_int);
    HOLDS(info.si_overrun >= 5);
    HOLDS(timer_getoverrun(id) >= 5);
    SHOW(timer_gettime(id, &old));
    HOLDS(old.it_interval.tv_nsec == 2000000 && old.it_value.tv_nsec <= 2000000);
    clock_gettime(CLOCK_MONOTONIC, &value.it_value);
    value.it_interval.tv_nsec = 0;
    SHOW(timer_settime(id, TIMER_ABSTIME, &value, NULL));
    SHOW(sigwaitinfo(&set, &info));
    SHOW(timer_gettime(id, &old));
    printf("%ld %ld\n", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
    value.it_value.tv_nsec = 1000000000;
    SHOW(timer_settime(id, 0, &value, NULL));
    SHOW(syscall(SYS_timer_settime, 99, 0, &value, NULL));
    SHOW(syscall(SYS_timer_settime, 0, 0, NULL, NULL));
    SHOW(syscall(SYS_timer_gettime, 99, &old));
    SHOW(syscall(SYS_timer_gettime, 0, BAD));
    SHOW(syscall(SYS_timer_getoverrun, 99));
    SHOW(timer_delete(id));
    SHOW(syscall(SYS_timer_delete, 0));
    SHOW(syscall(SYS_timer_delete, 99));
    int kernel_id;
    SHOW(syscall(SYS_timer_create, 77, &event, &kernel_id));
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, BAD, &kernel_id));
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, BAD));
    event.sigev_signo = 99;
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &kernel_id));
    event.sigev_notify = SIGEV_NONE;
    event.sigev_signo = 0;
    SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &kernel_id));
    SHOW(syscall(SYS_timer_delete, kernel_id));
    SHOW(syscall(SYS_timer_create, CLOCK_REALTIME, NULL, &kernel_id));
    fired = 0;
    struct itimerspec once = { { 0, 1000000 }, { 0, 1000000 } };
    SHOW(syscall(SYS_timer_settime, kernel_id, 0, &once, NULL));
    while (!fired)
        pause();
    SHOW(syscall(SYS_timer_delete, kernel_id));
}

int main(void)
{
    read_clocks();
    sleeps();
    interval_timers();
    posix_timers();
    return 0;
}
