/* The memory of another process: reading, writing, advising, releasing; descriptors of processes and what can be done by them.
 * linux: 6.9
 * covers: process_vm_readv process_vm_writev process_mrelease process_madvise pidfd_open pidfd_send_signal pidfd_getfd kcmp
 */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/uio.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif

static char *area;
static char local[4 * PAGE];
static pid_t child;

static ssize_t get(void *mine, size_t length, void *theirs, size_t other)
{
    struct iovec a = { mine, length }, b = { theirs, other };
    return process_vm_readv(child, &a, 1, &b, 1, 0);
}

static ssize_t put(void *mine, size_t length, void *theirs, size_t other)
{
    struct iovec a = { mine, length }, b = { theirs, other };
    return process_vm_writev(child, &a, 1, &b, 1, 0);
}

static void child_main(int *commands, int *answers)
{
    char c;
    area[0] = 'a';
    area[PAGE] = 'b';
    area[2 * PAGE] = 'c';
    mprotect(area + 2 * PAGE, PAGE, PROT_READ);
    mprotect(area + 3 * PAGE, PAGE, PROT_NONE);
    munmap(area + 5 * PAGE, PAGE);
    write(answers[1], "r", 1);
    while (read(commands[0], &c, 1) == 1)
        write(answers[1], area + (c - '0') * PAGE, 1);
    _exit(0);
}

static char ask(int *commands, int *answers, char which)
{
    char c = 0;
    write(commands[1], &which, 1);
    read(answers[0], &c, 1);
    return c;
}

static void transfers(int *commands, int *answers)
{
    SHOW(get(local, 1, area, 1));
    printf("%c\n", local[0]);
    SHOW(get(local, 2 * PAGE, area, 2 * PAGE));
    printf("%c%c\n", local[0], local[PAGE]);
    SHOW(get(local, 100, area + PAGE, 10));
    SHOW(get(local, 10, area + PAGE, 100));
    SHOW(get(local, 10, area + 2 * PAGE, 10));
    SHOW(get(local, 10, area + 3 * PAGE, 10));
    SHOW(get(local, 3 * PAGE, area + PAGE, 3 * PAGE));
    SHOW(get(local, 10, area + 5 * PAGE, 10));
    SHOW(get(BAD, 10, area, 10));
    SHOW(get(local, 0, area, 10));
    SHOW(get(local, 10, area, 0));
    SHOW(get(local, 10, area + 4 * PAGE, 10));
    printf("%d\n", local[0]);
    strcpy(local, "xyz");
    SHOW(put(local, 3, area + PAGE, 3));
    printf("%c\n", ask(commands, answers, '1'));
    SHOW(put(local, 3, area + 2 * PAGE, 3));
    SHOW(put(local, PAGE + 3, area + PAGE, PAGE + 3));
    SHOW(put(local, 3, area + 5 * PAGE, 3));
    SHOW(put(BAD, 3, area, 3));
    SHOW(put(local + 1, 1, area + 4 * PAGE, 1));
    printf("%c\n", ask(commands, answers, '4'));

    struct iovec mine[3] = { { local, 2 }, { local + 100, 0 }, { local + 200, 5 } }, theirs[2] = { { area, 1 }, { area + PAGE, 6 } };
    SHOW(process_vm_readv(child, mine, 3, theirs, 2, 0));
    printf("%.2s %.2s\n", local, local + 200);
    SHOW(process_vm_writev(child, mine, 2, theirs, 2, 0));
    SHOW(process_vm_readv(child, mine, 3, theirs, 2, 1));
    SHOW(process_vm_writev(child, mine, 3, theirs, 2, 1));
    SHOW(process_vm_readv(1 << 30, mine, 3, theirs, 2, 0));
    SHOW(process_vm_writev(1 << 30, mine, 3, theirs, 2, 0));
    SHOW(syscall(SYS_process_vm_readv, child, mine, 1025L, theirs, 2L, 0L));
    SHOW(syscall(SYS_process_vm_readv, child, mine, 3L, theirs, 1025L, 0L));
    SHOW(syscall(SYS_process_vm_readv, child, BAD, 3L, theirs, 2L, 0L));
    SHOW(syscall(SYS_process_vm_writev, child, mine, 3L, BAD, 2L, 0L));
    mine[0].iov_len = -1;
    SHOW(process_vm_readv(child, mine, 3, theirs, 2, 0));
    mine[0].iov_len = 2;
    theirs[0].iov_len = -1;
    SHOW(process_vm_writev(child, mine, 3, theirs, 2, 0));
    theirs[0].iov_len = 1;
    SHOW(process_vm_readv(getpid(), mine, 1, mine + 2, 1, 0));
    IN_CHILD({
        setuid(12345);
        SHOW(process_vm_readv(child, mine, 3, theirs, 2, 0));
        SHOW(process_vm_writev(child, mine, 3, theirs, 2, 0));
    });
}

static void advice(int fd)
{
    struct iovec ranges[2] = { { area, PAGE }, { area + PAGE, PAGE } };
    SHOW(syscall(SYS_process_madvise, fd, ranges, 2L, MADV_COLD, 0));
    SHOW(syscall(SYS_process_madvise, fd, ranges, 2L, MADV_WILLNEED, 0));
    SHOW(syscall(SYS_process_madvise, fd, ranges, 1L, MADV_PAGEOUT, 0));
    SHOW(syscall(SYS_process_madvise, fd, ranges, 2L, MADV_DONTNEED, 0));
    SHOW(syscall(SYS_process_madvise, fd, ranges, 2L, 9999, 0));
    SHOW(syscall(SYS_process_madvise, fd, ranges, 2L, MADV_COLD, 1));
    SHOW(syscall(SYS_process_madvise, fd, ranges, 1025L, MADV_COLD, 0));
    SHOW(syscall(SYS_process_madvise, 999, ranges, 2L, MADV_COLD, 0));
    SHOW(syscall(SYS_process_madvise, 1, ranges, 2L, MADV_COLD, 0));
    SHOW(syscall(SYS_process_madvise, fd, BAD, 2L, MADV_COLD, 0));
    ranges[1].iov_base = area + 5 * PAGE;
    SHOW(syscall(SYS_process_madvise, fd, ranges, 2L, MADV_COLD, 0));
    SHOW(syscall(SYS_process_madvise, fd, ranges + 1, 1L, MADV_COLD, 0));
    IN_CHILD(setuid(12345); SHOW(syscall(SYS_process_madvise, fd, ranges, 1L, MADV_COLD, 0)));
}

static void releasing(void)
{
    int ready[2];
    char c;
    pipe(ready);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        memset(area, 'm', PAGE);
        write(ready[1], "r", 1);
        for (;;)
            pause();
    }
    read(ready[0], &c, 1);
    int fd = syscall(SYS_pidfd_open, pid, 0);
    SHOW(syscall(SYS_process_mrelease, fd, 0));
    SHOW(syscall(SYS_process_mrelease, fd, 1));
    SHOW(syscall(SYS_process_mrelease, 999, 0));
    SHOW(syscall(SYS_process_mrelease, 1, 0));
    kill(pid, SIGKILL);
    /* It may have let go of its memory already. */
    long result = syscall(SYS_process_mrelease, fd, 0);
    HOLDS(result == 0 || errno == ESRCH);
    siginfo_t info;
    SHOW(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
    SHOW(syscall(SYS_process_mrelease, fd, 0));
    SHOW(waitid(P_PID, pid, &info, WEXITED));
    SHOW(syscall(SYS_process_mrelease, fd, 0));
    close(fd);
}

static int to_thread[2], from_thread[2];
static volatile int seen, seen_by;
static pid_t thread_id;

static void on_signal(int signal)
{
    seen++;
    seen_by = gettid();
}

static void *in_thread(void *unused)
{
    char c;
    thread_id = gettid();
    write(from_thread[1], "r", 1);
    while (read(to_thread[0], &c, 1) == 1 && c != 'q')
        write(from_thread[1], "r", 1);
    return NULL;
}

static void of_threads(void)
{
    pthread_t thread;
    char c;
    pipe(to_thread);
    pipe(from_thread);
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigaction(SIGUSR1, &action, NULL);
    sigset_t set;
    pthread_create(&thread, NULL, in_thread, NULL);
    read(from_thread[0], &c, 1);
    SHOW(syscall(SYS_pidfd_open, thread_id, 0) >= 0 ? 0 : -1);
    int one = syscall(SYS_pidfd_open, thread_id, PIDFD_THREAD), whole = syscall(SYS_pidfd_open, getpid(), 0);
    int leader = syscall(SYS_pidfd_open, getpid(), PIDFD_THREAD | O_NONBLOCK);
    HOLDS(one >= 0 && whole >= 0 && leader >= 0);
    SHOW((fcntl(one, F_GETFL) & (O_EXCL | O_NONBLOCK)) == O_EXCL);
    SHOW((fcntl(leader, F_GETFL) & (O_EXCL | O_NONBLOCK)) == (O_EXCL | O_NONBLOCK));

    /* To the thread itself, or to the process whoever of it is named. */
    SHOW(syscall(SYS_pidfd_send_signal, one, SIGUSR1, NULL, 0));
    while (seen < 1)
        usleep(1000);
    HOLDS(seen_by == thread_id);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    SHOW(syscall(SYS_pidfd_send_signal, whole, SIGUSR1, NULL, 0));
    while (seen < 2)
        usleep(1000);
    HOLDS(seen_by == thread_id);
    SHOW(syscall(SYS_pidfd_send_signal, leader, SIGUSR1, NULL, 0));
    SHOW(syscall(SYS_pidfd_send_signal, whole, SIGUSR1, NULL, 1));
    sigset_t pending;
    sigpending(&pending);
    HOLDS(sigismember(&pending, SIGUSR1) && seen == 2);
    siginfo_t info;
    SHOW(syscall(SYS_rt_sigtimedwait, &set, &info, NULL, 8));
    HOLDS(info.si_code == SI_TKILL && info.si_pid == getpid());
    SHOW(syscall(SYS_pidfd_send_signal, one, SIGUSR1, NULL, 2));
    while (seen < 3)
        usleep(1000);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    SHOW(syscall(SYS_pidfd_send_signal, one, 0, NULL, 3));
    SHOW(syscall(SYS_pidfd_send_signal, one, 0, NULL, 8));

    struct pollfd p = { one, POLLIN, 0 };
    SHOW(poll(&p, 1, 0));
    write(to_thread[1], "q", 1);
    SHOW(poll(&p, 1, -1));
    HOLDS(p.revents & POLLIN);
    pthread_join(thread, NULL);
    SHOW(syscall(SYS_pidfd_send_signal, one, 0, NULL, 0));
    close(one);
    close(whole);
    close(leader);
}

static void by_descriptor(int fd, int *commands)
{
    SHOW(syscall(SYS_pidfd_open, 0, 0));
    SHOW(syscall(SYS_pidfd_open, -1, 0));
    SHOW(syscall(SYS_pidfd_open, 1 << 30, 0));
    SHOW(syscall(SYS_pidfd_open, child, 1));
    int twin = syscall(SYS_pidfd_getfd, fd, commands[0], 0);
    HOLDS(twin >= 0 && (fcntl(twin, F_GETFD) & FD_CLOEXEC) && syscall(SYS_kcmp, getpid(), child, 0, twin, commands[0]) == 0);
    close(twin);
    SHOW(syscall(SYS_pidfd_getfd, fd, 999, 0));
    SHOW(syscall(SYS_pidfd_getfd, fd, -1, 0));
    SHOW(syscall(SYS_pidfd_getfd, fd, 0, 1));
    SHOW(syscall(SYS_pidfd_getfd, 999, 0, 0));
    SHOW(syscall(SYS_pidfd_getfd, 1, 0, 0));
    IN_CHILD({
        setuid(12345);
        SHOW(syscall(SYS_pidfd_getfd, fd, 0, 0));
        SHOW(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
        SHOW(syscall(SYS_kcmp, getpid(), child, 1, 0, 0));
    });
    siginfo_t info = { .si_signo = SIGCONT, .si_code = SI_QUEUE };
    SHOW(syscall(SYS_pidfd_send_signal, fd, SIGCONT, &info, 0));
    SHOW(syscall(SYS_pidfd_send_signal, fd, SIGTERM, &info, 0));
    SHOW(syscall(SYS_pidfd_send_signal, fd, SIGTERM, BAD, 0));
    info.si_code = SI_USER;
    SHOW(syscall(SYS_pidfd_send_signal, fd, SIGCONT, &info, 0));
    char byte;
    SHOW(read(fd, &byte, 1));
    SHOW(write(fd, &byte, 1));
}

static void comparing(void)
{
    struct { uint32_t epoll, target, offset; } slot = { 0 };
    int epoll = epoll_create1(0), pipes[2];
    pipe(pipes);
    int twin = dup(pipes[0]);
    struct epoll_event event = { .events = EPOLLIN };
    epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event);
    pid_t self = getpid();
    slot.epoll = epoll;
    slot.target = pipes[0];
    SHOW(syscall(SYS_kcmp, self, self, 7, pipes[0], &slot));
    SHOW(syscall(SYS_kcmp, self, self, 7, twin, &slot));
    HOLDS(syscall(SYS_kcmp, self, self, 7, pipes[1], &slot) > 0);
    slot.offset = 1;
    SHOW(syscall(SYS_kcmp, self, self, 7, pipes[0], &slot));
    slot.offset = 0;
    slot.target = twin;
    SHOW(syscall(SYS_kcmp, self, self, 7, pipes[0], &slot));
    slot.epoll = pipes[0];
    SHOW(syscall(SYS_kcmp, self, self, 7, pipes[0], &slot));
    slot.epoll = 999;
    SHOW(syscall(SYS_kcmp, self, self, 7, pipes[0], &slot));
    SHOW(syscall(SYS_kcmp, self, self, 7, 999, &slot));
    SHOW(syscall(SYS_kcmp, self, self, 7, pipes[0], BAD));
    for (int type = 1; type <= 6; type++)
        SHOW(syscall(SYS_kcmp, self, self, type, 0, 0));
    HOLDS(syscall(SYS_kcmp, self, child, 1, 0, 0) > 0);
    HOLDS(syscall(SYS_kcmp, self, child, 2, 0, 0) > 0);
    HOLDS(syscall(SYS_kcmp, self, child, 3, 0, 0) > 0);
    HOLDS(syscall(SYS_kcmp, self, child, 4, 0, 0) > 0);
    SHOW(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 4));
    HOLDS(syscall(SYS_kcmp, self, child, 5, 0, 0) > 0);
    SHOW(syscall(SYS_kcmp, self, self, 5, 0, 0));
    long there = syscall(SYS_kcmp, self, child, 1, 0, 0), back = syscall(SYS_kcmp, child, self, 1, 0, 0);
    HOLDS(there + back == 3);
    SHOW(syscall(SYS_kcmp, self, self, 8, 0, 0));
    SHOW(syscall(SYS_kcmp, self, 1 << 30, 1, 0, 0));
    SHOW(syscall(SYS_kcmp, self, self, 0, 1, 999));
    SHOW(syscall(SYS_kcmp, self, self, 0, -1, 1));
}

int main(void)
{
    int commands[2], answers[2];
    char c;
    setvbuf(stdout, NULL, _IOLBF, 0);
    pipe(commands);
    pipe(answers);
    area = mmap((void *)0x590000000000, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    fflush(stdout);
    child = fork();
    if (child == 0) {
        close(commands[1]);
        child_main(commands, answers);
    }
    read(answers[0], &c, 1);
    int fd = syscall(SYS_pidfd_open, child, 0);
    transfers(commands, answers);
    advice(fd);
    by_descriptor(fd, commands);
    comparing();
    of_threads();
    releasing();
    close(commands[1]);
    struct pollfd p = { fd, POLLIN, 0 };
    SHOW(poll(&p, 1, -1));
    int status;
    HOLDS(waitpid(child, &status, 0) == child && WIFEXITED(status));
    SHOW(process_vm_readv(child, &(struct iovec){ local, 1 }, 1, &(struct iovec){ area, 1 }, 1, 0));
    SHOW(syscall(SYS_pidfd_getfd, fd, 0, 0));
    return 0;
}
