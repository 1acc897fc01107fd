/* Sessions and job control: controlling terminals, foreground and background, orphaned groups, hang-ups.
 * covers: vhangup
 * link: dynamic
 */
#include "tty.h"

static int ready[2], go[2];

static void signal_ready(void) { write(ready[1], "r", 1); }
static void await_ready(void) { char c; read(ready[0], &c, 1); }
static void signal_go(void) { write(go[1], "g", 1); }
static void await_go(void) { char c; while (read(go[0], &c, 1) < 0 && errno == EINTR) { } }

static volatile int seen[65];
static void note(int sig) { seen[sig]++; }

static void watch(int sig)
{
    struct sigaction a = { .sa_handler = note };
    sigaction(sig, &a, NULL);
}

static void print_seen(const char *who)
{
    printf("%s saw", who);
    for (int i = 1; i < 65; i++)
        if (seen[i])
            printf(" %d", i);
    printf("\n");
    fflush(stdout);
    memset((void *)seen, 0, sizeof seen);
}

static void print_status(const char *who, int status)
{
    if (WIFSTOPPED(status)) printf("%s stopped by %d\n", who, WSTOPSIG(status));
    else if (WIFCONTINUED(status)) printf("%s continued\n", who);
    else if (WIFSIGNALED(status)) printf("%s killed by %d\n", who, WTERMSIG(status));
    else printf("%s exited with %d\n", who, WEXITSTATUS(status));
    fflush(stdout);
}

static void wait_and_print(const char *who, pid_t pid)
{
    int status;
    if (waitpid(pid, &status, WUNTRACED | WCONTINUED) == pid)
        print_status(who, status);
    else
        printf("%s: %s\n", who, errname(errno));
}

static void blocking(void)
{
    fcntl(slave, F_SETFL, O_RDWR);
}

/* Runs a part in a new session that has the slave as its terminal. */
static void in_session(void (*part)(void))
{
    fflush(stdout);
    pid_t leader = fork();
    if (leader == 0) {
        if (setsid() < 0)
            _exit(9);
        if (ioctl(slave, TIOCSCTTY, 0) != 0)
            _exit(8);
        part();
        fflush(stdout);
        _exit(0);
    }
    wait_and_print("leader", leader);
}

static pid_t in_group(void (*body)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        body();
        fflush(stdout);
        _exit(0);
    }
    setpgid(pid, pid);
    return pid;
}

static long field(int pid, int number)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f || !fgets(line, sizeof line, f))
        return -999;
    fclose(f);
    char *at = strrchr(line, ')') + 2;
    for (int i = 3; i < number; i++)
        at = strchr(at, ' ') + 1;
    return atol(at);
}

static void controlling(void)
{
    char name[64];
    ttyname_r(slave, name, sizeof name);
    HOLDS(tcgetpgrp(slave) == getpid());
    HOLDS(tcgetsid(slave) == getpid());
    HOLDS(tcgetpgrp(master) == getpid());
    HOLDS(tcgetsid(master) == getpid());
    struct stat s;
    fstat(slave, &s);
    HOLDS(field(getpid(), 7) == (long)s.st_rdev);
    HOLDS(field(getpid(), 8) == getpid());
    int tty = open("/dev/tty", O_RDWR);
    HOLDS(tty >= 0);
    HOLDS(fstat(tty, &s) == 0 && s.st_rdev == makedev(5, 0));
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    SHOW(setsid());
    HOLDS(tcgetpgrp(tty) == getpid());
    IN_CHILD(HOLDS(tcgetsid(slave) == getppid()); HOLDS(ioctl(slave, TIOCSCTTY, 0) == -1 && errno == EPERM));
    /* Another session can't have it, and can't see its group through the slave. */
    IN_CHILD(setsid(); SHOW(ioctl(slave, TIOCSCTTY, 0)); SHOW(tcgetpgrp(slave)); int me = getpid(); HOLDS(ioctl(slave, TIOCSPGRP, &me) == -1 && errno == ENOTTY);
        int again = open(name, O_RDWR); HOLDS(again >= 0); SHOW(open("/dev/tty", O_RDWR)); SHOW(setuid(65534)); SHOW(ioctl(slave, TIOCSCTTY, 1)));
    /* TIOCNOTTY of one who isn't the leader. */
    IN_CHILD(SHOW(ioctl(slave, TIOCNOTTY)); SHOW(open("/dev/tty", O_RDWR)); HOLDS(field(getpid(), 7) == 0); HOLDS(field(getpid(), 8) == -1); SHOW(ioctl(slave, TIOCNOTTY)));
    int group = -5;
    SHOW(ioctl(slave, TIOCSPGRP, &group));
    group = 4000000;
    SHOW(ioctl(slave, TIOCSPGRP, &group));
    SHOW(ioctl(slave, TIOCSPGRP, BAD));
    group = getpgid(getppid());
    SHOW(ioctl(slave, TIOCSPGRP, &group));
    watch(SIGHUP);
    watch(SIGCONT);
    SHOW(ioctl(slave, TIOCNOTTY));
    print_seen("leader after TIOCNOTTY");
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(tcgetpgrp(slave));
    SHOW(ioctl(master, TIOCGSID, &group));
    SHOW(open(name, O_RDWR | O_NOCTTY) < 0);
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(open(name, O_WRONLY) < 0);
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(open(name, O_RDWR) < 0);
    HOLDS(tcgetpgrp(slave) == getpid());
}

static void read_a_line(void)
{
    char buf[64];
    watch(SIGTTIN);
    struct sigaction a = { .sa_handler = SIG_DFL };
    sigaction(SIGTTIN, &a, NULL);
    long n = read(slave, buf, sizeof buf);
    printf("background read = %ld %s\n", n, n < 0 ? errname(errno) : "");
    fflush(stdout);
}

static void background_read(void)
{
    blocking();
    pid_t pid = in_group(read_a_line);
    wait_and_print("reader", pid);
    SHOW(tcsetpgrp(slave, pid));
    kill(-pid, SIGCONT);
    wait_and_print("reader", pid);
    write(master, "line\n", 5);
    wait_and_print("reader", pid);
    /* The leader is in the background now. */
    signal(SIGTTOU, SIG_IGN);
    SHOW(tcsetpgrp(slave, getpid()));
}

static void ignoring_read(void)
{
    char c;
    signal(SIGTTIN, SIG_IGN);
    SHOW(read(slave, &c, 1));
    signal(SIGTTIN, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTTIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    SHOW(read(slave, &c, 1));
    watch(SIGTTOU);
    struct sigaction a = { .sa_handler = note };
    sigaction(SIGTTOU, &a, NULL);
    struct termios t = fresh;
    SHOW(tcsetattr(slave, TCSANOW, &t) == -1 && errno == EINTR);
    SHOW(tcflush(slave, TCIFLUSH));
    SHOW(tcdrain(slave));
    SHOW(tcsendbreak(slave, 0));
    SHOW(tcflow(slave, TCOON));
    SHOW(tcsetpgrp(slave, getpid()));
    SHOW(write(slave, "w", 1));
    SHOW(tcgetattr(slave, &t));
    t.c_lflag |= TOSTOP;
    sigaddset(&set, SIGTTOU);
    sigprocmask(SIG_BLOCK, &set, NULL);
    SHOW(tcsetattr(slave, TCSANOW, &t));
    SHOW(write(slave, "x", 1));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    SHOW(write(slave, "y", 1));
    print_seen("background");
    signal(SIGTTOU, SIG_IGN);
    SHOW(write(slave, "z", 1));
    SHOW(tcsetattr(slave, TCSANOW, &fresh));
}

static void background_rules(void)
{
    blocking();
    pid_t pid = in_group(ignoring_read);
    wait_and_print("background", pid);
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
    show("written");
}

static void write_with_tostop(void) { SHOW(write(slave, "stopped\n", 8)); }

static void change_in_background(void)
{
    SHOW(tcsetattr(slave, TCSANOW, &fresh));
}

static void background_write(void)
{
    struct termios t = fresh;
    t.c_lflag |= TOSTOP;
    SHOW(tcsetattr(slave, TCSANOW, &t));
    pid_t pid = in_group(write_with_tostop);
    wait_and_print("writer", pid);
    t.c_lflag &= ~TOSTOP;
    SHOW(tcsetattr(slave, TCSANOW, &t));
    kill(-pid, SIGCONT);
    int status;
    waitpid(pid, &status, 0);
    print_status("writer", status);
    show("written");
    pid = in_group(change_in_background);
    wait_and_print("changer", pid);
    kill(pid, SIGKILL);
    wait_and_print("changer", pid);
}

static void wait_for_signal(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    signal_ready();
    for (;;)
        pause();
}

static void caught_in_foreground(void)
{
    watch(SIGINT);
    watch(SIGQUIT);
    watch(SIGWINCH);
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old);
    signal_ready();
    while (seen[SIGINT] + seen[SIGQUIT] + seen[SIGWINCH] < 3)
        sigsuspend(&old);
    await_go();
    print_seen("foreground");
}

static void signals(void)
{
    signal(SIGTTOU, SIG_IGN);
    watch(SIGINT);
    watch(SIGQUIT);
    watch(SIGWINCH);
    struct { const char *key; const char *name; } keys[] = { { "\x03", "^C" }, { "\x1c", "^\\" }, { "\x1a", "^Z" } };
    for (int i = 0; i < 3; i++) {
        pid_t pid = in_group(wait_for_signal);
        tcsetpgrp(slave, pid);
        await_ready();
        write(master, "unread", 6);
        printf("%s\n", keys[i].name);
        fflush(stdout);
        write(master, keys[i].key, 1);
        int status;
        waitpid(pid, &status, WUNTRACED);
        if (WIFSIGNALED(status) && WCOREDUMP(status))
            status &= ~0x80;
        print_status("job", status);
        tcsetpgrp(slave, getpid());
        char rest[64];
        while (read(slave, rest, sizeof rest) > 0 || read(master, rest, sizeof rest) > 0) { }
        write(master, "\n", 1);
        show("unread input is gone");
        if (WIFSTOPPED(status)) {
            kill(-pid, SIGCONT);
            wait_and_print("job", pid);
            kill(-pid, SIGTERM);
            wait_and_print("job", pid);
        }
    }
    signal(SIGINT, note);
    pid_t pid = in_group(caught_in_foreground);
    tcsetpgrp(slave, pid);
    await_ready();
    struct termios t = fresh;
    t.c_lflag |= NOFLSH;
    SHOW(tcsetattr(slave, TCSANOW, &t));
    write(master, "kept", 4);
    write(master, "\x03", 1);
    write(master, "\x1c\n", 2);
    struct winsize w = { 7, 8, 0, 0 };
    SHOW(ioctl(slave, TIOCSWINSZ, &w));
    SHOW(ioctl(slave, TIOCSWINSZ, &w));
    signal_go();
    wait_and_print("foreground", pid);
    tcsetpgrp(slave, getpid());
    show("NOFLSH");
    print_seen("the leader in the background");
    SHOW(ioctl(master, TIOCSIG, SIGINT));
    t.c_lflag &= ~ISIG;
    SHOW(tcsetattr(slave, TCSANOW, &t));
    TYPE("\x03\x1a\n");
    SHOW(tcsetpgrp(slave, getpid()));
    SHOW(ioctl(master, TIOCSIG, SIGQUIT));
    w.ws_col++;
    SHOW(ioctl(master, TIOCSWINSZ, &w));
    print_seen("the leader in the foreground");
}

/* A stopped job whose parent dies is told. */
static void orphan_body(void)
{
    watch(SIGHUP);
    watch(SIGCONT);
    raise(SIGTSTP);
    while (!seen[SIGHUP] || !seen[SIGCONT])
        usleep(1000);
    print_seen("orphan");
    raise(SIGTSTP);
    printf("orphans don't stop\n");
    char c;
    SHOW(read(slave, &c, 1));
    SHOW(tcsetattr(slave, TCSANOW, &fresh));
    fflush(stdout);
    signal_go();
}

static void orphaned(void)
{
    blocking();
    fflush(stdout);
    pid_t middle = fork();
    if (middle == 0) {
        pid_t job = in_group(orphan_body);
        wait_and_print("job", job);
        _exit(0);
    }
    int status;
    waitpid(middle, &status, 0);
    await_go();
    print_status("middle", status);
}

/* The leader's end: the foreground group gets SIGHUP, everybody loses the terminal. */
static void foreground_body(void)
{
    watch(SIGHUP);
    watch(SIGCONT);
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old);
    signal_ready();
    while (!seen[SIGHUP])
        sigsuspend(&old);
    await_go();
    print_seen("foreground after the leader's end");
    SHOW(open("/dev/tty", O_RDWR));
    HOLDS(field(getpid(), 7) == 0);
    SHOW(tcgetpgrp(slave));
    SHOW(write(slave, "still open\n", 11));
    fflush(stdout);
    signal_ready();
}

static void leader_exits(void)
{
    signal(SIGTTOU, SIG_IGN);
    pid_t pid = in_group(foreground_body);
    tcsetpgrp(slave, pid);
    await_ready();
}

/* The master is closed: the session's leader gets SIGHUP and SIGCONT, the slave is dead. */
static void hang_up_body(void)
{
    char name[64], c;
    ttyname_r(slave, name, sizeof name);
    watch(SIGHUP);
    watch(SIGCONT);
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old);
    int second = open("/dev/tty", O_RDWR);
    HOLDS(second >= 0);
    close(master);
    signal_ready();
    while (!seen[SIGHUP])
        sigsuspend(&old);
    sigprocmask(SIG_SETMASK, &old, NULL);
    print_seen("leader after hang-up");
    SHOW(read(slave, &c, 1));
    SHOW(write(slave, "x", 1));
    SHOW(tcgetattr(slave, &fresh));
    int me = getpid();
    SHOW(ioctl(slave, TIOCSPGRP, &me));
    SHOW(ioctl(slave, TIOCGPGRP, &me));
    SHOW(read(second, &c, 1));
    struct pollfd p = { .fd = slave, .events = POLLIN | POLLOUT };
    SHOW(poll(&p, 1, 0));
    printf("%x\n", p.revents);
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(open(name, O_RDWR));
    HOLDS(field(getpid(), 7) == 0);
}

static void hang_up(void)
{
    printf("-- hang-up\n");
    fflush(stdout);
    pid_t leader = fork();
    if (leader == 0) {
        setsid();
        ioctl(slave, TIOCSCTTY, 0);
        hang_up_body();
        fflush(stdout);
        _exit(0);
    }
    await_ready();
    close(master);
    wait_and_print("leader", leader);
    close(slave);
}

static void slave_closed(void)
{
    printf("-- the slave is closed\n");
    open_pair();
    char name[64], buf[16];
    ttyname_r(slave, name, sizeof name);
    write(slave, "last words", 10);
    close(slave);
    struct pollfd p = { .fd = master, .events = POLLIN | POLLOUT };
    SHOW(poll(&p, 1, 0));
    printf("%x\n", p.revents);
    SHOW(read(master, buf, sizeof buf));
    SHOW(read(master, buf, sizeof buf));
    SHOW(poll(&p, 1, 0));
    printf("%x\n", p.revents);
    SHOW(write(master, "typed ahead\n", 12));
    slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
    HOLDS(slave >= 0);
    p.events = POLLOUT;
    SHOW(poll(&p, 1, 0));
    printf("%x\n", p.revents);
    show("opened again");
    close_pair();
}

static void vhangup_body(void)
{
    watch(SIGHUP);
    watch(SIGCONT);
    char c;
    IN_CHILD(setuid(65534); SHOW(syscall(SYS_vhangup)));
    SHOW(syscall(SYS_vhangup));
    print_seen("leader after vhangup");
    SHOW(read(slave, &c, 1));
    SHOW(write(slave, "x", 1));
    SHOW(syscall(SYS_vhangup));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGHUP, SIG_DFL);
    pipe(ready);
    pipe(go);
    open_pair();
    printf("-- controlling\n");
    in_session(controlling);
    close_pair(); open_pair();
    printf("-- background read\n");
    in_session(background_read);
    close_pair(); open_pair();
    printf("-- rules\n");
    in_session(background_rules);
    close_pair(); open_pair();
    printf("-- background write\n");
    in_session(background_write);
    close_pair(); open_pair();
    printf("-- signals\n");
    in_session(signals);
    close_pair(); open_pair();
    printf("-- orphans\n");
    in_session(orphaned);
    close_pair(); open_pair();
    printf("-- leader exits\n");
    in_session(leader_exits);
    signal_go();
    await_ready();
    close_pair(); open_pair();
    hang_up();
    slave_closed();
    open_pair();
    printf("-- vhangup\n");
    in_session(vhangup_body);
    close_pair();
    return 0;
}
