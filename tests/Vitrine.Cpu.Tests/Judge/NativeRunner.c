/*
 * The native half of the processor's judge: runs single instructions on the host's own processor.
 *
 * A file shared with the test process holds a header, batches of instances and their results. The runner
 * maps the arena that the header describes at the guest's own addresses, and for each instance lets the
 * kernel's sigreturn load the complete register file. The instruction under test is followed by INT3 bytes,
 * so that whatever happens, a trap or a fault, ends in the one signal handler, which reads the complete
 * register file from the signal frame, notes how memory changed, restores it and goes on with the next.
 *
 * Freestanding, because FS and GS belong to the instances: no libc, no thread-local data, no stack protector.
 * Linked far above 4 GiB, so that no 32-bit address and nothing near the arena can hit the runner itself.
 *
 * Protocol: argv[1] is the file; a 4-byte count on descriptor 0 starts a batch, one byte on descriptor 1 ends it.
 */

#include <stddef.h>
#include <stdint.h>
#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/ucontext.h>
#include <asm/unistd.h>
#include <linux/mman.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define PAGE 4096u
#define MAX_PAGES 32u

struct mapping { u64 address; u32 page; u32 protection; };

struct header {
    u64 magic;
    u32 pages, mappings;
    u32 instance_offset, instance_stride;
    u32 result_offset, result_stride;
    u32 content_offset, reserved;
    struct mapping mapping[MAX_PAGES];
};

struct patch { u32 arena_offset; u16 length; u16 data_offset; };

struct state {
    u64 gpr[16];
    u64 rip, rflags, fs_base, gs_base;
    u8 fx[512];
    u8 high[256];                         /* upper halves of the YMM registers */
};

struct instance {
    struct state state;
    u32 patches, flags;
    struct patch patch[6];
};

struct difference { u32 arena_offset, reserved; u64 value; };

struct result {
    struct state state;
    u32 vector, error;
    u64 cr2;
    u16 selectors[8];
    u32 differences, reserved;
    struct difference difference[];
};

/* Where this program is linked. */
#define RUNNER 0x7e0000000000u

enum { INSTANCE_TOUCHES_SEGMENTS = 1 };

/* The part of the FXSAVE image that is state; what follows it in a signal frame is the kernel's. */
#define FX_STATE 416u
#define FX_MXCSR_MASK 28u

static struct header *header;
static u8 *shadow;                        /* the arena, always writable */
static u8 expected[MAX_PAGES * PAGE];     /* its content before the instruction */
static u8 pristine[MAX_PAGES * PAGE];     /* its content without patches */
static u8 alternate_stack[65536] __attribute__((aligned(64)));
static u8 writable[MAX_PAGES];

static int running;
static u32 current, count;
static struct sigcontext_64 home;
static u8 home_fx[FX_STATE];
static u64 fs_base, gs_base;

static long call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall" : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static void die(int status)
{
    call(__NR_exit_group, status, 0, 0, 0, 0, 0);
    __builtin_unreachable();
}

void *memcpy(void *to, const void *from, size_t n)
{
    void *start = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
    return start;
}

void *memset(void *to, int value, size_t n)
{
    void *start = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
    return start;
}

enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS = 0x1002, ARCH_GET_FS = 0x1003, ARCH_GET_GS = 0x1004 };

static u64 get_base(int code)
{
    u64 value = 0;
    call(__NR_arch_prctl, code, (long)&value, 0, 0, 0, 0);
    return value;
}

/* Indices into the kernel's register order for RAX RCX RDX RBX RSP RBP RSI RDI R8..R15. */
static u64 *gpr_slot(struct sigcontext_64 *c, int i)
{
    switch (i) {
    case 0: return (u64 *)&c->ax;
    case 1: return (u64 *)&c->cx;
    case 2: return (u64 *)&c->dx;
    case 3: return (u64 *)&c->bx;
    case 4: return (u64 *)&c->sp;
    case 5: return (u64 *)&c->bp;
    case 6: return (u64 *)&c->si;
    case 7: return (u64 *)&c->di;
    default: return (u64 *)&c->r8 + (i - 8);
    }
}

/* Where the AVX part of a signal frame's XSAVE area lies: CPUID leaf 13, sub-leaf 2. */
static u32 avx_offset;

static int has_avx(const u8 *fx)
{
    return *(const u32 *)(fx + 464) == 0x46505853u && (*(const u64 *)(fx + 472) & 4);
}

static struct instance *instance_at(u32 i)
{
    return (struct instance *)((u8 *)header + header->instance_offset + (u64)i * header->instance_stride);
}

static struct result *result_at(u32 i)
{
    return (struct result *)((u8 *)header + header->result_offset + (u64)i * header->result_stride);
}

static void load(struct sigcontext_64 *c, const struct instance *in)
{
    for (u32 i = 0; i < in->patches; i++) {
        const struct patch *p = &in->patch[i];
        memcpy(shadow + p->arena_offset, (const u8 *)in + p->data_offset, p->length);
        memcpy(expected + p->arena_offset, (const u8 *)in + p->data_offset, p->length);
    }
    for (int i = 0; i < 16; i++)
        *gpr_slot(c, i) = in->state.gpr[i];
    c->ip = in->state.rip;
    c->flags = in->state.rflags;
    c->cs = 0x33;
    c->ss = 0x2b;

    u8 *fx = (u8 *)c->fpstate;
    memcpy(fx, in->state.fx, FX_MXCSR_MASK);
    memcpy(fx + 32, in->state.fx + 32, FX_STATE - 32);
    if (*(u32 *)(fx + 464) == 0x46505853u)          /* FP_XSTATE_MAGIC1: an XSAVE header follows */
        *(u64 *)(fx + 512) |= 3;
    if (has_avx(fx)) {
        memcpy(fx + avx_offset, in->state.high, 256);
        *(u64 *)(fx + 512) |= 4;
    }

    if (fs_base != in->state.fs_base) {
        call(__NR_arch_prctl, ARCH_SET_FS, (long)in->state.fs_base, 0, 0, 0, 0);
        fs_base = in->state.fs_base;
    }
    if (gs_base != in->state.gs_base) {
        call(__NR_arch_prctl, ARCH_SET_GS, (long)in->state.gs_base, 0, 0, 0, 0);
        gs_base = in->state.gs_base;
    }
}

static void store(const struct sigcontext_64 *c, const struct instance *in, struct result *out)
{
    for (int i = 0; i < 16; i++)
        out->state.gpr[i] = *gpr_slot((struct sigcontext_64 *)c, i);
    out->state.rip = c->ip;
    out->state.rflags = c->flags;
    out->state.fs_base = fs_base;
    out->state.gs_base = gs_base;
    const u8 *fx = (const u8 *)c->fpstate;
    memcpy(out->state.fx, fx, FX_STATE);
    if (has_avx(fx) && (*(const u64 *)(fx + 512) & 4))
        memcpy(out->state.high, fx + avx_offset, 256);
    else
        memset(out->state.high, 0, 256);
    out->vector = (u32)c->trapno;
    out->error = (u32)c->err;
    out->cr2 = c->cr2;

    u16 s[6];
    __asm__ volatile("mov %%ds,%0" : "=r"(s[1]));
    __asm__ volatile("mov %%es,%0" : "=r"(s[2]));
    __asm__ volatile("mov %%fs,%0" : "=r"(s[3]));
    __asm__ volatile("mov %%gs,%0" : "=r"(s[4]));
    s[0] = c->cs;
    s[5] = c->ss;
    for (int i = 0; i < 6; i++)
        out->selectors[i] = s[i];
    if (in->flags & INSTANCE_TOUCHES_SEGMENTS) {
        out->state.fs_base = get_base(ARCH_GET_FS);
        out->state.gs_base = get_base(ARCH_GET_GS);
        __asm__ volatile("mov %0,%%ds; mov %0,%%es; mov %0,%%fs; mov %0,%%gs" : : "r"(0));
        fs_base = gs_base = 1;                       /* loaded anew before the next instance */
    }

    /* What changed, word by word; then everything back to the pristine content. */
    u32 n = 0, room = (header->result_stride - (u32)offsetof(struct result, difference)) / sizeof(struct difference);
    for (u32 page = 0; page < header->pages; page++) {
        if (!writable[page])
            continue;
        u64 *now = (u64 *)(shadow + page * PAGE), *before = (u64 *)(expected + page * PAGE);
        for (u32 i = 0; i < PAGE / 8; i += 8) {
            u64 any = 0;
            for (u32 k = 0; k < 8; k++)
                any |= now[i + k] ^ before[i + k];
            if (!any)
                continue;
            for (u32 k = i; k < i + 8; k++)
                if (now[k] != before[k]) {
                    if (n < room) {
                        out->difference[n].arena_offset = page * PAGE + k * 8;
                        out->difference[n].value = now[k];
                    }
                    n++;
                    now[k] = before[k];
                }
        }
    }
    out->differences = n;
    for (u32 i = 0; i < in->patches; i++) {
        const struct patch *p = &in->patch[i];
        memcpy(shadow + p->arena_offset, pristine + p->arena_offset, p->length);
        memcpy(expected + p->arena_offset, pristine + p->arena_offset, p->length);
    }
}

/*
 * AC may be set by the instruction under test; it must not reach code of the compiler's. ID and NT are not loaded
 * by sigreturn: the handler's own go on, so they must be clear.
 */
__asm__(".text\n"
        "handler_entry:\n"
        "  pushfq\n"
        "  andl $~0x244000, (%rsp)\n"
        "  popfq\n"
        "  jmp handler\n"
        "restorer:\n"
        "  mov $15, %eax\n"                          /* rt_sigreturn */
        "  syscall\n");
extern char handler_entry[], restorer[];

__attribute__((used)) static void handler(int number, struct siginfo *info, struct ucontext *uc)
{
    struct sigcontext_64 *c = (struct sigcontext_64 *)&uc->uc_mcontext;
    (void)number;
    (void)info;
    if (!running) {
        if (c->trapno != 3)
            die(90);                                 /* the runner itself is at fault */
        home = *c;
        memcpy(home_fx, (void *)c->fpstate, FX_STATE);
        running = 1;
        current = 0;
    } else {
        if (c->ip >= RUNNER && c->ip < RUNNER + sizeof expected * 4)
            die(91);
        store(c, instance_at(current), result_at(current));
        current++;
    }
    if (current < count) {
        load(c, instance_at(current));
        return;
    }
    running = 0;
    u64 frame = (u64)c->fpstate;
    *c = home;
    c->fpstate = frame;
    memcpy((void *)frame, home_fx, FX_STATE);
}

static long read_all(int fd, void *to, long n)
{
    u8 *at = to;
    while (n > 0) {
        long got = call(__NR_read, fd, (long)at, n, 0, 0, 0);
        if (got <= 0)
            return got;
        at += got;
        n -= got;
    }
    return 1;
}

__attribute__((used)) static void start(long *stack)
{
    const char *path = (const char *)stack[2];
    if (stack[0] < 2)
        die(2);
    long fd = call(__NR_open, (long)path, 2, 0, 0, 0, 0);
    if (fd < 0)
        die(3);
    u64 stat[32];
    call(__NR_fstat, fd, (long)stat, 0, 0, 0, 0);
    long file = call(__NR_mmap, 0, (long)stat[6], 3, MAP_SHARED, fd, 0);
    if (file < 0 && file > -4096)
        die(4);
    header = (struct header *)file;
    if (header->pages > MAX_PAGES || header->mappings > MAX_PAGES)
        die(5);

    long arena = call(__NR_memfd_create, (long)"arena", 0, 0, 0, 0, 0);
    u64 size = (u64)header->pages * PAGE;
    if (arena < 0 || call(__NR_ftruncate, arena, (long)size, 0, 0, 0, 0) < 0)
        die(6);
    long at = call(__NR_mmap, 0, (long)size, 3, MAP_SHARED | MAP_POPULATE, arena, 0);
    if (at < 0 && at > -4096)
        die(7);
    shadow = (u8 *)at;
    memcpy(shadow, (u8 *)header + header->content_offset, size);
    memcpy(expected, shadow, size);
    memcpy(pristine, shadow, size);
    for (u32 i = 0; i < header->mappings; i++) {
        struct mapping *m = &header->mapping[i];
        if (m->protection & 2)
            writable[m->page] = 1;
        if (call(__NR_mmap, (long)m->address, PAGE, (long)m->protection,
                 MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, arena, (long)m->page * PAGE) != (long)m->address)
            die(8);
    }

    u32 leaf = 13, sub = 2, rest;
    __asm__("cpuid" : "+a"(leaf), "=b"(avx_offset), "+c"(sub), "=d"(rest));

    stack_t alternate = { .ss_sp = alternate_stack, .ss_size = sizeof alternate_stack };
    if (call(__NR_sigaltstack, (long)&alternate, 0, 0, 0, 0, 0) < 0)
        die(9);
    static const int signals[] = { SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV };
    for (u32 i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action = {
            .sa_handler = (__sighandler_t)(void *)handler_entry,
            .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTORER,
            .sa_restorer = (void (*)(void))(void *)restorer,
        };
        if (call(__NR_rt_sigaction, signals[i], (long)&action, 0, 8, 0, 0) < 0)
            die(10);
    }

    while (read_all(0, &count, sizeof count) > 0) {
        if (count != 0)
            __asm__ volatile("int3" : : : "memory");
        if (call(__NR_write, 1, (long)"k", 1, 0, 0, 0) != 1)
            die(11);
    }
    die(0);
}

__asm__(".globl _start\n"
        "_start:\n"
        "  mov %rsp, %rdi\n"
        "  and $-16, %rsp\n"
        "  call start\n");
