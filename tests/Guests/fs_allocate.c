/* Allocating, punching and advising, on a file system in memory; the modes that need blocks to shift are refused there.
 * covers: fallocate fadvise64 readahead sync_file_range copy_file_range sendfile
 */
#include "check.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>

#ifndef FALLOC_FL_UNSHARE_RANGE
#define FALLOC_FL_UNSHARE_RANGE 0x40
#endif
#define INSERT 0x20
#define COLLAPSE 8
#define ZERO 0x10

static char name[60];
static char buffer[65536];

static void state(int fd)
{
    struct stat s;
    fstat(fd, &s);
    printf("size %ld blocks %ld\n", (long)s.st_size, (long)s.st_blocks);
}

static void modes(void)
{
    int fd = open(name, O_CREAT | O_RDWR | O_EXCL, 0600);
    SHOW(fallocate(fd, 0, 0, 10000));
    state(fd);
    SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 16384, 8192));
    state(fd);
    SHOW(lseek(fd, 0, SEEK_DATA));
    SHOW(lseek(fd, 0, SEEK_HOLE));
    SHOW(pread(fd, buffer, 20000, 0));
    memset(buffer, 'x', 40960);
    SHOW(pwrite(fd, buffer, 40960, 0));
    state(fd);
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 8192));
    state(fd);
    SHOW(lseek(fd, 0, SEEK_HOLE));
    SHOW(lseek(fd, 4096, SEEK_DATA));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 20000, 100));
    pread(fd, buffer, 40960, 0);
    printf("%d %d %d %d %d %d\n", buffer[4095], buffer[4096], buffer[12288], buffer[19999], buffer[20000], buffer[20100]);
    state(fd);
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 36864, 1 << 20));
    state(fd);
    SHOW(fallocate(fd, 0, 0, 4096));
    state(fd);
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
    SHOW(fallocate(fd, COLLAPSE, 0, 4096));
    SHOW(fallocate(fd, COLLAPSE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    SHOW(fallocate(fd, INSERT, 0, 4096));
    SHOW(fallocate(fd, INSERT | FALLOC_FL_KEEP_SIZE, 0, 4096));
    SHOW(fallocate(fd, ZERO, 0, 4096));
    SHOW(fallocate(fd, ZERO | FALLOC_FL_KEEP_SIZE, 0, 4096));
    SHOW(fallocate(fd, FALLOC_FL_UNSHARE_RANGE, 0, 4096));
    SHOW(fallocate(fd, FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    SHOW(fallocate(fd, ZERO | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    SHOW(fallocate(fd, 4, 0, 4096));
    SHOW(fallocate(fd, 0x1000, 0, 4096));
    SHOW(fallocate(fd, 0, -1, 4096));
    SHOW(fallocate(fd, 0, 0, 0));
    SHOW(fallocate(fd, 0, 0, -1));
    SHOW(fallocate(fd, 0, 0x7fffffffffffffffL, 1));
    SHOW(fallocate(99, 0, 0, 1));
    int other = open(name, O_RDONLY);
    SHOW(fallocate(other, 0, 0, 1));
    close(other);
    other = open("/dev/shm", O_RDONLY);
    SHOW(fallocate(other, 0, 0, 1));
    close(other);
    other = open("/dev/null", O_RDWR);
    SHOW(fallocate(other, 0, 0, 1));
    close(other);
    int p[2];
    pipe(p);
    SHOW(fallocate(p[1], 0, 0, 1));
    close(p[0]);
    close(p[1]);
    struct rlimit old, low;
    getrlimit(RLIMIT_FSIZE, &old);
    low = old;
    low.rlim_cur = 100000;
    signal(SIGXFSZ, SIG_IGN);
    fflush(stdout);
    setrlimit(RLIMIT_FSIZE, &low);
    int over = fallocate(fd, 0, 0, 200000), error = errno;
    int kept = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 200000);
    setrlimit(RLIMIT_FSIZE, &old);
    printf("%d %s %d\n", over, errname(error), kept);
    /* what is mapped goes too */
    ftruncate(fd, 0);
    pwrite(fd, buffer + 12288, 8192, 0);
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    printf("%d %d\n", map[0], map[4096]);
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    printf("%d %d\n", map[0], map[4096]);
    munmap(map, 8192);
    close(fd);
    /* seals */
    fd = syscall(SYS_memfd_create, "sealed", 2);
    SHOW(fallocate(fd, 0, 0, 8192));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(fallocate(fd, 0, 0, 16384));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    close(fd);
}

static void advice(void)
{
    int fd = open(name, O_RDWR), p[2];
    pipe(p);
    memset(buffer, 'y', sizeof buffer);
    pwrite(fd, buffer, sizeof buffer, 0);
    for (int advice = 0; advice < 7; advice++)
        printf("%d: %ld\n", advice, syscall(SYS_fadvise64, fd, 0, 8192, advice));
    SHOW(pread(fd, buffer, 100, 5000));
    printf("%c\n", buffer[0]);
    SHOW(syscall(SYS_fadvise64, fd, 0, 0, POSIX_FADV_DONTNEED));
    SHOW(syscall(SYS_fadvise64, fd, -5, 10, POSIX_FADV_WILLNEED));
    SHOW(syscall(SYS_fadvise64, fd, 0, -1, POSIX_FADV_NORMAL));
    SHOW(syscall(SYS_fadvise64, fd, 0, -1, 99));
    SHOW(syscall(SYS_fadvise64, p[0], 0, 0, POSIX_FADV_NORMAL));
    SHOW(syscall(SYS_fadvise64, 99, 0, 0, POSIX_FADV_NORMAL));
    int path = open(name, O_PATH), dir = open("/dev/shm", O_RDONLY), write_only = open(name, O_WRONLY), null = open("/dev/null", O_RDWR);
    SHOW(syscall(SYS_fadvise64, path, 0, 0, POSIX_FADV_NORMAL));
    SHOW(syscall(SYS_fadvise64, dir, 0, 0, POSIX_FADV_WILLNEED));
    SHOW(syscall(SYS_fadvise64, null, 0, 0, POSIX_FADV_WILLNEED));
    SHOW(syscall(SYS_fadvise64, write_only, 0, 0, POSIX_FADV_WILLNEED));
    SHOW(readahead(fd, 0, 4096));
    SHOW(readahead(fd, 1 << 30, 4096));
    SHOW(readahead(write_only, 0, 4096));
    SHOW(readahead(path, 0, 4096));
    SHOW(readahead(dir, 0, 4096));
    SHOW(readahead(null, 0, 4096));
    SHOW(readahead(p[0], 0, 4096));
    SHOW(readahead(99, 0, 4096));
    SHOW(sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WAIT_BEFORE));
    SHOW(sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WRITE));
    SHOW(sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WAIT_AFTER));
    SHOW(sync_file_range(fd, 0, -1, SYNC_FILE_RANGE_WRITE));
    SHOW(sync_file_range(fd, 0x7fffffffffffffffL, 1, SYNC_FILE_RANGE_WRITE));
    SHOW(sync_file_range(null, 0, 0, SYNC_FILE_RANGE_WRITE));
    SHOW(sync_file_range(dir, 0, 0, SYNC_FILE_RANGE_WRITE));
    SHOW(sync_file_range(path, 0, 0, SYNC_FILE_RANGE_WRITE));
    close(path);
    close(dir);
    close(write_only);
    close(null);
    close(p[0]);
    close(p[1]);
    close(fd);
}

static unsigned char resident[64];

static int count(char *map, long size)
{
    int pages = 0;
    mincore(map, size, resident);
    for (long at = 0; at < size; at += PAGE)
        pages += resident[at / PAGE] & 1;
    return pages;
}

/* What advice does to the pages of a file that is not in memory by nature. Only its owner may see them. */
static void cache(void)
{
    const char *text = "/usr/share/common-licenses/GPL-3";
    struct stat s;
    int fd = open(text, O_RDONLY);
    if (geteuid() != 0 || fd < 0)
        return;
    fstat(fd, &s);
    int all = (s.st_size + PAGE - 1) / PAGE;
    /* A fault maps what lies around it in an aligned block of addresses: so that the block holds the same pages each time. */
    char *map = mmap((void *)0x200000000, s.st_size, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    madvise(map, s.st_size, MADV_RANDOM);
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    SHOW(count(map, s.st_size));
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED));
    for (int i = 0; i < 5000 && count(map, s.st_size) < all; i++)
        usleep(1000);
    HOLDS(count(map, s.st_size) == all);
    SHOW(posix_fadvise(fd, 100, 2 * PAGE, POSIX_FADV_DONTNEED));
    HOLDS(count(map, s.st_size) == all - 1);
    SHOW(posix_fadvise(fd, 0, s.st_size, POSIX_FADV_DONTNEED));
    SHOW(count(map, s.st_size));
    SHOW(readahead(fd, 0, s.st_size));
    for (int i = 0; i < 5000 && count(map, s.st_size) < all; i++)
        usleep(1000);
    HOLDS(count(map, s.st_size) == all);
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
    SHOW(pread(fd, buffer, 1, 3 * PAGE));
    SHOW(count(map, s.st_size));
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
    SHOW(pread(fd, buffer, 1, 0));
    HOLDS(count(map, s.st_size) > 1);
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL));
    SHOW(pread(fd, buffer, 1, 0));
    HOLDS(count(map, s.st_size) > 1);
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_NOREUSE));
    /* what is mapped stays */
    buffer[0] = map[PAGE];
    SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    SHOW(count(map, s.st_size));
    munmap(map, s.st_size);
    close(fd);
}

static void copying(void)
{
    int fd = open(name, O_RDWR), memory = syscall(SYS_memfd_create, "copy", 0), null = open("/dev/null", O_RDWR);
    int zero = open("/dev/zero", O_RDONLY), path = open(name, O_PATH);
    loff_t in = 0, out = 0;
    SHOW(copy_file_range(fd, &in, memory, &out, 100, 0));
    SHOW(copy_file_range(fd, BAD, fd, &out, 100, 0));
    in = -1;
    SHOW(copy_file_range(fd, &in, fd, &out, 100, 0));
    in = 0x7fffffffffffffffL;
    SHOW(copy_file_range(fd, &in, fd, &out, 100, 0));
    SHOW(copy_file_range(null, NULL, fd, NULL, 100, 0));
    SHOW(copy_file_range(fd, NULL, path, NULL, 100, 0));
    in = 0, out = 1 << 20;
    SHOW(copy_file_range(fd, &in, fd, &out, 4096, 0));
    SHOW(copy_file_range(fd, &in, fd, &out, 0, 0));
    printf("%ld %ld\n", (long)in, (long)out);
    SHOW(copy_file_range(fd, &in, fd, &out, 4096, 4));
    off_t at = 0;
    SHOW(sendfile(memory, fd, &at, 5000));
    SHOW(sendfile(null, fd, &at, 5000));
    SHOW(sendfile(memory, null, NULL, 10));
    SHOW(sendfile(memory, zero, NULL, 10));
    SHOW(sendfile(path, fd, &at, 10));
    SHOW(sendfile(memory, fd, BAD, 10));
    SHOW(sendfile(memory, fd, &at, -1));
    int s[2];
    SHOW(sendfile(memory, open("/dev/shm", O_RDONLY), NULL, 10));
    close(fd);
    close(memory);
    close(null);
    close(zero);
    close(path);
}

/* Allocated pages have no content yet: a write covers each of them whole or not at all, wherever the buffer's pages are. */
static void overwriting(void)
{
    puts("-- overwriting what is allocated");
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    SHOW(fallocate(fd, 0, 0, 4 * PAGE));
    char *buffer = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    buffer[100] = 'a';
    SHOW(write(fd, buffer + 100, 4 * PAGE));
    char back = 0;
    SHOW(pread(fd, &back, 1, 0));
    HOLDS(back == 'a');
    SHOW(fallocate(fd, 0, 4 * PAGE, PAGE));
    munmap(buffer + PAGE, PAGE);
    WORKS(pwrite(fd, BAD, PAGE, 4 * PAGE));
    munmap(buffer, 6 * PAGE);
    close(fd);
}

int main(void)
{
    sprintf(name, "/dev/shm/allocate-%d", getpid());
    modes();
    advice();
    cache();
    copying();
    overwriting();
    unlink(name);
    return 0;
}
