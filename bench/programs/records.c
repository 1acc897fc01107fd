/*
 * In the manner of Dhrystone: what ordinary integer programs do. Records copied and linked, strings copied and
 * compared, small functions called directly and through pointers, a switch, a little arithmetic.
 */
#include "bench.h"

enum kind { FIRST, SECOND, THIRD, FOURTH, FIFTH };

struct record {
    struct record *next;
    enum kind kind;
    int number;
    char text[32];
};

static struct record pool[2];
static int array[50], matrix[50][50];
static int global_number;
static char global_letter;

static NOINLINE void copy_text(char *to, const char *from)
{
    while ((*to++ = *from++) != 0)
        ;
}

static NOINLINE int compare_text(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

static NOINLINE enum kind classify(int value)
{
    switch (value & 7) {
    case 0: return FIRST;
    case 1: return value > 100 ? SECOND : THIRD;
    case 2: return FOURTH;
    case 3: global_number++; return FIFTH;
    case 5: return SECOND;
    default: return THIRD;
    }
}

static NOINLINE int add_ten(int value) { return value + 10; }
static NOINLINE int triple(int value) { return value * 3 - global_number; }
static int (*const operations[2])(int) = { add_ten, triple };

static NOINLINE void fill(int *line, int (*grid)[50], int a, int b)
{
    int at = (a & 31) + 5;
    line[at] = b;
    line[at + 1] = line[at];
    line[at + 10] = at;
    for (int i = at; i <= at + 1; i++)
        grid[at][i] = at;
    grid[at][at - 1]++;
    grid[at + 10][at] = line[at];
}

static NOINLINE void follow(struct record *r)
{
    struct record *next = r->next;
    *next = *r;
    next->number = 5;
    next->kind = classify(r->number);
    next->next = r;
    if (next->kind == FIRST) {
        next->number = 6;
        global_letter = 'A';
    } else {
        r->number = next->number + 7;
    }
}

static uint64_t run(void)
{
    uint64_t sum = 0;
    char text[32];
    pool[0].next = &pool[1];
    pool[1].next = &pool[0];
    copy_text(pool[0].text, "THE PROGRAM, SOME STRING");
    for (int i = 1; i <= 6000000; i++) {
        global_letter = (char)('A' + i % 3);
        pool[0].number = i;
        copy_text(text, "THE PROGRAM, ANOTHER TEXT");
        if (compare_text(pool[0].text, text) > 0)
            sum += 3;
        follow(&pool[0]);
        int value = operations[i & 1](i);
        fill(array, matrix, value, i);
        for (char c = 'A'; c <= global_letter; c++)
            sum += (uint64_t)classify(c + value);
        sum = sum * 7 + (uint64_t)(value / ((i & 15) + 1)) + (uint64_t)array[(i & 31) + 5];
    }
    for (int i = 0; i < 50; i++)
        sum += (uint64_t)matrix[i][49 - i];
    return sum;
}
