/* Prints calls with their results in a form that is the same on every kernel that behaves the same. */
#ifndef CHECK_H
#define CHECK_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static inline const char *errname(int e)
{
    static char other[16];
#define E(x) case x: return #x
    switch (e) {
        E(EPERM); E(ENOENT); E(ESRCH); E(EINTR); E(EIO); E(ENXIO); E(E2BIG); E(ENOEXEC); E(EBADF); E(ECHILD); E(EAGAIN);
        E(ENOMEM); E(EACCES); E(EFAULT); E(ENOTBLK); E(EBUSY); E(EEXIST); E(EXDEV); E(ENODEV); E(ENOTDIR); E(EISDIR);
        E(EINVAL); E(ENFILE); E(EMFILE); E(ENOTTY); E(ETXTBSY); E(EFBIG); E(ENOSPC); E(ESPIPE); E(EROFS); E(EMLINK);
        E(EPIPE); E(EDOM); E(ERANGE); E(EDEADLK); E(ENAMETOOLONG); E(ENOLCK); E(ENOSYS); E(ENOTEMPTY); E(ELOOP);
        E(ENODATA); E(ETIME); E(EOVERFLOW); E(EILSEQ); E(ENOTSOCK); E(EMSGSIZE); E(EOPNOTSUPP); E(EADDRINUSE);
        E(ECONNREFUSED); E(EISCONN); E(ENOTCONN); E(ETIMEDOUT); E(EIDRM); E(ENOMSG); E(ECANCELED); E(EALREADY); E(ENOTUNIQ);
    }
#undef E
    snprintf(other, sizeof other, "errno %d", e);
    return other;
}

/* A program starts with the signals and the niceness that a shell gives it, whatever its parent here ignores or gives up. */
__attribute__((constructor)) static void default_settings(void)
{
    signal(SIGPIPE, SIG_DFL);
    setpriority(PRIO_PROCESS, 0, 0);
}

/* The call and its exact result. */
#define SHOW(call) \
    do { \
        errno = 0; \
        long result_ = (long)(call); \
        if (result_ == -1 && errno != 0) \
            printf("%s = -1 %s\n", #call, errname(errno)); \
        else \
            printf("%s = %ld\n", #call, result_); \
    } while (0)

/* A statement whose call an alarm interrupts. They come again and again: one that comes before the call begins is not the last. */
#define WITH_ALARMS(statement) \
    do { \
        ualarm(20000, 20000); \
        statement; \
        ualarm(0, 0); \
    } while (0)

/* The call and whether it succeeded: for results that differ from run to run. */
#define WORKS(call) \
    do { \
        errno = 0; \
        long result_ = (long)(call); \
        if (result_ == -1 && errno != 0) \
            printf("%s fails with %s\n", #call, errname(errno)); \
        else \
            printf("%s works\n", #call); \
    } while (0)

/* A condition that must hold. */
#define HOLDS(condition) printf("%s: %s\n", #condition, (condition) ? "yes" : "NO")

/* Runs a statement in a child process and prints how it ended. */
#define IN_CHILD(...) \
    do { \
        fflush(stdout); \
        pid_t child_ = fork(); \
        if (child_ == 0) { \
            __VA_ARGS__; \
            fflush(stdout); \
            _exit(0); \
        } \
        int status_; \
        waitpid(child_, &status_, 0); \
        if (WIFSIGNALED(status_)) \
            printf("child ended by signal %d\n", WTERMSIG(status_)); \
        else \
            printf("child ended with %d\n", WEXITSTATUS(status_)); \
    } while (0)

/* An address that is never mapped. */
static void *volatile bad_pointer = (void *)8;
#define BAD ((void *)bad_pointer)

#define PAGE 4096

/* Uses so much memory that the kernel's count of it, which may lag behind by some pages a processor, can't say none. */
static inline void occupy(void)
{
    static volatile char pages[4 << 20];
    for (unsigned i = 0; i < sizeof pages; i += 4096)
        pages[i] = 1;
}

#endif
