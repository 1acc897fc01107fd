/*
 * Regular expressions compiled to a small program, whose threads run over the text side by side (Thompson's construction):
 * the leftmost longest match, in time linear in the text. Short lists, bit maps, branches that depend on data.
 */
#include "prose.h"

enum { SIZE = 1 << 16, ROUNDS = 24, MOST = 128 };
enum operation { BYTE, ANY, CLASS, SPLIT, JUMP, MATCH };

struct instruction { enum operation operation; int x, y; };
struct thread { int pc; int start; };
struct list { int count; struct thread threads[MOST]; };

static struct instruction program[MOST];
static uint64_t classes[16][4];
static int program_length, class_count;
static const char *pattern;
static unsigned char text[SIZE];
static uint32_t marks[MOST], generation;
static struct list lists[2];

static int emit(enum operation operation, int x, int y)
{
    program[program_length] = (struct instruction) { operation, x, y };
    return program_length++;
}

/* Makes room for one instruction before a part that is complete in itself. */
static void insert(int before)
{
    for (int i = program_length++; i > before; i--) {
        struct instruction moved = program[i - 1];
        if (moved.operation == SPLIT || moved.operation == JUMP) {
            moved.x += moved.x >= before;
            moved.y += moved.y >= before;
        }
        program[i] = moved;
    }
}

static void parse_alternatives(void);

static void parse_class(void)
{
    uint64_t *map = classes[class_count];
    int inverted = *pattern == '^';
    pattern += inverted;
    while (*pattern != ']') {
        unsigned low = (unsigned char)*pattern++, high = low;
        if (*pattern == '-' && pattern[1] != ']') {
            high = (unsigned char)pattern[1];
            pattern += 2;
        }
        for (; low <= high; low++)
            map[low / 64] |= (uint64_t)1 << low % 64;
    }
    pattern++;
    for (int i = 0; inverted && i < 4; i++)
        map[i] = ~map[i];
    emit(CLASS, class_count++, 0);
}

static void parse_piece(void)
{
    int start = program_length;
    char c = *pattern++;
    if (c == '(') {
        parse_alternatives();
        pattern++;
    } else if (c == '[') {
        parse_class();
    } else if (c == '.') {
        emit(ANY, 0, 0);
    } else {
        emit(BYTE, c == '\\' ? *pattern++ : c, 0);
    }
    for (;; pattern++) {
        if (*pattern == '*') {
            insert(start);
            emit(JUMP, start, 0);
            program[start] = (struct instruction) { SPLIT, start + 1, program_length };
        } else if (*pattern == '+') {
            emit(SPLIT, start, program_length + 1);
        } else if (*pattern == '?') {
            insert(start);
            program[start] = (struct instruction) { SPLIT, start + 1, program_length };
        } else {
            return;
        }
    }
}

static void parse_alternatives(void)
{
    int start = program_length;
    while (*pattern != 0 && *pattern != '|' && *pattern != ')')
        parse_piece();
    if (*pattern == '|') {
        pattern++;
        insert(start);
        int jump = emit(JUMP, 0, 0);
        program[start] = (struct instruction) { SPLIT, start + 1, program_length };
        parse_alternatives();
        program[jump].x = program_length;
    }
}

static void compile(const char *expression)
{
    program_length = class_count = 0;
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 4; k++)
            classes[i][k] = 0;
    pattern = expression;
    parse_alternatives();
    emit(MATCH, 0, 0);
}

static void add(struct list *list, int pc, int start)
{
    while (marks[pc] != generation) {
        marks[pc] = generation;
        const struct instruction *i = &program[pc];
        if (i->operation == JUMP) {
            pc = i->x;
        } else if (i->operation == SPLIT) {
            add(list, i->x, start);
            pc = i->y;
        } else {
            list->threads[list->count++] = (struct thread) { pc, start };
            return;
        }
    }
}

/* The leftmost longest match at or after a position: its start, or -1, and its end. */
static NOINLINE int search(int from, int *end)
{
    struct list *now = &lists[0], *next = &lists[1];
    int best = -1;
    now->count = 0;
    generation++;
    for (int at = from; at <= SIZE; at++) {
        if (best < 0)
            add(now, 0, at);
        else if (now->count == 0)
            break;
        next->count = 0;
        generation++;
        unsigned c = at < SIZE ? text[at] : 0;
        for (int i = 0; i < now->count; i++) {
            struct thread thread = now->threads[i];
            const struct instruction *o = &program[thread.pc];
            int passes = 0;
            if (best >= 0 && thread.start > best)
                continue;
            switch (o->operation) {
            case BYTE: passes = c == (unsigned)o->x; break;
            case ANY: passes = c != '\n'; break;
            case CLASS: passes = (int)(classes[o->x][c / 64] >> c % 64 & 1); break;
            case MATCH:
                best = thread.start;
                *end = at;
                break;
            default: break;
            }
            if (passes && at < SIZE)
                add(next, thread.pc + 1, thread.start);
        }
        struct list *old = now;
        now = next;
        next = old;
    }
    return best;
}

static uint64_t run(void)
{
    static const char *const expressions[] = {
        "[aeiou]+[^aeiou ]+ing?", "(the|an|o[nf]) [a-z]*e", "t(h|r)?e+[a-z]* [a-z]+,", "[a-z]*(ss|tt|ll|ee)[a-z]*[,\n]", "s.*\\,",
    };
    uint64_t sum = 0;
    write_prose(text, SIZE);
    for (int round = 0; round < ROUNDS; round++)
        for (size_t e = 0; e < sizeof expressions / sizeof *expressions; e++) {
            compile(expressions[e]);
            for (int at = 0, end = 0, start; (start = search(at, &end)) >= 0; at = end)
                sum = sum * 31 + (uint64_t)(start * 3 + end);
        }
    return sum;
}
