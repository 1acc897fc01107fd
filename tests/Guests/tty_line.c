/* The line discipline: canonical input and its editing, forms of echo, input and output modes, flow control.
 * covers:
 * link: dynamic
 */
#include "tty.h"

static void canonical(void)
{
    printf("-- canonical\n");
    TYPE("plain\n");
    TYPE("one\ntwo\nthr");
    TYPE("ee\n");
    TYPE("abc\x7f\x7fxy\n");
    TYPE("\x7f\x7f\n");
    TYPE("kill me\x15" "again\n");
    TYPE("two words\x17gone\n");
    TYPE("a, b.c  \x17\x17x\n");
    TYPE("\x04");
    TYPE("half\x04");
    TYPE("\x04\x04");
    TYPE("x\x04y\n");
    TYPE("lit\x16\x03\x16\x7f\x16\n\n");
    TYPE("re\x12print\n");
    TYPE("cr\r");
    TYPE("\x01\x1b\x02\n");
    TYPE("a\tb\x7f\x7f\x7f\n");
    TYPE("\t\tq\x15\n");
    TYPE("ctl\x16\x01\x16\x02\x7f\x7f\x7f\n");
    TYPE("caf\xc3\xa9\x7f\x7f\n");
    TYPE("nul");
    type_bytes("a NUL", "a\0b\n", 4);
    char small[4];
    write(master, "longer line\n", 12);
    SHOW(read(slave, small, 4));
    SHOW(read(slave, small, 0));
    SHOW(read(slave, small, 4));
    show("rest");
    write(master, "four\x04", 5);
    SHOW(read(slave, small, 4));
    show("EOF at the buffer's end");
}

static void echoes(void)
{
    printf("-- echo\n");
    struct { const char *name; tcflag_t l; } forms[] = {
        { "none", ICANON | IEXTEN },
        { "ECHONL", ICANON | ECHONL | IEXTEN },
        { "ECHO", ICANON | ECHO | IEXTEN },
        { "ECHO ECHOE", ICANON | ECHO | ECHOE | IEXTEN },
        { "ECHO ECHOK", ICANON | ECHO | ECHOK | IEXTEN },
        { "ECHO ECHOE ECHOK ECHOKE", ICANON | ECHO | ECHOE | ECHOK | ECHOKE | IEXTEN },
        { "ECHO ECHOE ECHOCTL", ICANON | ECHO | ECHOE | ECHOCTL | IEXTEN },
        { "ECHO ECHOPRT", ICANON | ECHO | ECHOE | ECHOPRT | IEXTEN },
        { "ECHO ECHOPRT ECHOKE", ICANON | ECHO | ECHOE | ECHOK | ECHOPRT | ECHOKE | ECHOCTL | IEXTEN },
        { "no IEXTEN", ICANON | ECHO | ECHOE | ECHOCTL },
        { "raw with ECHO", ECHO },
        { "raw with ECHO ECHOCTL", ECHO | ECHOCTL },
    };
    for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++) {
        printf("%s\n", forms[i].name);
        set(ICRNL, OPOST | ONLCR, forms[i].l);
        TYPE("abc\x7f\x7fz\n");
        TYPE("a b\x17w\n");
        TYPE("k k\x15k\n");
        TYPE("\x01\x02\x7f\n");
        TYPE("x\ty\x7f\x7fz\n");
        TYPE("p\x12q\x16\x04\n");
        TYPE("r\rs\n");
        TYPE("\x04");
    }
    set(ICRNL | IUTF8, OPOST | ONLCR, ICANON | ECHO | ECHOE | ECHOK | ECHOKE | ECHOCTL | IEXTEN);
    TYPE("caf\xc3\xa9\x7f\x7f\n");
    TYPE("\xe2\x82\xac\xe2\x82\xac\x17" "a\n");
    TYPE("\xc3\xa9\t\xc3\xa9\x7f\x7f.\n");
    set(ICRNL, 0, ICANON | ECHO | ECHOE | ECHOK | ECHOKE | ECHOCTL | IEXTEN);
    TYPE("no opost\x7f\n");
}

static void input_modes(void)
{
    printf("-- input modes\n");
    struct { const char *name; tcflag_t i, l; } modes[] = {
        { "0", 0, 0 }, { "ICRNL", ICRNL, 0 }, { "INLCR", INLCR, 0 }, { "IGNCR", IGNCR, 0 },
        { "ICRNL INLCR", ICRNL | INLCR, 0 }, { "IGNCR INLCR", IGNCR | INLCR, 0 }, { "ISTRIP", ISTRIP, 0 },
        { "IUCLC", IUCLC, 0 }, { "IUCLC with IEXTEN", IUCLC, IEXTEN }, { "PARMRK", PARMRK, 0 }, { "PARMRK ISTRIP", PARMRK | ISTRIP, 0 },
        { "ICANON PARMRK", PARMRK | ICRNL, ICANON }, { "ICANON INLCR", INLCR, ICANON }, { "ICANON IGNCR", IGNCR, ICANON },
        { "ECHO INLCR", INLCR, ECHO | ECHOCTL }, { "ECHO ICRNL", ICRNL, ECHO | ECHOCTL },
    };
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
        printf("%s\n", modes[i].name);
        set(modes[i].i, 0, modes[i].l);
        TYPE("a\rb\nC\xff\xc1\xe9.\n");
    }
    set(0, 0, ICANON | IEXTEN);
    struct termios t;
    tcgetattr(slave, &t);
    t.c_cc[VEOL] = ';';
    t.c_cc[VEOL2] = '!';
    tcsetattr(slave, TCSANOW, &t);
    TYPE("a;b!c\nd");
    TYPE("\x16;\x16!\n");
    t.c_lflag |= ECHO;
    t.c_lflag &= ~IEXTEN;
    tcsetattr(slave, TCSANOW, &t);
    TYPE("a;b!c\n");
}

static void output_modes(void)
{
    printf("-- output modes\n");
    struct { const char *name; tcflag_t o; } modes[] = {
        { "0", 0 }, { "ONLCR without OPOST", ONLCR }, { "OPOST", OPOST }, { "ONLCR", OPOST | ONLCR }, { "OCRNL", OPOST | OCRNL },
        { "ONOCR", OPOST | ONOCR }, { "ONLRET", OPOST | ONLRET | ONOCR }, { "OLCUC", OPOST | OLCUC }, { "XTABS", OPOST | XTABS },
        { "XTABS ONLCR", OPOST | XTABS | ONLCR }, { "OCRNL ONLRET", OPOST | OCRNL | ONLRET | XTABS }, { "ONLRET XTABS", OPOST | ONLRET | XTABS },
    };
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
        set(0, modes[i].o, 0);
        SHOW(write(slave, "\r", 1));
        SHOW(write(slave, "ab\tc\bd\n\tx\r\ry\n\r\xe9z\t\n", 19));
        show(modes[i].name);
    }
    set(IUTF8, OPOST | XTABS, 0);
    write(slave, "\r\xc3\xa9\t|\n", 6);
    show("UTF-8 and tabs");
}

static void flow(void)
{
    printf("-- flow control\n");
    set(IXON, OPOST | ONLCR, ICANON | ISIG | ECHO | IEXTEN | ECHOCTL);
    TYPE("\x13");
    SHOW(write(slave, "x", 1));
    TYPE("typed while stopped\n");
    TYPE("\x11");
    SHOW(write(slave, "x", 1));
    show("going on");
    set(IXON | IXANY, OPOST | ONLCR, ICANON | ECHO | IEXTEN | ECHOCTL);
    TYPE("\x13");
    SHOW(write(slave, "x", 1));
    TYPE("any");
    TYPE("\n");
    TYPE("\x13");
    set(0, OPOST | ONLCR, ICANON | ECHO | IEXTEN | ECHOCTL);
    SHOW(write(slave, "IXON off\n", 9));
    show("after IXON");
    TYPE("\x13\x11\n");
    SHOW(tcflow(slave, TCOOFF));
    SHOW(write(slave, "x", 1));
    set(IXON, OPOST | ONLCR, ICANON | ECHO | IEXTEN | ECHOCTL);
    TYPE("\x11");
    SHOW(write(slave, "x", 1));
    SHOW(tcflow(slave, TCOON));
    SHOW(write(slave, "x", 1));
    show("TCOON");
    SHOW(tcflow(slave, TCIOFF));
    SHOW(tcflow(slave, TCION));
    show("TCIOFF TCION");
    SHOW(tcflow(slave, 4));
    TYPE("\x13");
    SHOW(tcflow(slave, TCIOFF));
    show("past a stop");
    TYPE("\x11");
}

static void minimum_and_time(void)
{
    printf("-- MIN and TIME\n");
    char buf[16];
    set(0, 0, 0);
    struct termios t;
    tcgetattr(slave, &t);
    t.c_cc[VMIN] = 0;
    t.c_cc[VTIME] = 0;
    tcsetattr(slave, TCSANOW, &t);
    SHOW(read(slave, buf, 16));
    fcntl(slave, F_SETFL, O_RDWR);
    SHOW(read(slave, buf, 16));
    write(master, "abc", 3);
    struct pollfd p = { .fd = slave, .events = POLLIN };
    SHOW(poll(&p, 1, -1));
    SHOW(read(slave, buf, 2));
    SHOW(read(slave, buf, 16));
    t.c_cc[VTIME] = 1;
    tcsetattr(slave, TCSANOW, &t);
    SHOW(read(slave, buf, 16));
    write(master, "d", 1);
    SHOW(read(slave, buf, 16));
    t.c_cc[VMIN] = 3;
    t.c_cc[VTIME] = 1;
    tcsetattr(slave, TCSANOW, &t);
    write(master, "ef", 2);
    SHOW(read(slave, buf, 16));
    write(master, "ghij", 4);
    SHOW(read(slave, buf, 16));
    t.c_cc[VTIME] = 0;
    tcsetattr(slave, TCSANOW, &t);
    write(master, "kl", 2);
    SHOW(poll(&p, 1, 0));
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
    SHOW(read(slave, buf, 16));
    SHOW(read(slave, buf, 16));
    fcntl(slave, F_SETFL, O_RDWR);
    fflush(stdout);
    if (fork() == 0) {
        write(master, "m", 1);
        write(master, "n", 1);
        write(master, "o", 1);
        _exit(0);
    }
    SHOW(read(slave, buf, 16));
    wait(NULL);
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
}

static void limits(void)
{
    printf("-- limits\n");
    static char line[6000];
    int n;
    set(ICRNL, 0, ICANON);
    memset(line, 'a', sizeof line);
    for (int i = 0; i < 6000; i += 1000)
        write(master, line, 1000);
    struct pollfd p = { .fd = slave, .events = POLLIN };
    SHOW(poll(&p, 1, 0));
    write(master, "Z\n", 2);
    SHOW(poll(&p, 1, 0));
    SHOW(ioctl(slave, FIONREAD, &n));
    printf("%d\n", n);
    SHOW(read(slave, line, sizeof line));
    HOLDS(line[4095] == '\n' && line[4094] == 'a' && line[0] == 'a');
    SHOW(read(slave, line, sizeof line));
    write(master, "ab\ncd\x04\x04" "ef", 9);
    SHOW(poll(&p, 1, 0));
    SHOW(ioctl(slave, FIONREAD, &n));
    printf("%d\n", n);
    show("lines");
    set(0, 0, 0);
    SHOW(ioctl(slave, FIONREAD, &n));
    printf("%d\n", n);
    show("raw");
    write(master, "12345", 5);
    SHOW(poll(&p, 1, 0));
    SHOW(ioctl(slave, FIONREAD, &n));
    printf("%d\n", n);
}

static void switching(void)
{
    printf("-- from mode to mode\n");
    struct pollfd p = { .fd = slave, .events = POLLIN };
    set(0, 0, ICANON);
    tcflush(slave, TCIOFLUSH);
    write(master, "no newline", 10);
    SHOW(poll(&p, 1, 0));
    set(0, 0, 0);
    SHOW(poll(&p, 1, 0));
    set(0, 0, ICANON);
    SHOW(poll(&p, 1, 0));
    show("was raw");
    write(master, "raw then line\nmore", 18);
    SHOW(poll(&p, 1, 0));
    set(0, 0, 0);
    set(0, 0, ICANON);
    show("one line");
    write(master, "dropped\nd", 9);
    SHOW(poll(&p, 1, 0));
    struct termios t;
    tcgetattr(slave, &t);
    SHOW(tcsetattr(slave, TCSAFLUSH, &t));
    show("TCSAFLUSH");
    write(master, "dropped\nd", 9);
    SHOW(poll(&p, 1, 0));
    SHOW(tcflush(slave, TCIFLUSH));
    show("TCIFLUSH");
    SHOW(tcflush(slave, 3));
    SHOW(tcflush(slave, TCOFLUSH));
    SHOW(tcdrain(slave));
    SHOW(tcsendbreak(slave, 0));
    set(0, 0, ICANON | EXTPROC | ECHO);
    TYPE("ext\x7f\n\x04");
}

int main(void)
{
    open_pair();
    canonical();
    echoes();
    input_modes();
    output_modes();
    flow();
    minimum_and_time();
    limits();
    switching();
    close_pair();
    return 0;
}
