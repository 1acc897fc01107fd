/* Waiting for several descriptors: events, timeouts, masks.
 * covers: poll ppoll select pselect6
 * link: static dynamic
 */
#include "check.h"
#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <time.h>

static volatile int caught;
static void on_signal(int sig) { caught = sig; }

static long elapsed(struct timespec *from)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - from->tv_sec) * 1000 + (now.tv_nsec - from->tv_nsec) / 1000000;
}

static struct timespec start;
#define TIMED(ms, call) \
    do { \
        clock_gettime(CLOCK_MONOTONIC, &start); \
        SHOW(call); \
        HOLDS(elapsed(&start) >= ms); \
    } while (0)

static int p[2], q[2];

static void kernel_poll(void)
{
    struct pollfd f[4] = {
        { p[0], POLLIN | POLLRDNORM | POLLPRI | POLLRDBAND, 0x7fff },
        { p[1], POLLOUT | POLLWRNORM | POLLWRBAND, 0x7fff },
        { -1, POLLIN, 0x7fff },
        { 99, POLLIN, 0x7fff },
    };
    SHOW(syscall(SYS_poll, f, 4, -1));
    printf("%x %x %x %x\n", f[0].revents, f[1].revents, f[2].revents, f[3].revents);
    SHOW(syscall(SYS_poll, f, 1, 0));
    printf("%x\n", f[0].revents);
    TIMED(20, syscall(SYS_poll, f, 1, 20));
    TIMED(20, syscall(SYS_poll, NULL, 0, 20));
    TIMED(20, syscall(SYS_poll, f + 2, 1, 20));
    write(p[1], "x", 1);
    SHOW(syscall(SYS_poll, f, 1, -1));
    printf("%x\n", f[0].revents);
    f[0].events = 0;
    SHOW(syscall(SYS_poll, f, 1, 0));
    char c;
    read(p[0], &c, 1);
    int file = open("file", O_RDWR | O_CREAT, 0600), null = open("/dev/null", O_RDWR), dir = open(".", O_RDONLY);
    struct pollfd g[4] = {
        { file, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLPRI | POLLRDBAND | POLLWRBAND, 0 }, { null, POLLIN | POLLOUT, 0 }, { dir, POLLIN, 0 },
        { file, POLLIN, 0 } };
    SHOW(syscall(SYS_poll, g, 4, -1));
    printf("%x %x %x %x\n", g[0].revents, g[1].revents, g[2].revents, g[3].revents);
    int path = open(".", O_PATH);
    g[0].fd = path;
    SHOW(syscall(SYS_poll, g, 1, -1));
    printf("%x\n", g[0].revents);
    SHOW(syscall(SYS_poll, BAD, 1, 0));
    SHOW(syscall(SYS_poll, g, -1, 0));
    struct rlimit old, low;
    getrlimit(RLIMIT_NOFILE, &old);
    low = old;
    low.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &low);
    SHOW(syscall(SYS_poll, g, 4, 0));
    SHOW(syscall(SYS_poll, g, 3, 0));
    setrlimit(RLIMIT_NOFILE, &old);
    close(file);
    close(null);
    close(dir);
    close(path);
    /* many descriptors */
    static struct pollfd many[200];
    for (int i = 0; i < 200; i++)
        many[i] = (struct pollfd){ i & 1 ? p[1] : p[0], POLLIN | POLLOUT, 0 };
    SHOW(syscall(SYS_poll, many, 200, 10));
}

static void woken(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        usleep(20000);
        write(p[1], "x", 1);
        usleep(20000);
        _exit(0);
    }
    struct pollfd f = { p[0], POLLIN, 0 };
    SHOW(poll(&f, 1, 5000));
    printf("%x\n", f.revents);
    char c;
    read(p[0], &c, 1);
    waitpid(child, NULL, 0);
    child = fork();
    if (child == 0) {
        usleep(20000);
        write(p[1], "x", 1);
        _exit(0);
    }
    fd_set r;
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    SHOW(select(p[0] + 1, &r, NULL, NULL, NULL));
    HOLDS(FD_ISSET(p[0], &r));
    read(p[0], &c, 1);
    waitpid(child, NULL, 0);
}

static void interrupted(void)
{
    struct pollfd f = { p[0], POLLIN, 0 };
    struct sigaction a = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigaction(SIGALRM, &a, NULL);
    caught = 0;
    WITH_ALARMS(SHOW(poll(&f, 1, -1)));
    printf("caught %d\n", caught);
    fd_set r;
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    WITH_ALARMS(SHOW(select(p[0] + 1, &r, NULL, NULL, NULL)));
    HOLDS(FD_ISSET(p[0], &r));
    struct timespec t = { 500, 0 };
    WITH_ALARMS(SHOW(syscall(SYS_ppoll, &f, 1, &t, NULL, 8)));
    HOLDS(t.tv_sec >= 400 && t.tv_sec < 500);
    /* a stop and a continue do not end a wait */
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        clock_gettime(CLOCK_MONOTONIC, &start);
        int n = poll(&f, 1, 1000);
        _exit(n == 0 && elapsed(&start) >= 1000 ? 11 : 12);
    }
    usleep(30000);
    kill(child, SIGSTOP);
    int status;
    waitpid(child, &status, WUNTRACED);
    HOLDS(WIFSTOPPED(status));
    kill(child, SIGCONT);
    waitpid(child, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
}

static void masks(void)
{
    struct pollfd f = { p[0], POLLIN, 0 };
    struct sigaction a = { .sa_handler = on_signal };
    sigaction(SIGUSR1, &a, NULL);
    sigset_t usr1, none, now;
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    caught = 0;
    raise(SIGUSR1);
    printf("caught %d\n", caught);
    struct timespec t = { 0, 0 }, bad = { 0, 1000000000 }, minus = { -1, 0 };
    SHOW(syscall(SYS_ppoll, &f, 1, &t, &usr1, 8));
    printf("caught %d\n", caught);
    SHOW(syscall(SYS_ppoll, &f, 1, NULL, &none, 8));
    printf("caught %d\n", caught);
    sigprocmask(SIG_SETMASK, NULL, &now);
    HOLDS(sigismember(&now, SIGUSR1));
    SHOW(syscall(SYS_ppoll, &f, 1, &t, &none, 4));
    SHOW(syscall(SYS_ppoll, &f, 1, &t, BAD, 8));
    SHOW(syscall(SYS_ppoll, &f, 1, BAD, NULL, 8));
    SHOW(syscall(SYS_ppoll, &f, 1, &bad, NULL, 8));
    SHOW(syscall(SYS_ppoll, &f, 1, &minus, NULL, 8));
    SHOW(syscall(SYS_ppoll, BAD, 1, &t, NULL, 8));
    SHOW(syscall(SYS_ppoll, &f, -1, &t, NULL, 8));
    t = (struct timespec){ 0, 20000000 };
    TIMED(20, syscall(SYS_ppoll, &f, 1, &t, NULL, 0));
    printf("%ld %ld\n", (long)t.tv_sec, t.tv_nsec);
    f.fd = p[1];
    f.events = POLLOUT;
    t = (struct timespec){ 500, 0 };
    SHOW(syscall(SYS_ppoll, &f, 1, &t, NULL, 0));
    HOLDS(t.tv_sec >= 400 && t.tv_sec < 500);
    f.fd = p[0];
    f.events = POLLIN;
    /* a descriptor that is ready leaves the signal pending */
    caught = 0;
    raise(SIGUSR1);
    write(p[1], "x", 1);
    SHOW(syscall(SYS_ppoll, &f, 1, NULL, &none, 8));
    printf("caught %d\n", caught);
    char c;
    read(p[0], &c, 1);
    struct { const void *mask; size_t size; } arg = { &none, 8 }, short_arg = { &none, 4 }, bad_arg = { BAD, 8 };
    fd_set r;
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    SHOW(syscall(SYS_pselect6, p[0] + 1, &r, NULL, NULL, NULL, &arg));
    printf("caught %d\n", caught);
    HOLDS(FD_ISSET(p[0], &r));
    sigprocmask(SIG_SETMASK, NULL, &now);
    HOLDS(sigismember(&now, SIGUSR1));
    t = (struct timespec){ 0, 0 };
    SHOW(syscall(SYS_pselect6, p[0] + 1, &r, NULL, NULL, &t, &short_arg));
    SHOW(syscall(SYS_pselect6, p[0] + 1, &r, NULL, NULL, &t, &bad_arg));
    SHOW(syscall(SYS_pselect6, p[0] + 1, &r, NULL, NULL, &t, BAD));
    SHOW(syscall(SYS_pselect6, p[0] + 1, &r, NULL, NULL, &bad, NULL));
    SHOW(syscall(SYS_pselect6, p[0] + 1, &r, NULL, NULL, BAD, NULL));
    SHOW(syscall(SYS_pselect6, -1, &r, NULL, NULL, &t, NULL));
    t = (struct timespec){ 0, 20000000 };
    TIMED(20, syscall(SYS_pselect6, p[0] + 1, &r, NULL, NULL, &t, &arg));
    printf("%ld %ld %d\n", (long)t.tv_sec, t.tv_nsec, !!FD_ISSET(p[0], &r));
    FD_SET(p[0], &r);
    t = (struct timespec){ 0, 0 };
    SHOW(syscall(SYS_pselect6, p[0] + 1, &r, NULL, NULL, &t, NULL));
    sigprocmask(SIG_UNBLOCK, &usr1, NULL);
}

static void kernel_select(void)
{
    fd_set r, w, e;
    struct timeval t = { 0, 0 };
#define SETS do { FD_ZERO(&r); FD_ZERO(&w); FD_ZERO(&e); FD_SET(p[0], &r); FD_SET(p[1], &w); FD_SET(p[0], &e); } while (0)
    SETS;
    SHOW(syscall(SYS_select, p[1] + 1, &r, &w, &e, &t));
    printf("%d %d %d\n", !!FD_ISSET(p[0], &r), !!FD_ISSET(p[1], &w), !!FD_ISSET(p[0], &e));
    SETS;
    write(p[1], "x", 1);
    SHOW(syscall(SYS_select, p[1] + 1, &r, &w, NULL, NULL));
    printf("%d %d\n", !!FD_ISSET(p[0], &r), !!FD_ISSET(p[1], &w));
    SETS;
    SHOW(syscall(SYS_select, p[0], &r, NULL, NULL, &t));
    printf("%d\n", !!FD_ISSET(p[0], &r));
    char c;
    read(p[0], &c, 1);
    SETS;
    t = (struct timeval){ 0, 20000 };
    TIMED(20, syscall(SYS_select, p[0] + 1, &r, NULL, &e, &t));
    printf("%d %d %ld %ld\n", !!FD_ISSET(p[0], &r), !!FD_ISSET(p[0], &e), (long)t.tv_sec, (long)t.tv_usec);
    t = (struct timeval){ 0, 20000 };
    TIMED(20, syscall(SYS_select, 0, NULL, NULL, NULL, &t));
    SETS;
    t = (struct timeval){ 500, 0 };
    SHOW(syscall(SYS_select, p[1] + 1, NULL, &w, NULL, &t));
    HOLDS(t.tv_sec >= 400 && t.tv_sec < 500);
    t = (struct timeval){ 0, 300000000 };
    SHOW(syscall(SYS_select, p[1] + 1, NULL, &w, NULL, &t));
    HOLDS(t.tv_sec >= 200 && t.tv_sec < 300);
    t = (struct timeval){ -1, 0 };
    SHOW(syscall(SYS_select, p[1] + 1, NULL, &w, NULL, &t));
    t = (struct timeval){ 0, -1 };
    SHOW(syscall(SYS_select, p[1] + 1, NULL, &w, NULL, &t));
    t = (struct timeval){ 0, 0 };
    SHOW(syscall(SYS_select, -1, NULL, NULL, NULL, &t));
    SHOW(syscall(SYS_select, p[1] + 1, BAD, NULL, NULL, &t));
    SHOW(syscall(SYS_select, p[1] + 1, NULL, BAD, NULL, &t));
    SHOW(syscall(SYS_select, p[1] + 1, NULL, NULL, BAD, &t));
    SHOW(syscall(SYS_select, p[1] + 1, NULL, NULL, NULL, BAD));
    FD_ZERO(&r);
    FD_SET(61, &r);
    SHOW(syscall(SYS_select, 62, &r, NULL, NULL, &t));
    HOLDS(FD_ISSET(61, &r));
    SHOW(syscall(SYS_select, 61, &r, NULL, NULL, &t));
    /* the end of a pipe is readable; so is its error writable */
    int z[2];
    pipe(z);
    close(z[1]);
    FD_ZERO(&r);
    FD_SET(z[0], &r);
    SHOW(syscall(SYS_select, z[0] + 1, &r, NULL, NULL, &t));
    close(z[0]);
    pipe(z);
    close(z[0]);
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(z[1], &r);
    FD_SET(z[1], &w);
    SHOW(syscall(SYS_select, z[1] + 1, &r, &w, NULL, &t));
    close(z[1]);
    /* a set beyond the size of the table */
    static unsigned char wide[8192];
    memset(wide, 0, sizeof wide);
    wide[p[1] / 8] |= 1 << p[1] % 8;
    SHOW(syscall(SYS_select, 60000, NULL, wide, NULL, &t));
}

int main(void)
{
    pipe(p);
    pipe(q);
    kernel_poll();
    woken();
    interrupted();
    masks();
    kernel_select();
    return 0;
}
