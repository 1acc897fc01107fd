/* Netlink: addresses, messages between sockets, the events of processes, statistics of tasks.
 * capabilities: net_admin
 * linux: 6.6
 * covers: socket bind connect sendto recvfrom getsockname getpeername setsockopt
 * link: static
 */
#include "check.h"
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static char buffer[8192];

static struct sockaddr_nl place(unsigned port, unsigned groups)
{
    return (struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups};
}

static int bind_to(int fd, unsigned port, unsigned groups)
{
    struct sockaddr_nl a = place(port, groups);
    return bind(fd, (struct sockaddr *)&a, sizeof a);
}

static unsigned port_of(int fd)
{
    struct sockaddr_nl a;
    socklen_t length = sizeof a;
    getsockname(fd, (struct sockaddr *)&a, &length);
    return a.nl_pid;
}

static void addresses(void)
{
    puts("-- addresses");
    SHOW(socket(AF_NETLINK, SOCK_STREAM, 0));
    SHOW(socket(AF_NETLINK, SOCK_RAW, 31));
    SHOW(socket(AF_NETLINK, SOCK_RAW, 99));
    int a = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_USERSOCK), b = socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK, NETLINK_USERSOCK);
    printf("port %u\n", port_of(a));
    struct sockaddr_nl short_one = place(0, 0), unix_one = {.nl_family = AF_UNIX};
    SHOW(bind(a, (struct sockaddr *)&short_one, 8));
    SHOW(bind(a, (struct sockaddr *)&unix_one, sizeof unix_one));
    SHOW(bind_to(a, 0, 0));
    HOLDS(port_of(a) == (unsigned)getpid());
    SHOW(bind_to(a, 0, 0));
    SHOW(bind_to(a, getpid(), 4));
    SHOW(bind_to(b, getpid(), 0));
    SHOW(bind_to(b, 0, 0));
    HOLDS(port_of(b) != 0 && port_of(b) != (unsigned)getpid());
    SHOW(listen(a, 1));
    SHOW(accept(a, NULL, NULL));
    SHOW(shutdown(a, SHUT_RDWR));

    /* From one to the other, by its port and by a group. */
    struct sockaddr_nl to = place(getpid(), 0), from;
    socklen_t length = sizeof from;
    SHOW(sendto(b, "hello", 5, 0, (struct sockaddr *)&to, sizeof to));
    SHOW(recvfrom(a, buffer, 3, MSG_PEEK | MSG_TRUNC, (struct sockaddr *)&from, &length));
    HOLDS(from.nl_pid == port_of(b) && from.nl_groups == 0 && length == sizeof from);
    SHOW(recv(a, buffer, sizeof buffer, 0));
    SHOW(recv(a, buffer, sizeof buffer, 0));
    to = place(0, 4);
    SHOW(connect(b, (struct sockaddr *)&to, sizeof to));
    length = sizeof from;
    SHOW(getpeername(b, (struct sockaddr *)&from, &length));
    printf("peer %u %x\n", from.nl_pid, from.nl_groups);
    int group = 7;
    SHOW(setsockopt(a, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group));
    SHOW(setsockopt(a, SOL_NETLINK, 999, &group, sizeof group));
    to = place(0, 1 << 6);
    sendto(b, "seven", 5, 0, (struct sockaddr *)&to, sizeof to);
    length = sizeof from;
    SHOW(recvfrom(a, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &length));
    printf("groups %x\n", from.nl_groups);
    SHOW(setsockopt(a, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &group, sizeof group));
    sendto(b, "seven", 5, 0, (struct sockaddr *)&to, sizeof to);
    SHOW(recv(a, buffer, sizeof buffer, 0));
    to = place(12345678, 0);
    SHOW(sendto(b, "nobody", 6, 0, (struct sockaddr *)&to, sizeof to));
    IN_CHILD({
        SHOW(setuid(65534));
        int c = socket(AF_NETLINK, SOCK_RAW, NETLINK_CONNECTOR);
        SHOW(sendto(c, "x", 1, 0, (struct sockaddr *)&to, sizeof to));
    });
    close(a);
    close(b);
}

static void listen_to(int fd, unsigned what)
{
    struct {
        struct nlmsghdr header;
        struct cn_msg message;
        unsigned operation;
    } __attribute__((packed)) request = {
        .header = {.nlmsg_len = sizeof request, .nlmsg_type = NLMSG_DONE},
        .message = {.id = {CN_IDX_PROC, CN_VAL_PROC}, .seq = 5, .ack = 6, .len = sizeof(unsigned)},
        .operation = what,
    };
    SHOW(send(fd, &request, sizeof request, 0));
}

/* The next event that concerns the process. */
static struct proc_event *next_of(int fd, pid_t child)
{
    for (;;) {
        ssize_t length = recv(fd, buffer, sizeof buffer, 0);
        if (length < 0)
            return NULL;
        struct nlmsghdr *header = (struct nlmsghdr *)buffer;
        struct cn_msg *message = NLMSG_DATA(header);
        struct proc_event *event = (struct proc_event *)message->data;
        if (child == 0 && event->what == PROC_EVENT_NONE) {
            printf("acknowledged: type %d, length %ld of %u, id %u %u, same seq: %d, ack %u, err %u\n", header->nlmsg_type, (long)length,
                header->nlmsg_len, message->id.idx, message->id.val, message->seq == header->nlmsg_seq, message->ack, event->event_data.ack.err);
            return event;
        }
        pid_t about = event->what == PROC_EVENT_FORK ? event->event_data.fork.child_pid : event->event_data.exec.process_pid;
        if (child != 0 && event->what != PROC_EVENT_NONE && about == child)
            return event;
    }
}

static void processes(void)
{
    puts("-- events of processes");
    int fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_CONNECTOR);
    SHOW(bind_to(fd, 0, CN_IDX_PROC));
    listen_to(fd, PROC_CN_MCAST_LISTEN);
    next_of(fd, 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setsid();
        prctl(PR_SET_NAME, "renamed");
        syscall(SYS_setresgid, -1, 65534, -1);
        syscall(SYS_setresuid, -1, 65534, -1);
        _exit(7);
    }
    struct proc_event *event = next_of(fd, child);
    HOLDS(event->what == PROC_EVENT_FORK && event->event_data.fork.parent_pid == getpid() && event->event_data.fork.child_tgid == child);
    event = next_of(fd, child);
    HOLDS(event->what == PROC_EVENT_SID && event->event_data.sid.process_tgid == child);
    event = next_of(fd, child);
    HOLDS(event->what == PROC_EVENT_COMM && strcmp(event->event_data.comm.comm, "renamed") == 0);
    event = next_of(fd, child);
    HOLDS(event->what == PROC_EVENT_GID && event->event_data.id.r.rgid == getgid() && event->event_data.id.e.egid == 65534);
    event = next_of(fd, child);
    HOLDS(event->what == PROC_EVENT_UID && event->event_data.id.r.ruid == getuid() && event->event_data.id.e.euid == 65534);
    event = next_of(fd, child);
    HOLDS(event->what == PROC_EVENT_EXIT && event->event_data.exit.exit_code == 7 << 8 && event->event_data.exit.exit_signal == SIGCHLD);
    HOLDS(event->event_data.exit.parent_pid == getpid());
    waitpid(child, NULL, 0);
    listen_to(fd, 77);
    next_of(fd, 0);
    IN_CHILD({
        SHOW(setuid(65534));
        listen_to(fd, PROC_CN_MCAST_LISTEN);
    });
    next_of(fd, 0);
    close(fd);
}

static struct nlattr *attribute(void *start, int length, int type)
{
    for (struct nlattr *a = start; length >= (int)sizeof *a; ) {
        if (a->nla_type == type)
            return a;
        int step = NLA_ALIGN(a->nla_len);
        length -= step;
        a = (struct nlattr *)((char *)a + step);
    }
    return NULL;
}

static ssize_t ask(int fd, int type, int flags, int command, int what, const void *value, int size)
{
    struct {
        struct nlmsghdr header;
        struct genlmsghdr generic;
        struct nlattr attribute;
        char value[64];
    } request = {
        .header = {.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = 9},
        .generic = {.cmd = command, .version = 1},
        .attribute = {.nla_len = NLA_HDRLEN + size, .nla_type = what},
    };
    memcpy(request.value, value, size);
    request.header.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) + NLA_ALIGN(NLA_HDRLEN + size);
    SHOW(send(fd, &request, request.header.nlmsg_len, 0) == request.header.nlmsg_len);
    ssize_t length = recv(fd, buffer, sizeof buffer, 0);
    struct nlmsghdr *header = (struct nlmsghdr *)buffer;
    printf("answer: sequence %u, to the asker: %d", header->nlmsg_seq, header->nlmsg_pid == port_of(fd));
    if (header->nlmsg_type == NLMSG_ERROR) {
        struct nlmsgerr *error = NLMSG_DATA(header);
        printf(", %s, with the request's type: %d", error->error == 0 ? "done" : errname(-error->error), error->msg.nlmsg_type == type);
    }
    putchar('\n');
    return length;
}

static void statistics(void)
{
    puts("-- statistics of tasks");
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
    bind_to(fd, 0, 0);
    ask(fd, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, "NOT THERE", 10);
    ask(fd, 999, 0, 1, 1, "", 0);
    ask(fd, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 99, "", 0);
    int length = ask(fd, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, TASKSTATS_GENL_NAME, sizeof TASKSTATS_GENL_NAME);
    char *attributes = (char *)NLMSG_DATA(buffer) + GENL_HDRLEN;
    int size = length - NLMSG_LENGTH(GENL_HDRLEN);
    struct nlattr *id = attribute(attributes, size, CTRL_ATTR_FAMILY_ID), *name = attribute(attributes, size, CTRL_ATTR_FAMILY_NAME);
    HOLDS(id && name && strcmp((char *)name + NLA_HDRLEN, "TASKSTATS") == 0);
    unsigned short family = *(unsigned short *)((char *)id + NLA_HDRLEN);
    unsigned self = getpid(), nobody = 4000000;
    ask(fd, family, 0, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID, &nobody, sizeof nobody);
    length = ask(fd, family, 0, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID, &self, sizeof self);
    size = length - NLMSG_LENGTH(GENL_HDRLEN);
    struct nlattr *nested = attribute(attributes, size, TASKSTATS_TYPE_AGGR_PID);
    HOLDS(nested != NULL);
    struct nlattr *number = attribute((char *)nested + NLA_HDRLEN, nested->nla_len - NLA_HDRLEN, TASKSTATS_TYPE_PID);
    struct nlattr *record = attribute((char *)nested + NLA_HDRLEN, nested->nla_len - NLA_HDRLEN, TASKSTATS_TYPE_STATS);
    HOLDS(number && *(unsigned *)((char *)number + NLA_HDRLEN) == self);
    struct taskstats s;
    memcpy(&s, (char *)record + NLA_HDRLEN, sizeof s);
    HOLDS(s.version >= 13 && s.ac_pid == self && s.ac_tgid == self && s.ac_ppid == (unsigned)getppid());
    HOLDS(s.ac_uid == getuid() && s.ac_gid == getgid() && s.ac_sched == 0 && s.ac_nice == 0);
    HOLDS(s.ac_btime > 1500000000 && s.ac_btime64 == s.ac_btime && s.ac_tgetime >= s.ac_etime && s.ac_minflt > 0);
    char own[16];
    prctl(PR_GET_NAME, own);
    HOLDS(strcmp(own, s.ac_comm) == 0);
    length = ask(fd, family, 0, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_TGID, &self, sizeof self);
    HOLDS(attribute(attributes, length - NLMSG_LENGTH(GENL_HDRLEN), TASKSTATS_TYPE_AGGR_TGID) != NULL);
    ask(fd, family, NLM_F_ACK, 77, TASKSTATS_CMD_ATTR_TGID, &self, sizeof self);
    IN_CHILD({
        SHOW(setuid(65534));
        ask(fd, family, 0, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID, &self, sizeof self);
    });
    close(fd);
}

int main(void)
{
    addresses();
    processes();
    statistics();
    return 0;
}
