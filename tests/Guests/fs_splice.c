/* Data through pipes without user memory.
 *
 * covers: splice tee vmsplice
 */
#include "check.h"
#include <sys/uio.h>

static void show(int fd, int count)
{
    char buffer[64] = "";
    long got = read(fd, buffer, count);
    printf("read %ld [%.*s]\n", got, got > 0 ? (int)got : 0, buffer);
}

int main(void)
{
    int a[2], b[2], file = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
    pipe(a), pipe(b);
    write(file, "0123456789abcdefghij", 20);
    loff_t at = 5;
    SHOW(splice(file, &at, a[1], NULL, 10, 0));
    printf("offset %ld\n", (long)at);
    SHOW(tee(a[0], b[1], 4, 0));
    SHOW(tee(a[0], b[1], 100, 0));
    show(b[0], 30);
    SHOW(splice(a[0], NULL, b[1], NULL, 3, SPLICE_F_MOVE));
    write(b[1], "XY", 2);
    show(b[0], 30);
    show(a[0], 3);
    write(a[1], "more", 4);
    int out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0644);
    SHOW(splice(a[0], NULL, out, NULL, 100, SPLICE_F_MORE));
    SHOW(lseek(out, 0, SEEK_CUR));
    at = 20;
    write(a[1], "tail", 4);
    SHOW(splice(a[0], NULL, out, &at, 2, 0));
    printf("offset %ld\n", (long)at);
    show(a[0], 10);
    lseek(file, 18, SEEK_SET);
    SHOW(splice(file, NULL, a[1], NULL, 100, 0));
    SHOW(splice(file, NULL, a[1], NULL, 100, 0));
    show(a[0], 10);
    SHOW(lseek(file, 0, SEEK_CUR));
    SHOW(splice(a[0], NULL, b[1], NULL, 10, SPLICE_F_NONBLOCK));
    SHOW(tee(a[0], b[1], 10, SPLICE_F_NONBLOCK));
    write(a[1], "gift", 4);
    SHOW(tee(a[0], b[1], 2, SPLICE_F_MOVE | SPLICE_F_MORE | SPLICE_F_GIFT));
    SHOW(splice(a[0], NULL, b[1], NULL, 2, SPLICE_F_GIFT));
    SHOW(splice(a[0], NULL, b[1], NULL, 2, SPLICE_F_MOVE | SPLICE_F_MORE | SPLICE_F_NONBLOCK));
    show(b[0], 30);
    int event = syscall(SYS_eventfd2, 1, 0), null = open("/dev/null", O_RDWR);
    SHOW(splice(event, NULL, b[1], NULL, 8, 0));
    SHOW(splice(null, NULL, b[1], NULL, 8, 0));
    write(a[1], "gone", 4);
    SHOW(splice(a[0], NULL, event, NULL, 4, 0));
    SHOW(splice(a[0], NULL, null, NULL, 4, 0));
    SHOW(splice(a[0], NULL, a[1], NULL, 10, 0));
    SHOW(tee(a[0], a[1], 10, 0));
    SHOW(splice(file, NULL, out, NULL, 10, 0));
    SHOW(splice(a[1], NULL, b[1], NULL, 10, 0));
    SHOW(splice(a[0], &at, b[1], NULL, 10, 0));
    SHOW(splice(file, (void *)8, a[1], NULL, 10, 0));
    at = -1;
    SHOW(splice(file, &at, a[1], NULL, 10, 0));
    SHOW(splice(99, NULL, a[1], NULL, 10, 0));
    SHOW(splice(file, NULL, a[1], NULL, 10, 0x100));
    SHOW(splice(99, NULL, a[1], NULL, 0, 0));
    SHOW(tee(file, a[1], 10, 0));
    int append = open("out", O_WRONLY | O_APPEND);
    write(a[1], "x", 1);
    SHOW(splice(a[0], NULL, append, NULL, 1, 0));
    show(a[0], 10);
    char one[] = "vector ", two[] = "pages";
    struct iovec v[] = { { one, 7 }, { two, 5 } };
    SHOW(vmsplice(a[1], v, 2, 0));
    show(a[0], 30);
    SHOW(vmsplice(file, v, 2, 0));
    SHOW(vmsplice(a[1], v, 2, 0x100));
    SHOW(vmsplice(a[1], (void *)8, 2, 0));
    SHOW(vmsplice(99, v, 2, 0));
    close(a[1]);
    SHOW(splice(a[0], NULL, b[1], NULL, 10, 0));
    SHOW(tee(a[0], b[1], 10, 0));
    signal(SIGPIPE, SIG_IGN);
    close(b[0]);
    SHOW(splice(file, (loff_t[]){ 0 }, b[1], NULL, 10, 0));
    return 0;
}
