/* The flags of the calls that make, move and remove names, and who may not.
 * linux: 6.10
 * covers: linkat renameat2 mknod mknodat mkdir mkdirat rmdir unlink unlinkat link symlink symlinkat readlink readlinkat rename renameat
 * covers: chdir fchdir getcwd umask chroot
 */
#include "check.h"
#include <sys/sysmacros.h>
#include <sys/un.h>

static struct stat st;

static int look(const char *path)
{
    memset(&st, 0, sizeof st);
    int r = lstat(path, &st);
    if (r < 0)
        printf("%s: %s\n", path, errname(errno));
    else
        printf("%s: %o nlink %d device %x size %ld\n", path, st.st_mode, S_ISDIR(st.st_mode) ? 0 : (int)st.st_nlink, (int)st.st_rdev,
            S_ISDIR(st.st_mode) ? 0 : (long)st.st_size);
    return r;
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    write(fd, text, strlen(text));
    close(fd);
}

static void linking(void)
{
    int root = geteuid() == 0;
    put("a", "text");
    symlink("a", "s");
    int fd = open("a", O_RDONLY), path = open("a", O_PATH), dir = open(".", O_RDONLY | O_DIRECTORY);
    if (root) {
        SHOW(linkat(fd, "", AT_FDCWD, "b", AT_EMPTY_PATH));
        SHOW(linkat(path, "", dir, "c", AT_EMPTY_PATH));
    }
    SHOW(linkat(fd, "", AT_FDCWD, "d", 0));
    SHOW(linkat(dir, "", AT_FDCWD, "d", AT_EMPTY_PATH));
    SHOW(linkat(99, "", AT_FDCWD, "d", AT_EMPTY_PATH));
    SHOW(linkat(dir, "a", dir, "d", 0));
    SHOW(linkat(dir, "s", dir, "e", AT_SYMLINK_FOLLOW));
    SHOW(linkat(dir, "s", dir, "g", 0));
    SHOW(linkat(dir, "a", dir, "a", 0));
    SHOW(linkat(dir, "a", 99, "x", 0));
    SHOW(linkat(dir, "a", fd, "x", 0));
    SHOW(linkat(dir, "a", dir, "x", AT_SYMLINK_NOFOLLOW));
    SHOW(linkat(dir, "/dev/null", dir, "x", 0));
    SHOW(link("/proc/self/stat", "x"));
    look("a");
    look("e");
    look("g");
    SHOW(link("a", "x/"));
    SHOW(link("a/", "x"));
    SHOW(link("a", BAD));
    SHOW(link("", "x"));
    SHOW(link("a", ""));
    SHOW(unlink("b") == 0 || !root);
    SHOW(unlink("c") == 0 || !root);
    close(fd);
    close(path);
    close(dir);
    SHOW(symlink("x", "a"));
    SHOW(symlinkat("x", 99, "y"));
    SHOW(symlinkat("", AT_FDCWD, "y"));
    SHOW(symlinkat("x", AT_FDCWD, ""));
    char big[4200], back[5000];
    memset(big, 'x', sizeof big);
    big[4199] = 0;
    SHOW(symlink(big, "y"));
    big[4094] = 0;
    SHOW(symlink(big, "long"));
    SHOW(readlink("long", back, sizeof back));
    SHOW(readlink("a/x", back, sizeof back));
    SHOW(readlink(BAD, back, sizeof back));
    SHOW(readlinkat(AT_FDCWD, "s", back, -1));
    SHOW(readlinkat(AT_FDCWD, "", back, 10));
}

static void renaming(void)
{
    put("one", "1");
    put("two", "22");
    mkdir("da", 0755);
    mkdir("db", 0700);
    put("da/in", "in");
    int d = open("da", O_RDONLY);
    SHOW(renameat2(AT_FDCWD, "one", AT_FDCWD, "two", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "one", AT_FDCWD, "three", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "three", AT_FDCWD, "one", 0));
    SHOW(renameat2(AT_FDCWD, "one", AT_FDCWD, "two", RENAME_EXCHANGE));
    look("one");
    look("two");
    SHOW(renameat2(AT_FDCWD, "two", AT_FDCWD, "da", RENAME_EXCHANGE));
    look("two");
    look("da");
    SHOW(renameat2(AT_FDCWD, "two", AT_FDCWD, "da", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "da", AT_FDCWD, "db", RENAME_EXCHANGE));
    look("db/in");
    SHOW(renameat2(AT_FDCWD, "da", AT_FDCWD, "db", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "da", AT_FDCWD, "da/in", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "da/in", AT_FDCWD, "da", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "da/in", AT_FDCWD, "none", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "none", AT_FDCWD, "da/in", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "one", AT_FDCWD, "one", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "one", AT_FDCWD, "one", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "one", AT_FDCWD, "x", RENAME_WHITEOUT | RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "one", AT_FDCWD, "x", RENAME_NOREPLACE | RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "one", AT_FDCWD, "x", 8));
    SHOW(renameat2(99, "one", AT_FDCWD, "x", 0));
    SHOW(renameat2(d, "in", 99, "x", 0));
    SHOW(renameat2(d, "in", AT_FDCWD, BAD, 0));
    SHOW(renameat2(d, "in", AT_FDCWD, "/dev/shm/x", 0));
    SHOW(renameat2(d, "in", AT_FDCWD, "db/in", 0));
    SHOW(renameat(AT_FDCWD, "db/in", d, "in"));
    SHOW(renameat(AT_FDCWD, "db/", AT_FDCWD, "dc/"));
    SHOW(renameat(AT_FDCWD, "dc", AT_FDCWD, "da"));
    SHOW(renameat(AT_FDCWD, "da", AT_FDCWD, "dc"));
    SHOW(renameat(AT_FDCWD, "one", AT_FDCWD, "dc"));
    SHOW(rename("dc", "one"));
    SHOW(rename("one", "one"));
    SHOW(rename("one", "x/"));
    SHOW(rename("", "x"));
    SHOW(rename("one", ""));
    close(d);
}

/* Moving over a whiteout: only for who may make devices, and only where the file system knows them. */
static void whiteouts(void)
{
    char name[60];
    sprintf(name, "/dev/shm/names-%d", getpid());
    if (geteuid() != 0 || mkdir(name, 0755) < 0)
        return;
    int d = open(name, O_RDONLY);
    close(openat(d, "x", O_CREAT | O_WRONLY, 0644));
    close(openat(d, "z", O_CREAT | O_WRONLY, 0644));
    SHOW(renameat2(d, "x", d, "y", RENAME_WHITEOUT));
    fstatat(d, "x", &st, AT_SYMLINK_NOFOLLOW);
    printf("%o %x\n", st.st_mode, (int)st.st_rdev);
    SHOW(renameat2(d, "y", d, "z", RENAME_WHITEOUT | RENAME_NOREPLACE));
    SHOW(renameat2(d, "y", d, "w", RENAME_WHITEOUT | RENAME_NOREPLACE));
    SHOW(renameat2(d, "z", d, "w", RENAME_WHITEOUT));
    SHOW(unlinkat(d, "x", 0));
    SHOW(unlinkat(d, "y", 0));
    SHOW(unlinkat(d, "z", 0));
    SHOW(unlinkat(d, "w", 0));
    close(d);
    SHOW(rmdir(name));
}

static void nodes(void)
{
    int root = geteuid() == 0;
    umask(0);
    SHOW(mknod("fifo", S_IFIFO | 01777, 0));
    look("fifo");
    SHOW(mknod("sock", S_IFSOCK | 0600, 5));
    look("sock");
    SHOW(mknod("reg", S_IFREG | 06711, 5));
    look("reg");
    if (root) {
        SHOW(mknod("chr", S_IFCHR | 0666, makedev(1, 3)));
        look("chr");
        SHOW(mknodat(AT_FDCWD, "blk", S_IFBLK | 0600, makedev(7, 1000)));
        look("blk");
        SHOW(mknodat(AT_FDCWD, "big", S_IFCHR | 0600, makedev(4000, 300000)));
        look("big");
        SHOW(mknodat(AT_FDCWD, "chr", S_IFCHR | 0600, makedev(4000, 300000)));
        int fd = open("big", O_RDWR);
        SHOW(fd == -1 && errno == ENXIO);
    }
    SHOW(mknodat(AT_FDCWD, "dir", S_IFDIR | 0600, 0));
    SHOW(mknodat(AT_FDCWD, "lnk", S_IFLNK | 0600, 0));
    SHOW(mknodat(AT_FDCWD, BAD, S_IFIFO | 0600, 0));
    SHOW(mknodat(AT_FDCWD, "x/", S_IFIFO | 0600, 0));
    SHOW(mknod("none/x", 0600, 0));
    SHOW(mknod("fifo/x", 0600, 0));
    SHOW(mkdir("m", 07777));
    look("m");
    SHOW(mkdirat(AT_FDCWD, "fifo/x", 0700));
    SHOW(mkdirat(99, "/", 0700));
    SHOW(mkdirat(AT_FDCWD, BAD, 0700));
    chmod("m", 02755);
    SHOW(mkdir("m/sub", 0700));
    look("m/sub");
    SHOW(umask(0777));
    SHOW(mkdir("masked", 0777));
    look("masked");
    SHOW(umask(022));
    SHOW(unlinkat(AT_FDCWD, "m", AT_REMOVEDIR));
    SHOW(unlinkat(AT_FDCWD, "fifo", AT_REMOVEDIR));
    SHOW(unlinkat(AT_FDCWD, "m/sub", AT_REMOVEDIR));
    SHOW(unlinkat(AT_FDCWD, "m", 0));
    SHOW(unlinkat(AT_FDCWD, "m", AT_REMOVEDIR | AT_SYMLINK_NOFOLLOW));
    SHOW(unlinkat(AT_FDCWD, BAD, 0));
    SHOW(unlinkat(AT_FDCWD, "m/", AT_REMOVEDIR));
    SHOW(unlinkat(AT_FDCWD, "fifo", 0));
}

static void permissions(void)
{
    if (geteuid() != 0)
        return;
    mkdir("sticky", 01777);
    chmod("sticky", 01777);
    put("sticky/roots", "x");
    mkdir("sticky/rootdir", 0755);
    mkdir("closed", 0700);
    put("closed/f", "x");
    mkdir("open", 0777);
    chmod("open", 0777);
    put("open/roots", "x");
    put("secret", "x");
    chmod("secret", 0600);
    mkdir("closed/deep", 0777);
    IN_CHILD(setgid(1000), setuid(1000), ({
        char here[100];
        SHOW(mkdir("x", 0700));
        SHOW(mknod("x", S_IFIFO | 0600, 0));
        SHOW(mknod("open/dev", S_IFCHR | 0600, makedev(1, 3)));
        SHOW(symlink("x", "x"));
        SHOW(link("open/roots", "x"));
        SHOW(rename("open/roots", "x"));
        SHOW(rename("open/roots", "open/moved"));
        SHOW(unlink("secret"));
        SHOW(rmdir("open"));
        SHOW(unlink("sticky/roots"));
        SHOW(rmdir("sticky/rootdir"));
        SHOW(rename("sticky/roots", "open/r"));
        SHOW(renameat2(AT_FDCWD, "sticky/rootdir", AT_FDCWD, "open/r", 0));
        SHOW(unlinkat(AT_FDCWD, "sticky/rootdir", AT_REMOVEDIR));
        SHOW(mkdir("sticky/mine", 0755));
        SHOW(rename("sticky/mine", "sticky/still"));
        SHOW(rmdir("sticky/still"));
        SHOW(chdir("closed"));
        SHOW(chdir("closed/deep"));
        SHOW(readlink("closed/x", here, 10));
        SHOW(mkdirat(AT_FDCWD, "closed/x", 0700));
        SHOW(unlink("open/moved"));
        SHOW(link("secret", "open/stolen"));
        SHOW(linkat(AT_FDCWD, "sticky/roots", AT_FDCWD, "open/roots2", 0));
        SHOW(mkdir("open/d", 0755));
        SHOW(chroot("open"));
        int fd = open("open", O_RDONLY);
        SHOW(fchdir(fd));
    }));
    int closed = open("closed", O_RDONLY);
    IN_CHILD(setgid(1000), setuid(1000), ({
        SHOW(fchdir(closed));
        SHOW(mkdirat(closed, "x", 0700));
        SHOW(unlinkat(closed, "f", 0));
        SHOW(symlinkat("x", closed, "x"));
        SHOW(readlinkat(closed, "x", (char[10]){ 0 }, 10));
        SHOW(renameat(closed, "f", closed, "g"));
    }));
    close(closed);
}

int main(void)
{
    umask(022);
    mkdir("own", 0755);
    chdir("own");
    linking();
    renaming();
    whiteouts();
    nodes();
    permissions();
    return 0;
}
