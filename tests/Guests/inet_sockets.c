/* Sockets of IPv4 in a network namespace of its own, which has no interface that is up.
 * covers: socket socketpair bind connect listen accept accept4 getsockname getpeername shutdown sendto recvfrom
 * link: static
 */
#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static struct sockaddr_in place(const char *address, int port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &in.sin_addr);
    return in;
}

static int bind_to(int fd, const char *address, int port)
{
    struct sockaddr_in in = place(address, port);
    return bind(fd, (struct sockaddr *)&in, sizeof in);
}

static int connect_to(int fd, const char *address, int port)
{
    struct sockaddr_in in = place(address, port);
    return connect(fd, (struct sockaddr *)&in, sizeof in);
}

static void name(int fd)
{
    struct sockaddr_in in;
    socklen_t length = sizeof in;
    memset(&in, -1, sizeof in);
    SHOW(getsockname(fd, (struct sockaddr *)&in, &length));
    printf("family %d, %s, length %d, a port: %d\n", in.sin_family, inet_ntoa(in.sin_addr), length, in.sin_port != 0);
}

static void events(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
    poll(&p, 1, 0);
    printf("poll %x\n", p.revents);
}

static int port_of(int fd)
{
    struct sockaddr_in in;
    socklen_t length = sizeof in;
    getsockname(fd, (struct sockaddr *)&in, &length);
    return ntohs(in.sin_port);
}

static void making(void)
{
    puts("-- making");
    int pair[2];
    SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    SHOW(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
    SHOW(socket(AF_INET, SOCK_STREAM, 1));
    SHOW(socket(AF_INET, SOCK_RAW, 0));
    SHOW(socket(AF_INET, SOCK_STREAM, -1));
    SHOW(socket(AF_INET, SOCK_STREAM, 5000));
    SHOW(socket(AF_INET, 7, 0));
    SHOW(socket(AF_INET, SOCK_STREAM | 0x100, 0));
    SHOW(socketpair(AF_INET, SOCK_STREAM, 0, pair));
    SHOW(socketpair(AF_INET, SOCK_DGRAM, IPPROTO_UDP, pair));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    HOLDS(fd >= 0);
    SHOW(fcntl(fd, F_GETFD));
    HOLDS(fcntl(fd, F_GETFL) & O_NONBLOCK);
    int value;
    socklen_t length = sizeof value;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &length));
    printf("protocol %d\n", value);
    SHOW(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &length));
    printf("domain %d\n", value);
    close(fd);
}

static void streams(void)
{
    puts("-- streams");
    signal(SIGPIPE, SIG_IGN);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), value;
    char byte = 0;
    name(fd);
    events(fd);
    SHOW(getpeername(fd, NULL, NULL));
    SHOW(write(fd, &byte, 1));
    SHOW(read(fd, &byte, 1));
    SHOW(shutdown(fd, SHUT_RDWR));
    SHOW(accept(fd, NULL, NULL));
    SHOW(ioctl(fd, FIONREAD, &value));
    SHOW(connect_to(fd, "127.0.0.1", 80));
    SHOW(connect_to(fd, "0.0.0.0", 80));
    SHOW(connect_to(fd, "10.1.2.3", 80));
    struct sockaddr_in in = place("0.0.0.0", 0);
    SHOW(bind(fd, (struct sockaddr *)&in, 15));
    in.sin_family = AF_UNIX;
    SHOW(bind(fd, (struct sockaddr *)&in, sizeof in));
    SHOW(connect(fd, (struct sockaddr *)&in, sizeof in));
    SHOW(connect(fd, (struct sockaddr *)&in, 1));
    SHOW(connect(fd, (struct sockaddr *)&in, 8));
    SHOW(bind(fd, BAD, sizeof in));
    SHOW(bind_to(fd, "0.0.0.0", 0));
    name(fd);
    SHOW(bind_to(fd, "0.0.0.0", 0));
    SHOW(listen(fd, 5));
    events(fd);
    SHOW(accept(fd, NULL, NULL));
    SHOW(ioctl(fd, FIONREAD, &value));
    SHOW(connect_to(fd, "127.0.0.1", 80));
    int other = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(bind_to(other, "0.0.0.0", port_of(fd)));
    int yes = 1;
    SHOW(setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
    SHOW(bind_to(other, "0.0.0.0", port_of(fd)));
    SHOW(shutdown(fd, SHUT_WR));
    SHOW(shutdown(fd, SHUT_RDWR));
    SHOW(accept(fd, NULL, NULL));
    close(fd);
    SHOW(bind_to(other, "0.0.0.0", 0));
    SHOW(listen(other, 0));
    SHOW(setsockopt(other, 500, 1, &yes, sizeof yes));
    SHOW(setsockopt(other, IPPROTO_TCP, -1, &yes, sizeof yes));
    SHOW(setsockopt(other, IPPROTO_IP, -1, &yes, sizeof yes));
    struct timeval soon = {0, 1000};
    SHOW(setsockopt(other, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon));
    SHOW(accept(other, NULL, NULL));
    close(other);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(listen(fd, 1));
    name(fd);
    close(fd);
}

static void datagrams(void)
{
    puts("-- datagrams");
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), value;
    char byte = 0;
    struct sockaddr_in to = place("127.0.0.1", 53), none = place("127.0.0.1", 0);
    events(fd);
    SHOW(listen(fd, 1));
    SHOW(accept(fd, NULL, NULL));
    SHOW(write(fd, &byte, 1));
    SHOW(read(fd, &byte, 1));
    SHOW(ioctl(fd, FIONREAD, &value));
    SHOW(sendto(fd, &byte, 1, 0, (struct sockaddr *)&to, sizeof to));
    SHOW(sendto(fd, &byte, 1, 0, (struct sockaddr *)&none, sizeof none));
    SHOW(sendto(fd, &byte, 1, 0, (struct sockaddr *)&to, 8));
    static char large[66000];
    SHOW(sendto(fd, large, sizeof large, 0, (struct sockaddr *)&to, sizeof to));
    SHOW(connect_to(fd, "127.0.0.1", 53));
    SHOW(shutdown(fd, SHUT_RD));
    name(fd);
    int other = socket(AF_INET, SOCK_DGRAM, 0);
    SHOW(bind_to(other, "0.0.0.0", port_of(fd)));
    close(fd);
    struct timeval soon = {0, 1000};
    SHOW(setsockopt(other, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon));
    SHOW(recv(other, &byte, 1, 0));
    close(other);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    SHOW(bind_to(fd, "224.0.0.1", 5353));
    close(fd);
}

int main(void)
{
    /* Where that isn't allowed, the namespace is the caller's: nothing to show. */
    if (unshare(CLONE_NEWNET) != 0) {
        puts("no namespace");
        return 0;
    }
    making();
    streams();
    datagrams();
    return 0;
}
