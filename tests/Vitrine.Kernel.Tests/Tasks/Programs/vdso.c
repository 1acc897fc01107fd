/* Times from the vDSO, found through the auxiliary vector, lie between times from the system call. */
#define _GNU_SOURCE
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const char *base;

static void *find(const char *name)
{
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)base;
    const Elf64_Phdr *segments = (const Elf64_Phdr *)(base + header->e_phoff);
    const Elf64_Dyn *dynamic = NULL;
    for (int i = 0; i < header->e_phnum; i++)
        if (segments[i].p_type == PT_DYNAMIC)
            dynamic = (const Elf64_Dyn *)(base + segments[i].p_offset);
    const Elf64_Sym *symbols = NULL;
    const char *strings = NULL;
    const Elf64_Word *hash = NULL;
    for (; dynamic->d_tag; dynamic++) {
        const char *at = base + dynamic->d_un.d_ptr;
        if (dynamic->d_tag == DT_SYMTAB) symbols = (const Elf64_Sym *)at;
        if (dynamic->d_tag == DT_STRTAB) strings = at;
        if (dynamic->d_tag == DT_HASH) hash = (const Elf64_Word *)at;
    }
    for (Elf64_Word i = 0; i < hash[1]; i++)
        if (!strcmp(strings + symbols[i].st_name, name))
            return (void *)(base + symbols[i].st_value);
    return NULL;
}

static long long nanoseconds(struct timespec t) { return t.tv_sec * 1000000000LL + t.tv_nsec; }

int main(void)
{
    base = (const char *)getauxval(AT_SYSINFO_EHDR);
    int (*gettime)(clockid_t, struct timespec *) = find("__vdso_clock_gettime");
    int (*getday)(struct timeval *, struct timezone *) = find("__vdso_gettimeofday");
    time_t (*gettime_s)(time_t *) = find("__vdso_time");
    int (*getres)(clockid_t, struct timespec *) = find("__vdso_clock_getres");
    int (*cpu)(unsigned *, unsigned *, void *) = find("__vdso_getcpu");
    static const clockid_t clocks[] = { 0, 1, 4, 5, 6, 7, 11, 2, 3 };
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        struct timespec before, between, after, one, two;
        syscall(SYS_clock_gettime, clocks[i], &before);
        if (gettime(clocks[i], &between) != 0) return printf("clock %d\n", clocks[i]), 1;
        syscall(SYS_clock_gettime, clocks[i], &after);
        if (nanoseconds(before) > nanoseconds(between) || nanoseconds(between) > nanoseconds(after))
            return printf("clock %d: %lld %lld %lld\n", clocks[i], nanoseconds(before), nanoseconds(between), nanoseconds(after)), 1;
        if (getres(clocks[i], &one) != syscall(SYS_clock_getres, clocks[i], &two) || nanoseconds(one) != nanoseconds(two))
            return printf("resolution %d\n", clocks[i]), 1;
    }
    struct timeval t1, t2, t3;
    syscall(SYS_gettimeofday, &t1, NULL);
    getday(&t2, NULL);
    syscall(SYS_gettimeofday, &t3, NULL);
    if (timercmp(&t1, &t2, >) || timercmp(&t2, &t3, >)) return puts("gettimeofday"), 1;
    time_t a = syscall(SYS_time, NULL), b, c = gettime_s(&b), d = syscall(SYS_time, NULL);
    if (a > c || b != c || c > d) return puts("time"), 1;
    unsigned number = 99, node = 99;
    if (cpu(&number, &node, NULL) != 0 || number != 0 || node != 0) return puts("getcpu"), 1;
    struct timespec bad;
    if (gettime(99, &bad) != -22) return puts("bad clock"), 1;
    puts("ok");
    return 0;
}
