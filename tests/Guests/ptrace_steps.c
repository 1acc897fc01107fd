/* ptrace(2): single steps, breakpoints in code, and the debug registers.
 * covers: ptrace */
#include "trace.h"
#include <sys/mman.h>

static volatile long *shared;
static volatile long watched[2];

#define REGISTER(name) offsetof(struct user_regs_struct, name)
#define DEBUG(n) offsetof(struct user, u_debugreg[n])

static unsigned long get(pid_t pid, size_t at)
{
    unsigned long value = 0;
    trace(PTRACE_PEEKUSER, pid, at, (long)&value);
    return value;
}

static void put(pid_t pid, size_t at, unsigned long value)
{
    trace(PTRACE_POKEUSER, pid, at, value);
}

/* What stopped it, in which terms, and how far it is behind a place. */
static void where(pid_t pid, void *from)
{
    siginfo_t info = { 0 };
    trace(PTRACE_GETSIGINFO, pid, 0, (long)&info);
    long off = get(pid, REGISTER(rip)) - (unsigned long)from;
    printf("  +%ld signal %d code %d status %lx\n", off, info.si_signo, info.si_code, get(pid, DEBUG(6)));
}

extern char steps[], steps_end[], copies[], copies_end[], flags[], flags_end[], calls[], calls_end[], self[], self_end[];
extern char reads[], writes[], wide[], both[], runs[], branches[], branches_end[];
asm(".text\n"
    "steps: nop; mov $1, %eax; add %eax, %eax; jmp 1f; nop\n1: push %rax; pop %rax; int3; nop; .byte 0xf3,0x90\nsteps_end: ret\n"
    "copies: cld; mov $3, %ecx; rep movsb; nop\ncopies_end: ret\n"
    "flags: pushfq; pop %rax; push %rax; popfq; nop\nflags_end: ret\n"
    "calls: mov $39, %eax; syscall; nop; mov %r11, %rdx\ncalls_end: ret\n"
    "self: pushfq; orl $0x100, (%rsp); popfq; nop; nop; pushfq; andl $~0x100, (%rsp); popfq\nself_end: ret\n"
    "reads: mov (%rdi), %rax; nop; mov %al, 3(%rdi); nop; mov 8(%rdi), %rax; nop; ret\n"
    "writes: incq (%rdi); nop; movq $5, -4(%rdi); nop; xor %ecx, %ecx; rep movsb; nop; ret\n"
    "wide: movups %xmm0, -8(%rdi); nop; movb $1, 8(%rdi); nop; movb $1, 7(%rdi); nop; push %rax; pop %rax; ret\n"
    "both: mov $4, %ecx; lea 16(%rdi), %rsi; rep movsb; nop; ret\n"
    "runs: nop; nop; mov $3, %ecx\n2: nop; loop 2b; nop; ret\n"
    "branches: nop; nop; jmp 3f; nop\n3: nop; xor %eax, %eax; jne 4f; nop; je 4f; nop\n4: nop\nbranches_end: ret\n");

/* Steps from int3 until the end of a piece of code. */
static void step_through(pid_t pid, char *from, char *end, int most)
{
    while (most-- > 0 && (char *)get(pid, REGISTER(rip)) != end) {
        trace(PTRACE_SINGLESTEP, pid, 0, 0);
        int status;
        waitpid(pid, &status, 0);
        if (!WIFSTOPPED(status)) {
            puts(told(status));
            return;
        }
        where(pid, from);
    }
}

#define BEGIN(code) \
    do { \
        volatile void *to_ = watched, *from_ = watched + 1; \
        asm volatile("int3; call " #code : "+D"(to_), "+S"(from_) : : "rax", "rcx", "rdx", "r11", "memory", "cc"); \
    } while (0)

/* Into the piece of code: over the call that follows the int3. */
static void enter(pid_t pid)
{
    NEXT(pid);
    GO(PTRACE_SINGLESTEP, pid, 0);
}

static void handler(int signal)
{
    *shared += signal;
}

static void single_steps(void)
{
    puts("== single steps");
    pid_t child = TRACED(BEGIN(steps); BEGIN(copies); BEGIN(flags); BEGIN(calls); BEGIN(self));
    trace(PTRACE_CONT, child, 0, 0);
    enter(child);
    step_through(child, steps, steps_end, 20);
    trace(PTRACE_CONT, child, 0, 0);
    enter(child);
    step_through(child, copies, copies_end, 20);
    trace(PTRACE_CONT, child, 0, 0);
    enter(child);
    /* The tracer's flag does not show in the registers. */
    printf("flag %lx\n", get(child, REGISTER(eflags)) & 0x100);
    step_through(child, flags, flags_end, 20);
    trace(PTRACE_CONT, child, 0, 0);
    enter(child);
    step_through(child, calls, calls_end, 20);
    trace(PTRACE_CONT, child, 0, 0);
    /* A program that steps itself. */
    enter(child);
    for (int i = 0; i < 8 && (char *)get(child, REGISTER(rip)) != self_end; i++) {
        trace(PTRACE_CONT, child, 0, 0);
        int status;
        waitpid(child, &status, 0);
        if (!WIFSTOPPED(status)) {
            printf("child: %s\n", told(status));
            return;
        }
        where(child, self);
    }
    GO(PTRACE_CONT, child, 0);
}

static void into_handlers(void)
{
    puts("== handlers");
    pid_t child = TRACED(signal(SIGUSR1, handler); asm volatile("int3; nop; nop; nop"); _exit(*shared));
    GO(PTRACE_CONT, child, 0);
    unsigned long at = get(child, REGISTER(rip));
    kill(child, SIGUSR1);
    GO(PTRACE_SINGLESTEP, child, 0);
    printf("not moved: %d\n", get(child, REGISTER(rip)) == at);
    /* The step leads to the handler's first instruction. */
    GO(PTRACE_SINGLESTEP, child, SIGUSR1);
    where(child, handler);
    printf("flag %lx\n", get(child, REGISTER(eflags)) & 0x100);
    GO(PTRACE_SINGLESTEP, child, 0);
    printf("moved: %d\n", get(child, REGISTER(rip)) != (unsigned long)handler);
    /* Leaving it, one is back. */
    int status;
    do {
        trace(PTRACE_SINGLESTEP, child, 0, 0);
        waitpid(child, &status, 0);
    } while (WIFSTOPPED(status) && get(child, REGISTER(rip)) != at);
    where(child, (void *)at);
    GO(PTRACE_SINGLESTEP, child, 0);
    where(child, (void *)at);
    GO(PTRACE_CONT, child, 0);
}

static void planted(void)
{
    puts("== planted");
    pid_t child = TRACED(BEGIN(runs));
    long old;
    GO(PTRACE_CONT, child, 0);
    trace(PTRACE_PEEKTEXT, child, (long)runs, (long)&old);
    SHOW(trace(PTRACE_POKETEXT, child, (long)runs, (old & ~0xff) | 0xcc));
    GO(PTRACE_CONT, child, 0);
    where(child, runs);
    trace(PTRACE_POKETEXT, child, (long)runs, old);
    put(child, REGISTER(rip), (long)runs);
    GO(PTRACE_SINGLESTEP, child, 0);
    where(child, runs);
    /* In a loop that has run already. */
    trace(PTRACE_PEEKTEXT, child, (long)runs + 7, (long)&old);
    trace(PTRACE_POKETEXT, child, (long)runs + 7, (old & ~0xff) | 0xcc);
    for (int i = 0; i < 3; i++) {
        GO(PTRACE_CONT, child, 0);
        where(child, runs);
        printf("  count %lu\n", get(child, REGISTER(rcx)));
    }
    GO(PTRACE_CONT, child, 0);
}

static void watch(pid_t pid, const char *what, unsigned long address, int kind, int length)
{
    static const int lengths[] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };
    put(pid, DEBUG(7), 0);
    put(pid, DEBUG(0), address);
    printf("%s: ", what);
    SHOW(trace(PTRACE_POKEUSER, pid, DEBUG(7), 1 | kind << 16 | lengths[length] << 18));
    trace(PTRACE_POKEUSER, pid, DEBUG(6), 0);
}

/* Lets it run to its end or the next int3, and tells of every stop on the way. */
static void run(pid_t pid, void *from)
{
    for (int i = 0; i < 12; i++) {
        int status;
        trace(PTRACE_CONT, pid, 0, 0);
        waitpid(pid, &status, 0);
        if (!WIFSTOPPED(status)) {
            printf("  %s\n", told(status));
            return;
        }
        siginfo_t info;
        trace(PTRACE_GETSIGINFO, pid, 0, (long)&info);
        if (info.si_code == SI_KERNEL)
            return;
        where(pid, from);
        put(pid, DEBUG(6), 0);
    }
}

static void breakpoints(void)
{
    puts("== debug registers");
    pid_t child = TRACED({
        asm volatile("int3");
        for (int i = 0; i < 3; i++)
            BEGIN(reads);
        for (int i = 0; i < 2; i++)
            BEGIN(writes);
        for (int i = 0; i < 2; i++)
            BEGIN(wide);
        BEGIN(both);
        for (int i = 0; i < 3; i++)
            BEGIN(runs);
    });
    long data = (long)watched;
    GO(PTRACE_CONT, child, 0);
    for (int i = 0; i < 8; i++)
        printf("%d: %lx\n", i, get(child, DEBUG(i)));
    SHOW(trace(PTRACE_POKEUSER, child, DEBUG(4), 0));
    SHOW(trace(PTRACE_POKEUSER, child, DEBUG(5), 0));
    SHOW(trace(PTRACE_POKEUSER, child, DEBUG(0), -4096));
    SHOW(trace(PTRACE_POKEUSER, child, DEBUG(1), data + 1));
    /* Two bytes at an odd address; a port; code of two bytes. */
    SHOW(trace(PTRACE_POKEUSER, child, DEBUG(7), 4 | 1 << 20 | 1 << 22));
    SHOW(trace(PTRACE_POKEUSER, child, DEBUG(7), 4 | 2 << 20));
    SHOW(trace(PTRACE_POKEUSER, child, DEBUG(7), 4 | 1 << 22));
    printf("control %lx\n", get(child, DEBUG(7)));
    GO(PTRACE_CONT, child, 0);
    watch(child, "read or write of 8", data, 3, 8);
    printf("address %d control %lx\n", get(child, DEBUG(0)) == data, get(child, DEBUG(7)));
    run(child, reads);
    watch(child, "write of 4", data, 1, 4);
    run(child, reads);
    watch(child, "write of 1 behind", data + 4, 1, 1);
    run(child, reads);
    watch(child, "write of 8", data, 1, 8);
    run(child, writes);
    watch(child, "write of 2", data + 2, 1, 2);
    run(child, writes);
    watch(child, "write of 1", data + 7, 1, 1);
    run(child, wide);
    watch(child, "read or write of 4", data + 4, 3, 4);
    run(child, wide);
    /* Each round of a repeated instruction, by two breakpoints at once. */
    put(child, DEBUG(1), data + 2);
    watch(child, "write of 1", data + 1, 1, 1);
    SHOW(trace(PTRACE_POKEUSER, child, DEBUG(7), 5 | 1 << 16 | 1 << 20));
    run(child, both);
    /* Code. */
    watch(child, "code", (long)runs + 1, 0, 1);
    run(child, runs);
    watch(child, "code in a loop", (long)runs + 7, 0, 1);
    run(child, runs);
    /* Together with a single step. */
    watch(child, "code", (long)runs + 1, 0, 1);
    GO(PTRACE_SINGLESTEP, child, 0);
    for (int i = 0; i < 3; i++) {
        GO(PTRACE_SINGLESTEP, child, 0);
        where(child, runs);
        put(child, DEBUG(6), 0);
    }
    put(child, DEBUG(7), 0);
    GO(PTRACE_CONT, child, 0);
}

/* Code on a page of its own, that has been called often from another page. */
static void far_away(void)
{
    puts("== far away");
    unsigned char *page = mmap(0, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, "\x90\xff\xc0\xc3", 4);
    int (*call)(void) = (int (*)(void))page;
    pid_t child = TRACED({
        for (int i = 0; i < 20000; i++)
            call();
        for (int round = 0; round < 2; round++) {
            asm volatile("int3");
            for (int i = 0; i < 4; i++)
                call();
        }
        asm volatile("int3");
        for (int i = 0; i < 20000; i++)
            call();
    });
    GO(PTRACE_CONT, child, 0);
    watch(child, "code", (long)page + 1, 0, 1);
    run(child, page);
    watch(child, "behind the code", (long)page + 5, 0, 1);
    run(child, page);
    put(child, DEBUG(7), 0);
    GO(PTRACE_CONT, child, 0);
    munmap(page, PAGE);
}

static void not_inherited(void)
{
    puts("== children and programs");
    pid_t child = TRACED({
        watched[0] = 1;
        if (fork() == 0) {
            watched[0] = 2;
            _exit(3);
        }
        int status;
        wait(&status);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 100);
    });
    watch(child, "write of 8", (long)watched, 1, 8);
    GO(PTRACE_CONT, child, 0);
    SHOW(trace(PTRACE_DETACH, child, 0, 0));
    NEXT(child);
}

static void emulated(void)
{
    puts("== emulated");
    pid_t child = TRACED(BEGIN(calls); BEGIN(calls));
    GO(PTRACE_CONT, child, 0);
    GO(PTRACE_SYSEMU_SINGLESTEP, child, 0);
    where(child, calls);
    GO(PTRACE_SYSEMU_SINGLESTEP, child, 0);
    where(child, calls);
    GO(PTRACE_SYSEMU_SINGLESTEP, child, 0);
    where(child, calls);
    put(child, REGISTER(rax), 77);
    GO(PTRACE_SYSEMU_SINGLESTEP, child, 0);
    where(child, calls);
    printf("rax %lu\n", get(child, REGISTER(rax)));
    SHOW(trace(PTRACE_KILL, child, 0, 0));
    NEXT(child);
}

int main(void)
{
    setvbuf(stdout, 0, _IOLBF, 0);
    shared = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    single_steps();
    into_handlers();
    planted();
    breakpoints();
    far_away();
    not_inherited();
    emulated();
    return 0;
}
