/* Changing who a process is, and what that does to its capabilities.
 * covers: setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid getresuid getresgid getgroups setgroups
 * covers: capget capset setpgid getpgid getsid setsid getpgrp
 */
#include "check.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT 47
#endif

static struct __user_cap_data_struct data[2];

static void caps(void)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    syscall(SYS_capget, &header, data);
    printf("effective %d permitted %d inheritable %x keeps %d\n", !!(data[0].effective & (1 << CAP_SETUID)), !!(data[0].permitted & (1 << CAP_SETUID)),
        data[0].inheritable, prctl(PR_GET_KEEPCAPS));
}

static void ids(void)
{
    uid_t r, e, s;
    gid_t rg, eg, sg;
    getresuid(&r, &e, &s);
    getresgid(&rg, &eg, &sg);
    printf("%d %d %d %d, %d %d %d %d\n", r, e, s, setfsuid(-1), rg, eg, sg, setfsgid(-1));
}

static int owner_of_new(void)
{
    struct stat st;
    int fd = open("public/f", O_CREAT | O_EXCL | O_WRONLY, 0600);
    if (fd < 0)
        return -errno;
    fstat(fd, &st);
    close(fd);
    unlink("public/f");
    return st.st_uid * 10000 + st.st_gid;
}

static void as_root(void)
{
    mkdir("public", 0777);
    chmod("public", 0777);
    IN_CHILD({
        SHOW(syscall(SYS_setresuid, -1, 1000, -1));
        caps();
        SHOW(syscall(SYS_setresuid, -1, 0, -1));
        caps();
        SHOW(syscall(SYS_setresuid, 1000, 1000, 0));
        caps();
        SHOW(syscall(SYS_setresuid, -1, 0, -1));
        caps();
        SHOW(syscall(SYS_setuid, 1000));
        ids();
        caps();
        SHOW(syscall(SYS_setuid, 0));
        SHOW(syscall(SYS_setresuid, 0, -1, -1));
        SHOW(syscall(SYS_setresgid, -1, -1, 5));
        SHOW(syscall(SYS_setreuid, -1, 5));
        SHOW(syscall(SYS_setregid, 5, -1));
        SHOW(syscall(SYS_setgroups, 0, NULL));
    });
    IN_CHILD({
        SHOW(prctl(PR_SET_KEEPCAPS, 1));
        SHOW(syscall(SYS_setuid, 1000));
        caps();
    });
    IN_CHILD({
        SHOW(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP));
        SHOW(prctl(PR_GET_SECUREBITS));
        SHOW(syscall(SYS_setresuid, 1000, 1000, 1000));
        caps();
        SHOW(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED));
        SHOW(prctl(PR_SET_SECUREBITS, 0));
        SHOW(prctl(PR_SET_SECUREBITS, 1 << 20));
    });
    IN_CHILD({
        SHOW(syscall(SYS_setreuid, 100, 200));
        ids();
        SHOW(syscall(SYS_setreuid, 200, 100));
        ids();
        SHOW(syscall(SYS_setreuid, -1, 300));
        SHOW(syscall(SYS_setreuid, 300, -1));
    });
    IN_CHILD({
        SHOW(syscall(SYS_setregid, 100, 200));
        ids();
        SHOW(syscall(SYS_setregid, -1, 300));
        ids();
        SHOW(syscall(SYS_setgid, 400));
        ids();
        SHOW(syscall(SYS_setresgid, 1, 2, 3));
        ids();
        SHOW(syscall(SYS_setresgid, -1, -1, -1));
        SHOW(syscall(SYS_setresuid, 1, 2, 3));
        ids();
        SHOW(syscall(SYS_setgid, 3));
        SHOW(syscall(SYS_setregid, 3, 1));
        SHOW(syscall(SYS_setresgid, 3, 3, 3));
        SHOW(syscall(SYS_setgid, 400));
        SHOW(syscall(SYS_setresuid, 3, 3, 1));
        SHOW(syscall(SYS_setresuid, 3, 2, 1));
        ids();
    });

    /* The file system's ids: who a new file belongs to, and the capabilities over files. */
    IN_CHILD({
        SHOW(setfsuid(1000));
        SHOW(setfsgid(1001));
        SHOW(owner_of_new());
        SHOW(setfsuid(0));
        SHOW(setfsgid(0));
        SHOW(owner_of_new());
        SHOW(syscall(SYS_setresuid, 1000, 1000, 1000));
        SHOW(setfsuid(2000));
        SHOW(setfsuid(-1));
        SHOW(setfsgid(2000));
        SHOW(setfsgid(-1));
        SHOW(setfsuid(1000));
    });
    IN_CHILD({
        gid_t list[4] = { 7, 5, 7, 6 };
        gid_t back[4];
        SHOW(setgroups(4, list));
        SHOW(syscall(SYS_getgroups, 4, back));
        printf("%d %d %d %d\n", back[0], back[1], back[2], back[3]);
        SHOW(syscall(SYS_getgroups, 3, back));
        SHOW(syscall(SYS_getgroups, 4, BAD));
        SHOW(syscall(SYS_getgroups, -1, back));
        SHOW(setgroups(0, NULL));
        SHOW(syscall(SYS_getgroups, 0, NULL));
        SHOW(syscall(SYS_setgroups, -1, list));
        SHOW(syscall(SYS_setgroups, 65537, list));
        SHOW(syscall(SYS_setgroups, 1, BAD));
    });
}

static void capabilities(void)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_1, 0 };
    struct __user_cap_data_struct two[2];
    memset(two, 0x55, sizeof two);
    SHOW(syscall(SYS_capget, &header, two));
    HOLDS(two[1].effective == 0x55555555);
    header.version = _LINUX_CAPABILITY_VERSION_2;
    SHOW(syscall(SYS_capget, &header, two));
    HOLDS(two[1].effective != 0x55555555);
    header.version = 0;
    SHOW(syscall(SYS_capget, &header, NULL));
    printf("%x\n", header.version);
    header.version = 0;
    SHOW(syscall(SYS_capget, &header, two));
    header.pid = getppid();
    SHOW(syscall(SYS_capget, &header, two));
    SHOW(syscall(SYS_capset, &header, two));
    header.pid = 1 << 30;
    SHOW(syscall(SYS_capget, &header, two));
    header.pid = getpid();
    SHOW(syscall(SYS_capget, &header, two));
    SHOW(syscall(SYS_capset, &header, two));
    SHOW(syscall(SYS_capset, &header, BAD));
    SHOW(syscall(SYS_capset, BAD, two));
    IN_CHILD({
        /* Inheritable beyond permitted needs the bounding set; what was given up does not come back. */
        header.pid = 0;
        two[0].inheritable = 1 << CAP_KILL;
        SHOW(syscall(SYS_capset, &header, two));
        SHOW(prctl(PR_CAP_AMBIENT, 2, CAP_KILL, 0, 0));
        SHOW(prctl(PR_CAP_AMBIENT, 1, CAP_KILL, 0, 0));
        SHOW(prctl(PR_CAP_AMBIENT, 2, CAP_CHOWN, 0, 0));
        SHOW(prctl(PR_CAPBSET_READ, CAP_CHOWN));
        SHOW(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
        SHOW(prctl(PR_CAPBSET_READ, CAP_CHOWN));
        SHOW(prctl(PR_CAPBSET_DROP, 99));
        two[0].inheritable = 1 << CAP_CHOWN;
        SHOW(syscall(SYS_capset, &header, two));
        two[0].inheritable = 0;
        SHOW(syscall(SYS_capset, &header, two));
        SHOW(prctl(PR_CAP_AMBIENT, 1, CAP_KILL, 0, 0));
        two[0].effective &= ~(1 << CAP_SETUID);
        SHOW(syscall(SYS_capset, &header, two));
        SHOW(syscall(SYS_setuid, 1234) == 0 ? (int)getuid() : -1);
        two[0].effective |= 1 << CAP_SETUID;
        SHOW(syscall(SYS_capset, &header, two));
        two[0].permitted = two[0].effective = two[1].permitted = two[1].effective = 0;
        SHOW(syscall(SYS_capset, &header, two));
        two[0].permitted = 1;
        SHOW(syscall(SYS_capset, &header, two));
        SHOW(prctl(PR_CAPBSET_DROP, CAP_KILL));
    });
}

static void groups_of_processes(void)
{
    int ready[2], go[2];
    char c;
    pipe(ready);
    pipe(go);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        write(ready[1], "r", 1);
        read(go[0], &c, 1);
        SHOW(getpgrp() == getpid());
        fflush(stdout);
        char *arguments[] = { "sleep", "100", NULL };
        /* Told by the pipe's end, which exec closes. */
        fcntl(ready[1], F_SETFD, FD_CLOEXEC);
        execv("/bin/sleep", arguments);
        _exit(9);
    }
    close(ready[1]);
    read(ready[0], &c, 1);
    SHOW(setpgid(child, child));
    HOLDS(getpgid(child) == child);
    SHOW(setpgid(child, getpgrp()));
    SHOW(setpgid(child, 0));
    SHOW(setpgid(child, 1 << 30));
    SHOW(setpgid(child, -1));
    SHOW(setpgid(1, 1));
    SHOW(setpgid(-1, 0));
    write(go[1], "g", 1);
    SHOW(read(ready[0], &c, 1));
    SHOW(setpgid(child, child));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    IN_CHILD({
        pid_t own = setsid();
        HOLDS(own == getpid() && getsid(0) == own && getpgid(0) == own && getsid(getppid()) != own);
        SHOW(setsid());
        SHOW(setpgid(0, 0));
        SHOW(setpgid(0, getpgid(getppid())));
        fflush(stdout);
        pid_t inner = fork();
        if (inner == 0) {
            SHOW(setpgid(0, 0));
            SHOW(getsid(0) == getppid());
            SHOW(setsid());
            SHOW(setpgid(0, getppid()));
            fflush(stdout);
            _exit(0);
        }
        waitpid(inner, NULL, 0);
        SHOW(getpgid(-1));
        SHOW(getsid(-1));
    });
}

int main(void)
{
    umask(022);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (geteuid() == 0) {
        as_root();
        capabilities();
    }
    groups_of_processes();
    return 0;
}
