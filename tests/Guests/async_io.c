/* Asynchronous I/O by io_submit.
 * covers: io_setup io_destroy io_submit io_getevents io_pgetevents io_cancel
 */
#include "check.h"
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <time.h>

static aio_context_t context;
static struct iocb block;
static struct io_event events[4];
static struct timespec now;

static struct iocb *request(int op, int fd, void *buffer, long length, long offset)
{
    block = (struct iocb){.aio_lio_opcode = op, .aio_fildes = fd, .aio_buf = (long)buffer, .aio_nbytes = length, .aio_offset = offset, .aio_data = 7};
    return &block;
}

static long submit(struct iocb *b)
{
    return syscall(SYS_io_submit, context, 1, &b);
}

static long reap(long least, struct timespec *timeout)
{
    return syscall(SYS_io_getevents, context, least, 4, events, timeout);
}

static void done(void)
{
    memset(events, 0xee, sizeof events);
    if (reap(1, 0) == 1)
        printf("  data %ld own %d result %ld\n", (long)events[0].data, events[0].obj == (long)&block, (long)events[0].res);
}

static void transfers(void)
{
    char text[16] = "", more[4];
    struct iovec v[2] = {{text, 3}, {more, 2}};
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600), reader = open("file", O_RDONLY);
    SHOW(submit(request(IOCB_CMD_PWRITE, fd, "hello", 5, 2)));
    done();
    SHOW(submit(request(IOCB_CMD_PREAD, fd, text, 16, 3)));
    done();
    printf("%s\n", text);
    SHOW(submit(request(IOCB_CMD_PWRITEV, fd, v, 2, 0)));
    done();
    SHOW(submit(request(IOCB_CMD_PREADV, fd, v, 2, 5)));
    done();
    SHOW(submit(request(IOCB_CMD_PREAD, fd, text, 16, 100)));
    done();
    SHOW(submit(request(IOCB_CMD_FSYNC, fd, 0, 0, 0)));
    done();
    SHOW(submit(request(IOCB_CMD_FDSYNC, fd, 0, 0, 0)));
    done();
    SHOW(submit(request(IOCB_CMD_FSYNC, fd, 0, 1, 0)));
    SHOW(submit(request(IOCB_CMD_PWRITE, reader, "x", 1, 0)));
    SHOW(submit(request(IOCB_CMD_PREAD, 99, text, 1, 0)));
    SHOW(submit(request(IOCB_CMD_PREAD, fd, text, 1, -1)));
    SHOW(submit(request(99, fd, text, 1, 0)));
    SHOW(submit(request(IOCB_CMD_NOOP, fd, 0, 0, 0)));
    SHOW(submit(BAD));
    request(IOCB_CMD_PREAD, fd, text, 1, 0)->aio_reserved2 = 1;
    SHOW(submit(&block));

    /* An eventfd is told. */
    int count = eventfd(0, 0);
    uint64_t value;
    request(IOCB_CMD_PREAD, fd, text, 1, 0)->aio_flags = IOCB_FLAG_RESFD;
    block.aio_resfd = count;
    SHOW(submit(&block));
    read(count, &value, 8);
    printf("%d\n", (int)value);
    done();
    block.aio_resfd = fd;
    SHOW(submit(&block));
    block.aio_resfd = 99;
    SHOW(submit(&block));

    /* Several at once; the first that is wrong ends it. */
    struct iocb one = *request(IOCB_CMD_PREAD, fd, text, 1, 0), two = one, *list[3] = {&one, &two, BAD};
    SHOW(syscall(SYS_io_submit, context, 3, list));
    SHOW(reap(2, 0));
    SHOW(syscall(SYS_io_submit, context, 0, list));
    SHOW(syscall(SYS_io_submit, context, -1L, list));
    SHOW(syscall(SYS_io_submit, 0, 1, list));
    SHOW(syscall(SYS_io_submit, context, 1, BAD));
}

static void polls(void)
{
    int p[2];
    pipe(p);
    SHOW(submit(request(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0)));
    SHOW(reap(0, &now));
    write(p[1], "x", 1);
    done();
    SHOW(submit(request(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0)));
    done();
    char c;
    read(p[0], &c, 1);
    SHOW(submit(request(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0)));
    struct io_event result;
    SHOW(syscall(SYS_io_cancel, context, &block, &result));
    done();
    SHOW(syscall(SYS_io_cancel, context, &block, &result));
    SHOW(syscall(SYS_io_cancel, 0, &block, &result));
    SHOW(syscall(SYS_io_cancel, context, BAD, &result));
    SHOW(submit(request(IOCB_CMD_POLL, p[0], (void *)POLLIN, 1, 0)));
    int fd = open("file", O_RDWR);
    SHOW(submit(request(IOCB_CMD_POLL, fd, (void *)POLLIN, 0, 0)));
    done();

    /* Closed by its other end. */
    SHOW(submit(request(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0)));
    close(p[1]);
    done();
}

static void waits(void)
{
    struct timespec brief = {0, 1000000};
    sigset_t set;
    struct { void *mask; size_t size; } mask = {&set, 8};
    sigemptyset(&set);
    SHOW(reap(1, &brief));
    SHOW(reap(-1, &brief));
    SHOW(reap(5, &brief));
    SHOW(syscall(SYS_io_getevents, 0, 0, 1, events, &now));
    SHOW(syscall(SYS_io_getevents, context, 1, 1, events, BAD));
    SHOW(syscall(SYS_io_pgetevents, context, 1, 1, events, &brief, &mask));
    mask.size = 4;
    SHOW(syscall(SYS_io_pgetevents, context, 1, 1, events, &brief, &mask));
    SHOW(syscall(SYS_io_pgetevents, context, 1, 1, events, &brief, BAD));
    int fd = open("file", O_RDONLY);
    char c;
    submit(request(IOCB_CMD_PREAD, fd, &c, 1, 0));
    SHOW(syscall(SYS_io_getevents, context, 1, 1, BAD, 0));
}

int main(void)
{
    aio_context_t other = 0, full = 1;
    setvbuf(stdout, 0, _IOLBF, 0);
    SHOW(syscall(SYS_io_setup, 8, &context));
    HOLDS(context != 0);
    SHOW(syscall(SYS_io_setup, 0, &other));
    SHOW(syscall(SYS_io_setup, 1, &full));
    SHOW(syscall(SYS_io_setup, 1, BAD));
    SHOW(syscall(SYS_io_setup, -1, &other));
    SHOW(syscall(SYS_io_setup, 0x10000000, &other));
    transfers();
    polls();
    waits();
    SHOW(syscall(SYS_io_destroy, 0));
    SHOW(syscall(SYS_io_destroy, context));
    SHOW(syscall(SYS_io_destroy, context));
    SHOW(submit(&block));
    SHOW(reap(0, &now));
    return 0;
}
