/* Record locks, open-file-description locks and flocks between processes.
 *
 * covers: fcntl flock
 */
#include "check.h"
#include <sys/file.h>

static struct flock range(short type, long start, long length)
{
    struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
    return l;
}

static void set(const char *what, int fd, int command, short type, long start, long length)
{
    struct flock l = range(type, start, length);
    errno = 0;
    int result = fcntl(fd, command, &l);
    printf("%s %d..+%ld: %s\n", what, (int)start, length, result == 0 ? "ok" : errname(errno));
}

static void get(int fd, int command, short type, long start, long length)
{
    struct flock l = range(type, start, length);
    int result = fcntl(fd, command, &l);
    if (result != 0)
        printf("get %ld: %s\n", start, errname(errno));
    else if (l.l_type == F_UNLCK)
        printf("get %ld: free\n", start);
    else
        printf("get %ld: %s %ld +%ld by %s\n", start, l.l_type == F_WRLCK ? "write" : "read", (long)l.l_start, (long)l.l_len,
            l.l_pid == -1 ? "description" : l.l_pid == getppid() ? "parent" : "other");
}

static void posix_locks(void)
{
    int fd = open("locked", O_RDWR | O_CREAT | O_TRUNC, 0644);
    set("write", fd, F_SETLK, F_WRLCK, 0, 100);
    set("unlock middle", fd, F_SETLK, F_UNLCK, 40, 20);
    set("read", fd, F_SETLK, F_RDLCK, 200, 0);
    IN_CHILD({
        int mine = open("locked", O_RDWR);
        get(mine, F_GETLK, F_WRLCK, 0, 10);
        get(mine, F_GETLK, F_WRLCK, 40, 20);
        get(mine, F_GETLK, F_WRLCK, 50, 20);
        get(mine, F_GETLK, F_RDLCK, 500, 1);
        get(mine, F_GETLK, F_WRLCK, 500, 1);
        set("write over read", mine, F_SETLK, F_WRLCK, 300, 1);
        set("read over read", mine, F_SETLK, F_RDLCK, 300, 1);
        set("write in gap", mine, F_SETLK, F_WRLCK, 40, 20);
        set("write beyond gap", mine, F_SETLK, F_WRLCK, 40, 21);
        set("backwards", mine, F_SETLK, F_WRLCK, 60, -20);
    });
    IN_CHILD({
        int mine = open("locked", O_RDONLY);
        set("write on read-only", mine, F_SETLK, F_WRLCK, 40, 1);
        set("read on read-only", mine, F_SETLK, F_RDLCK, 40, 1);
        set("bad type", mine, F_SETLK, 77, 0, 1);
        set("negative", mine, F_SETLK, F_RDLCK, -1, 1);
        set("too far", mine, F_SETLK, F_RDLCK, 0x7fffffffffffffffL, 10);
        SHOW(fcntl(mine, F_SETLK, (void *)8));
        SHOW(fcntl(99, F_SETLK, (void *)8));
    });
    int second = open("locked", O_RDWR);
    close(second);
    IN_CHILD({
        int mine = open("locked", O_RDWR);
        get(mine, F_GETLK, F_WRLCK, 0, 0);
    });
    close(fd);
}

static void deadlock(void)
{
    int ready[2], fd = open("dead", O_RDWR | O_CREAT, 0644);
    pipe(ready);
    set("parent", fd, F_SETLK, F_WRLCK, 0, 1);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct flock l = range(F_WRLCK, 1, 1);
        fcntl(fd, F_SETLK, &l);
        write(ready[1], "x", 1);
        l = range(F_WRLCK, 0, 1);
        int result = fcntl(fd, F_SETLKW, &l);
        _exit(result == 0 ? 10 : 11);
    }
    char c;
    read(ready[0], &c, 1);
    /* The child must be waiting: until it does, asking gives no deadlock but the wait is safe for 20 ms steps. */
    for (;;) {
        char path[64], line[512] = "";
        snprintf(path, sizeof path, "/proc/%d/stat", child);
        int stat = open(path, O_RDONLY);
        read(stat, line, sizeof line - 1);
        close(stat);
        char *state = strrchr(line, ')');
        if (state && state[2] == 'S')
            break;
        usleep(1000);
    }
    set("parent waits", fd, F_SETLKW, F_WRLCK, 1, 1);
    set("parent lets go", fd, F_SETLK, F_UNLCK, 0, 1);
    int status;
    waitpid(child, &status, 0);
    printf("child %d\n", WEXITSTATUS(status));
    close(fd);
}

static void description_locks(void)
{
    int one = open("ofd", O_RDWR | O_CREAT, 0644), two = open("ofd", O_RDWR), dup_of_one = dup(one);
    set("ofd one", one, F_OFD_SETLK, F_WRLCK, 0, 10);
    set("ofd two", two, F_OFD_SETLK, F_WRLCK, 5, 1);
    set("ofd dup", dup_of_one, F_OFD_SETLK, F_WRLCK, 5, 1);
    get(two, F_OFD_GETLK, F_WRLCK, 0, 0);
    get(two, F_GETLK, F_WRLCK, 0, 0);
    set("posix against ofd", two, F_SETLK, F_WRLCK, 0, 1);
    close(one);
    set("ofd two", two, F_OFD_SETLK, F_WRLCK, 5, 1);
    close(dup_of_one);
    set("ofd two", two, F_OFD_SETLK, F_WRLCK, 5, 1);
    set("ofd two waits for nobody", two, F_OFD_SETLKW, F_RDLCK, 5, 1);
    int p[2];
    char c;
    pipe(p);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int mine = open("ofd", O_RDWR);
        close(p[1]);
        struct flock mark = range(F_WRLCK, 100, 10), wanted = range(F_WRLCK, 5, 1);
        fcntl(mine, F_OFD_SETLK, &mark);
        int result = fcntl(mine, F_OFD_SETLKW, &wanted);
        read(p[0], &c, 1);
        _exit(result == 0 ? 21 : 22);
    }
    close(p[0]);
    for (;;) {
        struct flock l = range(F_WRLCK, 100, 10);
        fcntl(two, F_OFD_GETLK, &l);
        if (l.l_type != F_UNLCK)
            break;
        usleep(1000);
    }
    set("ofd two lets go", two, F_OFD_SETLK, F_UNLCK, 5, 1);
    for (;;) {
        struct flock l = range(F_RDLCK, 5, 1);
        fcntl(two, F_OFD_GETLK, &l);
        if (l.l_type != F_UNLCK)
            break;
        usleep(1000);
    }
    set("ofd two after the child", two, F_OFD_SETLK, F_RDLCK, 5, 1);
    close(p[1]);
    int status;
    waitpid(child, &status, 0);
    SHOW(WEXITSTATUS(status));
    set("ofd two waits", two, F_OFD_SETLKW, F_WRLCK, 5, 1);
    set("no such range", two, F_OFD_SETLKW, F_WRLCK, -1, 1);
    struct flock l = range(F_WRLCK, 0, 1);
    l.l_pid = 1;
    SHOW(fcntl(two, F_OFD_SETLK, &l));
    close(two);
}

static void flocks(void)
{
    int one = open("fl", O_RDWR | O_CREAT, 0644), two = open("fl", O_RDONLY);
    SHOW(flock(one, LOCK_SH));
    SHOW(flock(two, LOCK_SH));
    SHOW(flock(two, LOCK_EX | LOCK_NB));
    SHOW(flock(one, LOCK_UN));
    SHOW(flock(two, LOCK_EX | LOCK_NB));
    SHOW(flock(one, LOCK_SH | LOCK_NB));
    set("posix beside flock", one, F_SETLK, F_WRLCK, 0, 0);
    IN_CHILD({
        SHOW(flock(two, LOCK_EX | LOCK_NB));
        close(two);
    });
    SHOW(flock(one, LOCK_SH | LOCK_NB));
    close(two);
    SHOW(flock(one, LOCK_SH | LOCK_NB));
    SHOW(flock(one, 0));
    SHOW(flock(one, LOCK_SH | LOCK_EX));
    SHOW(flock(99, LOCK_SH));
    close(one);
}

static void owners(void)
{
    int fd = open("fl", O_RDWR), p[2];
    pipe(p);
    SHOW(fcntl(fd, F_GETOWN));
    SHOW(fcntl(p[0], F_SETOWN, getpid()));
    HOLDS(fcntl(p[0], F_GETOWN) == getpid());
    SHOW(fcntl(p[0], F_SETOWN, -getpgrp()));
    SHOW(fcntl(p[0], F_SETOWN, 99999999));
    SHOW(fcntl(p[0], F_SETOWN, 0));
    SHOW(fcntl(p[0], F_GETOWN));
    SHOW(fcntl(p[0], F_SETSIG, SIGUSR1));
    HOLDS(fcntl(p[0], F_GETSIG) == SIGUSR1);
    SHOW(fcntl(p[0], F_SETSIG, 65));
    SHOW(fcntl(fd, F_GETLEASE));
    SHOW(fcntl(fd, F_GETPIPE_SZ));
    SHOW(fcntl(p[0], F_GETPIPE_SZ));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 5000));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 100000));
    SHOW(fcntl(fd, 9999, 0));
    SHOW(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_RDONLY));
    printf("%x\n", fcntl(fd, F_GETFL));
}

int main(void)
{
    posix_locks();
    deadlock();
    description_locks();
    flocks();
    owners();
    return 0;
}
