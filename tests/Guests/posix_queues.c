/* POSIX message queues: the calls, what waits, notifications, the mounted directory's view.
 * covers: mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
 * link: static
 */
#include "check.h"
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

static long attr[8];
static char text[8192];

static long raw_open(const char *name, int flags, int mode, long maximum, long size)
{
    memset(attr, 0, sizeof attr);
    attr[1] = maximum;
    attr[2] = size;
    return syscall(SYS_mq_open, name, flags, mode, maximum ? attr : NULL);
}

static long put(int queue, const char *message, unsigned priority)
{
    return syscall(SYS_mq_timedsend, queue, message, strlen(message), priority, NULL);
}

static void take(int queue, size_t size)
{
    unsigned priority = 77;
    memset(text, 0, sizeof text);
    errno = 0;
    long length = syscall(SYS_mq_timedreceive, queue, text, size, &priority, NULL);
    if (length < 0)
        printf("receive: %s\n", errname(errno));
    else
        printf("receive: %ld bytes, priority %u: %.40s\n", length, priority, text);
}

static void show(int queue)
{
    memset(attr, -1, sizeof attr);
    SHOW(syscall(SYS_mq_getsetattr, queue, NULL, attr));
    printf("flags %lo, at most %ld of %ld bytes, now %ld, reserved %ld\n", attr[0], attr[1], attr[2], attr[3], attr[4]);
}

static int events(int queue)
{
    struct pollfd p = {.fd = queue, .events = POLLIN | POLLOUT};
    poll(&p, 1, 0);
    return p.revents;
}

/* Waits until another process sleeps in a call. */
static void await_sleep(pid_t pid)
{
    char path[64], line[256];
    for (;;) {
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        int fd = open(path, O_RDONLY);
        ssize_t length = read(fd, line, sizeof line - 1);
        close(fd);
        line[length > 0 ? length : 0] = 0;
        char *end = strrchr(line, ')');
        if (end && end[2] == 'S')
            return;
        usleep(1000);
    }
}

static void opening(void)
{
    puts("-- opening");
    SHOW(raw_open("", O_RDWR | O_CREAT, 0600, 0, 0));
    SHOW(raw_open("a/b", O_RDWR | O_CREAT, 0600, 0, 0));
    SHOW(raw_open(".", O_RDWR | O_CREAT, 0600, 0, 0));
    SHOW(raw_open("..", O_RDONLY, 0, 0, 0));
    SHOW(raw_open("none", O_RDWR, 0, 0, 0));
    SHOW(raw_open(BAD, O_RDWR, 0, 0, 0));
    SHOW(syscall(SYS_mq_open, "q", O_RDWR, 0, BAD));
    memset(text, 'x', 256);
    text[256] = 0;
    SHOW(raw_open(text, O_RDWR | O_CREAT, 0600, 0, 0));
    SHOW(raw_open("q", O_RDWR | O_CREAT, 0600, -1, 10));
    SHOW(raw_open("q", O_RDWR | O_CREAT, 0600, 10, 0));
    SHOW(raw_open("q", O_RDWR | O_CREAT, 0600, 65537, 10));
    SHOW(raw_open("q", O_RDWR | O_CREAT, 0600, 1, (16 << 20) + 1));
    int q = raw_open("q", O_RDWR | O_CREAT | O_EXCL, 0640, 3, 16);
    HOLDS(q >= 0);
    SHOW(fcntl(q, F_GETFD));
    printf("flags %o\n", fcntl(q, F_GETFL));
    SHOW(raw_open("q", O_RDWR | O_CREAT | O_EXCL, 0600, 3, 16));
    SHOW(raw_open("q", O_RDWR | O_WRONLY, 0, 0, 0));
    struct stat s;
    SHOW(fstat(q, &s));
    printf("mode %o size %ld links %ld\n", s.st_mode, (long)s.st_size, (long)s.st_nlink);
    show(q);
    int d = raw_open("standard", O_RDONLY | O_CREAT | O_NONBLOCK, 0600, 0, 0);
    show(d);
    SHOW(put(d, "x", 0));
    take(d, 8192);
    SHOW(syscall(SYS_mq_unlink, "standard"));
    SHOW(syscall(SYS_mq_unlink, "standard"));
    SHOW(syscall(SYS_mq_unlink, ""));
    SHOW(syscall(SYS_mq_unlink, "a/b"));
    SHOW(syscall(SYS_mq_unlink, BAD));
    SHOW(fstat(d, &s));
    printf("links %ld\n", (long)s.st_nlink);
    close(d);
    IN_CHILD({
        SHOW(setgid(65534));
        SHOW(setuid(65534));
        SHOW(raw_open("q", O_RDWR, 0, 0, 0));
        SHOW(syscall(SYS_mq_unlink, "q"));
        SHOW(raw_open("theirs", O_RDWR | O_CREAT, 0600, 11, 16));
        SHOW(raw_open("theirs", O_RDWR | O_CREAT, 0600, 1, 8193));
        struct rlimit none = {100, 100};
        SHOW(setrlimit(RLIMIT_MSGQUEUE, &none));
        SHOW(raw_open("theirs", O_RDWR | O_CREAT, 0600, 1, 100));
    });
    close(q);
}

static void messages(void)
{
    puts("-- messages");
    int q = raw_open("q", O_RDWR | O_NONBLOCK, 0, 0, 0);
    HOLDS(q >= 0);
    printf("poll %x\n", events(q));
    SHOW(put(q, "low", 1));
    SHOW(put(q, "high", 32767));
    SHOW(put(q, "low again", 1));
    SHOW(put(q, "full", 1));
    SHOW(put(q, "x", 32768));
    SHOW(put(q, "seventeen letters", 0));
    printf("poll %x\n", events(q));
    show(q);
    memset(text, 0, sizeof text);
    SHOW(read(q, text, 100));
    fputs(text, stdout);
    take(q, 15);
    take(q, 16);
    take(q, 16);
    printf("poll %x\n", events(q));
    SHOW(put(q, "", 0));
    take(q, 16);
    take(q, 16);
    take(q, 16);
    printf("poll %x\n", events(q));
    SHOW(syscall(SYS_mq_timedsend, q, BAD, 4, 0, NULL));
    SHOW(put(q, "lost", 9));
    SHOW(syscall(SYS_mq_timedreceive, q, BAD, 16, NULL, NULL));
    show(q);

    /* Descriptors that are none, or are open the other way. */
    int pair[2];
    SHOW(pipe(pair));
    SHOW(put(pair[1], "x", 0));
    SHOW(put(-1, "x", 0));
    take(pair[0], 16);
    take(99, 16);
    SHOW(syscall(SYS_mq_getsetattr, pair[0], NULL, attr));
    int w = raw_open("q", O_WRONLY, 0, 0, 0);
    take(w, 16);
    SHOW(write(w, "x", 1));
    attr[0] = O_NONBLOCK;
    SHOW(syscall(SYS_mq_getsetattr, w, attr, NULL));
    show(w);
    attr[0] = O_APPEND;
    SHOW(syscall(SYS_mq_getsetattr, w, attr, NULL));
    SHOW(syscall(SYS_mq_getsetattr, w, BAD, NULL));
    close(w);
    close(pair[0]);
    close(pair[1]);
    close(q);
}

static void watched(void)
{
    puts("-- watched");
    int q = raw_open("q", O_RDWR | O_NONBLOCK, 0, 0, 0), e = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, q, &event));
    SHOW(epoll_wait(e, &event, 1, 0));
    printf("events %x\n", event.events);
    SHOW(epoll_wait(e, &event, 1, 0));
    SHOW(put(q, "x", 0));
    SHOW(epoll_wait(e, &event, 1, 0));
    printf("events %x\n", event.events);
    take(q, 16);
    SHOW(epoll_wait(e, &event, 1, 0));
    printf("events %x\n", event.events);
    close(e);
    close(q);
}

static void handler(int signal)
{
    (void)signal;
}

static void waiting(void)
{
    puts("-- waiting");
    int q = raw_open("q", O_RDWR, 0, 0, 0);
    struct timespec past = {1, 0}, bad = {1, 1000000000}, negative = {-1, 0};
    SHOW(syscall(SYS_mq_timedreceive, q, text, 16, NULL, &past));
    SHOW(syscall(SYS_mq_timedreceive, q, text, 16, NULL, &bad));
    SHOW(syscall(SYS_mq_timedreceive, q, text, 16, NULL, &negative));
    SHOW(syscall(SYS_mq_timedreceive, q, text, 16, NULL, BAD));
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 20000000;
    if (soon.tv_nsec >= 1000000000) {
        soon.tv_nsec -= 1000000000;
        soon.tv_sec++;
    }
    SHOW(syscall(SYS_mq_timedreceive, q, text, 16, NULL, &soon));

    /* A receiver that waits gets the message though the queue stays empty. */
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        take(q, 16);
        fflush(stdout);
        _exit(0);
    }
    await_sleep(child);
    SHOW(put(q, "to who waits", 5));
    waitpid(child, NULL, 0);
    show(q);

    /* A sender that waits comes in as soon as there is room. */
    SHOW(put(q, "1", 1));
    SHOW(put(q, "2", 1));
    SHOW(put(q, "3", 1));
    SHOW(syscall(SYS_mq_timedsend, q, "4", 1, 1, &past));
    fflush(stdout);
    child = fork();
    if (child == 0) {
        long result = put(q, "4", 9);
        _exit(result == 0 ? 7 : 8);
    }
    await_sleep(child);
    take(q, 16);
    int status;
    waitpid(child, &status, 0);
    printf("sender ended with %d\n", WEXITSTATUS(status));
    take(q, 16);
    take(q, 16);
    take(q, 16);

    /* A signal's handler ends the wait, or lets it go on with SA_RESTART. */
    int steps[2];
    SHOW(pipe(steps));
    fflush(stdout);
    child = fork();
    if (child == 0) {
        struct sigaction action = {.sa_handler = handler};
        sigaction(SIGUSR1, &action, NULL);
        action.sa_flags = SA_RESTART;
        sigaction(SIGUSR2, &action, NULL);
        take(q, 16);
        take(q, 16);
        fflush(stdout);
        if (write(steps[1], "x", 1) == 1)
            take(q, 16);
        fflush(stdout);
        _exit(0);
    }
    await_sleep(child);
    kill(child, SIGUSR2);
    SHOW(put(q, "restarted", 0));
    await_sleep(child);
    kill(child, SIGUSR1);
    SHOW(read(steps[0], text, 1));
    SHOW(put(q, "end", 0));
    waitpid(child, &status, 0);
    printf("child ended with %d\n", WEXITSTATUS(status));
    close(steps[0]);
    close(steps[1]);
    close(q);
}

static volatile int told, told_code, told_value;

static void on_message(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    told++;
    told_code = info->si_code;
    told_value = info->si_value.sival_int;
}

static void notifying(void)
{
    puts("-- notifications");
    int q = raw_open("q", O_RDWR | O_NONBLOCK, 0, 0, 0);
    struct sigaction action = {.sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
    SHOW(syscall(SYS_mq_notify, q, &event));
    SHOW(syscall(SYS_mq_notify, q, &event));
    IN_CHILD(SHOW(syscall(SYS_mq_notify, q, &event)));
    memset(text, 0, sizeof text);
    char expected[100];
    snprintf(expected, sizeof expected, "QSIZE:%-10d NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", 0, SIGEV_SIGNAL, SIGUSR1, getpid());
    SHOW(lseek(q, 0, SEEK_SET));
    HOLDS(read(q, text, 100) == (ssize_t)strlen(expected) && strcmp(text, expected) == 0);
    SHOW(put(q, "one", 0));
    printf("told %d times, code %d, value %d\n", told, told_code, told_value);
    SHOW(put(q, "two", 0));
    printf("told %d times\n", told);
    take(q, 16);
    take(q, 16);
    SHOW(put(q, "three", 0));
    printf("told %d times\n", told);
    take(q, 16);

    /* Given up by the call with no event, and by closing any descriptor of the queue. */
    SHOW(syscall(SYS_mq_notify, q, &event));
    SHOW(syscall(SYS_mq_notify, q, NULL));
    SHOW(syscall(SYS_mq_notify, q, NULL));
    SHOW(put(q, "four", 0));
    take(q, 16);
    printf("told %d times\n", told);
    SHOW(syscall(SYS_mq_notify, q, &event));
    close(raw_open("q", O_RDONLY, 0, 0, 0));
    SHOW(put(q, "five", 0));
    take(q, 16);
    printf("told %d times\n", told);
    event.sigev_notify = SIGEV_NONE;
    SHOW(syscall(SYS_mq_notify, q, &event));
    IN_CHILD(SHOW(syscall(SYS_mq_notify, q, &event)));
    SHOW(put(q, "six", 0));
    IN_CHILD(SHOW(syscall(SYS_mq_notify, q, &event)));
    take(q, 16);

    event.sigev_notify = 3;
    SHOW(syscall(SYS_mq_notify, q, &event));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = 65;
    SHOW(syscall(SYS_mq_notify, q, &event));
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_signo = 99;
    event.sigev_value.sival_ptr = text;
    SHOW(syscall(SYS_mq_notify, q, &event));
    event.sigev_signo = 0;
    SHOW(dup2(q, 50));
    event.sigev_signo = 50;
    SHOW(syscall(SYS_mq_notify, q, &event));
    SHOW(syscall(SYS_mq_notify, q, BAD));
    SHOW(syscall(SYS_mq_notify, 98, NULL));
    SHOW(syscall(SYS_mq_notify, 0, NULL));
    close(50);
    close(q);
}

int main(void)
{
    umask(022);
    syscall(SYS_mq_unlink, "q");
    opening();
    messages();
    watched();
    waiting();
    notifying();
    SHOW(syscall(SYS_mq_unlink, "q"));
    return 0;
}
