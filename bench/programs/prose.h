/* Text that looks like prose to a compressor or a matcher: words of a small language, the common ones often. */
#ifndef PROSE_H
#define PROSE_H

#include "bench.h"

enum { WORDS = 600 };

static void write_prose(unsigned char *to, size_t n)
{
    static unsigned char words[WORDS][12];
    for (int i = 0; i < WORDS; i++) {
        unsigned length = 2 + (unsigned)next_random() % 4 + (unsigned)i / 150;
        for (unsigned k = 0; k < length; k++) {
            unsigned one = (unsigned)next_random() % 26, other = (unsigned)next_random() % 26;
            words[i][k] = (unsigned char)"etaoinshrdlucmfwypvbgkjqxz"[one < other ? one : other];
        }
        words[i][length] = 0;
    }
    for (size_t at = 0; at < n;) {
        uint64_t random = next_random();
        unsigned rank = (unsigned)(random % WORDS) * (unsigned)(random / WORDS % WORDS) / WORDS;
        for (const unsigned char *p = words[rank]; *p != 0 && at < n; p++)
            to[at++] = *p;
        if (at < n && (random >> 40) % 9 == 0)
            to[at++] = ',';
        if (at < n)
            to[at++] = (random >> 50) % 12 == 0 ? '\n' : ' ';
    }
}

#endif
