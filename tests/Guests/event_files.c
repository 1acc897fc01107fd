/* eventfd, timerfd, signalfd.
 * covers: eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime signalfd signalfd4
 * link: static dynamic
 */
#include "check.h"
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

static uint64_t v;

static short ready(int fd)
{
    struct pollfd f = { fd, POLLIN | POLLOUT, 0 };
    poll(&f, 1, 0);
    return f.revents;
}

static void no_room(void)
{
    struct rlimit old, low;
    getrlimit(RLIMIT_NOFILE, &old);
    low = old;
    low.rlim_cur = 3;
    sigset_t s;
    sigemptyset(&s);
    setrlimit(RLIMIT_NOFILE, &low);
    SHOW(syscall(SYS_eventfd, 0));
    SHOW(syscall(SYS_eventfd2, 0, 0));
    SHOW(syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0));
    SHOW(syscall(SYS_signalfd4, -1, &s, 8, 0));
    SHOW(syscall(SYS_signalfd, -1, &s, 8));
    setrlimit(RLIMIT_NOFILE, &old);
}

static void *later(void *p) { return p; }

static void events(void)
{
    int fd;
    SHOW((fd = syscall(SYS_eventfd, 5)) >= 0);
    SHOW(fcntl(fd, F_GETFD));
    HOLDS(fcntl(fd, F_GETFL) == O_RDWR);
    SHOW(ready(fd));
    SHOW(read(fd, &v, 8));
    printf("%llu\n", (unsigned long long)v);
    SHOW(ready(fd));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(pread(fd, &v, 8, 0));
    SHOW(ioctl(fd, FIONREAD, &v));
    close(fd);
    SHOW((fd = syscall(SYS_eventfd2, 0xffffffff, EFD_CLOEXEC | EFD_NONBLOCK)) >= 0);
    SHOW(fcntl(fd, F_GETFD));
    HOLDS(fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
    SHOW(read(fd, &v, 16));
    printf("%llx\n", (unsigned long long)v);
    SHOW(read(fd, &v, 8));
    SHOW(read(fd, &v, 7));
    SHOW(write(fd, &v, 7));
    v = -1;
    SHOW(write(fd, &v, 8));
    v = -2;
    SHOW(write(fd, &v, 8));
    SHOW(ready(fd));
    v = 1;
    SHOW(write(fd, &v, 8));
    v = 0;
    SHOW(write(fd, &v, 8));
    SHOW(read(fd, BAD, 8));
    SHOW(write(fd, BAD, 8));
    SHOW(read(fd, &v, 8));
    printf("%llx\n", (unsigned long long)v);
    v = 3;
    SHOW(write(fd, &v, 16));
    SHOW(read(fd, &v, 8));
    printf("%llx\n", (unsigned long long)v);
    close(fd);
    SHOW((fd = syscall(SYS_eventfd2, 2, EFD_SEMAPHORE | EFD_NONBLOCK)) >= 0);
    for (int i = 0; i < 3; i++) {
        v = 9;
        SHOW(read(fd, &v, 8));
        printf("%llu\n", (unsigned long long)v);
    }
    close(fd);
    SHOW(syscall(SYS_eventfd2, 0, 2));
    SHOW(syscall(SYS_eventfd2, 0, O_APPEND | EFD_CLOEXEC));
    /* both directions wait */
    fd = eventfd(0, 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        usleep(20000);
        v = -2;
        write(fd, &v, 8);
        v = 5;
        write(fd, &v, 8);
        _exit(0);
    }
    SHOW(read(fd, &v, 8));
    printf("%llx\n", (unsigned long long)v);
    SHOW(read(fd, &v, 8));
    printf("%llx\n", (unsigned long long)v);
    waitpid(child, NULL, 0);
    struct sigaction a = { .sa_handler = (void (*)(int))later };
    sigaction(SIGALRM, &a, NULL);
    WITH_ALARMS(SHOW(read(fd, &v, 8)));
    close(fd);
}

static long ns(struct timespec *t) { return t->tv_sec * 1000000000L + t->tv_nsec; }

static void timers(void)
{
    int fd;
    struct itimerspec t = { { 0, 0 }, { 0, 0 } }, old;
    SHOW((fd = syscall(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) >= 0);
    SHOW(fcntl(fd, F_GETFD));
    HOLDS(fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
    SHOW(read(fd, &v, 8));
    SHOW(ready(fd));
    SHOW(syscall(SYS_timerfd_gettime, fd, &old));
    printf("%ld %ld\n", ns(&old.it_value), ns(&old.it_interval));
    t.it_value.tv_sec = 100;
    t.it_interval.tv_sec = 7;
    SHOW(syscall(SYS_timerfd_settime, fd, 0, &t, &old));
    printf("%ld %ld\n", ns(&old.it_value), ns(&old.it_interval));
    SHOW(syscall(SYS_timerfd_gettime, fd, &old));
    HOLDS(old.it_value.tv_sec >= 9 && ns(&old.it_value) < 100000000000);
    HOLDS(old.it_interval.tv_sec == 7 && old.it_interval.tv_nsec == 0);
    SHOW(read(fd, &v, 8));
    SHOW(read(fd, &v, 7));
    SHOW(write(fd, &v, 8));
    SHOW(lseek(fd, 0, SEEK_SET));
    t.it_value = (struct timespec){ 0, 10000000 };
    t.it_interval = (struct timespec){ 0, 0 };
    SHOW(syscall(SYS_timerfd_settime, fd, 0, &t, &old));
    HOLDS(old.it_value.tv_sec >= 9 && old.it_value.tv_sec < 100);
    struct pollfd f = { fd, POLLIN | POLLOUT, 0 };
    SHOW(poll(&f, 1, 5000));
    printf("%x\n", f.revents);
    SHOW(syscall(SYS_timerfd_gettime, fd, &old));
    printf("%ld %ld\n", ns(&old.it_value), ns(&old.it_interval));
    SHOW(read(fd, &v, 16));
    printf("%llu\n", (unsigned long long)v);
    SHOW(read(fd, &v, 8));
    /* intervals add up */
    t.it_value = (struct timespec){ 0, 1000000 };
    t.it_interval = (struct timespec){ 0, 10000000 };
    SHOW(syscall(SYS_timerfd_settime, fd, 0, &t, NULL));
    usleep(35000);
    SHOW(read(fd, &v, 8));
    HOLDS(v >= 3);
    /* setting forgets what expired */
    usleep(15000);
    memset(&t, 0, sizeof t);
    SHOW(syscall(SYS_timerfd_settime, fd, 0, &t, NULL));
    SHOW(read(fd, &v, 8));
    SHOW(syscall(SYS_timerfd_gettime, fd, &old));
    printf("%ld %ld\n", ns(&old.it_value), ns(&old.it_interval));
    /* absolute */
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    t.it_value = (struct timespec){ 0, 1 };
    SHOW(syscall(SYS_timerfd_settime, fd, TFD_TIMER_ABSTIME, &t, NULL));
    SHOW(read(fd, &v, 8));
    printf("%llu\n", (unsigned long long)v);
    t.it_value = now;
    t.it_value.tv_sec += 50;
    SHOW(syscall(SYS_timerfd_settime, fd, TFD_TIMER_ABSTIME, &t, NULL));
    SHOW(syscall(SYS_timerfd_gettime, fd, &old));
    HOLDS(ns(&old.it_value) > 0 && ns(&old.it_value) <= 50000000000);
    SHOW(syscall(SYS_timerfd_settime, fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL));
    t.it_value.tv_nsec = 1000000000;
    SHOW(syscall(SYS_timerfd_settime, fd, 0, &t, NULL));
    t.it_value = (struct timespec){ -1, 0 };
    SHOW(syscall(SYS_timerfd_settime, fd, 0, &t, NULL));
    t.it_value = (struct timespec){ 1, 0 };
    t.it_interval.tv_nsec = -1;
    SHOW(syscall(SYS_timerfd_settime, fd, 0, &t, NULL));
    t.it_interval.tv_nsec = 0;
    SHOW(syscall(SYS_timerfd_settime, fd, 4, &t, NULL));
    SHOW(syscall(SYS_timerfd_settime, fd, 0, NULL, NULL));
    SHOW(syscall(SYS_timerfd_settime, fd, 0, BAD, NULL));
    SHOW(syscall(SYS_timerfd_settime, fd, 0, &t, BAD));
    SHOW(syscall(SYS_timerfd_settime, 99, 0, &t, NULL));
    SHOW(syscall(SYS_timerfd_gettime, fd, BAD));
    SHOW(syscall(SYS_timerfd_gettime, 99, &old));
    int event = eventfd(0, 0);
    SHOW(syscall(SYS_timerfd_settime, event, 0, &t, NULL));
    SHOW(syscall(SYS_timerfd_gettime, event, &old));
    close(event);
    close(fd);
    static const int clocks[] = { CLOCK_REALTIME, CLOCK_BOOTTIME };
    for (int i = 0; i < 2; i++) {
        fd = syscall(SYS_timerfd_create, clocks[i], 0);
        HOLDS(fcntl(fd, F_GETFD) == 0);
        t.it_value = (struct timespec){ 0, 5000000 };
        SHOW(timerfd_settime(fd, 0, &t, NULL));
        SHOW(read(fd, &v, 8));
        printf("%llu\n", (unsigned long long)v);
        clock_gettime(clocks[i], &t.it_value);
        t.it_value.tv_sec += 20;
        SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL));
        SHOW(syscall(SYS_timerfd_gettime, fd, &old));
        HOLDS(ns(&old.it_value) > 0 && ns(&old.it_value) <= 20000000000);
        /* what a read takes away before a fault is lost */
        t.it_value = (struct timespec){ 0, 1 };
        SHOW(timerfd_settime(fd, 0, &t, NULL));
        usleep(5000);
        SHOW(read(fd, BAD, 8));
        memset(&t, 0, sizeof t);
        close(fd);
    }
    SHOW(syscall(SYS_timerfd_create, CLOCK_PROCESS_CPUTIME_ID, 0));
    SHOW(syscall(SYS_timerfd_create, CLOCK_MONOTONIC_RAW, 0));
    SHOW(syscall(SYS_timerfd_create, CLOCK_MONOTONIC_COARSE, 0));
    SHOW(syscall(SYS_timerfd_create, 99, 0));
    SHOW(syscall(SYS_timerfd_create, CLOCK_MONOTONIC, O_APPEND));
    fd = timerfd_create(CLOCK_MONOTONIC, 0);
    WITH_ALARMS(SHOW(read(fd, &v, 8)));
    close(fd);
}

/* Clocks that could wake a sleeping machine, and timers that end when the clock is set (to what it shows already). */
static void alarms(void)
{
    struct itimerspec t = { { 0, 0 }, { 0, 5000000 } }, old;
    struct timespec now;
    static const int clocks[] = { CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM };
    IN_CHILD(setgid(1000), setuid(1000), ({
        SHOW(syscall(SYS_timerfd_create, CLOCK_REALTIME_ALARM, 0));
        SHOW(syscall(SYS_timerfd_create, CLOCK_BOOTTIME_ALARM, TFD_NONBLOCK));
    }));
    if (geteuid() != 0)
        return;
    for (int i = 0; i < 2; i++) {
        int fd = syscall(SYS_timerfd_create, clocks[i], TFD_CLOEXEC);
        HOLDS(fd >= 0);
        t.it_value = (struct timespec){ 0, 5000000 };
        SHOW(syscall(SYS_timerfd_settime, fd, 0, &t, NULL));
        SHOW(read(fd, &v, 8));
        t.it_value = (struct timespec){ 100, 0 };
        SHOW(syscall(SYS_timerfd_settime, fd, 0, &t, NULL));
        SHOW(syscall(SYS_timerfd_gettime, fd, &old));
        HOLDS(old.it_value.tv_sec >= 9 && old.it_value.tv_sec < 100);
        IN_CHILD(setgid(1000), setuid(1000), ({ SHOW(syscall(SYS_timerfd_settime, fd, 0, &t, NULL)); }));
        close(fd);
    }
    int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK), plain = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
    clock_gettime(CLOCK_REALTIME, &now);
    t.it_value = (struct timespec){ now.tv_sec + 1000, 0 };
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL));
    SHOW(timerfd_settime(plain, TFD_TIMER_ABSTIME, &t, NULL));
    SHOW(ready(fd));
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_nsec += now.tv_nsec < 999000000 ? 1 : 0;
    SHOW(clock_settime(CLOCK_REALTIME, &now));
    SHOW(ready(fd));
    SHOW(read(fd, &v, 8));
    SHOW(read(fd, &v, 8));
    SHOW(read(plain, &v, 8));
    SHOW(ready(fd));
    clock_gettime(CLOCK_REALTIME, &now);
    SHOW(clock_settime(CLOCK_REALTIME, &now));
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL));
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL));
    /* relative timers do not follow the clock */
    t.it_value = (struct timespec){ 1000, 0 };
    SHOW(timerfd_settime(fd, TFD_TIMER_CANCEL_ON_SET, &t, NULL));
    clock_gettime(CLOCK_REALTIME, &now);
    SHOW(clock_settime(CLOCK_REALTIME, &now));
    SHOW(read(fd, &v, 8));
    close(fd);
    close(plain);
}

static void print(struct signalfd_siginfo *i)
{
    printf("signo %d errno %d code %d pid %d uid %d int %d status %d\n", i->ssi_signo, i->ssi_errno, i->ssi_code,
        i->ssi_pid == getpid(), i->ssi_uid == getuid(), i->ssi_int, i->ssi_status);
}

static void signals(void)
{
    int fd;
    sigset_t set, all;
    struct signalfd_siginfo got[4];
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 2);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    SHOW((fd = syscall(SYS_signalfd, -1, &set, 8)) >= 0);
    SHOW(fcntl(fd, F_GETFD));
    HOLDS(fcntl(fd, F_GETFL) == O_RDWR);
    close(fd);
    SHOW((fd = syscall(SYS_signalfd4, -1, &set, 8, SFD_CLOEXEC | SFD_NONBLOCK)) >= 0);
    SHOW(fcntl(fd, F_GETFD));
    HOLDS(fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
    SHOW(read(fd, got, sizeof got));
    SHOW(read(fd, got, sizeof got[0] - 1));
    SHOW(write(fd, got, 8));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(ready(fd));
    kill(getpid(), SIGUSR1);
    SHOW(ready(fd));
    SHOW(read(fd, got, sizeof got));
    print(got);
    SHOW(ready(fd));
    union sigval value = { .sival_int = 77 };
    sigqueue(getpid(), SIGRTMIN + 2, value);
    value.sival_int = 78;
    sigqueue(getpid(), SIGRTMIN + 2, value);
    raise(SIGUSR1);
    raise(SIGUSR1);
    SHOW(read(fd, got, sizeof got));
    for (int i = 0; i < 3; i++)
        print(got + i);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(9);
    struct pollfd f = { fd, POLLIN, 0 };
    SHOW(poll(&f, 1, 5000));
    SHOW(read(fd, got, sizeof got));
    HOLDS(got[0].ssi_pid == child);
    got[0].ssi_pid = 0;
    print(got);
    waitpid(child, NULL, 0);
    /* a new mask for an old descriptor */
    sigset_t other;
    sigemptyset(&other);
    sigaddset(&other, SIGUSR2);
    sigprocmask(SIG_BLOCK, &other, NULL);
    HOLDS(syscall(SYS_signalfd4, fd, &other, 8, 0) == fd);
    raise(SIGUSR1);
    SHOW(read(fd, got, sizeof got));
    raise(SIGUSR2);
    SHOW(read(fd, got, sizeof got));
    print(got);
    HOLDS(syscall(SYS_signalfd, fd, &set, 8) == fd);
    raise(SIGUSR1);
    SHOW(read(fd, BAD, sizeof got[0]));
    SHOW(read(fd, got, sizeof got));
    /* SIGKILL and SIGSTOP are passed over */
    sigfillset(&all);
    SHOW((syscall(SYS_signalfd4, fd, &all, 8, 0) == fd));
    SHOW(read(fd, got, sizeof got));
    SHOW(syscall(SYS_signalfd4, -1, &set, 4, 0));
    SHOW(syscall(SYS_signalfd4, -1, &set, 8, 1));
    SHOW(syscall(SYS_signalfd4, -1, BAD, 8, 0));
    SHOW(syscall(SYS_signalfd4, 99, &set, 8, 0));
    SHOW(syscall(SYS_signalfd4, 0, &set, 8, 0));
    SHOW(syscall(SYS_signalfd, -1, &set, 16));
    SHOW(syscall(SYS_signalfd, -1, BAD, 8));
    SHOW(syscall(SYS_signalfd, 99, &set, 8));
    close(fd);
    /* a read that waits; what does not belong to the mask interrupts it */
    fd = signalfd(-1, &set, 0);
    child = fork();
    if (child == 0) {
        usleep(20000);
        kill(getppid(), SIGUSR1);
        pause();
    }
    SHOW(read(fd, got, sizeof got[0]));
    printf("%d\n", got[0].ssi_signo);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    while (fcntl(fd, F_SETFL, O_NONBLOCK), read(fd, got, sizeof got[0]) > 0)
        ;
    fcntl(fd, F_SETFL, 0);
    WITH_ALARMS(SHOW(read(fd, got, sizeof got[0])));
    close(fd);
}

int main(void)
{
    no_room();
    events();
    timers();
    alarms();
    signals();
    return 0;
}
