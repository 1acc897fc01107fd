/* Mappings and the address space.
 * covers: mmap munmap mprotect mremap madvise brk msync mincore mlock mlock2 munlock mlockall munlockall memfd_create
 * link: static dynamic
 */
#include "check.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>

static sigjmp_buf jump;
static volatile int caught, code;
static void *volatile fault_address;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    caught = signal;
    code = info->si_code;
    fault_address = info->si_addr;
    siglongjmp(jump, 1);
}

/* Touches a byte and says what came of it. */
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
        printf("%s: signal %d code %d at the address: %d\n", what, caught, code, fault_address == (void *)p);
    else
        printf("%s: fine\n", what);
}

#define MAP(address, length, prot, flags, fd, offset) (mmap(address, length, prot, flags, fd, offset) == MAP_FAILED ? -1 : 0)

static void anonymous(void)
{
    char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    HOLDS(p != MAP_FAILED && ((uintptr_t)p & (PAGE - 1)) == 0 && p[0] == 0 && p[4 * PAGE - 1] == 0);
    touch("write", p, 1);
    SHOW(mprotect(p, PAGE, PROT_READ));
    touch("write to read-only", p, 1);
    touch("read of read-only", p, 0);
    SHOW(mprotect(p + PAGE, PAGE, PROT_NONE));
    touch("read of none", p + PAGE, 0);
    SHOW(mprotect(p, 4 * PAGE, PROT_READ | PROT_WRITE));
    SHOW(munmap(p + PAGE, PAGE));
    touch("read of a hole", p + PAGE, 0);
    SHOW(mprotect(p, 4 * PAGE, PROT_READ));
    touch("before the hole", p, 1);
    touch("behind the hole", p + 2 * PAGE, 1);
    SHOW(mprotect(p + 1, PAGE, PROT_READ));
    SHOW(mprotect(p, PAGE, 0x100));
    SHOW(mprotect(p, 0, PROT_READ));
    SHOW(mprotect(p, PAGE, PROT_GROWSDOWN | PROT_GROWSUP));
    SHOW(munmap(p, 4 * PAGE));
    SHOW(munmap(p, 4 * PAGE));
    SHOW(munmap(p + 1, PAGE));
    SHOW(munmap(p, 0));
    SHOW(munmap(p, -1UL));
    SHOW(MAP(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(MAP(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
    SHOW(MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0));
    SHOW(MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0));
    SHOW(MAP(NULL, -1UL, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(MAP((void *)1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    SHOW(MAP((void *)0x7ffffffff000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    p = mmap((void *)0x500000000000, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    HOLDS(p == (void *)0x500000000000);
    p[0] = 'a';
    p[PAGE] = 'b';
    HOLDS(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p && p[0] == 0 && p[PAGE] == 'b');
    SHOW(MAP(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    HOLDS(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != p);
    char *low = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    HOLDS((uintptr_t)low < 0x80000000);
    char *populated = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_NORESERVE | MAP_STACK, -1, 0);
    unsigned char in_core[2] = { 0, 0 };
    SHOW(mincore(populated, 2 * PAGE, in_core));
    printf("%d %d\n", in_core[0] & 1, in_core[1] & 1);
    char *exec = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(exec, "\xb8\x2a\x00\x00\x00\xc3", 6);
    SHOW(((int (*)(void))exec)());
    exec[1] = 43;
    SHOW(((int (*)(void))exec)());
    mprotect(exec, PAGE, PROT_READ);
    caught = 0;
    if (sigsetjmp(jump, 1) == 0)
        ((int (*)(void))exec)();
    printf("executing without the right: signal %d code %d\n", caught, code);
}

static void files(void)
{
    int fd = open("m", O_RDWR | O_CREAT, 0644);
    ftruncate(fd, PAGE + 100);
    pwrite(fd, "file", 4, 0);
    pwrite(fd, "tail", 4, PAGE);
    char *shared = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *second = mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE, fd, PAGE);
    printf("%.4s %.4s %.4s\n", shared, private, second);
    shared[0] = 'F';
    char back[5] = "";
    pread(fd, back, 4, 0);
    printf("%s %.4s\n", back, private);
    private[0] = 'P';
    pread(fd, back, 4, 0);
    printf("%s %.4s\n", back, shared);
    pwrite(fd, "wxyz", 4, PAGE);
    printf("%.4s %.4s\n", shared + PAGE, second);
    touch("behind the end in the last page", shared + PAGE + 200, 1);
    touch("behind the last page", shared + 2 * PAGE, 0);
    ftruncate(fd, 10);
    touch("after truncation", shared + PAGE, 0);
    touch("private after truncation", private + PAGE, 0);
    ftruncate(fd, 2 * PAGE);
    printf("%d\n", shared[PAGE]);
    SHOW(msync(shared, PAGE, MS_SYNC));
    SHOW(msync(shared, PAGE, MS_ASYNC | MS_INVALIDATE));
    SHOW(msync(shared, PAGE, MS_SYNC | MS_ASYNC));
    SHOW(msync(shared + 1, PAGE, MS_SYNC));
    SHOW(msync(shared, PAGE, 0x100));
    SHOW(msync((void *)0x600000000000, PAGE, MS_SYNC));
    IN_CHILD(shared[1] = 'C'; private[1] = 'C');
    printf("%c %c\n", shared[1], private[1]);
    int read_only = open("m", O_RDONLY), write_only = open("m", O_WRONLY);
    SHOW(MAP(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, read_only, 0));
    SHOW(MAP(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, read_only, 0));
    SHOW(MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, write_only, 0));
    SHOW(MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1));
    SHOW(MAP(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x40000000, fd, 0));
    char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, read_only, 0);
    SHOW(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    int dir = open(".", O_RDONLY);
    SHOW(MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, dir, 0));
    int pipes[2];
    pipe(pipes);
    SHOW(MAP(NULL, PAGE, PROT_READ, MAP_PRIVATE, pipes[0], 0));
    int zero = open("/dev/zero", O_RDWR);
    p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    printf("%d\n", p[5]);
    p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
    IN_CHILD(p[5] = 7);
    printf("%d\n", p[5]);
    p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    IN_CHILD(p[5] = 8);
    printf("%d\n", p[5]);
}

static void moves(void)
{
    char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(p + 4 * PAGE, 4 * PAGE);
    memset(p, 'm', 4 * PAGE);
    HOLDS(mremap(p, 4 * PAGE, 2 * PAGE, 0) == p);
    touch("cut off", p + 2 * PAGE, 0);
    HOLDS(mremap(p, 2 * PAGE, 4 * PAGE, 0) == p && p[PAGE] == 'm' && p[3 * PAGE] == 0);
    char *block = mmap(p + 4 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    HOLDS(block == p + 4 * PAGE);
    SHOW(mremap(p, 4 * PAGE, 8 * PAGE, 0) == MAP_FAILED ? -1 : 0);
    char *q = mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
    HOLDS(q != MAP_FAILED && q != p && q[PAGE] == 'm' && q[7 * PAGE] == 0);
    touch("the old place", p, 0);
    char *to = (void *)0x510000000000;
    HOLDS(mremap(q, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to && to[0] == 'm');
    char *kept = mmap((void *)0x520000000000, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    kept[0] = 'k';
    char *copy = mremap(kept, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
    HOLDS(copy != MAP_FAILED && copy[0] == 'k' && kept[0] == 0);
    SHOW(mremap(to, PAGE, PAGE, MREMAP_FIXED, to + 64 * PAGE) == MAP_FAILED ? -1 : 0);
    SHOW(mremap(to, PAGE, PAGE, 8) == MAP_FAILED ? -1 : 0);
    SHOW(mremap(to + 1, PAGE, PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
    SHOW(mremap(to, PAGE, 0, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
    SHOW(mremap((void *)0x600000000000, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
    SHOW(mremap(to, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE) == MAP_FAILED ? -1 : 0);
}

static void advice(void)
{
    char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 'x', 4 * PAGE);
    SHOW(madvise(p, PAGE, MADV_DONTNEED));
    printf("%d %c\n", p[0], p[PAGE]);
    SHOW(madvise(p, 4 * PAGE, MADV_NORMAL));
    SHOW(madvise(p, 4 * PAGE, MADV_RANDOM));
    SHOW(madvise(p, 4 * PAGE, MADV_SEQUENTIAL));
    SHOW(madvise(p, 4 * PAGE, MADV_WILLNEED));
    SHOW(madvise(p, 4 * PAGE, MADV_FREE));
    SHOW(madvise(p, PAGE, MADV_DONTFORK));
    SHOW(madvise(p + PAGE, PAGE, MADV_WIPEONFORK));
    p[PAGE] = 'w';
    IN_CHILD(touch("not forked", p, 0); printf("%d\n", p[PAGE]));
    SHOW(madvise(p, PAGE, MADV_DOFORK));
    SHOW(madvise(p + PAGE, PAGE, MADV_KEEPONFORK));
    SHOW(madvise(p, PAGE, MADV_DONTDUMP));
    SHOW(madvise(p, PAGE, MADV_DODUMP));
    SHOW(madvise(p, 2 * PAGE, MADV_POPULATE_WRITE));
    SHOW(madvise(p, PAGE, 9999));
    SHOW(madvise(p + 1, PAGE, MADV_NORMAL));
    SHOW(madvise((void *)0x600000000000, PAGE, MADV_NORMAL));
    SHOW(madvise(p, 0, MADV_NORMAL));
    unsigned char in_core[4];
    SHOW(mincore(p + 1, PAGE, in_core));
    SHOW(mincore((void *)0x600000000000, PAGE, in_core));
    SHOW(mincore(p, PAGE, BAD));
    SHOW(mlock(p, PAGE));
    SHOW(munlock(p, PAGE));
    SHOW(mlock2(p, PAGE, 1));
    SHOW(mlock2(p, PAGE, 9));
    SHOW(mlock2((void *)0x600000000000, PAGE, 0));
    SHOW(mlock((void *)0x600000000000, PAGE));
    SHOW(munlock((void *)0x600000000000, PAGE));
    SHOW(mlockall(0));
    SHOW(mlockall(99));
    SHOW(munlockall());
}

static void heap(void)
{
    char *start = (char *)syscall(SYS_brk, 0);
    HOLDS((char *)syscall(SYS_brk, start + 3 * PAGE) == start + 3 * PAGE);
    touch("heap", start + 2 * PAGE, 1);
    HOLDS((char *)syscall(SYS_brk, start + 10) == start + 10);
    touch("above the heap", start + 2 * PAGE, 0);
    HOLDS((char *)syscall(SYS_brk, 1) == start + 10);
    HOLDS((char *)syscall(SYS_brk, -1UL) == start + 10);
    struct rlimit limit = { 1 << 20, 1 << 20 };
    IN_CHILD({
        setrlimit(RLIMIT_DATA, &limit);
        HOLDS((char *)syscall(SYS_brk, start + (64 << 20)) == start + 10);
    });
    IN_CHILD({
        struct rlimit space = { 64 << 20, 64 << 20 };
        setrlimit(RLIMIT_AS, &space);
        SHOW(MAP(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    });
}

static int deep(int n)
{
    volatile char frame[1024];
    frame[0] = n;
    return n == 0 ? 0 : deep(n - 1) + frame[0] * 0;
}

static void stack(void)
{
    SHOW(deep(2000));
    IN_CHILD({
        struct rlimit small = { 256 << 10, 256 << 10 };
        setrlimit(RLIMIT_STACK, &small);
        signal(SIGSEGV, SIG_DFL);
        deep(20000);
    });
}

static void anonymous_files(void)
{
    int fd;
    WORKS(fd = memfd_create("name", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(write(fd, "memory", 6));
    char link[64] = "", path[32];
    sprintf(path, "/proc/self/fd/%d", fd);
    readlink(path, link, sizeof link - 1);
    printf("%s\n", link);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(ftruncate(fd, 3));
    SHOW(ftruncate(fd, 100));
    SHOW(pwrite(fd, "x", 1, 0));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(pwrite(fd, "x", 1, 0));
    SHOW(MAP(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    WORKS(fd = memfd_create("plain", 0));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    SHOW(memfd_create("bad", 0x100));
    SHOW(memfd_create(BAD, 0));
    char name[260];
    memset(name, 'n', sizeof name);
    name[259] = 0;
    SHOW(memfd_create(name, 0));
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    anonymous();
    files();
    moves();
    advice();
    heap();
    stack();
    anonymous_files();
    return 0;
}
