/* What files are: stat and its kin, modes, owners, times, access, file systems.
 * covers: stat fstat lstat newfstatat statx chmod fchmod fchmodat chown fchown lchown fchownat access faccessat faccessat2
 * covers: utime utimes utimensat futimesat statfs fstatfs truncate ftruncate fsync fdatasync sync syncfs
 * link: static dynamic
 */
#include "check.h"
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <utime.h>

static struct stat st;
static struct statx sx;

static void print_stat(void)
{
    printf("mode %o nlink %ld size %ld\n", st.st_mode, (long)st.st_nlink, (long)st.st_size);
}

static void print_times(const char *path)
{
    lstat(path, &st);
    printf("%s: %ld.%09ld %ld.%09ld\n", path, (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void stats(void)
{
    int fd = open("f", O_CREAT | O_RDWR, 0640);
    write(fd, "hello", 5);
    symlink("f", "l");
    mkdir("d", 0755);
    SHOW(stat("f", &st));
    print_stat();
    SHOW(stat("l", &st));
    print_stat();
    SHOW(lstat("l", &st));
    printf("%o %ld\n", st.st_mode & S_IFMT, (long)st.st_size);
    SHOW(fstat(fd, &st));
    print_stat();
    SHOW(stat("missing", &st));
    SHOW(stat("f/", &st));
    SHOW(stat(BAD, &st));
    SHOW(syscall(SYS_stat, "f", BAD));
    SHOW(syscall(SYS_lstat, "missing", &st));
    SHOW(syscall(SYS_lstat, "f", BAD));
    SHOW(syscall(SYS_fstat, 99, &st));
    SHOW(syscall(SYS_fstat, fd, BAD));
    SHOW(fstatat(AT_FDCWD, "l", &st, AT_SYMLINK_NOFOLLOW));
    HOLDS(S_ISLNK(st.st_mode));
    SHOW(fstatat(fd, "", &st, AT_EMPTY_PATH));
    print_stat();
    SHOW(fstatat(fd, "", &st, 0));
    SHOW(fstatat(fd, "x", &st, 0));
    SHOW(fstatat(99, "f", &st, 0));
    SHOW(fstatat(AT_FDCWD, "f", &st, 0x8000000));
    SHOW(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
    HOLDS(S_ISDIR(st.st_mode));
    SHOW(fstatat(AT_FDCWD, "f", &st, AT_NO_AUTOMOUNT));
    SHOW(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx));
    printf("%o %d %ld %x\n", sx.stx_mode, sx.stx_nlink, (long)sx.stx_size, sx.stx_mask & STATX_BASIC_STATS);
    SHOW(statx(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &sx));
    printf("%o\n", sx.stx_mode & S_IFMT);
    SHOW(statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_SIZE, &sx));
    SHOW(statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_SIZE, &sx));
    SHOW(statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_SIZE, &sx));
    SHOW(statx(AT_FDCWD, "f", 0, 0x80000000, &sx));
    SHOW(statx(AT_FDCWD, "f", 0x8000000, STATX_SIZE, &sx));
    SHOW(statx(AT_FDCWD, "missing", 0, STATX_SIZE, &sx));
    SHOW(statx(99, "f", 0, STATX_SIZE, &sx));
    SHOW(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_SIZE, BAD));
    SHOW(stat("/dev/null", &st));
    printf("%o %x\n", st.st_mode, (int)st.st_rdev);
}

static void modes(void)
{
    SHOW(chmod("f", 04755));
    stat("f", &st);
    print_stat();
    SHOW(chmod("l", 0600));
    stat("f", &st);
    print_stat();
    SHOW(chmod("missing", 0600));
    SHOW(chmod(BAD, 0600));
    int fd = open("f", O_RDONLY);
    SHOW(fchmod(fd, 0177777));
    fstat(fd, &st);
    print_stat();
    SHOW(fchmod(99, 0600));
    int path = open("f", O_PATH);
    SHOW(fchmod(path, 0600));
    SHOW(fchmodat(AT_FDCWD, "f", 0644, 0));
    SHOW(fchmodat(99, "f", 0644, 0));
    SHOW(fchmodat(AT_FDCWD, "missing", 0644, 0));
    int dir = open(".", O_RDONLY);
    SHOW(fchmodat(dir, "d", 01777, 0));
    stat("d", &st);
    printf("%o\n", st.st_mode);
    chmod("d", 0755);
}

static void owners(void)
{
    uid_t me = geteuid();
    gid_t group = getegid();
    int fd = open("f", O_RDONLY);
    chmod("f", 06755);
    SHOW(chown("f", -1, -1));
    stat("f", &st);
    HOLDS(st.st_uid == me && st.st_gid == group);
    SHOW(chown("f", me, group));
    SHOW(chown("missing", me, group));
    SHOW(chown(BAD, me, group));
    SHOW(fchown(fd, -1, group));
    SHOW(fchown(99, -1, group));
    int path = open("f", O_PATH);
    SHOW(fchown(path, -1, group));
    SHOW(lchown("l", me, -1));
    SHOW(lchown("missing", me, -1));
    SHOW(fchownat(AT_FDCWD, "l", me, group, AT_SYMLINK_NOFOLLOW));
    SHOW(fchownat(fd, "", me, group, AT_EMPTY_PATH));
    SHOW(fchownat(99, "f", me, group, 0));
    SHOW(fchownat(AT_FDCWD, "f", me, group, 0x8000000));
    if (me == 0) {
        chmod("f", 06755);
        chown("f", 1234, 4321);
        stat("f", &st);
        printf("%d %d %o\n", st.st_uid, st.st_gid, st.st_mode);
        chmod("f", 06745);
        chown("f", 0, 0);
        stat("f", &st);
        printf("%o\n", st.st_mode);
    }
}

static void accesses(void)
{
    chmod("f", 0644);
    SHOW(access("f", F_OK));
    SHOW(access("f", R_OK | W_OK));
    SHOW(access("f", X_OK));
    SHOW(access("missing", F_OK));
    SHOW(access("f", 8));
    SHOW(access(BAD, F_OK));
    SHOW(access("d", X_OK));
    SHOW(faccessat(AT_FDCWD, "f", R_OK, 0));
    SHOW(faccessat(99, "f", R_OK, 0));
    SHOW(syscall(SYS_faccessat, AT_FDCWD, "missing", R_OK));
    SHOW(syscall(SYS_faccessat, AT_FDCWD, "f", 8));
    SHOW(syscall(SYS_faccessat2, AT_FDCWD, "f", W_OK, AT_EACCESS));
    SHOW(syscall(SYS_faccessat2, AT_FDCWD, "l", F_OK, AT_SYMLINK_NOFOLLOW));
    int fd = open("f", O_RDONLY);
    SHOW(syscall(SYS_faccessat2, fd, "", R_OK, AT_EMPTY_PATH));
    SHOW(syscall(SYS_faccessat2, fd, "", R_OK, 0));
    SHOW(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 1));
    SHOW(syscall(SYS_faccessat2, 99, "f", R_OK, 0));
}

static void times_(void)
{
    struct utimbuf old = { 1000, 2000 };
    SHOW(syscall(SYS_utime, "f", &old));
    print_times("f");
    SHOW(syscall(SYS_utime, "missing", &old));
    SHOW(syscall(SYS_utime, BAD, &old));
    SHOW(syscall(SYS_utime, "f", BAD));
    struct timeval micro[2] = { { 3000, 500000 }, { 4000, 999999 } };
    SHOW(utimes("f", micro));
    print_times("f");
    micro[0].tv_usec = 1000000;
    SHOW(syscall(SYS_utimes, "f", micro));
    SHOW(utimes("missing", NULL));
    SHOW(syscall(SYS_utimes, "f", BAD));
    micro[0].tv_usec = 1;
    SHOW(syscall(SYS_futimesat, AT_FDCWD, "f", micro));
    print_times("f");
    SHOW(syscall(SYS_futimesat, 99, "f", micro));
    SHOW(syscall(SYS_futimesat, AT_FDCWD, "missing", micro));
    struct timespec nano[2] = { { 5000, 123456789 }, { 6000, 987654321 } };
    SHOW(utimensat(AT_FDCWD, "f", nano, 0));
    print_times("f");
    nano[0].tv_nsec = UTIME_OMIT;
    nano[1].tv_sec = -5;
    nano[1].tv_nsec = 0;
    SHOW(utimensat(AT_FDCWD, "f", nano, 0));
    print_times("f");
    nano[0].tv_nsec = UTIME_NOW;
    nano[1].tv_nsec = UTIME_OMIT;
    SHOW(utimensat(AT_FDCWD, "f", nano, 0));
    stat("f", &st);
    HOLDS(st.st_atime > 1600000000 && st.st_mtime == -5);
    nano[0].tv_nsec = UTIME_OMIT;
    SHOW(utimensat(AT_FDCWD, "missing", nano, 0));
    nano[0].tv_nsec = 1000000000;
    SHOW(utimensat(AT_FDCWD, "f", nano, 0));
    nano[0].tv_nsec = nano[1].tv_nsec = 7;
    nano[0].tv_sec = nano[1].tv_sec = 7000;
    SHOW(utimensat(AT_FDCWD, "l", nano, AT_SYMLINK_NOFOLLOW));
    lstat("l", &st);
    printf("%ld\n", (long)st.st_mtime);
    int fd = open("f", O_RDONLY);
    SHOW(futimens(fd, nano));
    print_times("f");
    SHOW(syscall(SYS_utimensat, 99, NULL, nano, 0));
    SHOW(utimensat(99, "f", nano, 0));
    SHOW(utimensat(AT_FDCWD, "f", nano, 0x8000000));
    SHOW(utimensat(AT_FDCWD, "missing", NULL, 0));
}

static void sizes(void)
{
    int fd = open("s", O_CREAT | O_RDWR, 0644);
    SHOW(ftruncate(fd, 10000));
    fstat(fd, &st);
    print_stat();
    char c = 'x';
    SHOW(pread(fd, &c, 1, 9999));
    printf("%d\n", c);
    write(fd, "abcdef", 6);
    SHOW(truncate("s", 3));
    SHOW(truncate("s", 6));
    char six[6];
    pread(fd, six, 6, 0);
    printf("%.3s %d %d %d\n", six, six[3], six[4], six[5]);
    SHOW(truncate("s", -1));
    SHOW(truncate("missing", 0));
    SHOW(truncate("d", 0));
    SHOW(truncate(BAD, 0));
    SHOW(ftruncate(fd, -1));
    SHOW(ftruncate(99, 0));
    int read_only = open("s", O_RDONLY);
    SHOW(ftruncate(read_only, 0));
    SHOW(fsync(fd));
    SHOW(fsync(99));
    SHOW(fdatasync(fd));
    SHOW(fdatasync(99));
    int p[2];
    pipe(p);
    SHOW(fsync(p[0]));
    SHOW(fdatasync(p[0]));
    SHOW(ftruncate(p[1], 0));
    SHOW(syscall(SYS_sync));
    SHOW(syncfs(fd));
    SHOW(syncfs(99));
}

static void file_systems(void)
{
    struct statfs fs;
    SHOW(statfs("/proc", &fs));
    printf("%lx %ld\n", (long)fs.f_type, (long)fs.f_namelen);
    SHOW(statfs("missing", &fs));
    SHOW(statfs(BAD, &fs));
    SHOW(statfs("/proc", BAD));
    int fd = open("/proc/self", O_RDONLY);
    SHOW(fstatfs(fd, &fs));
    printf("%lx\n", (long)fs.f_type);
    SHOW(fstatfs(99, &fs));
    SHOW(fstatfs(fd, BAD));
    int p[2];
    pipe(p);
    SHOW(fstatfs(p[0], &fs));
    printf("%lx\n", (long)fs.f_type);
}

int main(void)
{
    umask(022);
    stats();
    modes();
    owners();
    accesses();
    times_();
    sizes();
    file_systems();
    return 0;
}
