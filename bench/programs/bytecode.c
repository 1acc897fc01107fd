/*
 * A small interpreter of bytecode with a stack, functions and arrays, running recursive Fibonacci numbers, a sieve and
 * Collatz sequences: an indirect jump for every few instructions.
 */
#include "bench.h"

enum operation {
    PUSH, LOAD, STORE, GET, PUT, ADD, SUBTRACT, MULTIPLY, AND, SHIFT, LESS, EQUAL, JUMP, JUMP_IF_ZERO, CALL, ENTER, RETURN, HALT,
};

enum { CELLS = 1 << 14, STACK = 1 << 12, CALLS = 1 << 10, CODE = 512 };

static int32_t code[CODE];
static int64_t cells[CELLS], stack[STACK];
static struct { const int32_t *pc; int64_t *frame; } calls[CALLS];
static int here;

static int op(enum operation operation)
{
    code[here] = (int32_t)operation;
    return here++;
}

/* An instruction with an operand; the result is where the operand stands, for jumps not yet known. */
static int op1(enum operation operation, int operand)
{
    op(operation);
    code[here] = operand;
    return here++;
}

static NOINLINE int64_t execute(const int32_t *pc)
{
    int64_t *top = stack, *frame = stack;
    int depth = 0;
    for (;;) {
        switch ((enum operation)*pc++) {
        case PUSH: *++top = *pc++; break;
        case LOAD: *++top = frame[*pc++]; break;
        case STORE: frame[*pc++] = *top--; break;
        case GET: *top = cells[*top & (CELLS - 1)]; break;
        case PUT: cells[top[-1] & (CELLS - 1)] = *top; top -= 2; break;
        case ADD: top--; *top += top[1]; break;
        case SUBTRACT: top--; *top -= top[1]; break;
        case MULTIPLY: top--; *top = (int64_t)((uint64_t)*top * (uint64_t)top[1]); break;
        case AND: top--; *top &= top[1]; break;
        case SHIFT: top--; *top >>= top[1]; break;
        case LESS: top--; *top = *top < top[1]; break;
        case EQUAL: top--; *top = *top == top[1]; break;
        case JUMP: pc = code + *pc; break;
        case JUMP_IF_ZERO: pc = *top-- == 0 ? code + *pc : pc + 1; break;
        case CALL:
            calls[depth].pc = pc + 2;
            calls[depth++].frame = frame;
            frame = top - pc[1] + 1;
            pc = code + *pc;
            break;
        case ENTER:
            for (int n = *pc++; n != 0; n--)
                *++top = 0;
            break;
        case RETURN:
            *frame = *top;
            top = frame;
            pc = calls[--depth].pc;
            frame = calls[depth].frame;
            break;
        case HALT: return *top;
        }
    }
}

static void call(int function, int arguments)
{
    op1(CALL, function);
    code[here++] = arguments;
}

/* f(n) = n < 2 ? n : f(n - 1) + f(n - 2) */
static int write_fibonacci(void)
{
    int function = here;
    op1(LOAD, 0);
    op1(PUSH, 2);
    op(LESS);
    int otherwise = op1(JUMP_IF_ZERO, 0);
    op1(LOAD, 0);
    op(RETURN);
    code[otherwise] = here;
    for (int less = 1; less <= 2; less++) {
        op1(LOAD, 0);
        op1(PUSH, less);
        op(SUBTRACT);
        call(function, 1);
    }
    op(ADD);
    op(RETURN);
    return function;
}

/* How many primes are below n: i (1), k (2) and the count (3) are local. */
static int write_sieve(void)
{
    int function = here;
    op1(ENTER, 3);
    int clear = here;
    op1(LOAD, 1);
    op1(PUSH, 0);
    op(PUT);
    op1(LOAD, 1);
    op1(PUSH, 1);
    op(ADD);
    op1(STORE, 1);
    op1(LOAD, 0);
    op1(LOAD, 1);
    op(LESS);
    op1(JUMP_IF_ZERO, clear);
    op1(PUSH, 2);
    op1(STORE, 1);
    int next = here;
    op1(LOAD, 1);
    op1(LOAD, 0);
    op(LESS);
    int done = op1(JUMP_IF_ZERO, 0);
    op1(LOAD, 1);
    op(GET);
    op1(PUSH, 0);
    op(EQUAL);
    int composite = op1(JUMP_IF_ZERO, 0);
    op1(LOAD, 3);
    op1(PUSH, 1);
    op(ADD);
    op1(STORE, 3);
    op1(LOAD, 1);
    op1(LOAD, 1);
    op(MULTIPLY);
    op1(STORE, 2);
    int strike = here;
    op1(LOAD, 2);
    op1(LOAD, 0);
    op(LESS);
    int struck = op1(JUMP_IF_ZERO, 0);
    op1(LOAD, 2);
    op1(PUSH, 1);
    op(PUT);
    op1(LOAD, 2);
    op1(LOAD, 1);
    op(ADD);
    op1(STORE, 2);
    op1(JUMP, strike);
    code[composite] = code[struck] = here;
    op1(LOAD, 1);
    op1(PUSH, 1);
    op(ADD);
    op1(STORE, 1);
    op1(JUMP, next);
    code[done] = here;
    op1(LOAD, 3);
    op(RETURN);
    return function;
}

/* All the steps that the numbers below n take to 1: the number (1), its value (2) and the steps (3) are local. */
static int write_collatz(void)
{
    int function = here;
    op1(ENTER, 3);
    op1(PUSH, 1);
    op1(STORE, 1);
    int next = here;
    op1(LOAD, 1);
    op1(LOAD, 0);
    op(LESS);
    int done = op1(JUMP_IF_ZERO, 0);
    op1(LOAD, 1);
    op1(STORE, 2);
    int step = here;
    op1(PUSH, 1);
    op1(LOAD, 2);
    op(LESS);
    int arrived = op1(JUMP_IF_ZERO, 0);
    op1(LOAD, 3);
    op1(PUSH, 1);
    op(ADD);
    op1(STORE, 3);
    op1(LOAD, 2);
    op1(PUSH, 1);
    op(AND);
    int even = op1(JUMP_IF_ZERO, 0);
    op1(LOAD, 2);
    op1(PUSH, 3);
    op(MULTIPLY);
    op1(PUSH, 1);
    op(ADD);
    op1(STORE, 2);
    op1(JUMP, step);
    code[even] = here;
    op1(LOAD, 2);
    op1(PUSH, 1);
    op(SHIFT);
    op1(STORE, 2);
    op1(JUMP, step);
    code[arrived] = here;
    op1(LOAD, 1);
    op1(PUSH, 1);
    op(ADD);
    op1(STORE, 1);
    op1(JUMP, next);
    code[done] = here;
    op1(LOAD, 3);
    op(RETURN);
    return function;
}

static int64_t result_of(int function, int argument)
{
    int start = here;
    op1(PUSH, argument);
    call(function, 1);
    op(HALT);
    here = start;
    return execute(code + start);
}

static uint64_t run(void)
{
    int fibonacci = write_fibonacci(), sieve = write_sieve(), collatz = write_collatz();
    uint64_t sum = (uint64_t)result_of(fibonacci, 29);
    for (int round = 0; round < 50; round++)
        sum = sum * 31 + (uint64_t)result_of(sieve, CELLS - round);
    return sum * 31 + (uint64_t)result_of(collatz, 50000);
}
