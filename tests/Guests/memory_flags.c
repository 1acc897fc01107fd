/* The flags of the memory calls that programs rarely use, and the errors beside them.
 * linux: 6.3
 * covers: mmap munmap mprotect mremap madvise brk msync mincore mlock mlock2 munlock mlockall munlockall memfd_create
 * covers: remap_file_pages
 * link: static dynamic
 */
#include "check.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8
#define MFD_EXEC 0x10
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif
#ifndef MAP_UNINITIALIZED
#define MAP_UNINITIALIZED 0x4000000
#endif
#ifndef PROT_SEM
#define PROT_SEM 8
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

static sigjmp_buf jump;
static volatile int caught, code;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    caught = signal;
    code = info->si_code;
    siglongjmp(jump, 1);
}

static void touch(const char *what, volatile char *p, int write)
{
    caught = 0;
    if (sigsetjmp(jump, 1) == 0) {
        if (write)
            *p = 'w';
        else
            (void)*p;
    }
    if (caught)
        printf("%s: signal %d code %d\n", what, caught, code);
    else
        printf("%s: fine\n", what);
}

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
#define TRY(...) (mmap(__VA_ARGS__) == MAP_FAILED ? -1 : 0)

static int resident(char *p, int pages)
{
    unsigned char vector[64];
    int n = 0;
    if (mincore(p, (size_t)pages * PAGE, vector) != 0)
        return -1;
    for (int i = 0; i < pages; i++)
        n += vector[i] & 1;
    return n;
}

static void mapping_flags(void)
{
    char *p = mmap(NULL, 4 * PAGE, RW, ANON | MAP_LOCKED, -1, 0);
    SHOW(resident(p, 4));
    SHOW(munlock(p, 4 * PAGE));
    SHOW(munmap(p, 4 * PAGE));
    p = mmap(NULL, 4 * PAGE, RW, ANON | MAP_POPULATE | MAP_NONBLOCK, -1, 0);
    SHOW(resident(p, 4));
    munmap(p, 4 * PAGE);
    SHOW(TRY(NULL, PAGE, RW, ANON | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_NORESERVE, -1, 0));
    SHOW(TRY(NULL, PAGE, PROT_NONE, ANON, -1, 0));
    SHOW(TRY(NULL, PAGE, PROT_EXEC, ANON, -1, 0));
    SHOW(TRY(NULL, PAGE, RW | PROT_SEM, ANON, -1, 0));
    SHOW(TRY(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0));
    SHOW(TRY(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0));
    SHOW(TRY((void *)0x1000, PAGE, RW, ANON, -1, 0));
    SHOW(TRY(NULL, PAGE, RW, ANON, -1, 4097));

    /* The pools of huge pages are empty. */
    SHOW(TRY(NULL, 2 << 20, RW, ANON | MAP_HUGETLB, -1, 0));
    SHOW(TRY(NULL, 2 << 20, RW, ANON | MAP_HUGETLB | 21 << 26, -1, 0));
    SHOW(TRY(NULL, 2 << 20, RW, ANON | MAP_HUGETLB | 3 << 26, -1, 0));
    SHOW(TRY(NULL, 2 << 20, RW, ANON | MAP_UNINITIALIZED, -1, 0));
    int file = open("synchronous", O_RDWR | O_CREAT, 0600);
    ftruncate(file, PAGE);
    SHOW(TRY(NULL, PAGE, RW, MAP_PRIVATE | MAP_HUGETLB, file, 0));
    SHOW(TRY(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, file, 0));
    SHOW(TRY(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_LOCKED | MAP_STACK, file, 0));
    char *above = mmap(NULL, PAGE, RW, ANON | 0x80, -1, 0);
    HOLDS((uintptr_t)above > 0xffffffff);
    close(file);

    /* A mapping that grows down as the stack does. */
    char *area = mmap((void *)0x530000000000, 1024 * PAGE, PROT_NONE, ANON | MAP_FIXED, -1, 0);
    munmap(area, 1024 * PAGE);
    p = mmap(area + 1000 * PAGE, 2 * PAGE, RW, ANON | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
    HOLDS(p == area + 1000 * PAGE);
    touch("just below", p - 8, 1);
    touch("three pages below", p - 3 * PAGE, 1);
    SHOW(mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN));
    touch("the grown part is read-only too", p - PAGE, 1);
    SHOW(mprotect(p, PAGE, PROT_READ | PROT_GROWSUP));
    char *plain = mmap((void *)0x540000000000, PAGE, RW, ANON | MAP_FIXED, -1, 0);
    SHOW(mprotect(plain, PAGE, PROT_READ | PROT_GROWSDOWN));

    /* The guard gap below it: others keep away. */
    char *below = mmap((void *)0x550000000000, PAGE, RW, ANON | MAP_FIXED, -1, 0);
    char *stack = mmap(below + 20 * PAGE, PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
    touch("growth towards a neighbour", stack - PAGE, 1);

    SHOW(mprotect((void *)0x600000000000, PAGE, PROT_READ));
    SHOW(mprotect(plain, -1UL, PROT_READ));
    SHOW(munmap((void *)0x7ffffffff000, PAGE));
    HOLDS(mmap(plain + 1, 100, PROT_READ, ANON, -1, 0) != plain);
}

static void fixed_over(void)
{
    /* Replacing the middle of a shared mapping leaves both ends. */
    char *p = mmap((void *)0x560000000000, 5 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memset(p, 's', 5 * PAGE);
    HOLDS(mmap(p + 2 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + 2 * PAGE);
    printf("%c %d %c\n", p[PAGE], p[2 * PAGE], p[3 * PAGE]);
    IN_CHILD(p[PAGE] = 'c'; p[2 * PAGE] = 'c'; p[3 * PAGE] = 'd');
    printf("%c %d %c\n", p[PAGE], p[2 * PAGE], p[3 * PAGE]);
    SHOW(mprotect(p + PAGE, 3 * PAGE, PROT_NONE));
    touch("shared none", p + PAGE, 0);
    SHOW(mprotect(p, 5 * PAGE, RW));
    printf("%c %d %c %c\n", p[PAGE], p[2 * PAGE], p[3 * PAGE], p[4 * PAGE]);
    munmap(p, 5 * PAGE);
}

static void more_advice(void)
{
    char *p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);
    SHOW(madvise(p, 8 * PAGE, MADV_POPULATE_READ));
    SHOW(resident(p, 8));
    memset(p, 'a', 8 * PAGE);
    SHOW(madvise(p, 2 * PAGE, MADV_COLD));
    SHOW(madvise(p, 2 * PAGE, MADV_NOHUGEPAGE));
    SHOW(madvise(p, 2 * PAGE, MADV_HUGEPAGE));
    printf("%c\n", p[0]);
    SHOW(madvise(p, PAGE, MADV_REMOVE));
    SHOW(mlock(p, PAGE));
    SHOW(madvise(p, PAGE, MADV_DONTNEED));
    SHOW(madvise(p, PAGE, MADV_FREE));
    SHOW(madvise(p, PAGE, MADV_DONTNEED_LOCKED));
    printf("%d\n", p[0]);
    SHOW(munlock(p, PAGE));
    SHOW(mprotect(p, PAGE, PROT_READ));
    SHOW(madvise(p, PAGE, MADV_POPULATE_WRITE));
    SHOW(mprotect(p, PAGE, PROT_NONE));
    SHOW(madvise(p, PAGE, MADV_POPULATE_READ));
    munmap(p + PAGE, PAGE);
    SHOW(madvise(p, 3 * PAGE, MADV_POPULATE_READ));
    SHOW(madvise(p + 2 * PAGE, 3 * PAGE, MADV_POPULATE_WRITE));
    SHOW(madvise(p + 2 * PAGE, -1UL, MADV_NORMAL));

    /* Lazily freed pages stay while there is memory enough, and for good once they are written to. */
    char *lazy = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
    memset(lazy, 'l', 4 * PAGE);
    SHOW(madvise(lazy, 4 * PAGE, MADV_FREE));
    SHOW(resident(lazy, 4));
    printf("%c%c\n", lazy[0], lazy[3 * PAGE]);
    lazy[PAGE] = 'w';
    IN_CHILD(printf("%c%c\n", lazy[0], lazy[PAGE]); lazy[0] = 'c');
    SHOW(mprotect(lazy, 4 * PAGE, PROT_READ));
    SHOW(mprotect(lazy, 4 * PAGE, RW));
    printf("%c%c%c\n", lazy[0], lazy[PAGE], lazy[PAGE + 1]);
    SHOW(madvise(lazy, 4 * PAGE, MADV_DONTNEED));
    printf("%d\n", lazy[PAGE]);

    char *s = mmap(NULL, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(s, 's', 4 * PAGE);
    SHOW(madvise(s, PAGE, MADV_DONTNEED));
    printf("%c\n", s[0]);
    SHOW(madvise(s, PAGE, MADV_REMOVE));
    printf("%d %c\n", s[0], s[PAGE]);
    SHOW(madvise(s, PAGE, MADV_FREE));
    SHOW(madvise(s, PAGE, MADV_WIPEONFORK));
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
    ftruncate(fd, 4 * PAGE);
    pwrite(fd, "content", 7, 0);
    char *f = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
    SHOW(madvise(f, 4 * PAGE, MADV_WILLNEED));
    SHOW(madvise(f, 4 * PAGE, MADV_PAGEOUT));
    printf("%.7s\n", f);
    SHOW(madvise(f, PAGE, MADV_REMOVE));
    printf("%d\n", f[0]);
    char *r = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    SHOW(madvise(r, PAGE, MADV_REMOVE));
    SHOW(madvise(f, PAGE, MADV_FREE));
}

static void locking(void)
{
    char *p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);
    SHOW(mlock2(p, 4 * PAGE, MLOCK_ONFAULT));
    SHOW(resident(p, 4));
    SHOW(mlock(p + 10, 2 * PAGE));
    SHOW(resident(p, 4));
    SHOW(munlock(p + 10, 2 * PAGE));
    SHOW(mlock(p, 0));
    SHOW(mlock(p, -1UL));
    SHOW(munlock(p, -(size_t)PAGE));
    SHOW(mlockall(MCL_CURRENT | MCL_ONFAULT));
    SHOW(munlockall());
    SHOW(mlockall(MCL_FUTURE));
    char *later = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0);
    SHOW(resident(later, 2));
    SHOW(munlockall());
    later = mmap(NULL, 2 * PAGE, RW, ANON, -1, 0);
    SHOW(resident(later, 2));
    SHOW(mlockall(MCL_ONFAULT));
    SHOW(mlockall(MCL_CURRENT));
    SHOW(munlockall());
    SHOW(msync(p, PAGE, MS_ASYNC));
    SHOW(msync(p, PAGE, MS_INVALIDATE));
    mlock(p, PAGE);
    SHOW(msync(p, PAGE, MS_INVALIDATE | MS_SYNC));
    munmap(p + PAGE, PAGE);
    SHOW(msync(p, 3 * PAGE, MS_ASYNC));
    SHOW(msync(p, 0, MS_SYNC));
    SHOW(mlock(p, 3 * PAGE));
}

static void without_privilege(void)
{
    IN_CHILD({
        struct rlimit limit = { 4 * PAGE, 4 * PAGE };
        setrlimit(RLIMIT_MEMLOCK, &limit);
        setuid(12345);
        char *p = mmap(NULL, 16 * PAGE, RW, ANON, -1, 0);
        SHOW(mlock(p, 4 * PAGE));
        SHOW(mlock(p, 4 * PAGE));
        SHOW(mlock(p, 5 * PAGE));
        SHOW(TRY(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0));
        SHOW(munlock(p, 2 * PAGE));
        SHOW(TRY(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0));
        SHOW(mlockall(MCL_CURRENT));
        struct rlimit none = { 0, 0 };
        setrlimit(RLIMIT_MEMLOCK, &none);
        SHOW(mlock(p, PAGE));
        SHOW(mlockall(MCL_FUTURE));
        SHOW(TRY(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0));
    });
}

static void file_pages(void)
{
    int fd = open("pages", O_RDWR | O_CREAT | O_TRUNC, 0644);
    for (int i = 0; i < 4; i++) {
        char c = 'A' + i;
        pwrite(fd, &c, 1, i * PAGE);
    }
    ftruncate(fd, 4 * PAGE);
    char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
    SHOW(syscall(SYS_remap_file_pages, p, PAGE, 0, 3, MAP_NONBLOCK));
    printf("%c%c\n", p[0], p[PAGE]);
    SHOW(syscall(SYS_remap_file_pages, p, PAGE, PROT_READ, 3, 0));
    SHOW(syscall(SYS_remap_file_pages, p, 0, 0, 3, 0));
    char *a = mmap((void *)0x570000000000, PAGE, RW, ANON | MAP_FIXED, -1, 0);
    SHOW(syscall(SYS_remap_file_pages, a, PAGE, 0, 0, 0));

    /* Moving and growing a mapping of a file. */
    char *q = mremap(p + PAGE, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
    HOLDS(q != MAP_FAILED && q[0] == 'B' && q[PAGE] == 'C' && q[2 * PAGE] == 'D');
    q[PAGE] = 'x';
    char back = 0;
    pread(fd, &back, 1, 2 * PAGE);
    printf("%c\n", back);

    /* An old length of 0 makes a second mapping of a shared one. */
    char *twin = mremap(q, 0, PAGE, MREMAP_MAYMOVE);
    HOLDS(twin != MAP_FAILED && twin != q);
    twin[0] = 'T';
    printf("%c\n", q[0]);
    SHOW(mremap(a, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
    SHOW(mremap(a, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP) == MAP_FAILED ? -1 : 0);
    SHOW(mremap(a, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
    SHOW(mremap(a, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x1) == MAP_FAILED ? -1 : 0);

    /* Writing from a buffer that maps the page that is written. */
    lseek(fd, 0, SEEK_SET);
    char *w = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
    w[0] = 'w';
    SHOW(pwrite(fd, w, PAGE, 0));
    SHOW(pwrite(fd, w, PAGE, 100));
    SHOW(pread(fd, w, PAGE, 100));
    printf("%c\n", w[0]);
    SHOW(write(fd, (void *)0x600000000000, 10));
    SHOW(pread(fd, w + PAGE, 3 * PAGE, 0) >= PAGE);
}

static void seals(void)
{
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
    ftruncate(fd, 2 * PAGE);
    char *p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(fcntl(fd, F_ADD_SEALS, 0x1000));
    munmap(p, PAGE);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    SHOW(pwrite(fd, "x", 1, 0));
    SHOW(TRY(NULL, PAGE, RW, MAP_SHARED, fd, 0));
    p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    HOLDS(p != MAP_FAILED);
    SHOW(mprotect(p, PAGE, RW));
    SHOW(TRY(NULL, PAGE, RW, MAP_PRIVATE, fd, 0));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    int grow = memfd_create("grow", MFD_ALLOW_SEALING);
    SHOW(fcntl(grow, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(write(grow, "x", 1));
    SHOW(fallocate(grow, 0, 0, PAGE));
    SHOW(ftruncate(grow, 1));
    SHOW(ftruncate(grow, 0));
    int plain = open("f", O_RDWR);
    SHOW(fcntl(plain, F_ADD_SEALS, F_SEAL_GROW));
    struct stat st;
    fd = memfd_create("x", MFD_NOEXEC_SEAL);
    if (fd >= 0) {
        SHOW(fcntl(fd, F_GET_SEALS));
        fstat(fd, &st);
        printf("%o\n", st.st_mode);
        SHOW(fchmod(fd, 0777));
        SHOW(fchmod(fd, 0600));
    }
    fd = memfd_create("y", MFD_EXEC | MFD_CLOEXEC);
    fstat(fd, &st);
    printf("%o %ld %ld\n", st.st_mode, (long)st.st_nlink, (long)st.st_size);
    SHOW(memfd_create("z", MFD_EXEC | MFD_NOEXEC_SEAL));
}

static void residency(void)
{
    int fd = open("r", O_RDWR | O_CREAT | O_TRUNC, 0644);
    char block[4 * PAGE];
    memset(block, 'r', sizeof block);
    write(fd, block, sizeof block);
    char *p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    SHOW(resident(p, 4));
    char *none = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
    SHOW(resident(none, 4));
    none[PAGE] = 1;
    SHOW(resident(none, 4));
    unsigned char v;
    SHOW(mincore(none, 0, &v));
    SHOW(mincore(none, -1UL, &v));
    SHOW(mincore((void *)-(unsigned long)PAGE, PAGE, &v));
}

static void heap(void)
{
    char *start = (char *)syscall(SYS_brk, 0);
    char *end = (char *)(((uintptr_t)start + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
    /* A neighbour stops the heap a page before it. */
    char *wall = mmap(end + 4 * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    HOLDS(wall == end + 4 * PAGE);
    HOLDS((char *)syscall(SYS_brk, end + 4 * PAGE) == start);
    HOLDS((char *)syscall(SYS_brk, end + 3 * PAGE) == end + 3 * PAGE);
    end[2 * PAGE] = 'h';
    HOLDS((char *)syscall(SYS_brk, end + PAGE) == end + PAGE);
    HOLDS((char *)syscall(SYS_brk, end + 3 * PAGE) == end + 3 * PAGE);
    printf("%d\n", end[2 * PAGE]);
    syscall(SYS_brk, start);
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    mapping_flags();
    fixed_over();
    more_advice();
    locking();
    without_privilege();
    file_pages();
    seals();
    residency();
    heap();
    return 0;
}
