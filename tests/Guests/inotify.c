/* inotify: every event and flag, the queue, the watches.
 * covers: inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
 * link: static dynamic
 */
#include "check.h"
#include <poll.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>

static int n;
static char buffer[1 << 16] __attribute__((aligned(8)));
static unsigned cookies[16];
static int cookie_count;

static const struct { unsigned bit; const char *name; } names[] = {
    { IN_ACCESS, "ACCESS" }, { IN_MODIFY, "MODIFY" }, { IN_ATTRIB, "ATTRIB" }, { IN_CLOSE_WRITE, "CLOSE_WRITE" },
    { IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" }, { IN_OPEN, "OPEN" }, { IN_MOVED_FROM, "MOVED_FROM" }, { IN_MOVED_TO, "MOVED_TO" },
    { IN_CREATE, "CREATE" }, { IN_DELETE, "DELETE" }, { IN_DELETE_SELF, "DELETE_SELF" }, { IN_MOVE_SELF, "MOVE_SELF" },
    { IN_UNMOUNT, "UNMOUNT" }, { IN_Q_OVERFLOW, "Q_OVERFLOW" }, { IN_IGNORED, "IGNORED" }, { IN_ISDIR, "ISDIR" } };

/* Cookies are numbered in the order of their first sight. */
static int cookie_number(unsigned cookie)
{
    if (cookie == 0)
        return 0;
    for (int i = 0; i < cookie_count; i++)
        if (cookies[i] == cookie)
            return i + 1;
    if (cookie_count < 16)
        cookies[cookie_count++] = cookie;
    return cookie_count;
}

static void print(struct inotify_event *e)
{
    printf("  %d", e->wd);
    unsigned rest = e->mask;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (rest & names[i].bit) {
            printf(" %s", names[i].name);
            rest &= ~names[i].bit;
        }
    if (rest)
        printf(" +%x", rest);
    if (e->cookie)
        printf(" cookie %d", cookie_number(e->cookie));
    if (e->len)
        printf(" %s(%d)", e->name[0] == '#' ? "#nameless" : e->name, e->name[0] == '#' ? 0 : (int)e->len);
    printf("\n");
}

/* Whatever waits in the queue. */
static void drain(const char *what)
{
    printf("%s\n", what);
    long got;
    while ((got = read(n, buffer, sizeof buffer)) > 0)
        for (long at = 0; at < got;) {
            struct inotify_event *e = (struct inotify_event *)(buffer + at);
            print(e);
            at += sizeof *e + e->len;
        }
    if (errno != EAGAIN)
        printf("  %s\n", errname(errno));
}

static void fresh(void)
{
    close(n);
    n = inotify_init1(IN_NONBLOCK);
    cookie_count = 0;
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    write(fd, text, strlen(text));
    close(fd);
}

static void instances(void)
{
    int fd;
    SHOW((fd = syscall(SYS_inotify_init)) >= 0);
    SHOW(fcntl(fd, F_GETFD));
    printf("%o\n", fcntl(fd, F_GETFL));
    char name[40], link[40] = "";
    sprintf(name, "/proc/self/fd/%d", fd);
    readlink(name, link, 39);
    puts(link);
    SHOW(write(fd, buffer, 16));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(pread(fd, buffer, 16, 0));
    close(fd);
    SHOW((fd = syscall(SYS_inotify_init1, IN_CLOEXEC | IN_NONBLOCK)) >= 0);
    SHOW(fcntl(fd, F_GETFD));
    printf("%o\n", fcntl(fd, F_GETFL));
    SHOW(read(fd, buffer, sizeof buffer));
    SHOW(read(fd, buffer, 1));
    close(fd);
    SHOW(syscall(SYS_inotify_init1, 1));
    SHOW(syscall(SYS_inotify_init1, IN_ALL_EVENTS));
    struct rlimit old, low;
    getrlimit(RLIMIT_NOFILE, &old);
    low = old;
    low.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &low);
    SHOW(syscall(SYS_inotify_init));
    SHOW(syscall(SYS_inotify_init1, 0));
    setrlimit(RLIMIT_NOFILE, &old);
}

static void adding(void)
{
    mkdir("d", 0755);
    put("f", "text");
    symlink("f", "l");
    fresh();
    SHOW(inotify_add_watch(n, "d", IN_CREATE));
    SHOW(inotify_add_watch(n, "f", IN_MODIFY));
    SHOW(inotify_add_watch(n, "d", IN_DELETE));
    SHOW(inotify_add_watch(n, "l", IN_ACCESS));
    SHOW(inotify_add_watch(n, "l", IN_ACCESS | IN_DONT_FOLLOW));
    SHOW(inotify_add_watch(n, "f", IN_ACCESS | IN_ONLYDIR));
    SHOW(inotify_add_watch(n, "d", IN_ACCESS | IN_ONLYDIR));
    SHOW(inotify_add_watch(n, "d", IN_OPEN | IN_MASK_CREATE));
    SHOW(inotify_add_watch(n, "d", IN_OPEN | IN_MASK_ADD));
    SHOW(inotify_add_watch(n, "d", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE));
    SHOW(inotify_add_watch(n, "d", 0));
    SHOW(inotify_add_watch(n, "d", IN_ONLYDIR));
    SHOW(inotify_add_watch(n, "none", IN_OPEN));
    SHOW(inotify_add_watch(n, "f/x", IN_OPEN));
    SHOW(inotify_add_watch(n, "", IN_OPEN));
    SHOW(syscall(SYS_inotify_add_watch, n, BAD, IN_OPEN));
    SHOW(inotify_add_watch(99, "d", IN_OPEN));
    SHOW(inotify_add_watch(0, "d", IN_OPEN));
    SHOW(inotify_add_watch(n, "d", 0x1000));
    SHOW(inotify_rm_watch(n, 1));
    SHOW(inotify_rm_watch(n, 1));
    SHOW(inotify_rm_watch(n, 0));
    SHOW(inotify_rm_watch(n, -1));
    SHOW(inotify_rm_watch(99, 1));
    SHOW(inotify_rm_watch(0, 1));
    drain("removed");
    SHOW(inotify_add_watch(n, "d", IN_CREATE));
    SHOW(inotify_rm_watch(n, 2));
    SHOW(inotify_rm_watch(n, 3));
    SHOW(inotify_rm_watch(n, 4));
    drain("all removed");
    if (geteuid() == 0) {
        chmod("f", 0200);
        IN_CHILD(setgid(1000), setuid(1000), ({
            SHOW(inotify_add_watch(n, "f", IN_OPEN));
            SHOW(inotify_add_watch(n, "d", IN_OPEN) > 0);
        }));
        chmod("f", 0644);
    }
    /* an instance takes its watches along */
    int other = inotify_init();
    SHOW(inotify_add_watch(other, "d", IN_ALL_EVENTS));
    close(other);
    rmdir("d");
    drain("after the other");
}

static void file_events(void)
{
    fresh();
    mkdir("d", 0755);
    SHOW(inotify_add_watch(n, "d", IN_ALL_EVENTS));
    put("d/f", "hello");
    drain("made and written");
    SHOW(inotify_add_watch(n, "d/f", IN_ALL_EVENTS));
    int fd = open("d/f", O_RDWR);
    drain("open");
    read(fd, buffer, 10);
    drain("read");
    read(fd, buffer, 10);
    drain("read at the end");
    write(fd, "x", 1);
    drain("write");
    write(fd, "", 0);
    pread(fd, buffer, 1, 0);
    pwrite(fd, "y", 1, 0);
    drain("pread, pwrite");
    ftruncate(fd, 3);
    drain("ftruncate");
    truncate("d/f", 2);
    drain("truncate");
    truncate("d/f", 2);
    drain("truncate to the same size");
    fchmod(fd, 0600);
    drain("fchmod");
    fchown(fd, -1, getegid());
    drain("fchown");
    fchown(fd, -1, -1);
    drain("fchown of nothing");
    futimens(fd, NULL);
    drain("both times");
    struct timespec t[2] = { { 5, UTIME_OMIT }, { 6, 0 } };
    futimens(fd, t);
    drain("modification time");
    t[0].tv_nsec = 1, t[1].tv_nsec = UTIME_OMIT;
    futimens(fd, t);
    drain("access time");
    t[0].tv_nsec = UTIME_OMIT;
    futimens(fd, t);
    drain("no time");
    fsetxattr(fd, "user.x", "y", 1, 0);
    fremovexattr(fd, "user.x");
    drain("attributes");
    fsync(fd);
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    map[0] = 'm';
    msync(map, 4096, MS_SYNC);
    munmap(map, 4096);
    int copy = dup(fd);
    close(copy);
    struct stat s;
    stat("d/f", &s);
    access("d/f", R_OK);
    drain("what gives no event");
    posix_fallocate(fd, 0, 100);
    drain("fallocate");
    int other = open("out", O_CREAT | O_RDWR, 0644);
    off_t at = 0;
    sendfile(other, fd, &at, 10);
    drain("sendfile from");
    at = 0;
    sendfile(fd, other, &at, 10);
    drain("sendfile to");
    loff_t in = 0, out = 200;
    copy_file_range(fd, &in, fd, &out, 10, 0);
    drain("copy_file_range");
    int p[2];
    pipe(p);
    in = 0;
    splice(fd, &in, p[1], NULL, 10, 0);
    drain("splice from");
    splice(p[0], NULL, fd, NULL, 10, 0);
    drain("splice to");
    close(p[0]);
    close(p[1]);
    close(other);
    close(fd);
    drain("close");
    fd = open("d/f", O_RDONLY);
    read(fd, buffer, 10);
    close(fd);
    drain("reading only");
    fd = open("d/f", O_PATH);
    close(fd);
    drain("O_PATH");
    fd = open("d/f", O_WRONLY | O_TRUNC);
    close(fd);
    drain("O_TRUNC");
    fd = open("d/f", O_WRONLY | O_CREAT | O_APPEND, 0644);
    write(fd, "a", 1);
    write(fd, "b", 1);
    write(fd, "c", 1);
    close(fd);
    drain("three writes");
    fd = open("d/f", O_WRONLY | O_CREAT | O_EXCL, 0644);
    drain("O_EXCL");
    fd = open("d", O_TMPFILE | O_RDWR, 0600);
    write(fd, "tmp", 3);
    close(fd);
    drain("O_TMPFILE");
    mkfifo("d/p", 0600);
    mknod("d/r", S_IFREG | 0600, 0);
    symlink("f", "d/s");
    link("d/f", "d/h");
    mkdir("d/sub", 0755);
    drain("making");
    rename("d/h", "d/h2");
    rename("d/h2", "moved");
    rename("moved", "d/back");
    rename("d/sub", "d/sub2");
    drain("moving");
    rename("d/back", "d/r");
    drain("moving over");
    renameat2(AT_FDCWD, "d/p", AT_FDCWD, "d/s", RENAME_EXCHANGE);
    drain("exchanging");
    fd = open("d", O_RDONLY);
    syscall(SYS_getdents64, fd, buffer, 4096);
    syscall(SYS_getdents64, fd, buffer, 4096);
    close(fd);
    drain("listing");
    fd = open("d/sub2", O_RDONLY);
    syscall(SYS_getdents64, fd, buffer, 4096);
    close(fd);
    chmod("d/sub2", 0700);
    chmod("d", 0700);
    drain("below and itself");
    unlink("d/p");
    unlink("d/s");
    rmdir("d/sub2");
    drain("removing");
    unlink("d/f");
    drain("one of two links");
    unlink("d/r");
    drain("the other");
    rename("d", "e");
    drain("moved itself");
    rmdir("e");
    drain("removed itself");
    put("f", "text");
    SHOW(inotify_add_watch(n, "f", IN_ALL_EVENTS));
    fd = open("f", O_RDWR);
    unlink("f");
    write(fd, "x", 1);
    drain("unlinked while open");
    close(fd);
    drain("and closed");
    put("f", "text");
    put("g", "text");
    SHOW(inotify_add_watch(n, "f", IN_ALL_EVENTS));
    SHOW(inotify_add_watch(n, "g", IN_ALL_EVENTS));
    rename("f", "g");
    drain("overwritten by a move");
    SHOW(inotify_add_watch(n, "g", IN_MODIFY));
    put("g", "more");
    chmod("g", 0600);
    drain("only modifications");
    if (geteuid() == 0) {
        chmod("g", 06777);
        SHOW(inotify_add_watch(n, "g", IN_ALL_EVENTS));
        IN_CHILD(setgid(1000), setuid(1000), ({ fd = open("g", O_WRONLY); write(fd, "x", 1); close(fd); }));
        drain("the set-id bits go");
    }
    unlink("g");
}

static void flags(void)
{
    fresh();
    mkdir("d", 0755);
    SHOW(inotify_add_watch(n, "d", IN_CREATE | IN_ONESHOT));
    put("d/a", "");
    put("d/b", "");
    drain("one shot");
    SHOW(inotify_add_watch(n, "d", IN_CREATE));
    SHOW(inotify_add_watch(n, "d", IN_DELETE | IN_MASK_ADD));
    put("d/c", "");
    unlink("d/c");
    drain("added to the mask");
    SHOW(inotify_add_watch(n, "d", IN_DELETE));
    put("d/c", "");
    unlink("d/c");
    drain("replaced the mask");
    SHOW(inotify_add_watch(n, "d", IN_OPEN | IN_MASK_ADD | IN_ONESHOT));
    unlink("d/b");
    drain("one shot added");
    SHOW(inotify_add_watch(n, "d", IN_ALL_EVENTS));
    int fd = open("d/a", O_RDWR);
    unlink("d/a");
    write(fd, "x", 1);
    close(fd);
    drain("children without a name");
    SHOW(inotify_add_watch(n, "d", IN_ALL_EVENTS | IN_EXCL_UNLINK));
    put("d/a", "");
    drain("made again");
    fd = open("d/a", O_RDWR);
    unlink("d/a");
    write(fd, "x", 1);
    fchmod(fd, 0600);
    close(fd);
    drain("excluded");
    symlink("nowhere", "d/dangling");
    SHOW(inotify_add_watch(n, "d/dangling", IN_ALL_EVENTS));
    SHOW(inotify_add_watch(n, "d/dangling", IN_ALL_EVENTS | IN_DONT_FOLLOW));
    lchown("d/dangling", -1, getegid());
    drain("a link itself");
    unlink("d/dangling");
    drain("a link removed");
    rmdir("d");
    drain("gone");
    /* two watches that see one event; a hard link is the same inode */
    mkdir("x", 0755);
    mkdir("y", 0755);
    put("x/f", "");
    link("x/f", "y/g");
    SHOW(inotify_add_watch(n, "x", IN_ALL_EVENTS));
    SHOW(inotify_add_watch(n, "y", IN_ALL_EVENTS));
    SHOW(inotify_add_watch(n, "x/f", IN_ALL_EVENTS) == inotify_add_watch(n, "y/g", IN_ALL_EVENTS));
    fd = open("y/g", O_WRONLY);
    write(fd, "1", 1);
    close(fd);
    drain("through the other name");
    rename("x/f", "y/f");
    drain("from one to the other");
    unlink("y/f");
    unlink("y/g");
    drain("both names");
    rmdir("x");
    rmdir("y");
    fresh();
}

static void reading(void)
{
    int count;
    fresh();
    mkdir("d", 0755);
    SHOW(inotify_add_watch(n, "d", IN_CREATE | IN_DELETE));
    SHOW(ioctl(n, FIONREAD, &count));
    printf("%d\n", count);
    struct pollfd f = { n, POLLIN | POLLOUT, 0 };
    SHOW(poll(&f, 1, 0));
    put("d/a", "");
    put("d/fifteen-letters", "");
    put("d/fifteen-letter", "");
    SHOW(ioctl(n, FIONREAD, &count));
    printf("%d\n", count);
    SHOW(ioctl(n, FIONREAD, BAD));
    SHOW(ioctl(n, 0x5401, &count));
    SHOW(poll(&f, 1, 0));
    printf("%x\n", f.revents);
    SHOW(read(n, buffer, 15));
    SHOW(read(n, buffer, 31));
    SHOW(read(n, buffer, 0));
    SHOW(read(n, buffer, 32));
    print((struct inotify_event *)buffer);
    SHOW(read(n, buffer, 70));
    print((struct inotify_event *)buffer);
    SHOW(read(n, BAD, 100));
    SHOW(read(n, buffer, 100));
    /* only the last in the queue is compared */
    SHOW(inotify_add_watch(n, "d/a", IN_MODIFY | IN_ATTRIB));
    int fd = open("d/a", O_RDWR);
    write(fd, "1", 1);
    write(fd, "2", 1);
    fchmod(fd, 0600);
    write(fd, "3", 1);
    write(fd, "4", 1);
    drain("repeated");
    close(fd);
    /* a reader that waits */
    fcntl(n, F_SETFL, 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        usleep(20000);
        put("d/late", "");
        _exit(0);
    }
    SHOW(read(n, buffer, sizeof buffer));
    print((struct inotify_event *)buffer);
    waitpid(child, NULL, 0);
    fcntl(n, F_SETFL, O_NONBLOCK);
    /* a number is not used again before all others were */
    SHOW(inotify_add_watch(n, ".", IN_CREATE));
    SHOW(inotify_rm_watch(n, 3));
    SHOW(inotify_add_watch(n, ".", IN_CREATE));
    drain("numbers");
    unlink("d/a");
    unlink("d/fifteen-letters");
    unlink("d/fifteen-letter");
    unlink("d/late");
    rmdir("d");
    drain("the end");
}

/* As many events as the queue takes, then one for all others. */
static void overflow(void)
{
    FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
    int most = 0;
    fscanf(f, "%d", &most);
    fclose(f);
    fresh();
    put("o", "");
    SHOW(inotify_add_watch(n, "o", IN_ACCESS | IN_MODIFY));
    int fd = open("o", O_RDWR), got, count = 0, overflows = 0, last = 0;
    for (int i = 0; i < most; i++) {
        pwrite(fd, "x", 1, 0);
        pread(fd, buffer, 1, 0);
    }
    close(fd);
    while ((got = read(n, buffer, sizeof buffer)) > 0)
        for (int at = 0; at < got;) {
            struct inotify_event *e = (struct inotify_event *)(buffer + at);
            last = e->mask;
            if (e->mask & IN_Q_OVERFLOW) {
                overflows++;
                print(e);
            } else
                count++;
            at += sizeof *e + e->len;
        }
    HOLDS(count == most);
    printf("%d %x\n", overflows, last);
    put("o", "again");
    drain("after the overflow");
    unlink("o");
    drain("removed");
}

static void limits(void)
{
    if (geteuid() != 0)
        return;
    FILE *f = fopen("/proc/sys/fs/inotify/max_user_instances", "r");
    int most = 0;
    fscanf(f, "%d", &most);
    fclose(f);
    IN_CHILD(setgid(12345), setuid(12345), ({
        struct rlimit many = { most + 50, most + 50 };
        int count = 0;
        setrlimit(RLIMIT_NOFILE, &many);
        while (inotify_init1(IN_CLOEXEC) >= 0)
            count++;
        HOLDS(count == most || count == most + 50 - 4);
        puts(errname(errno));
    }));
}

static void unmounting(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0)
        return;
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    fresh();
    mkdir("m", 0755);
    mkdir("m2", 0755);
    SHOW(mount("t", "m", "tmpfs", 0, NULL));
    put("m/f", "");
    SHOW(inotify_add_watch(n, "m", IN_ALL_EVENTS));
    SHOW(inotify_add_watch(n, "m/f", IN_ALL_EVENTS));
    SHOW(mount("m", "m2", NULL, MS_BIND, NULL));
    SHOW(umount("m"));
    drain("one of two mounts");
    put("m2/g", "");
    drain("through the other mount");
    SHOW(inotify_rm_watch(n, 1));
    SHOW(umount("m2"));
    drain("unmounted");
    rmdir("m");
    rmdir("m2");
}

/* A signal for each event that comes to an instance with O_ASYNC. */
static volatile int signals;
static void count_signal(int sig) { signals++; }

static void asynchronous(void)
{
    fresh();
    signal(SIGIO, count_signal);
    mkdir("d", 0755);
    SHOW(inotify_add_watch(n, "d", IN_CREATE | IN_DELETE));
    SHOW(fcntl(n, F_SETOWN, getpid()));
    SHOW(fcntl(n, F_SETFL, O_ASYNC | O_NONBLOCK));
    put("d/a", "");
    SHOW(signals);
    unlink("d/a");
    SHOW(signals);
    SHOW(fcntl(n, F_SETFL, O_NONBLOCK));
    put("d/a", "");
    SHOW(signals);
    unlink("d/a");
    rmdir("d");
    drain("signalled");
}

int main(void)
{
    umask(022);
    mkdir("own", 0777);
    chmod("own", 0777);
    chdir("own");
    instances();
    adding();
    file_events();
    flags();
    reading();
    overflow();
    limits();
    asynchronous();
    unmounting();
    return 0;
}
