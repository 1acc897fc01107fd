/* Signals for events of files: O_ASYNC with its owners, F_NOTIFY on directories, and leases with their breaking.
 * covers: fcntl ioctl open openat truncate
 */
#include "check.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef F_SETSIG
#define F_SETSIG 10
#define F_GETSIG 11
#endif
#ifndef DN_ACCESS
#define DN_ACCESS 1
#define DN_MODIFY 2
#define DN_CREATE 4
#define DN_DELETE 8
#define DN_RENAME 0x10
#define DN_ATTRIB 0x20
#define DN_MULTISHOT 0x80000000
#endif

static volatile int count, code, descriptor, number;
static volatile long band;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    count++;
    number = sig;
    code = info->si_code;
    band = info->si_band;
    descriptor = info->si_fd;
}

static int expected = -1;

/* What has come since the last look. Details only where the signal carries them. */
static void came(const char *what)
{
    printf("%s: %d", what, count);
    if (count && code == SI_KERNEL)
        printf(" signal %d from the kernel", number);
    else if (count)
        printf(" signal %d code %d band %lx descriptor %s", number - (number >= SIGRTMIN ? SIGRTMIN - 100 : 0), code, band, descriptor == expected ? "right" : "WRONG");
    printf("\n");
    count = code = descriptor = number = 0;
    band = 0;
}

static void handlers(void)
{
    struct sigaction a = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART };
    sigaction(SIGIO, &a, NULL);
    sigaction(SIGUSR1, &a, NULL);
    sigaction(SIGSEGV, &a, NULL);
    sigaction(SIGRTMIN + 3, &a, NULL);
}

static void pipes(void)
{
    int p[2];
    char c[10];
    pipe(p);
    SHOW(fcntl(p[0], F_SETFL, O_ASYNC));
    SHOW((fcntl(p[0], F_GETFL) & O_ASYNC) != 0);
    write(p[1], "a", 1);
    came("nobody owns it");
    SHOW(fcntl(p[0], F_SETOWN, getpid()));
    write(p[1], "b", 1);
    came("data");
    read(p[0], c, 10);
    came("reading");
    SHOW(fcntl(p[0], F_SETSIG, SIGRTMIN + 3));
    expected = p[0];
    write(p[1], "a", 1);
    came("data");
    SHOW(fcntl(p[0], F_SETSIG, SIGSEGV));
    write(p[1], "b", 1);
    came("a signal with codes of its own");
    SHOW(fcntl(p[0], F_SETSIG, SIGUSR1));
    /* blocked, then all at once: standard signals merge, real-time ones queue */
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGRTMIN + 3);
    sigprocmask(SIG_BLOCK, &both, NULL);
    write(p[1], "a", 1);
    write(p[1], "b", 1);
    sigprocmask(SIG_UNBLOCK, &both, NULL);
    came("two, merged");
    SHOW(fcntl(p[0], F_SETSIG, SIGRTMIN + 3));
    sigprocmask(SIG_BLOCK, &both, NULL);
    write(p[1], "a", 1);
    write(p[1], "b", 1);
    sigprocmask(SIG_UNBLOCK, &both, NULL);
    came("two, queued");
    SHOW(fcntl(p[0], F_SETFL, 0));
    write(p[1], "a", 1);
    came("switched off");
    int on = 1;
    SHOW(ioctl(p[0], FIOASYNC, &on));
    write(p[1], "a", 1);
    came("switched on by ioctl");
    int copy = dup(p[0]);
    SHOW(fcntl(copy, F_SETFL, O_ASYNC));
    write(p[1], "a", 1);
    came("through a copy");
    close(copy);
    close(p[1]);
    came("end of file");
    close(p[0]);
    pipe(p);
    expected = p[1];
    SHOW(fcntl(p[1], F_SETOWN, -getpgrp()));
    setpgid(0, 0);
    SHOW(fcntl(p[1], F_SETOWN, -getpgrp()));
    SHOW(fcntl(p[1], F_SETSIG, SIGUSR1));
    SHOW(fcntl(p[1], F_SETFL, O_ASYNC | O_NONBLOCK));
    write(p[1], "a", 1);
    came("writing");
    read(p[0], c, 10);
    came("room");
    close(p[0]);
    came("no reader");
    close(p[1]);
    struct f_owner_ex owner = { F_OWNER_TID, gettid() };
    pipe(p);
    expected = p[0];
    SHOW(fcntl(p[0], F_SETOWN_EX, &owner));
    SHOW(fcntl(p[0], F_SETSIG, SIGUSR1));
    SHOW(fcntl(p[0], F_SETFL, O_ASYNC));
    write(p[1], "a", 1);
    came("a thread");
    close(p[0]);
    close(p[1]);
}

static void sockets(void)
{
    int s[2];
    char c[5000];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    expected = s[0];
    SHOW(fcntl(s[0], F_SETOWN, getpid()));
    SHOW(fcntl(s[0], F_SETSIG, SIGUSR1));
    SHOW(fcntl(s[0], F_SETFL, O_ASYNC | O_NONBLOCK));
    write(s[1], "a", 1);
    came("data");
    read(s[0], c, 10);
    came("reading");
    write(s[0], "b", 1);
    read(s[1], c, 10);
    came("never without room");
    while (write(s[0], c, sizeof c) > 0)
        ;
    came("full");
    fcntl(s[1], F_SETFL, O_NONBLOCK);
    while (read(s[1], c, sizeof c) > 0)
        ;
    came("room");
    shutdown(s[1], SHUT_WR);
    came("no more data");
    close(s[1]);
    came("closed");
    close(s[0]);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
    expected = s[0];
    SHOW(fcntl(s[0], F_SETOWN, getpid()));
    SHOW(fcntl(s[0], F_SETSIG, SIGUSR1));
    SHOW(fcntl(s[0], F_SETFL, O_ASYNC));
    send(s[1], "a", 1, 0);
    came("datagram");
    close(s[0]);
    close(s[1]);
}

/* Only who might be signalled by the one who set the owner. */
static void permission(void)
{
    if (geteuid() != 0)
        return;
    int p[2], q[2];
    char c;
    pipe(p);
    pipe(q);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setuid(1000);
        SHOW(fcntl(p[0], F_SETOWN, getppid()));
        SHOW(fcntl(p[0], F_SETFL, O_ASYNC));
        fflush(stdout);
        write(q[1], "x", 1);
        _exit(0);
    }
    read(q[0], &c, 1);
    waitpid(child, NULL, 0);
    HOLDS(fcntl(p[0], F_GETOWN) == getpid());
    write(p[1], "a", 1);
    came("set by another user");
    SHOW(fcntl(p[0], F_SETOWN, getpid()));
    write(p[1], "a", 1);
    came("set by root");
    close(p[0]);
    close(p[1]);
    close(q[0]);
    close(q[1]);
}

static void put(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0644);
    write(fd, "x", 1);
    close(fd);
}

static void directories(void)
{
    mkdir("dir", 0755);
    int fd = open("dir", O_RDONLY), file = open("f", O_CREAT | O_RDWR, 0644), other;
    char c[100];
    expected = fd;
    SHOW(fcntl(fd, F_SETSIG, SIGRTMIN + 3));
    SHOW(fcntl(fd, F_NOTIFY, DN_CREATE));
    put("dir/a");
    came("create");
    put("dir/b");
    came("only once");
    SHOW(fcntl(fd, F_NOTIFY, DN_CREATE | DN_DELETE | DN_MULTISHOT));
    put("dir/c");
    came("create");
    unlink("dir/c");
    came("delete");
    mkdir("dir/sub", 0755);
    came("mkdir");
    rename("dir/sub", "dir/sub2");
    came("rename");
    rename("dir/sub2", "moved");
    came("moved out");
    rename("moved", "dir/sub");
    came("moved in");
    rmdir("dir/sub");
    came("rmdir");
    SHOW(fcntl(fd, F_NOTIFY, DN_RENAME | DN_MULTISHOT));
    rename("dir/a", "dir/b");
    came("renames too");
    rename("dir/b", "moved");
    came("a move out is no renaming");
    rename("moved", "dir/b");
    came("nor is a move in");
    SHOW(fcntl(fd, F_NOTIFY, 0));
    put("dir/c");
    came("nothing any more");
    SHOW(fcntl(fd, F_NOTIFY, DN_ACCESS | DN_MODIFY | DN_ATTRIB | DN_MULTISHOT));
    other = open("dir/b", O_RDWR);
    came("open");
    read(other, c, 1);
    came("access");
    write(other, "y", 1);
    came("modify");
    fchmod(other, 0600);
    came("attributes");
    close(other);
    came("close");
    SHOW(fcntl(fd, F_SETSIG, 0));
    truncate("dir/b", 0);
    came("without a signal of its own");
    SHOW(fcntl(file, F_NOTIFY, DN_ACCESS));
    SHOW(fcntl(file, F_NOTIFY, 0));
    SHOW(fcntl(fd, F_NOTIFY, 0x40));
    SHOW(fcntl(99, F_NOTIFY, DN_ACCESS));
    int copy = dup(fd);
    SHOW(fcntl(copy, F_NOTIFY, DN_DELETE | DN_MULTISHOT));
    unlink("dir/b");
    came("through a copy");
    close(copy);
    put("dir/d");
    unlink("dir/d");
    came("the copy is closed");
    close(fd);
    unlink("dir/c");
    rmdir("dir");
    came("nobody listens");
    close(file);
}

static const char *lease(int fd)
{
    int kind = fcntl(fd, F_GETLEASE);
    return kind == F_RDLCK ? "read" : kind == F_WRLCK ? "write" : kind == F_UNLCK ? "none" : errname(errno);
}

static void leases(void)
{
    put("leased");
    int fd = open("leased", O_RDONLY), other, p[2];
    pipe(p);
    puts(lease(fd));
    SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
    puts(lease(fd));
    SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
    other = open("leased", O_RDONLY);
    puts(lease(other));
    came("a reader is no matter");
    SHOW(fcntl(other, F_SETLEASE, F_RDLCK));
    SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
    close(other);
    SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
    puts(lease(fd));
    SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
    puts(lease(fd));
    SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
    puts(lease(fd));
    SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
    SHOW(fcntl(fd, F_SETLEASE, 9));
    SHOW(fcntl(p[0], F_SETLEASE, F_RDLCK));
    SHOW(fcntl(p[0], F_GETLEASE));
    SHOW(fcntl(99, F_SETLEASE, F_RDLCK));
    other = open(".", O_RDONLY);
    SHOW(fcntl(other, F_SETLEASE, F_RDLCK));
    close(other);
    other = open("leased", O_WRONLY);
    SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
    SHOW(fcntl(other, F_SETLEASE, F_RDLCK));
    SHOW(fcntl(other, F_SETLEASE, F_WRLCK));
    close(fd);
    SHOW(fcntl(other, F_SETLEASE, F_WRLCK));
    puts(lease(other));
    /* a lease goes with its description */
    close(other);
    fd = open("leased", O_RDONLY);
    puts(lease(fd));
    /* breaking: the holder is told, an opener that may not wait is refused, one that may waits for the holder */
    SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
    SHOW(open("leased", O_WRONLY | O_NONBLOCK));
    came("a writer");
    puts(lease(fd));
    SHOW(open("leased", O_RDWR | O_NONBLOCK));
    came("another writer");
    SHOW((other = open("leased", O_RDONLY | O_NONBLOCK)) >= 0);
    close(other);
    SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
    SHOW((other = open("leased", O_WRONLY | O_NONBLOCK)) >= 0);
    close(other);
    close(fd);
    fd = open("leased", O_RDWR);
    SHOW(fcntl(fd, F_SETSIG, SIGRTMIN + 3));
    SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
    expected = fd;
    SHOW(open("leased", O_RDONLY | O_NONBLOCK));
    came("a reader");
    puts(lease(fd));
    SHOW(fcntl(fd, F_SETLEASE, F_RDLCK));
    puts(lease(fd));
    SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
    SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(p[0]);
        int mine = open("leased", O_RDONLY);
        _exit(mine >= 0 ? 17 : 18);
    }
    /* that the child waits is seen by the signal */
    while (!count)
        usleep(1000);
    came("a child waits");
    SHOW(fcntl(fd, F_SETLEASE, F_UNLCK));
    int status;
    waitpid(child, &status, 0);
    SHOW(WEXITSTATUS(status));
    SHOW(fcntl(fd, F_SETLEASE, F_WRLCK));
    child = fork();
    if (child == 0) {
        /* the parent's description must end with the parent's descriptor */
        close(fd);
        _exit(truncate("leased", 0) == 0 ? 19 : 20);
    }
    while (!count)
        usleep(1000);
    came("a child truncates");
    close(fd);
    waitpid(child, &status, 0);
    SHOW(WEXITSTATUS(status));
    fd = open("leased", O_RDONLY);
    if (geteuid() == 0) {
        chmod("leased", 0666);
        IN_CHILD(setgid(1000), setuid(1000), ({ int mine = open("leased", O_RDONLY); SHOW(fcntl(mine, F_SETLEASE, F_RDLCK)); }));
        FILE *f = fopen("/proc/sys/fs/lease-break-time", "r");
        int seconds = 0;
        fscanf(f, "%d", &seconds);
        fclose(f);
        SHOW(seconds);
    }
    close(fd);
    unlink("leased");
}

int main(void)
{
    umask(022);
    mkdir("own", 0777);
    chmod("own", 0777);
    chdir("own");
    handlers();
    pipes();
    sockets();
    permission();
    directories();
    leases();
    return 0;
}
