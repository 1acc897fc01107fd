/* ptrace(2): every request about memory, registers, signals and options, with its errors.
 * covers: ptrace */
#include "trace.h"
#include <sys/mman.h>
#include <sys/prctl.h>

static volatile long word = 0x1122334455667788;
static long *shared;
static const char constant[16] = "constant";

__attribute__((noinline, aligned(16))) int answer(void)
{
    return 41;
}

static void errors(void)
{
    SHOW(trace(PTRACE_CONT, getpid(), 0, 0));
    SHOW(trace(PTRACE_CONT, 0x3fffffff, 0, 0));
    SHOW(trace(PTRACE_ATTACH, getpid(), 0, 0));
    SHOW(trace(PTRACE_ATTACH, 0x3fffffff, 0, 0));
    SHOW(trace(PTRACE_SEIZE, getpid(), 0, 0));
    SHOW(trace(PTRACE_SEIZE, getppid(), 1, 0));
    SHOW(trace(PTRACE_SEIZE, getppid(), 0, 1UL << 40));
    SHOW(trace(0x7777, getpid(), 0, 0));
    IN_CHILD(SHOW(trace(PTRACE_TRACEME, 0, 0, 0)); SHOW(trace(PTRACE_TRACEME, 0, 0, 0)));
    /* A child that nobody traces. */
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    SHOW(trace(PTRACE_PEEKDATA, child, (long)&word, (long)shared));
    SHOW(trace(PTRACE_KILL, child, 0, 0));
    SHOW(trace(PTRACE_DETACH, child, 0, 0));
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
}

static void memory(void)
{
    long got = 0;
    char text[16] = "";
    pid_t child = TRACED({
        shared[0] = word;
        shared[1] = answer();
        shared[2] = constant[0];
    });
    SHOW(trace(PTRACE_PEEKDATA, child, (long)&word, (long)&got));
    HOLDS(got == word);
    SHOW(trace(PTRACE_PEEKTEXT, child, (long)constant, (long)&got));
    HOLDS(!memcmp(&got, "constant", 8));
    SHOW(trace(PTRACE_PEEKDATA, child, 8, (long)&got));
    SHOW(trace(PTRACE_PEEKDATA, child, (long)&word, 8));
    SHOW(trace(PTRACE_PEEKDATA, child, -4096, (long)&got));
    SHOW(trace(PTRACE_PEEKDATA, child, (long)&word + 1, (long)&got));
    HOLDS(got == *(long *)((char *)&word + 1));
    SHOW(trace(PTRACE_POKEDATA, child, (long)&word, 0x99));
    SHOW(trace(PTRACE_POKEDATA, child, 8, 0x99));
    /* Code and constants are written although the program may not. */
    SHOW(trace(PTRACE_PEEKTEXT, child, (long)answer, (long)&got));
    unsigned char *code = (unsigned char *)&got;
    int at = 0;
    while (at < 8 && code[at] != 41)
        at++;
    long old;
    trace(PTRACE_PEEKTEXT, child, (long)answer + at, (long)&old);
    *(unsigned char *)&old = 42;
    SHOW(trace(PTRACE_POKETEXT, child, (long)answer + at, old));
    trace(PTRACE_PEEKTEXT, child, (long)constant, (long)&old);
    *(unsigned char *)&old = 'K';
    SHOW(trace(PTRACE_POKETEXT, child, (long)constant, old));
    /* The same memory as a file. */
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", child);
    int fd = open(path, O_RDWR);
    HOLDS(fd >= 0);
    SHOW(pread(fd, text, 8, (off_t)constant));
    puts(text);
    SHOW(pread(fd, text, 8, 8));
    SHOW(pwrite(fd, "L", 1, (off_t)constant));
    SHOW(pread(fd, text, 8, (off_t)constant));
    puts(text);
    SHOW(pwrite(fd, "L", 1, 8));
    HOLDS(lseek(fd, (off_t)&word, SEEK_SET) == (off_t)&word);
    SHOW(read(fd, &got, sizeof got));
    printf("%lx\n", got);
    SHOW(lseek(fd, 0, SEEK_END));
    GO(PTRACE_CONT, child, 0);
    printf("child saw %lx %ld %c; here %lx %d %c\n", shared[0], shared[1], (char)shared[2], word, answer(), constant[0]);
    /* The program whose memory it was is gone. */
    SHOW(pread(fd, text, 8, (off_t)constant));
    close(fd);
}

static void user_area(void)
{
    struct user_regs_struct r, s;
    struct user_fpregs_struct f;
    unsigned long got = 0;
    pid_t child = TRACED({
        register long kept asm("r12") = 5;
        asm volatile("int3" : "+r"(kept) : : "r13", "memory");
        shared[0] = kept;
        register long named asm("r13");
        asm volatile("" : "=r"(named));
        double x;
        asm volatile("movsd %%xmm3, %0" : "=m"(x));
        shared[1] = (long)x;
    });
    GO(PTRACE_CONT, child, 0);
    SHOW(trace(PTRACE_GETREGS, child, 0, (long)&r));
    SHOW(trace(PTRACE_GETREGS, child, 0, 8));
    printf("cs %llx ss %llx ds %llx es %llx orig_rax %lld r12 %llu\n", r.cs, r.ss, r.ds, r.es, r.orig_rax, r.r12);
    unsigned char byte = *(unsigned char *)(r.rip - 1);
    printf("behind %x\n", byte);
    for (unsigned i = 0; i < sizeof r / 8; i++) {
        trace(PTRACE_PEEKUSER, child, i * 8, (long)&got);
        if (got != ((unsigned long *)&r)[i])
            printf("register %u differs: %lx %lx\n", i, got, ((unsigned long *)&r)[i]);
    }
    SHOW(trace(PTRACE_PEEKUSER, child, 1, (long)&got));
    SHOW(trace(PTRACE_PEEKUSER, child, sizeof(struct user), (long)&got));
    SHOW(trace(PTRACE_PEEKUSER, child, -8, (long)&got));
    SHOW(trace(PTRACE_PEEKUSER, child, 0, 8));
    SHOW(trace(PTRACE_PEEKUSER, child, sizeof r, (long)&got));
    SHOW(trace(PTRACE_POKEUSER, child, 3, 0));
    SHOW(trace(PTRACE_POKEUSER, child, sizeof r, 0));
    SHOW(trace(PTRACE_POKEUSER, child, sizeof(struct user), 0));
    SHOW(trace(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, cs), 0));
    SHOW(trace(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, ss), 0x28));
    SHOW(trace(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, ds), 0x10));
    SHOW(trace(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, fs_base), 1UL << 63));
    /* Only the flags that user code may change. */
    SHOW(trace(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, eflags), 0xffffffff & ~0x100UL));
    SHOW(trace(PTRACE_PEEKUSER, child, offsetof(struct user_regs_struct, eflags), (long)&got));
    printf("flags %lx\n", got);
    SHOW(trace(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, eflags), r.eflags & ~0x10000UL));
    SHOW(trace(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, r12), 77));
    s = r;
    s.r12 = 78;
    s.r13 = 79;
    SHOW(trace(PTRACE_SETREGS, child, 0, (long)&s));
    SHOW(trace(PTRACE_SETREGS, child, 0, 8));
    SHOW(trace(PTRACE_GETFPREGS, child, 0, (long)&f));
    printf("cwd %x mxcsr %x mask %d\n", f.cwd, f.mxcsr, f.mxcr_mask != 0);
    double x = 123;
    memcpy(f.xmm_space + 3 * 4, &x, 8);
    SHOW(trace(PTRACE_SETFPREGS, child, 0, (long)&f));
    memset(&f, 0, sizeof f);
    SHOW(trace(PTRACE_GETFPREGS, child, 0, (long)&f));
    memcpy(&x, f.xmm_space + 3 * 4, 8);
    printf("xmm3 %g\n", x);
    f.mxcsr = 1U << 30;
    SHOW(trace(PTRACE_SETFPREGS, child, 0, (long)&f));
    SHOW(trace(PTRACE_SETFPREGS, child, 0, 8));
    GO(PTRACE_CONT, child, 0);
    printf("child saw %ld and %ld\n", shared[0], shared[1]);
}

static void register_sets(void)
{
    struct user_regs_struct r = { 0 };
    static unsigned char area[16384], copy[16384];
    struct iovec v = { &r, sizeof r };
    pid_t child = TRACED(asm volatile("movq %0, %%xmm5; int3; movq %%xmm5, %1" : : "r"(0xabcdefL), "m"(shared[3]) : "xmm5"));
    GO(PTRACE_CONT, child, 0);
    SHOW(trace(PTRACE_GETREGSET, child, NT_PRSTATUS, (long)&v));
    printf("length %zu\n", v.iov_len);
    printf("cs %llx\n", r.cs);
    v = (struct iovec) { &r, 24 };
    SHOW(trace(PTRACE_GETREGSET, child, NT_PRSTATUS, (long)&v));
    v = (struct iovec) { area, 4096 };
    SHOW(trace(PTRACE_GETREGSET, child, NT_PRSTATUS, (long)&v));
    printf("length %zu\n", v.iov_len);
    v = (struct iovec) { area, 23 };
    SHOW(trace(PTRACE_GETREGSET, child, NT_PRSTATUS, (long)&v));
    v = (struct iovec) { (void *)8, sizeof r };
    SHOW(trace(PTRACE_GETREGSET, child, NT_PRSTATUS, (long)&v));
    SHOW(trace(PTRACE_GETREGSET, child, NT_PRSTATUS, 8));
    v = (struct iovec) { area, sizeof area };
    SHOW(trace(PTRACE_GETREGSET, child, 0x4321, (long)&v));
    v = (struct iovec) { area, 8 };
    r.r15 = 5;
    SHOW(trace(PTRACE_SETREGSET, child, NT_PRSTATUS, (long)&(struct iovec) { &r, 8 }));
    SHOW(trace(PTRACE_GETREGSET, child, NT_PRSTATUS, (long)&v));
    printf("r15 %lld\n", *(long long *)area);
    v = (struct iovec) { area, sizeof area };
    SHOW(trace(PTRACE_GETREGSET, child, NT_PRFPREG, (long)&v));
    printf("length %zu\n", v.iov_len);
    v.iov_len = 256;
    SHOW(trace(PTRACE_SETREGSET, child, NT_PRFPREG, (long)&v));
    v = (struct iovec) { area, sizeof area };
    SHOW(trace(PTRACE_GETREGSET, child, NT_X86_XSTATE, (long)&v));
    size_t whole = v.iov_len;
    HOLDS(whole >= 576);
    HOLDS((*(unsigned long *)(area + 464) & 3) == 3);
    printf("xmm5 %lx\n", *(long *)(area + 160 + 5 * 16));
    *(long *)(area + 160 + 5 * 16) = 0x1234;
    *(long *)(area + 512) |= 2;
    SHOW(trace(PTRACE_SETREGSET, child, NT_X86_XSTATE, (long)&v));
    v.iov_len = 64;
    SHOW(trace(PTRACE_SETREGSET, child, NT_X86_XSTATE, (long)&v));
    v.iov_len = whole;
    area[512 + 32] = 1;
    SHOW(trace(PTRACE_SETREGSET, child, NT_X86_XSTATE, (long)&v));
    area[512 + 32] = 0;
    area[512 + 7] = 0x80;
    SHOW(trace(PTRACE_SETREGSET, child, NT_X86_XSTATE, (long)&v));
    GO(PTRACE_CONT, child, 0);
    printf("child saw %lx\n", shared[3]);
}

static void signals(void)
{
    siginfo_t info, queue[8];
    unsigned long mask = 0, message = 0;
    pid_t child = TRACED({
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGRTMIN);
        sigaddset(&set, SIGRTMIN + 1);
        sigaddset(&set, SIGUSR2);
        sigprocmask(SIG_BLOCK, &set, 0);
        for (int i = 0; i < 3; i++)
            sigqueue(getpid(), SIGRTMIN + i % 2, (union sigval) { .sival_int = i });
        syscall(SYS_tgkill, getpid(), getpid(), SIGUSR2);
        signal(SIGUSR1, SIG_IGN);
        raise(SIGUSR1);
        signal(SIGUSR1, SIG_DFL);
        raise(SIGUSR1);
        sigprocmask(SIG_SETMASK, 0, &set);
        _exit(sigismember(&set, SIGHUP) + 2 * sigismember(&set, SIGKILL));
    });
    SHOW(trace(PTRACE_GETSIGINFO, child, 0, (long)&info));
    printf("signal %d code %d\n", info.si_signo, info.si_code);
    HOLDS(info.si_pid == child);
    /* An ignored signal is told too. */
    GO(PTRACE_CONT, child, 0);
    struct __ptrace_peeksiginfo_args peek = { 0, 1, 8 };
    SHOW(trace(PTRACE_PEEKSIGINFO, child, (long)&peek, (long)queue));
    for (int i = 0; i < 3; i++)
        printf("queued %d value %d\n", queue[i].si_signo - SIGRTMIN, queue[i].si_value.sival_int);
    peek.off = 2;
    SHOW(trace(PTRACE_PEEKSIGINFO, child, (long)&peek, (long)queue));
    peek.off = 3;
    SHOW(trace(PTRACE_PEEKSIGINFO, child, (long)&peek, (long)queue));
    peek = (struct __ptrace_peeksiginfo_args) { 0, 0, 8 };
    SHOW(trace(PTRACE_PEEKSIGINFO, child, (long)&peek, (long)queue));
    printf("queued %d\n", queue[0].si_signo);
    peek.nr = -1;
    SHOW(trace(PTRACE_PEEKSIGINFO, child, (long)&peek, (long)queue));
    peek = (struct __ptrace_peeksiginfo_args) { 0, 2, 1 };
    SHOW(trace(PTRACE_PEEKSIGINFO, child, (long)&peek, (long)queue));
    SHOW(trace(PTRACE_PEEKSIGINFO, child, 8, (long)queue));
    peek = (struct __ptrace_peeksiginfo_args) { 0, 1, 8 };
    SHOW(trace(PTRACE_PEEKSIGINFO, child, (long)&peek, 8));
    SHOW(trace(PTRACE_GETSIGMASK, child, 8, (long)&mask));
    printf("mask %lx\n", mask);
    SHOW(trace(PTRACE_GETSIGMASK, child, 4, (long)&mask));
    SHOW(trace(PTRACE_GETSIGMASK, child, 8, 8));
    mask = 1 | 1UL << (SIGKILL - 1) | 1UL << (SIGUSR2 - 1) | 3UL << (SIGRTMIN - 1);
    SHOW(trace(PTRACE_SETSIGMASK, child, 8, (long)&mask));
    SHOW(trace(PTRACE_SETSIGMASK, child, 9, (long)&mask));
    SHOW(trace(PTRACE_SETSIGMASK, child, 8, 8));
    SHOW(trace(PTRACE_GETSIGMASK, child, 8, (long)&mask));
    printf("mask %lx\n", mask);
    SHOW(trace(PTRACE_GETEVENTMSG, child, 0, (long)&message));
    SHOW(trace(PTRACE_GETEVENTMSG, child, 0, 8));
    GO(PTRACE_CONT, child, SIGUSR1);
    SHOW(trace(PTRACE_GETSIGINFO, child, 0, (long)&info));
    printf("signal %d\n", info.si_signo);
    info.si_code = -7;
    SHOW(trace(PTRACE_SETSIGINFO, child, 0, (long)&info));
    SHOW(trace(PTRACE_SETSIGINFO, child, 0, 8));
    SHOW(trace(PTRACE_GETSIGINFO, child, 0, (long)&info));
    printf("code %d\n", info.si_code);
    SHOW(trace(PTRACE_GETSIGINFO, child, 0, 8));
    /* Suppressed. */
    GO(PTRACE_CONT, child, 0);
}

static void controls(void)
{
    pid_t child = TRACED(raise(SIGUSR1));
    SHOW(trace(PTRACE_SETOPTIONS, child, 0, 1UL << 30));
    SHOW(trace(PTRACE_SETOPTIONS, child, 0, -1));
    SHOW(trace(PTRACE_SETOPTIONS, child, 0, 0xff | PTRACE_O_EXITKILL));
    SHOW(trace(PTRACE_SETOPTIONS, child, 0, 0));
    SHOW(trace(21, child, 0, 1));
    SHOW(trace(PTRACE_CONT, child, 0, 65));
    SHOW(trace(PTRACE_SYSCALL, child, 0, -1));
    SHOW(trace(PTRACE_DETACH, child, 0, 65));
    SHOW(trace(PTRACE_INTERRUPT, child, 0, 0));
    SHOW(trace(PTRACE_LISTEN, child, 0, 0));
    SHOW(trace(PTRACE_ATTACH, child, 0, 0));
    SHOW(trace(PTRACE_SEIZE, child, 0, 0));
    SHOW(trace(0x7777, child, 0, 0));
    SHOW(trace(18, child, 0, 0));
    unsigned long base = 0, peeked = 0;
    SHOW(trace(PTRACE_ARCH_PRCTL, child, (long)&base, 0x1003));
    SHOW(trace(PTRACE_PEEKUSER, child, offsetof(struct user_regs_struct, fs_base), (long)&peeked));
    HOLDS(base == peeked && base != 0);
    struct __ptrace_rseq_configuration rseq;
    SHOW(trace(PTRACE_GET_RSEQ_CONFIGURATION, child, sizeof rseq, (long)&rseq));
    printf("rseq %d signature %x flags %x\n", rseq.rseq_abi_pointer != 0, rseq.signature, rseq.flags);
    SHOW(trace(PTRACE_GET_RSEQ_CONFIGURATION, child, 4, (long)&rseq));
    SHOW(trace(PTRACE_GET_RSEQ_CONFIGURATION, child, 24, 8));
    status_line(child, "State", 0);
    status_line(child, "TracerPid", getpid());
    /* Another process has no say in it. */
    IN_CHILD(SHOW(trace(PTRACE_CONT, child, 0, 0)); SHOW(trace(PTRACE_ATTACH, child, 0, 0)); SHOW(trace(PTRACE_KILL, child, 0, 0)));
    GO(PTRACE_CONT, child, 0);
    SHOW(trace(PTRACE_KILL, child, 0, 0));
    NEXT(child);
    SHOW(trace(PTRACE_KILL, child, 0, 0));

    /* Who may not be looked at may not be traced. */
    int ready[2];
    char c;
    pipe(ready);
    pid_t private = fork();
    if (private == 0) {
        prctl(PR_SET_DUMPABLE, 0);
        write(ready[1], "x", 1);
        pause();
        _exit(0);
    }
    read(ready[0], &c, 1);
    IN_CHILD(
        setresgid(65534, 65534, 65534);
        setresuid(65534, 65534, 65534);
        SHOW(trace(PTRACE_ATTACH, private, 0, 0));
        SHOW(trace(PTRACE_SEIZE, private, 0, 0));
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/mem", private);
        SHOW(open(path, O_RDONLY)));
    kill(private, SIGKILL);
    waited("private", private, 0);
}

int main(void)
{
    setvbuf(stdout, 0, _IOLBF, 0);
    shared = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    errors();
    memory();
    user_area();
    register_sets();
    signals();
    controls();
    return 0;
}
