/* ptrace(2): processes with threads: stops of the group, ends of the group and of its leader, tracers that are threads.
 * covers: ptrace */
#include "trace.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static volatile int *shared;

static pid_t tid(void)
{
    return syscall(SYS_gettid);
}

static void *sleeps(void *a)
{
    for (;;)
        pause();
}

static void *spins(void *a)
{
    for (;;)
        shared[8]++;
}

/* The thread of a process that is not its leader, by its task directory; 0: none yet. */
static pid_t other_thread(pid_t leader)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", leader);
    DIR *tasks = opendir(path);
    pid_t found = 0;
    for (struct dirent *e; (e = readdir(tasks)) != 0;) {
        if (atoi(e->d_name) != 0 && atoi(e->d_name) != leader)
            found = atoi(e->d_name);
    }
    closedir(tasks);
    return found;
}

/* A child with a second thread; their numbers are in order. */
static pid_t pair(void *(*second)(void *), pid_t *thread, int traced)
{
    shared[0] = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        if (traced) {
            trace(PTRACE_TRACEME, 0, 0, 0);
            raise(SIGSTOP);
        }
        pthread_t t;
        pthread_create(&t, 0, second, 0);
        sleeps(0);
    }
    if (traced) {
        NEXT(child);
        SHOW(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT));
        GO(PTRACE_CONT, child, 0);
        unsigned long born = 0;
        trace(PTRACE_GETEVENTMSG, child, 0, (long)&born);
        *thread = born;
        int status;
        waitpid(*thread, &status, __WALL);
        printf("thread: %s\n", told(status));
        trace(PTRACE_CONT, *thread, 0, 0);
        trace(PTRACE_CONT, child, 0, 0);
        until_state(child, 'S');
    } else {
        while ((*thread = other_thread(child)) == 0)
            usleep(1000);
        until_state(child, 'S');
    }
    return child;
}

/* Both report; which of them first is chance. */
static void both(pid_t a, pid_t b)
{
    int first, second;
    waitpid(a, &first, __WALL);
    waitpid(b, &second, __WALL);
    printf("leader: %s\n", told(first));
    printf("thread: %s\n", told(second));
}

/* One of two takes a signal for the process; the other one is left alone. */
static pid_t one_of(pid_t a, pid_t b)
{
    int status;
    pid_t got;
    do {
        got = waitpid(a, &status, __WALL | WNOHANG);
        if (got == 0)
            got = waitpid(b, &status, __WALL | WNOHANG);
        if (got == 0)
            usleep(1000);
    } while (got == 0);
    printf("one: %s\n", told(status));
    return got;
}

static void group_stops(void)
{
    puts("== stops of a group, seized");
    pid_t thread, child = pair(sleeps, &thread, 0);
    SHOW(trace(PTRACE_SEIZE, child, 0, 0));
    SHOW(trace(PTRACE_SEIZE, thread, 0, 0));
    kill(child, SIGTSTP);
    pid_t taker = one_of(child, thread);
    SHOW(trace(PTRACE_CONT, taker, 0, SIGTSTP));
    both(child, thread);
    SHOW(trace(PTRACE_LISTEN, child, 0, 0));
    SHOW(trace(PTRACE_LISTEN, thread, 0, 0));
    SHOW(waitpid(child, 0, __WALL | WNOHANG));
    kill(child, SIGCONT);
    both(child, thread);
    SHOW(trace(PTRACE_CONT, child, 0, 0));
    SHOW(trace(PTRACE_CONT, thread, 0, 0));
    taker = one_of(child, thread);
    SHOW(trace(PTRACE_CONT, taker, 0, SIGCONT));
    /* One is asked alone. */
    SHOW(trace(PTRACE_INTERRUPT, thread, 0, 0));
    int status;
    waitpid(thread, &status, __WALL);
    printf("thread: %s\n", told(status));
    SHOW(waitpid(child, 0, __WALL | WNOHANG));
    SHOW(trace(PTRACE_DETACH, thread, 0, 0));
    kill(child, SIGKILL);
    NEXT(child);

    puts("== stops of a group, attached");
    child = pair(sleeps, &thread, 0);
    SHOW(trace(PTRACE_ATTACH, child, 0, 0));
    NEXT(child);
    SHOW(trace(PTRACE_CONT, child, 0, SIGSTOP));
    NEXT(child);
    /* The thread that nobody traces has stopped as well. */
    until_state(thread, 'T');
    SHOW(trace(PTRACE_ATTACH, thread, 0, 0));
    waitpid(thread, &status, __WALL);
    printf("thread: %s\n", told(status));
    kill(child, SIGCONT);
    SHOW(trace(PTRACE_DETACH, thread, 0, 0));
    SHOW(trace(PTRACE_DETACH, child, 0, 0));
    kill(child, SIGKILL);
    waited("child", child, 0);
}

static void busy(void)
{
    puts("== busy");
    pid_t thread, child = pair(spins, &thread, 0);
    int status;
    SHOW(trace(PTRACE_SEIZE, thread, 0, 0));
    for (int i = 0; i < 3; i++) {
        SHOW(trace(PTRACE_INTERRUPT, thread, 0, 0));
        waitpid(thread, &status, __WALL);
        printf("thread: %s\n", told(status));
        int before = shared[8];
        HOLDS(shared[8] == before);
        SHOW(trace(PTRACE_CONT, thread, 0, 0));
        while (shared[8] == before)
            ;
    }
    SHOW(trace(PTRACE_INTERRUPT, thread, 0, 0));
    waitpid(thread, &status, __WALL);
    for (int i = 0; i < 5; i++) {
        trace(PTRACE_SINGLESTEP, thread, 0, 0);
        waitpid(thread, &status, __WALL);
        printf("thread: %s\n", told(status));
    }
    SHOW(trace(PTRACE_DETACH, thread, 0, 0));
    kill(child, SIGKILL);
    waited("child", child, 0);
}

static void group_ends(void)
{
    puts("== ends of a group");
    int status;
    pid_t thread, child = pair(sleeps, &thread, 1);
    kill(child, SIGTERM);
    pid_t taker = one_of(child, thread);
    SHOW(trace(PTRACE_CONT, taker, 0, SIGTERM));
    both(child, thread);
    unsigned long message = 0;
    SHOW(trace(PTRACE_GETEVENTMSG, thread, 0, (long)&message));
    printf("message %lx\n", message);
    SHOW(trace(PTRACE_CONT, thread, 0, 0));
    waitpid(thread, &status, __WALL);
    printf("thread: %s\n", told(status));
    GO(PTRACE_CONT, child, 0);

    puts("== a leader that ends first");
    child = TRACED({
        pthread_t t;
        pthread_create(&t, 0, sleeps, 0);
        syscall(SYS_exit, 6);
    });
    SHOW(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACECLONE));
    GO(PTRACE_CONT, child, 0);
    trace(PTRACE_GETEVENTMSG, child, 0, (long)&message);
    thread = message;
    waitpid(thread, &status, __WALL);
    printf("thread: %s\n", told(status));
    SHOW(trace(PTRACE_CONT, thread, 0, 0));
    SHOW(trace(PTRACE_CONT, child, 0, 0));
    until_state(child, 'Z');
    /* Not to be waited for before its thread. */
    SHOW(waitpid(child, 0, WNOHANG));
    SHOW(trace(PTRACE_PEEKDATA, child, (long)&shared, (long)&message));
    SHOW(syscall(SYS_tgkill, child, thread, SIGUSR2));
    waitpid(thread, &status, __WALL);
    printf("thread: %s\n", told(status));
    SHOW(trace(PTRACE_CONT, thread, 0, SIGUSR2));
    waitpid(thread, &status, __WALL);
    printf("thread: %s\n", told(status));
    NEXT(child);
}

static int ready[2], go[2];

static void *tracer(void *a)
{
    pid_t child = *(pid_t *)a;
    char c;
    SHOW(trace(PTRACE_SEIZE, child, 0, 0));
    SHOW(trace(PTRACE_INTERRUPT, child, 0, 0));
    NEXT(child);
    write(ready[1], "x", 1);
    read(go[0], &c, 1);
    return 0;
}

static void tracing_threads(void)
{
    puts("== a tracer is a thread");
    char c;
    pipe(ready);
    pipe(go);
    pid_t child = fork();
    if (child == 0)
        sleeps(0);
    until_state(child, 'S');
    pthread_t t;
    pthread_create(&t, 0, tracer, &child);
    read(ready[0], &c, 1);
    /* Another thread of the tracer's process is no tracer. */
    SHOW(trace(PTRACE_CONT, child, 0, 0));
    SHOW(trace(PTRACE_INTERRUPT, child, 0, 0));
    SHOW(waitpid(child, 0, __WALL | WNOHANG));
    SHOW(waitpid(child, 0, __WNOTHREAD | WNOHANG));
    status_line(child, "State", 0);
    /* When the thread ends, so does the tracing. */
    write(go[1], "x", 1);
    pthread_join(t, 0);
    until_state(child, 'S');
    status_line(child, "TracerPid", 0);
    kill(child, SIGTERM);
    waited("child", child, 0);
}

int main(void)
{
    setvbuf(stdout, 0, _IOLBF, 0);
    shared = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    group_stops();
    busy();
    group_ends();
    tracing_threads();
    return 0;
}
