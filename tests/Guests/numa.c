/* Memory policies and where pages are, on a machine of one node.
 * linux: 6.9
 * covers: get_mempolicy set_mempolicy mbind set_mempolicy_home_node migrate_pages move_pages
 */
#include "check.h"
#include <linux/mempolicy.h>
#include <sys/mman.h>

#define MODES 7
#define ALL_FLAGS (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES | (1 << 13))

static unsigned long mask[16];
static int mode;

static long set(int mode, unsigned long nodes, unsigned long bits)
{
    mask[0] = nodes;
    return syscall(SYS_set_mempolicy, mode, mask, bits);
}

static long get(void *address, unsigned long flags)
{
    mode = -1;
    memset(mask, 0xff, sizeof mask);
    return syscall(SYS_get_mempolicy, &mode, mask, 1024L, address, flags);
}

static void tell(void)
{
    SHOW(get(NULL, 0));
    printf("mode %x nodes %lx %lx\n", mode, mask[0], mask[15]);
}

static void of_the_task(void)
{
    tell();
    SHOW(get(NULL, MPOL_F_MEMS_ALLOWED));
    printf("mode %x nodes %lx\n", mode, mask[0]);
    for (int m = 0; m < MODES; m++) {
        printf("mode %d:\n", m);
        SHOW(set(m, 1, 64));
        tell();
        SHOW(syscall(SYS_get_mempolicy, &mode, NULL, 0L, NULL, MPOL_F_NODE));
        SHOW(set(m, 0, 64));
        tell();
        SHOW(syscall(SYS_set_mempolicy, m, NULL, 0L));
        SHOW(set(m, 2, 64));
        SHOW(set(m, 3, 64));
        tell();
        int flags[] = { MPOL_F_STATIC_NODES, MPOL_F_RELATIVE_NODES, MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES };
        for (int i = 0; i < 3; i++) {
            SHOW(set(m | flags[i], 1, 64));
            SHOW(set(m | flags[i], 2, 64));
            SHOW(set(m | flags[i], 5, 64));
            SHOW(set(m | flags[i], 0, 64));
            tell();
        }
    }
    SHOW(set(MPOL_BIND | (1 << 13), 1, 64));
    tell();
    SHOW(set(MPOL_PREFERRED | (1 << 13), 1, 64));
    SHOW(set(77, 1, 64));
    SHOW(set(-1, 1, 64));
    SHOW(set(MPOL_BIND, 1, 1));
    SHOW(set(MPOL_BIND, 1, 2));
    SHOW(set(MPOL_BIND, 1, 1024));
    SHOW(set(MPOL_BIND, 1, 40000));
    SHOW(syscall(SYS_set_mempolicy, MPOL_BIND, BAD, 64L));
    SHOW(set(MPOL_INTERLEAVE, 1, 64));
    IN_CHILD(tell());
    SHOW(get(NULL, 8));
    SHOW(get(NULL, MPOL_F_MEMS_ALLOWED | MPOL_F_NODE));
    SHOW(get(NULL, MPOL_F_MEMS_ALLOWED | MPOL_F_ADDR));
    SHOW(get(mask, 0));
    SHOW(get(NULL, MPOL_F_ADDR));
    SHOW(syscall(SYS_get_mempolicy, NULL, mask, 0L, NULL, 0));
    SHOW(syscall(SYS_get_mempolicy, NULL, mask, 1L, NULL, 0));
    SHOW(syscall(SYS_get_mempolicy, NULL, mask, 40000L, NULL, 0));
    SHOW(syscall(SYS_get_mempolicy, NULL, BAD, 64L, NULL, 0));
    SHOW(syscall(SYS_get_mempolicy, BAD, NULL, 0L, NULL, 0));
    SHOW(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0L));
}

static long bind(void *start, unsigned long length, int mode, unsigned long nodes, unsigned flags)
{
    mask[0] = nodes;
    mask[1] = 0;
    return syscall(SYS_mbind, start, length, mode, mask, 64L, flags);
}

static void of_mappings(void)
{
    char *p = mmap((void *)0x580000000000, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    SHOW(bind(p + PAGE, 2 * PAGE, MPOL_BIND, 1, 0));
    SHOW(get(p, MPOL_F_ADDR));
    printf("mode %x nodes %lx\n", mode, mask[0]);
    SHOW(get(p + 2 * PAGE, MPOL_F_ADDR));
    printf("mode %x nodes %lx\n", mode, mask[0]);
    SHOW(get(p + 2 * PAGE, MPOL_F_ADDR | MPOL_F_NODE));
    printf("node %d\n", mode);
    SHOW(get((void *)0x600000000000, MPOL_F_ADDR));
    IN_CHILD(SHOW(get(p + 2 * PAGE, MPOL_F_ADDR)); printf("mode %x nodes %lx\n", mode, mask[0]));
    SHOW(syscall(SYS_set_mempolicy_home_node, p, 8L * PAGE, 0L, 0L));
    SHOW(syscall(SYS_set_mempolicy_home_node, p + 4 * PAGE, (long)PAGE, 0L, 0L));
    SHOW(syscall(SYS_set_mempolicy_home_node, p, (long)PAGE, 1L, 0L));
    SHOW(syscall(SYS_set_mempolicy_home_node, p, (long)PAGE, 100L, 0L));
    SHOW(syscall(SYS_set_mempolicy_home_node, p, (long)PAGE, 0L, 1L));
    SHOW(syscall(SYS_set_mempolicy_home_node, p + 1, (long)PAGE, 0L, 0L));
    SHOW(syscall(SYS_set_mempolicy_home_node, p, 0L, 0L, 0L));
    SHOW(syscall(SYS_set_mempolicy_home_node, p, -1L - PAGE, 0L, 0L));
    SHOW(bind(p + PAGE, PAGE, MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, 1, MPOL_MF_STRICT));
    SHOW(get(p + PAGE, MPOL_F_ADDR));
    printf("mode %x nodes %lx\n", mode, mask[0]);
    SHOW(get(p + PAGE, MPOL_F_ADDR | MPOL_F_NODE));
    SHOW(syscall(SYS_set_mempolicy_home_node, p, 8L * PAGE, 0L, 0L));
    memset(p, 'p', 8 * PAGE);
    SHOW(bind(p, 8 * PAGE, MPOL_PREFERRED, 1, MPOL_MF_MOVE));
    SHOW(bind(p, 8 * PAGE, MPOL_BIND, 1, MPOL_MF_MOVE_ALL | MPOL_MF_STRICT));
    SHOW(bind(p, 8 * PAGE, MPOL_LOCAL, 0, MPOL_MF_MOVE | MPOL_MF_STRICT));
    SHOW(get(p, MPOL_F_ADDR));
    printf("mode %x nodes %lx\n", mode, mask[0]);
    SHOW(bind(p, 8 * PAGE, MPOL_DEFAULT, 0, 0));
    SHOW(get(p, MPOL_F_ADDR));
    printf("mode %x nodes %lx\n", mode, mask[0]);
    SHOW(bind(p, 8 * PAGE, MPOL_DEFAULT, 1, 0));
    SHOW(bind(p, 8 * PAGE, MPOL_BIND, 0, 0));
    SHOW(bind(p, 8 * PAGE, MPOL_BIND, 2, 0));
    SHOW(bind(p, 8 * PAGE, 77, 1, 0));
    SHOW(bind(p, 8 * PAGE, MPOL_BIND, 1, 64));
    SHOW(bind(p + 1, PAGE, MPOL_BIND, 1, 0));
    SHOW(bind(p, 0, MPOL_BIND, 1, 0));
    SHOW(bind(p, -1L - PAGE, MPOL_BIND, 1, 0));
    SHOW(syscall(SYS_mbind, p, (long)PAGE, MPOL_BIND, BAD, 64L, 0));
    munmap(p + 4 * PAGE, PAGE);
    SHOW(bind(p + PAGE, 7 * PAGE, MPOL_BIND, 1, 0));
    SHOW(get(p + PAGE, MPOL_F_ADDR));
    printf("mode %x\n", mode);
    SHOW(bind(p + 4 * PAGE, PAGE, MPOL_BIND, 1, 0));
    SHOW(bind(p + PAGE, 7 * PAGE, MPOL_DEFAULT, 0, 0));
    IN_CHILD(setuid(12345); SHOW(bind(p, PAGE, MPOL_BIND, 1, MPOL_MF_MOVE_ALL)); SHOW(bind(p, PAGE, MPOL_BIND, 1, MPOL_MF_MOVE)));
}

static void of_pages(void)
{
    char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *pages[5] = { p, p + PAGE, p + 2 * PAGE + 100, (void *)0x600000000000, p + 3 * PAGE };
    int nodes[5] = { 0 }, status[5] = { 9, 9, 9, 9, 9 };
    volatile char c = p[PAGE];
    p[0] = p[2 * PAGE] = 1;
    SHOW(syscall(SYS_move_pages, 0, 5L, pages, NULL, status, 0));
    printf("%d %d %d %d %d\n", status[0], status[1], status[2], status[3], status[4]);
    memset(status, 9, sizeof status);
    SHOW(syscall(SYS_move_pages, getpid(), 5L, pages, nodes, status, MPOL_MF_MOVE));
    printf("%d %d %d %d %d\n", status[0], status[1], status[2], status[3], status[4]);
    SHOW(syscall(SYS_move_pages, 0, 1L, pages, nodes, status, MPOL_MF_MOVE_ALL));
    SHOW(syscall(SYS_move_pages, 0, 0L, NULL, NULL, NULL, 0));
    nodes[1] = 1;
    SHOW(syscall(SYS_move_pages, 0, 2L, pages, nodes, status, MPOL_MF_MOVE));
    nodes[1] = -1;
    SHOW(syscall(SYS_move_pages, 0, 2L, pages, nodes, status, MPOL_MF_MOVE));
    nodes[1] = 5000;
    SHOW(syscall(SYS_move_pages, 0, 2L, pages, nodes, status, MPOL_MF_MOVE));
    SHOW(syscall(SYS_move_pages, 0, 1L, pages, NULL, status, 64));
    SHOW(syscall(SYS_move_pages, 1 << 30, 1L, pages, NULL, status, 0));
    SHOW(syscall(SYS_move_pages, 0, 1L, BAD, NULL, status, 0));
    SHOW(syscall(SYS_move_pages, 0, 1L, pages, BAD, status, MPOL_MF_MOVE));
    SHOW(syscall(SYS_move_pages, 0, 1L, pages, NULL, BAD, 0));
    unsigned long one = 1, two = 2, none = 0;
    SHOW(syscall(SYS_migrate_pages, 0, 64L, &one, &one));
    SHOW(syscall(SYS_migrate_pages, getpid(), 64L, &two, &one));
    SHOW(syscall(SYS_migrate_pages, 0, 64L, &one, &two));
    SHOW(syscall(SYS_migrate_pages, 0, 64L, &one, &none));
    SHOW(syscall(SYS_migrate_pages, 1 << 30, 64L, &one, &one));
    SHOW(syscall(SYS_migrate_pages, 0, 64L, BAD, &one));
    SHOW(syscall(SYS_migrate_pages, 0, 64L, &one, BAD));
    SHOW(syscall(SYS_migrate_pages, 0, 40000L, &one, &one));
    pid_t parent = getpid();
    IN_CHILD({
        setuid(12345);
        SHOW(syscall(SYS_migrate_pages, parent, 64L, &one, &one));
        SHOW(syscall(SYS_migrate_pages, 0, 64L, &one, &two));
        SHOW(syscall(SYS_move_pages, parent, 1L, pages, NULL, status, 0));
        SHOW(syscall(SYS_move_pages, 0, 1L, pages, nodes, status, MPOL_MF_MOVE_ALL));
    });
}

int main(void)
{
    of_the_task();
    of_mappings();
    of_pages();
    return 0;
}
