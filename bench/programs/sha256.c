/* SHA-256 (FIPS 180-4) in plain C: rotations and additions with many values alive at once. */
#include "bench.h"

static uint32_t constants[64], first[8];
static unsigned char buffer[1 << 16];

/* The first 32 bits of the fraction of the square (power 2) or cube root (power 3) of a small number. */
static uint32_t root_fraction(unsigned number, int power)
{
    uint64_t root = 0;
    for (int bit = 36; bit >= 0; bit--) {
        uint64_t next = root | (uint64_t)1 << bit;
        unsigned __int128 value = (unsigned __int128)next * next;
        if (power == 3) {
            if (next >> 36 != 0)
                continue;
            value *= next;
        }
        if (value <= (unsigned __int128)number << (32 * power))
            root = next;
    }
    return (uint32_t)root;
}

static void prepare(void)
{
    int found = 0;
    for (unsigned number = 2; found < 64; number++) {
        int prime = 1;
        for (unsigned d = 2; d * d <= number; d++)
            if (number % d == 0)
                prime = 0;
        if (!prime)
            continue;
        if (found < 8)
            first[found] = root_fraction(number, 2);
        constants[found++] = root_fraction(number, 3);
    }
}

static inline uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static NOINLINE void compress(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + constants[i] + w[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

/* The digest's first half; whole blocks are hashed in place. */
static uint64_t digest(const unsigned char *data, size_t n, int rounds)
{
    uint32_t state[8];
    unsigned char last[128];
    for (int i = 0; i < 8; i++)
        state[i] = first[i];
    for (int round = 0; round < rounds; round++)
        for (size_t at = 0; at + 64 <= n; at += 64)
            compress(state, data + at);
    size_t left = n % 64, whole = left < 56 ? 64 : 128;
    for (size_t i = 0; i < whole; i++)
        last[i] = i < left ? data[n - left + i] : i == left ? 0x80 : 0;
    uint64_t bits = (uint64_t)n * (uint64_t)rounds * 8;
    for (int i = 0; i < 8; i++)
        last[whole - 1 - (size_t)i] = (unsigned char)(bits >> (8 * i));
    for (size_t at = 0; at < whole; at += 64)
        compress(state, last + at);
    return (uint64_t)state[0] << 32 | state[1];
}

static uint64_t run(void)
{
    prepare();
    /* FIPS 180-4's own example: the constants and rounds are right, or nothing is measured. */
    if (digest((const unsigned char *)"abc", 3, 1) != 0xba7816bf8f01cfeau)
        return 0;
    for (size_t i = 0; i < sizeof buffer; i++)
        buffer[i] = (unsigned char)next_random();
    return digest(buffer, sizeof buffer, 500);
}
