/* Messages of AF_UNIX on their way: whole or lost where their pages are missing; descriptors that nobody can receive go away.
 * covers: sendmsg recvfrom
 * link: static dynamic
 */
#include "check.h"
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un name;

static struct sockaddr *hidden(const char *p)
{
    memset(&name, 0, sizeof name);
    name.sun_family = AF_UNIX;
    strcpy(name.sun_path + 1, p);
    return (struct sockaddr *)&name;
}

#define HIDDEN(p) hidden(p), (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(p))

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

/* Descriptors on their way: as many as a process may have; chains of any length and rings that nobody holds go away. */
static void flights(void)
{
    int p[2], ring[3][2];
    struct rlimit old, few = { 20, 4096 };
    getrlimit(RLIMIT_NOFILE, &old);
    few.rlim_max = old.rlim_max;
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_NOFILE, &few);
        setresuid(12345, 12345, 12345);
        socketpair(AF_UNIX, SOCK_STREAM, 0, p);
        int i = 0;
        while (i < 100 && pass(p[0], p, 1, 0) >= 0)
            i++;
        printf("%d passed, %s\n", i, errname(errno));
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    for (int i = 0; i < 3; i++)
        socketpair(AF_UNIX, SOCK_STREAM, 0, ring[i]);
    for (int i = 0; i < 3; i++)
        pass(ring[i][0], &ring[(i + 1) % 3][1], 1, 0);
    /* one that is not accepted yet */
    int l = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(bind(l, HIDDEN("garbage")));
    SHOW(listen(l, 5));
    int c = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(connect(c, HIDDEN("garbage")));
    pass(c, &l, 1, 0);
    pass(c, &ring[0][0], 1, 0);
    close(l);
    int again = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(send(c, "x", 1, MSG_NOSIGNAL));
    /* only garbage now, for a collector that may take its time */
    close(c);
    for (int i = 0; i < 3; i++) {
        close(ring[i][0]);
        close(ring[i][1]);
    }
    int tries = 0;
    while (tries < 500 && bind(again, HIDDEN("garbage")) != 0) {
        usleep(10000);
        tries++;
    }
    HOLDS(tries < 500);
    close(again);
    /* a chain: each pair's queue holds the one before */
    int last = open("/dev/null", O_RDONLY);
    for (int i = 0; i < 3000; i++) {
        socketpair(AF_UNIX, SOCK_STREAM, 0, p);
        pass(p[0], &last, 1, 0);
        close(last);
        close(p[0]);
        last = p[1];
    }
    SHOW(close(last));
}

/* A message goes to pages that are shared with a child, absent, read-only, or half there: whole, or EFAULT and it is lost. */
static void destinations(void)
{
    int p[2];
    SHOW(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p));
    char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(pages, 1, 4096);
    int hold[2];
    pipe(hold);
    pid_t child = fork();
    if (child == 0) {
        char c;
        close(hold[1]);
        read(hold[0], &c, 1);
        _exit(pages[0]);
    }
    SHOW(send(p[0], "one", 3, 0));
    SHOW(recv(p[1], pages, 100, 0));
    SHOW(send(p[0], pages, 9000, 0));
    SHOW(recv(p[1], pages, 3 * 4096, MSG_PEEK));
    SHOW(recv(p[1], pages, 3 * 4096, 0));
    mprotect(pages + 2 * 4096, 4096, PROT_READ);
    SHOW(send(p[0], pages, 9000, 0));
    SHOW(recv(p[1], pages, 3 * 4096, MSG_PEEK));
    SHOW(recv(p[1], pages, 2 * 4096, MSG_PEEK));
    SHOW(recv(p[1], pages, 3 * 4096, 0));
    SHOW(recv(p[1], pages, 3 * 4096, MSG_DONTWAIT));
    close(hold[0]);
    close(hold[1]);
    int status;
    waitpid(child, &status, 0);
    SHOW(WEXITSTATUS(status));
    munmap(pages, 3 * 4096);
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    flights();
    destinations();
    return 0;
}
