/*
 * A compressor in the manner of deflate and its decompressor: LZ77 by hash chains over a window of 32 KiB, then canonical
 * Huffman codes of up to 15 bits for each block (RFC 1951 has the idea; the stream is our own). Chasing chains, bits.
 */
#include "prose.h"

enum {
    SIZE = 1 << 17, WINDOW = 1 << 15, HASH_BITS = 14, CHAIN = 24, LEAST_MATCH = 3, MOST_MATCH = 258, BLOCK = 1 << 13,
    LITERALS = 285, END = 256, DISTANCES = 30, LIMIT = 15, QUICK = 10, ROUNDS = 40,
};

struct code { int count; uint8_t length[LITERALS]; uint16_t bits[LITERALS]; };
struct decoder { uint16_t quick[1 << QUICK], count[LIMIT + 1], symbol[LITERALS]; };

static unsigned char text[SIZE], packed[2 * SIZE], unpacked[SIZE];
static int32_t head[1 << HASH_BITS], previous[WINDOW];
static uint32_t tokens[BLOCK + 1];
static struct code literal_code, distance_code;
static struct decoder literal_decoder, distance_decoder;
static unsigned char *out;
static const unsigned char *in;
static uint64_t bit_buffer;
static unsigned bit_count;

static inline unsigned log2_of(unsigned value)
{
    return 31 - (unsigned)__builtin_clz(value);
}

/* Lengths take four symbols an octave, distances two; the bits below follow the symbol as they are. */
static inline unsigned length_symbol(unsigned length, unsigned *extra)
{
    unsigned value = length - LEAST_MATCH;
    *extra = value < 8 ? 0 : log2_of(value) - 2;
    return 4 * *extra + (value >> *extra);
}

static inline unsigned distance_symbol(unsigned distance, unsigned *extra)
{
    unsigned value = distance - 1;
    *extra = value < 4 ? 0 : log2_of(value) - 1;
    return 2 * *extra + (value >> *extra);
}

static inline void put_bits(uint64_t value, unsigned n)
{
    bit_buffer |= value << bit_count;
    bit_count += n;
    while (bit_count >= 8) {
        *out++ = (unsigned char)bit_buffer;
        bit_buffer >>= 8;
        bit_count -= 8;
    }
}

static inline void fill_bits(void)
{
    while (bit_count <= 48) {
        bit_buffer |= (uint64_t)*in++ << bit_count;
        bit_count += 8;
    }
}

static inline unsigned get_bits(unsigned n)
{
    unsigned value = (unsigned)(bit_buffer & (((uint64_t)1 << n) - 1));
    bit_buffer >>= n;
    bit_count -= n;
    return value;
}

/* Code lengths by Huffman's algorithm on two queues: the symbols in order of frequency, and the sums as they arise. */
static NOINLINE void choose_lengths(struct code *code, const uint32_t *frequency)
{
    uint16_t order[LITERALS], parent[2 * LITERALS];
    uint32_t weight[2 * LITERALS];
    uint8_t depth[2 * LITERALS];
    int used = 0;
    for (int s = 0; s < code->count; s++) {
        code->length[s] = 0;
        if (frequency[s] == 0)
            continue;
        int k = used++;
        for (; k > 0 && frequency[order[k - 1]] > frequency[s]; k--)
            order[k] = order[k - 1];
        order[k] = (uint16_t)s;
    }
    if (used <= 1) {
        if (used == 1)
            code->length[order[0]] = 1;
        return;
    }
    for (int i = 0; i < used; i++)
        weight[i] = frequency[order[i]];
    int leaf = 0, sum = used, next = used;
    for (; next < 2 * used - 1; next++) {
        weight[next] = 0;
        for (int child = 0; child < 2; child++) {
            int least = leaf < used && (sum == next || weight[leaf] <= weight[sum]) ? leaf++ : sum++;
            weight[next] += weight[least];
            parent[least] = (uint16_t)next;
        }
    }
    depth[next - 1] = 0;
    for (int i = next - 2; i >= 0; i--)
        depth[i] = (uint8_t)(depth[parent[i]] + 1);
    uint32_t space = 0;
    for (int i = 0; i < used; i++) {
        code->length[order[i]] = depth[i] < LIMIT ? depth[i] : LIMIT;
        space += 1u << (LIMIT - code->length[order[i]]);
    }
    /* Too many short codes after the cut: the rarest symbols give way. */
    for (int i = 0; space > 1u << LIMIT; i = i + 1 < used ? i + 1 : 0)
        if (code->length[order[i]] < LIMIT)
            space -= 1u << (LIMIT - ++code->length[order[i]]);
}

static void count_lengths(const struct code *code, uint16_t count[LIMIT + 1])
{
    for (int i = 0; i <= LIMIT; i++)
        count[i] = 0;
    for (int s = 0; s < code->count; s++)
        count[code->length[s]]++;
    count[0] = 0;
}

/* Codes of one length are consecutive, in the order of their symbols; sent with their first bit first. */
static void assign_bits(struct code *code)
{
    uint16_t count[LIMIT + 1], next[LIMIT + 1];
    unsigned value = 0;
    count_lengths(code, count);
    for (int length = 1; length <= LIMIT; length++) {
        value = (value + count[length - 1]) << 1;
        next[length] = (uint16_t)value;
    }
    for (int s = 0; s < code->count; s++) {
        unsigned length = code->length[s], forward = length != 0 ? next[length]++ : 0, reversed = 0;
        for (unsigned i = 0; i < length; i++)
            reversed |= (forward >> i & 1) << (length - 1 - i);
        code->bits[s] = (uint16_t)reversed;
    }
}

static inline void put_symbol(const struct code *code, unsigned symbol)
{
    put_bits(code->bits[symbol], code->length[symbol]);
}

static NOINLINE void put_block(int n, int last)
{
    uint32_t literals[LITERALS] = { 0 }, distances[DISTANCES] = { 0 };
    unsigned extra;
    for (int i = 0; i < n; i++) {
        if (tokens[i] < 256)
            literals[tokens[i]]++;
        else {
            literals[END + 1 + length_symbol(tokens[i] >> 16, &extra)]++;
            distances[distance_symbol(tokens[i] & 0xffff, &extra)]++;
        }
    }
    literals[END]++;
    choose_lengths(&literal_code, literals);
    choose_lengths(&distance_code, distances);
    assign_bits(&literal_code);
    assign_bits(&distance_code);
    put_bits((uint64_t)last, 1);
    for (int s = 0; s < LITERALS; s++)
        put_bits(literal_code.length[s], 4);
    for (int s = 0; s < DISTANCES; s++)
        put_bits(distance_code.length[s], 4);
    for (int i = 0; i < n; i++) {
        if (tokens[i] < 256) {
            put_symbol(&literal_code, tokens[i]);
            continue;
        }
        unsigned length = tokens[i] >> 16, distance = tokens[i] & 0xffff;
        put_symbol(&literal_code, END + 1 + length_symbol(length, &extra));
        put_bits((length - LEAST_MATCH) & ((1u << extra) - 1), extra);
        put_symbol(&distance_code, distance_symbol(distance, &extra));
        put_bits((distance - 1) & ((1u << extra) - 1), extra);
    }
    put_symbol(&literal_code, END);
}

static inline void remember(size_t at)
{
    uint32_t three = text[at] | (uint32_t)text[at + 1] << 8 | (uint32_t)text[at + 2] << 16;
    int32_t *slot = &head[three * 2654435761u >> (32 - HASH_BITS)];
    previous[at % WINDOW] = *slot;
    *slot = (int32_t)at;
}

static inline unsigned find_match(size_t at, unsigned *distance)
{
    unsigned best = 0, most = SIZE - at < MOST_MATCH ? (unsigned)(SIZE - at) : MOST_MATCH;
    int32_t candidate = previous[at % WINDOW];
    for (int tries = CHAIN; tries != 0 && candidate >= 0 && at - (size_t)candidate < WINDOW && best < most; tries--) {
        const unsigned char *p = text + at, *q = text + candidate;
        if (p[best] == q[best]) {
            unsigned length = 0;
            while (length < most && p[length] == q[length])
                length++;
            if (length > best) {
                best = length;
                *distance = (unsigned)(at - (size_t)candidate);
            }
        }
        candidate = previous[candidate % WINDOW];
    }
    return best;
}

static NOINLINE size_t compress(void)
{
    int n = 0;
    out = packed;
    bit_buffer = 0;
    bit_count = 0;
    for (int i = 0; i < 1 << HASH_BITS; i++)
        head[i] = -1;
    for (size_t at = 0; at < SIZE;) {
        unsigned distance = 0, length = 0;
        if (at + LEAST_MATCH <= SIZE) {
            remember(at);
            length = find_match(at, &distance);
        }
        if (length < LEAST_MATCH) {
            tokens[n++] = text[at++];
        } else {
            tokens[n++] = length << 16 | distance;
            for (size_t end = at++ + length; at < end; at++)
                if (at + LEAST_MATCH <= SIZE)
                    remember(at);
        }
        if (n == BLOCK && at < SIZE) {
            put_block(n, 0);
            n = 0;
        }
    }
    put_block(n, 1);
    put_bits(0, 7);
    for (int i = 0; i < 8; i++)
        out[i] = 0;
    return (size_t)(out - packed);
}

static NOINLINE void prepare_decoder(struct decoder *decoder, struct code *code)
{
    uint16_t offset[LIMIT + 2];
    assign_bits(code);
    count_lengths(code, decoder->count);
    offset[1] = 0;
    for (int length = 1; length <= LIMIT; length++)
        offset[length + 1] = (uint16_t)(offset[length] + decoder->count[length]);
    for (int i = 0; i < 1 << QUICK; i++)
        decoder->quick[i] = 0;
    for (int s = 0; s < code->count; s++) {
        unsigned length = code->length[s];
        if (length == 0)
            continue;
        decoder->symbol[offset[length]++] = (uint16_t)s;
        if (length <= QUICK)
            for (unsigned i = code->bits[s]; i < 1u << QUICK; i += 1u << length)
                decoder->quick[i] = (uint16_t)(length << 12 | (unsigned)s);
    }
}

static inline unsigned get_symbol(const struct decoder *decoder)
{
    unsigned quick = decoder->quick[bit_buffer & ((1u << QUICK) - 1)];
    if (quick != 0) {
        get_bits(quick >> 12);
        return quick & 0xfff;
    }
    unsigned code = 0, first = 0, index = 0;
    for (int length = 1; length <= LIMIT; length++) {
        code |= get_bits(1);
        unsigned count = decoder->count[length];
        if (code - first < count)
            return decoder->symbol[index + code - first];
        index += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    return END;
}

static NOINLINE size_t decompress(void)
{
    size_t at = 0;
    unsigned last;
    in = packed;
    bit_buffer = 0;
    bit_count = 0;
    do {
        fill_bits();
        last = get_bits(1);
        for (int s = 0; s < LITERALS; s++) {
            fill_bits();
            literal_code.length[s] = (uint8_t)get_bits(4);
        }
        for (int s = 0; s < DISTANCES; s++) {
            fill_bits();
            distance_code.length[s] = (uint8_t)get_bits(4);
        }
        prepare_decoder(&literal_decoder, &literal_code);
        prepare_decoder(&distance_decoder, &distance_code);
        for (;;) {
            fill_bits();
            unsigned symbol = get_symbol(&literal_decoder);
            if (symbol == END)
                break;
            if (symbol < END) {
                unpacked[at++] = (unsigned char)symbol;
                continue;
            }
            symbol -= END + 1;
            unsigned extra = symbol < 8 ? 0 : symbol / 4 - 1;
            unsigned length = LEAST_MATCH + ((symbol - 4 * extra) << extra) + get_bits(extra);
            fill_bits();
            symbol = get_symbol(&distance_decoder);
            extra = symbol < 4 ? 0 : symbol / 2 - 1;
            size_t distance = 1 + ((symbol - 2 * extra) << extra) + get_bits(extra);
            for (; length != 0; length--, at++)
                unpacked[at] = unpacked[at - distance];
        }
    } while (last == 0);
    return at;
}

static uint64_t run(void)
{
    uint64_t sum = 0;
    literal_code.count = LITERALS;
    distance_code.count = DISTANCES;
    write_prose(text, SIZE);
    for (int round = 0; round < ROUNDS; round++) {
        text[next_random() % SIZE] ^= 1;
        size_t size = compress();
        sum = sum * 31 + size + packed[size / 2];
        if (decompress() != SIZE)
            return 1;
        for (size_t i = 0; i < SIZE; i++)
            if (text[i] != unpacked[i])
                return 2;
    }
    return sum;
}
