/* Calls from before /proc: kinds of file systems, and how full one is.
 * covers: sysfs ustat
 */
#include "check.h"
#include <sys/statfs.h>
#include <sys/sysmacros.h>

struct old_status {
    int free_blocks;
    unsigned long free_inodes;
    char name[6], pack[6];
};

int main(void)
{
    char name[256];
    long count = syscall(SYS_sysfs, 3);
    HOLDS(count > 0);
    long proc = syscall(SYS_sysfs, 1, "proc");
    HOLDS(proc >= 0 && proc < count);
    SHOW(syscall(SYS_sysfs, 2, proc, name));
    printf("%s\n", name);
    SHOW(syscall(SYS_sysfs, 2, proc, BAD));
    SHOW(syscall(SYS_sysfs, 2, count, name));
    SHOW(syscall(SYS_sysfs, 1, "no such kind"));
    SHOW(syscall(SYS_sysfs, 1, BAD));
    SHOW(syscall(SYS_sysfs, 0));
    SHOW(syscall(SYS_sysfs, 4));

    struct stat st;
    struct statfs fs;
    struct old_status old = {-1, -1, "xxxxx", "xxxxx"};
    stat("/proc", &st);
    statfs("/proc", &fs);
    SHOW(syscall(SYS_ustat, (unsigned)st.st_dev, &old));
    HOLDS(old.free_blocks == (int)fs.f_bfree && old.free_inodes == fs.f_ffree && old.name[0] == 0 && old.pack[0] == 0);
    SHOW(syscall(SYS_ustat, (unsigned)st.st_dev, BAD));
    SHOW(syscall(SYS_ustat, 0xfffffff, &old));
    return 0;
}
