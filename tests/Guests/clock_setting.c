/* Timers that are told when the clock is set, and clocks that can wake a machine. The clock is only ever set to what it is.
 * capabilities: sys_time
 * covers: timerfd_create timerfd_settime timerfd_gettime clock_settime clock_adjtime adjtimex
 */
#include "check.h"
#include <poll.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>

#ifndef TFD_TIMER_CANCEL_ON_SET
#define TFD_TIMER_CANCEL_ON_SET 2
#endif

static uint64_t count;

static void to_what_it_is(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    clock_settime(CLOCK_REALTIME, &t);
}

static int ready(int fd)
{
    struct pollfd p = { fd, POLLIN, 0 };
    return poll(&p, 1, 0) == 1 ? p.revents : 0;
}

static struct itimerspec in(int clock, int seconds)
{
    struct itimerspec value = { { 0, 0 }, { 0, 0 } };
    clock_gettime(clock, &value.it_value);
    value.it_value.tv_sec += seconds;
    return value;
}

static void cancelled(void)
{
    struct itimerspec value = in(CLOCK_REALTIME, 1000), old;
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &value, NULL));
    SHOW(ready(fd));
    SHOW(read(fd, &count, 8));
    to_what_it_is();
    SHOW(ready(fd));
    SHOW(read(fd, &count, 8));
    SHOW(ready(fd));
    SHOW(read(fd, &count, 8));
    SHOW(timerfd_gettime(fd, &old));
    HOLDS(old.it_value.tv_sec > 990);
    to_what_it_is();
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &value, NULL));
    SHOW(read(fd, &count, 8));
    /* Only a moment of the clock is cancelled. */
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &value, NULL));
    to_what_it_is();
    SHOW(ready(fd));
    value.it_value.tv_sec = 1000;
    SHOW(timerfd_settime(fd, TFD_TIMER_CANCEL_ON_SET, &value, NULL));
    to_what_it_is();
    SHOW(ready(fd));
    SHOW(timerfd_settime(fd, 4, &value, NULL));
    SHOW(timerfd_settime(1, 0, &value, NULL));
    SHOW(timerfd_settime(999, 0, &value, NULL));
    SHOW(timerfd_settime(fd, 0, BAD, NULL));
    close(fd);
    fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    value = in(CLOCK_MONOTONIC, 1000);
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &value, NULL));
    to_what_it_is();
    SHOW(ready(fd));
    close(fd);
}

static void kinds(void)
{
    int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, 8, 9 };
    for (int i = 0; i < 5; i++) {
        int fd = timerfd_create(clocks[i], TFD_CLOEXEC);
        HOLDS(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
        struct itimerspec value = { { 0, 0 }, { 0, 1000000 } };
        SHOW(timerfd_settime(fd, 0, &value, NULL));
        SHOW(read(fd, &count, 8));
        SHOW((int)count);
        SHOW(timerfd_gettime(fd, &value));
        SHOW(value.it_value.tv_nsec);
        close(fd);
    }
    SHOW(timerfd_create(CLOCK_TAI, 0));
    SHOW(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
    SHOW(timerfd_create(CLOCK_MONOTONIC, 1));
    SHOW(timerfd_gettime(1, NULL));
    SHOW(timerfd_gettime(999, NULL));
    IN_CHILD(setuid(12345); SHOW(timerfd_create(8, 0)); SHOW(timerfd_create(9, 0)));
}

/* A slow correction replaces what is left of the one before, and says how much that was. */
static void slewing(void)
{
    struct timeval some = { 0, 100000 }, none = { 0, 0 }, left = { 9, 9 }, back = { -1, 910000 };
    SHOW(adjtime(&none, NULL));
    SHOW(adjtime(NULL, &left));
    printf("%ld %ld\n", (long)left.tv_sec, (long)left.tv_usec);
    SHOW(adjtime(&some, &left));
    printf("%ld %ld\n", (long)left.tv_sec, (long)left.tv_usec);
    SHOW(adjtime(NULL, &left));
    HOLDS(left.tv_sec == 0 && left.tv_usec > 0 && left.tv_usec <= 100000);
    SHOW(adjtime(&back, &left));
    HOLDS(left.tv_sec == 0 && left.tv_usec > 0 && left.tv_usec <= 100000);
    SHOW(adjtime(&none, &left));
    HOLDS(left.tv_sec == 0 && left.tv_usec < 0 && left.tv_usec >= -90000);
    SHOW(adjtime(NULL, &left));
    printf("%ld %ld\n", (long)left.tv_sec, (long)left.tv_usec);
    IN_CHILD(setuid(12345); SHOW(adjtime(NULL, &left)); SHOW(adjtime(&some, NULL)));
}

int main(void)
{
    slewing();
    cancelled();
    kinds();
    struct timex there = { .modes = ADJ_SETOFFSET, .time = { 0, 1000000 } };
    SHOW(clock_adjtime(CLOCK_REALTIME, &there));
    there.time.tv_usec = -1;
    SHOW(clock_adjtime(CLOCK_REALTIME, &there));
    SHOW(clock_adjtime(CLOCK_MONOTONIC, &there));
    SHOW(clock_adjtime(77, &there));
    IN_CHILD(setuid(12345); there.time.tv_usec = 0; SHOW(clock_adjtime(CLOCK_REALTIME, &there)); SHOW(adjtimex(&there)));
    return 0;
}
