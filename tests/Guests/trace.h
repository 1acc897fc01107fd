/* What the programs about ptrace(2) share: requests as the kernel takes them, and stops in words. */
#ifndef TRACE_H
#define TRACE_H
#include "check.h"
#include <elf.h>
#include <sys/ptrace.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

/* Not through the library, which hides errors of the peeking requests. */
static inline long trace(long request, pid_t pid, unsigned long address, unsigned long data)
{
    return syscall(SYS_ptrace, request, (long)pid, address, data);
}

static const char *const names[] = { "0", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
    "USR2", "PIPE", "ALRM", "TERM", "16", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU" };
static const char *const events[] = { "none", "fork", "vfork", "clone", "exec", "vforkdone", "exit", "seccomp" };

/* A wait status in words that are the same in every run. */
static inline const char *told(int status)
{
    static char text[80];
    if (WIFEXITED(status))
        snprintf(text, sizeof text, "exited %d", WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "killed by %s", names[WTERMSIG(status)]);
    else if (WIFCONTINUED(status))
        snprintf(text, sizeof text, "continued");
    else {
        int signal = WSTOPSIG(status), event = status >> 16;
        snprintf(text, sizeof text, "stopped by %s%s%s%s", signal == (SIGTRAP | 0x80) ? "SYSCALL" : names[signal & 31],
            event ? " for " : "", event == 128 ? "stop" : event ? events[event] : "", "");
    }

    return text;
}

static inline int waited(const char *what, pid_t pid, int options)
{
    int status = 0;
    pid_t got = waitpid(pid, &status, options);
    if (got < 0)
        printf("%s: %s\n", what, errname(errno));
    else if (got == 0)
        printf("%s: nothing\n", what);
    else
        printf("%s: %s\n", what, told(status));
    fflush(stdout);
    return status;
}

/* The next thing that happens to a tracee. */
#define NEXT(pid) waited(#pid, pid, __WALL)
/* Lets it go on, and then the next thing. */
#define GO(request, pid, signal) \
    do { \
        SHOW(trace(request, pid, 0, signal)); \
        NEXT(pid); \
    } while (0)

/* A child that asks to be traced and stops first of all. */
#define TRACED(...) \
    ({ \
        fflush(stdout); \
        pid_t child_ = fork(); \
        if (child_ == 0) { \
            trace(PTRACE_TRACEME, 0, 0, 0); \
            raise(SIGSTOP); \
            __VA_ARGS__; \
            _exit(0); \
        } \
        waited("child", child_, __WALL); \
        child_; \
    })

/* One line of /proc/PID/status. */
static inline void status_line(pid_t pid, const char *key, pid_t tracer)
{
    char path[64], line[200];
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key))) {
            if (!strcmp(key, "TracerPid"))
                printf("TracerPid: %s\n", atoi(line + 10) == 0 ? "none" : atoi(line + 10) == tracer ? "tracer" : "other");
            else
                fputs(line, stdout);
        }
    if (f)
        fclose(f);
    fflush(stdout);
}

/* Waits until a process is in a state of /proc/PID/stat. */
static inline void until_state(pid_t pid, char state)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    for (;;) {
        int fd = open(path, O_RDONLY);
        ssize_t n = read(fd, text, sizeof text - 1);
        close(fd);
        if (n <= 0)
            return;
        text[n] = 0;
        if (strrchr(text, ')')[2] == state)
            return;
        usleep(1000);
    }
}
#endif
