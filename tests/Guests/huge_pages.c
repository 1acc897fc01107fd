/* Anonymous files of huge pages, of which there are none in the pools.
 * covers: memfd_create
 */
#include "check.h"
#include <sys/mman.h>
#include <sys/vfs.h>

#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4
#endif

#define HUGE (2 << 20)
#define RW (PROT_READ | PROT_WRITE)
#define TRY(...) (mmap(__VA_ARGS__) == MAP_FAILED ? -1 : 0)

int main(void)
{
    struct stat st;
    struct statfs fs;
    char buffer[64] = "full";
    int fd;
    WORKS(fd = memfd_create("huge", MFD_HUGETLB | MFD_ALLOW_SEALING));
    fstat(fd, &st);
    printf("%o %ld %ld %ld\n", st.st_mode, (long)st.st_size, (long)st.st_blksize, (long)st.st_blocks);
    fstatfs(fd, &fs);
    printf("%lx %ld\n", (long)fs.f_type, (long)fs.f_bsize);
    SHOW(ftruncate(fd, 100));
    SHOW(ftruncate(fd, HUGE));
    SHOW(ftruncate(fd, 2 * HUGE));
    SHOW(write(fd, "x", 1));
    SHOW(pwrite(fd, "x", 1, 0));
    SHOW(pread(fd, buffer, 4, 10));
    SHOW(buffer[0]);
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(TRY(NULL, HUGE, RW, MAP_SHARED, fd, 0));
    SHOW(TRY(NULL, HUGE, RW, MAP_PRIVATE, fd, 0));
    SHOW(TRY(NULL, PAGE, RW, MAP_SHARED, fd, 0));
    SHOW(TRY(NULL, HUGE, RW, MAP_SHARED, fd, PAGE));
    SHOW(TRY(NULL, HUGE, PROT_READ, MAP_SHARED, fd, 0));
    SHOW(TRY(NULL, HUGE, PROT_READ, MAP_PRIVATE, fd, 0));
    SHOW(TRY(NULL, 0, RW, MAP_SHARED, fd, 0));
    SHOW(fallocate(fd, 0, 0, HUGE));
    SHOW(fallocate(fd, 0, 0, 10));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, HUGE));
    SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, HUGE));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    SHOW(ftruncate(fd, 0));
    SHOW(fsync(fd));
    char link[64] = "", path[32];
    sprintf(path, "/proc/self/fd/%d", fd);
    readlink(path, link, sizeof link - 1);
    puts(link);
    WORKS(memfd_create("huge", MFD_HUGETLB | 21 << 26));
    WORKS(memfd_create("huge", MFD_HUGETLB | 30 << 26));
    WORKS(memfd_create("huge", MFD_HUGETLB | 3 << 26));
    WORKS(memfd_create("huge", 21 << 26));
    WORKS(memfd_create("huge", MFD_HUGETLB | MFD_CLOEXEC | 16));
    WORKS(memfd_create("huge", MFD_HUGETLB | 8));
    return 0;
}
