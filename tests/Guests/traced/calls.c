/* System calls of a parent, a thread and children, for strace. No two of them run at a time. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void handler(int s)
{
    (void)s;
}

static void *thread(void *a)
{
    chdir("/");
    return a;
}

int main(void)
{
    char buffer[16];
    struct stat st;
    int fd = open("/etc/nonexistent", O_RDONLY | O_CLOEXEC);
    fd = open("scratch", O_RDWR | O_CREAT | O_TRUNC, 0640);
    struct iovec v[2] = { { "one ", 4 }, { "two\n", 4 } };
    writev(fd, v, 2);
    pread(fd, buffer, 4, 2);
    fstat(fd, &st);
    ftruncate(fd, 100);
    void *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(p, 4096, PROT_NONE);
    munmap(p, 8192);
    close(fd);
    unlink("scratch");
    close(fd);
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
    sigaction(SIGUSR1, &action, 0);
    raise(SIGUSR1);
    if (fork() == 0) {
        umask(022);
        _exit(7);
    }
    wait(0);
    if (vfork() == 0)
        execl("/bin/true", "true", (char *)0);
    wait(0);
    if (fork() == 0)
        abort();
    wait(0);
    pthread_t t;
    pthread_create(&t, 0, thread, 0);
    pthread_join(t, 0);
    return 3;
}
