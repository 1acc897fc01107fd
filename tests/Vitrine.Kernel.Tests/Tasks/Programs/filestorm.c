/* Processes and threads that make, rename, link, look up, lock and remove in the same directories; then all is counted. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void work(int who)
{
    unsigned seed = who * 2654435761u + 1;
    for (int i = 0; i < 120; i++) {
        char a[64], b[64], c[64], buffer[64];
        struct stat st;
        seed = seed * 1103515245 + 12345;
        int left = (seed >> 16) & 1, right = (seed >> 17) & 1, n = (seed >> 18) & 7;
        snprintf(a, sizeof a, "/s/d%d/n%d", left, n);
        snprintf(b, sizeof b, "/s/d%d/n%d", right, (n + 3) & 7);
        snprintf(c, sizeof c, "/s/d%d/dir%d", left, n);
        switch ((seed >> 24) % 8) {
        case 0: case 1: {
            int fd = open(a, O_RDWR | O_CREAT, 0644);
            if (fd >= 0) {
                if (write(fd, "0123456789", 10) != 10 || lseek(fd, 0, SEEK_SET) != 0 || fstat(fd, &st) != 0 || st.st_size < 10)
                    abort();
                flock(fd, LOCK_EX);
                flock(fd, LOCK_UN);
                close(fd);
            }
            break;
        }
        case 2: rename(a, b); break;
        case 3: link(a, b); break;
        case 4: unlink(a); break;
        case 5: mkdir(c, 0755); snprintf(b, sizeof b, "/s/d%d/dir%d", right, (n + 1) & 7); rename(c, b); rmdir(b); break;
        case 6: symlink(b, c); if (readlink(c, buffer, sizeof buffer) == 0) abort(); stat(c, &st); unlink(c); break;
        case 7: {
            DIR *d = opendir("/s/d0");
            int dots = 0;
            for (struct dirent *e; (e = readdir(d));)
                dots += e->d_name[0] == '.';
            closedir(d);
            if (dots != 2)
                abort();
            break;
        }
        }
    }
}

static void *thread(void *who)
{
    work((int)(long)who);
    return NULL;
}

static int count(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));) {
        char name[512];
        if (e->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        struct stat st;
        if (lstat(name, &st) != 0)
            abort();
        if (S_ISDIR(st.st_mode) ? rmdir(name) : unlink(name))
            abort();
        n++;
    }
    closedir(d);
    return n;
}

int main(void)
{
    mkdir("/s", 0755), mkdir("/s/d0", 0755), mkdir("/s/d1", 0755);
    for (int p = 0; p < 3; p++) {
        if (fork() == 0) {
            pthread_t t[2];
            for (long i = 0; i < 2; i++)
                pthread_create(&t[i], NULL, thread, (void *)(p * 2 + i));
            for (int i = 0; i < 2; i++)
                pthread_join(t[i], NULL);
            _exit(0);
        }
    }
    int bad = 0, status;
    while (wait(&status) > 0)
        bad |= status;
    count("/s/d0"), count("/s/d1");
    int first = rmdir("/s/d0"), second = rmdir("/s/d1"), all = rmdir("/s");
    printf("%d %d %d %d\n", bad, first, second, all);
    return 0;
}
