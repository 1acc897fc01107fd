/* The flags of sending and receiving over Unix sockets, and urgent data.
 * linux: 6.11
 * covers: sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg
 */
#include "check.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef SIOCATMARK
#define SIOCATMARK 0x8905
#endif
static char buf[70000];
static int s[2];

static void pair(int type)
{
    socketpair(AF_UNIX, type, 0, s);
}

static void done(void)
{
    close(s[0]);
    close(s[1]);
}

static int at_mark(int fd)
{
    int mark = -1;
    return ioctl(fd, SIOCATMARK, &mark) < 0 ? -errno : mark;
}

static short ready(int fd)
{
    struct pollfd f = { fd, POLLIN | POLLPRI | POLLOUT | POLLRDHUP, 0 };
    poll(&f, 1, 0);
    return f.revents;
}

static void get(int fd, int room, int flags)
{
    memset(buf, 0, 100);
    long got = recv(fd, buf, room, flags);
    if (got < 0)
        printf("  recv(%d, %x): %s\n", room, flags, errname(errno));
    else
        printf("  recv(%d, %x): %ld [%.*s] mark %d ready %x\n", room, flags, got, (int)got < 50 ? (int)got : 50, buf, at_mark(fd), ready(fd));
}

static volatile int urgent;
static void on_urgent(int sig) { urgent++; }

/* A byte beside the stream: AF_UNIX has it too. */
static void out_of_band(void)
{
    pair(SOCK_STREAM);
    signal(SIGURG, on_urgent);
    SHOW(at_mark(s[1]));
    get(s[1], 10, MSG_OOB | MSG_DONTWAIT);
    SHOW(send(s[0], "abc", 3, 0));
    SHOW(send(s[0], "X", 1, MSG_OOB));
    printf("%x\n", ready(s[1]));
    get(s[1], 10, MSG_OOB | MSG_PEEK);
    get(s[1], 10, MSG_OOB);
    get(s[1], 10, MSG_OOB);
    get(s[1], 10, 0);
    SHOW(send(s[0], "defY", 4, MSG_OOB));
    SHOW(send(s[0], "ghi", 3, 0));
    get(s[1], 10, 0);
    get(s[1], 10, 0);
    get(s[1], 10, MSG_OOB);
    SHOW(send(s[0], "jk", 2, MSG_OOB));
    get(s[1], 1, 0);
    SHOW(at_mark(s[1]));
    get(s[1], 10, MSG_DONTWAIT);
    get(s[1], 10, MSG_OOB);
    int on = 1;
    SHOW(setsockopt(s[1], SOL_SOCKET, SO_OOBINLINE, &on, sizeof on));
    SHOW(send(s[0], "lmN", 3, MSG_OOB));
    SHOW(send(s[0], "op", 2, 0));
    get(s[1], 10, MSG_OOB);
    get(s[1], 10, 0);
    get(s[1], 10, 0);
    SHOW(fcntl(s[1], F_SETOWN, getpid()));
    SHOW(send(s[0], "u", 1, MSG_OOB));
    SHOW(urgent);
    get(s[1], 10, 0);
    SHOW(send(s[0], "", 0, MSG_OOB));
    done();
    pair(SOCK_DGRAM);
    SHOW(send(s[0], "x", 1, MSG_OOB));
    get(s[1], 10, MSG_OOB | MSG_DONTWAIT);
    SHOW(at_mark(s[1]));
    done();
    pair(SOCK_SEQPACKET);
    SHOW(send(s[0], "x", 1, MSG_OOB));
    get(s[1], 10, MSG_OOB | MSG_DONTWAIT);
    done();
}

static void send_flags(int type, const char *name)
{
    static const struct { int flag; const char *name; } flags[] = { { MSG_CONFIRM, "CONFIRM" }, { MSG_DONTROUTE, "DONTROUTE" }, { MSG_DONTWAIT, "DONTWAIT" },
        { MSG_EOR, "EOR" }, { MSG_MORE, "MORE" }, { MSG_NOSIGNAL, "NOSIGNAL" }, { MSG_FASTOPEN, "FASTOPEN" }, { MSG_WAITALL, "WAITALL" },
        { MSG_TRUNC, "TRUNC" }, { MSG_PEEK, "PEEK" }, { MSG_ERRQUEUE, "ERRQUEUE" }, { MSG_CTRUNC, "CTRUNC" } };
    printf("%s\n", name);
    pair(type);
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct iovec v = { "message", 7 };
        struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
        struct mmsghdr mm = { m, 0 };
        errno = 0;
        int a = send(s[0], "sent", 4, flags[i].flag), ea = errno;
        int b = sendmsg(s[0], &m, flags[i].flag), eb = errno;
        int c = sendmmsg(s[0], &mm, 1, flags[i].flag), ec = errno;
        printf(" %s: %d %s %d %s %d %s\n", flags[i].name, a, a < 0 ? errname(ea) : "", b, b < 0 ? errname(eb) : "", c, c < 0 ? errname(ec) : "");
        while (recv(s[1], buf, sizeof buf, MSG_DONTWAIT) >= 0)
            ;
    }
    done();
}

static void receive_flags(int type, const char *name)
{
    static const struct { int flag; const char *name; } flags[] = { { MSG_CMSG_CLOEXEC, "CMSG_CLOEXEC" }, { MSG_DONTWAIT, "DONTWAIT" },
        { MSG_ERRQUEUE, "ERRQUEUE" }, { MSG_PEEK, "PEEK" }, { MSG_TRUNC, "TRUNC" }, { MSG_WAITALL, "WAITALL" }, { MSG_NOSIGNAL, "NOSIGNAL" },
        { MSG_PEEK | MSG_TRUNC, "PEEK|TRUNC" }, { MSG_EOR, "EOR" }, { MSG_DONTROUTE, "DONTROUTE" } };
    printf("%s\n", name);
    for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) {
        pair(type);
        for (int way = 0; way < 3; way++) {
            send(s[0], "123456", 6, MSG_EOR);
            struct iovec v = { buf, 4 };
            struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
            struct mmsghdr mm = { m, 0 };
            errno = 0;
            long got = way == 0 ? recvfrom(s[1], buf, 4, flags[i].flag, NULL, NULL) : way == 1 ? recvmsg(s[1], &m, flags[i].flag) : recvmmsg(s[1], &mm, 1, flags[i].flag, NULL);
            printf(" %s: %ld %s flags %x length %d\n", flags[i].name, got, got < 0 ? errname(errno) : "", way == 1 ? m.msg_flags & ~MSG_CMSG_CLOEXEC : way == 2 ? mm.msg_hdr.msg_flags & ~MSG_CMSG_CLOEXEC : 0, way == 2 ? mm.msg_len : 0);
            while (recv(s[1], buf, sizeof buf, MSG_DONTWAIT) >= 0)
                ;
        }
        done();
    }
}

static void several(void)
{
    pair(SOCK_DGRAM);
    struct iovec v[4] = { { "a", 1 }, { "bb", 2 }, { "ccc", 3 }, { BAD, 4 } }, w[4];
    struct mmsghdr out[4] = { 0 }, in[4] = { 0 };
    static char room[4][8];
    for (int i = 0; i < 4; i++) {
        out[i].msg_hdr.msg_iov = v + i;
        out[i].msg_hdr.msg_iovlen = 1;
        w[i] = (struct iovec){ room[i], 2 };
        in[i].msg_hdr.msg_iov = w + i;
        in[i].msg_hdr.msg_iovlen = 1;
    }
    SHOW(sendmmsg(s[0], out, 4, MSG_DONTWAIT | MSG_NOSIGNAL));
    SHOW(sendmmsg(s[0], out + 3, 1, 0));
    SHOW(recvmmsg(s[1], in, 2, MSG_PEEK, NULL));
    printf("%d %d\n", in[0].msg_len, in[1].msg_len);
    SHOW(recvmmsg(s[1], in, 4, MSG_WAITFORONE | MSG_TRUNC, NULL));
    printf("%d %d %d %x\n", in[0].msg_len, in[1].msg_len, in[2].msg_len, in[2].msg_hdr.msg_flags);
    SHOW(recvmmsg(s[1], in, 4, MSG_WAITFORONE | MSG_DONTWAIT, NULL));
    struct timespec t = { 0, 20000000 };
    SHOW(sendmmsg(s[0], out, 1, 0));
    SHOW(recvmmsg(s[1], in, 0, 0, &t));
    SHOW(recvmmsg(s[1], in, 1, 0, &t));
    t.tv_nsec = 2000000000;
    SHOW(recvmmsg(s[1], in, 1, 0, &t));
    SHOW(sendmmsg(s[0], out, 2000, MSG_DONTWAIT) > 0);
    done();
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    out_of_band();
    send_flags(SOCK_STREAM, "stream");
    send_flags(SOCK_DGRAM, "datagrams");
    send_flags(SOCK_SEQPACKET, "packets");
    receive_flags(SOCK_STREAM, "stream");
    receive_flags(SOCK_DGRAM, "datagrams");
    receive_flags(SOCK_SEQPACKET, "packets");
    several();
    return 0;
}
