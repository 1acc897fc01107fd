/* Reading, writing and moving in files.
 * covers: read write pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 lseek open openat creat close
 * link: static dynamic
 */
#include "check.h"
#include <sys/uio.h>
#include <limits.h>

static char buffer[64];

static void opens(void)
{
    int fd;
    SHOW(open("missing", O_RDONLY));
    SHOW((fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0644)) >= 0);
    SHOW(open("f", O_RDWR | O_CREAT | O_EXCL, 0644));
    SHOW(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    SHOW(close(fd));
    SHOW(close(fd));
    SHOW(close(-1));
    SHOW(open("f/x", O_RDONLY));
    SHOW(open(".", O_WRONLY));
    SHOW(open("f", O_RDONLY | O_DIRECTORY));
    SHOW(open(BAD, O_RDONLY));
    SHOW(open("", O_RDONLY));
    char longname[300];
    memset(longname, 'x', sizeof longname);
    longname[299] = 0;
    SHOW(open(longname, O_RDONLY));
    symlink("f", "l");
    symlink("loop", "loop");
    SHOW(open("l", O_RDONLY | O_NOFOLLOW));
    SHOW(open("loop", O_RDONLY));
    WORKS(fd = open("l", O_RDONLY));
    close(fd);
    WORKS(fd = open("f", O_PATH));
    SHOW(read(fd, buffer, 1));
    SHOW(write(fd, buffer, 1));
    close(fd);
    WORKS(fd = open(".", O_TMPFILE | O_RDWR, 0600));
    SHOW(write(fd, "hidden", 6));
    SHOW(pread(fd, buffer, 6, 0));
    close(fd);
    SHOW(open(".", O_TMPFILE | O_RDONLY, 0600));
    int dir;
    WORKS(dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    SHOW(fcntl(dir, F_GETFD));
    WORKS(fd = openat(dir, "f", O_RDONLY));
    SHOW(openat(fd, "f", O_RDONLY));
    SHOW(openat(99, "f", O_RDONLY));
    WORKS(openat(99, "/dev/null", O_RDONLY));
    close(fd);
    close(dir);
    WORKS(fd = creat("c", 0600));
    SHOW(write(fd, "creat", 5));
    SHOW(read(fd, buffer, 5));
    close(fd);
    WORKS(fd = creat("c", 0600));
    SHOW(lseek(fd, 0, SEEK_END));
    close(fd);
    SHOW(creat("missing/c", 0600));
}

static void transfers(void)
{
    int fd = open("t", O_RDWR | O_CREAT | O_TRUNC, 0644);
    SHOW(write(fd, "0123456789", 10));
    SHOW(read(fd, buffer, 4));
    SHOW(lseek(fd, 2, SEEK_SET));
    SHOW(read(fd, buffer, 4));
    printf("%.4s\n", buffer);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(fd, -100, SEEK_CUR));
    SHOW(lseek(fd, 5, SEEK_END));
    SHOW(lseek(fd, 0, 99));
    SHOW(write(fd, "X", 1));
    SHOW(lseek(fd, 0, SEEK_END));
    memset(buffer, '#', sizeof buffer);
    SHOW(pread(fd, buffer, 20, 8));
    for (int i = 0; i < 8; i++)
        printf("%d ", buffer[i]);
    printf("\n");
    SHOW(pread(fd, buffer, 4, 100));
    SHOW(pread(fd, buffer, 4, -1));
    SHOW(pwrite(fd, "AB", 2, 1));
    SHOW(pwrite(fd, "AB", 2, -1));
    SHOW(lseek(fd, 0, SEEK_DATA));
    SHOW(lseek(fd, 0, SEEK_HOLE));
    SHOW(lseek(fd, 100, SEEK_DATA));
    SHOW(read(fd, BAD, 4));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(read(fd, BAD, 4));
    SHOW(write(fd, BAD, 4));
    SHOW(read(99, buffer, 1));
    SHOW(write(99, buffer, 1));
    SHOW(read(fd, buffer, 0));
    SHOW(write(fd, buffer, 0));
    close(fd);
    fd = open("t", O_RDONLY);
    SHOW(write(fd, "x", 1));
    SHOW(pwrite(fd, "x", 1, 0));
    close(fd);
    fd = open("t", O_WRONLY | O_APPEND);
    SHOW(write(fd, "tail", 4));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(write(fd, "+", 1));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pwrite(fd, "p", 1, 0));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(read(fd, buffer, 1));
    close(fd);
    fd = open(".", O_RDONLY);
    SHOW(read(fd, buffer, 1));
    SHOW(pread(fd, buffer, 1, 0));
    close(fd);
    int p[2];
    pipe(p);
    SHOW(lseek(p[0], 0, SEEK_SET));
    SHOW(pread(p[0], buffer, 1, 0));
    SHOW(pwrite(p[1], buffer, 1, 0));
    SHOW(read(p[1], buffer, 1));
    SHOW(write(p[0], buffer, 1));
}

static void vectors(void)
{
    int fd = open("v", O_RDWR | O_CREAT | O_TRUNC, 0644);
    char a[3], b[5];
    struct iovec out[3] = { { "abc", 3 }, { NULL, 0 }, { "defgh", 5 } };
    struct iovec in[2] = { { a, 3 }, { b, 5 } };
    SHOW(writev(fd, out, 3));
    lseek(fd, 0, SEEK_SET);
    SHOW(readv(fd, in, 2));
    printf("%.3s %.5s\n", a, b);
    SHOW(preadv(fd, in, 2, 4));
    printf("%.3s %.1s\n", a, b);
    SHOW(pwritev(fd, out, 3, 6));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(readv(fd, in, -1));
    SHOW(readv(fd, in, IOV_MAX + 1));
    SHOW(writev(fd, out, -1));
    SHOW(writev(99, out, 3));
    SHOW(readv(99, in, 2));
    SHOW(writev(fd, BAD, 1));
    SHOW(readv(fd, BAD, 1));
    SHOW(readv(fd, in, 0));
    SHOW(preadv(fd, in, 2, -1));
    SHOW(pwritev(fd, out, 2, -1));
    SHOW(preadv(99, in, 2, 0));
    SHOW(pwritev(99, out, 2, 0));
    struct iovec huge[2] = { { a, 3 }, { b, (size_t)-1 } };
    SHOW(readv(fd, huge, 2));
    SHOW(writev(fd, huge, 2));
    struct iovec half[2] = { { "12", 2 }, { BAD, 5 } };
    lseek(fd, 0, SEEK_SET);
    SHOW(writev(fd, half, 2));
    lseek(fd, 0, SEEK_SET);
    SHOW(preadv2(fd, in, 2, -1, 0));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(preadv2(fd, in, 2, 2, 0));
    SHOW(preadv2(fd, in, 2, 0, 0x4000));
    SHOW(pwritev2(fd, out, 3, 0, RWF_APPEND));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(pwritev2(fd, out, 3, -1, RWF_DSYNC | RWF_SYNC));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pwritev2(fd, out, 3, 0, 0x4000));
    SHOW(pwritev2(99, out, 3, 0, 0));
    SHOW(preadv2(99, in, 2, 0, 0));
    SHOW(preadv2(fd, in, 2, -2, 0));
}

int main(void)
{
    umask(022);
    opens();
    transfers();
    vectors();
    return 0;
}
