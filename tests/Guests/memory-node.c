/* What libraries read of the machine's memory node: its processors as a list and as a mask, and its memory. */
#include "check.h"
#include <ctype.h>

#define NODE "/sys/devices/system/node/node0/"

static char text[1 << 16];

static char *read_file(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t count = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    close(fd);
    if (count < 0)
        return NULL;
    text[count] = 0;
    return text;
}

/* Groups of 32 bits in hexadecimal digits with commas between them, the first group maybe shorter. */
static long processors_of_mask(const char *mask)
{
    long set = 0;
    size_t digits = strcspn(mask, ",\n");
    for (const char *c = mask; *c != '\n'; c++) {
        if (*c == ',') {
            if (digits != 8 && c != mask + digits)
                return -1;
            digits = strcspn(c + 1, ",\n");
            if (digits != 8)
                return -1;
        } else if (isxdigit(*c) && !isupper(*c)) {
            set += __builtin_popcount(*c <= '9' ? *c - '0' : *c - 'a' + 10);
        } else {
            return -1;
        }
    }
    return set;
}

static long processors_of_list(const char *list)
{
    long set = 0;
    while (isdigit(*list)) {
        char *end;
        long first = strtol(list, &end, 10), last = first;
        if (*end == '-')
            last = strtol(end + 1, &end, 10);
        set += last - first + 1;
        list = end + (*end == ',');
    }
    return set;
}

static void memory(void)
{
    static const char *names[] = { "MemTotal", "MemFree", "MemUsed", "Active", "Inactive(file)", "FilePages", "AnonPages", "PageTables", "Slab",
        "HugePages_Total", "HugePages_Free", "HugePages_Surp" };
    long value[12] = { 0 };
    HOLDS(read_file(NODE "meminfo") != NULL);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char name[32];
        int end = 0, after = 0;
        long number;
        if (sscanf(line, "Node 0 %31[^:]:%n %ld%n", name, &end, &number, &after) != 2)
            printf("no such line: %s\n", line);
        for (int i = 0; i < 12; i++) {
            if (strcmp(name, names[i]) != 0)
                continue;
            printf("%s: %s", name, strcmp(line + after, " kB") == 0 ? "in kB" : "a number");
            /* (Numbers of more than eight digits move the column.) */
            if (number < 100000000)
                printf(" up to column %d", after);
            printf("\n");
            value[i] = number;
        }
    }
    HOLDS(value[0] > 0);
    HOLDS(value[1] > 0 && value[1] < value[0]);
    HOLDS(value[2] == value[0] - value[1]);
}

int main(void)
{
    HOLDS(processors_of_mask(read_file(NODE "cpumap")) == sysconf(_SC_NPROCESSORS_ONLN));
    HOLDS(processors_of_list(read_file(NODE "cpulist")) == sysconf(_SC_NPROCESSORS_ONLN));
    memory();
    SHOW(access(NODE "meminfo", W_OK));
    SHOW(open(NODE "cpumap/", O_RDONLY));
    return 0;
}
