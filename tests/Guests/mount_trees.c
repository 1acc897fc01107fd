/* Mounting by descriptors, in a mount namespace of its own. Without the right to have one, all of it is refused alike.
 * covers: fsopen fsconfig fsmount fspick open_tree move_mount mount_setattr
 * link: static
 */
#include "check.h"
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#ifndef MOVE_MOUNT_BENEATH
#define MOVE_MOUNT_BENEATH 0x200
#endif

#define fsopen(...) syscall(SYS_fsopen, __VA_ARGS__)
#define fsconfig(...) syscall(SYS_fsconfig, __VA_ARGS__)
#define fsmount(...) syscall(SYS_fsmount, __VA_ARGS__)
#define fspick(...) syscall(SYS_fspick, __VA_ARGS__)
#define open_tree(...) syscall(SYS_open_tree, __VA_ARGS__)
#define move_mount(...) syscall(SYS_move_mount, __VA_ARGS__)
#define mount_setattr(...) syscall(SYS_mount_setattr, __VA_ARGS__)

static void touch(const char *path)
{
    errno = 0;
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    printf("touch %s: %s\n", path, fd < 0 ? errname(errno) : "done");
    if (fd >= 0)
        close(fd);
}

static void exists(const char *path)
{
    printf("%s: %s\n", path, access(path, F_OK) == 0 ? "there" : errname(errno));
}

static void flags(const char *path)
{
    struct statfs fs;
    statfs(path, &fs);
    printf("%s: flags %lx\n", path, (long)fs.f_flags & 0x240f);
}

static void new_file_system(void)
{
    char buffer[64];
    SHOW(fsopen("no-such", 0));
    SHOW(fsopen("tmpfs", 2));
    SHOW(fsopen(BAD, 0));
    int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
    HOLDS(fs >= 0 && fcntl(fs, F_GETFD) == FD_CLOEXEC);
    SHOW(fsconfig(fs, FSCONFIG_SET_STRING, "size", "1M", 0));
    SHOW(fsconfig(fs, FSCONFIG_SET_STRING, "mode", "711", 0));
    SHOW(fsconfig(fs, FSCONFIG_SET_STRING, "source", "mine", 0));
    SHOW(fsconfig(fs, FSCONFIG_SET_STRING, "source", "again", 0));
    SHOW(fsconfig(fs, FSCONFIG_SET_STRING, "nonsense", "1", 0));
    SHOW(fsconfig(fs, FSCONFIG_SET_FLAG, "nonsense", 0, 0));
    SHOW(fsconfig(fs, FSCONFIG_SET_FLAG, "rw", 0, 0));
    SHOW(fsconfig(fs, FSCONFIG_SET_FLAG, "rw", "x", 0));
    SHOW(fsconfig(fs, FSCONFIG_SET_STRING, "size", 0, 0));
    SHOW(fsconfig(fs, FSCONFIG_SET_FD, "nonsense", 0, 99));
    SHOW(fsconfig(fs, 99, 0, 0, 0));
    SHOW(fsconfig(-1, FSCONFIG_CMD_CREATE, 0, 0, 0));
    SHOW(fsconfig(99, FSCONFIG_CMD_CREATE, 0, 0, 0));
    SHOW(fsconfig(0, FSCONFIG_CMD_CREATE, 0, 0, 0));
    SHOW(fsmount(fs, 0, 0));
    SHOW(fsconfig(fs, FSCONFIG_CMD_CREATE, "x", 0, 0));
    SHOW(fsconfig(fs, FSCONFIG_CMD_CREATE, 0, 0, 0));
    SHOW(fsconfig(fs, FSCONFIG_CMD_CREATE, 0, 0, 0));
    SHOW(fsconfig(fs, FSCONFIG_SET_STRING, "size", "2M", 0));
    SHOW(fsmount(fs, 2, 0));
    SHOW(fsmount(fs, 0, 0x30));
    SHOW(fsmount(0, 0, 0));
    SHOW(fsmount(99, 0, 0));
    int mount = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME);
    HOLDS(mount >= 0);
    SHOW(fsmount(fs, 0, 0));
    int early = openat(mount, "early", O_CREAT | O_WRONLY, 0600);
    HOLDS(early >= 0);
    close(early);
    mkdir("at", 0755);
    SHOW(move_mount(mount, "", AT_FDCWD, "at", 0));
    SHOW(move_mount(mount, "", AT_FDCWD, "missing", MOVE_MOUNT_F_EMPTY_PATH));
    SHOW(move_mount(mount, "", AT_FDCWD, "at", 0x400));
    SHOW(move_mount(mount, "", AT_FDCWD, "at", MOVE_MOUNT_F_EMPTY_PATH));
    SHOW(move_mount(mount, "", AT_FDCWD, "at", MOVE_MOUNT_F_EMPTY_PATH));
    exists("at/early");
    flags("at");
    struct stat st;
    stat("at", &st);
    printf("mode %o\n", st.st_mode);
    close(fs);

    /* Options of one that is there. */
    SHOW(fspick(AT_FDCWD, "at", 99));
    SHOW(fspick(AT_FDCWD, "missing", 0));
    mkdir("at/below", 0755);
    SHOW(fspick(AT_FDCWD, "at/below", 0));
    int picked = fspick(mount, "", FSPICK_EMPTY_PATH);
    HOLDS(picked >= 0);
    SHOW(fsconfig(picked, FSCONFIG_CMD_CREATE, 0, 0, 0));
    SHOW(fsconfig(picked, FSCONFIG_SET_FLAG, "ro", 0, 0));
    SHOW(fsconfig(picked, FSCONFIG_CMD_RECONFIGURE, 0, 0, 0));
    touch("at/late");
    SHOW(fsconfig(picked, FSCONFIG_SET_FLAG, "rw", 0, 0));
    SHOW(fsconfig(picked, FSCONFIG_CMD_RECONFIGURE, 0, 0, 0));
    touch("at/late");
    close(picked);
    close(mount);
    exists("at/late");
}

static void trees(void)
{
    SHOW(open_tree(AT_FDCWD, "at", AT_RECURSIVE));
    SHOW(open_tree(AT_FDCWD, "at", 0x10));
    SHOW(open_tree(AT_FDCWD, "missing", OPEN_TREE_CLONE));
    mount("inner", "at/below", "tmpfs", 0, "");
    touch("at/below/deep");
    int one = open_tree(AT_FDCWD, "at", OPEN_TREE_CLONE), all = open_tree(AT_FDCWD, "at", OPEN_TREE_CLONE | AT_RECURSIVE | OPEN_TREE_CLOEXEC);
    HOLDS(one >= 0 && all >= 0);
    SHOW(faccessat(one, "late", F_OK, 0));
    SHOW(faccessat(one, "below/deep", F_OK, 0));
    SHOW(faccessat(all, "below/deep", F_OK, 0));
    SHOW(read(all, &one, 0));
    mkdir("to", 0755);
    SHOW(move_mount(all, "", AT_FDCWD, "to", MOVE_MOUNT_F_EMPTY_PATH));
    exists("to/below/deep");
    close(all);
    exists("to/below/deep");
    close(one);
    SHOW(umount2("to", 0));
    SHOW(umount2("to", MNT_DETACH));
    exists("to/below");
    int plain = open_tree(AT_FDCWD, "at", 0);
    mkdir("moved", 0755);
    SHOW(move_mount(plain, "", AT_FDCWD, "moved", MOVE_MOUNT_F_EMPTY_PATH));
    exists("moved/below/deep");
    SHOW(move_mount(AT_FDCWD, "moved", AT_FDCWD, "moved/below", 0));
    SHOW(move_mount(AT_FDCWD, "moved", AT_FDCWD, "at", 0));
    exists("at/below/deep");
    close(plain);
}

static void beneath(void)
{
    mount("top", "to", "tmpfs", 0, "");
    touch("to/top");
    int tree = open_tree(AT_FDCWD, "at", OPEN_TREE_CLONE);
    SHOW(move_mount(tree, "", AT_FDCWD, "moved", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_BENEATH));
    SHOW(move_mount(tree, "", AT_FDCWD, "to", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_BENEATH));
    exists("to/top");
    SHOW(umount2("to", 0));
    exists("to/late");
    close(tree);
    SHOW(umount2("to", 0));
    exists("to/late");
}

static void attributes(void)
{
    struct mount_attr a = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC};
    char longer[40] = {0};
    SHOW(mount_setattr(AT_FDCWD, "at", 0, &a, sizeof a));
    flags("at");
    touch("at/x");
    touch("at/below/x");
    SHOW(mount_setattr(AT_FDCWD, "at", AT_RECURSIVE, &a, sizeof a));
    touch("at/below/x");
    a = (struct mount_attr){.attr_clr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC | MOUNT_ATTR__ATIME, .attr_set = MOUNT_ATTR_NODIRATIME};
    SHOW(mount_setattr(AT_FDCWD, "at", AT_RECURSIVE, &a, sizeof a));
    flags("at");
    touch("at/below/x");
    a = (struct mount_attr){.attr_set = MOUNT_ATTR_NOATIME};
    SHOW(mount_setattr(AT_FDCWD, "at", 0, &a, sizeof a));
    a = (struct mount_attr){.attr_clr = MOUNT_ATTR_NOATIME};
    SHOW(mount_setattr(AT_FDCWD, "at", 0, &a, sizeof a));
    a = (struct mount_attr){.attr_set = 1ul << 40};
    SHOW(mount_setattr(AT_FDCWD, "at", 0, &a, sizeof a));
    a = (struct mount_attr){.propagation = MS_SHARED | MS_PRIVATE};
    SHOW(mount_setattr(AT_FDCWD, "at", 0, &a, sizeof a));
    a = (struct mount_attr){0};
    SHOW(mount_setattr(AT_FDCWD, "at", 0, &a, sizeof a));
    SHOW(mount_setattr(AT_FDCWD, "at", 0, &a, 16));
    SHOW(mount_setattr(AT_FDCWD, "at", 0, &a, 8192));
    SHOW(mount_setattr(AT_FDCWD, "at", 0, BAD, sizeof a));
    SHOW(mount_setattr(AT_FDCWD, "at", 2, &a, sizeof a));
    a = (struct mount_attr){.propagation = MS_PRIVATE};
    memcpy(longer, &a, sizeof a);
    SHOW(mount_setattr(AT_FDCWD, "at", 0, longer, sizeof longer));
    longer[39] = 1;
    SHOW(mount_setattr(AT_FDCWD, "at", 0, longer, sizeof longer));
    SHOW(mount_setattr(AT_FDCWD, "missing", 0, &a, sizeof a));
    SHOW(mount_setattr(AT_FDCWD, "at/early", 0, &a, sizeof a));
}

int main(void)
{
    setvbuf(stdout, 0, _IOLBF, 0);
    if (unshare(CLONE_NEWNS) < 0) {
        SHOW(fsopen("tmpfs", 0));
        SHOW(fspick(AT_FDCWD, "/", 0));
        SHOW(open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE));
        return 0;
    }
    mount(0, "/", 0, MS_REC | MS_PRIVATE, 0);
    mkdir("base", 0755);
    mount("base", "base", "tmpfs", 0, "");
    chdir("base");
    new_file_system();
    trees();
    beneath();
    attributes();
    chdir("..");
    umount2("base", MNT_DETACH);
    return 0;
}
