/* epoll: instances, interests, triggering, waiting.
 * covers: epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
 * link: static dynamic
 */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

static volatile int caught;
static void on_signal(int sig) { caught = sig; }
static int e, p[2];
static struct epoll_event got[16];

static int ctl(int op, int fd, unsigned events, unsigned long long data)
{
    struct epoll_event v = { events, { .u64 = data } };
    return syscall(SYS_epoll_ctl, e, op, fd, &v);
}

static void show(int timeout)
{
    memset(got, 0, sizeof got);
    int n = syscall(SYS_epoll_wait, e, got, 16, timeout);
    printf("ready %d:", n);
    for (int i = 0; i < n; i++)
        printf(" %x/%llx", got[i].events, (unsigned long long)got[i].data.u64);
    printf("\n");
}

static void create(void)
{
    int fd;
    SHOW((fd = syscall(SYS_epoll_create, 1)) >= 0);
    SHOW(fcntl(fd, F_GETFD));
    HOLDS(fcntl(fd, F_GETFL) == O_RDWR);
    close(fd);
    SHOW((fd = syscall(SYS_epoll_create1, EPOLL_CLOEXEC)) >= 0);
    SHOW(fcntl(fd, F_GETFD));
    char c;
    SHOW(read(fd, &c, 1));
    SHOW(write(fd, &c, 1));
    SHOW(lseek(fd, 0, SEEK_SET));
    char name[40], link[60] = "";
    sprintf(name, "/proc/self/fd/%d", fd);
    link[readlink(name, link, 59)] = 0;
    printf("%s\n", link);
    close(fd);
    SHOW(syscall(SYS_epoll_create, 0));
    SHOW(syscall(SYS_epoll_create, -1));
    SHOW(syscall(SYS_epoll_create1, 1));
    SHOW(syscall(SYS_epoll_create1, O_NONBLOCK));
    struct rlimit old, low;
    getrlimit(RLIMIT_NOFILE, &old);
    low = old;
    low.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &low);
    SHOW(syscall(SYS_epoll_create, 1));
    SHOW(syscall(SYS_epoll_create1, 0));
    setrlimit(RLIMIT_NOFILE, &old);
}

static void control(void)
{
    struct epoll_event v = { EPOLLIN, { 0 } };
    int file = open("file", O_RDWR | O_CREAT, 0600), dir = open(".", O_RDONLY);
    SHOW(ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    SHOW(ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    SHOW(ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLWAKEUP, 2));
    SHOW(ctl(EPOLL_CTL_MOD, p[1], EPOLLIN, 2));
    SHOW(ctl(EPOLL_CTL_DEL, p[1], 0, 2));
    SHOW(ctl(9, p[0], 0, 2));
    SHOW(ctl(EPOLL_CTL_ADD, e, EPOLLIN, 2));
    SHOW(ctl(EPOLL_CTL_ADD, file, EPOLLIN, 2));
    SHOW(ctl(EPOLL_CTL_ADD, dir, EPOLLIN, 2));
    SHOW(ctl(EPOLL_CTL_DEL, file, EPOLLIN, 2));
    SHOW(ctl(EPOLL_CTL_ADD, 99, EPOLLIN, 2));
    SHOW(syscall(SYS_epoll_ctl, 99, EPOLL_CTL_ADD, p[0], &v));
    SHOW(syscall(SYS_epoll_ctl, p[0], EPOLL_CTL_ADD, p[1], &v));
    SHOW(syscall(SYS_epoll_ctl, file, EPOLL_CTL_ADD, p[1], &v));
    SHOW(syscall(SYS_epoll_ctl, e, EPOLL_CTL_ADD, p[1], BAD));
    SHOW(syscall(SYS_epoll_ctl, e, EPOLL_CTL_MOD, p[0], BAD));
    SHOW(syscall(SYS_epoll_ctl, e, EPOLL_CTL_DEL, p[0], BAD));
    SHOW(ctl(EPOLL_CTL_DEL, p[0], 0, 0));
    SHOW(ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 3));
    SHOW(ctl(EPOLL_CTL_MOD, p[0], EPOLLIN, 3));
    SHOW(ctl(EPOLL_CTL_DEL, p[0], 0, 0));
    SHOW(ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 3));
    SHOW(ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 3));
    SHOW(ctl(EPOLL_CTL_DEL, p[0], 0, 0));
    SHOW(ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 3));
    SHOW(ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLET, 3));
    SHOW(ctl(EPOLL_CTL_DEL, p[0], 0, 0));
    close(file);
    close(dir);
}

static void level(void)
{
    char c;
    ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 0x1122334455667788);
    ctl(EPOLL_CTL_ADD, p[1], EPOLLOUT, 2);
    show(0);
    show(-1);
    write(p[1], "ab", 2);
    show(-1);
    show(0);
    ctl(EPOLL_CTL_DEL, p[1], 0, 0);
    read(p[0], &c, 1);
    show(0);
    read(p[0], &c, 1);
    show(0);
    /* no event in the mask: nothing but errors */
    ctl(EPOLL_CTL_MOD, p[0], 0, 5);
    write(p[1], "a", 1);
    show(0);
    ctl(EPOLL_CTL_MOD, p[0], EPOLLIN, 6);
    show(0);
    read(p[0], &c, 1);
    /* the same file under another number is another interest */
    int d = dup(p[0]);
    SHOW(ctl(EPOLL_CTL_ADD, d, EPOLLIN, 7));
    write(p[1], "a", 1);
    SHOW(syscall(SYS_epoll_wait, e, got, 16, 0));
    HOLDS(got[0].data.u64 + got[1].data.u64 == 13);
    SHOW(syscall(SYS_epoll_wait, e, got, 1, 0));
    unsigned long long first = got[0].data.u64;
    SHOW(syscall(SYS_epoll_wait, e, got, 1, 0));
    HOLDS(first + got[0].data.u64 == 13);
    ctl(EPOLL_CTL_DEL, p[0], 0, 0);
    close(d);
    /* closing the number left the open file, and so the interest */
    show(0);
    read(p[0], &c, 1);
    close(e);
    e = epoll_create1(0);
    /* closing the file takes the interest away */
    int q[2];
    pipe(q);
    ctl(EPOLL_CTL_ADD, q[0], EPOLLIN, 8);
    close(q[1]);
    show(0);
    close(q[0]);
    show(0);
    pipe(q);
    ctl(EPOLL_CTL_ADD, q[1], EPOLLOUT, 9);
    close(q[0]);
    show(0);
    close(q[1]);
}

static void edges(void)
{
    char c;
    ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 1);
    show(0);
    write(p[1], "a", 1);
    show(0);
    show(0);
    write(p[1], "b", 1);
    show(0);
    read(p[0], &c, 1);
    show(0);
    ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 2);
    show(0);
    show(0);
    ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 3);
    show(0);
    show(0);
    write(p[1], "c", 1);
    show(0);
    ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT | EPOLLET, 4);
    show(0);
    show(0);
    SHOW(ctl(EPOLL_CTL_DEL, p[0], 0, 0));
    ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 5);
    show(0);
    show(0);
    ctl(EPOLL_CTL_DEL, p[0], 0, 0);
    while (fcntl(p[0], F_SETFL, O_NONBLOCK), read(p[0], &c, 1) > 0)
        ;
    fcntl(p[0], F_SETFL, 0);
    /* an eventfd and a socket */
    int v = eventfd(0, 0), s[2];
    ctl(EPOLL_CTL_ADD, v, EPOLLIN | EPOLLOUT | EPOLLET, 6);
    show(0);
    show(0);
    eventfd_write(v, 1);
    show(0);
    show(0);
    close(v);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    ctl(EPOLL_CTL_ADD, s[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 7);
    show(0);
    write(s[1], "x", 1);
    show(0);
    shutdown(s[1], SHUT_WR);
    show(0);
    show(0);
    close(s[1]);
    show(0);
    close(s[0]);
    show(0);
}

static void nested(void)
{
    int a = epoll_create1(0), b = epoll_create1(0);
    struct epoll_event v = { EPOLLIN, { .u64 = 1 } };
    SHOW(epoll_ctl(a, EPOLL_CTL_ADD, b, &v));
    SHOW(epoll_ctl(b, EPOLL_CTL_ADD, a, &v));
    SHOW(epoll_ctl(b, EPOLL_CTL_ADD, p[0], &v));
    v.events = EPOLLIN | EPOLLEXCLUSIVE;
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, a, &v));
    v.events = EPOLLIN;
    SHOW(epoll_wait(a, got, 16, 0));
    struct pollfd f = { a, POLLIN, 0 };
    SHOW(poll(&f, 1, 0));
    write(p[1], "x", 1);
    SHOW(poll(&f, 1, 0));
    printf("%x\n", f.revents);
    SHOW(epoll_wait(a, got, 16, -1));
    printf("%x\n", got[0].events);
    SHOW(epoll_wait(b, got, 16, -1));
    char c;
    read(p[0], &c, 1);
    SHOW(epoll_wait(a, got, 16, 0));
    /* at most five instances in a chain */
    int chain[8], n = 0;
    for (int i = 0; i < 8; i++)
        chain[i] = epoll_create1(0);
    for (; n < 7; n++)
        if (epoll_ctl(chain[n], EPOLL_CTL_ADD, chain[n + 1], &v) < 0)
            break;
    printf("%d in a chain, then %s\n", n, errname(errno));
    for (int i = 0; i < 8; i++)
        close(chain[i]);
    close(a);
    close(b);
}

static void waiting(void)
{
    ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 1);
    SHOW(syscall(SYS_epoll_wait, e, got, 0, 0));
    SHOW(syscall(SYS_epoll_wait, e, got, -1, 0));
    SHOW(syscall(SYS_epoll_wait, 99, got, 1, 0));
    SHOW(syscall(SYS_epoll_wait, p[0], got, 1, 0));
    SHOW(syscall(SYS_epoll_wait, e, got, 0x7fffffff, 0));
    write(p[1], "x", 1);
    SHOW(syscall(SYS_epoll_wait, e, BAD, 1, 0));
    show(0);
    char c;
    read(p[0], &c, 1);
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    SHOW(syscall(SYS_epoll_wait, e, got, 1, 30));
    clock_gettime(CLOCK_MONOTONIC, &to);
    HOLDS((to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec >= 30000000);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        usleep(20000);
        write(p[1], "x", 1);
        _exit(0);
    }
    show(-1);
    read(p[0], &c, 1);
    waitpid(child, NULL, 0);
    /* an interest that is added while another thread of control waits */
    child = fork();
    if (child == 0) {
        usleep(20000);
        struct epoll_event v = { EPOLLOUT, { .u64 = 9 } };
        epoll_ctl(e, EPOLL_CTL_ADD, p[1], &v);
        _exit(0);
    }
    show(-1);
    waitpid(child, NULL, 0);
    ctl(EPOLL_CTL_DEL, p[1], 0, 0);
    struct sigaction a = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigaction(SIGALRM, &a, NULL);
    sigaction(SIGUSR1, &a, NULL);
    WITH_ALARMS(SHOW(syscall(SYS_epoll_wait, e, got, 1, -1)));
    printf("caught %d\n", caught);
    sigset_t none, usr1, now;
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    raise(SIGUSR1);
    SHOW(syscall(SYS_epoll_pwait, e, got, 1, 0, NULL, 8));
    SHOW(syscall(SYS_epoll_pwait, e, got, 1, 20, &usr1, 8));
    caught = 0;
    SHOW(syscall(SYS_epoll_pwait, e, got, 1, -1, &none, 8));
    printf("caught %d\n", caught);
    sigprocmask(SIG_SETMASK, NULL, &now);
    HOLDS(sigismember(&now, SIGUSR1));
    SHOW(syscall(SYS_epoll_pwait, e, got, 1, 0, &none, 4));
    SHOW(syscall(SYS_epoll_pwait, e, got, 1, 0, BAD, 8));
    SHOW(syscall(SYS_epoll_pwait, 99, got, 1, 0, &none, 8));
    SHOW(syscall(SYS_epoll_pwait, e, got, 0, 0, &none, 8));
    struct timespec t = { 0, 0 }, shorter = { 0, 20000000 }, wrong = { 0, -1 };
    SHOW(syscall(SYS_epoll_pwait2, e, got, 1, &t, NULL, 8));
    SHOW(syscall(SYS_epoll_pwait2, e, got, 1, &shorter, NULL, 8));
    printf("%ld\n", shorter.tv_nsec);
    raise(SIGUSR1);
    SHOW(syscall(SYS_epoll_pwait2, e, got, 1, NULL, &none, 8));
    SHOW(syscall(SYS_epoll_pwait2, e, got, 1, &wrong, NULL, 8));
    SHOW(syscall(SYS_epoll_pwait2, e, got, 1, BAD, NULL, 8));
    SHOW(syscall(SYS_epoll_pwait2, e, got, 1, &t, BAD, 8));
    SHOW(syscall(SYS_epoll_pwait2, e, got, 1, &t, &none, 1));
    SHOW(syscall(SYS_epoll_pwait2, 99, got, 1, &t, NULL, 8));
    SHOW(syscall(SYS_epoll_pwait2, e, got, 0, &t, NULL, 8));
    write(p[1], "x", 1);
    SHOW(syscall(SYS_epoll_pwait2, e, got, 1, NULL, &usr1, 8));
    SHOW(syscall(SYS_epoll_pwait, e, got, 1, -1, &usr1, 8));
    read(p[0], &c, 1);
}

int main(void)
{
    pipe(p);
    e = epoll_create1(0);
    create();
    control();
    level();
    edges();
    nested();
    waiting();
    return 0;
}
