/* SIGIO of terminals: who is told, of what, and when; what a full terminal does with IMAXBEL; breaks on a line that has none.
 * covers:
 * link: static
 */
#include "tty.h"

static int told;
static siginfo_t last;

static void note(int sig, siginfo_t *info, void *context)
{
    told++;
    last = *info;
}

/* The host hands on what is typed in its own time; two seconds are more than it needs. */
static void await_told(void)
{
    for (int i = 0; i < 2000 && !told; i++)
        usleep(1000);
}

static void report(const char *what)
{
    printf("%s: %s", what, told ? "told" : "not told");
    if (told && last.si_signo != SIGIO)
        printf(" signal %d code %d band %lx of %s", last.si_signo - SIGRTMIN, last.si_code, last.si_band,
            last.si_fd == slave ? "the slave" : last.si_fd == master ? "the master" : "?");
    putchar('\n');
    told = 0;
}

static void catch(int sig)
{
    struct sigaction a = { .sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART };
    sigaction(sig, &a, NULL);
}

static void asynchronous(int fd, int on)
{
    int flags = fcntl(fd, F_GETFL);
    SHOW(fcntl(fd, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC));
}

static void input(void)
{
    printf("-- input\n");
    HOLDS(fcntl(slave, F_GETOWN) == 0);
    asynchronous(slave, 1);
    HOLDS(fcntl(slave, F_GETOWN) == getpid());
    write(master, "half", 4);
    poll(&(struct pollfd){ .fd = slave, .events = POLLIN }, 1, 0);
    report("half a line");
    write(master, " a line\n", 8);
    await_told();
    report("a line");
    show("read");
    write(master, "\x04", 1);
    await_told();
    report("an end");
    show("read");
    SHOW(fcntl(slave, F_SETSIG, SIGRTMIN + 3));
    write(master, "more\n", 5);
    await_told();
    report("with a signal of its own");
    show("read");
    set(0, 0, 0);
    told = 0;
    write(master, "x", 1);
    await_told();
    report("a character");
    show("read");
    asynchronous(slave, 0);
    write(master, "y", 1);
    poll(&(struct pollfd){ .fd = slave, .events = POLLIN }, 1, -1);
    report("not any more");
    show("rest");
    int on = 1;
    SHOW(ioctl(slave, FIOASYNC, &on));
    HOLDS((fcntl(slave, F_GETFL) & O_ASYNC) != 0);
    SHOW(fcntl(slave, F_SETOWN, 0));
    write(master, "z", 1);
    poll(&(struct pollfd){ .fd = slave, .events = POLLIN }, 1, -1);
    report("nobody's");
    show("rest");
    on = 0;
    SHOW(ioctl(slave, FIOASYNC, &on));
    tcsetattr(slave, TCSANOW, &fresh);
}

static void output(void)
{
    printf("-- output\n");
    set(0, 0, 0);
    asynchronous(master, 1);
    SHOW(fcntl(master, F_SETSIG, SIGRTMIN + 4));
    write(slave, "shown", 5);
    await_told();
    report("the master");
    show("shown");
    asynchronous(master, 0);
    SHOW(fcntl(slave, F_SETSIG, SIGRTMIN + 5));
    SHOW(fcntl(slave, F_SETOWN, getpid()));
    asynchronous(slave, 1);
    static char block[4096];
    long all = 0, n;
    while ((n = write(slave, block, sizeof block)) > 0)
        all += n;
    HOLDS(n == -1 && errno == EAGAIN && all >= 4096);
    report("full");
    while ((n = read(master, block, sizeof block)) > 0 || all > 0)
        if (n > 0)
            all -= n;
    await_told();
    report("room again");
    write(slave, "little", 6);
    show("little");
    report("nothing lacked");
    asynchronous(slave, 0);
    tcsetattr(slave, TCSANOW, &fresh);
}

static void full(void)
{
    printf("-- full\n");
    static char line[5000];
    tcflag_t forms[] = { 0, IMAXBEL };
    for (int i = 0; i < 2; i++) {
        set(forms[i] | ICRNL, 0, ICANON | ECHO);
        memset(line, 'a', sizeof line);
        for (int k = 0; k < 5000; k += 500)
            write(master, line, 500);
        write(master, "b\n", 2);
        struct pollfd p = { .fd = slave, .events = POLLIN };
        poll(&p, 1, -1);
        char shown[6000];
        long echo = 0, bells = 0, n;
        while ((n = read(master, shown, sizeof shown)) > 0) {
            echo += n;
            for (long k = 0; k < n; k++)
                bells += shown[k] == '\a';
        }
        n = read(slave, line, sizeof line);
        printf("%s: read %ld, %ld bells\n", i ? "IMAXBEL" : "without", n, bells);
        HOLDS(echo >= 4096);
    }
    tcsetattr(slave, TCSANOW, &fresh);
}

static void breaks(void)
{
    printf("-- breaks\n");
    tcflag_t forms[] = { 0, IGNBRK, BRKINT, PARMRK, BRKINT | PARMRK, INPCK, INPCK | IGNPAR, INPCK | PARMRK };
    for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++) {
        set(forms[i], 0, 0);
        SHOW(tcsendbreak(master, 0));
        SHOW(ioctl(master, TIOCSBRK, 0));
        SHOW(ioctl(master, TIOCCBRK, 0));
        write(master, "a\xff\x80z", 4);
        show("no break comes through");
    }
    tcsetattr(slave, TCSANOW, &fresh);
}

/* In a session with this controlling terminal the foreground group is told. */
static void foreground(void)
{
    printf("-- foreground\n");
    fflush(stdout);
    int ready[2], go[2];
    pipe(ready);
    pipe(go);
    pid_t leader = fork();
    if (leader == 0) {
        setsid();
        SHOW(ioctl(slave, TIOCSCTTY, 0));
        signal(SIGTTOU, SIG_IGN);
        pid_t job = fork();
        if (job == 0) {
            setpgid(0, 0);
            catch(SIGIO);
            write(ready[1], "r", 1);
            char c;
            read(go[0], &c, 1);
            await_told();
            report("the foreground");
            exit(0);
        }
        char c;
        read(ready[0], &c, 1);
        SHOW(tcsetpgrp(slave, job));
        SHOW(fcntl(slave, F_SETSIG, 0));
        SHOW(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK | O_ASYNC));
        HOLDS(fcntl(slave, F_GETOWN) == -job);
        write(master, "line\n", 5);
        poll(&(struct pollfd){ .fd = slave, .events = POLLIN }, 1, -1);
        write(go[1], "g", 1);
        int status;
        waitpid(job, &status, 0);
        report("the leader");
        fflush(stdout);
        SHOW(ioctl(slave, TIOCVHANGUP) == 0 || errno == EPERM);
        _exit(0);
    }
    waitpid(leader, NULL, 0);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    catch(SIGIO);
    for (int i = 3; i <= 5; i++)
        catch(SIGRTMIN + i);
    open_pair();
    input();
    close_pair(); open_pair();
    output();
    close_pair(); open_pair();
    full();
    breaks();
    close_pair(); open_pair();
    signal(SIGHUP, SIG_IGN);
    foreground();
    close_pair();
    return 0;
}
