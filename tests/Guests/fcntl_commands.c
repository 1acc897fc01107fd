/* The commands of fcntl, one after the other.
 * linux: 6.10
 * covers: fcntl dup dup2 dup3 close_range memfd_create ioctl
 */
#include "check.h"
#include <linux/fs.h>
#include <linux/memfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY 1027
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8
#define MFD_EXEC 16
#endif

static void duplicates(void)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644), other = open("f", O_RDWR), path = open("f", O_PATH);
    SHOW(fcntl(fd, F_DUPFD, 50));
    SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 50));
    SHOW(fcntl(50, F_GETFD));
    SHOW(fcntl(51, F_GETFD));
    SHOW(fcntl(path, F_DUPFD, 60));
    SHOW(fcntl(99, F_DUPFD, 0));
    SHOW(fcntl(fd, F_DUPFD, 1 << 30));
    SHOW(fcntl(fd, F_DUPFD_CLOEXEC, -1));
    SHOW(fcntl(fd, F_DUPFD_QUERY, 50));
    SHOW(fcntl(fd, F_DUPFD_QUERY, other));
    SHOW(fcntl(fd, F_DUPFD_QUERY, 99));
    SHOW(fcntl(50, F_SETFD, FD_CLOEXEC));
    SHOW(fcntl(50, F_GETFD));
    SHOW(fcntl(50, F_SETFD, 0));
    SHOW(fcntl(50, F_SETFD, 2));
    SHOW(fcntl(50, F_GETFD));
    SHOW(fcntl(path, F_SETFD, FD_CLOEXEC));
    SHOW(fcntl(path, F_GETFD));
    printf("%o\n", fcntl(path, F_GETFL));
    SHOW(fcntl(path, F_GETOWN));
    SHOW(fcntl(path, F_GETLK, BAD));
    SHOW(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_NOATIME | O_ASYNC | O_CREAT | O_EXCL | O_TRUNC | O_SYNC));
    printf("%o\n", fcntl(fd, F_GETFL));
    printf("%o\n", fcntl(50, F_GETFL));
    SHOW(fcntl(fd, F_SETFL, O_WRONLY));
    printf("%o\n", fcntl(fd, F_GETFL));
    SHOW(fcntl(fd, 7777, 0));
    SHOW(fcntl(fd, 1025 + 50, 0));
    SHOW(fcntl(path, 7777, 0));
    /* unsharing: the other holder keeps what this one closes */
    SHOW(syscall(SYS_close_range, 50, 70, CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC));
    SHOW(fcntl(50, F_GETFD));
    SHOW(syscall(SYS_close_range, 50, 70, CLOSE_RANGE_UNSHARE));
    SHOW(fcntl(50, F_GETFD));
    SHOW(syscall(SYS_close_range, 50, 70, 8));
    SHOW(syscall(SYS_close_range, 70, 50, 0));
    SHOW(dup3(fd, 40, O_CLOEXEC));
    SHOW(dup3(fd, 40, O_CLOEXEC | O_NONBLOCK));
    SHOW(dup3(fd, -1, 0));
    SHOW(dup2(fd, 1 << 30));
    close(40);
    close(fd);
    close(other);
    close(path);
}

static void owners(void)
{
    int p[2], s[2], file = open("f", O_RDWR);
    pipe(p);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    SHOW(fcntl(file, F_GETOWN));
    SHOW(fcntl(file, F_SETOWN, getpid()));
    HOLDS(fcntl(file, F_GETOWN) == getpid());
    SHOW(fcntl(p[0], F_SETOWN, getpid()));
    SHOW(fcntl(p[0], F_SETOWN, -getpgrp()));
    HOLDS(fcntl(p[0], F_GETOWN) == -getpgrp());
    uid_t uids[2];
    SHOW(fcntl(p[0], 17, uids));
    HOLDS(uids[0] == getuid() && uids[1] == geteuid());
    SHOW(fcntl(p[0], 17, BAD));
    SHOW(fcntl(p[0], F_SETOWN, 0x7ffffff));
    SHOW(fcntl(p[0], F_SETOWN, 0x80000000));
    HOLDS(fcntl(p[0], F_GETOWN) == -getpgrp());
    struct f_owner_ex o = { F_OWNER_TID, getpid() };
    SHOW(fcntl(s[0], F_SETOWN_EX, &o));
    memset(&o, 0x55, sizeof o);
    SHOW(fcntl(s[0], F_GETOWN_EX, &o));
    HOLDS(o.type == F_OWNER_TID && o.pid == getpid());
    o.type = F_OWNER_PID;
    SHOW(fcntl(s[0], F_SETOWN_EX, &o));
    SHOW(fcntl(s[0], F_GETOWN_EX, &o));
    HOLDS(o.type == F_OWNER_PID && o.pid == getpid());
    o.type = F_OWNER_PGRP;
    o.pid = getpgrp();
    SHOW(fcntl(s[0], F_SETOWN_EX, &o));
    SHOW(fcntl(s[0], F_GETOWN_EX, &o));
    HOLDS(o.type == F_OWNER_PGRP && o.pid == getpgrp());
    o.pid = 0x7ffffff;
    SHOW(fcntl(s[0], F_SETOWN_EX, &o));
    o.type = 7;
    SHOW(fcntl(s[0], F_SETOWN_EX, &o));
    SHOW(fcntl(s[0], F_SETOWN_EX, BAD));
    SHOW(fcntl(s[0], F_GETOWN_EX, BAD));
    SHOW(fcntl(s[0], F_SETOWN, 0));
    SHOW(fcntl(s[0], F_GETOWN));
    SHOW(fcntl(s[0], F_GETOWN_EX, &o));
    printf("%d %d\n", o.type, o.pid);
    SHOW(fcntl(s[0], F_GETSIG));
    SHOW(fcntl(s[0], F_SETSIG, SIGUSR1));
    SHOW(fcntl(s[0], F_GETSIG));
    SHOW(fcntl(s[0], F_SETSIG, 64));
    SHOW(fcntl(s[0], F_SETSIG, 65));
    SHOW(fcntl(s[0], F_SETSIG, -1));
    SHOW(fcntl(s[0], F_SETSIG, 0));
    SHOW(fcntl(file, F_GETSIG));
    close(p[0]);
    close(p[1]);
    close(s[0]);
    close(s[1]);
    close(file);
}

/* The expected life times of what is written: the inode's, and the description's where there still is one. */
static void hints(void)
{
    int fd = open("f", O_RDWR), read_only = open("f", O_RDONLY);
    uint64_t hint = 77;
    SHOW(fcntl(fd, F_GET_RW_HINT, &hint));
    printf("%d\n", (int)hint);
    for (hint = 0; hint < 7; hint++)
        SHOW(fcntl(fd, F_SET_RW_HINT, &hint));
    SHOW(fcntl(fd, F_GET_RW_HINT, &hint));
    printf("%d\n", (int)hint);
    SHOW(fcntl(read_only, F_GET_RW_HINT, &hint));
    printf("%d\n", (int)hint);
    SHOW(fcntl(fd, F_GET_RW_HINT, BAD));
    SHOW(fcntl(fd, F_SET_RW_HINT, BAD));
    SHOW(fcntl(99, F_GET_RW_HINT, &hint));
    SHOW(fcntl(fd, F_GET_FILE_RW_HINT, &hint));
    SHOW(fcntl(fd, F_SET_FILE_RW_HINT, &hint));
    close(fd);
    close(read_only);
}

static void pipes(void)
{
    int p[2], fd = open("f", O_RDWR);
    pipe(p);
    SHOW(fcntl(p[0], F_GETPIPE_SZ));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 8192));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 1));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 20000));
    SHOW(fcntl(p[0], F_GETPIPE_SZ));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, -1));
    SHOW(fcntl(fd, F_GETPIPE_SZ));
    SHOW(fcntl(fd, F_SETPIPE_SZ, 4096));
    close(p[0]);
    close(p[1]);
    close(fd);
}

static int sealed(unsigned flags)
{
    int fd = syscall(SYS_memfd_create, "sealed", flags);
    ftruncate(fd, 8192);
    return fd;
}

static void seals(void)
{
    int fd = sealed(MFD_ALLOW_SEALING), plain = sealed(0), file = open("f", O_RDWR), read_only;
    char name[40];
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(fcntl(plain, F_GET_SEALS));
    SHOW(fcntl(file, F_GET_SEALS));
    SHOW(fcntl(file, F_ADD_SEALS, F_SEAL_SEAL));
    SHOW(fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(fcntl(fd, F_ADD_SEALS, 0x1000));
    sprintf(name, "/proc/self/fd/%d", fd);
    read_only = open(name, O_RDONLY);
    SHOW(fcntl(read_only, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(fcntl(read_only, F_GET_SEALS));
    close(read_only);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    SHOW(ftruncate(fd, 4096));
    SHOW(ftruncate(fd, 16384));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(ftruncate(fd, 20000));
    SHOW(ftruncate(fd, 16384));
    SHOW(pwrite(fd, "x", 1, 16384));
    SHOW(pwrite(fd, "xyz", 3, 16383));
    SHOW(fcntl(fd, F_GET_SEALS));
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    map[0] = 'm';
    SHOW(pwrite(fd, "x", 1, 0));
    SHOW(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
    munmap(map, 4096);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    SHOW(map != MAP_FAILED && map[0] == 'm');
    SHOW(mprotect(map, 4096, PROT_READ | PROT_WRITE));
    munmap(map, 4096);
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    SHOW(map != MAP_FAILED);
    munmap(map, 4096);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
    SHOW(fchmod(fd, 0600));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(fcntl(fd, F_GET_SEALS));
    close(fd);
    close(plain);
    close(file);
    fd = syscall(SYS_memfd_create, "noexec", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    struct stat s;
    fstat(fd, &s);
    printf("%o\n", s.st_mode);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(fchmod(fd, 0777));
    SHOW(fchmod(fd, 0600));
    close(fd);
    fd = syscall(SYS_memfd_create, "exec", MFD_EXEC);
    fstat(fd, &s);
    printf("%o\n", s.st_mode);
    SHOW(fcntl(fd, F_GET_SEALS));
    char link[100] = "";
    sprintf(name, "/proc/self/fd/%d", fd);
    readlink(name, link, 99);
    puts(link);
    close(fd);
    SHOW(syscall(SYS_memfd_create, "both", MFD_EXEC | MFD_NOEXEC_SEAL));
    SHOW(syscall(SYS_memfd_create, "bad", 0x20));
    SHOW(syscall(SYS_memfd_create, BAD, 0));
    char longname[300];
    memset(longname, 'n', sizeof longname);
    longname[250] = 0;
    SHOW(syscall(SYS_memfd_create, longname, 0));
    longname[249] = 0;
    WORKS(close(syscall(SYS_memfd_create, longname, 0)));
    WORKS(close(syscall(SYS_memfd_create, "", 0)));
}

static void controls(void)
{
    int fd = open("f", O_RDWR), dir = open(".", O_RDONLY), n = 0, p[2];
    long size = -1;
    pipe(p);
    char name[60];
    sprintf(name, "/dev/shm/ioctl-%d", getpid());
    int memory = open(name, O_CREAT | O_RDWR, 0600);
    write(memory, "12345", 5);
    SHOW(ioctl(memory, FIOQSIZE, &size));
    printf("%ld\n", size);
    close(memory);
    unlink(name);
    SHOW(ioctl(p[0], FIOQSIZE, &size));
    SHOW(ioctl(fd, FIGETBSZ, &n));
    SHOW(ioctl(fd, FIGETBSZ, BAD));
    n = 1;
    SHOW(ioctl(p[0], FIOASYNC, &n));
    SHOW((fcntl(p[0], F_GETFL) & O_ASYNC) != 0);
    n = 0;
    SHOW(ioctl(p[0], FIOASYNC, &n));
    SHOW((fcntl(p[0], F_GETFL) & O_ASYNC) != 0);
    SHOW(ioctl(fd, FIOASYNC, &n));
    n = 1;
    SHOW(ioctl(fd, FIOASYNC, &n));
    SHOW(ioctl(fd, FIOASYNC, BAD));
    SHOW(ioctl(fd, FIONBIO, BAD));
    SHOW(ioctl(dir, FIONREAD, &n));
    SHOW(ioctl(dir, TCGETS, &n));
    SHOW(ioctl(fd, FICLONE, 99));
    SHOW(ioctl(fd, FICLONE, p[0]));
    SHOW(ioctl(-1, FIONBIO, &n));
    close(fd);
    close(dir);
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    umask(022);
    duplicates();
    owners();
    hints();
    pipes();
    seals();
    controls();
    return 0;
}
