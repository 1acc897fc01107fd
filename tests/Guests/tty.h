/* A pseudo-terminal in one process: what is typed at the master, what the slave reads, what the screen shows. */
#ifndef TTY_H
#define TTY_H
#include "check.h"
#include <ctype.h>
#include <poll.h>
#include <sched.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <termios.h>

static int master, slave;
static struct termios fresh;

static void quote(const char *s, long n)
{
    putchar('"');
    for (long i = 0; i < n; i++) {
        unsigned char c = s[i];
        if (c == '\n') printf("\\n");
        else if (c == '\r') printf("\\r");
        else if (c == '\t') printf("\\t");
        else if (c == '\b') printf("\\b");
        else if (c == '"' || c == '\\') printf("\\%c", c);
        else if (c >= 0x20 && c < 0x7f) putchar(c);
        else printf("\\x%02x", c);
    }
    putchar('"');
}

static void open_pair(void)
{
    if (openpty(&master, &slave, NULL, NULL, NULL) != 0) {
        perror("openpty");
        exit(1);
    }
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
    fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
    tcgetattr(slave, &fresh);
}

static void close_pair(void)
{
    close(slave);
    close(master);
}

static void set(tcflag_t i, tcflag_t o, tcflag_t l)
{
    struct termios t = fresh;
    t.c_iflag = i;
    t.c_oflag = o;
    t.c_lflag = l;
    if (tcsetattr(slave, TCSANOW, &t) != 0)
        perror("tcsetattr");
}

/* Whether what the master reads is shown read by read. */
static int by_reads;

/* All that the slave can read now, each read in quotes, then what the master has to show. */
static void show(const char *what)
{
    struct pollfd settle = { .fd = slave, .events = POLLIN };
    poll(&settle, 1, 0);
    static char buf[16384];
    int lines = 1;
    struct termios t;
    tcgetattr(slave, &t);
    lines = (t.c_lflag & ICANON) != 0;
    printf("%s:", what);
    for (int k = 0; k < 100; k++) {
        long n = read(slave, buf, sizeof buf);
        if (n < 0) {
            if (errno != EAGAIN)
                printf(" %s", errname(errno));
            break;
        }
        if (n == 0 && !lines)
            break;
        putchar(' ');
        quote(buf, n);
    }
    printf(" |");
    long all = 0;
    for (int k = 0; k < 100; k++) {
        long n = read(master, buf + all, sizeof buf - all);
        if (n > 0 && !by_reads)
            all += n;
        if (n > 0 && by_reads) {
            putchar(' ');
            quote(buf, n);
        }
        if (n <= 0) {
            if (all > 0) {
                putchar(' ');
                quote(buf, all);
            }
            if (n == 0 || errno != EAGAIN)
                printf(" %s", n == 0 ? "end" : errname(errno));
            break;
        }
    }
    putchar('\n');
    fflush(stdout);
}

static void type_bytes(const char *what, const char *s, long n)
{
    long put = write(master, s, n);
    if (put != n)
        printf("typed %ld of %ld\n", put, n);
    show(what);
}

#define TYPE(text) type_bytes(#text, text, sizeof(text) - 1)

#define COOKED_I (ICRNL | IXON)
#define COOKED_O (OPOST | ONLCR)
#define COOKED_L (ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN)

#endif
