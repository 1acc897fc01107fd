/* What a compiler makes of ordinary loops for x86-64-v3, and what libraries write by hand: sums, products, conversions,
 * gathers, permutations, bit fields, half precision; AES, SHA and carry-less products with published results.
 * cflags: -O3 -march=x86-64-v3 -maes -mpclmul -msha -madx -lm
 * link: static dynamic
 * processor: avx2 fma bmi1 bmi2 f16c movbe abm aes pclmulqdq sha_ni adx
 */
#include "check.h"
#include <immintrin.h>
#include <math.h>

#define N 1003

static uint64_t state = 88172645463325252u;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t sum_of(const void *data, size_t bytes)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < bytes; i++)
        h = (h ^ ((const uint8_t *)data)[i]) * 1099511628211u;
    return h;
}

#define SUM(array) printf(#array " %016lx\n", (unsigned long)sum_of(array, sizeof array))

static uint8_t b[N], c8[N];
static int16_t w[N], x16[N];
static int32_t a[N], d[N], e[N];
static int64_t l[N], m[N];
static uint32_t u[N];
static float f[N], g[N], h[N];
static double p[N], q[N], r[N];

__attribute__((noinline)) static void fill(void)
{
    for (int i = 0; i < N; i++) {
        b[i] = next();
        w[i] = next();
        a[i] = next();
        d[i] = next() % N;
        u[i] = next();
        l[i] = next();
        f[i] = (float)(int32_t)next() / 65536;
        g[i] = (float)(1 + next() % 1000) / 7;
        p[i] = (double)(int64_t)next() / 1e12;
        q[i] = (double)(1 + next() % 1000) / 7;
    }
}

__attribute__((noinline)) static void integers(void)
{
    for (int i = 0; i < N; i++)
        c8[i] = b[i] > 100 ? b[i] - 100 : b[i] + b[N - 1 - i];
    for (int i = 0; i < N; i++)
        x16[i] = w[i] * w[N - 1 - i] >> 3;
    for (int i = 0; i < N; i++)
        e[i] = a[d[i]] + (a[i] >> (d[i] & 31)) - (a[i] << (i & 15));
    for (int i = 0; i < N; i++)
        m[i] = (l[i] ^ l[N - 1 - i]) + (int64_t)a[i] * d[i];
    SUM(c8);
    SUM(x16);
    SUM(e);
    SUM(m);
    long total = 0;
    int least = 0, most = 0;
    for (int i = 0; i < N; i++) {
        total += a[i];
        least = a[i] < least ? a[i] : least;
        most = a[i] > most ? a[i] : most;
    }
    printf("total %ld, least %d, most %d\n", total, least, most);
    unsigned bits = 0, zeros = 0;
    for (int i = 0; i < N; i++) {
        bits += __builtin_popcount(u[i]) + __builtin_ctz(u[i] | 1 << 20) + __builtin_clz(u[i] | 1);
        zeros += _pdep_u32(u[i], 0x0f0f00ff) ^ _pext_u32(u[i], a[i]) ^ _bzhi_u32(u[i], i) ^ _blsr_u32(u[i]) ^ __builtin_bswap32(u[i]);
        zeros += (u[i] >> (d[i] & 31)) ^ (u[i] << (i & 31)) ^ (~u[i] & a[i]) ^ (u[i] << 7 | u[i] >> 25);
    }
    printf("bits %u %u\n", bits, zeros);
    unsigned long long high, low = 0;
    unsigned char carry = 0;
    for (int i = 0; i + 1 < N; i++) {
        unsigned long long product = _mulx_u64(l[i], l[i + 1], &high);
        carry = _addcarryx_u64(carry, low, product, &low);
        low ^= high;
    }
    printf("wide %llx %d\n", low, carry);
}

__attribute__((noinline)) static void numbers(void)
{
    for (int i = 0; i < N; i++)
        h[i] = f[i] * g[i] + f[N - 1 - i];
    for (int i = 0; i < N; i++)
        r[i] = p[i] * q[i] - q[N - 1 - i];
    SUM(h);
    SUM(r);
    for (int i = 0; i < N; i++)
        h[i] = sqrtf(g[i]) / g[N - 1 - i] + (f[i] > 0 ? g[i] : -f[i]);
    for (int i = 0; i < N; i++)
        r[i] = sqrt(q[i]) / q[N - 1 - i] + fmax(p[i], -p[i]);
    SUM(h);
    SUM(r);
    for (int i = 0; i < N; i++)
        e[i] = f[i];
    for (int i = 0; i < N; i++)
        h[i] = a[i];
    for (int i = 0; i < N; i++)
        r[i] = f[i];
    for (int i = 0; i < N; i++)
        f[i] = p[i];
    for (int i = 0; i < N; i++)
        p[i] = a[i];
    SUM(e);
    SUM(h);
    SUM(r);
    SUM(f);
    SUM(p);
    for (int i = 0; i < N; i++)
        r[i] = floor(q[i] * 3) + ceil(q[i]) + rint(q[i] / 2) + trunc(-q[i]);
    SUM(r);
    double dot = 0;
    for (int i = 0; i < N; i++)
        dot = fma(q[i], r[i], dot);
    printf("dot %a\n", dot);
}

__attribute__((noinline)) static void matrices(void)
{
    static double x[48][48], y[48][48], z[48][48];
    for (int i = 0; i < 48; i++)
        for (int j = 0; j < 48; j++) {
            x[i][j] = (double)(int32_t)next() / 1e6;
            y[i][j] = (double)(int32_t)next() / 1e6;
        }
    for (int i = 0; i < 48; i++)
        for (int k = 0; k < 48; k++)
            for (int j = 0; j < 48; j++)
                z[i][j] += x[i][k] * y[k][j];
    SUM(z);
}

static void show(const char *what, __m256i v)
{
    uint64_t words[4];
    _mm256_storeu_si256((__m256i *)words, v);
    printf("%s %016lx%016lx%016lx%016lx\n", what, (unsigned long)words[3], (unsigned long)words[2], (unsigned long)words[1], (unsigned long)words[0]);
}

static void by_hand(void)
{
    __m256i v = _mm256_loadu_si256((__m256i *)l), t = _mm256_loadu_si256((__m256i *)a);
    show("permute", _mm256_permutevar8x32_epi32(v, t));
    show("permute2", _mm256_permute2x128_si256(v, t, 0x21));
    show("alignr", _mm256_alignr_epi8(v, t, 5));
    show("blendv", _mm256_blendv_epi8(v, t, _mm256_cmpgt_epi8(v, t)));
    show("sllv", _mm256_sllv_epi64(v, _mm256_and_si256(t, _mm256_set1_epi64x(63))));
    show("mpsad", _mm256_mpsadbw_epu8(v, t, 0x2d));
    show("widen", _mm256_cvtepi8_epi32(_mm256_castsi256_si128(v)));
    show("gather", _mm256_i32gather_epi32(a, _mm256_loadu_si256((__m256i *)d), 4));
    show("half", _mm256_castsi128_si256(_mm256_cvtps_ph(_mm256_loadu_ps(g), _MM_FROUND_TO_NEAREST_INT)));
    show("single", _mm256_castps_si256(_mm256_cvtph_ps(_mm_loadu_si128((__m128i *)w))));
    show("compare", _mm256_castpd_si256(_mm256_cmp_pd(_mm256_loadu_pd(q), _mm256_loadu_pd(q + 4), _CMP_NGT_UQ)));
    show("dot", _mm256_castps_si256(_mm256_dp_ps(_mm256_loadu_ps(g), _mm256_loadu_ps(g + 8), 0xf5)));
    show("hadd", _mm256_castpd_si256(_mm256_hadd_pd(_mm256_loadu_pd(q), _mm256_loadu_pd(q + 4))));
    show("addsub", _mm256_castpd_si256(_mm256_fmaddsub_pd(_mm256_loadu_pd(q), _mm256_loadu_pd(q + 4), _mm256_loadu_pd(q + 8))));
    printf("tests %d %d %d %d\n", _mm256_testz_si256(v, t), _mm256_testc_si256(v, t), _mm256_movemask_epi8(v), _mm256_movemask_pd(_mm256_castsi256_pd(t)));
}

/* ---- published results ---- */

static void print_bytes(const char *what, const void *bytes, int n)
{
    printf("%s ", what);
    for (int i = 0; i < n; i++)
        printf("%02x", ((const uint8_t *)bytes)[i]);
    putchar('\n');
}

#define EXPAND(k, rcon) \
    ({ \
        __m128i k_ = (k), s_ = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(k_, rcon), 0xff); \
        k_ = _mm_xor_si128(k_, _mm_slli_si128(k_, 4)); \
        k_ = _mm_xor_si128(k_, _mm_slli_si128(k_, 8)); \
        _mm_xor_si128(k_, s_); \
    })

/* FIPS 197, appendix C.1. */
static void aes(void)
{
    uint8_t key[16], text[16];
    for (int i = 0; i < 16; i++) {
        key[i] = i;
        text[i] = i * 17;
    }
    __m128i k[11];
    k[0] = _mm_loadu_si128((__m128i *)key);
    k[1] = EXPAND(k[0], 0x01);
    k[2] = EXPAND(k[1], 0x02);
    k[3] = EXPAND(k[2], 0x04);
    k[4] = EXPAND(k[3], 0x08);
    k[5] = EXPAND(k[4], 0x10);
    k[6] = EXPAND(k[5], 0x20);
    k[7] = EXPAND(k[6], 0x40);
    k[8] = EXPAND(k[7], 0x80);
    k[9] = EXPAND(k[8], 0x1b);
    k[10] = EXPAND(k[9], 0x36);
    __m128i v = _mm_xor_si128(_mm_loadu_si128((__m128i *)text), k[0]);
    for (int i = 1; i < 10; i++)
        v = _mm_aesenc_si128(v, k[i]);
    v = _mm_aesenclast_si128(v, k[10]);
    print_bytes("aes", &v, 16);
    v = _mm_xor_si128(v, k[10]);
    for (int i = 9; i > 0; i--)
        v = _mm_aesdec_si128(v, _mm_aesimc_si128(k[i]));
    v = _mm_aesdeclast_si128(v, k[0]);
    print_bytes("text", &v, 16);
}

/* FIPS 180-4: the message "abc" in one block. */
static void sha(void)
{
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
        0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
        0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
        0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
        0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
        0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    };
    uint32_t words[64] = { 0x61626380, [15] = 24 };
    __m128i schedule[16];
    for (int i = 0; i < 4; i++)
        schedule[i] = _mm_loadu_si128((__m128i *)(words + 4 * i));
    for (int i = 4; i < 16; i++) {
        __m128i t = _mm_add_epi32(_mm_sha256msg1_epu32(schedule[i - 4], schedule[i - 3]), _mm_alignr_epi8(schedule[i - 1], schedule[i - 2], 4));
        schedule[i] = _mm_sha256msg2_epu32(t, schedule[i - 1]);
    }
    __m128i abef = _mm_set_epi32(0x6a09e667, 0xbb67ae85, 0x510e527f, 0x9b05688c), cdgh = _mm_set_epi32(0x3c6ef372, 0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
    __m128i first = abef, second = cdgh;
    for (int i = 0; i < 16; i++) {
        __m128i t = _mm_add_epi32(schedule[i], _mm_loadu_si128((__m128i *)(k + 4 * i)));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, t);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(t, 0x0e));
    }
    abef = _mm_add_epi32(abef, first);
    cdgh = _mm_add_epi32(cdgh, second);
    printf("sha256 %08x%08x%08x%08x%08x%08x%08x%08x\n", _mm_extract_epi32(abef, 3), _mm_extract_epi32(abef, 2), _mm_extract_epi32(cdgh, 3),
           _mm_extract_epi32(cdgh, 2), _mm_extract_epi32(abef, 1), _mm_extract_epi32(abef, 0), _mm_extract_epi32(cdgh, 1), _mm_extract_epi32(cdgh, 0));

    /* SHA-1 of the same block. */
    __m128i message[20], abcd = _mm_set_epi32(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476), e0 = _mm_set_epi32(0xc3d2e1f0, 0, 0, 0);
    message[0] = _mm_set_epi32(0x61626380, 0, 0, 0);
    message[1] = message[2] = _mm_setzero_si128();
    message[3] = _mm_set_epi32(0, 0, 0, 24);
    for (int i = 4; i < 20; i++)
        message[i] = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(message[i - 4], message[i - 3]), message[i - 2]), message[i - 1]);
    __m128i start = abcd, before = abcd, sum = _mm_add_epi32(e0, message[0]);
    for (int i = 0; i < 20; i++) {
        if (i != 0)
            sum = _mm_sha1nexte_epu32(before, message[i]);
        before = abcd;
        switch (i / 5) {
        case 0: abcd = _mm_sha1rnds4_epu32(abcd, sum, 0); break;
        case 1: abcd = _mm_sha1rnds4_epu32(abcd, sum, 1); break;
        case 2: abcd = _mm_sha1rnds4_epu32(abcd, sum, 2); break;
        default: abcd = _mm_sha1rnds4_epu32(abcd, sum, 3); break;
        }
    }
    e0 = _mm_sha1nexte_epu32(before, e0);
    abcd = _mm_add_epi32(abcd, start);
    printf("sha1 %08x%08x%08x%08x%08x\n", _mm_extract_epi32(abcd, 3), _mm_extract_epi32(abcd, 2), _mm_extract_epi32(abcd, 1),
           _mm_extract_epi32(abcd, 0), _mm_extract_epi32(e0, 3));
}

static void products(void)
{
    __m128i x = _mm_set_epi64x(0x7b5b546573745665, 0x63746f725d53475d), y = _mm_set_epi64x(0x4869285368617929, 0x5b477565726f6e5d);
    __m128i z[4] = { _mm_clmulepi64_si128(x, y, 0x00), _mm_clmulepi64_si128(x, y, 0x01), _mm_clmulepi64_si128(x, y, 0x10), _mm_clmulepi64_si128(x, y, 0x11) };
    for (int i = 0; i < 4; i++)
        print_bytes("clmul", &z[i], 16);
}

int main(void)
{
    fill();
    integers();
    numbers();
    matrices();
    by_hand();
    aes();
    sha();
    products();
    return 0;
}
