/* fanotify: groups and their flags, marks and their rules, events with descriptors, and leave that is asked for.
 * capabilities: sys_admin
 * covers: fanotify_init fanotify_mark
 * link: static
 */
#include "check.h"
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#ifndef FAN_MARK_IGNORE
#define FAN_MARK_IGNORE 0x400
#endif
#ifndef FAN_REPORT_PIDFD
#define FAN_REPORT_PIDFD 0x80
#endif

static char buffer[4096];

static long init(unsigned flags, unsigned event_flags)
{
    return syscall(SYS_fanotify_init, flags, event_flags);
}

static long mark(int fd, unsigned flags, unsigned long mask, int directory, const char *path)
{
    return syscall(SYS_fanotify_mark, fd, flags, mask, directory, path);
}

/* What is in the queue; descriptors are named by what they lead to. */
static void drain(int fd)
{
    for (;;) {
        ssize_t length = read(fd, buffer, sizeof buffer);
        if (length <= 0) {
            printf("  %s\n", length < 0 ? errname(errno) : "nothing");
            return;
        }
        struct fanotify_event_metadata *e = (void *)buffer;
        for (; FAN_EVENT_OK(e, length); e = FAN_EVENT_NEXT(e, length)) {
            char link[64], name[256] = "none";
            snprintf(link, sizeof link, "/proc/self/fd/%d", e->fd);
            ssize_t n = e->fd >= 0 ? readlink(link, name, sizeof name - 1) : -1;
            if (n >= 0)
                name[n] = 0;
            char *last = strrchr(name, '/');
            printf("  %llx %s, own: %d, lengths %u %u, version %u\n", (unsigned long long)e->mask, last && last[1] ? last + 1 : name,
                e->pid == getpid(), e->event_len, e->metadata_len, e->vers);
            if (e->fd >= 0)
                close(e->fd);
        }
    }
}

static void touch(const char *name, const char *text)
{
    int fd = open(name, O_RDWR | O_CREAT, 0600);
    char byte;
    if (text && write(fd, text, strlen(text)) < 0)
        puts("write failed");
    lseek(fd, 0, SEEK_SET);
    if (read(fd, &byte, 1) < 0)
        puts("read failed");
    close(fd);
}

static void groups(void)
{
    puts("-- groups");
    SHOW(init(0x10000, O_RDONLY));
    SHOW(init(FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT, O_RDONLY));
    SHOW(init(FAN_CLASS_NOTIF, O_RDONLY | O_CREAT));
    SHOW(init(FAN_CLASS_NOTIF, 3));
    SHOW(init(FAN_REPORT_PIDFD | FAN_REPORT_TID, O_RDONLY));
    int fd = init(FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS, O_RDONLY);
    HOLDS(fd >= 0);
    SHOW(fcntl(fd, F_GETFD));
    HOLDS((fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE)) == (O_NONBLOCK | O_RDWR));
    SHOW(read(fd, buffer, sizeof buffer));
    SHOW(write(fd, buffer, 1));
    struct fanotify_response r = {.fd = 5, .response = 7};
    SHOW(write(fd, &r, sizeof r));
    r.response = FAN_ALLOW;
    SHOW(write(fd, &r, sizeof r));
    r.fd = -1;
    SHOW(write(fd, &r, sizeof r));
    int count = -1;
    SHOW(ioctl(fd, FIONREAD, &count));
    printf("count %d\n", count);
    close(fd);
    IN_CHILD({
        SHOW(setuid(65534));
        SHOW(init(FAN_CLASS_NOTIF, O_RDONLY));
    });
}

static void marks(void)
{
    puts("-- marks");
    int fd = init(FAN_NONBLOCK, O_RDONLY), content = init(FAN_NONBLOCK | FAN_CLASS_CONTENT, O_RDONLY);
    SHOW(mark(fd, FAN_MARK_ADD, 0, AT_FDCWD, "f"));
    SHOW(mark(fd, 0, FAN_OPEN, AT_FDCWD, "f"));
    SHOW(mark(fd, FAN_MARK_ADD | FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD, "f"));
    SHOW(mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, "f"));
    SHOW(mark(fd, FAN_MARK_ADD, FAN_OPEN | (1UL << 40), AT_FDCWD, "f"));
    SHOW(mark(fd, FAN_MARK_ADD, FAN_Q_OVERFLOW, AT_FDCWD, "f"));
    SHOW(mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "f"));
    SHOW(mark(fd, FAN_MARK_ADD, FAN_CREATE, AT_FDCWD, "d"));
    SHOW(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORE, FAN_OPEN, AT_FDCWD, "f"));
    SHOW(mark(fd, FAN_MARK_FLUSH | FAN_MARK_ONLYDIR, 0, AT_FDCWD, "f"));
    SHOW(mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "none"));
    SHOW(mark(fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN, AT_FDCWD, "f"));
    SHOW(mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, BAD));
    SHOW(mark(99, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "f"));
    SHOW(mark(0, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "f"));
    SHOW(mark(fd, FAN_MARK_REMOVE, FAN_OPEN, AT_FDCWD, "f"));
    SHOW(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN, AT_FDCWD, "d"));
    SHOW(mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_IGNORE, FAN_OPEN, AT_FDCWD, "d"));
    SHOW(mark(content, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "/proc/self/status"));

    /* On a descriptor, and on what the path ends in. */
    int file = open("f", O_RDONLY);
    SHOW(mark(fd, FAN_MARK_ADD, FAN_CLOSE, file, NULL));
    SHOW(mark(fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_CLOSE, file, NULL));
    close(file);
    drain(fd);
    SHOW(mark(fd, FAN_MARK_REMOVE, FAN_CLOSE, AT_FDCWD, "f"));
    SHOW(mark(fd, FAN_MARK_REMOVE, FAN_CLOSE, AT_FDCWD, "f"));
    SHOW(symlink("f", "l"));
    SHOW(mark(fd, FAN_MARK_ADD | FAN_MARK_DONT_FOLLOW, FAN_OPEN, AT_FDCWD, "l"));
    touch("f", NULL);
    drain(fd);
    SHOW(mark(fd, FAN_MARK_FLUSH, 0, AT_FDCWD, "."));
    unlink("l");
    close(fd);
    close(content);
}

static void events(void)
{
    puts("-- events");
    int fd = init(FAN_NONBLOCK, O_RDONLY);
    SHOW(mark(fd, FAN_MARK_ADD, FAN_ALL_EVENTS, AT_FDCWD, "f"));
    touch("f", "x");
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
    poll(&p, 1, 0);
    printf("poll %x\n", p.revents);
    SHOW(read(fd, buffer, 10));
    drain(fd);
    IN_CHILD(touch("f", NULL));
    drain(fd);
    touch("d/in", "x");
    drain(fd);

    puts("a directory and what is in it");
    SHOW(mark(fd, FAN_MARK_FLUSH, 0, AT_FDCWD, "."));
    SHOW(mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_CLOSE, AT_FDCWD, "d"));
    touch("d/in", NULL);
    close(open("d", O_RDONLY));
    drain(fd);
    SHOW(mark(fd, FAN_MARK_ADD, FAN_EVENT_ON_CHILD | FAN_ONDIR, AT_FDCWD, "d"));
    touch("d/in", NULL);
    close(open("d", O_RDONLY));
    drain(fd);

    puts("ignoring");
    SHOW(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, AT_FDCWD, "d/in"));
    touch("d/in", NULL);
    drain(fd);
    touch("d/in", "y");
    drain(fd);
    SHOW(mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN | FAN_CLOSE, AT_FDCWD, "d/in"));
    touch("d/in", "y");
    touch("d/in", NULL);
    drain(fd);
    SHOW(mark(fd, FAN_MARK_REMOVE | FAN_MARK_IGNORED_MASK, FAN_OPEN, AT_FDCWD, "d/in"));
    touch("d/in", NULL);
    drain(fd);
    SHOW(mark(fd, FAN_MARK_FLUSH, 0, AT_FDCWD, "."));

    puts("a mount, a file system");
    SHOW(mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, AT_FDCWD, "m"));
    touch("m/a", NULL);
    touch("f", NULL);
    drain(fd);
    SHOW(mark(fd, FAN_MARK_FLUSH | FAN_MARK_MOUNT, 0, AT_FDCWD, "."));
    SHOW(mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN | FAN_ONDIR, AT_FDCWD, "m"));
    touch("m/a", NULL);
    close(open("m", O_RDONLY));
    drain(fd);
    SHOW(mark(fd, FAN_MARK_REMOVE | FAN_MARK_FILESYSTEM, FAN_OPEN | FAN_ONDIR, AT_FDCWD, "m"));
    touch("m/a", NULL);
    drain(fd);

    puts("an object that goes");
    touch("gone", NULL);
    SHOW(mark(fd, FAN_MARK_ADD, FAN_CLOSE, AT_FDCWD, "gone"));
    unlink("gone");
    touch("gone", NULL);
    drain(fd);
    unlink("gone");
    close(fd);

    puts("programs");
    fd = init(FAN_NONBLOCK, O_RDONLY);
    SHOW(mark(fd, FAN_MARK_ADD, FAN_OPEN_EXEC, AT_FDCWD, "prog"));
    close(open("prog", O_RDONLY));
    drain(fd);
    IN_CHILD(execl("./prog", "prog", NULL));
    drain(fd);
    close(fd);

    puts("a descriptor of the process");
    fd = init(FAN_NONBLOCK | FAN_REPORT_PIDFD, O_RDONLY);
    SHOW(mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "f"));
    touch("f", NULL);
    ssize_t length = read(fd, buffer, sizeof buffer);
    struct fanotify_event_metadata *e = (void *)buffer;
    printf("%ld bytes: type %d, length %d\n", (long)length, buffer[24], buffer[26]);
    int pidfd = *(int *)(buffer + 28);
    SHOW(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
    char line[64], name[64];
    snprintf(name, sizeof name, "/proc/self/fdinfo/%d", pidfd);
    FILE *info = fopen(name, "r");
    int pid = 0;
    while (fgets(line, sizeof line, info))
        sscanf(line, "Pid: %d", &pid);
    fclose(info);
    HOLDS(pid == getpid());
    close(pidfd);
    close(e->fd);
    close(fd);
}

static void answer(int fd, unsigned response)
{
    ssize_t length = read(fd, buffer, sizeof buffer);
    struct fanotify_event_metadata *e = (void *)buffer;
    printf("asked: %ld bytes, %llx\n", (long)length, (unsigned long long)e->mask);
    struct fanotify_response r = {.fd = e->fd, .response = response};
    SHOW(write(fd, &r, sizeof r));
    SHOW(write(fd, &r, sizeof r));
    close(e->fd);
}

static void leave(void)
{
    puts("-- leave");
    int fd = init(FAN_CLASS_CONTENT, O_RDONLY), report[2];
    SHOW(mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_ACCESS_PERM, AT_FDCWD, "f"));
    SHOW(pipe(report));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        errno = 0;
        int first = open("f", O_RDONLY), e1 = errno;
        int second = open("f", O_RDONLY), e2 = errno;
        errno = 0;
        ssize_t third = read(second, &byte, 1);
        int e3 = errno;
        ssize_t fourth = read(second, &byte, 1);
        dprintf(report[1], "%d %d, %d %d, %ld %d, %ld\n", first >= 0, e1, second >= 0, second >= 0 ? 0 : e2, (long)third, e3, (long)fourth);
        _exit(0);
    }
    answer(fd, FAN_DENY);
    answer(fd, FAN_ALLOW);
    answer(fd, FAN_DENY);
    answer(fd, FAN_ALLOW);
    waitpid(child, NULL, 0);
    ssize_t length = read(report[0], buffer, sizeof buffer);
    printf("child: %.*s", (int)length, buffer);

    /* Who is no longer asked is allowed; who waits can be killed. */
    child = fork();
    if (child == 0)
        _exit(open("f", O_RDONLY) >= 0 ? 3 : 4);
    length = read(fd, buffer, sizeof buffer);
    struct fanotify_event_metadata *e = (void *)buffer;
    close(e->fd);
    kill(child, SIGKILL);
    int status;
    waitpid(child, &status, 0);
    printf("child ended by signal %d\n", WTERMSIG(status));
    child = fork();
    if (child == 0) {
        close(fd);
        _exit(open("f", O_RDONLY) >= 0 ? 3 : 4);
    }
    length = read(fd, buffer, sizeof buffer);
    close(e->fd);
    close(fd);
    waitpid(child, &status, 0);
    printf("child ended with %d\n", WEXITSTATUS(status));
}

int main(void)
{
    char directory[] = "/tmp/fanotify-XXXXXX";
    if (!mkdtemp(directory) || chdir(directory) != 0)
        return 1;
    mkdir("d", 0700);
    mkdir("m", 0700);
    SHOW(mount("none", "m", "tmpfs", 0, ""));
    touch("f", "content");
    touch("d/in", "content");
    int program = open("prog", O_WRONLY | O_CREAT, 0700);
    const char *script = "#!/bin/true\n";
    SHOW(write(program, script, strlen(script)));
    close(program);
    groups();
    marks();
    events();
    leave();
    SHOW(umount("m"));
    unlink("f");
    unlink("d/in");
    unlink("prog");
    rmdir("d");
    rmdir("m");
    SHOW(chdir("/"));
    SHOW(rmdir(directory));
    return 0;
}
