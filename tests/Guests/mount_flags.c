/* Each flag of mount and umount2, seen in mountinfo, in statvfs and in what it does.
 * covers: mount umount2
 */
#include "check.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#ifndef MS_LAZYTIME
#define MS_LAZYTIME (1 << 25)
#endif
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

/* The options of the mount itself and of the file system. */
static void info(const char *place)
{
    char line[4096], where[1024], options[256], super[512];
    FILE *f = fopen("/proc/self/mountinfo", "r");
    while (fgets(line, sizeof line, f)) {
        int used = 0;
        if (sscanf(line, "%*d %*d %*s %*s %1023s %255s%n", where, options, &used) < 2)
            continue;
        const char *end = strrchr(where, '/');
        if (strcmp(end ? end : where, place) != 0)
            continue;
        sscanf(strstr(line + used, " - "), " - %*s %*s %511s", super);
        /* beside the generic ones each kernel shows options of its own */
        printf("  %s: %s; %.2s%s%s%s%s\n", place, options, super, strstr(super, ",sync") ? " sync" : "", strstr(super, "dirsync") ? " dirsync" : "",
            strstr(super, "lazytime") ? " lazytime" : "", strstr(super, "mand") ? " mand" : "");
    }
    fclose(f);
    struct statvfs v;
    char name[100];
    snprintf(name, sizeof name, ".%s", place);
    if (statvfs(name, &v) == 0)
        printf("  flags %lx\n", v.f_flag & ~0x1020UL);
}

static void remount(unsigned long flags, const char *what)
{
    errno = 0;
    int r = mount(NULL, "m", NULL, MS_REMOUNT | flags, NULL);
    printf("remount %s: %s\n", what, r == 0 ? "ok" : errname(errno));
    info("/m");
}

static void change(unsigned long flags, const char *what)
{
    errno = 0;
    int r = mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | flags, NULL);
    printf("change %s: %s\n", what, r == 0 ? "ok" : errname(errno));
    info("/m");
}

static long atime(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 ? s.st_atime : -errno;
}

/* Whether a read of a file, whose access time is old (or later than the modification), moves it. */
static void read_once(const char *what)
{
    char c;
    struct timespec old[2] = { { 1000, 0 }, { 2000, 0 } }, fresh[2] = { { time(NULL) - 100, 0 }, { 2000, 0 } };
    const char *names[] = { "m/file", "m/dir" };
    printf("%s:", what);
    for (int i = 0; i < 2; i++) {
        for (int later = 0; later < 2; later++) {
            char buffer[1000];
            utimensat(AT_FDCWD, names[i], later ? fresh : old, 0);
            int fd = open(names[i], O_RDONLY);
            if (i == 0)
                read(fd, &c, 1);
            else
                syscall(SYS_getdents64, fd, buffer, sizeof buffer);
            close(fd);
            printf(" %s", atime(names[i]) != (later ? fresh : old)[0].tv_sec ? "moves" : "stays");
        }
    }
    printf("\n");
}

int main(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0) {
        puts("no right to mount");
        return 0;
    }

    umask(022);
    mkdir("own", 0755);
    chdir("own");
    SHOW(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    mkdir("m", 0755);
    mkdir("n", 0755);
    static const struct { unsigned long flag; const char *name; } all[] = {
        { MS_RDONLY, "rdonly" }, { MS_NOSUID, "nosuid" }, { MS_NODEV, "nodev" }, { MS_NOEXEC, "noexec" }, { MS_SYNCHRONOUS, "synchronous" },
        { MS_DIRSYNC, "dirsync" }, { MS_NOATIME, "noatime" }, { MS_NODIRATIME, "nodiratime" }, { MS_RELATIME, "relatime" },
        { MS_STRICTATIME, "strictatime" }, { MS_LAZYTIME, "lazytime" }, { MS_MANDLOCK, "mandlock" }, { MS_SILENT, "silent" },
        { MS_NOSYMFOLLOW, "nosymfollow" }, { MS_NOATIME | MS_NODIRATIME | MS_NOSUID, "three" }, { MS_NOATIME | MS_STRICTATIME, "noatime and strictatime" },
        { MS_MGC_VAL, "magic" }, { MS_I_VERSION, "i_version" }, { MS_POSIXACL, "posixacl" } };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        errno = 0;
        int r = mount("src", "m", "tmpfs", all[i].flag, NULL);
        printf("%s: %s\n", all[i].name, r == 0 ? "ok" : errname(errno));
        info("/m");
        if (r == 0)
            SHOW(umount2("m", 0));
    }
    SHOW(mount("src", "m", "tmpfs", 0, "size=1m,mode=0750,nr_inodes=100"));
    struct stat s;
    stat("m", &s);
    printf("%o\n", s.st_mode);
    close(open("m/file", O_CREAT | O_WRONLY, 0644));
    mkdir("m/dir", 0755);
    int fd = open("m/file", O_RDWR);
    write(fd, "text", 4);
    close(fd);
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        remount(all[i].flag, all[i].name);
    remount(0, "nothing");
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        change(all[i].flag, all[i].name);
    change(0, "nothing");
    /* access times */
    read_once("relatime");
    change(MS_STRICTATIME, "strictatime");
    read_once("strictatime");
    change(MS_NOATIME, "noatime");
    read_once("noatime");
    change(MS_NODIRATIME | MS_STRICTATIME, "nodiratime");
    read_once("nodiratime");
    /* nodev, noexec, nosuid, nosymfollow */
    mknod("m/null", S_IFCHR | 0666, makedev(1, 3));
    symlink("file", "m/link");
    IN_CHILD(execl("/bin/sh", "sh", "-c", "cp /bin/true m/true; chmod 755 m/true", NULL));
    change(MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW, "nodev noexec nosymfollow");
    SHOW(open("m/null", O_RDWR));
    SHOW(execl("m/true", "true", NULL));
    SHOW(access("m/true", X_OK));
    SHOW(open("m/link", O_RDONLY));
    SHOW(readlink("m/link", (char[10]){ 0 }, 10));
    SHOW(lstat("m/link", &s));
    SHOW(chdir("m/link"));
    change(0, "nothing");
    WORKS(close(open("m/null", O_RDWR)));
    IN_CHILD(execl("m/true", "true", NULL));
    /* a read-only file system under a writable mount, and the other way round */
    remount(MS_RDONLY, "rdonly");
    SHOW(open("m/file", O_RDWR));
    SHOW(mkdir("m/x", 0755));
    change(0, "nothing");
    SHOW(open("m/file", O_RDWR));
    remount(0, "nothing");
    change(MS_RDONLY, "rdonly");
    SHOW(open("m/file", O_RDWR));
    SHOW(utimensat(AT_FDCWD, "m/file", NULL, 0));
    SHOW(truncate("m/file", 0));
    SHOW(rename("m/file", "m/file2"));
    SHOW(link("m/file", "m/file2"));
    SHOW(rmdir("m/dir"));
    SHOW(setxattr("m/file", "trusted.x", "y", 1, 0));
    SHOW(chown("m/file", 1, 1));
    change(0, "nothing");
    /* binds: one directory, a file, with what is below or without; the flags of a bind are those of its source */
    mkdir("m/sub", 0755);
    SHOW(mount("inner", "m/sub", "tmpfs", MS_NOSUID, NULL));
    SHOW(mount("m", "n", NULL, MS_BIND | MS_RDONLY, NULL));
    info("/n");
    SHOW(access("n/file", W_OK));
    SHOW(umount2("n", MNT_FORCE));
    SHOW(mount("m", "n", NULL, MS_BIND | MS_REC | MS_SILENT, NULL));
    info("/n");
    SHOW(umount2("n", 0));
    SHOW(umount2("n", MNT_FORCE));
    SHOW(umount2("n", MNT_DETACH));
    SHOW(umount2("n", 0));
    SHOW(mount("m/sub", "n", NULL, MS_MOVE, NULL));
    info("/n");
    SHOW(umount2("n", MNT_EXPIRE));
    SHOW(access("n", F_OK));
    SHOW(umount2("n", MNT_EXPIRE));
    SHOW(umount2("n", MNT_EXPIRE));
    SHOW(umount2("n", MNT_EXPIRE | MNT_FORCE));
    symlink("m", "mlink");
    SHOW(umount2("mlink", UMOUNT_NOFOLLOW));
    /* propagation, recursively */
    mkdir("m/deep", 0755);
    SHOW(mount("deep", "m/deep", "tmpfs", 0, NULL));
    SHOW(mount(NULL, "m", NULL, MS_SHARED | MS_REC, NULL));
    SHOW(mount("m", "n", NULL, MS_BIND | MS_REC, NULL));
    SHOW(mount(NULL, "n", NULL, MS_SLAVE | MS_REC | MS_SILENT, NULL));
    mkdir("m/deep/er", 0755);
    SHOW(mount("er", "m/deep/er", "tmpfs", 0, NULL));
    close(open("m/deep/er/f", O_CREAT | O_WRONLY, 0644));
    SHOW(access("n/deep/er/f", F_OK));
    SHOW(mount(NULL, "n", NULL, MS_UNBINDABLE | MS_REC, NULL));
    mkdir("o", 0755);
    SHOW(mount("n", "o", NULL, MS_BIND, NULL));
    SHOW(mount(NULL, "n", NULL, MS_PRIVATE | MS_REC, NULL));
    SHOW(mount("n", "o", NULL, MS_BIND, NULL));
    SHOW(mount(NULL, "n", NULL, MS_SHARED | MS_SLAVE, NULL));
    SHOW(mount(NULL, "n", NULL, MS_SHARED | MS_RDONLY, NULL));
    SHOW(mount(NULL, "n/file", NULL, MS_SHARED, NULL));
    SHOW(umount2("o", 0));
    SHOW(umount2("n", MNT_DETACH));
    SHOW(umount2("m", 0));
    SHOW(umount2("m", MNT_DETACH));
    /* errors */
    SHOW(mount("x", "none", "tmpfs", 0, NULL));
    SHOW(mount("x", "m", "nosuchfs", 0, NULL));
    SHOW(mount("x", BAD, "tmpfs", 0, NULL));
    SHOW(mount("x", "m", BAD, 0, NULL));
    SHOW(mount(BAD, "m", "tmpfs", 0, NULL));
    SHOW(mount("x", "m", "tmpfs", 0, BAD));
    SHOW(mount(NULL, "m", NULL, MS_BIND, NULL));
    SHOW(mount("none", "m", NULL, MS_BIND, NULL));
    SHOW(mount("m", "n", NULL, MS_MOVE, NULL));
    SHOW(mount(NULL, "m", NULL, MS_REMOUNT, NULL));
    SHOW(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND, NULL));
    SHOW(mount("x", "m", "tmpfs", 0, "size=nonsense"));
    SHOW(mount("x", "m", "tmpfs", 0, "mode=9"));
    SHOW(umount2("m", 0));
    SHOW(umount2("none", 0));
    SHOW(umount2(BAD, 0));
    SHOW(umount2("m", 0x10));
    IN_CHILD(setgid(1000), setuid(1000), ({
        SHOW(mount("x", "m", "tmpfs", 0, NULL));
        SHOW(umount2("m", 0));
        SHOW(umount2("/proc", MNT_DETACH));
    }));
    return 0;
}
