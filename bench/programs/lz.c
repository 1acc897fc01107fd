/*
 * A compressor in the manner of LZ4 and its decompressor: a hash table of four-byte sequences, tokens of a literal and a
 * match length, offsets of 16 bits. Unaligned loads, unpredictable branches, copies.
 */
#include "prose.h"

enum { SIZE = 1 << 18, HASH_BITS = 13, LEAST_MATCH = 4, ROUNDS = 130 };

static unsigned char text[SIZE], packed[SIZE + SIZE / 128 + 64], unpacked[SIZE + 64];
static uint32_t latest[1 << HASH_BITS];

static inline uint32_t load32(const unsigned char *p)
{
    uint32_t value;
    __builtin_memcpy(&value, p, 4);
    return value;
}

static inline uint64_t load64(const unsigned char *p)
{
    uint64_t value;
    __builtin_memcpy(&value, p, 8);
    return value;
}

static inline void copy8(unsigned char *to, const unsigned char *from)
{
    uint64_t value = load64(from);
    __builtin_memcpy(to, &value, 8);
}

static unsigned char *put_length(unsigned char *to, size_t length)
{
    for (; length >= 255; length -= 255)
        *to++ = 255;
    *to++ = (unsigned char)length;
    return to;
}

/* A token: literals, then a match unless its length is zero, which ends the stream. */
static unsigned char *put_sequence(unsigned char *to, const unsigned char *literals, size_t count, size_t offset, size_t match)
{
    size_t extra = match == 0 ? 0 : match - LEAST_MATCH;
    *to++ = (unsigned char)((count < 15 ? count : 15) << 4 | (extra < 15 ? extra : 15));
    if (count >= 15)
        to = put_length(to, count - 15);
    for (size_t i = 0; i < count; i++)
        to[i] = literals[i];
    to += count;
    *to++ = (unsigned char)offset;
    *to++ = (unsigned char)(offset >> 8);
    return extra >= 15 ? put_length(to, extra - 15) : to;
}

static NOINLINE size_t compress(const unsigned char *from, size_t n, unsigned char *to)
{
    unsigned char *start = to;
    size_t at = 0, literal = 0;
    for (size_t i = 0; i < 1 << HASH_BITS; i++)
        latest[i] = 0;
    while (at + 12 < n) {
        uint32_t four = load32(from + at);
        uint32_t *slot = &latest[four * 2654435761u >> (32 - HASH_BITS)];
        size_t candidate = *slot;
        *slot = (uint32_t)at + 1;
        if (candidate == 0 || at - (candidate - 1) > 65535 || load32(from + candidate - 1) != four) {
            at += 1 + (at - literal) / 64;
            continue;
        }
        candidate--;
        size_t length = LEAST_MATCH;
        while (at + length + 8 <= n) {
            uint64_t different = load64(from + at + length) ^ load64(from + candidate + length);
            if (different != 0) {
                length += (size_t)__builtin_ctzll(different) / 8;
                break;
            }
            length += 8;
        }
        to = put_sequence(to, from + literal, at - literal, at - candidate, length);
        at += length;
        literal = at;
    }
    return (size_t)(put_sequence(to, from + literal, n - literal, 0, 0) - start);
}

static NOINLINE size_t decompress(const unsigned char *from, unsigned char *to)
{
    unsigned char *start = to;
    for (;;) {
        unsigned token = *from++, next;
        size_t count = token >> 4, length = token & 15;
        if (count == 15)
            do
                count += next = *from++;
            while (next == 255);
        for (size_t i = 0; i < count; i += 8)
            copy8(to + i, from + i);
        to += count;
        from += count;
        size_t offset = from[0] | (size_t)from[1] << 8;
        from += 2;
        if (offset == 0)
            return (size_t)(to - start);
        if (length == 15)
            do
                length += next = *from++;
            while (next == 255);
        length += LEAST_MATCH;
        if (offset >= 8)
            for (size_t i = 0; i < length; i += 8)
                copy8(to + i, to + i - offset);
        else
            for (size_t i = 0; i < length; i++)
                to[i] = to[i - offset];
        to += length;
    }
}

static uint64_t run(void)
{
    uint64_t sum = 0;
    write_prose(text, SIZE);
    for (int round = 0; round < ROUNDS; round++) {
        text[next_random() % SIZE] ^= 1;
        size_t size = compress(text, SIZE, packed);
        sum = sum * 31 + size + packed[size / 2];
        if (decompress(packed, unpacked) != SIZE)
            return 1;
        for (size_t i = 0; i < SIZE; i += 8)
            if (load64(text + i) != load64(unpacked + i))
                return 2;
    }
    return sum;
}
