/* Path resolution beyond the plain forms.
 *
 * linux: 6.6
 * covers: openat2 fchmodat2 chroot
 */
#include "check.h"
#include <linux/openat2.h>

static int openat2(int dir, const char *path, unsigned long flags, unsigned long mode, unsigned long resolve)
{
    struct open_how how = { flags, mode, resolve };
    return syscall(SYS_openat2, dir, path, &how, sizeof how);
}

static void try(const char *what, int dir, const char *path, unsigned long flags, unsigned long mode, unsigned long resolve)
{
    errno = 0;
    int fd = openat2(dir, path, flags, mode, resolve);

    /* A walk of the cache alone fails, too, when somebody else renames something meanwhile. */
    for (int again = 0; again < 1000 && fd < 0 && errno == EAGAIN && flags == O_RDONLY; again++)
        fd = openat2(dir, path, flags, mode, resolve);
    printf("%s %s: %s\n", what, path, fd >= 0 ? "ok" : errname(errno));
    if (fd >= 0)
        close(fd);
}

static void resolve(void)
{
    mkdir("jail", 0755);
    mkdir("jail/in", 0755);
    close(open("outside", O_CREAT | O_WRONLY, 0644));
    close(open("jail/f", O_CREAT | O_WRONLY, 0644));
    symlink("/f", "jail/abs");
    symlink("../../f", "jail/in/up");
    symlink("../f", "jail/in/near");
    symlink("../outside", "jail/out");
    int jail = open("jail", O_RDONLY | O_DIRECTORY);
    const char *paths[] = { "f", "in/near", "abs", "in/up", "out", "../outside", "/f", "in/../f", "none", "f/" };
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
        try("beneath", jail, paths[i], O_RDONLY, 0, RESOLVE_BENEATH);
        try("in root", jail, paths[i], O_RDONLY, 0, RESOLVE_IN_ROOT);
        try("no links", jail, paths[i], O_RDONLY, 0, RESOLVE_NO_SYMLINKS);
    }
    try("no magic", jail, "/proc/self/cwd/outside", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS);
    try("magic", jail, "/proc/self/cwd/outside", O_RDONLY, 0, 0);
    try("no xdev", jail, "/proc/self/status", O_RDONLY, 0, RESOLVE_NO_XDEV);
    try("no xdev", jail, "in/near", O_RDONLY, 0, RESOLVE_NO_XDEV);
    try("create", jail, "new", O_CREAT | O_WRONLY, 0600, RESOLVE_BENEATH);
    try("create", jail, "../new", O_CREAT | O_WRONLY, 0600, RESOLVE_BENEATH);
    try("mode without create", jail, "f", O_RDONLY, 0600, 0);
    try("bad mode", jail, "f", O_CREAT | O_RDWR, 0200000, 0);
    try("bad flag", jail, "f", 1UL << 40, 0, 0);
    try("bad resolve", jail, "f", O_RDONLY, 0, 1UL << 40);
    try("both scopes", jail, "f", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT);
    try("path and write", jail, "f", O_PATH | O_RDWR, 0, 0);
    try("cached", jail, "f", O_RDONLY, 0, RESOLVE_CACHED);
    try("cached", jail, "in/near", O_RDONLY, 0, RESOLVE_CACHED | RESOLVE_NO_XDEV);
    try("cached and truncate", jail, "f", O_WRONLY | O_TRUNC, 0, RESOLVE_CACHED);
    try("cached and create", jail, "f", O_CREAT | O_RDWR, 0600, RESOLVE_CACHED);
    struct open_how how = { O_RDONLY, 0, 0 };
    SHOW(syscall(SYS_openat2, jail, "f", &how, 8));
    SHOW(syscall(SYS_openat2, jail, "f", &how, 100000));
    SHOW(syscall(SYS_openat2, jail, "f", (void *)8, sizeof how));
    struct { struct open_how how; long more; } longer = { { O_RDONLY, 0, 0 }, 0 };
    WORKS(syscall(SYS_openat2, jail, "f", &longer, sizeof longer));
    longer.more = 1;
    SHOW(syscall(SYS_openat2, jail, "f", &longer, sizeof longer));
    close(jail);
}

static void temporary(void)
{
    WORKS(open(".", O_TMPFILE | O_RDWR, 0600));
    SHOW(open(".", O_TMPFILE | O_RDONLY, 0600));
    SHOW(open("outside", O_TMPFILE | O_RDWR, 0600));
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    SHOW(write(fd, "kept", 4));
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    SHOW(linkat(AT_FDCWD, self, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    struct stat st;
    SHOW(stat("named", &st));
    printf("%ld bytes, %ld links\n", (long)st.st_size, (long)st.st_nlink);
    close(fd);
    fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    SHOW(linkat(AT_FDCWD, self, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
    close(fd);
}

static void modes(void)
{
    struct stat st;
    close(open("m", O_CREAT | O_WRONLY, 0644));
    symlink("m", "ml");
    SHOW(syscall(452, AT_FDCWD, "m", 0600, 0));
    stat("m", &st);
    printf("%o\n", st.st_mode & 07777);
    SHOW(syscall(452, AT_FDCWD, "ml", 0640, 0));
    stat("m", &st);
    printf("%o\n", st.st_mode & 07777);
    SHOW(syscall(452, AT_FDCWD, "ml", 0640, AT_SYMLINK_NOFOLLOW));
    int fd = open("m", O_RDONLY);
    SHOW(syscall(452, fd, "", 0604, AT_EMPTY_PATH));
    fstat(fd, &st);
    printf("%o\n", st.st_mode & 07777);
    SHOW(syscall(452, fd, "", 0604, 0));
    SHOW(syscall(452, AT_FDCWD, "m", 0600, 0x8000));
    SHOW(syscall(452, AT_FDCWD, "none", 0600, 0));
    close(fd);
}

static void roots(void)
{
    IN_CHILD({
        char cwd[4096];
        SHOW(chroot("none"));
        SHOW(chroot("outside"));
        SHOW(chroot((char *)8));
        SHOW(chroot("jail"));
        WORKS(open("jail", O_RDONLY));
        SHOW(open("/jail", O_RDONLY));
        WORKS(open("/f", O_RDONLY));
        WORKS(open("/abs", O_RDONLY));
        SHOW(chdir("/in"));
        SHOW(access("../../../../f", F_OK));
        SHOW(access("../outside", F_OK));
        puts(getcwd(cwd, sizeof cwd) ? cwd : "no cwd");
        SHOW(setuid(65534));
        SHOW(chroot("/"));
    });
}

int main(void)
{
    resolve();
    temporary();
    modes();
    roots();
    return 0;
}
