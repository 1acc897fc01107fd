/* Descriptors of namespaces: /proc/PID/ns, what can be asked of them, entering by them and by a process's descriptor.
 * capabilities: sys_admin
 * covers: setns
 * link: static
 */
#include "check.h"
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/vfs.h>

#define NS_GET_USERNS 0xb701
#define NS_GET_PARENT 0xb702
#define NS_GET_NSTYPE 0xb703
#define NS_GET_OWNER_UID 0xb704

static int of(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, pid ? "/proc/%d/ns/%s" : "/proc/self/ns/%2$s", pid, name);
    return open(path, O_RDONLY);
}

static void questions(void)
{
    puts("-- questions");
    int uts = of(0, "uts"), user = of(0, "user"), net = of(0, "net");
    struct stat a, b;
    struct statfs fs;
    char link[64] = "", expected[64];
    SHOW(fstat(uts, &a));
    SHOW(fstatfs(uts, &fs));
    printf("mode %o, file system %lx\n", a.st_mode, (long)fs.f_type);
    SHOW(stat("/proc/self/ns/uts", &b));
    HOLDS(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    if (readlink("/proc/self/ns/uts", link, sizeof link - 1) < 0)
        puts("no link");
    snprintf(expected, sizeof expected, "uts:[%lu]", (unsigned long)a.st_ino);
    HOLDS(strcmp(link, expected) == 0);
    SHOW(ioctl(uts, NS_GET_NSTYPE));
    SHOW(ioctl(net, NS_GET_NSTYPE));
    SHOW(ioctl(user, NS_GET_NSTYPE));
    SHOW(ioctl(uts, NS_GET_PARENT));
    SHOW(ioctl(uts, NS_GET_OWNER_UID, BAD));
    SHOW(ioctl(user, NS_GET_PARENT));
    unsigned uid = 99;
    SHOW(ioctl(user, NS_GET_OWNER_UID, &uid));
    printf("owner %u\n", uid);
    int owner = ioctl(uts, NS_GET_USERNS);
    SHOW(ioctl(owner, NS_GET_NSTYPE));
    SHOW(fcntl(owner, F_GETFD));
    fstat(owner, &a);
    fstat(user, &b);
    HOLDS(a.st_ino == b.st_ino);
    SHOW(ioctl(uts, 0xb7ff));
    SHOW(read(uts, link, 1));
    close(uts);
    close(user);
    close(net);
    close(owner);
}

static void host(const char *when)
{
    char name[65] = "";
    gethostname(name, sizeof name);
    printf("%s: %s\n", when, name);
}

static void entering(void)
{
    puts("-- entering");
    int start[2], end[2];
    SHOW(pipe(start));
    SHOW(pipe(end));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        if (unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS) != 0 || sethostname("inner", 5) != 0)
            _exit(1);
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
        if (mount("none", "/tmp", "tmpfs", 0, "") != 0 || close(open("/tmp/inside-a-namespace", O_CREAT | O_WRONLY, 0600)) != 0)
            _exit(2);
        msgget(4711, IPC_CREAT | 0600);
        if (write(start[1], "x", 1) != 1 || read(end[0], &byte, 1) != 1)
            _exit(3);
        _exit(0);
    }
    char byte;
    close(start[1]);
    SHOW(read(start[0], &byte, 1));
    int own = of(0, "uts"), other = of(child, "uts"), ipc = of(child, "ipc"), mounts = of(child, "mnt"), own_mounts = of(0, "mnt");
    if (sethostname("outer", 5) != 0)
        puts("not set");
    host("before");
    SHOW(setns(other, CLONE_NEWNET));
    SHOW(setns(-1, 0));
    SHOW(setns(start[0], 0));
    SHOW(setns(other, 0));
    host("inside");
    SHOW(setns(own, CLONE_NEWUTS));
    host("back");
    SHOW(msgget(4711, 0) >= 0);
    SHOW(access("/tmp/inside-a-namespace", F_OK));
    IN_CHILD({
        SHOW(setns(ipc, CLONE_NEWIPC));
        SHOW(msgget(4711, 0) >= 0);
        SHOW(setns(mounts, CLONE_NEWNS));
        SHOW(access("/tmp/inside-a-namespace", F_OK));
        SHOW(setns(own_mounts, CLONE_NEWNS));
        SHOW(access("/tmp/inside-a-namespace", F_OK));
    });
    int pidfd = syscall(SYS_pidfd_open, child, 0);
    SHOW(setns(pidfd, 0));
    SHOW(setns(pidfd, 1));
    SHOW(setns(pidfd, CLONE_NEWUSER));
    IN_CHILD({
        SHOW(setns(pidfd, CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS));
        host("by the process's descriptor");
        SHOW(msgget(4711, 0) >= 0);
        SHOW(access("/tmp/inside-a-namespace", F_OK));
    });
    int user = of(0, "user");
    SHOW(setns(user, 0));
    IN_CHILD({
        SHOW(setuid(65534));
        SHOW(setns(other, 0));
        SHOW(setns(mounts, 0));
    });
    SHOW(write(end[1], "x", 1));
    int status;
    waitpid(child, &status, 0);
    printf("child ended with %d\n", WEXITSTATUS(status));
    SHOW(setns(pidfd, CLONE_NEWUTS));

    /* The descriptor keeps the namespace. */
    SHOW(setns(other, 0));
    host("of a process that is gone");
    SHOW(setns(own, 0));
}

int main(void)
{
    if (unshare(CLONE_NEWUTS | CLONE_NEWNS) != 0)
        return 1;
    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    questions();
    entering();
    return 0;
}
