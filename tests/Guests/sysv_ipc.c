/* System V message queues, semaphores and shared memory.
 * covers: msgget msgsnd msgrcv msgctl semget semop semtimedop semctl shmget shmat shmdt shmctl
 * link: static dynamic
 */
#include "check.h"
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/time.h>

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
};

struct message {
    long type;
    char text[64];
};

static struct message m;

/* Waits until another process sleeps in a call. */
static void await_sleep(pid_t pid)
{
    char path[64], line[256];
    for (;;) {
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        int fd = open(path, O_RDONLY);
        ssize_t length = read(fd, line, sizeof line - 1);
        close(fd);
        line[length > 0 ? length : 0] = 0;
        char *end = strrchr(line, ')');
        if (end && end[2] == 'S')
            return;
        usleep(1000);
    }
}

static void show_exit(pid_t pid)
{
    int status;
    waitpid(pid, &status, 0);
    printf("child: %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}

static int post(int id, long type, const char *text, int flags)
{
    m.type = type;
    strcpy(m.text, text);
    return msgsnd(id, &m, strlen(text) + 1, flags);
}

static void take(int id, size_t size, long type, int flags)
{
    memset(&m, 0, sizeof m);
    errno = 0;
    ssize_t got = msgrcv(id, &m, size, type, flags);
    if (got < 0)
        printf("take %ld: %s\n", type, errname(errno));
    else
        printf("take %ld: %zd type %ld %s\n", type, got, m.type, m.text);
}

static void queues(void)
{
    struct msqid_ds ds;
    int id = msgget(IPC_PRIVATE, 0600);
    HOLDS(id >= 0);
    SHOW(post(id, 3, "three", 0));
    SHOW(post(id, 1, "one", 0));
    SHOW(post(id, 2, "two", IPC_NOWAIT));
    SHOW(post(id, 1, "one again", 0));
    SHOW(msgctl(id, IPC_STAT, &ds));
    printf("%lu messages %lu bytes of %lu, mode %o\n", ds.msg_qnum, ds.__msg_cbytes, ds.msg_qbytes, ds.msg_perm.mode);
    HOLDS(ds.msg_lspid == getpid() && ds.msg_lrpid == 0 && ds.msg_stime != 0 && ds.msg_rtime == 0);
    take(id, 64, 0, MSG_COPY | IPC_NOWAIT);
    take(id, 64, 2, MSG_COPY | IPC_NOWAIT);
    take(id, 64, 9, MSG_COPY | IPC_NOWAIT);
    take(id, 64, 0, MSG_COPY);
    take(id, 64, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT);
    take(id, 64, 1, 0);
    take(id, 64, 3, MSG_EXCEPT);
    take(id, 64, -2, 0);
    take(id, 3, 0, 0);
    take(id, 3, 0, MSG_NOERROR);
    take(id, 64, 0, IPC_NOWAIT);
    HOLDS(msgctl(id, IPC_STAT, &ds) == 0 && ds.msg_qnum == 0 && ds.__msg_cbytes == 0 && ds.msg_lrpid == getpid());
    SHOW(post(id, 0, "", 0));
    SHOW(post(id, -1, "", 0));
    SHOW(msgsnd(id, BAD, 1, 0));
    SHOW(msgsnd(id, &m, -1, 0));
    SHOW(msgsnd(id, &m, 1 << 20, 0));
    SHOW(msgsnd(-1, &m, 0, 0));
    SHOW(msgrcv(id, &m, -1, 0, 0));
    post(id, 5, "lost", 0);
    SHOW(msgrcv(id, BAD, 64, 0, 0));
    take(id, 64, 0, IPC_NOWAIT);

    /* A full queue; a smaller one fills sooner. */
    ds.msg_qbytes = 10;
    ds.msg_perm.mode = 0640;
    SHOW(msgctl(id, IPC_SET, &ds));
    SHOW(post(id, 1, "12345", 0));
    SHOW(post(id, 1, "12345", IPC_NOWAIT));
    int ready[2];
    pipe(ready);
    pid_t child = fork();
    if (child == 0) {
        write(ready[1], "x", 1);
        _exit(post(id, 7, "later", 0) == 0 ? 0 : errno);
    }
    char c;
    read(ready[0], &c, 1);
    await_sleep(child);
    take(id, 64, 1, 0);
    show_exit(child);
    take(id, 64, 7, 0);

    /* A receiver of one type is not served by another; it is told of the queue's end. */
    child = fork();
    if (child == 0) {
        write(ready[1], "x", 1);
        int r = msgrcv(id, &m, 64, 4, 0);
        _exit(r < 0 ? errno : 0);
    }
    read(ready[0], &c, 1);
    await_sleep(child);
    post(id, 8, "8", 0);
    SHOW(msgctl(id, IPC_RMID, 0));
    int status;
    waitpid(child, &status, 0);
    printf("%s\n", errname(WEXITSTATUS(status)));
    SHOW(msgctl(id, IPC_RMID, 0));
    SHOW(msgctl(id, IPC_STAT, &ds));
    SHOW(post(id, 1, "", 0));
    take(id, 64, 0, 0);

    key_t key = 0x76000000 + getpid();
    HOLDS((id = msgget(key, IPC_CREAT | 0400)) >= 0);
    HOLDS(msgget(key, 0) == id);
    HOLDS(msgget(key, IPC_CREAT) == id);
    SHOW(msgget(key, IPC_CREAT | IPC_EXCL));
    SHOW(msgget(key + 0x1000000, 0));
    SHOW(msgctl(id, 99, 0));
    SHOW(msgctl(id, IPC_STAT, BAD));
    SHOW(msgctl(id, IPC_SET, BAD));
    struct msginfo info;
    HOLDS(msgctl(0, IPC_INFO, (void *)&info) >= 0 && info.msgmax > 0 && info.msgmnb > 0 && info.msgmni > 0);
    HOLDS(msgctl(0, MSG_INFO, (void *)&info) >= 0 && info.msgpool >= 1);
    HOLDS(msgctl(id & 0x7fff, MSG_STAT, &ds) == id);
    HOLDS(msgctl(id & 0x7fff, MSG_STAT_ANY, &ds) == id && ds.msg_perm.__key == key);
    SHOW(msgctl(id, IPC_RMID, 0));
}

static int operate(int id, int number, int change, int flags)
{
    struct sembuf op = {number, change, flags};
    return semop(id, &op, 1);
}

static int get(int id, int number)
{
    return semctl(id, number, GETVAL);
}

static void semaphores(void)
{
    unsigned short values[3] = {1, 2, 3};
    struct semid_ds ds;
    union semun arg;
    int id = semget(IPC_PRIVATE, 3, 0600);
    HOLDS(id >= 0);
    SHOW(get(id, 0));
    arg.array = values;
    SHOW(semctl(id, 0, SETALL, arg));
    memset(values, 0, sizeof values);
    SHOW(semctl(id, 0, GETALL, arg));
    printf("%d %d %d\n", values[0], values[1], values[2]);
    SHOW(operate(id, 0, -1, IPC_NOWAIT));
    SHOW(operate(id, 0, -1, IPC_NOWAIT));
    SHOW(operate(id, 0, 0, IPC_NOWAIT));
    SHOW(operate(id, 1, 0, IPC_NOWAIT));
    HOLDS(semctl(id, 0, GETPID) == getpid());
    arg.buf = &ds;
    SHOW(semctl(id, 0, IPC_STAT, arg));
    printf("%lu semaphores, mode %o\n", ds.sem_nsems, ds.sem_perm.mode);
    HOLDS(ds.sem_otime != 0 && ds.sem_ctime != 0);

    /* All operations or none. */
    struct sembuf both[2] = {{1, -1, 0}, {0, -1, IPC_NOWAIT}};
    SHOW(semop(id, both, 2));
    SHOW(get(id, 1));
    struct sembuf pair[2] = {{1, -1, 0}, {0, 1, 0}};
    SHOW(semop(id, pair, 2));
    printf("%d %d\n", get(id, 0), get(id, 1));
    SHOW(operate(id, 0, 32767, 0));
    SHOW(operate(id, 3, 1, 0));
    SHOW(semop(id, BAD, 1));
    SHOW(semop(id, both, 0));
    SHOW(semop(id, both, 100000));
    SHOW(semop(-1, both, 1));
    arg.val = 32768;
    SHOW(semctl(id, 0, SETVAL, arg));
    arg.val = -1;
    SHOW(semctl(id, 0, SETVAL, arg));
    arg.val = 5;
    SHOW(semctl(id, 3, SETVAL, arg));
    SHOW(semctl(id, 0, SETVAL, arg));
    SHOW(get(id, 0));
    SHOW(get(id, 5));

    struct timespec brief = {0, 1000000}, wrong = {0, -1};
    SHOW(semtimedop(id, &(struct sembuf){0, 0, 0}, 1, &brief));
    SHOW(semtimedop(id, &(struct sembuf){0, 0, 0}, 1, &wrong));
    SHOW(semtimedop(id, &(struct sembuf){0, -5, 0}, 1, &brief));

    /* One who waits is seen, and let through by what makes it possible. */
    pid_t child = fork();
    if (child == 0)
        _exit(operate(id, 0, -2, 0) == 0 ? 0 : errno);
    while (semctl(id, 0, GETNCNT) != 1)
        usleep(1000);
    SHOW(semctl(id, 0, GETZCNT));
    SHOW(operate(id, 0, 1, 0));
    SHOW(semctl(id, 0, GETNCNT));
    SHOW(operate(id, 0, 2, 0));
    show_exit(child);
    SHOW(get(id, 0));
    child = fork();
    if (child == 0)
        _exit(operate(id, 0, 0, 0) == 0 ? 0 : errno);
    while (semctl(id, 0, GETZCNT) != 1)
        usleep(1000);
    SHOW(operate(id, 0, -1, 0));
    show_exit(child);

    /* What a process did with SEM_UNDO is taken back at its end. */
    child = fork();
    if (child == 0) {
        operate(id, 0, 10, SEM_UNDO);
        operate(id, 1, -1, SEM_UNDO);
        operate(id, 0, -3, SEM_UNDO);
        printf("%d %d\n", get(id, 0), get(id, 1));
        fflush(stdout);
        _exit(0);
    }
    show_exit(child);
    printf("%d %d\n", get(id, 0), get(id, 1));
    child = fork();
    if (child == 0) {
        operate(id, 0, 10, SEM_UNDO);
        arg.val = 4;
        semctl(id, 0, SETVAL, arg);
        _exit(0);
    }
    show_exit(child);
    SHOW(get(id, 0));

    /* A signal ends the wait, whatever SA_RESTART says. */
    child = fork();
    if (child == 0) {
        struct sigaction action = {.sa_handler = (void (*)(int))abs, .sa_flags = SA_RESTART};
        sigaction(SIGUSR1, &action, 0);
        _exit(operate(id, 2, -9, 0) == 0 ? 0 : errno == EINTR ? 50 : 51);
    }
    while (semctl(id, 2, GETNCNT) != 1)
        usleep(1000);
    kill(child, SIGUSR1);
    show_exit(child);

    child = fork();
    if (child == 0)
        _exit(operate(id, 2, -9, 0) == 0 ? 0 : errno == EIDRM ? 43 : 44);
    while (semctl(id, 2, GETNCNT) != 1)
        usleep(1000);
    ds.sem_perm.mode = 0644;
    arg.buf = &ds;
    SHOW(semctl(id, 0, IPC_SET, arg));
    SHOW(semctl(id, 0, IPC_RMID));
    show_exit(child);
    SHOW(get(id, 0));
    SHOW(operate(id, 0, 1, 0));
    SHOW(semget(IPC_PRIVATE, 0, 0600));
    SHOW(semget(IPC_PRIVATE, -1, 0600));
    SHOW(semget(IPC_PRIVATE, 100000, 0600));

    key_t key = 0x76000000 + getpid();
    HOLDS((id = semget(key, 2, IPC_CREAT | 0600)) >= 0);
    HOLDS(semget(key, 0, 0) == id);
    SHOW(semget(key, 3, 0));
    SHOW(semget(key, 2, IPC_CREAT | IPC_EXCL));
    struct seminfo info;
    arg.buf = (void *)&info;
    HOLDS(semctl(0, 0, IPC_INFO, arg) >= 0 && info.semvmx == 32767 && info.semaem == 32767);
    HOLDS(semctl(0, 0, SEM_INFO, arg) >= 0 && info.semusz >= 1 && info.semaem >= 2);
    arg.buf = &ds;
    HOLDS(semctl(id & 0x7fff, 0, SEM_STAT, arg) == id);
    HOLDS(semctl(id & 0x7fff, 0, SEM_STAT_ANY, arg) == id && ds.sem_perm.__key == key);
    SHOW(semctl(id, 0, 99));
    SHOW(semctl(id, 0, IPC_STAT, (union semun){.buf = (void *)BAD}));
    SHOW(semctl(id, 0, GETALL, (union semun){.array = (void *)BAD}));
    SHOW(semctl(id, 0, IPC_RMID));
}

static long attached(int id)
{
    struct shmid_ds ds;
    return shmctl(id, IPC_STAT, &ds) < 0 ? -errno : (long)ds.shm_nattch;
}

static void segments(void)
{
    struct shmid_ds ds;
    int id = shmget(IPC_PRIVATE, 10000, 0600);
    HOLDS(id >= 0);
    SHOW(shmctl(id, IPC_STAT, &ds));
    printf("%zu bytes, %lu attached, mode %o\n", ds.shm_segsz, ds.shm_nattch, ds.shm_perm.mode);
    HOLDS(ds.shm_cpid == getpid() && ds.shm_lpid == 0 && ds.shm_atime == 0);
    char *a = shmat(id, 0, 0);
    HOLDS(a != (void *)-1);
    strcpy(a, "hello");
    a[12287] = 'x';
    char *b = shmat(id, 0, SHM_RDONLY);
    printf("%s %c, %ld attached\n", b, b[12287], attached(id));
    HOLDS(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_lpid == getpid() && ds.shm_atime != 0 && ds.shm_dtime == 0);
    SHOW(mprotect(b, 4096, PROT_READ | PROT_WRITE));
    pid_t child = fork();
    if (child == 0) {
        printf("%ld attached\n", attached(id));
        fflush(stdout);
        strcpy(a + 4096, "from the child");
        shmdt(b);
        _exit(attached(id));
    }
    show_exit(child);
    printf("%s, %ld attached\n", b + 4096, attached(id));
    SHOW(shmdt(b));
    SHOW(shmdt(b));
    SHOW(shmdt(a + 1));
    SHOW(shmdt(a + 4096));
    SHOW(attached(id));

    /* Where one wants it. */
    char *place = mmap(0, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(shmat(id, place, 0));
    munmap(place, 1 << 16);
    HOLDS(shmat(id, place, 0) == place);
    SHOW(shmat(id, place + 4096, 0));
    HOLDS(shmat(id, place + 4097, SHM_RND | SHM_REMAP) == place + 4096);
    SHOW(attached(id));
    printf("%s\n", place + 4096);
    SHOW(shmat(id, place + 1, 0));
    SHOW(shmat(id, 0, SHM_REMAP));
    SHOW(shmdt(place + 4096));
    SHOW(shmdt(place));
    SHOW(attached(id));
    munmap(a + 4096, 4096);
    SHOW(attached(id));
    SHOW(shmdt(a));
    SHOW(attached(id));
    HOLDS(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_dtime != 0);

    char *x = shmat(id, 0, SHM_EXEC);
    SHOW(x == (void *)-1 ? -1 : 0);
    a = shmat(id, 0, 0);
    SHOW(shmctl(id, SHM_LOCK, 0));
    shmctl(id, IPC_STAT, &ds);
    printf("mode %o\n", ds.shm_perm.mode);
    SHOW(shmctl(id, SHM_UNLOCK, 0));
    ds.shm_perm.mode = 0400;
    SHOW(shmctl(id, IPC_SET, &ds));

    /* Removed while it is attached: private, and gone with the last mapping. */
    SHOW(shmctl(id, IPC_RMID, 0));
    shmctl(id, IPC_STAT, &ds);
    printf("mode %o key %d\n", ds.shm_perm.mode, ds.shm_perm.__key);
    printf("%s\n", a);
    SHOW(shmdt(a));
    if (x != (void *)-1)
        shmdt(x);
    SHOW(shmctl(id, IPC_STAT, &ds));
    SHOW(shmat(id, 0, 0));
    SHOW(shmget(IPC_PRIVATE, 0, 0600));
    SHOW(shmget(IPC_PRIVATE, -1, 0600));

    key_t key = 0x76000000 + getpid();
    HOLDS((id = shmget(key, 4096, IPC_CREAT | SHM_NORESERVE | 0600)) >= 0);
    HOLDS(shmget(key, 0, 0) == id);
    SHOW(shmget(key, 4097, 0));
    SHOW(shmget(key, 4096, IPC_CREAT | IPC_EXCL));
    SHOW(shmget(key + 0x1000000, 4096, 0));
    struct shminfo limits;
    struct shm_info usage;
    HOLDS(shmctl(0, IPC_INFO, (void *)&limits) >= 0 && limits.shmmin == 1 && limits.shmmax > 4096);
    HOLDS(shmctl(0, SHM_INFO, (void *)&usage) >= 0 && usage.used_ids >= 1 && usage.shm_tot >= 1);
    HOLDS(shmctl(id & 0x7fff, SHM_STAT, &ds) == id);
    HOLDS(shmctl(id & 0x7fff, SHM_STAT_ANY, &ds) == id && ds.shm_perm.__key == key);
    SHOW(shmctl(id, 99, 0));
    SHOW(shmctl(id, IPC_STAT, BAD));
    SHOW(shmctl(id, IPC_SET, BAD));
    SHOW(shmctl(id, IPC_RMID, 0));
    SHOW(shmctl(id, IPC_RMID, 0));
}

int main(void)
{
    setvbuf(stdout, 0, _IOLBF, 0);
    queues();
    semaphores();
    segments();
    return 0;
}
