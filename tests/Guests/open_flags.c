/* Each flag of open: what it does to the file, and what the description remembers of it.
 * covers: open openat creat openat2
 */
#include "check.h"
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <time.h>

#ifndef O_LARGEFILE
#define O_LARGEFILE 0100000
#endif

static char buffer[8192] __attribute__((aligned(4096)));

static void flags_of(const char *what, int fd)
{
    if (fd < 0) {
        printf("%s: %s\n", what, errname(errno));
        return;
    }
    printf("%s: flags %o, descriptor %d\n", what, fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    close(fd);
}

#define FLAGS(call) flags_of(#call, call)

static void remembered(void)
{
    close(open("f", O_CREAT | O_WRONLY, 0644));
    FLAGS(open("f", O_RDONLY));
    FLAGS(open("f", O_WRONLY));
    FLAGS(open("f", O_RDWR));
    FLAGS(open("f", 3));
    FLAGS(open("f", O_RDWR | O_APPEND));
    FLAGS(open("f", O_RDWR | O_ASYNC));
    FLAGS(open("f", O_RDWR | O_CLOEXEC));
    FLAGS(open("f", O_RDWR | O_CREAT, 0600));
    FLAGS(open("f", O_RDWR | O_DSYNC));
    FLAGS(open("f", O_RDWR | O_SYNC));
    FLAGS(open("f", O_RDWR | (O_SYNC & ~O_DSYNC)));
    FLAGS(open("f", O_RDWR | O_RSYNC));
    FLAGS(open("f", O_RDWR | O_LARGEFILE));
    FLAGS(open("f", O_RDWR | O_NOATIME));
    FLAGS(open("f", O_RDWR | O_NOCTTY));
    FLAGS(open("f", O_RDWR | O_NOFOLLOW));
    FLAGS(open("f", O_RDWR | O_NONBLOCK));
    FLAGS(open("f", O_RDWR | O_NDELAY));
    FLAGS(open("f", O_RDWR | O_TRUNC));
    FLAGS(open("f", O_RDWR | O_EXCL));
    FLAGS(open("f", O_RDONLY | O_DIRECT));
    FLAGS(open("f", O_PATH));
    FLAGS(open("f", O_PATH | O_RDWR | O_APPEND | O_CREAT | O_NOATIME | O_CLOEXEC));
    FLAGS(open("f", O_PATH | O_DIRECTORY));
    FLAGS(open("f", O_RDWR | (1 << 28)));
    FLAGS(open(".", O_RDONLY | O_DIRECTORY));
    FLAGS(open(".", O_RDONLY));
    FLAGS(open(".", O_PATH | O_DIRECTORY));
    FLAGS(open(".", O_TMPFILE | O_RDWR, 0600));
    FLAGS(open(".", O_TMPFILE | O_WRONLY | O_EXCL, 0600));
    FLAGS(open(".", O_TMPFILE | O_RDONLY, 0600));
    FLAGS(open("f", O_TMPFILE | O_RDWR, 0600));
    FLAGS(open("none", O_TMPFILE | O_RDWR, 0600));
    FLAGS(open(".", O_CREAT | O_DIRECTORY | O_RDWR, 0600));
    FLAGS(open("none", O_CREAT | O_DIRECTORY | O_RDWR, 0600));
    FLAGS(open(".", O_CREAT | O_RDONLY, 0600));
    FLAGS(open("new/", O_CREAT | O_RDWR, 0600));
    FLAGS(open("/dev/null", O_RDWR | O_DIRECT));
    FLAGS(open("/dev/null", O_RDWR | O_APPEND | O_TRUNC | O_CREAT, 0600));
    FLAGS(open("/dev/null", O_RDWR | O_DIRECTORY));
    FLAGS(creat("f", 0600));
    FLAGS(open("/dev/tty", O_RDWR | O_PATH));
    FLAGS(open("/proc/self/stat", O_RDONLY | O_DIRECT));
    mkfifo("fifo", 0600);
    FLAGS(open("fifo", O_RDWR | O_DIRECT));
    FLAGS(open("fifo", O_RDWR | O_ASYNC));
    int d = open(".", O_PATH | O_DIRECTORY);
    FLAGS(openat(d, "f", O_RDWR | O_APPEND | O_DSYNC | O_NONBLOCK));
    FLAGS(openat(d, "f", O_RDWR | O_SYNC | O_NOATIME | O_CLOEXEC));
    FLAGS(openat(d, ".", O_TMPFILE | O_RDWR, 0600));
    FLAGS(openat(d, "f/x", O_RDONLY));
    close(d);
}

static void effects(void)
{
    struct stat s;
    int a = open("append", O_CREAT | O_RDWR | O_APPEND, 0644), b = open("append", O_RDWR);
    SHOW(write(a, "one", 3));
    SHOW(write(b, "ABCDEF", 6));
    SHOW(write(a, "two", 3));
    SHOW(lseek(a, 0, SEEK_CUR));
    SHOW(pread(b, buffer, 100, 0));
    printf("%.9s\n", buffer);
    SHOW(fcntl(a, F_SETFL, 0));
    SHOW(pwrite(a, "xy", 2, 0));
    SHOW(pread(b, buffer, 100, 0));
    printf("%.9s\n", buffer);
    close(b);
    b = open("append", O_RDWR | O_TRUNC);
    SHOW(fstat(a, &s));
    SHOW(s.st_size);
    close(b);
    write(a, "content", 7);
    SHOW((b = open("append", O_RDONLY | O_TRUNC)) >= 0);
    SHOW(fstat(b, &s));
    SHOW(s.st_size);
    close(a);
    close(b);
    /* O_EXCL */
    symlink("nowhere", "dangling");
    SHOW(open("append", O_CREAT | O_EXCL | O_RDWR, 0600));
    SHOW(open("dangling", O_CREAT | O_EXCL | O_RDWR, 0600));
    SHOW(open("dangling", O_CREAT | O_NOFOLLOW | O_RDWR, 0600));
    SHOW(open("dangling", O_NOFOLLOW | O_RDONLY));
    int p = open("dangling", O_PATH | O_NOFOLLOW);
    SHOW(fstat(p, &s));
    printf("%o\n", s.st_mode & S_IFMT);
    SHOW(readlinkat(p, "", buffer, 100));
    SHOW(open("dangling", O_PATH | O_NOFOLLOW | O_DIRECTORY));
    close(p);
    /* O_PATH: a place, no content */
    p = open("append", O_PATH);
    struct stat t;
    SHOW(read(p, buffer, 1));
    SHOW(write(p, buffer, 1));
    SHOW(fchmod(p, 0600));
    SHOW(fchown(p, -1, -1));
    SHOW(ioctl(p, 0x5421, &s));
    SHOW(fcntl(p, F_SETFL, O_APPEND));
    SHOW(fsync(p));
    SHOW(lseek(p, 0, SEEK_SET));
    SHOW(ftruncate(p, 0));
    SHOW(fgetxattr(p, "user.x", buffer, 10));
    SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, p, 0) == MAP_FAILED);
    SHOW(fstat(p, &s) == 0 && stat("append", &t) == 0 && s.st_ino == t.st_ino);
    SHOW(fcntl(p, F_GETFD));
    SHOW((b = dup(p)) >= 0);
    close(b);
    char name[40];
    sprintf(name, "/proc/self/fd/%d", p);
    SHOW((b = open(name, O_RDWR)) >= 0);
    SHOW(write(b, "again", 5));
    close(b);
    close(p);
    p = open(".", O_PATH);
    SHOW(fchdir(p));
    SHOW(faccessat(p, "append", R_OK, 0));
    SHOW(syscall(SYS_getdents64, p, buffer, sizeof buffer));
    close(p);
    /* O_CLOEXEC and its absence */
    a = open("append", O_RDONLY | O_CLOEXEC);
    b = open("append", O_RDONLY);
    IN_CHILD({
        char script[100];
        sprintf(script, "test -e /proc/self/fd/%d; echo $?; test -e /proc/self/fd/%d; echo $?", a, b);
        execl("/bin/sh", "sh", "-c", script, NULL);
    });
    close(a);
    close(b);
    /* the mode goes through the mask, also for files without a name */
    umask(027);
    a = open("masked", O_CREAT | O_RDWR, 0666);
    fstat(a, &s);
    printf("%o\n", s.st_mode);
    close(a);
    a = open("unwritable", O_CREAT | O_RDWR, 0);
    fstat(a, &s);
    printf("%o\n", s.st_mode);
    SHOW(write(a, "still", 5));
    close(a);
    a = open(".", O_TMPFILE | O_RDWR, 07777);
    fstat(a, &s);
    printf("%o %d\n", s.st_mode, (int)s.st_nlink);
    if (geteuid() == 0)
        SHOW(linkat(a, "", AT_FDCWD, "given", AT_EMPTY_PATH));
    sprintf(name, "/proc/self/fd/%d", a);
    SHOW(linkat(AT_FDCWD, name, AT_FDCWD, "given2", AT_SYMLINK_FOLLOW));
    close(a);
    umask(022);
}

static struct timespec atime(const char *path)
{
    struct stat s;
    stat(path, &s);
    return s.st_atim;
}

/* What O_NOATIME is for; O_DIRECT, O_DSYNC and O_SYNC as far as they can be seen. */
static void transfers(void)
{
    struct timespec old[2] = { { 1000, 0 }, { 2000, 0 } };
    int fd = open("times", O_CREAT | O_RDWR, 0644);
    write(fd, "data", 4);
    close(fd);
    utimensat(AT_FDCWD, "times", old, 0);
    fd = open("times", O_RDONLY | O_NOATIME);
    SHOW(read(fd, buffer, 4));
    SHOW(atime("times").tv_sec);
    SHOW(fcntl(fd, F_SETFL, 0));
    close(fd);
    fd = open("times", O_RDONLY);
    SHOW(read(fd, buffer, 4));
    HOLDS(atime("times").tv_sec > 1000);
    close(fd);
    mkdir("dir", 0755);
    utimensat(AT_FDCWD, "dir", old, 0);
    fd = open("dir", O_RDONLY | O_NOATIME);
    syscall(SYS_getdents64, fd, buffer, sizeof buffer);
    SHOW(atime("dir").tv_sec);
    close(fd);
    if (geteuid() == 0) {
        chmod("times", 0666);
        IN_CHILD(setgid(1000), setuid(1000), ({
            SHOW(open("times", O_RDONLY | O_NOATIME));
            WORKS(fd = open("times", O_RDONLY));
            SHOW(fcntl(fd, F_SETFL, O_NOATIME));
            SHOW(open("unwritable", O_RDONLY));
            SHOW(open("unwritable", O_WRONLY | O_TRUNC));
            SHOW(open("mine", O_CREAT | O_RDWR, 0600));
            SHOW(open(".", O_TMPFILE | O_RDWR, 0600));
            SHOW(open("dir/none", O_CREAT | O_RDWR, 0600));
            SHOW(creat("times/x", 0600));
        }));
    }
    fd = open("direct", O_CREAT | O_RDWR | O_DIRECT, 0644);
    memset(buffer, 'd', sizeof buffer);
    SHOW(write(fd, buffer, 4096));
    SHOW(pread(fd, buffer + 4096, 4096, 0));
    SHOW(memcmp(buffer, buffer + 4096, 4096));
    SHOW(fcntl(fd, F_SETFL, 0));
    SHOW(fcntl(fd, F_GETFL) & O_DIRECT);
    SHOW(fcntl(fd, F_SETFL, O_DIRECT));
    HOLDS(fcntl(fd, F_GETFL) & O_DIRECT);
    close(fd);
    fd = open("sync", O_CREAT | O_RDWR | O_SYNC, 0644);
    SHOW(write(fd, "synced", 6));
    SHOW(fcntl(fd, F_SETFL, 0));
    SHOW((fcntl(fd, F_GETFL) & O_SYNC) == O_SYNC);
    close(fd);
    fd = open("sync", O_RDWR | O_DSYNC | O_APPEND);
    SHOW(write(fd, " data", 5));
    SHOW(pread(fd, buffer, 100, 0));
    close(fd);
}

/* Errors that have nothing to do with a flag. */
static void errors(void)
{
    char text[5000];
    memset(text, 'x', sizeof text);
    text[4999] = 0;
    SHOW(open(text, O_RDONLY));
    for (int i = 0; i < 4998; i += 2)
        text[i] = '.', text[i + 1] = '/';
    SHOW(open(text, O_RDONLY));
    text[4000] = 0;
    WORKS(close(open(text, O_RDONLY)));
    SHOW(openat(-1, "f", O_RDONLY));
    SHOW(openat(AT_FDCWD, BAD, O_RDONLY));
    SHOW(openat(AT_FDCWD, "", O_RDONLY));
    SHOW(creat(BAD, 0));
    SHOW(creat("dir", 0600));
    /* a program that runs can't be written, and one that is written can't run */
    IN_CHILD(execl("/bin/sh", "sh", "-c", "cp /bin/sleep ./prog && chmod 755 prog", NULL));
    int hold[2];
    pipe(hold);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(hold[0]);
        fcntl(hold[1], F_SETFD, FD_CLOEXEC);
        execl("./prog", "prog", "100", NULL);
        _exit(1);
    }
    close(hold[1]);
    read(hold[0], text, 1);
    SHOW(open("prog", O_WRONLY));
    SHOW(open("prog", O_RDWR | O_TRUNC));
    SHOW(truncate("prog", 0));
    WORKS(close(open("prog", O_RDONLY)));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    int fd = open("prog", O_WRONLY);
    IN_CHILD({
        execl("./prog", "prog", "0", NULL);
        puts(errname(errno));
    });
    close(fd);
    unlink("prog");
}

int main(void)
{
    umask(022);
    mkdir("own", 0755);
    chdir("own");
    remembered();
    effects();
    transfers();
    errors();
    return 0;
}
