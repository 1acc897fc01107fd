/* Descriptors: copies, flags, locks, limits.
 * covers: dup dup2 dup3 fcntl close_range flock
 */
#include "check.h"
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/ioctl.h>

static int f(const char *name) { return open(name, O_RDWR | O_CREAT, 0644); }

static void copies(void)
{
    int fd = f("a");
    printf("fd %d\n", fd);
    SHOW(dup(fd));
    SHOW(dup(99));
    SHOW(dup2(fd, 20));
    SHOW(dup2(fd, fd));
    SHOW(dup2(99, 99));
    SHOW(dup2(fd, -1));
    SHOW(dup2(99, 5));
    SHOW(dup3(fd, 21, O_CLOEXEC));
    SHOW(fcntl(21, F_GETFD));
    SHOW(dup3(fd, fd, 0));
    SHOW(dup3(fd, 22, O_APPEND));
    SHOW(dup3(99, 22, 0));
    SHOW(dup3(fd, 1 << 30, 0));
    SHOW(fcntl(fd, F_DUPFD, 30));
    SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 30));
    SHOW(fcntl(31, F_GETFD));
    SHOW(fcntl(fd, F_DUPFD, -1));
    SHOW(fcntl(fd, F_DUPFD, 1 << 30));
    write(fd, "shared", 6);
    SHOW(lseek(20, 0, SEEK_CUR));
    SHOW(fcntl(20, F_SETFL, O_APPEND | O_NONBLOCK));
    SHOW(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK));
    SHOW(fcntl(fd, F_SETFD, FD_CLOEXEC));
    SHOW(fcntl(20, F_GETFD));
    SHOW(fcntl(99, F_GETFD));
    SHOW(fcntl(fd, 9999));
    SHOW(syscall(SYS_close_range, 20, 40, 0));
    SHOW(fcntl(20, F_GETFD));
    SHOW(syscall(SYS_close_range, 40, 20, 0));
    SHOW(syscall(SYS_close_range, 3, 10, 1 << 9));
    SHOW(syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_UNSHARE));
    SHOW(fcntl(fd, F_GETFD));
}

static void limits(void)
{
    struct rlimit old, low = { 10, 10 };
    getrlimit(RLIMIT_NOFILE, &old);
    low.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_NOFILE, &low);
    int fd, last = -1;
    while ((fd = open("/dev/null", O_RDONLY)) >= 0)
        last = fd;
    printf("last %d, %s\n", last, errname(errno));
    SHOW(dup(0));
    SHOW(dup2(0, 10));
    SHOW(fcntl(0, F_DUPFD, 10));
    setrlimit(RLIMIT_NOFILE, &old);
    SHOW(syscall(SYS_close_range, 3, ~0U, 0));
}

static const char *kind(short type) { return type == F_RDLCK ? "read" : type == F_WRLCK ? "write" : "none"; }

static void records(void)
{
    int fd = f("lock");
    write(fd, "0123456789", 10);
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 4 };
    SHOW(fcntl(fd, F_SETLK, &lock));
    IN_CHILD({
        struct flock ask = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0 };
        SHOW(fcntl(fd, F_GETLK, &ask));
        printf("%s %ld %ld %d\n", kind(ask.l_type), (long)ask.l_start, (long)ask.l_len, ask.l_pid == getppid());
        struct flock take = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 3, .l_len = 1 };
        SHOW(fcntl(fd, F_SETLK, &take));
        take.l_start = 6;
        SHOW(fcntl(fd, F_SETLK, &take));
    });
    lock.l_start = 3;
    lock.l_len = 1;
    lock.l_type = F_UNLCK;
    SHOW(fcntl(fd, F_SETLK, &lock));
    IN_CHILD({
        struct flock ask = { .l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -7, .l_len = 7 };
        SHOW(fcntl(fd, F_GETLK, &ask));
        printf("%s %ld %ld\n", kind(ask.l_type), (long)ask.l_start, (long)ask.l_len);
    });
    lock.l_type = 77;
    SHOW(fcntl(fd, F_SETLK, &lock));
    lock.l_type = F_RDLCK;
    lock.l_start = -5;
    SHOW(fcntl(fd, F_SETLK, &lock));
    SHOW(fcntl(fd, F_SETLK, BAD));
    SHOW(fcntl(99, F_SETLK, &lock));
    int read_only = open("lock", O_RDONLY);
    struct flock write_lock = { .l_type = F_WRLCK };
    SHOW(fcntl(read_only, F_SETLK, &write_lock));
    close(read_only);
    IN_CHILD({
        struct flock ask = { .l_type = F_WRLCK };
        fcntl(fd, F_GETLK, &ask);
        printf("closing any descriptor drops them: %s\n", kind(ask.l_type));
    });
    struct flock ofd = { .l_type = F_WRLCK, .l_start = 0, .l_len = 5 };
    int other = open("lock", O_RDWR);
    SHOW(fcntl(fd, F_OFD_SETLK, &ofd));
    SHOW(fcntl(other, F_OFD_SETLK, &ofd));
    SHOW(fcntl(other, F_OFD_GETLK, &ofd));
    printf("%s %d\n", kind(ofd.l_type), (int)ofd.l_pid);
}

static void whole_files(void)
{
    int a = f("flock"), b = f("flock");
    SHOW(flock(a, LOCK_SH));
    SHOW(flock(b, LOCK_SH | LOCK_NB));
    SHOW(flock(b, LOCK_EX | LOCK_NB));
    SHOW(flock(a, LOCK_UN));
    SHOW(flock(b, LOCK_EX | LOCK_NB));
    SHOW(flock(a, LOCK_SH | LOCK_NB));
    int copy = dup(b);
    SHOW(flock(copy, LOCK_UN));
    SHOW(flock(a, LOCK_EX | LOCK_NB));
    SHOW(flock(a, 0));
    SHOW(flock(99, LOCK_SH));
    close(a);
    SHOW(flock(b, LOCK_EX));
}

int main(void)
{
    copies();
    limits();
    records();
    whole_files();
    return 0;
}
