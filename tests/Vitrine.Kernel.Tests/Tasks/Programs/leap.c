/* The clock leaps an hour: what waits for a moment in between has waited long enough, what waits for a time goes on. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int fired;

static void on_signal(int signal) { fired++; }

int main(void)
{
    struct itimerspec moment = { 0 }, duration = { { 0, 0 }, { 3000, 0 } };
    struct timespec t;
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    int started[2], status = 0;
    uint64_t count = 0;
    char c;
    timer_t id;
    clock_gettime(CLOCK_REALTIME, &moment.it_value);
    moment.it_value.tv_sec += 3000;
    int absolute = timerfd_create(CLOCK_REALTIME, 0), relative = timerfd_create(CLOCK_REALTIME, 0);
    timerfd_settime(absolute, TFD_TIMER_ABSTIME, &moment, NULL);
    timerfd_settime(relative, 0, &duration, NULL);
    signal(SIGUSR1, on_signal);
    timer_create(CLOCK_REALTIME, &event, &id);
    timer_settime(id, TIMER_ABSTIME, &moment, NULL);
    pipe(started);
    pid_t child = fork();
    if (child == 0) {
        write(started[1], "s", 1);
        _exit(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &moment.it_value, NULL) == 0 ? 5 : 6);
    }
    read(started[0], &c, 1);
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += 3600;
    if (clock_settime(CLOCK_REALTIME, &t) != 0)
        return 1;
    read(absolute, &count, sizeof count);
    while (!fired)
        usleep(1000);
    waitpid(child, &status, 0);
    struct pollfd p = { relative, POLLIN, 0 };
    printf("%d %d %d\n", (int)count, WEXITSTATUS(status), poll(&p, 1, 0));
    return 0;
}
