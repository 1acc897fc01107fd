/* AF_UNIX sockets: names, streams, datagrams, packets, control messages, options.
 * covers: socket socketpair bind listen accept accept4 connect getsockname getpeername sendto recvfrom sendmsg recvmsg
 * covers: sendmmsg recvmmsg shutdown setsockopt getsockopt
 * link: static dynamic
 */
#include "check.h"
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static struct sockaddr_un name;
static char buf[300000];

static struct sockaddr *path(const char *p)
{
    memset(&name, 0, sizeof name);
    name.sun_family = AF_UNIX;
    strcpy(name.sun_path, p);
    return (struct sockaddr *)&name;
}

static struct sockaddr *hidden(const char *p)
{
    memset(&name, 0, sizeof name);
    name.sun_family = AF_UNIX;
    strcpy(name.sun_path + 1, p);
    return (struct sockaddr *)&name;
}

#define PATH(p) path(p), (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(p) + 1)
#define HIDDEN(p) hidden(p), (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(p))

static void print_name(struct sockaddr_un *n, socklen_t length)
{
    printf("family %d length %d ", length >= 2 ? n->sun_family : -1, (int)length);
    for (int i = 2; i < (int)length; i++)
        putchar(n->sun_path[i - 2] ? n->sun_path[i - 2] : '@');
    putchar('\n');
}

static void names_of(int fd)
{
    struct sockaddr_un n;
    socklen_t l = sizeof n;
    memset(&n, 0, sizeof n);
    SHOW(getsockname(fd, (struct sockaddr *)&n, &l));
    print_name(&n, l);
    l = sizeof n;
    SHOW(getpeername(fd, (struct sockaddr *)&n, &l));
}

static short ready(int fd)
{
    struct pollfd f = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };
    poll(&f, 1, 0);
    return f.revents;
}

static int option(int fd, int which)
{
    int value = -99;
    socklen_t l = sizeof value;
    return getsockopt(fd, SOL_SOCKET, which, &value, &l) < 0 ? -errno : value;
}

static void creation(void)
{
    int fd, p[2];
    static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW, SOCK_RDM, 0, 11 };
    for (int i = 0; i < 7; i++) {
        fd = socket(AF_UNIX, types[i], 0);
        if (fd < 0) {
            printf("type %d: %s\n", types[i], errname(errno));
            continue;
        }
        printf("type %d: %d domain %d protocol %d listening %d\n", types[i], option(fd, SO_TYPE), option(fd, SO_DOMAIN), option(fd, SO_PROTOCOL),
            option(fd, SO_ACCEPTCONN));
        printf("poll %x\n", ready(fd));
        names_of(fd);
        close(fd);
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    SHOW(fcntl(fd, F_GETFD));
    HOLDS(fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
    struct stat s;
    fstat(fd, &s);
    HOLDS(S_ISSOCK(s.st_mode));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(pread(fd, buf, 1, 0));
    close(fd);
    SHOW(socket(AF_UNIX, SOCK_STREAM | O_APPEND, 0));
    SHOW(socket(AF_UNIX, SOCK_STREAM, 5));
    WORKS(close(socket(AF_UNIX, SOCK_STREAM, PF_UNIX)));
    SHOW(socket(-1, SOCK_STREAM, 0) == -1 && (errno == EAFNOSUPPORT || errno == 97));
    SHOW(socket(77, SOCK_STREAM, 0) == -1 && errno == 97);
    SHOW(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, p));
    SHOW(fcntl(p[1], F_GETFD));
    HOLDS(fcntl(p[0], F_GETFL) == (O_RDWR | O_NONBLOCK));
    close(p[0]);
    close(p[1]);
    SHOW(socketpair(AF_UNIX, 99, 0, p));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM | O_APPEND, 0, p));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 9, p));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD));
    struct rlimit old, low;
    getrlimit(RLIMIT_NOFILE, &old);
    low = old;
    low.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &low);
    SHOW(socket(AF_UNIX, SOCK_STREAM, 0));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    setrlimit(RLIMIT_NOFILE, &old);
}

static void naming(void)
{
    int a = socket(AF_UNIX, SOCK_STREAM, 0), b = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0);
    SHOW(bind(a, PATH("sock")));
    names_of(a);
    struct stat s;
    stat("sock", &s);
    printf("%o\n", (unsigned)s.st_mode & S_IFMT);
    SHOW(open("sock", O_RDWR));
    SHOW(bind(a, PATH("again")));
    SHOW(bind(b, PATH("sock")));
    SHOW(bind(b, PATH("none/sock")));
    SHOW(bind(b, PATH("sock/x")));
    SHOW(bind(b, path("x"), 1));
    SHOW(bind(b, path("x"), 200));
    SHOW(bind(b, BAD, 10));
    SHOW(bind(99, PATH("x")));
    SHOW(bind(0, PATH("x")));
    path("x");
    name.sun_family = AF_INET;
    SHOW(bind(b, (struct sockaddr *)&name, sizeof name));
    SHOW(connect(b, PATH("sock")));
    SHOW(connect(b, PATH("missing")));
    SHOW(connect(b, HIDDEN("missing")));
    creat("plain", 0600);
    SHOW(connect(b, PATH("plain")));
    SHOW(listen(b, 5));
    SHOW(listen(d, 5));
    SHOW(listen(99, 5));
    SHOW(listen(0, 5));
    SHOW(accept(a, NULL, NULL));
    SHOW(accept(d, NULL, NULL));
    SHOW(accept(99, NULL, NULL));
    SHOW(accept(0, NULL, NULL));
    SHOW(accept4(a, NULL, NULL, O_APPEND));
    SHOW(listen(a, 1));
    SHOW(listen(a, 2));
    printf("listening %d poll %x\n", option(a, SO_ACCEPTCONN), ready(a));
    SHOW(connect(d, PATH("sock")));
    SHOW(connect(b, path("sock"), 1));
    SHOW(connect(b, BAD, 10));
    SHOW(connect(99, PATH("sock")));
    SHOW(connect(0, PATH("sock")));
    fcntl(a, F_SETFL, O_NONBLOCK);
    SHOW(accept(a, NULL, NULL));
    SHOW(connect(b, PATH("sock")));
    SHOW(connect(b, PATH("sock")));
    printf("%x %x\n", ready(a), ready(b));
    struct sockaddr_un n;
    socklen_t l = sizeof n;
    int c = accept4(a, (struct sockaddr *)&n, &l, SOCK_CLOEXEC | SOCK_NONBLOCK);
    HOLDS(c >= 0);
    printf("%d\n", (int)l);
    SHOW(fcntl(c, F_GETFD));
    HOLDS(fcntl(c, F_GETFL) == (O_RDWR | O_NONBLOCK));
    l = sizeof n;
    SHOW(getsockname(c, (struct sockaddr *)&n, &l));
    print_name(&n, l);
    l = 6;
    SHOW(getpeername(b, (struct sockaddr *)&n, &l));
    printf("%d\n", (int)l);
    l = -1;
    SHOW(getpeername(b, (struct sockaddr *)&n, &l));
    SHOW(getpeername(b, (struct sockaddr *)&n, BAD));
    l = sizeof n;
    SHOW(getpeername(b, BAD, &l));
    SHOW(getsockname(99, (struct sockaddr *)&n, &l));
    SHOW(getsockname(0, (struct sockaddr *)&n, &l));
    SHOW(getsockname(b, (struct sockaddr *)&n, BAD));
    SHOW(getpeername(99, (struct sockaddr *)&n, &l));
    SHOW(getpeername(0, (struct sockaddr *)&n, &l));
    SHOW(write(b, "hello", 5));
    SHOW(read(c, buf, 100));
    SHOW(read(c, buf, 100));
    /* closing the listener refuses those who wait, not those who were taken */
    int e = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect(e, PATH("sock")));
    close(a);
    printf("%x\n", ready(e));
    SHOW(read(e, buf, 1));
    SHOW(read(e, buf, 1));
    SHOW(write(b, "still", 5));
    SHOW(read(c, buf, 100));
    close(e);
    close(c);
    printf("%x\n", ready(b));
    SHOW(read(b, buf, 1));
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(b, "x", 1));
    close(b);
    close(d);
    SHOW(unlink("sock"));
    /* abstract and automatic names */
    a = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(bind(a, HIDDEN("vitrine test")));
    names_of(a);
    b = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(bind(b, HIDDEN("vitrine test")));
    listen(a, 0);
    fcntl(b, F_SETFL, O_NONBLOCK);
    SHOW(connect(b, HIDDEN("vitrine test")));
    c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect(c, HIDDEN("vitrine test")));
    SHOW(connect(c, HIDDEN("vitrine test") - 1));
    int g = accept(a, NULL, NULL);
    HOLDS(g >= 0);
    SHOW(fcntl(g, F_GETFD));
    l = sizeof n;
    SHOW(getpeername(b, (struct sockaddr *)&n, &l));
    print_name(&n, l);
    close(g);
    close(a);
    close(b);
    a = socket(AF_UNIX, SOCK_DGRAM, 0);
    sa_family_t family = AF_UNIX;
    SHOW(bind(a, (struct sockaddr *)&family, sizeof family));
    l = sizeof n;
    SHOW(getsockname(a, (struct sockaddr *)&n, &l));
    printf("%d %d\n", (int)l, n.sun_path[0]);
    SHOW(bind(a, (struct sockaddr *)&family, sizeof family));
    close(a);
    close(c);
}

/* A listener that is still in its file system, without the alarm of a wait that never ends. */
static void blocking_accept(void)
{
    int a = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    bind(a, PATH("seq"));
    listen(a, 8);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        usleep(20000);
        int c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
        bind(c, HIDDEN("vitrine client"));
        if (connect(c, PATH("seq")) < 0)
            _exit(1);
        send(c, "one", 3, 0);
        send(c, "twenty", 6, 0);
        send(c, "", 0, 0);
        _exit(0);
    }
    struct sockaddr_un n;
    socklen_t l = sizeof n;
    int c = accept(a, (struct sockaddr *)&n, &l);
    HOLDS(c >= 0);
    print_name(&n, l);
    struct ucred u;
    l = sizeof u;
    SHOW(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &l));
    HOLDS(u.pid == child && u.uid == geteuid() && u.gid == getegid());
    SHOW(recv(c, buf, 100, 0));
    SHOW(recv(c, buf, 2, MSG_TRUNC));
    SHOW(recv(c, buf, 100, 0));
    SHOW(recv(c, buf, 100, 0));
    int status;
    waitpid(child, &status, 0);
    SHOW(WEXITSTATUS(status));
    close(c);
    struct timeval t = { 0, 20000 };
    setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    SHOW(accept(a, NULL, NULL));
    close(a);
    unlink("seq");
}

static void streams(void)
{
    int p[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    names_of(p[0]);
    printf("%x\n", ready(p[0]));
    SHOW(send(p[0], "abcdef", 6, 0));
    printf("%x\n", ready(p[1]));
    int n;
    SHOW(ioctl(p[1], FIONREAD, &n));
    printf("%d\n", n);
    SHOW(recv(p[1], buf, 3, MSG_PEEK));
    SHOW(recv(p[1], buf, 3, 0));
    printf("%.3s\n", buf);
    SHOW(send(p[0], "ghi", 3, MSG_DONTWAIT | MSG_NOSIGNAL));
    SHOW(recv(p[1], buf, 6, MSG_WAITALL));
    printf("%.6s\n", buf);
    SHOW(recv(p[1], buf, 6, MSG_DONTWAIT));
    SHOW(recv(p[1], buf, 6, MSG_OOB));
    SHOW(send(p[0], "x", 0, 0));
    SHOW(recv(p[1], buf, 0, MSG_DONTWAIT));
    SHOW(send(p[0], BAD, 1, 0));
    SHOW(send(p[0], "y", 1, 0));
    SHOW(recv(p[1], BAD, 1, MSG_DONTWAIT));
    SHOW(recv(p[1], buf, 1, MSG_DONTWAIT));
    SHOW(send(99, "x", 1, 0));
    SHOW(send(0, "x", 1, 0));
    SHOW(recv(99, buf, 1, 0));
    SHOW(recv(0, buf, 1, 0));
    SHOW(sendto(p[0], "x", 1, 0, PATH("sock")));
    struct sockaddr_un from;
    socklen_t l = sizeof from;
    SHOW(send(p[0], "x", 1, 0));
    SHOW(recvfrom(p[1], buf, 1, 0, (struct sockaddr *)&from, &l));
    printf("%d\n", (int)l);
    /* waiting for all over several writes */
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        write(p[0], "123", 3);
        usleep(20000);
        write(p[0], "4567", 4);
        _exit(0);
    }
    SHOW(recv(p[1], buf, 7, MSG_WAITALL));
    printf("%.7s\n", buf);
    waitpid(child, NULL, 0);
    struct timeval t = { 0, 20000 };
    SHOW(setsockopt(p[1], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    SHOW(recv(p[1], buf, 1, 0));
    write(p[0], "ab", 2);
    SHOW(recv(p[1], buf, 5, MSG_WAITALL));
    SHOW(setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t));
    long total = 0, m;
    while ((m = send(p[0], buf, 1000, 0)) > 0)
        total += m;
    printf("%s\n", errname(errno));
    HOLDS(total > 50000);
    HOLDS(!(ready(p[0]) & POLLOUT));
    SHOW(send(p[0], "x", 1, MSG_DONTWAIT));
    while (total > 0 && (m = recv(p[1], buf, sizeof buf, 0)) > 0)
        total -= m;
    SHOW(total);
    /* shutting down */
    SHOW(shutdown(p[0], 3));
    SHOW(shutdown(p[0], -1));
    SHOW(shutdown(99, 0));
    SHOW(shutdown(0, 0));
    SHOW(send(p[0], "last", 4, 0));
    SHOW(shutdown(p[0], SHUT_WR));
    signal(SIGPIPE, SIG_DFL);
    IN_CHILD(send(p[0], "x", 1, 0));
    IN_CHILD(write(p[0], "x", 1));
    SHOW(send(p[0], "x", 1, MSG_NOSIGNAL));
    printf("%x %x\n", ready(p[0]), ready(p[1]));
    SHOW(recv(p[1], buf, 10, 0));
    SHOW(recv(p[1], buf, 10, 0));
    SHOW(send(p[1], "back", 4, 0));
    SHOW(recv(p[0], buf, 10, 0));
    SHOW(shutdown(p[1], SHUT_RDWR));
    printf("%x %x\n", ready(p[0]), ready(p[1]));
    SHOW(recv(p[0], buf, 10, 0));
    SHOW(send(p[1], "x", 1, MSG_NOSIGNAL));
    close(p[0]);
    close(p[1]);
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    send(p[0], "unread", 6, 0);
    send(p[1], "sent", 4, 0);
    SHOW(shutdown(p[1], SHUT_RD));
    SHOW(send(p[0], "x", 1, MSG_NOSIGNAL));
    SHOW(recv(p[1], buf, 10, 0));
    SHOW(recv(p[1], buf, 10, 0));
    close(p[1]);
    SHOW(recv(p[0], buf, 10, 0));
    SHOW(recv(p[0], buf, 10, 0));
    close(p[0]);
    /* data that is never read resets the other side */
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    send(p[0], "unread", 6, 0);
    close(p[1]);
    printf("%x\n", ready(p[0]));
    printf("error %d\n", option(p[0], SO_ERROR));
    printf("error %d\n", option(p[0], SO_ERROR));
    SHOW(recv(p[0], buf, 10, 0));
    close(p[0]);
    int u = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(send(u, "x", 1, 0));
    SHOW(recv(u, buf, 1, 0));
    SHOW(shutdown(u, SHUT_RD));
    SHOW(write(u, "x", 1));
    SHOW(read(u, buf, 1));
    close(u);
}

static void datagrams(void)
{
    int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un from;
    socklen_t l = sizeof from;
    SHOW(bind(a, PATH("dgram")));
    SHOW(sendto(b, "hello", 5, 0, PATH("dgram")));
    SHOW(sendto(b, "", 0, 0, PATH("dgram")));
    printf("%x\n", ready(a));
    int n;
    SHOW(ioctl(a, FIONREAD, &n));
    printf("%d\n", n);
    SHOW(recvfrom(a, buf, 2, MSG_PEEK | MSG_TRUNC, (struct sockaddr *)&from, &l));
    printf("%d\n", (int)l);
    SHOW(recvfrom(a, buf, 2, 0, NULL, NULL));
    SHOW(recvfrom(a, buf, 2, 0, NULL, NULL));
    SHOW(recvfrom(a, buf, 2, MSG_DONTWAIT, NULL, NULL));
    SHOW(bind(b, HIDDEN("vitrine dgram")));
    SHOW(send(b, "x", 1, 0));
    SHOW(sendto(b, "x", 1, 0, PATH("missing")));
    SHOW(sendto(b, "x", 1, 0, HIDDEN("missing")));
    SHOW(sendto(b, "x", 1, 0, BAD, 10));
    SHOW(sendto(b, "x", 1, 0, path("dgram"), 1000));
    SHOW(sendto(b, "x", 1, MSG_OOB, PATH("dgram")));
    SHOW(sendto(b, buf, sizeof buf, 0, PATH("dgram")));
    SHOW(connect(b, PATH("dgram")));
    SHOW(send(b, "conn", 4, 0));
    l = sizeof from;
    SHOW(recvfrom(a, buf, 10, 0, (struct sockaddr *)&from, &l));
    print_name(&from, l);
    SHOW(recvfrom(a, buf, 10, MSG_DONTWAIT, BAD, BAD));
    SHOW(send(b, "conn", 4, 0));
    l = -1;
    SHOW(recvfrom(a, buf, 10, 0, (struct sockaddr *)&from, &l));
    names_of(b);
    /* somebody else's connected socket takes nothing from a third */
    int c = socket(AF_UNIX, SOCK_DGRAM, 0);
    SHOW(sendto(c, "x", 1, 0, HIDDEN("vitrine dgram")));
    close(a);
    SHOW(send(b, "x", 1, 0));
    printf("error %d\n", option(b, SO_ERROR));
    SHOW(send(b, "x", 1, 0));
    sa_family_t none = AF_UNSPEC;
    SHOW(connect(c, (struct sockaddr *)&none, sizeof none));
    SHOW(sendto(c, "x", 1, 0, PATH("dgram")));
    unlink("dgram");
    close(b);
    close(c);
    int p[2];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
    fcntl(p[0], F_SETFL, O_NONBLOCK);
    int count = 0;
    while (send(p[0], "m", 1, 0) == 1)
        count++;
    printf("%s, %s\n", count >= 10 ? "queued" : "NO", errname(errno));
    HOLDS(!(ready(p[0]) & POLLOUT));
    SHOW(shutdown(p[1], SHUT_RD));
    SHOW(send(p[0], "x", 1, MSG_NOSIGNAL));
    close(p[1]);
    SHOW(send(p[0], "x", 1, MSG_NOSIGNAL));
    close(p[0]);
}

static void packets(void)
{
    int p[2];
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p);
    SHOW(send(p[0], "first", 5, MSG_EOR));
    SHOW(send(p[0], "second", 6, 0));
    struct iovec v[2] = { { buf, 2 }, { buf + 10, 2 } };
    struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
    SHOW(recvmsg(p[1], &m, 0));
    printf("%x\n", m.msg_flags);
    m.msg_flags = 0;
    SHOW(recvmsg(p[1], &m, MSG_TRUNC | MSG_PEEK));
    printf("%x\n", m.msg_flags);
    v[1].iov_len = 100;
    SHOW(recvmsg(p[1], &m, 0));
    printf("%x %.2s%.4s\n", m.msg_flags, buf, buf + 10);
    SHOW(sendto(p[0], "x", 1, 0, PATH("sock")));
    close(p[1]);
    SHOW(recv(p[0], buf, 1, 0));
    SHOW(send(p[0], "x", 1, MSG_NOSIGNAL));
    close(p[0]);
}

static long pass(int fd, const int *fds, int n, int flags)
{
    char control[CMSG_SPACE(sizeof(int) * 300)] = { 0 };
    struct iovec v = { "m", 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof(int) * n) };
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * n);
    memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
    return sendmsg(fd, &m, flags);
}

static int receive(int fd, size_t room, int flags, int *fds)
{
    char control[2000] = { 0 };
    struct iovec v = { buf, 100 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room };
    int count = 0;
    long n = recvmsg(fd, &m, flags);
    printf("received %ld %s flags %x control %d\n", n, n < 0 ? errname(errno) : "", n < 0 ? 0 : m.msg_flags, n < 0 ? 0 : (int)m.msg_controllen);
    for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        printf("level %d type %d length %d\n", c->cmsg_level, c->cmsg_type, (int)c->cmsg_len);
        if (c->cmsg_type == SCM_RIGHTS) {
            count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(fds, CMSG_DATA(c), count * sizeof(int));
        } else {
            struct ucred u;
            memcpy(&u, CMSG_DATA(c), sizeof u);
            printf("credentials %d %d %d\n", u.pid == getpid(), u.uid == getuid(), u.gid == getgid());
        }
    }
    return count;
}

static void rights(void)
{
    int p[2], q[2], got[300];
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    pipe(q);
    SHOW(pass(p[0], q, 2, 0));
    close(q[1]);
    SHOW(receive(p[1], 500, 0, got));
    SHOW(write(got[1], "through", 7));
    SHOW(read(q[0], buf, 10));
    SHOW(fcntl(got[0], F_GETFD));
    close(got[0]);
    close(got[1]);
    SHOW(read(q[0], buf, 10));
    pass(p[0], q, 1, 0);
    SHOW(receive(p[1], 500, MSG_CMSG_CLOEXEC, got));
    SHOW(fcntl(got[0], F_GETFD));
    close(got[0]);
    /* no room: for none, for one of two */
    pass(p[0], p, 2, 0);
    SHOW(receive(p[1], 0, 0, got));
    pass(p[0], p, 2, 0);
    SHOW(receive(p[1], CMSG_LEN(sizeof(int)), 0, got));
    close(got[0]);
    /* a peek copies, a plain read drops */
    pass(p[0], q, 1, 0);
    SHOW(receive(p[1], 500, MSG_PEEK, got));
    close(got[0]);
    SHOW(receive(p[1], 500, 0, got));
    close(got[0]);
    pass(p[0], q, 1, 0);
    SHOW(read(p[1], buf, 10));
    /* two messages with descriptors are not joined */
    pass(p[0], q, 1, 0);
    pass(p[0], q, 1, 0);
    write(p[0], "tail", 4);
    SHOW(receive(p[1], 500, 0, got));
    close(got[0]);
    SHOW(receive(p[1], 500, 0, got));
    close(got[0]);
    SHOW(recv(p[1], buf, 100, MSG_DONTWAIT));
    int bad = 99;
    SHOW(pass(p[0], &bad, 1, 0));
    for (int i = 0; i < 254; i++)
        got[i] = q[0];
    SHOW(pass(p[0], got, 254, 0));
    SHOW(pass(p[0], got, 253, 0));
    SHOW(receive(p[1], 1500, 0, got));
    for (int i = 0; i < 253; i++)
        close(got[i]);
    /* control messages that are wrong */
    char control[64] = { 0 };
    struct iovec v = { "m", 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = 24 };
    struct cmsghdr *c = (struct cmsghdr *)control;
    *c = (struct cmsghdr){ .cmsg_len = 60, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
    SHOW(sendmsg(p[0], &m, 0));
    c->cmsg_len = 8;
    SHOW(sendmsg(p[0], &m, 0));
    c->cmsg_len = CMSG_LEN(4);
    c->cmsg_type = 77;
    SHOW(sendmsg(p[0], &m, 0));
    m.msg_control = BAD;
    SHOW(sendmsg(p[0], &m, 0));
    /* a socket that is sent to itself and left */
    pass(p[0], p, 2, 0);
    close(p[0]);
    close(p[1]);
    close(q[0]);
}

static void credentials(void)
{
    int p[2], got[4];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
    int one = 1;
    printf("%d\n", option(p[1], SO_PASSCRED));
    SHOW(setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
    printf("%d\n", option(p[1], SO_PASSCRED));
    send(p[0], "x", 1, 0);
    SHOW(receive(p[1], 500, 0, got));
    struct ucred u = { getpid(), getuid(), getgid() };
    char control[CMSG_SPACE(sizeof u)] = { 0 };
    struct iovec v = { "m", 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof u), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS };
    memcpy(CMSG_DATA(c), &u, sizeof u);
    SHOW(sendmsg(p[0], &m, 0));
    SHOW(receive(p[1], 500, 0, got));
    pass(p[0], p, 1, 0);
    SHOW(receive(p[1], 500, 0, got));
    close(got[0]);
    u.pid = 0x7ffffff;
    memcpy(CMSG_DATA(c), &u, sizeof u);
    SHOW(sendmsg(p[0], &m, 0));
    fflush(stdout);
    IN_CHILD(setgid(1000), setuid(1000), ({
        u.pid = getpid();
        u.uid = 0;
        memcpy(CMSG_DATA(c), &u, sizeof u);
        SHOW(sendmsg(p[0], &m, 0));
    }));
    c->cmsg_len = CMSG_LEN(4);
    SHOW(sendmsg(p[0], &m, 0));
    socklen_t l = sizeof u;
    SHOW(getsockopt(p[0], SOL_SOCKET, SO_PEERCRED, &u, &l));
    HOLDS(u.pid == getpid() && u.uid == getuid() && u.gid == getgid() && l == 12);
    close(p[0]);
    close(p[1]);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &u, &l));
    printf("%d %d %d\n", u.pid, u.uid, u.gid);
    close(s);
}

static void messages(void)
{
    int p[2];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
    struct iovec v[3] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };
    struct msghdr m = { .msg_iov = v, .msg_iovlen = 3 };
    SHOW(sendmsg(p[0], &m, 0));
    SHOW(sendmsg(p[0], BAD, 0));
    SHOW(sendmsg(99, &m, 0));
    SHOW(sendmsg(0, &m, 0));
    m.msg_iovlen = 1025;
    SHOW(sendmsg(p[0], &m, 0));
    m.msg_iov = BAD;
    m.msg_iovlen = 1;
    SHOW(sendmsg(p[0], &m, 0));
    SHOW(recvmsg(p[1], &m, 0));
    SHOW(recvmsg(p[1], BAD, 0));
    SHOW(recvmsg(99, &m, 0));
    SHOW(recvmsg(0, &m, 0));
    char one[3], two[10];
    struct iovec r[2] = { { one, 3 }, { two, 10 } };
    struct sockaddr_un from;
    m = (struct msghdr){ .msg_iov = r, .msg_iovlen = 2, .msg_name = &from, .msg_namelen = sizeof from };
    SHOW(recvmsg(p[1], &m, 0));
    printf("%.3s %.2s %d\n", one, two, (int)m.msg_namelen);
    SHOW(recvmsg(p[1], &m, MSG_DONTWAIT));
    /* several at once */
    struct mmsghdr out[3] = { 0 }, in[4] = { 0 };
    static char room[4][4];
    struct iovec to[4];
    for (int i = 0; i < 3; i++) {
        out[i].msg_hdr.msg_iov = v + (i == 1 ? 2 : 0);
        out[i].msg_hdr.msg_iovlen = 1;
    }
    for (int i = 0; i < 4; i++) {
        to[i] = (struct iovec){ room[i], 2 };
        in[i].msg_hdr.msg_iov = to + i;
        in[i].msg_hdr.msg_iovlen = 1;
    }
    SHOW(sendmmsg(p[0], out, 3, 0));
    printf("%d %d %d\n", out[0].msg_len, out[1].msg_len, out[2].msg_len);
    SHOW(recvmmsg(p[1], in, 4, MSG_DONTWAIT, NULL));
    for (int i = 0; i < 3; i++)
        printf("%d %x %.2s\n", in[i].msg_len, in[i].msg_hdr.msg_flags, room[i]);
    SHOW(recvmmsg(p[1], in, 4, MSG_DONTWAIT, NULL));
    SHOW(sendmmsg(p[0], out, 2, 0));
    SHOW(recvmmsg(p[1], in, 4, MSG_WAITFORONE, NULL));
    struct timespec t = { 0, 0 }, bad = { 0, -1 };
    SHOW(sendmmsg(p[0], out, 2, 0));
    SHOW(recvmmsg(p[1], in, 4, 0, &t));
    SHOW(recvmmsg(p[1], in, 4, 0, &bad));
    SHOW(recvmmsg(p[1], in, 4, 0, BAD));
    SHOW(recv(p[1], buf, 10, MSG_DONTWAIT));
    SHOW(sendmmsg(p[0], out, 0, 0));
    SHOW(sendmmsg(p[0], BAD, 1, 0));
    SHOW(sendmmsg(99, out, 1, 0));
    SHOW(sendmmsg(0, out, 1, 0));
    SHOW(recvmmsg(p[1], BAD, 1, MSG_DONTWAIT, NULL));
    SHOW(recvmmsg(99, in, 1, 0, NULL));
    SHOW(recvmmsg(0, in, 1, 0, NULL));
    /* the error of a later message waits for the next call */
    out[1].msg_hdr.msg_iov = BAD;
    SHOW(sendmmsg(p[0], out, 3, 0));
    SHOW(recv(p[1], buf, 10, 0));
    close(p[0]);
    close(p[1]);
}

static void options(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), value;
    static const int flags[] = { SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, SO_DONTROUTE, SO_OOBINLINE, SO_PASSCRED };
    for (int i = 0; i < 6; i++) {
        value = 5;
        printf("%d: %d", flags[i], option(fd, flags[i]));
        printf(" %d", setsockopt(fd, SOL_SOCKET, flags[i], &value, sizeof value));
        printf(" %d\n", option(fd, flags[i]));
    }
    SHOW(option(fd, SO_ERROR));
    value = 20000;
    SHOW(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof value));
    SHOW(option(fd, SO_SNDBUF));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof value));
    SHOW(option(fd, SO_RCVBUF));
    value = 1;
    SHOW(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof value));
    SHOW(option(fd, SO_SNDBUF));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value, sizeof value));
    SHOW(option(fd, SO_RCVBUF));
    IN_CHILD(setgid(1000), setuid(1000), ({
        SHOW(setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &value, sizeof value));
        SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &value, sizeof value));
    }));
    SHOW(option(fd, SO_RCVLOWAT));
    SHOW(option(fd, SO_SNDLOWAT));
    value = 3;
    SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof value));
    SHOW(option(fd, SO_RCVLOWAT));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_SNDLOWAT, &value, sizeof value));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_TYPE, &value, sizeof value));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_ERROR, &value, sizeof value));
    struct timeval t = { 1, 500000 }, got = { -1, -1 };
    socklen_t l = sizeof got;
    SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    SHOW(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &got, &l));
    printf("%ld %ld %d\n", (long)got.tv_sec, (long)got.tv_usec, (int)l);
    SHOW(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &got, &l));
    printf("%ld %ld %d\n", (long)got.tv_sec, (long)got.tv_usec, (int)l);
    t.tv_usec = 1000000;
    SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, 8));
    struct linger lg = { 1, 30 };
    SHOW(setsockopt(fd, SOL_SOCKET, SO_LINGER, &lg, sizeof lg));
    memset(&lg, 0, sizeof lg);
    l = sizeof lg;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_LINGER, &lg, &l));
    printf("%d %d\n", lg.l_onoff, lg.l_linger);
    value = -1;
    l = 2;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &l));
    printf("%x %d\n", value, (int)l);
    l = 100;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, buf, &l));
    printf("%d\n", (int)l);
    l = -1;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &l));
    l = 4;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, BAD, &l));
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, BAD));
    SHOW(getsockopt(fd, SOL_SOCKET, 999, &value, &l));
    SHOW(getsockopt(fd, 6, 1, &value, &l));
    SHOW(getsockopt(99, SOL_SOCKET, SO_TYPE, &value, &l));
    SHOW(getsockopt(0, SOL_SOCKET, SO_TYPE, &value, &l));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, 3));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, BAD, 4));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, -1));
    SHOW(setsockopt(fd, SOL_SOCKET, 999, &value, 4));
    SHOW(setsockopt(fd, 6, 1, &value, 4));
    SHOW(setsockopt(99, SOL_SOCKET, SO_REUSEADDR, &value, 4));
    SHOW(setsockopt(0, SOL_SOCKET, SO_REUSEADDR, &value, 4));
    close(fd);
}

int main(void)
{
    creation();
    naming();
    blocking_accept();
    streams();
    datagrams();
    packets();
    rights();
    credentials();
    messages();
    options();
    return 0;
}
