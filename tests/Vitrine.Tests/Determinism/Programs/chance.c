/* Prints all that a program can get of chance and time, one a line. */
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

static void bytes(const char *name, const unsigned char *p, int n)
{
    printf("%s ", name);
    for (int i = 0; i < n; i++)
        printf("%02x", p[i]);
    printf("\n");
}

__attribute__((target("rdrnd,rdseed"))) int main(void)
{
    unsigned char buffer[16];
    unsigned long long number = 0;
    int local;
    bytes("auxv", (const unsigned char *)getauxval(AT_RANDOM), 16);
    getrandom(buffer, sizeof buffer, 0);
    bytes("getrandom", buffer, sizeof buffer);
    int fd = open("/dev/urandom", O_RDONLY);
    if (read(fd, buffer, sizeof buffer) != sizeof buffer)
        return 1;
    bytes("urandom", buffer, sizeof buffer);
    fd = open("/proc/sys/kernel/random/uuid", O_RDONLY);
    if (read(fd, buffer, sizeof buffer) != sizeof buffer)
        return 1;
    bytes("uuid", buffer, sizeof buffer);
    fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY);
    if (read(fd, buffer, sizeof buffer) != sizeof buffer)
        return 1;
    bytes("boot", buffer, sizeof buffer);
    _rdrand64_step(&number);
    printf("rdrand %llx\n", number);
    _rdseed64_step(&number);
    printf("rdseed %llx\n", number);
    printf("stack %p\n", (void *)&local);
    printf("heap %p\n", malloc(10));
    printf("mmap %p\n", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    printf("vdso %lx\n", getauxval(AT_SYSINFO_EHDR));
    printf("code %p\n", (void *)main);
    return 0;
}
