/* Mounts in a mount namespace of its own. Without the right to make one the program says so and does nothing.
 *
 * covers: mount umount2 pivot_root
 */
#include "check.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

/* The mount's line in mountinfo without ids and device. */
static void info(const char *place)
{
    char line[4096], where[1024], options[256], root[1024];
    FILE *f = fopen("/proc/self/mountinfo", "r");
    while (fgets(line, sizeof line, f)) {
        int used = 0;
        if (sscanf(line, "%*d %*d %*s %1023s %1023s %255s%n", root, where, options, &used) < 3)
            continue;
        const char *end = strrchr(where, '/');
        if (strcmp(end ? end : where, place) != 0)
            continue;
        int shared = strstr(line + used, "shared:") != NULL, master = strstr(line + used, "master:") != NULL;
        int unbindable = strstr(line + used, "unbindable") != NULL;
        const char *dash = strstr(line + used, " - ");
        char type[64], source[64];
        sscanf(dash, " - %63s %63s", type, source);
        end = strrchr(root, '/');
        printf("%s: root %s %s %s %s%s%s%s\n", place, end && end[1] ? end : "/", options, type, source,
            shared ? " shared" : "", master ? " slave" : "", unbindable ? " unbindable" : "");
    }
    fclose(f);
}

static void put(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0644);
    if (fd >= 0)
        close(fd);
    else
        printf("%s: %s\n", path, errname(errno));
}

int main(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        puts("no namespace of its own");
        return 0;
    }
    mkdir("mp", 0755);
    mkdir("mp2", 0755);
    put("mp/below");
    SHOW(mount("src", "mp", "tmpfs", 0, "size=64k,mode=750"));
    SHOW(access("mp/below", F_OK));
    struct stat st;
    stat("mp", &st);
    printf("%o\n", st.st_mode);
    put("mp/above");
    SHOW(rmdir("mp"));
    SHOW(rename("mp", "mpx"));
    SHOW(rename("mp/above", "above"));
    SHOW(link("mp/above", "above"));
    info("/mp");
    SHOW(mount("src", "none", "tmpfs", 0, NULL));
    SHOW(mount("src", "mp", "nosuchfs", 0, NULL));
    SHOW(mount("src", "mp/above", "tmpfs", 0, NULL));
    SHOW(mount("src", "mp", NULL, 0, NULL));
    SHOW(mount("src", "mp", "tmpfs", 0, "nonsense=1"));
    SHOW(mount(NULL, "mp", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
    info("/mp");
    put("mp/refused");
    SHOW(mkdir("mp/refused", 0755));
    SHOW(unlink("mp/above"));
    SHOW(chmod("mp/above", 0600));
    SHOW(access("mp/above", W_OK));
    struct statvfs vfs;
    statvfs("mp", &vfs);
    printf("flags %lx\n", vfs.f_flag & 0xf);
    SHOW(mount(NULL, "mp", NULL, MS_REMOUNT | MS_BIND | MS_NOATIME, NULL));
    info("/mp");
    int held = open("mp/above", O_RDWR);
    SHOW(mount(NULL, "mp", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    SHOW(umount2("mp", 0));
    close(held);
    SHOW(mount(NULL, "mp/above", NULL, MS_REMOUNT, NULL));
    SHOW(mount(NULL, "mp", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    put("mp/refused");
    SHOW(mount(NULL, "mp", NULL, MS_REMOUNT, NULL));
    put("mp/allowed");

    mkdir("mp/sub", 0755);
    SHOW(mount("inner", "mp/sub", "tmpfs", 0, NULL));
    put("mp/sub/deep");
    SHOW(mount("mp", "mp2", NULL, MS_BIND, NULL));
    SHOW(access("mp2/sub/deep", F_OK));
    SHOW(umount2("mp2", 0));
    SHOW(mount("mp", "mp2", NULL, MS_BIND | MS_REC, NULL));
    SHOW(access("mp2/sub/deep", F_OK));
    SHOW(umount2("mp2", 0));
    SHOW(umount2("mp2", MNT_DETACH));
    SHOW(access("mp2/sub", F_OK));
    SHOW(mount("mp/sub", "mp2", NULL, MS_MOVE, NULL));
    SHOW(access("mp2/deep", F_OK));
    SHOW(access("mp/sub/deep", F_OK));
    SHOW(mount("mp", "mp/sub", NULL, MS_MOVE, NULL));
    SHOW(mount("mp/sub", "mp2", NULL, MS_MOVE, NULL));
    info("/mp2");
    symlink("mp2", "link");
    SHOW(umount2("link", UMOUNT_NOFOLLOW));
    SHOW(umount2("mp2", MNT_EXPIRE));
    SHOW(umount2("mp2", MNT_EXPIRE | MNT_DETACH));
    SHOW(umount2("mp2", MNT_EXPIRE));
    SHOW(umount2("mp2", 0));
    SHOW(umount2("none", 0));
    SHOW(umount2("mp2", 0x100));

    SHOW(mount(NULL, "mp", NULL, MS_SHARED, NULL));
    mkdir("peer", 0755);
    mkdir("slave", 0755);
    SHOW(mount("mp", "peer", NULL, MS_BIND, NULL));
    SHOW(mount("mp", "slave", NULL, MS_BIND, NULL));
    SHOW(mount(NULL, "slave", NULL, MS_SLAVE, NULL));
    SHOW(mount("new", "mp/sub", "tmpfs", 0, NULL));
    put("mp/sub/seen");
    SHOW(access("peer/sub/seen", F_OK));
    SHOW(access("slave/sub/seen", F_OK));
    info("/mp");
    info("/peer");
    info("/slave");
    info("/sub");
    SHOW(umount2("slave/sub", 0));
    SHOW(access("mp/sub/seen", F_OK));
    SHOW(umount2("peer/sub", 0));
    SHOW(access("mp/sub/seen", F_OK));
    SHOW(mount(NULL, "slave", NULL, MS_UNBINDABLE, NULL));
    info("/slave");
    SHOW(mount("slave", "mp2", NULL, MS_BIND, NULL));
    SHOW(mount(NULL, "mp", NULL, MS_SHARED | MS_PRIVATE, NULL));
    SHOW(mount(NULL, "mp/allowed", NULL, MS_SHARED, NULL));
    SHOW(umount2("peer", 0));
    SHOW(umount2("slave", 0));
    SHOW(mount(NULL, "mp", NULL, MS_PRIVATE, NULL));

    put("file");
    SHOW(mount("mp/above", "file", NULL, MS_BIND, NULL));
    SHOW(mount("mp", "file", NULL, MS_BIND, NULL));
    SHOW(unlink("file"));
    SHOW(umount2("file", 0));
    SHOW(unlink("file"));

    mkdir("mp/old", 0755);
    SHOW(syscall(SYS_pivot_root, "mp2", "mp/old"));
    SHOW(syscall(SYS_pivot_root, "none", "mp/old"));
    SHOW(chdir("mp"));
    SHOW(syscall(SYS_pivot_root, ".", "none"));
    SHOW(syscall(SYS_pivot_root, ".", "old"));
    SHOW(access("/above", F_OK));
    SHOW(access("/old/proc", F_OK));
    char cwd[64];
    puts(getcwd(cwd, sizeof cwd) ? cwd : "no cwd");
    SHOW(umount2("/old", 0));
    SHOW(umount2("/old", MNT_DETACH));
    SHOW(access("/old/proc", F_OK));
    SHOW(umount2("/", 0));
    SHOW(setuid(65534));
    SHOW(mount("x", "/old", "tmpfs", 0, NULL));
    SHOW(umount2("/", 0));
    SHOW(syscall(SYS_pivot_root, "/old", "/old"));
    return 0;
}
