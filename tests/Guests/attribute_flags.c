/* The flags of the calls that ask for and change attributes, and who may not.
 * linux: 6.9
 * covers: stat fstat lstat newfstatat statx access faccessat faccessat2 chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat
 * covers: utime utimes utimensat futimesat truncate ftruncate statfs fstatfs preadv2 pwritev2 lseek syncfs
 */
#include "check.h"
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <utime.h>

#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN 0x2000
#endif
#ifndef STATX_SUBVOL
#define STATX_SUBVOL 0x8000
#endif

static struct stat st;
static struct statx sx;

static void extended(void)
{
    int fd = open("f", O_CREAT | O_RDWR, 0640);
    write(fd, "0123456789", 10);
    struct timespec times[2] = { { 1234, 5678 }, { 8765, 4321 } };
    futimens(fd, times);
    symlink("f", "l");
    static const unsigned masks[] = { STATX_TYPE, STATX_MODE, STATX_NLINK, STATX_UID, STATX_GID, STATX_ATIME, STATX_MTIME, STATX_CTIME,
        STATX_INO, STATX_SIZE, STATX_BLOCKS, STATX_BASIC_STATS, STATX_BTIME, STATX_ALL, STATX_MNT_ID, 0 };
    for (unsigned i = 0; i < sizeof masks / sizeof *masks; i++) {
        memset(&sx, 0xee, sizeof sx);
        SHOW(statx(AT_FDCWD, "f", 0, masks[i], &sx));
        printf("%x: %d\n", masks[i], (sx.stx_mask & masks[i]) == masks[i]);
    }
    fstat(fd, &st);
    statx(fd, "", AT_EMPTY_PATH, STATX_ALL | STATX_MNT_ID, &sx);
    HOLDS(sx.stx_mode == st.st_mode && sx.stx_nlink == st.st_nlink && sx.stx_uid == st.st_uid && sx.stx_gid == st.st_gid);
    HOLDS(sx.stx_ino == st.st_ino && sx.stx_size == st.st_size && sx.stx_blocks == st.st_blocks && sx.stx_blksize == st.st_blksize);
    HOLDS(sx.stx_atime.tv_sec == 1234 && sx.stx_atime.tv_nsec == 5678 && sx.stx_mtime.tv_sec == 8765 && sx.stx_mtime.tv_nsec == 4321);
    HOLDS(sx.stx_ctime.tv_sec == st.st_ctim.tv_sec && sx.stx_ctime.tv_nsec == st.st_ctim.tv_nsec);
    HOLDS(sx.stx_btime.tv_sec > 1600000000 && sx.stx_btime.tv_sec <= sx.stx_ctime.tv_sec);
    HOLDS(sx.stx_mnt_id != 0);
    unsigned long long mount = sx.stx_mnt_id;
    statx(AT_FDCWD, "/proc", 0, STATX_MNT_ID, &sx);
    HOLDS(sx.stx_mnt_id != mount && (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT));
    HOLDS(sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT);
    statx(AT_FDCWD, "/proc/self/", 0, STATX_MNT_ID, &sx);
    HOLDS(!(sx.stx_attributes & STATX_ATTR_MOUNT_ROOT));
    statx(AT_FDCWD, "/dev/null", 0, STATX_ALL, &sx);
    printf("%o %d %d\n", sx.stx_mode & S_IFMT, sx.stx_rdev_major, sx.stx_rdev_minor);
    SHOW(statx(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_ALL, &sx));
    printf("%o %d\n", sx.stx_mode & S_IFMT, (int)sx.stx_size);
    SHOW(statx(AT_FDCWD, "l", AT_STATX_SYNC_AS_STAT, STATX_ALL, &sx));
    printf("%o %d\n", sx.stx_mode & S_IFMT, (int)sx.stx_size);
    SHOW(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC, STATX_ALL, &sx));
    SHOW(statx(AT_FDCWD, "f", AT_STATX_DONT_SYNC, STATX_ALL, &sx));
    SHOW(statx(fd, NULL, AT_EMPTY_PATH, STATX_ALL, BAD));
    SHOW(statx(fd, "", 0, STATX_ALL, &sx));
    SHOW(statx(AT_FDCWD, "f/x", 0, STATX_ALL, &sx));
    SHOW(statx(AT_FDCWD, "", AT_EMPTY_PATH, STATX_ALL, &sx));
    printf("%o\n", sx.stx_mode & S_IFMT);
    SHOW(fstatat(AT_FDCWD, "l", &st, AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW));
    SHOW(fstatat(fd, "", &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
    int path = open("l", O_PATH | O_NOFOLLOW);
    SHOW(fstatat(path, "", &st, AT_EMPTY_PATH));
    printf("%o\n", st.st_mode & S_IFMT);
    SHOW(fstatat(AT_FDCWD, "f/x", &st, 0));
    SHOW(fstatat(AT_FDCWD, "f", &st, AT_SYMLINK_FOLLOW));
    SHOW(syscall(SYS_newfstatat, AT_FDCWD, "f", BAD, 0));
    SHOW(syscall(SYS_lstat, BAD, &st));
    SHOW(syscall(SYS_lstat, "f/x", &st));
    SHOW(syscall(SYS_stat, "", &st));
    close(path);
    close(fd);
}

static void changing(void)
{
    int root = geteuid() == 0, fd = open("f", O_RDWR);
    struct timespec times[2] = { { 100, 1 }, { 200, 2 } };
    SHOW(utimensat(AT_FDCWD, "l", times, AT_SYMLINK_NOFOLLOW));
    lstat("l", &st);
    printf("%ld.%ld %ld.%ld\n", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    stat("f", &st);
    printf("%ld.%ld\n", (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    SHOW(utimensat(fd, "", times, AT_EMPTY_PATH));
    fstat(fd, &st);
    printf("%ld.%ld\n", (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    SHOW(utimensat(fd, "", times, 0));
    SHOW(syscall(SYS_utimensat, fd, NULL, times, AT_SYMLINK_NOFOLLOW));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, NULL, times, 0));
    SHOW(syscall(SYS_utimensat, fd, NULL, BAD, 0));
    times[0].tv_nsec = times[1].tv_nsec = UTIME_OMIT;
    SHOW(utimensat(AT_FDCWD, "missing", times, 0));
    SHOW(utimensat(99, "f", times, 0));
    times[0].tv_nsec = UTIME_NOW, times[1].tv_nsec = UTIME_NOW;
    SHOW(utimensat(AT_FDCWD, "f", times, 0));
    stat("f", &st);
    HOLDS(st.st_mtime > 1600000000 && st.st_atime > 1600000000);
    times[0].tv_nsec = -1;
    SHOW(utimensat(AT_FDCWD, "f", times, 0));
    SHOW(syscall(SYS_futimesat, fd, NULL, NULL));
    SHOW(syscall(SYS_futimesat, AT_FDCWD, BAD, NULL));
    SHOW(syscall(SYS_utimes, BAD, NULL));
    SHOW(syscall(452, fd, "", 0604, AT_EMPTY_PATH));
    fstat(fd, &st);
    printf("%o\n", st.st_mode);
    SHOW(syscall(452, AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW));
    SHOW(syscall(452, AT_FDCWD, "f", 0640, AT_SYMLINK_NOFOLLOW));
    SHOW(syscall(452, 99, "f", 0640, 0));
    SHOW(syscall(SYS_fchmodat, AT_FDCWD, BAD, 0640));
    SHOW(syscall(SYS_fchmodat, AT_FDCWD, "f/x", 0640));
    SHOW(fchownat(AT_FDCWD, "l", geteuid(), getegid(), AT_SYMLINK_NOFOLLOW));
    SHOW(fchownat(fd, "", -1, -1, AT_EMPTY_PATH));
    SHOW(fchownat(AT_FDCWD, "missing", -1, -1, 0));
    SHOW(fchownat(AT_FDCWD, BAD, -1, -1, 0));
    SHOW(lchown(BAD, -1, -1));
    SHOW(truncate("f/x", 0));
    SHOW(truncate("f", 5));
    if (root) {
        chmod("f", 0644);
        mkdir("closed", 0700);
        close(open("closed/f", O_CREAT | O_RDWR, 0666));
        mkdir("dir", 02755);
        chown("dir", 0, 4321);
        chmod("dir", 02755);
        close(open("dir/group", O_CREAT | O_RDWR, 02755));
        stat("dir/group", &st);
        printf("%o %d\n", st.st_mode, st.st_gid);
        mkdir("dir/sub", 0755);
        stat("dir/sub", &st);
        printf("%o %d\n", st.st_mode, st.st_gid);
        close(open("theirs", O_CREAT | O_RDWR, 0644));
        chown("theirs", 1000, 1000);
        chmod("l", 0644);
        int closed = open("closed", O_RDONLY), device = open("/dev/null", O_RDWR);
        IN_CHILD(setgroups(1, (gid_t[]){ 2000 }), setgid(1000), setuid(1000), ({
            struct utimbuf when = { 1, 2 };
            struct timeval micro[2] = { { 1, 2 }, { 3, 4 } };
            struct timespec nano[2] = { { 1, UTIME_NOW }, { 1, UTIME_OMIT } };
            SHOW(chmod("f", 0600));
            SHOW(fchmod(fd, 0600));
            SHOW(syscall(SYS_fchmodat, AT_FDCWD, "f", 0600));
            SHOW(syscall(452, AT_FDCWD, "f", 0600, 0));
            SHOW(chmod("closed/f", 0600));
            SHOW(chown("f", 1000, -1));
            SHOW(chown("f", -1, 1000));
            SHOW(fchown(fd, -1, 1000));
            SHOW(lchown("l", -1, 1000));
            SHOW(fchownat(AT_FDCWD, "f", 1000, -1, 0));
            SHOW(chown("theirs", 1001, -1));
            SHOW(chown("theirs", -1, 3000));
            SHOW(chown("theirs", -1, 2000));
            SHOW(chmod("theirs", 06777));
            stat("theirs", &st);
            printf("%o %d\n", st.st_mode, st.st_gid);
            SHOW(chown("theirs", 1000, 1000));
            stat("theirs", &st);
            printf("%o %d\n", st.st_mode, st.st_gid);
            SHOW(syscall(SYS_utime, "f", &when));
            SHOW(syscall(SYS_utime, "f", NULL));
            SHOW(syscall(SYS_utimes, "f", micro));
            SHOW(syscall(SYS_utimes, "f", NULL));
            SHOW(syscall(SYS_futimesat, AT_FDCWD, "f", micro));
            SHOW(utimensat(AT_FDCWD, "f", NULL, 0));
            SHOW(utimensat(AT_FDCWD, "f", nano, 0));
            SHOW(utimensat(AT_FDCWD, "closed/f", NULL, 0));
            SHOW(truncate("f", 0));
            SHOW(truncate("closed/f", 0));
            SHOW(stat("closed/f", &st));
            SHOW(lstat("closed/f", &st));
            SHOW(fstatat(closed, "f", &st, 0));
            SHOW(statx(closed, "f", 0, STATX_ALL, &sx));
            SHOW(access("closed/f", F_OK));
            SHOW(access("f", W_OK));
            SHOW(access("f", R_OK | X_OK));
            SHOW(faccessat(closed, "f", F_OK, 0));
            struct statfs fs;
            SHOW(statfs("closed/f", &fs));
        }));
        /* by the real ids, or by the effective ones */
        chmod("f", 0600);
        IN_CHILD(setresgid(1000, 0, 0), setresuid(1000, 0, 0), ({
            SHOW(access("f", R_OK));
            SHOW(syscall(SYS_faccessat, AT_FDCWD, "f", R_OK));
            SHOW(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 0));
            SHOW(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS));
            SHOW(syscall(SYS_faccessat2, AT_FDCWD, "l", R_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW));
            SHOW(syscall(SYS_faccessat2, fd, "", W_OK, AT_EACCESS | AT_EMPTY_PATH));
            SHOW(syscall(SYS_faccessat2, fd, "", W_OK, AT_EMPTY_PATH));
        }));
        IN_CHILD(setresuid(0, 1000, 0), ({
            SHOW(access("f", R_OK | W_OK));
            SHOW(access("f", X_OK));
            SHOW(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS));
        }));
        close(closed);
        close(device);
    }
    SHOW(syscall(SYS_faccessat2, AT_FDCWD, "f", F_OK, AT_SYMLINK_FOLLOW));
    SHOW(syscall(SYS_faccessat2, AT_FDCWD, "f/x", F_OK, 0));
    SHOW(syscall(SYS_faccessat2, AT_FDCWD, BAD, F_OK, 0));
    SHOW(syscall(SYS_faccessat, AT_FDCWD, BAD, F_OK));
    SHOW(access("f/x", F_OK));
    SHOW(access("", F_OK));
    close(fd);
}

/* Where data is and where holes are; a page at a time. */
static void holes(void)
{
    int fd = open("sparse", O_CREAT | O_RDWR | O_TRUNC, 0644);
    pwrite(fd, "data", 4, 0);
    pwrite(fd, "data", 4, 1 << 20);
    fsync(fd);
    ftruncate(fd, 3 << 20);
    SHOW(lseek(fd, 0, SEEK_DATA));
    SHOW(lseek(fd, 0, SEEK_HOLE));
    SHOW(lseek(fd, 4096, SEEK_DATA));
    SHOW(lseek(fd, 4096, SEEK_HOLE));
    SHOW(lseek(fd, 5000, SEEK_HOLE));
    SHOW(lseek(fd, 1 << 20, SEEK_HOLE));
    SHOW(lseek(fd, (1 << 20) + 4096, SEEK_DATA));
    SHOW(lseek(fd, 3 << 20, SEEK_HOLE));
    SHOW(lseek(fd, (3 << 20) - 1, SEEK_HOLE));
    SHOW(lseek(fd, -1, SEEK_DATA));
    SHOW(lseek(99, 0, SEEK_SET));
    SHOW(lseek(fd, 0x7fffffffffffffff, SEEK_CUR));
    SHOW(lseek(fd, -1, SEEK_HOLE));
    fstat(fd, &st);
    printf("%ld\n", (long)st.st_blocks);
    close(fd);
}

/* The flags of the vector calls, on the file system whose answers are the same everywhere. */
static void vector_flags(void)
{
    char name[60], text[64];
    sprintf(name, "/dev/shm/vectors-%d", getpid());
    int fd = open(name, O_CREAT | O_RDWR | O_EXCL, 0600);
    struct iovec out = { "abcdef", 6 }, in = { text, sizeof text };
    SHOW(pwritev2(fd, &out, 1, 0, 0));
    SHOW(pwritev2(fd, &out, 1, 0, RWF_DSYNC));
    SHOW(pwritev2(fd, &out, 1, 0, RWF_SYNC));
    SHOW(pwritev2(fd, &out, 1, 0, RWF_HIPRI));
    SHOW(pwritev2(fd, &out, 1, 0, RWF_APPEND));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(lseek(fd, 2, SEEK_SET));
    SHOW(pwritev2(fd, &out, 1, -1, RWF_APPEND));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(preadv2(fd, &in, 1, 0, RWF_HIPRI));
    SHOW(preadv2(fd, &in, 1, 0, RWF_APPEND));
    SHOW(preadv2(fd, &in, 1, 0, RWF_DSYNC | RWF_SYNC));
    fcntl(fd, F_SETFL, O_APPEND);
    SHOW(pwritev2(fd, &out, 1, 0, 0));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(pwritev2(fd, &out, 1, 0, 0x20));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(pwritev2(fd, &out, 1, 0, 0x20 | RWF_APPEND));
    SHOW(pwritev2(fd, &out, 1, 0, 0x40000000));
    SHOW(preadv2(fd, &in, 1, 0, 0x40000000));
    SHOW(pwritev2(fd, BAD, 1, 0, 0));
    SHOW(preadv2(fd, BAD, 1, 0, 0));
    SHOW(preadv2(fd, &in, 5000, 0, 0));
    close(fd);
    unlink(name);
    int p[2];
    pipe(p);
    SHOW(preadv2(p[0], &in, 1, -1, RWF_NOWAIT));
    SHOW(pwritev2(p[1], &out, 1, -1, RWF_NOWAIT));
    SHOW(preadv2(p[0], &in, 1, -1, RWF_NOWAIT));
    SHOW(preadv2(p[0], &in, 1, 0, 0));
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    SHOW(pwritev2(p[1], &out, 1, -1, 0));
    close(p[1]);
    int path = open(".", O_PATH);
    struct statfs fs;
    SHOW(fstatfs(path, &fs));
    SHOW(syncfs(path));
    /* what a file system in memory knows nothing of */
    SHOW(statx(AT_FDCWD, "/dev/shm", 0, STATX_DIOALIGN | STATX_SUBVOL | STATX_SIZE, &sx));
    printf("%x\n", sx.stx_mask & (STATX_DIOALIGN | STATX_SUBVOL | STATX_SIZE));
    HOLDS(!(sx.stx_attributes & (STATX_ATTR_COMPRESSED | STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP | STATX_ATTR_ENCRYPTED)));
    SHOW(statfs("/dev/shm", &fs));
    printf("%lx %ld %ld\n", (long)fs.f_type, (long)fs.f_namelen, (long)fs.f_bsize);
    HOLDS(fs.f_bfree <= fs.f_blocks && fs.f_bavail <= fs.f_bfree && fs.f_frsize == 4096);
    SHOW(statfs("sparse/x", &fs));
    SHOW(statfs("", &fs));
    close(path);
}

int main(void)
{
    umask(022);
    mkdir("own", 0755);
    chdir("own");
    extended();
    changing();
    holes();
    vector_flags();
    return 0;
}
