/* Names: directories, links, renames.
 * covers: mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat readlink readlinkat
 * covers: chdir fchdir getcwd getdents64 mknod mknodat umask
 * link: static dynamic
 */
#include "check.h"
#include <dirent.h>

static char text[300];

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path)
{
    char *names[100];
    int count = 0;
    DIR *dir = opendir(path);
    if (!dir) {
        printf("%s: %s\n", path, errname(errno));
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));)
        if (count < 100) {
            char *copy = malloc(300);
            sprintf(copy, "%s/%d", entry->d_name, entry->d_type);
            names[count++] = copy;
        }
    closedir(dir);
    qsort(names, count, sizeof *names, compare);
    printf("%s:", path);
    for (int i = 0; i < count; i++)
        printf(" %s", names[i]);
    printf("\n");
}

static void make_and_remove(void)
{
    struct stat st;
    SHOW(umask(027));
    SHOW(mkdir("d", 0777));
    stat("d", &st);
    printf("mode %o nlink %ld\n", st.st_mode, (long)st.st_nlink);
    SHOW(umask(022));
    SHOW(umask(01777022));
    SHOW(umask(022));
    SHOW(mkdir("d", 0777));
    SHOW(mkdir("d/", 0777));
    SHOW(mkdir("missing/d", 0777));
    SHOW(mkdir("/", 0777));
    SHOW(mkdir(".", 0777));
    SHOW(mkdir("", 0777));
    SHOW(mkdir(BAD, 0777));
    SHOW(mkdir("d/e/", 0777));
    stat("d", &st);
    printf("nlink %ld\n", (long)st.st_nlink);
    SHOW(rmdir("d"));
    SHOW(rmdir("d/e/."));
    SHOW(rmdir("d/e/.."));
    SHOW(rmdir("d/e/"));
    SHOW(rmdir("d/e"));
    SHOW(rmdir("/"));
    close(open("file", O_CREAT | O_WRONLY, 0644));
    SHOW(mkdir("file/d", 0777));
    SHOW(rmdir("file"));
    SHOW(unlink("d"));
    SHOW(unlink("file/"));
    SHOW(unlink("missing"));
    SHOW(unlink(BAD));
    int d = open("d", O_RDONLY);
    SHOW(mkdirat(d, "in", 0700));
    SHOW(mkdirat(99, "in", 0700));
    SHOW(mkdirat(d, "in", 0700));
    SHOW(unlinkat(d, "in", 0));
    SHOW(unlinkat(d, "in", AT_REMOVEDIR));
    SHOW(unlinkat(d, "in", AT_REMOVEDIR));
    SHOW(unlinkat(d, "in", 0x4000));
    SHOW(unlinkat(99, "in", 0));
    SHOW(unlink("file"));
    close(d);
    list("d");
    SHOW(rmdir("d"));
    d = open(".", O_RDONLY);
    mkdir("gone", 0755);
    int gone = open("gone", O_RDONLY);
    rmdir("gone");
    SHOW(openat(gone, "x", O_CREAT | O_WRONLY, 0644));
    SHOW(fstat(gone, &st));
    printf("nlink %ld\n", (long)st.st_nlink);
    close(gone);
}

static void links(void)
{
    struct stat a, b;
    int fd = open("one", O_CREAT | O_RDWR, 0644);
    write(fd, "data", 4);
    SHOW(link("one", "two"));
    SHOW(link("one", "two"));
    SHOW(link("missing", "three"));
    SHOW(link(".", "dirlink"));
    SHOW(link("one", "missing/x"));
    stat("one", &a);
    stat("two", &b);
    HOLDS(a.st_ino == b.st_ino && a.st_nlink == 2);
    SHOW(symlink("one", "sym"));
    SHOW(symlink("one", "sym"));
    SHOW(symlink("", "empty"));
    SHOW(symlink("nowhere", "dangling"));
    SHOW(symlink(BAD, "x"));
    SHOW(symlink("x", "missing/x"));
    SHOW(readlink("sym", text, sizeof text));
    SHOW(readlink("sym", text, 2));
    printf("%.2s\n", text);
    SHOW(readlink("one", text, sizeof text));
    SHOW(readlink("missing", text, sizeof text));
    SHOW(readlink("sym", text, 0));
    SHOW(readlink("sym", BAD, 10));
    SHOW(linkat(AT_FDCWD, "sym", AT_FDCWD, "hard-to-sym", 0));
    lstat("hard-to-sym", &b);
    HOLDS(S_ISLNK(b.st_mode));
    SHOW(linkat(AT_FDCWD, "sym", AT_FDCWD, "hard-to-one", AT_SYMLINK_FOLLOW));
    lstat("hard-to-one", &b);
    HOLDS(a.st_ino == b.st_ino);
    SHOW(linkat(AT_FDCWD, "one", AT_FDCWD, "x", 0x8000));
    SHOW(linkat(99, "one", AT_FDCWD, "x", 0));
    SHOW(linkat(AT_FDCWD, "dangling", AT_FDCWD, "x", AT_SYMLINK_FOLLOW));
    int dir = open(".", O_RDONLY);
    SHOW(symlinkat("target", dir, "sym2"));
    SHOW(symlinkat("target", 99, "sym2"));
    SHOW(symlinkat("target", dir, "sym2"));
    SHOW(readlinkat(dir, "sym2", text, sizeof text));
    SHOW(readlinkat(99, "sym2", text, sizeof text));
    SHOW(readlinkat(fd, "sym2", text, sizeof text));
    int path = open("sym", O_PATH | O_NOFOLLOW);
    SHOW(readlinkat(path, "", text, sizeof text));
    printf("%.3s\n", text);
    SHOW(open("dangling", O_RDONLY));
    WORKS(open("dangling", O_CREAT | O_WRONLY, 0644));
    list(".");
    unlink("one");
    SHOW(pread(fd, text, 4, 0));
    fstat(fd, &a);
    printf("nlink %ld\n", (long)a.st_nlink);
}

static void renames(void)
{
    mkdir("r", 0755);
    chdir("r");
    close(open("a", O_CREAT | O_WRONLY, 0644));
    close(open("b", O_CREAT | O_WRONLY, 0644));
    mkdir("dir", 0755);
    mkdir("dir/sub", 0755);
    mkdir("empty", 0755);
    SHOW(rename("a", "c"));
    SHOW(rename("a", "c"));
    SHOW(rename("c", "b"));
    SHOW(rename("b", "dir"));
    SHOW(rename("dir", "b"));
    SHOW(rename("dir", "dir/sub/x"));
    SHOW(rename("dir/sub", "dir"));
    SHOW(rename("dir", "empty"));
    list(".");
    mkdir("other", 0755);
    SHOW(rename("other", "empty"));
    SHOW(rename("other/", "third"));
    SHOW(rename("b/", "x"));
    SHOW(rename(".", "x"));
    SHOW(rename("b", ".."));
    SHOW(rename("b", "missing/x"));
    SHOW(rename(BAD, "x"));
    link("b", "b2");
    SHOW(rename("b", "b2"));
    list(".");
    int dir = open("third", O_RDONLY);
    SHOW(renameat(AT_FDCWD, "b", dir, "moved"));
    SHOW(renameat(99, "b2", dir, "moved"));
    SHOW(renameat(dir, "missing", dir, "moved"));
    list("third");
    SHOW(renameat2(AT_FDCWD, "b2", dir, "moved", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "b2", AT_FDCWD, "b3", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "b3", AT_FDCWD, "empty", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "b3", AT_FDCWD, "missing", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "b3", AT_FDCWD, "empty", RENAME_EXCHANGE | RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "b3", AT_FDCWD, "empty", 0x80));
    list(".");
    chdir("..");
}

static void places(void)
{
    char start[300], here[300];
    getcwd(start, sizeof start);
    mkdir("place", 0755);
    SHOW(chdir("place"));
    SHOW(strcmp(getcwd(here, sizeof here) + strlen(start), "/place"));
    SHOW(syscall(SYS_getcwd, here, 2));
    SHOW(syscall(SYS_getcwd, BAD, sizeof here));
    SHOW(syscall(SYS_getcwd, here, sizeof here) - (long)strlen(start));
    SHOW(chdir("missing"));
    SHOW(chdir(BAD));
    close(open("file", O_CREAT | O_WRONLY, 0644));
    SHOW(chdir("file"));
    int fd = open("..", O_RDONLY);
    int file = open("file", O_RDONLY);
    SHOW(fchdir(fd));
    HOLDS(strcmp(getcwd(here, sizeof here), start) == 0);
    SHOW(fchdir(file));
    SHOW(fchdir(99));
    mkdir("gone", 0755);
    chdir("gone");
    rmdir("../gone");
    SHOW(getcwd(here, sizeof here) == NULL);
    SHOW(open("x", O_CREAT | O_WRONLY, 0644));
    fchdir(fd);
}

static void entries(void)
{
    mkdir("many", 0755);
    chdir("many");
    char name[20];
    for (int i = 0; i < 200; i++) {
        sprintf(name, "entry-%03d", i);
        close(open(name, O_CREAT | O_WRONLY, 0644));
    }
    int fd = open(".", O_RDONLY | O_DIRECTORY);
    char buffer[1024];
    int count = 0, sum = 0;
    long got;
    while ((got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0)
        for (long at = 0; at < got;) {
            struct dirent64 *entry = (struct dirent64 *)(buffer + at);
            count++;
            sum += entry->d_name[0] == 'e' ? atoi(entry->d_name + 6) : 0;
            at += entry->d_reclen;
        }
    printf("%d entries, sum %d, end %ld\n", count, sum, got);
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(syscall(SYS_getdents64, fd, buffer, 8));
    SHOW(syscall(SYS_getdents64, 99, buffer, sizeof buffer));
    SHOW(syscall(SYS_getdents64, fd, BAD, sizeof buffer));
    int file = open("entry-000", O_RDONLY);
    SHOW(syscall(SYS_getdents64, file, buffer, sizeof buffer));
    chdir("..");
}

static void nodes(void)
{
    struct stat st;
    SHOW(mknod("fifo", S_IFIFO | 0644, 0));
    stat("fifo", &st);
    printf("%o\n", st.st_mode);
    SHOW(mknod("fifo", S_IFIFO | 0644, 0));
    SHOW(mknod("regular", S_IFREG | 0600, 0));
    SHOW(mknod("plain", 0600, 0));
    SHOW(mknod("sock", S_IFSOCK | 0600, 0));
    SHOW(mknod("dir", S_IFDIR | 0755, 0));
    SHOW(mknod("bad", 0150000, 0));
    SHOW(mknod("missing/x", S_IFIFO, 0));
    SHOW(mknodat(AT_FDCWD, "fifo2", S_IFIFO | 0600, 0));
    SHOW(mknodat(99, "fifo3", S_IFIFO | 0600, 0));
    SHOW(mknodat(AT_FDCWD, "fifo2", S_IFIFO | 0600, 0));
    SHOW(open("sock", O_RDONLY));
    SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
    WORKS(open("fifo", O_RDONLY | O_NONBLOCK));
    WORKS(open("fifo", O_WRONLY | O_NONBLOCK));
}

int main(void)
{
    make_and_remove();
    links();
    renames();
    places();
    entries();
    nodes();
    return 0;
}
