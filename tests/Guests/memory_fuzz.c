/* Memory calls at random over a window of pages, the same for each seed: what they return and what the pages hold
 * afterwards must be the same everywhere.
 * covers: mmap munmap mprotect mremap madvise mlock munlock msync mincore
 */
#include "check.h"
#include <setjmp.h>
#include <sys/mman.h>

#define WINDOW 64
#define BASE ((char *)0x200000000000)
#define FILE_PAGES 24

static sigjmp_buf jump;
static volatile int caught, code;
static unsigned long state, hash;
static int file, read_only;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    caught = signal;
    code = info->si_code;
    siglongjmp(jump, 1);
}

static unsigned below(unsigned n)
{
    state = state * 6364136223846793005UL + 1442695040888963407UL;
    return (unsigned)(state >> 33) % n;
}

static void mix(long value) { hash = (hash ^ value) * 1099511628211UL + 7; }

static int load(char *p)
{
    volatile int value = 0;
    caught = 0;
    if (sigsetjmp(jump, 1) == 0)
        value = *(volatile char *)p;
    return caught ? -(caught * 10 + code) : value;
}

static int store(char *p, char value)
{
    caught = 0;
    if (sigsetjmp(jump, 1) == 0)
        *(volatile char *)p = value;
    return caught ? -(caught * 10 + code) : 0;
}

static void sweep(void)
{
    for (int i = 0; i < WINDOW; i++)
        mix(load(BASE + i * PAGE + 17));
}

static int forked(void)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < WINDOW; i += 3)
            store(BASE + i * PAGE + 17, (char)i);
        sweep();
        _exit(hash & 127);
    }
    int status;
    waitpid(child, &status, 0);
    return status;
}

static long move(char *p, unsigned start, unsigned length, unsigned kind, unsigned to, unsigned size)
{
    int flags = kind == 1 || kind == 2 ? MREMAP_MAYMOVE | MREMAP_FIXED
        : kind == 3 ? MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP
        : kind == 4 ? MREMAP_FIXED : 0;
    if (kind == 1 || kind == 2) {
        /* Moving several mappings at once without a change of size is for younger kernels. */
        if (size == length)
            size = length > 1 ? length - 1 : 2;
        if (to + size > WINDOW)
            to = WINDOW - size;
    } else if (kind == 3) {
        length = size = 1;
    }
    if (!(flags & MREMAP_FIXED) && start + size > WINDOW)
        size = WINDOW - start;
    return (long)mremap(p, length * PAGE, size * PAGE, flags, BASE + to * PAGE);
}

static long step(void)
{
    static const int protections[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ,
        PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC, PROT_WRITE, PROT_EXEC };
    static const int advice[] = { 0, 1, 2, 3, 4, 4, 4, 4, 9, 10, 11, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 77 };
    static const int syncs[] = { MS_SYNC, MS_ASYNC, MS_INVALIDATE, MS_SYNC | MS_INVALIDATE };
    unsigned start = below(WINDOW), length = 1 + below(12), op = below(16), x = below(1000), y = below(WINDOW), z = below(12) + 1;
    if (start + length > WINDOW)
        length = WINDOW - start;
    if (y + z > WINDOW)
        z = WINDOW - y;
    char *p = BASE + start * PAGE, bytes[4] = "";
    unsigned char vector[WINDOW];
    int protection = protections[x % 10];
    long result = 0;
    switch (op) {
    case 0:
    case 1:
        return (long)mmap(p, length * PAGE, protection, MAP_FIXED | MAP_ANONYMOUS | (x / 10 % 3 ? MAP_PRIVATE : MAP_SHARED)
            | (x / 30 % 7 == 0 ? MAP_POPULATE : 0) | (x / 30 % 7 == 1 ? MAP_NORESERVE : 0), -1, 0);
    case 2:
    case 3:
        return (long)mmap(p, length * PAGE, protection, MAP_FIXED | (x / 10 % 2 ? MAP_PRIVATE : MAP_SHARED), x / 20 % 4 ? file : read_only,
            y % 30 * PAGE);
    case 4:
        return munmap(p, length * PAGE);
    case 5:
    case 6:
        return mprotect(p, length * PAGE, protection);
    case 7:
        return move(p, start, length, x % 6, y, z);
    case 8:
        return madvise(p, length * PAGE, advice[x % 23]);
    case 9:
        return x & 1 ? mlock(p, length * PAGE) : munlock(p, length * PAGE);
    case 10:
        return msync(p, length * PAGE, syncs[x % 4]);
    case 11:
        return mincore(p, length * PAGE, vector);
    case 12:
        for (unsigned k = 0; k < length; k++)
            mix(result = store(p + k * PAGE + 17, (char)(x + k)));
        return result;
    case 13:
        bytes[0] = (char)x;
        return x % 3 == 0 ? ftruncate(file, x % 33 * PAGE + x % 7 * 100) : pwrite(file, bytes, 1, y % 30 * PAGE + 17);
    case 14:
        return x % 8 == 0 ? forked() : load(p + 17);
    default:
        /* Files read into and written from memory that may map them. */
        load(p + 17);
        if (caught)
            return 0;
        return x & 1 ? pwrite(file, p + 16, 3, y % 30 * PAGE + 16) : pread(file, p + 16, 3, y % 30 * PAGE + 16);
    }
}

static void run(unsigned long seed, int steps)
{
    state = seed;
    hash = 0;
    munmap(BASE, WINDOW * PAGE);
    ftruncate(file, 0);
    ftruncate(file, FILE_PAGES * PAGE);
    for (int i = 0; i < steps; i++) {
        errno = 0;
        long result = step();
        mix(result == -1 ? -1000 - errno : result);
        if (i % 8 == 0)
            sweep();
        if (i % 250 == 249)
            printf("seed %lu, %d steps: %016lx\n", seed, i + 1, hash);
    }
}

int main(int count, char **arguments)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    file = open("pages", O_RDWR | O_CREAT | O_TRUNC, 0600);
    read_only = open("pages", O_RDONLY);
    if (count > 2) {
        run(strtoul(arguments[1], NULL, 0), atoi(arguments[2]));
        return 0;
    }
    static const unsigned long seeds[] = { 1, 7, 48, 51, 62, 1001, 20261120 };
    for (unsigned i = 0; i < sizeof seeds / sizeof *seeds; i++)
        run(seeds[i], 1000);
    return 0;
}
