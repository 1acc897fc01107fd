/* The CRC-32 of IEEE 802.3, a table and a byte at a time: shifts, masks and dependent loads. */
#include "bench.h"

static uint32_t table[256];
static unsigned char buffer[1 << 16];

static NOINLINE uint32_t update(uint32_t crc, const unsigned char *p, size_t n)
{
    while (n-- != 0)
        crc = table[(crc ^ *p++) & 0xff] ^ (crc >> 8);
    return crc;
}

static uint64_t run(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = (c & 1) != 0 ? 0xedb88320u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    for (size_t i = 0; i < sizeof buffer; i++)
        buffer[i] = (unsigned char)next_random();
    uint32_t crc = ~0u;
    for (int round = 0; round < 1000; round++)
        crc = update(crc, buffer, sizeof buffer);
    return ~crc;
}
