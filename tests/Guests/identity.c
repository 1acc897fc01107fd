/* Who a process is: users, groups, capabilities, process groups, sessions.
 * covers: getuid geteuid getgid getegid setuid setgid setreuid setregid setresuid setresgid getresuid getresgid
 * covers: setfsuid setfsgid getgroups setgroups capget capset getpid getppid gettid getpgid setpgid getpgrp getsid setsid
 */
#include "check.h"
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>

static void users(void)
{
    uid_t r, e, s;
    gid_t rg, eg, sg;
    HOLDS(getuid() == syscall(SYS_getuid) && geteuid() == syscall(SYS_geteuid));
    HOLDS(getgid() == syscall(SYS_getgid) && getegid() == syscall(SYS_getegid));
    SHOW(getresuid(&r, &e, &s));
    HOLDS(r == getuid() && e == geteuid() && s == e);
    SHOW(getresgid(&rg, &eg, &sg));
    HOLDS(rg == getgid() && eg == getegid() && sg == eg);
    SHOW(syscall(SYS_getresuid, BAD, &e, &s));
    SHOW(syscall(SYS_getresuid, &r, BAD, &s));
    SHOW(syscall(SYS_getresgid, BAD, &e, &s));
    SHOW(syscall(SYS_getresgid, &r, &e, BAD));
    SHOW(syscall(SYS_setresuid, -1, -1, -1));
    SHOW(syscall(SYS_setresgid, -1, -1, -1));
    SHOW(syscall(SYS_setreuid, -1, -1));
    SHOW(syscall(SYS_setregid, -1, -1));
    SHOW(syscall(SYS_setuid, -1));
    SHOW(syscall(SYS_setgid, -1));
    HOLDS(setfsuid(-1) == geteuid());
    HOLDS(setfsgid(-1) == getegid());
}

static void ids(void)
{
    uid_t r, e, s;
    printf("%d %d\n", getuid(), geteuid());
    getresuid(&r, &e, &s);
    printf("%d %d %d\n", r, e, s);
}

static void as_root(void)
{
    mkdir("public", 0777);
    chmod("public", 0777);
    IN_CHILD({
        SHOW(syscall(SYS_setresuid, 1000, 2000, 3000));
        ids();
        SHOW(syscall(SYS_setresuid, 3000, 1000, -1));
        ids();
        SHOW(syscall(SYS_setresuid, 0, -1, -1));
        SHOW(syscall(SYS_setresuid, -1, -1, 4));
        SHOW(syscall(SYS_setuid, 5));
        SHOW(syscall(SYS_setuid, 3000));
        ids();
        SHOW(syscall(SYS_setreuid, 9, -1));
        SHOW(syscall(SYS_setreuid, -1, 3000));
        SHOW(syscall(SYS_setgid, 5));
        SHOW(syscall(SYS_setgroups, 0, NULL));
        SHOW(syscall(SYS_setregid, 5, -1));
        SHOW(syscall(SYS_setresgid, 5, -1, -1));
    });
    IN_CHILD({
        SHOW(syscall(SYS_setuid, 1000));
        ids();
        SHOW(syscall(SYS_setuid, 0));
        SHOW(open("/etc/shadow", O_RDONLY) == -1);
    });
    IN_CHILD({
        SHOW(syscall(SYS_setreuid, -1, 1000));
        ids();
        SHOW(syscall(SYS_setreuid, 1000, 0));
        ids();
    });
    IN_CHILD({
        gid_t r; gid_t e; gid_t s;
        SHOW(syscall(SYS_setresgid, 1000, 2000, 3000));
        getresgid(&r, &e, &s);
        printf("%d %d %d\n", r, e, s);
        SHOW(syscall(SYS_setregid, 7, 8));
        getresgid(&r, &e, &s);
        printf("%d %d %d\n", r, e, s);
        SHOW(syscall(SYS_setgid, 9));
        getresgid(&r, &e, &s);
        printf("%d %d %d\n", r, e, s);
    });
    IN_CHILD({
        gid_t list[3] = { 30, 10, 20 };
        gid_t back[3];
        SHOW(syscall(SYS_setgroups, 3, list));
        SHOW(syscall(SYS_getgroups, 0, NULL));
        SHOW(syscall(SYS_getgroups, 2, back));
        SHOW(syscall(SYS_getgroups, 3, back));
        printf("%d %d %d\n", back[0], back[1], back[2]);
        SHOW(syscall(SYS_setgroups, 70000, list));
        SHOW(syscall(SYS_setgroups, 1, BAD));
    });
    IN_CHILD({
        SHOW(setfsuid(1000));
        SHOW(setfsuid(-1));
        SHOW(setfsgid(1000));
        SHOW(setfsgid(-1));
        int fd = open("public/owned", O_CREAT | O_WRONLY, 0644);
        struct stat st;
        printf("open %d %s\n", fd >= 0, fd >= 0 ? "" : errname(errno));
        if (fstat(fd, &st) == 0)
            printf("%d %d\n", st.st_uid, st.st_gid);
    });
}

static void groups(void)
{
    gid_t list[64];
    SHOW(syscall(SYS_getgroups, -1, list));
    HOLDS(syscall(SYS_getgroups, 64, list) >= 0);
    if (syscall(SYS_getgroups, 0, NULL) > 0)
        SHOW(syscall(SYS_getgroups, 64, BAD));
}

static void capabilities(void)
{
    struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct data[2];
    SHOW(syscall(SYS_capget, &header, data));
    HOLDS((data[0].effective & ~data[0].permitted) == 0);
    SHOW(syscall(SYS_capset, &header, data));
    SHOW(syscall(SYS_capget, BAD, data));
    SHOW(syscall(SYS_capget, &header, BAD));
    header.version = 1;
    SHOW(syscall(SYS_capget, &header, data));
    printf("%x\n", header.version);
    header.version = 1;
    SHOW(syscall(SYS_capset, &header, data));
    header.version = _LINUX_CAPABILITY_VERSION_3;
    header.pid = 99999999;
    SHOW(syscall(SYS_capget, &header, data));
    header.pid = -1;
    SHOW(syscall(SYS_capget, &header, data));
    header.pid = 0;
    IN_CHILD({
        struct __user_cap_data_struct none[2];
        memset(none, 0, sizeof none);
        SHOW(syscall(SYS_capset, &header, none));
        none[0].effective = 1;
        SHOW(syscall(SYS_capset, &header, none));
        none[0].permitted = 1;
        SHOW(syscall(SYS_capset, &header, none));
        header.pid = 1;
        SHOW(syscall(SYS_capset, &header, none));
        SHOW(syscall(SYS_setgroups, 0, NULL));
    });
}

static void processes(void)
{
    HOLDS(getpid() == syscall(SYS_gettid));
    pid_t parent = getpid();
    IN_CHILD({
        HOLDS(getppid() == parent && getpid() != parent);
        HOLDS(getpgrp() == getpgid(parent) && getpgid(0) == getpgrp());
        SHOW(setpgid(0, 0));
        HOLDS(getpgrp() == getpid());
        SHOW(setsid());
        SHOW(getpgid(99999999));
        SHOW(getsid(99999999));
        SHOW(setpgid(99999999, 0));
        SHOW(setpgid(0, -1));
        SHOW(setpgid(parent, 0));
    });
    IN_CHILD({
        HOLDS(setsid() == getpid());
        HOLDS(getsid(0) == getpid() && getpgrp() == getpid());
        HOLDS(getsid(parent) != getpid());
        SHOW(setsid());
        SHOW(setpgid(0, 0));
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            SHOW(setpgid(0, 0));
            SHOW(setpgid(0, 99999999));
            HOLDS(getsid(0) == getppid());
            fflush(stdout);
            _exit(0);
        }
        int status;
        waitpid(child, &status, 0);
    });
}

int main(void)
{
    umask(022);
    users();
    if (geteuid() == 0)
        as_root();
    groups();
    capabilities();
    processes();
    return 0;
}
