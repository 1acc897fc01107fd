/* Mappings that are sealed: what may be done to them, and what may not.
 * linux: 6.10
 * covers: mseal
 */
#include "check.h"
#include <sys/mman.h>

#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define TRY(...) (mmap(__VA_ARGS__) == MAP_FAILED ? -1 : 0)
#define MOVE(...) (mremap(__VA_ARGS__) == MAP_FAILED ? -1 : 0)

static long seal(void *start, unsigned long length, unsigned long flags) { return syscall(SYS_mseal, start, length, flags); }

int main(void)
{
    char *p = mmap((void *)0x5a0000000000, 8 * PAGE, PROT_READ | PROT_WRITE, ANON | MAP_FIXED, -1, 0);
    memset(p, 's', 8 * PAGE);
    SHOW(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
    SHOW(seal(p + 2 * PAGE, 3 * PAGE, 0));
    SHOW(seal(p + 2 * PAGE, 3 * PAGE, 0));
    SHOW(munmap(p, 8 * PAGE));
    SHOW(munmap(p + 4 * PAGE, 2 * PAGE));
    SHOW(munmap(p + 3 * PAGE, PAGE));
    SHOW(mprotect(p + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE));
    SHOW(mprotect(p + PAGE, 2 * PAGE, PROT_NONE));
    SHOW(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE));
    SHOW(MOVE(p + 3 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    SHOW(MOVE(p + 3 * PAGE, 2 * PAGE, PAGE, 0));
    SHOW(MOVE(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 3 * PAGE));
    SHOW(TRY(p + 3 * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0));
    SHOW(TRY(p + 5 * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0));
    /* What can't be written to can't be thrown away. */
    SHOW(madvise(p + 2 * PAGE, PAGE, MADV_DONTNEED));
    SHOW(madvise(p + 2 * PAGE, PAGE, MADV_FREE));
    SHOW(madvise(p + 2 * PAGE, PAGE, MADV_DONTFORK));
    SHOW(madvise(p + 2 * PAGE, PAGE, MADV_WIPEONFORK));
    SHOW(madvise(p + 2 * PAGE, PAGE, MADV_WILLNEED));
    SHOW(madvise(p + 3 * PAGE, PAGE, MADV_DONTNEED));
    printf("%c %d %c\n", p[2 * PAGE], p[3 * PAGE], p[4 * PAGE]);
    p[3 * PAGE] = 'w';
    SHOW(mlock(p + 3 * PAGE, PAGE));
    SHOW(munlock(p + 3 * PAGE, PAGE));
    IN_CHILD(SHOW(munmap(p + 2 * PAGE, PAGE)); SHOW(p[3 * PAGE]));
    char *start = (char *)syscall(SYS_brk, 0);
    char *page = (char *)(((uintptr_t)start + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
    HOLDS((char *)syscall(SYS_brk, page + 4 * PAGE) == page + 4 * PAGE);
    SHOW(seal(page + PAGE, PAGE, 0));
    HOLDS((char *)syscall(SYS_brk, page + PAGE) == page + 4 * PAGE);
    HOLDS((char *)syscall(SYS_brk, page + 2 * PAGE) == page + 2 * PAGE);
    SHOW(seal(p, PAGE, 1));
    SHOW(seal(p + 1, PAGE, 0));
    SHOW(seal(p, -1UL, 0));
    SHOW(seal(p, -2UL * PAGE, 0));
    SHOW(seal(p, 0, 0));
    SHOW(seal((void *)0x600000000000, PAGE, 0));
    munmap(p + 6 * PAGE, PAGE);
    SHOW(seal(p + 5 * PAGE, 3 * PAGE, 0));
    SHOW(munmap(p + 5 * PAGE, PAGE));
    return 0;
}
