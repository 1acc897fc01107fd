/*
 * Scheduling attributes and I/O priorities.
 * covers: sched_setattr sched_getattr ioprio_get ioprio_set
 */
#include "check.h"
#include <sched.h>
#include <sys/resource.h>

struct attributes { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; };

int main(void)
{
    struct attributes a = { 0 };
    SHOW(syscall(SYS_sched_getattr, 0, &a, sizeof a, 0));
    SHOW(a.size);
    SHOW(a.policy);
    SHOW(a.nice);
    SHOW(a.priority);
    SHOW(syscall(SYS_sched_getattr, 0, &a, 47, 0));
    SHOW(syscall(SYS_sched_getattr, 0, &a, sizeof a, 1));
    SHOW(syscall(SYS_sched_getattr, -1, &a, sizeof a, 0));
    SHOW(syscall(SYS_sched_getattr, 0x3ffffff0, &a, sizeof a, 0));
    SHOW(syscall(SYS_sched_getattr, 0, BAD, sizeof a, 0));

    a = (struct attributes){ .size = sizeof a, .policy = SCHED_BATCH, .nice = 3 };
    SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
    SHOW(syscall(SYS_sched_getattr, 0, &a, sizeof a, 0));
    SHOW(a.policy);
    SHOW(a.nice);
    SHOW(getpriority(PRIO_PROCESS, 0));
    a.policy = SCHED_IDLE;
    SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
    SHOW(sched_getscheduler(0));
    a.policy = 77;
    SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
    a.policy = SCHED_OTHER;
    a.priority = 5;
    SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
    a.priority = 0;
    a.flags = 1 << 30;
    SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
    a.flags = 1;
    SHOW(syscall(SYS_sched_setattr, 0, &a, 0));
    SHOW(sched_getscheduler(0) == (SCHED_OTHER | 0x40000000));
    SHOW(syscall(SYS_sched_setattr, 0, &a, 1));
    SHOW(syscall(SYS_sched_setattr, 0, NULL, 0));
    SHOW(syscall(SYS_sched_setattr, -1, &a, 0));
    SHOW(syscall(SYS_sched_setattr, 0x3ffffff0, &a, 0));
    char large[100] = { 0 };
    memcpy(large, &a, sizeof a);
    *(uint32_t *)large = sizeof large;
    SHOW(syscall(SYS_sched_setattr, 0, large, 0));
    large[99] = 1;
    SHOW(syscall(SYS_sched_setattr, 0, large, 0));

    enum { PROCESS = 1, GROUP, USER };
    SHOW(syscall(SYS_ioprio_set, PROCESS, 0, 2 << 13 | 3));
    SHOW(syscall(SYS_ioprio_get, PROCESS, 0));
    SHOW(syscall(SYS_ioprio_set, PROCESS, 0, 3 << 13));
    SHOW(syscall(SYS_ioprio_get, PROCESS, 0));
    SHOW(syscall(SYS_ioprio_set, PROCESS, 0, 5));
    SHOW(syscall(SYS_ioprio_set, PROCESS, 0, 6 << 13));
    SHOW(syscall(SYS_ioprio_set, 9, 0, 2 << 13));
    SHOW(syscall(SYS_ioprio_get, 9, 0));
    SHOW(syscall(SYS_ioprio_get, PROCESS, 0x3ffffff0));
    SHOW(syscall(SYS_ioprio_set, PROCESS, 0, 0));
    return 0;
}
