/* The state of AVX: across signals and in their frames, in forked children, between tasks that take turns; what faults leave
 * of it; trapped exceptions; what cpuid, xgetbv and the auxiliary vector say about it; FS and GS bases; random numbers.
 * cflags: -mno-avx
 * link: static dynamic
 * processor: avx2 fma fsgsbase rdrand rdpid xsaveopt xsavec
 */
#include "check.h"
#include <asm/prctl.h>
#include <cpuid.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <ucontext.h>

typedef struct { uint64_t word[16][4]; } registers;

#define EACH(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define LOAD(n) "vmovdqu " #n "*32(%0), %%ymm" #n "\n\t"
#define STORE(n) "vmovdqu %%ymm" #n ", " #n "*32(%0)\n\t"
#define ALL "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

static void fill(registers *r, uint64_t seed)
{
    for (int i = 0; i < 64; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        (&r->word[0][0])[i] = seed;
    }
}

/* Loads all registers, makes a system call, and reads them again. */
static long call_with(const registers *before, registers *after, long number, long a, long b, long c)
{
    long result;
    __asm__ volatile(EACH(LOAD) : : "r"(before) : ALL, "memory");
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    __asm__ volatile(EACH(STORE) "vzeroupper" : : "r"(after) : ALL, "memory");
    return result;
}

static int same(const registers *a, const registers *b) { return memcmp(a, b, sizeof *a) == 0; }

static unsigned long xgetbv(unsigned which)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(which));
    return low | (unsigned long)high << 32;
}

/* ---- identification ---- */

static void identification(void)
{
    unsigned a, b, c, d;
    __cpuid(1, a, b, c, d);
    HOLDS((c & bit_OSXSAVE) && (c & bit_AVX) && (c & bit_FMA));
    HOLDS((xgetbv(0) & 7) == 7);
    HOLDS((xgetbv(1) & ~xgetbv(0)) == 0);
    __cpuid_count(13, 0, a, b, c, d);
    HOLDS((a & 7) == 7);
    HOLDS(b >= 832 && c >= b);
    __cpuid_count(13, 2, a, b, c, d);
    printf("avx state: %u bytes at %u\n", a, b);
    HOLDS((getauxval(AT_HWCAP2) & 2) != 0);
    HOLDS(getauxval(AT_MINSIGSTKSZ) >= 440 + 836);
}

/* ---- signals ---- */

struct software { uint32_t magic1, extended_size; uint64_t xfeatures; uint32_t xstate_size; };

static registers in_frame, at_entry;
static int frame_is_good, change;

static void on_signal(int number, siginfo_t *info, void *context)
{
    __asm__ volatile(EACH(STORE) : : "r"(&at_entry) : "memory");
    ucontext_t *u = context;
    uint8_t *fpu = (uint8_t *)u->uc_mcontext.fpregs;
    struct software *s = (struct software *)(fpu + 464);
    frame_is_good = s->magic1 == 0x46505853 && s->extended_size == s->xstate_size + 4 && (s->xfeatures & 7) == 7
        && *(uint32_t *)(fpu + s->xstate_size) == 0x46505845 && ((uintptr_t)fpu & 63) == 0;
    uint64_t *present = (uint64_t *)(fpu + 512);
    for (int i = 0; i < 16; i++) {
        memcpy(in_frame.word[i], fpu + 160 + 16 * i, 16);
        memcpy(in_frame.word[i] + 2, fpu + 576 + 16 * i, 16);
    }
    if (!(*present & 4))
        for (int i = 0; i < 16; i++)
            in_frame.word[i][2] = in_frame.word[i][3] = 0;
    switch (change) {
    case 1:                                          /* another value in a register's upper half */
        *(uint64_t *)(fpu + 576 + 16 * 5) = 0x1122334455667788;
        break;
    case 2:                                          /* the AVX part holds its initial value */
        *present &= ~4ul;
        break;
    case 3:                                          /* only the legacy part is there */
        s->magic1 = 0;
        break;
    case 4:                                          /* the closing magic is missing */
        *(uint32_t *)(fpu + s->xstate_size) = 0;
        break;
    case 5:                                          /* AVX isn't among what is to be restored */
        s->xfeatures &= ~4ul;
        break;
    }
    registers junk;
    fill(&junk, 99);
    __asm__ volatile(EACH(LOAD) : : "r"(&junk) : "memory");
}

static void signals(void)
{
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
    sigaction(SIGUSR1, &action, NULL);
    static const registers zero;
    registers before, after, expected;
    for (change = 0; change <= 5; change++) {
        fill(&before, 1 + change);
        expected = before;
        if (change == 1)
            expected.word[5][2] = 0x1122334455667788;
        if (change >= 2)
            for (int i = 0; i < 16; i++)
                expected.word[i][2] = expected.word[i][3] = 0;
        memset(&after, 0, sizeof after);
        call_with(&before, &after, SYS_kill, getpid(), SIGUSR1, 0);
        printf("change %d: frame %d, registers in it %d, clean at entry %d, back %d\n", change, frame_is_good,
               same(&in_frame, &before), same(&at_entry, &zero), same(&after, &expected));
    }
    change = 0;

    /* Registers whose upper halves are zero come back so, too. */
    for (int i = 0; i < 16; i++)
        before.word[i][2] = before.word[i][3] = 0;
    call_with(&before, &after, SYS_kill, getpid(), SIGUSR1, 0);
    HOLDS(same(&in_frame, &before) && same(&after, &before));

    /* On an alternate stack of just the size that a frame needs, and what the handler uses. */
    stack_t stack = { .ss_sp = malloc(8192), .ss_size = getauxval(AT_MINSIGSTKSZ) + 2048 };
    HOLDS(sigaltstack(&stack, NULL) == 0);
    action.sa_flags |= SA_ONSTACK;
    sigaction(SIGUSR1, &action, NULL);
    fill(&before, 77);
    call_with(&before, &after, SYS_kill, getpid(), SIGUSR1, 0);
    HOLDS(same(&in_frame, &before) && same(&after, &before));
}

/* ---- tasks ---- */

static void forks(void)
{
    registers before, after;
    fill(&before, 7);
    int ends[2];
    pipe(ends);
    pid_t child = call_with(&before, &after, SYS_fork, 0, 0, 0);
    if (child == 0) {
        char good = same(&before, &after);
        registers other;
        fill(&other, 8);
        call_with(&other, &after, SYS_getppid, 0, 0, 0);
        good += same(&other, &after) * 2;
        write(ends[1], &good, 1);
        _exit(0);
    }
    char good = 0;
    read(ends[0], &good, 1);
    waitpid(child, NULL, 0);
    printf("fork: child has %d, parent keeps %d\n", good, same(&before, &after));
}

static int wrong;

static void *take_turns(void *argument)
{
    uintptr_t seed = (uintptr_t)argument;
    for (int i = 0; i < 200; i++) {
        registers before, after;
        fill(&before, seed * 1000 + i);
        call_with(&before, &after, SYS_sched_yield, 0, 0, 0);
        if (!same(&before, &after))
            __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void turns(void)
{
    pthread_t thread[4];
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, take_turns, (void *)(i + 1));
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    printf("turns: %d wrong\n", wrong);
}

/* ---- XSAVE and its kin ---- */

static uint8_t area[4096] __attribute__((aligned(64)));

#define SAVE(instruction) \
    do { \
        registers before, after; \
        fill(&before, 21); \
        memset(area, 0, sizeof area); \
        __asm__ volatile(EACH(LOAD) : : "r"(&before) : ALL, "memory"); \
        __asm__ volatile(instruction " %0" : "+m"(area) : "a"(6), "d"(0) : "memory"); \
        __asm__ volatile("vzeroall" : : : ALL); \
        __asm__ volatile("xrstor %0" : : "m"(area), "a"(6), "d"(0) : ALL, "memory"); \
        __asm__ volatile(EACH(STORE) "vzeroupper" : : "r"(&after) : ALL, "memory"); \
        printf(instruction ": xstate_bv %lx xcomp_bv %lx, back %d\n", (unsigned long)*(uint64_t *)(area + 512), \
               (unsigned long)*(uint64_t *)(area + 520), same(&before, &after)); \
    } while (0)

static void saving(void)
{
    SAVE("xsave");
    SAVE("xsaveopt");
    SAVE("xsavec");
}

/* ---- faults ---- */

static sigjmp_buf out;
static siginfo_t seen;
static void *mended;

static void on_fault(int number, siginfo_t *info, void *context)
{
    seen = *info;
    if (mended != NULL) {
        mprotect(mended, PAGE, PROT_READ | PROT_WRITE);
        mended = NULL;
        return;
    }
    siglongjmp(out, number);
}

static void faults(void)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    char *two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 2 * PAGE / 4; i++)
        ((int *)two)[i] = i;

    /* A gather that faults in the middle goes on where it was. */
    int index[8] = { 1000, 1001, 1022, 1023, 1024, 1025, 7, 2000 }, mask[8] = { -1, -1, 0, -1, -1, 0, -1, -1 }, gathered[8], left[8];
    mprotect(two + PAGE, PAGE, PROT_NONE);
    mended = two + PAGE;
    memset(gathered, 0x55, sizeof gathered);
    __asm__ volatile("vmovdqu %1, %%ymm1; vmovdqu %2, %%ymm2; vmovdqu %0, %%ymm3\n\t"
                     "vpgatherdd %%ymm2, (%4,%%ymm1,4), %%ymm3\n\t"
                     "vmovdqu %%ymm3, %0; vmovdqu %%ymm2, %3; vzeroupper"
                     : "+m"(gathered), "+m"(index), "+m"(mask), "=m"(left) : "r"(two) : "xmm1", "xmm2", "xmm3", "memory");
    printf("gather:");
    for (int i = 0; i < 8; i++)
        printf(" %d/%d", gathered[i], left[i]);
    printf(" after a fault at +%ld, code %d\n", (long)((char *)seen.si_addr - two), seen.si_code);

    /* Masked moves don't touch what isn't chosen. */
    mprotect(two + PAGE, PAGE, PROT_NONE);
    int low[8] = { -1, -1, -1, -1, 0, 0, 0, 0 }, loaded[8];
    __asm__ volatile("vmovdqu %1, %%ymm1; vpmaskmovd (%2), %%ymm1, %%ymm2; vmovdqu %%ymm2, %0; vpmaskmovd %%ymm2, %%ymm1, -64(%2); vzeroupper"
                     : "=m"(loaded) : "m"(low), "r"(two + PAGE - 16) : "xmm1", "xmm2", "memory");
    printf("masked load: %d %d %d %d %d; stored %d\n", loaded[0], loaded[1], loaded[2], loaded[3], loaded[4], ((int *)(two + PAGE - 80))[3]);
    if (sigsetjmp(out, 1) == 0) {
        int five[8] = { -1, -1, -1, -1, -1, 0, 0, 0 };
        __asm__ volatile("vmovdqu %0, %%ymm1; vpmaskmovd %%ymm1, %%ymm1, (%1); vzeroupper" : : "m"(five), "r"(two + PAGE - 16) : "xmm1", "memory");
    } else {
        printf("masked store: fault at +%ld, first element %d\n", (long)((char *)seen.si_addr - two), ((int *)(two + PAGE - 16))[0]);
    }

    /* Whole operands: two pages, and alignment where it is asked for. */
    if (sigsetjmp(out, 1) == 0)
        __asm__ volatile("vmovdqu (%0), %%ymm1" : : "r"(two + PAGE - 16) : "xmm1");
    else
        printf("load: fault at +%ld\n", (long)((char *)seen.si_addr - two));
    if (sigsetjmp(out, 1) == 0)
        __asm__ volatile("vaddps (%0), %%ymm1, %%ymm1; vmovdqa 1(%0), %%ymm1" : : "r"(two + 1) : "xmm1");
    else
        printf("unaligned vmovdqa: code %d\n", seen.si_code);
    __asm__ volatile("vzeroupper");

    /* What user code may not do, or what doesn't exist. */
    if (sigsetjmp(out, 1) == 0)
        __asm__ volatile("xsetbv" : : "a"(7), "d"(0), "c"(0));
    else
        printf("xsetbv: signal %d code %d\n", seen.si_signo, seen.si_code);
    if (sigsetjmp(out, 1) == 0)
        xgetbv(77);
    else
        printf("xgetbv of 77: signal %d code %d\n", seen.si_signo, seen.si_code);
    if (sigsetjmp(out, 1) == 0)
        __asm__ volatile(".byte 0xc5, 0xe5, 0x77");  /* vzeroall with VEX.vvvv in use */
    else
        printf("vvvv in use: signal %d code %d\n", seen.si_signo, seen.si_code);
    if (sigsetjmp(out, 1) == 0)
        __asm__ volatile(".byte 0x66, 0xc5, 0xf8, 0x77");
    else
        printf("a prefix before VEX: signal %d code %d\n", seen.si_signo, seen.si_code);
}

/* ---- trapped exceptions ---- */

static void trap(const char *what, unsigned unmasked, const double *x, const double *y)
{
    unsigned control = 0x1f80 & ~(unmasked << 7), after;
    double z[4] = { 1, 1, 1, 1 };
    if (sigsetjmp(out, 1) == 0) {
        __asm__ volatile("ldmxcsr %0; vmovupd %1, %%ymm0; vdivpd %2, %%ymm0, %%ymm1; vmovupd %3, %%ymm2; vfmadd231pd %%ymm0, %%ymm0, %%ymm2\n\t"
                         "vmovupd %%ymm1, %3"
                         : : "m"(control), "m"(*(const double (*)[4])x), "m"(*(const double (*)[4])y), "m"(z) : "xmm0", "xmm1", "xmm2", "memory");
        __asm__ volatile("stmxcsr %0; vzeroupper" : "=m"(after));
        printf("%s: no trap, flags %x, %g %g %g %g\n", what, after & 0x3f, z[0], z[1], z[2], z[3]);
    } else {
        printf("%s: signal %d code %d, z %g\n", what, seen.si_signo, seen.si_code, z[3]);
    }
    control = 0x1f80;
    __asm__ volatile("ldmxcsr %0; vzeroupper" : : "m"(control));
}

static void exceptions(void)
{
    static const double one[4] = { 1, 1, 1, 1 }, zeros[4] = { 1, 1, 1, 0 }, three[4] = { 3, 3, 3, 3 }, small[4] = { 1, 1e-200, 1, 1 },
        large[4] = { 1, 1e200, 1, 1 }, huge[4] = { 2, 2, 2, 1e300 }, nothing[4] = { 0, 0, 0, 0 }, tiny[4] = { 1, 1, 4e-320, 1 };
    trap("zero divide, masked", 0, one, zeros);
    trap("zero divide", 4, one, zeros);
    trap("invalid", 1, nothing, zeros);
    trap("inexact", 32, one, three);
    trap("underflow", 16, small, large);
    trap("overflow", 8, large, small);
    trap("overflow of the fused operation", 8, huge, one);
    trap("denormal", 2, tiny, one);
    trap("masked inexact", 4, one, three);
}

/* ---- bases, numbers ---- */

static void bases(void)
{
    unsigned long fs, told, gs = 0x123456789000, back;
    __asm__ volatile("rdfsbase %0" : "=r"(fs));
    syscall(SYS_arch_prctl, ARCH_GET_FS, &told);
    HOLDS(fs == told);
    __asm__ volatile("wrgsbase %0" : : "r"(gs));
    syscall(SYS_arch_prctl, ARCH_GET_GS, &told);
    HOLDS(told == gs);
    raise(SIGUSR1);
    for (int i = 0; i < 5; i++)
        sched_yield();
    __asm__ volatile("rdgsbase %0" : "=r"(back));
    HOLDS(back == gs);
    IN_CHILD(__asm__ volatile("rdgsbase %0" : "=r"(back)); HOLDS(back == gs));
    __asm__ volatile("wrgsbase %0" : : "r"(0xffffffff12345678));
    __asm__ volatile("rdgsbase %k0" : "=r"(back));
    HOLDS(back == 0x12345678);
    if (sigsetjmp(out, 1) == 0)
        __asm__ volatile("wrgsbase %0" : : "r"(0x0000800000000000));
    else
        printf("wrgsbase of a bad address: signal %d code %d\n", seen.si_signo, seen.si_code);
    __asm__ volatile("wrgsbase %0" : : "r"(0ul));
}

static void numbers(void)
{
    unsigned long first = 0, second = 0, id;
    __asm__ volatile("1: rdrand %0; jnc 1b; 2: rdrand %1; jnc 2b" : "=r"(first), "=r"(second));
    HOLDS(first != second);
    first = ~0ul;
    __asm__ volatile("1: rdrand %w0; jnc 1b" : "+r"(first));
    HOLDS(first >> 16 == 0xffffffffffff);
    __asm__ volatile("1: rdrand %k0; jnc 1b" : "=r"(first));
    HOLDS(first >> 32 == 0);
    int agree = 0;
    for (int i = 0; i < 1000 && !agree; i++) {
        __asm__ volatile("rdpid %0" : "=r"(id));
        agree = (int)(id & 0xfff) == sched_getcpu();
    }
    HOLDS(agree);
}

/* ---- halves ---- */

static void halves(void)
{
    registers before, after;
    fill(&before, 5);
    __asm__ volatile(EACH(LOAD) : : "r"(&before) : ALL, "memory");
    __asm__ volatile("paddd %%xmm1, %%xmm0; vpaddd %%xmm1, %%xmm2, %%xmm3; vmovss %%xmm4, %%xmm5, %%xmm6; movss %%xmm4, %%xmm7\n\t"
                     "vinsertf128 $1, %%xmm8, %%ymm9, %%ymm10; vcvtsi2sd %%rax, %%xmm11, %%xmm12; vpermq $0x1b, %%ymm13, %%ymm14"
                     : : "a"(12345) : ALL);
    __asm__ volatile(EACH(STORE) "vzeroupper" : : "r"(&after) : ALL, "memory");
    for (int i = 0; i < 16; i++)
        printf("ymm%d %016lx %016lx %016lx %016lx\n", i, (unsigned long)after.word[i][3], (unsigned long)after.word[i][2],
               (unsigned long)after.word[i][1], (unsigned long)after.word[i][0]);
}

int main(void)
{
    identification();
    signals();
    forks();
    turns();
    saving();
    faults();
    exceptions();
    bases();
    numbers();
    halves();
    return 0;
}
