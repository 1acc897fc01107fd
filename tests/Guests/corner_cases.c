/* Rules of calls covered elsewhere that are easily missed.
 * link: static
 */
#include "check.h"
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

/* A position makes no sense for a pipe, whatever its end can do. */
static void positions(void)
{
    int p[2];
    char c = 0;
    struct iovec v = {&c, 1};
    pipe(p);
    SHOW(pwritev(p[0], &v, 1, 0));
    SHOW(preadv(p[1], &v, 1, 0));
    SHOW(pwritev2(p[0], &v, 1, 0, 0));
    SHOW(pwrite(p[0], &c, 1, 0));
    SHOW(pread(p[1], &c, 1, 0));
}

/* vmsplice waits for room once, and then gives what fits. */
static void too_much(void)
{
    static char big[131072] __attribute__((aligned(4096)));
    struct iovec v = {big, sizeof big};
    int p[2];
    pipe(p);
    SHOW(vmsplice(p[1], &v, 1, 0));
    SHOW(vmsplice(p[1], &v, 1, SPLICE_F_NONBLOCK));
}

/* sendfile stores the offset even if nothing was sent. */
static void offsets(void)
{
    int from = open("from", O_RDWR | O_CREAT | O_TRUNC, 0600), to = open("to", O_RDWR | O_CREAT | O_TRUNC, 0600);
    off_t *fixed = mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(sendfile(to, from, fixed, 1));
    write(from, "x", 1);
    SHOW(sendfile(to, from, fixed, 1));
}

/* With STICKY_TIMEOUTS the caller's timeout stays. */
static void timeouts(void)
{
    struct timeval tv = {0, 10};
    struct timespec ts = {0, 10000};
    personality(STICKY_TIMEOUTS);
    SHOW(select(0, 0, 0, 0, &tv));
    SHOW(tv.tv_usec);
    SHOW(syscall(SYS_pselect6, 0, 0, 0, 0, &ts, 0));
    SHOW(ts.tv_nsec);
    SHOW(syscall(SYS_ppoll, 0, 0, &ts, 0, 8));
    SHOW(ts.tv_nsec);
    personality(0);
    SHOW(select(0, 0, 0, 0, &tv));
    SHOW(tv.tv_usec);
}

/* Files about a process can't be polled, except its mounts. */
static void polled(void)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLPRI};
    int epoll = epoll_create1(0);
    const char *paths[] = {"/proc/self/maps", "/proc/self/status", "/proc/self/stat", "/proc/self/mounts", "/proc/self/mountinfo", "/proc/uptime"};
    for (int i = 0; i < 6; i++) {
        int fd = open(paths[i], O_RDONLY);
        printf("%s: ", paths[i]);
        SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
    }
}

/* One process shows the I/O priority that was set, a group that in effect. */
static void priorities(void)
{
    SHOW(syscall(SYS_ioprio_get, 1, 0));
    SHOW(syscall(SYS_ioprio_set, 1, 0, (2 << 13) | 6));
    SHOW(syscall(SYS_ioprio_get, 1, 0));
    SHOW(syscall(SYS_ioprio_set, 1, 0, 0));
    SHOW(syscall(SYS_ioprio_get, 1, 0));
}

/* What is resident of a mapping, as smaps and pagemap tell. */
static void residency(void)
{
    char *area = mmap(0, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(area + 3 * PAGE, PAGE, PROT_NONE);
    area[0] = area[PAGE] = 1;
    mlock(area, PAGE);
    munlock(area, PAGE);
    FILE *smaps = fopen("/proc/self/smaps", "r");
    char line[512];
    unsigned long start = 0, value;
    while (fgets(line, sizeof line, smaps)) {
        sscanf(line, "%lx-", &start);
        if (start == (unsigned long)area && sscanf(line, "%*[A-Za-z_]: %lu kB", &value) == 1
            && (strncmp(line, "Size", 4) == 0 || strncmp(line, "Rss", 3) == 0 || strncmp(line, "Private_Dirty", 13) == 0 || strncmp(line, "Anonymous", 9) == 0))
            printf("%s", line);
    }
    uint64_t entries[4];
    int map = open("/proc/self/pagemap", O_RDONLY);
    SHOW(pread(map, entries, sizeof entries, (long)area / PAGE * 8));
    for (int i = 0; i < 4; i++)
        printf("page %d: present %d\n", i, (int)(entries[i] >> 63));
    SHOW(pread(map, entries, 7, 0));
    SHOW(pread(map, entries, 8, 4));
}

int main(void)
{
    setvbuf(stdout, 0, _IOLBF, 0);
    positions();
    too_much();
    offsets();
    timeouts();
    polled();
    priorities();
    residency();
    return 0;
}
