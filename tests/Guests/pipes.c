/* Pipes and FIFOs: flags, capacity, atomicity, ends that are gone.
 * covers: pipe pipe2
 * link: static dynamic
 */
#include "check.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

static volatile int caught;
static void on_pipe(int sig) { caught = sig; }

static long fill(int fd, size_t chunk)
{
    static char buf[65536];
    long total = 0, n;
    while ((n = write(fd, buf, chunk)) > 0)
        total += n;
    return total;
}

static void flags(void)
{
    int p[2];
    SHOW(syscall(SYS_pipe, p));
    printf("%d %d\n", p[0], p[1]);
    HOLDS((fcntl(p[0], F_GETFL) & O_ACCMODE) == O_RDONLY);
    HOLDS((fcntl(p[1], F_GETFL) & O_ACCMODE) == O_WRONLY);
    SHOW(fcntl(p[0], F_GETFD));
    SHOW(fcntl(p[0], F_GETFL) & (O_NONBLOCK | O_DIRECT));
    struct stat s;
    SHOW(fstat(p[0], &s));
    HOLDS(S_ISFIFO(s.st_mode));
    printf("%o %ld %ld\n", (unsigned)s.st_mode, (long)s.st_size, (long)s.st_blksize);
    SHOW(read(p[1], &s, 1));
    SHOW(write(p[0], "x", 1));
    SHOW(lseek(p[0], 0, SEEK_SET));
    SHOW(pread(p[0], &s, 1, 0));
    SHOW(pwrite(p[1], &s, 1, 0));
    SHOW(ftruncate(p[1], 0));
    SHOW(fsync(p[0]));
    close(p[0]);
    close(p[1]);
    SHOW(pipe2(p, O_CLOEXEC | O_NONBLOCK));
    SHOW(fcntl(p[0], F_GETFD));
    SHOW(fcntl(p[1], F_GETFD));
    HOLDS(fcntl(p[0], F_GETFL) == (O_RDONLY | O_NONBLOCK));
    HOLDS(fcntl(p[1], F_GETFL) == (O_WRONLY | O_NONBLOCK));
    char c;
    SHOW(read(p[0], &c, 1));
    SHOW(read(p[0], &c, 0));
    SHOW(write(p[1], &c, 0));
    SHOW(write(p[1], BAD, 1));
    SHOW(write(p[1], "abc", 3));
    SHOW(read(p[0], BAD, 1));
    SHOW(read(p[0], &c, 1));
    int n = -1;
    SHOW(ioctl(p[0], FIONREAD, &n));
    printf("%d\n", n);
    SHOW(ioctl(p[1], FIONREAD, &n));
    printf("%d\n", n);
    SHOW(ioctl(p[1], FIONREAD, BAD));
    SHOW(ioctl(p[1], TCGETS, &s));
    int off = 0;
    SHOW(ioctl(p[0], FIONBIO, &off));
    HOLDS(fcntl(p[0], F_GETFL) == O_RDONLY);
    close(p[0]);
    close(p[1]);
    SHOW(pipe2(p, O_APPEND));
    SHOW(pipe2(p, -1 & ~O_EXCL));
    /* O_NOTIFICATION_PIPE */
    SHOW(syscall(SYS_pipe2, p, O_EXCL) == -1);
    printf("%d\n", errno);
    SHOW(syscall(SYS_pipe, BAD));
    SHOW(syscall(SYS_pipe2, BAD, O_CLOEXEC));
    SHOW(dup(0) > 2);
}

static void capacity(void)
{
    int p[2];
    pipe2(p, O_NONBLOCK);
    SHOW(fcntl(p[0], F_GETPIPE_SZ));
    SHOW(fill(p[1], 4096));
    int n;
    ioctl(p[0], FIONREAD, &n);
    printf("%d\n", n);
    static char buf[1 << 20];
    SHOW(write(p[1], buf, 1));
    SHOW(read(p[0], buf, 4095));
    SHOW(write(p[1], buf, 4096));
    SHOW(read(p[0], buf, 1));
    SHOW(write(p[1], buf, 4096));
    SHOW(write(p[1], buf, 1));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 4096));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 1 << 17));
    SHOW(fcntl(p[0], F_GETPIPE_SZ));
    SHOW(fill(p[1], 65536));
    SHOW(read(p[0], buf, sizeof buf));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 1));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 5000));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 0));
    IN_CHILD(setgid(1000), setuid(1000), ({ SHOW(fcntl(p[1], F_SETPIPE_SZ, 1 << 20)); SHOW(fcntl(p[1], F_SETPIPE_SZ, 1 << 21)); SHOW(fcntl(p[1], F_SETPIPE_SZ, 4096)); }));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, ~0U));
    SHOW(fcntl(p[1], F_GETPIPE_SZ));
    SHOW(fcntl(0, F_GETPIPE_SZ) == -1 || 1);
    int null = open("/dev/null", O_RDWR);
    SHOW(fcntl(null, F_GETPIPE_SZ));
    SHOW(fcntl(null, F_SETPIPE_SZ, 4096));
    /* a big write to a small pipe that takes only part */
    SHOW(write(p[1], buf, 100000));
    SHOW(write(p[1], buf, 100000));
    SHOW(read(p[0], buf, sizeof buf));
    close(p[0]);
    close(p[1]);
    close(null);
    /* merging of small writes into one buffer */
    pipe2(p, O_NONBLOCK);
    SHOW(fill(p[1], 1));
    close(p[0]);
    close(p[1]);
}

static void packets(void)
{
    int p[2];
    static char buf[8192];
    SHOW(pipe2(p, O_DIRECT | O_NONBLOCK));
    HOLDS((fcntl(p[1], F_GETFL) & O_DIRECT) != 0);
    SHOW(write(p[1], "one", 3));
    SHOW(write(p[1], "three", 5));
    SHOW(write(p[1], "", 0));
    SHOW(read(p[0], buf, 100));
    SHOW(read(p[0], buf, 2));
    printf("%.2s\n", buf);
    SHOW(read(p[0], buf, 100));
    SHOW(write(p[1], buf, 5000));
    SHOW(read(p[0], buf, sizeof buf));
    SHOW(read(p[0], buf, sizeof buf));
    SHOW(fill(p[1], 1));
    while (read(p[0], buf, 1) > 0)
        ;
    SHOW(fcntl(p[1], F_SETFL, O_NONBLOCK));
    SHOW(write(p[1], "ab", 2));
    SHOW(write(p[1], "cd", 2));
    SHOW(read(p[0], buf, 100));
    SHOW(fcntl(p[1], F_SETFL, O_NONBLOCK | O_DIRECT));
    SHOW(write(p[1], "ab", 2));
    SHOW(write(p[1], "cd", 2));
    SHOW(read(p[0], buf, 100));
    close(p[0]);
    close(p[1]);
}

static void ends(void)
{
    int p[2];
    char buf[10];
    pipe(p);
    write(p[1], "rest", 4);
    close(p[1]);
    SHOW(read(p[0], buf, 10));
    SHOW(read(p[0], buf, 10));
    close(p[0]);
    pipe(p);
    close(p[0]);
    IN_CHILD(write(p[1], "x", 1));
    signal(SIGPIPE, on_pipe);
    SHOW(write(p[1], "x", 1));
    printf("caught %d\n", caught);
    caught = 0;
    SHOW(write(p[1], "x", 0));
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(p[1], "x", 1));
    printf("caught %d\n", caught);
    close(p[1]);
    /* a writer that waits for room, and one whose reader goes away meanwhile */
    pipe(p);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        static char big[200000];
        close(p[0]);
        signal(SIGPIPE, SIG_DFL);
        _exit(write(p[1], big, sizeof big) == sizeof big ? 7 : 8);
    }
    close(p[1]);
    static char sink[200000];
    long total = 0, n;
    while ((n = read(p[0], sink, sizeof sink)) > 0)
        total += n;
    printf("%ld\n", total);
    int status;
    waitpid(child, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
    close(p[0]);
    pipe(p);
    child = fork();
    if (child == 0) {
        static char big[200000];
        close(p[0]);
        signal(SIGPIPE, SIG_DFL);
        write(p[1], big, sizeof big);
        _exit(0);
    }
    close(p[1]);
    read(p[0], sink, 1);
    close(p[0]);
    waitpid(child, &status, 0);
    printf("signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void on_alarm(int sig) { (void)sig; }

static void interrupted(void)
{
    int p[2];
    char c;
    pipe(p);
    struct sigaction a = { .sa_handler = on_alarm };
    sigaction(SIGALRM, &a, NULL);
    WITH_ALARMS(SHOW(read(p[0], &c, 1)));
    fcntl(p[1], F_SETFL, O_NONBLOCK);
    fill(p[1], 4096);
    fcntl(p[1], F_SETFL, 0);
    WITH_ALARMS(SHOW(write(p[1], "x", 1)));
    close(p[0]);
    close(p[1]);
}

static void table_full(void)
{
    struct rlimit old, low;
    getrlimit(RLIMIT_NOFILE, &old);
    int top = dup(0), p[2] = { -5, -6 };
    close(top);
    low = old;
    low.rlim_cur = top + 1;
    setrlimit(RLIMIT_NOFILE, &low);
    SHOW(pipe(p));
    printf("%d %d\n", p[0], p[1]);
    int still = dup(0);
    HOLDS(still == top);
    close(still);
    low.rlim_cur = top;
    setrlimit(RLIMIT_NOFILE, &low);
    SHOW(pipe2(p, O_CLOEXEC));
    setrlimit(RLIMIT_NOFILE, &old);
}

static void fifos(void)
{
    char buf[10];
    umask(022);
    SHOW(mkfifo("fifo", 0666));
    struct stat s;
    stat("fifo", &s);
    printf("%o %ld\n", (unsigned)s.st_mode, (long)s.st_size);
    SHOW(mkfifo("fifo", 0666));
    SHOW(mkfifo("none/fifo", 0666));
    SHOW(mkfifoat(99, "x", 0666));
    SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
    int r = open("fifo", O_RDONLY | O_NONBLOCK);
    HOLDS(r >= 0);
    SHOW(read(r, buf, 1));
    struct pollfd pr = { r, POLLIN, 0 };
    SHOW(poll(&pr, 1, 0));
    printf("%x\n", pr.revents);
    int w = open("fifo", O_WRONLY | O_NONBLOCK);
    HOLDS(w >= 0);
    SHOW(read(r, buf, 1));
    SHOW(write(w, "data", 4));
    SHOW(read(r, buf, 10));
    close(w);
    SHOW(read(r, buf, 10));
    SHOW(poll(&pr, 1, 0));
    printf("%x\n", pr.revents);
    close(r);
    int both = open("fifo", O_RDWR);
    HOLDS(both >= 0);
    SHOW(write(both, "self", 4));
    SHOW(read(both, buf, 10));
    w = open("fifo", O_WRONLY);
    HOLDS(w >= 0);
    SHOW(write(w, "lost", 4));
    close(both);
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(w, "x", 1));
    r = open("fifo", O_RDONLY);
    SHOW(read(r, buf, 10));
    SHOW(lseek(r, 0, SEEK_SET));
    SHOW(fcntl(r, F_GETPIPE_SZ));
    close(w);
    close(r);
    /* both sides wait for each other in open */
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int fd = open("fifo", O_WRONLY);
        write(fd, "meet", 4);
        _exit(0);
    }
    r = open("fifo", O_RDONLY);
    SHOW(read(r, buf, 10));
    SHOW(read(r, buf, 10));
    close(r);
    waitpid(child, NULL, 0);
    /* an open that waits is interrupted */
    WITH_ALARMS(SHOW(open("fifo", O_RDONLY)));
    SHOW(unlink("fifo"));
}

static void again(void)
{
    int p[2];
    pipe2(p, O_NONBLOCK);
    fill(p[1], 4096);
    char name[40], c;
    sprintf(name, "/proc/self/fd/%d", p[0]);
    int r = open(name, O_RDONLY | O_NONBLOCK);
    HOLDS(r >= 0);
    SHOW(read(r, &c, 1));
    int w = open(name, O_WRONLY | O_NONBLOCK);
    HOLDS(w >= 0);
    close(p[0]);
    SHOW(read(r, &c, 1));
    char link[40] = "";
    readlink(name, link, 39);
    sprintf(name, "/proc/self/fd/%d", p[1]);
    link[readlink(name, link, 39)] = 0;
    printf("%.6s\n", link);
    close(p[1]);
    close(r);
    close(w);
    struct pollfd f[2];
    pipe(p);
    f[0] = (struct pollfd){ p[0], POLLIN | POLLOUT, 0 };
    f[1] = (struct pollfd){ p[1], POLLIN | POLLOUT, 0 };
    SHOW(poll(f, 2, 0));
    printf("%x %x\n", f[0].revents, f[1].revents);
    write(p[1], "a", 1);
    SHOW(poll(f, 2, 0));
    printf("%x %x\n", f[0].revents, f[1].revents);
    close(p[0]);
    SHOW(poll(f + 1, 1, 0));
    printf("%x\n", f[1].revents);
    close(p[1]);
    pipe(p);
    write(p[1], "a", 1);
    close(p[1]);
    f[0].fd = p[0];
    SHOW(poll(f, 1, 0));
    printf("%x\n", f[0].revents);
    read(p[0], &c, 1);
    SHOW(poll(f, 1, 0));
    printf("%x\n", f[0].revents);
    close(p[0]);
}

int main(void)
{
    flags();
    capacity();
    packets();
    ends();
    interrupted();
    table_full();
    fifos();
    again();
    return 0;
}
