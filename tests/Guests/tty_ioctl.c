/* Requests to terminals: attributes in all forms, window, locks, exclusive use, packet mode, peers, devpts.
 * covers:
 * link: dynamic static
 */
#include "tty.h"
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

struct kernel_termios { unsigned i, o, c, l; unsigned char line, cc[19]; unsigned ispeed, ospeed; };
struct kernel_termio { unsigned short i, o, c, l; unsigned char line, cc[8]; };
#define TCGETS2_ 0x802C542A
#define TCSETS2_ 0x402C542B
#define TCSETSW2_ 0x402C542C
#define TCSETSF2_ 0x402C542D

static void print_termios(const char *what, int fd)
{
    struct kernel_termios t;
    memset(&t, 0, sizeof t);
    int r = ioctl(fd, TCGETS2_, &t);
    printf("%s: %d i %x o %x c %x l %x line %d speeds %u %u cc", what, r, t.i, t.o, t.c, t.l, t.line, t.ispeed, t.ospeed);
    for (int k = 0; k < 19; k++)
        printf(" %02x", t.cc[k]);
    printf("\n");
}

static void attributes(void)
{
    printf("-- attributes\n");
    print_termios("slave", slave);
    print_termios("master", master);
    struct kernel_termios t;
    struct kernel_termio s;
    memset(&t, 0xee, sizeof t);
    SHOW(ioctl(slave, TCGETS, &t));
    printf("%x %x\n", t.ispeed, t.ospeed);
    SHOW(ioctl(slave, TCGETA, &s));
    printf("%x %x %x %x %d\n", s.i, s.o, s.c, s.l, s.line);
    s.l &= ~ECHO;
    s.cc[0] = 7;
    SHOW(ioctl(slave, TCSETA, &s));
    print_termios("after TCSETA", slave);
    SHOW(ioctl(slave, TCSETAW, &s));
    SHOW(ioctl(slave, TCSETAF, &s));
    SHOW(ioctl(master, TCGETS2_, &t));
    t.c = (t.c & ~(CBAUD | CSIZE)) | B9600 | CS7 | PARENB;
    t.c &= ~CREAD;
    t.l |= ECHO;
    SHOW(ioctl(master, TCSETS, &t));
    print_termios("after TCSETS", slave);
    SHOW(ioctl(slave, TCGETS2_, &t));
    t.c = (t.c & ~CBAUD) | 0010000;
    t.ispeed = 1234;
    t.ospeed = 12345;
    SHOW(ioctl(slave, TCSETS2_, &t));
    print_termios("after TCSETS2", slave);
    SHOW(ioctl(slave, TCSETSW2_, &t));
    SHOW(ioctl(slave, TCSETSF2_, &t));
    SHOW(ioctl(slave, TCGETS, BAD));
    SHOW(ioctl(slave, TCSETS, BAD));
    SHOW(ioctl(slave, TCGETA, BAD));
    SHOW(ioctl(slave, TCSETA, BAD));
    int n = -1;
    SHOW(ioctl(slave, TIOCGSOFTCAR, &n));
    printf("%d\n", n);
    n = 1;
    SHOW(ioctl(slave, TIOCSSOFTCAR, &n));
    print_termios("CLOCAL", slave);
    n = 0;
    SHOW(ioctl(slave, TIOCSSOFTCAR, &n));
    memset(&t, 0, sizeof t);
    SHOW(ioctl(slave, TIOCGLCKTRMIOS, &t));
    printf("%x %x\n", t.i, t.l);
    t.l = ECHO;
    t.cc[VEOF] = 1;
    SHOW(ioctl(slave, TIOCSLCKTRMIOS, &t));
    struct termios u;
    tcgetattr(slave, &u);
    u.c_lflag &= ~(ECHO | ECHOE);
    u.c_cc[VEOF] = 'q';
    SHOW(tcsetattr(slave, TCSANOW, &u));
    print_termios("locked", slave);
    memset(&t, 0, sizeof t);
    SHOW(ioctl(slave, TIOCSLCKTRMIOS, &t));
    SHOW(tcsetattr(slave, TCSANOW, &fresh));
    print_termios("as before", slave);
}

static void others(void)
{
    printf("-- others\n");
    struct winsize w;
    memset(&w, 0xff, sizeof w);
    SHOW(ioctl(slave, TIOCGWINSZ, &w));
    printf("%d %d %d %d\n", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
    w = (struct winsize){ 10, 20, 30, 40 };
    SHOW(ioctl(master, TIOCSWINSZ, &w));
    memset(&w, 0, sizeof w);
    SHOW(ioctl(slave, TIOCGWINSZ, &w));
    printf("%d %d %d %d\n", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
    SHOW(ioctl(slave, TIOCGWINSZ, BAD));
    SHOW(ioctl(slave, TIOCSWINSZ, BAD));
    int n = -1;
    SHOW(ioctl(slave, TIOCGETD, &n));
    printf("%d\n", n);
    SHOW(ioctl(slave, TIOCSETD, &n));
    n = 100;
    SHOW(ioctl(slave, TIOCSETD, &n));
    SHOW(ioctl(slave, TIOCOUTQ, &n));
    printf("%d\n", n);
    SHOW(ioctl(master, TIOCGPTN, &n));
    unsigned dev = 0;
    SHOW(ioctl(slave, TIOCGDEV, &dev));
    HOLDS(dev == (unsigned)makedev(136, n));
    SHOW(ioctl(master, TIOCGDEV, &dev));
    HOLDS(dev == (unsigned)makedev(136, n));
    SHOW(ioctl(slave, TIOCGPTN, &n));
    SHOW(ioctl(slave, TIOCSPTLCK, &n));
    SHOW(ioctl(slave, TIOCPKT, &n));
    SHOW(ioctl(slave, TIOCSIG, SIGINT));
    SHOW(ioctl(master, TIOCSIG, SIGINT));
    SHOW(ioctl(master, TIOCSIG, SIGTERM));
    SHOW(ioctl(master, TIOCSIG, 99));
    SHOW(ioctl(slave, TIOCMGET, &n));
    SHOW(ioctl(slave, TIOCGICOUNT, &n));
    SHOW(ioctl(slave, TIOCSBRK, 0));
    SHOW(ioctl(slave, TIOCCBRK, 0));
    SHOW(ioctl(slave, TCSBRK, 0));
    SHOW(ioctl(slave, TCSBRK, 1));
    SHOW(ioctl(slave, TCSBRKP, 5));
    SHOW(ioctl(slave, 0x5499, 0));
    SHOW(ioctl(slave, TIOCGPGRP, &n));
    SHOW(ioctl(slave, TIOCGSID, &n));
    SHOW(ioctl(master, TIOCGPGRP, &n));
    printf("%d\n", n);
    SHOW(ioctl(master, TIOCGSID, &n));
    SHOW(ioctl(slave, TIOCNOTTY, 0));
    n = getpid();
    SHOW(ioctl(slave, TIOCSPGRP, &n));
    SHOW(ioctl(slave, TIOCSTI, "x"));
    SHOW(ioctl(slave, TIOCSTI, BAD));
    SHOW(ioctl(slave, TIOCSTI, "\n"));
    show("inserted");
    SHOW(ioctl(slave, FIONREAD, BAD));
    SHOW(lseek(slave, 0, SEEK_SET));
    char c;
    SHOW(pread(slave, &c, 1, 0));
    SHOW(ftruncate(slave, 0));
    SHOW(read(slave, BAD, 1));
    SHOW(write(slave, BAD, 1));
    write(master, "hello\n", 6);
    struct pollfd p = { .fd = slave, .events = POLLIN | POLLOUT };
    SHOW(poll(&p, 1, 0));
    printf("%x\n", p.revents);
    show("ready");
}

static void exclusive(void)
{
    printf("-- exclusive\n");
    char name[64];
    int n = -1;
    ttyname_r(slave, name, sizeof name);
    SHOW(ioctl(slave, TIOCGEXCL, &n));
    printf("%d\n", n);
    SHOW(ioctl(slave, TIOCEXCL));
    SHOW(ioctl(slave, TIOCGEXCL, &n));
    printf("%d\n", n);
    int again;
    WORKS(again = open(name, O_RDWR | O_NOCTTY));
    close(again);
    IN_CHILD(setuid(65534); SHOW(open(name, O_RDWR | O_NOCTTY)));
    chmod(name, 0666);
    IN_CHILD(setuid(65534); SHOW(open(name, O_RDWR | O_NOCTTY)));
    SHOW(ioctl(slave, TIOCNXCL));
    IN_CHILD(setuid(65534); WORKS(open(name, O_RDWR | O_NOCTTY)));
    IN_CHILD(setuid(65534); SHOW(ioctl(slave, TIOCSTI, "x")); SHOW(ioctl(slave, TIOCVHANGUP)); SHOW(ioctl(slave, TIOCCONS));
        struct kernel_termios t; SHOW(ioctl(slave, TIOCSLCKTRMIOS, &t)));
}

static void packet(void)
{
    printf("-- packet mode\n");
    by_reads = 1;
    int n = 1;
    char buf[64];
    struct pollfd p = { .fd = master, .events = POLLIN | POLLPRI };
    SHOW(ioctl(master, TIOCGPKT, &n));
    printf("%d\n", n);
    n = 1;
    SHOW(ioctl(master, TIOCPKT, &n));
    SHOW(ioctl(master, TIOCGPKT, &n));
    printf("%d\n", n);
    SHOW(poll(&p, 1, 0));
    write(slave, "data", 4);
    SHOW(poll(&p, 1, -1));
    printf("%x\n", p.revents);
    show("data");
    write(slave, "data", 4);
    SHOW(read(master, buf, 3));
    show("cut");
    SHOW(tcflush(slave, TCIFLUSH));
    SHOW(poll(&p, 1, 0));
    printf("%x\n", p.revents);
    show("TCIFLUSH");
    SHOW(tcflush(slave, TCOFLUSH));
    show("TCOFLUSH");
    SHOW(tcflush(slave, TCIOFLUSH));
    show("TCIOFLUSH");
    SHOW(tcflow(slave, TCOOFF));
    show("TCOOFF");
    SHOW(tcflow(slave, TCOON));
    show("TCOON");
    struct termios t = fresh;
    t.c_iflag &= ~IXON;
    SHOW(tcsetattr(slave, TCSANOW, &t));
    show("no IXON");
    SHOW(tcsetattr(slave, TCSANOW, &fresh));
    show("IXON");
    t = fresh;
    t.c_cc[VSTOP] = 'x';
    SHOW(tcsetattr(slave, TCSANOW, &t));
    show("another STOP");
    SHOW(tcsetattr(slave, TCSANOW, &fresh));
    t = fresh;
    t.c_lflag |= EXTPROC;
    SHOW(tcsetattr(slave, TCSANOW, &t));
    show("EXTPROC");
    t.c_lflag &= ~ECHO;
    SHOW(tcsetattr(slave, TCSANOW, &t));
    show("EXTPROC and a change");
    SHOW(tcsetattr(slave, TCSANOW, &fresh));
    show("no EXTPROC");
    TYPE("\x13");
    TYPE("\x11");
    TYPE("echoed\n");
    TYPE("\x03");
    write(slave, "x", 1);
    tcflush(slave, TCIFLUSH);
    show("status first");
    SHOW(read(master, BAD, 4));
    n = 0;
    SHOW(ioctl(master, TIOCPKT, &n));
    write(slave, "plain", 5);
    show("plain");
}

static void devpts(void)
{
    printf("-- devpts\n");
    int m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    HOLDS(m >= 0);
    int n = 0;
    char name[64];
    SHOW(ioctl(m, TIOCGPTLCK, &n));
    printf("%d\n", n);
    HOLDS(ptsname_r(m, name, sizeof name) == 0);
    SHOW(open(name, O_RDWR | O_NOCTTY));
    SHOW(ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY));
    n = 0;
    SHOW(ioctl(m, TIOCSPTLCK, &n));
    int s = open(name, O_RDWR | O_NOCTTY);
    HOLDS(s >= 0);
    int peer = ioctl(m, TIOCGPTPEER, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    HOLDS(peer >= 0);
    HOLDS(fcntl(peer, F_GETFD) == FD_CLOEXEC);
    HOLDS((fcntl(peer, F_GETFL) & O_ACCMODE) == O_RDONLY);
    struct stat a, b;
    HOLDS(fstat(peer, &a) == 0 && fstat(s, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_rdev == b.st_rdev);
    HOLDS(S_ISCHR(a.st_mode) && major(a.st_rdev) == 136 && a.st_uid == getuid());
    HOLDS(a.st_ino == minor(a.st_rdev) + 3);
    HOLDS(fstat(m, &a) == 0 && a.st_rdev == makedev(5, 2));
    HOLDS(isatty(m) && isatty(s));
    char real[64];
    HOLDS(ttyname_r(s, real, sizeof real) == 0 && strcmp(real, name) == 0);
    SHOW(unlink(name));
    SHOW(rename(name, "/dev/pts/x"));
    SHOW(mkdir("/dev/pts/d", 0755));
    SHOW(chmod(name, 0604));
    SHOW(chown(name, 5, 6));
    HOLDS(stat(name, &a) == 0 && (a.st_mode & 07777) == 0604 && a.st_uid == 5 && a.st_gid == 6);
    close(peer);
    close(s);
    SHOW(access(name, F_OK));
    s = open(name, O_RDWR | O_NOCTTY);
    HOLDS(s >= 0);
    close(m);
    SHOW(access(name, F_OK));
    SHOW(open(name, O_RDWR | O_NOCTTY));
    close(s);
    SHOW(stat("/dev/pts/099999", &a));
    struct statfs f;
    SHOW(statfs("/dev/pts", &f));
    printf("%lx %ld %ld %ld\n", (long)f.f_type, (long)f.f_bsize, (long)f.f_blocks, (long)f.f_namelen);
    /* An instance of its own, with its own numbers. */
    mkdir("pts", 0755);
    IN_CHILD(
        if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) _exit(7);
        SHOW(mount("none", "pts", "devpts", 0, "mode=9"));
        SHOW(mount("none", "pts", "devpts", 0, "nonsense"));
        SHOW(mount("none", "pts", "devpts", 0, "newinstance,uid=3,gid=4,mode=640,ptmxmode=0666,max=2"));
        struct stat st;
        HOLDS(stat("pts", &st) == 0 && st.st_ino == 1 && st.st_nlink == 2);
        HOLDS(stat("pts/ptmx", &st) == 0 && st.st_ino == 2 && (st.st_mode & 07777) == 0666 && st.st_rdev == makedev(5, 2));
        int m0 = open("pts/ptmx", O_RDWR | O_NOCTTY);
        int m1 = open("pts/ptmx", O_RDWR | O_NOCTTY);
        HOLDS(m0 >= 0 && m1 >= 0);
        SHOW(open("pts/ptmx", O_RDWR | O_NOCTTY));
        int number = -1;
        SHOW(ioctl(m0, TIOCGPTN, &number)); printf("%d\n", number);
        SHOW(ioctl(m1, TIOCGPTN, &number)); printf("%d\n", number);
        HOLDS(stat("pts/1", &st) == 0 && st.st_uid == 3 && st.st_gid == 4 && (st.st_mode & 07777) == 0640 && st.st_ino == 4);
        close(m0);
        SHOW(stat("pts/0", &st));
        m0 = open("pts/ptmx", O_RDWR | O_NOCTTY);
        SHOW(ioctl(m0, TIOCGPTN, &number)); printf("%d\n", number);
        number = 0;
        ioctl(m0, TIOCSPTLCK, &number);
        int s0 = open("pts/0", O_RDWR | O_NOCTTY);
        HOLDS(s0 >= 0);
        close(m0);
        SHOW(open("pts/ptmx", O_RDWR | O_NOCTTY));
        close(s0);
        m0 = open("pts/ptmx", O_RDWR | O_NOCTTY);
        HOLDS(m0 >= 0);
        SHOW(mknod("pts/9", S_IFCHR, makedev(136, 0)));
        SHOW(mount("none", "pts", "devpts", MS_REMOUNT, "mode=600"));
        close(m0); close(m1);
        SHOW(umount("pts"));
        SHOW(mknod("pts/node", S_IFCHR | 0666, makedev(136, 0)));
        SHOW(open("pts/node", O_RDWR | O_NOCTTY));
        SHOW(mknod("pts/ptmx", S_IFCHR | 0666, makedev(5, 2)));
        SHOW(open("pts/ptmx", O_RDWR | O_NOCTTY));
        unlink("pts/node"); unlink("pts/ptmx"));
    rmdir("pts");
}

static void not_a_terminal(void)
{
    printf("-- no terminal\n");
    int p[2], n;
    struct termios t;
    pipe(p);
    SHOW(isatty(p[0]));
    SHOW(tcgetattr(p[0], &t));
    SHOW(ioctl(p[0], TIOCGWINSZ, &n));
    int null = open("/dev/null", O_RDWR);
    SHOW(ioctl(null, TCGETS, &t));
    SHOW(open("/dev/tty", O_RDWR));
    SHOW(ioctl(null, TIOCNOTTY));
}

int main(void)
{
    setsid();
    signal(SIGHUP, SIG_IGN);
    open_pair();
    attributes();
    others();
    exclusive();
    packet();
    close_pair();
    devpts();
    not_a_terminal();
    return 0;
}
