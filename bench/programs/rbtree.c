/* Red-black trees: keys inserted, found, walked and removed. Pointers chased, branches that can't be foreseen. */
#include "bench.h"

enum { KEYS = 1 << 14, ROUNDS = 45 };

struct node { struct node *child[2], *parent; uint64_t key; int red; };

static struct node pool[KEYS], nil = { { &nil, &nil }, &nil, 0, 0 };
static struct node *root;

static inline int side_of(const struct node *n)
{
    return n == n->parent->child[1];
}

/* Puts one node where another was below its parent. */
static void replace(struct node *old, struct node *new)
{
    if (old->parent == &nil)
        root = new;
    else
        old->parent->child[side_of(old)] = new;
    new->parent = old->parent;
}

/* Brings a node's child of the other side up into its place; the node goes down to the side named. */
static void rotate(struct node *n, int side)
{
    struct node *up = n->child[!side];
    n->child[!side] = up->child[side];
    if (up->child[side] != &nil)
        up->child[side]->parent = n;
    replace(n, up);
    up->child[side] = n;
    n->parent = up;
}

static NOINLINE void insert(struct node *n)
{
    struct node *parent = &nil;
    for (struct node *at = root; at != &nil; at = at->child[n->key > at->key])
        parent = at;
    n->child[0] = n->child[1] = &nil;
    n->parent = parent;
    n->red = 1;
    if (parent == &nil)
        root = n;
    else
        parent->child[n->key > parent->key] = n;
    while (n->parent->red) {
        struct node *grandparent = n->parent->parent;
        int side = side_of(n->parent);
        struct node *uncle = grandparent->child[!side];
        if (uncle->red) {
            n->parent->red = uncle->red = 0;
            grandparent->red = 1;
            n = grandparent;
            continue;
        }
        if (side_of(n) != side) {
            n = n->parent;
            rotate(n, side);
        }
        n->parent->red = 0;
        grandparent->red = 1;
        rotate(grandparent, !side);
    }
    root->red = 0;
}

static void mend(struct node *n)
{
    while (n != root && !n->red) {
        int side = side_of(n);
        struct node *parent = n->parent, *sibling = parent->child[!side];
        if (sibling->red) {
            sibling->red = 0;
            parent->red = 1;
            rotate(parent, side);
            sibling = parent->child[!side];
        }
        if (!sibling->child[0]->red && !sibling->child[1]->red) {
            sibling->red = 1;
            n = parent;
            continue;
        }
        if (!sibling->child[!side]->red) {
            sibling->child[side]->red = 0;
            sibling->red = 1;
            rotate(sibling, !side);
            sibling = parent->child[!side];
        }
        sibling->red = parent->red;
        parent->red = sibling->child[!side]->red = 0;
        rotate(parent, side);
        n = root;
    }
    n->red = 0;
}

static NOINLINE void erase(struct node *n)
{
    struct node *moved;
    int removed_red = n->red;
    if (n->child[0] == &nil || n->child[1] == &nil) {
        moved = n->child[n->child[0] == &nil];
        replace(n, moved);
    } else {
        struct node *next = n->child[1];
        while (next->child[0] != &nil)
            next = next->child[0];
        removed_red = next->red;
        moved = next->child[1];
        if (next->parent == n) {
            moved->parent = next;
        } else {
            replace(next, moved);
            next->child[1] = n->child[1];
            next->child[1]->parent = next;
        }
        replace(n, next);
        next->child[0] = n->child[0];
        next->child[0]->parent = next;
        next->red = n->red;
    }
    if (!removed_red)
        mend(moved);
}

static NOINLINE struct node *find(uint64_t key)
{
    struct node *at = root;
    while (at != &nil && at->key != key)
        at = at->child[key > at->key];
    return at;
}

/* How many black nodes lie on each way down; -1 if the ways differ, a red node has a red child, or keys are out of order. */
static int height(const struct node *n, uint64_t low, uint64_t high)
{
    if (n == &nil)
        return 0;
    if (n->key < low || n->key > high || (n->red && (n->child[0]->red || n->child[1]->red)))
        return -1;
    int left = height(n->child[0], low, n->key), right = height(n->child[1], n->key, high);
    return left < 0 || left != right ? -1 : left + !n->red;
}

static uint64_t run(void)
{
    uint64_t sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
        root = &nil;
        for (int i = 0; i < KEYS; i++) {
            pool[i].key = next_random() >> 8 << 16 | (uint64_t)i;
            insert(&pool[i]);
        }
        for (int i = 0; i < KEYS; i++) {
            struct node *n = find(pool[next_random() % KEYS].key + (next_random() & 1) * 0x8000);
            sum = sum * 31 + (n == &nil ? 1 : n->key);
        }
        for (int i = 0; i < KEYS; i += 2)
            erase(&pool[i]);
        int black = height(root, 0, ~(uint64_t)0);
        if (black < 0)
            return 1;
        sum = sum * 31 + (uint64_t)black;
        for (int i = 1; i < KEYS; i += 2)
            erase(&pool[i]);
        if (root != &nil)
            return 2;
    }
    return sum;
}
