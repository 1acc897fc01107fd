/* What programs do with floating point: printing, parsing, the mathematical library, rounding modes, exception flags,
 * trapped exceptions with their signals, and vector code of every generation up to SSE4.2.
 * cflags: -lm
 * link: static dynamic
 */
#include "check.h"
#include <fenv.h>
#include <immintrin.h>
#include <math.h>
#include <setjmp.h>
#include <ucontext.h>

static void print_double(const char *what, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    printf("%s = %.17g %016lx\n", what, value, (unsigned long)bits);
}

static void print_long(const char *what, long double value)
{
    unsigned char bytes[16];
    memcpy(bytes, &value, 10);
    printf("%s = %.21Lg ", what, value);
    for (int i = 9; i >= 0; i--)
        printf("%02x", bytes[i]);
    putchar('\n');
}

static void printing_and_parsing(void)
{
    static const char *const texts[] = {
        "0.1", "1e308", "2.2250738585072011e-308", "4.9406564584124654e-324", "1.7976931348623157e308", "123456789.125", "-0.0",
        "0x1.8p-3", "inf", "nan", "9007199254740993", "1e-400", "3.14159265358979323846264338327950288",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        print_double(texts[i], strtod(texts[i], NULL));
        print_long(texts[i], strtold(texts[i], NULL));
        printf("%a %.3f %e %La\n", strtod(texts[i], NULL), strtod(texts[i], NULL), (double)strtof(texts[i], NULL), strtold(texts[i], NULL));
    }
}

static void mathematics(void)
{
    static const double numbers[] = { 0.0, 1e-10, 0.3, 0.5, 1.0, 1.7, 2.0, 3.14159, 10.0, 100.5, 12345.678, 1e15 };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double x = numbers[i];
        printf("x = %g\n", x);
        print_double("sin", sin(x));
        print_double("cos", cos(x));
        print_double("tan", tan(x));
        print_double("exp", exp(-x));
        print_double("log", log(x + 1));
        print_double("pow", pow(x, 1.5));
        print_double("sqrt", sqrt(x));
        print_double("cbrt", cbrt(x));
        print_double("atan2", atan2(x, 2));
        print_double("fmod", fmod(x, 0.7));
        print_double("remainder", remainder(x, 0.7));
        print_double("floor", floor(-x));
        print_double("round", round(x * 1.5));
        print_double("nearbyint", nearbyint(x * 2.5));
        print_double("tgamma", tgamma(x / 20 + 1));
        printf("%ld %lld %g %g\n", lrint(x * 1.5), llround(-x), fma(x, x, -1), hypot(x, 3));
        print_double("float", (double)(sinf((float)x) + sqrtf((float)x)));
    }
}

static void long_mathematics(void)
{
    volatile long double third = 1.0L / 3, big = 1e4000L, small = 1e-4900L;
    print_long("third", third);
    print_long("sum", third + 1e-19L);
    print_long("product", third * big);
    print_long("denormal", small / 1e45L);
    print_long("root", sqrtl(third));
    print_long("remainder", fmodl(big, third));
    print_long("ieee remainder", remainderl(1e18L, third));
    print_long("rounded", rintl(third * 10));
    print_long("scaled", scalbnl(third, 100));
    int exponent;
    print_long("fraction", frexpl(big, &exponent));
    printf("%d %lld %ld\n", exponent, llrintl(third * 1e18L), lroundl(-third * 10));
    printf("%d %d %d\n", third < big, isunordered(third, (long double)NAN), fpclassify(small / 1e45L));
    print_double("narrowed", (double)third);
    print_double("narrowed float", (double)(float)third);
    unsigned short control;
    __asm__ volatile("fnstcw %0" : "=m"(control));
    printf("control %x\n", control);
}

static void flags(const char *what)
{
    int raised = fetestexcept(FE_ALL_EXCEPT);
    printf("%s:%s%s%s%s%s\n", what, raised & FE_INVALID ? " invalid" : "", raised & FE_DIVBYZERO ? " divbyzero" : "",
           raised & FE_OVERFLOW ? " overflow" : "", raised & FE_UNDERFLOW ? " underflow" : "", raised & FE_INEXACT ? " inexact" : "");
    feclearexcept(FE_ALL_EXCEPT);
}

static void environment(void)
{
    volatile double one = 1, three = 3, zero = 0, huge = 1e308, tiny = 1e-308, r;
    volatile float f;
    volatile long double l;
    feclearexcept(FE_ALL_EXCEPT);
    r = one + three, flags("exact sum");
    r = one / three, flags("quotient");
    r = one / zero, flags("division by zero");
    r = zero / zero, flags("invalid");
    r = huge * 10, flags("overflow");
    r = tiny * 1e-10, flags("underflow");
    f = (float)huge, flags("narrowing");
    r = (double)(long)1e30, flags("conversion");
    l = (long double)one / 3, flags("long quotient");
    l = (long double)huge * huge, flags("long product");
    l = sqrtl(-(long double)one), flags("long root");
    r = sqrt(-one), flags("root");
    r = lrint(2.5), flags("lrint");
    r = nearbyint(2.5), flags("nearbyint");

    static const int modes[] = { FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO };
    for (int i = 0; i < 4; i++) {
        printf("mode %d: %d\n", i, fesetround(modes[i]) | (fegetround() != modes[i]));
        print_double("1/3", one / three);
        print_double("-1/3", -one / three);
        print_double("1e308*10", huge * 10);
        print_double("tiny", tiny * 1e-16);
        print_long("1/3", (long double)one / 3);
        printf("%ld %ld %.0f %.0f\n", lrint(2.5), lrint(-2.5), rint(0.5), rint(-1.5));
        print_double("single", (double)((float)one / (float)three));
    }
    fesetround(FE_TONEAREST);
    (void)r, (void)f, (void)l;
}

static sigjmp_buf again;

static void on_exception(int number, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    static const char *const codes[] = { "?", "INTDIV", "INTOVF", "FLTDIV", "FLTOVF", "FLTUND", "FLTRES", "FLTINV", "FLTSUB" };
    printf("signal %d %s, mxcsr flags %x, x87 flags %x\n", number, codes[info->si_code & 15], uc->uc_mcontext.fpregs->mxcsr & 0x3f,
           uc->uc_mcontext.fpregs->swd & 0x3f);
    siglongjmp(again, 1);
}

static void trap(int exceptions, double a, double b, int operation)
{
    feclearexcept(FE_ALL_EXCEPT);
    feenableexcept(exceptions);
    if (sigsetjmp(again, 1) == 0) {
        volatile double x = a, y = b, r = operation == 0 ? x / y : operation == 1 ? x * y : x - y;
        printf("no signal: %g\n", r);
    }
    fedisableexcept(FE_ALL_EXCEPT);
    feclearexcept(FE_ALL_EXCEPT);
}

static void trap_long(int exceptions, long double a, long double b)
{
    feclearexcept(FE_ALL_EXCEPT);
    feenableexcept(exceptions);
    if (sigsetjmp(again, 1) == 0) {
        volatile long double x = a, y = b, r = x / y;
        __asm__ volatile("fwait");
        printf("no signal: %Lg\n", r);
    }
    fedisableexcept(FE_ALL_EXCEPT);
    feclearexcept(FE_ALL_EXCEPT);
}

static void trapped_exceptions(void)
{
    struct sigaction action = { .sa_sigaction = on_exception, .sa_flags = SA_SIGINFO };
    sigaction(SIGFPE, &action, NULL);
    trap(FE_DIVBYZERO, 1, 0, 0);
    trap(FE_INVALID, 0, 0, 0);
    trap(FE_OVERFLOW, 1e308, 1e308, 1);
    trap(FE_UNDERFLOW, 1e-300, 1e-300, 1);
    trap(FE_INEXACT, 1, 3, 0);
    trap(FE_INVALID, INFINITY, INFINITY, 2);
    trap(FE_OVERFLOW, 1, 0, 0);
    trap_long(FE_DIVBYZERO, 1, 0);
    trap_long(FE_INVALID, 0, 0);
    trap_long(FE_INEXACT, 1, 3);
    trap_long(FE_OVERFLOW, 1, 3);
    if (sigsetjmp(again, 1) == 0) {
        volatile int zero = 0, ten = 10, result = ten / zero;
        printf("no signal: %d\n", result);
    }
    signal(SIGFPE, SIG_DFL);
}

static void show(const char *what, __m128i value)
{
    uint64_t words[2];
    memcpy(words, &value, 16);
    printf("%s %016lx %016lx\n", what, (unsigned long)words[1], (unsigned long)words[0]);
}

__attribute__((target("sse4.2"))) static void vectors(void)
{
    __m128i a = _mm_setr_epi8(1, -2, 3, -4, 5, -6, 7, -8, 100, -100, 127, -128, 0, 1, -1, 64);
    __m128i b = _mm_setr_epi8(9, 8, 7, 6, 5, 4, 3, 2, 100, 100, 1, 1, -1, -1, 15, 128 - 256);
    __m128 f = _mm_setr_ps(1.5f, -2.25f, 3e9f, NAN), g = _mm_setr_ps(0.5f, 4.0f, -1.0f, 2.0f);
    __m128d d = _mm_setr_pd(2.5, -3.5), e = _mm_setr_pd(1e10, 0.1);
    show("padds", _mm_adds_epi8(a, b));
    show("psubus", _mm_subs_epu8(a, b));
    show("pmulhrs", _mm_mulhrs_epi16(a, b));
    show("pmaddubs", _mm_maddubs_epi16(a, b));
    show("psad", _mm_sad_epu8(a, b));
    show("pack", _mm_packus_epi16(a, b));
    show("shuffle", _mm_shuffle_epi8(a, b));
    show("sign", _mm_sign_epi8(a, b));
    show("hadd", _mm_hadd_epi16(a, b));
    show("alignr", _mm_alignr_epi8(a, b, 5));
    show("blendv", _mm_blendv_epi8(a, b, _mm_cmpgt_epi8(a, b)));
    show("minpos", _mm_minpos_epu16(a));
    show("mpsad", _mm_mpsadbw_epu8(a, b, 5));
    show("muldq", _mm_mul_epi32(a, b));
    show("cvtx", _mm_cvtepi8_epi32(a));
    show("strm", _mm_cmpestrm(a, 11, b, 16, _SIDD_UBYTE_OPS | _SIDD_CMP_RANGES | _SIDD_UNIT_MASK));
    printf("stri %d %d %d\n", _mm_cmpistri(a, b, _SIDD_CMP_EQUAL_ANY), _mm_cmpistrc(a, b, _SIDD_CMP_EQUAL_ORDERED), _mm_cmpistrz(a, b, 0));
    printf("test %d %d crc %x popcnt %d\n", _mm_testz_si128(a, b), _mm_testc_si128(a, b), _mm_crc32_u32(7, 0x12345678), __builtin_popcount(0x5a5a));
    show("addps", _mm_castps_si128(_mm_add_ps(f, g)));
    show("minps", _mm_castps_si128(_mm_min_ps(f, g)));
    show("dpps", _mm_castps_si128(_mm_dp_ps(g, g, 0xf1)));
    show("roundpd", _mm_castpd_si128(_mm_round_pd(d, _MM_FROUND_TO_NEAREST_INT)));
    show("cvtps", _mm_cvtps_epi32(f));
    show("cvtpd", _mm_cvttpd_epi32(e));
    show("cmpps", _mm_castps_si128(_mm_cmpunord_ps(f, g)));
    show("divpd", _mm_castpd_si128(_mm_div_pd(d, e)));
    show("haddpd", _mm_castpd_si128(_mm_hadd_pd(d, e)));
    __m64 m = _mm_add_pi16(_mm_set1_pi16(300), _mm_set1_pi16(-1));
    printf("mmx %x\n", _mm_cvtsi64_si32(m));
    _mm_empty();
    print_long("after emms", 1.0L / 7);
}

/* Signals must not disturb the floating-point state of what they interrupt, and start with a clean one. */
static volatile long double in_handler;

static void on_alarm(int number)
{
    unsigned short control;
    unsigned mxcsr = _mm_getcsr();
    __asm__ volatile("fnstcw %0" : "=m"(control));
    printf("in handler of %d: control %x, mxcsr %x\n", number, control, mxcsr & ~0x3fu);
    in_handler = 1;
    for (int i = 0; i < 20; i++)
        in_handler = in_handler * 3 + 1;
    fesetround(FE_UPWARD);
}

static void state_across_signals(void)
{
    signal(SIGUSR1, on_alarm);
    fesetround(FE_DOWNWARD);
    long double stack[8];
    for (int i = 0; i < 8; i++)
        stack[i] = 1.0L / (i + 3);
    double kept;
    __asm__ volatile("movsd %1, %%xmm15\n\tsyscall\n\tmovsd %%xmm15, %0"
                     : "=m"(kept)
                     : "m"(*(double *)&stack[0]), "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
                     : "rcx", "r11", "xmm15", "memory");
    long double sum = 0;
    for (int i = 0; i < 8; i++)
        sum += stack[i];
    print_long("sum", sum);
    HOLDS(memcmp(&kept, &stack[0], 8) == 0);
    HOLDS(fegetround() == FE_DOWNWARD);
    fesetround(FE_TONEAREST);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    printing_and_parsing();
    mathematics();
    long_mathematics();
    environment();
    trapped_exceptions();
    vectors();
    state_across_signals();
    return 0;
}
