/* A program that says what happens to it, one line each: "NAME runs", "NAME goes on" (SIGCONT), "NAME sees ROWSxCOLUMNS"
 * (SIGWINCH), "NAME is in front" when its group becomes the terminal's foreground group, "NAME got N" for each signal N
 * named. It never ends by itself.
 * usage: witness NAME [SIGNAL-NUMBER…] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct timespec patience = { 0, 20000000 };
    int was_in_front = tcgetpgrp(0) == getpgrp();
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGCONT);
    sigaddset(&watched, SIGWINCH);
    for (int i = 2; i < argc; i++)
        sigaddset(&watched, atoi(argv[i]));
    sigprocmask(SIG_BLOCK, &watched, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("%s runs\n", argv[1]);
    for (;;) {
        struct winsize size = { 0 };
        int signal = sigtimedwait(&watched, NULL, &patience);
        int is_in_front = tcgetpgrp(0) == getpgrp();
        if (is_in_front && !was_in_front)
            printf("%s is in front\n", argv[1]);
        was_in_front = is_in_front;
        switch (signal) {
        case -1:
            break;
        case SIGCONT:
            printf("%s goes on\n", argv[1]);
            break;
        case SIGWINCH:
            ioctl(0, TIOCGWINSZ, &size);
            printf("%s sees %dx%d\n", argv[1], size.ws_row, size.ws_col);
            break;
        default:
            printf("%s got %d\n", argv[1], signal);
            break;
        }
    }
}
