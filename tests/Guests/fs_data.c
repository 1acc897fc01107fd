/* Moving and allocating file data.
 *
 * covers: fallocate sendfile copy_file_range fadvise64 readahead sync_file_range getdents ioctl
 */
#include "check.h"
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/resource.h>

static void fill(int fd, int count)
{
    for (int i = 0; i < count; i++) {
        char c = 'a' + i % 26;
        if (write(fd, &c, 1) != 1)
            abort();
    }
}

static long size_of(int fd)
{
    struct stat st;
    fstat(fd, &st);
    return st.st_size;
}

static void allocation(void)
{
    int fd = open("alloc", O_RDWR | O_CREAT | O_TRUNC, 0644);
    char buffer[64] = "";
    SHOW(fallocate(fd, 0, 0, 10000));
    printf("size %ld\n", size_of(fd));
    SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 20000, 10000));
    printf("size %ld\n", size_of(fd));
    fill(fd, 8192);
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 5000));
    SHOW(pread(fd, buffer, 4, 98));
    printf("%d %d %d %d\n", buffer[0], buffer[1], buffer[2], buffer[3]);
    SHOW(pread(fd, buffer, 4, 5098));
    printf("%d %d %d %d\n", buffer[0], buffer[1], buffer[2], buffer[3]);
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10));
    SHOW(fallocate(fd, 0x1000, 0, 10));
    SHOW(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    SHOW(fallocate(fd, 0, -1, 10));
    SHOW(fallocate(fd, 0, 0, 0));
    SHOW(fallocate(fd, 0, 0x7fffffffffffffffL, 10));
    SHOW(fallocate(99, 0, 0, 10));
    int ro = open("alloc", O_RDONLY);
    SHOW(fallocate(ro, 0, 0, 10));
    close(ro);
    int dir = open(".", O_RDONLY);
    SHOW(fallocate(dir, 0, 0, 10));
    close(dir);
    int p[2];
    pipe(p);
    SHOW(fallocate(p[1], 0, 0, 10));
    SHOW(posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL));
    SHOW(sync_file_range(p[0], 0, 0, SYNC_FILE_RANGE_WRITE));
    SHOW(readahead(p[0], 0, 10));
    close(p[0]);
    close(p[1]);
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL));
    SHOW(posix_fadvise(fd, 0, 4096, POSIX_FADV_SEQUENTIAL));
    SHOW(posix_fadvise(fd, 0, 4096, POSIX_FADV_RANDOM));
    SHOW(posix_fadvise(fd, 0, 4096, POSIX_FADV_WILLNEED));
    SHOW(posix_fadvise(fd, 0, 4096, POSIX_FADV_DONTNEED));
    SHOW(posix_fadvise(fd, 0, 4096, POSIX_FADV_NOREUSE));
    SHOW(posix_fadvise(fd, 0, 4096, 77));
    SHOW(posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL));
    SHOW(posix_fadvise(99, 0, 0, POSIX_FADV_NORMAL));
    SHOW(readahead(fd, 0, 8192));
    SHOW(readahead(99, 0, 8192));
    SHOW(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
    SHOW(sync_file_range(fd, 0, 0, 0));
    SHOW(sync_file_range(fd, 0, 0, 8));
    SHOW(sync_file_range(fd, -1, 0, 1));
    SHOW(sync_file_range(99, 0, 0, 1));
    close(fd);
}

static void copies(void)
{
    char buffer[128];
    int from = open("from", O_RDWR | O_CREAT | O_TRUNC, 0644);
    int to = open("to", O_RDWR | O_CREAT | O_TRUNC, 0644);
    fill(from, 100000);
    lseek(from, 10, SEEK_SET);
    SHOW(sendfile(to, from, NULL, 20));
    SHOW(lseek(from, 0, SEEK_CUR));
    SHOW(lseek(to, 0, SEEK_CUR));
    off_t offset = 99990;
    SHOW(sendfile(to, from, &offset, 100));
    printf("offset %ld\n", (long)offset);
    SHOW(sendfile(to, from, &offset, 100));
    SHOW(lseek(from, 0, SEEK_CUR));
    SHOW(pread(to, buffer, sizeof buffer, 0));
    printf("%.30s\n", buffer);
    offset = 0;
    SHOW(sendfile(to, from, &offset, 100000));
    SHOW(lseek(to, 0, SEEK_CUR));
    offset = -1;
    SHOW(sendfile(to, from, &offset, 1));
    SHOW(sendfile(99, from, NULL, 1));
    SHOW(sendfile(to, 99, NULL, 1));
    SHOW(sendfile(to, from, (off_t *)8, 1));
    int ro = open("to", O_RDONLY);
    SHOW(sendfile(ro, from, NULL, 1));
    int wo = open("from", O_WRONLY);
    SHOW(sendfile(to, wo, NULL, 1));
    int app = open("to", O_WRONLY | O_APPEND);
    SHOW(sendfile(app, from, NULL, 1));
    int p[2];
    pipe(p);
    offset = 5;
    SHOW(sendfile(p[1], from, &offset, 6));
    SHOW(read(p[0], buffer, 10));
    printf("%.6s\n", buffer);
    SHOW(sendfile(to, p[0], &offset, 1));
    SHOW(sendfile(to, p[0], NULL, 1));

    loff_t in = 3, out = 50;
    ftruncate(to, 0);
    SHOW(copy_file_range(from, &in, to, &out, 7, 0));
    printf("in %ld out %ld size %ld\n", (long)in, (long)out, size_of(to));
    lseek(from, 99998, SEEK_SET);
    lseek(to, 0, SEEK_SET);
    SHOW(copy_file_range(from, NULL, to, NULL, 10, 0));
    SHOW(copy_file_range(from, NULL, to, NULL, 10, 0));
    SHOW(lseek(to, 0, SEEK_CUR));
    SHOW(copy_file_range(from, NULL, to, NULL, 10, 1));
    in = 0, out = 5;
    SHOW(copy_file_range(from, &in, from, &out, 10, 0));
    out = 200000;
    SHOW(copy_file_range(from, &in, from, &out, 10, 0));
    SHOW(copy_file_range(from, NULL, ro, NULL, 10, 0));
    SHOW(copy_file_range(wo, NULL, to, NULL, 10, 0));
    SHOW(copy_file_range(from, NULL, app, NULL, 10, 0));
    SHOW(copy_file_range(p[0], NULL, to, NULL, 10, 0));
    int dir = open(".", O_RDONLY);
    SHOW(copy_file_range(dir, NULL, to, NULL, 10, 0));
    SHOW(copy_file_range(99, NULL, to, NULL, 10, 0));
    close(dir), close(p[0]), close(p[1]), close(app), close(wo), close(ro), close(from), close(to);
}

static void controls(void)
{
    int fd = open("ctl", O_RDWR | O_CREAT | O_TRUNC, 0644);
    int n = -1;
    fill(fd, 100);
    lseek(fd, 40, SEEK_SET);
    SHOW(ioctl(fd, FIONREAD, &n));
    printf("%d\n", n);
    n = 1;
    SHOW(ioctl(fd, FIONBIO, &n));
    printf("%d\n", fcntl(fd, F_GETFL) & O_NONBLOCK ? 1 : 0);
    n = 0;
    SHOW(ioctl(fd, FIONBIO, &n));
    printf("%d\n", fcntl(fd, F_GETFL) & O_NONBLOCK ? 1 : 0);
    SHOW(ioctl(fd, FIOCLEX));
    printf("%d\n", fcntl(fd, F_GETFD));
    SHOW(ioctl(fd, FIONCLEX));
    printf("%d\n", fcntl(fd, F_GETFD));
    SHOW(ioctl(fd, 2, &n));
    printf("%d\n", n);
    SHOW(ioctl(fd, TIOCGWINSZ, &n));
    SHOW(ioctl(fd, 0x12345678, &n));
    SHOW(ioctl(fd, FIONREAD, (void *)8));
    SHOW(ioctl(99, FIONREAD, &n));
    int path = open("ctl", O_PATH);
    SHOW(ioctl(path, FIONREAD, &n));
    close(path);
    close(fd);
}

struct old_dirent {
    unsigned long ino, off;
    unsigned short length;
    char name[];
};

static void entries(void)
{
    char buffer[4096];
    mkdir("dir", 0755);
    close(open("dir/file", O_CREAT | O_WRONLY, 0644));
    mkdir("dir/sub", 0755);
    symlink("x", "dir/link");
    int fd = open("dir", O_RDONLY | O_DIRECTORY);
    int seen[3] = { 0, 0, 0 }, dots = 0, count = 0;
    for (;;) {
        long got = syscall(SYS_getdents, fd, buffer, sizeof buffer);
        if (got <= 0) {
            printf("end %ld\n", got);
            break;
        }
        for (long at = 0; at < got;) {
            struct old_dirent *d = (void *)(buffer + at);
            int type = buffer[at + d->length - 1];
            count++;
            if (d->name[0] == '.')
                dots++;
            seen[0] |= !strcmp(d->name, "file") && type == 8;
            seen[1] |= !strcmp(d->name, "sub") && type == 4;
            seen[2] |= !strcmp(d->name, "link") && type == 10;
            at += d->length;
        }
    }
    printf("%d entries, %d dots, %d%d%d\n", count, dots, seen[0], seen[1], seen[2]);
    lseek(fd, 0, SEEK_SET);
    SHOW(syscall(SYS_getdents, fd, buffer, 10));
    SHOW(syscall(SYS_getdents64, fd, buffer, 10));
    SHOW(syscall(SYS_getdents, fd, (void *)8, sizeof buffer));
    SHOW(syscall(SYS_getdents, 99, buffer, sizeof buffer));
    mkdir("dir/gone", 0755);
    int gone = open("dir/gone", O_RDONLY);
    rmdir("dir/gone");
    SHOW(syscall(SYS_getdents, gone, buffer, sizeof buffer));
    SHOW(syscall(SYS_getdents64, gone, buffer, sizeof buffer));
    close(gone);
    int file = open("dir/file", O_RDONLY);
    SHOW(syscall(SYS_getdents, file, buffer, sizeof buffer));
    close(file);
    close(fd);
}

static void size_limit(void)
{
    struct rlimit limit, old;
    /* Standard output may be a file with a limit too: nothing is written to it meanwhile. */
    fflush(stdout);
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    int fd = open("limited", O_RDWR | O_CREAT | O_TRUNC, 0644);
    char block[600];
    memset(block, 'x', sizeof block);
    SHOW(write(fd, block, sizeof block));
    SHOW(write(fd, block, sizeof block));
    SHOW(write(fd, block, sizeof block));
    SHOW(ftruncate(fd, 1001));
    SHOW(ftruncate(fd, 1000));
    SHOW(pwrite(fd, block, 1, 1000));
    SHOW(pwrite(fd, block, 1, 999));
    setrlimit(RLIMIT_FSIZE, &old);
    close(fd);
}

int main(void)
{
    allocation();
    copies();
    controls();
    entries();
    size_limit();
    return 0;
}
