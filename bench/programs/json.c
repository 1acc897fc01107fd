/* A JSON document (RFC 8259) parsed into a tree, which is walked: bytes, branches by character, recursion. */
#include "bench.h"

enum { DOCUMENT = 1 << 18, NODES = 1 << 17, ROUNDS = 250, DEEPEST = 64 };
enum kind { NIL, TRUTH, LIE, NUMBER, STRING, ARRAY, OBJECT };

struct node {
    enum kind kind;
    uint32_t length, name_length;
    double number;
    const char *text, *name;
    struct node *child, *next;
};

static char document[DOCUMENT + 512], strings[DOCUMENT + 512];
static struct node nodes[NODES];
static size_t document_length, node_count;
static char *string_end;
static const char *at;

static void put(const char *text)
{
    while (*text != 0)
        document[document_length++] = *text++;
}

static void put_number(uint64_t value)
{
    char digits[20];
    int n = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (n != 0)
        document[document_length++] = digits[--n];
}

static void write_document(void)
{
    static const char *const names[] = { "Ada", "Bj\\u00f6rn", "Chlo\xc3\xa9", "Dmitri \\\"the\\\" Third", "\\u4e2d\\u6587\\n", "Eve\\\\Mallory" };
    put("[");
    for (uint64_t id = 0; document_length < DOCUMENT; id++) {
        uint64_t random = next_random();
        put(id == 0 ? "\n  {\"id\": " : ",\n  {\"id\": ");
        put_number(id);
        put(", \"name\": \"");
        put(names[random % 6]);
        put("\", \"active\": ");
        put((random >> 8 & 1) != 0 ? "true" : "false");
        put(", \"parent\": ");
        if ((random >> 9 & 3) == 0)
            put("null");
        else
            put_number(random >> 12 & 0xfff);
        put(", \"position\": {\"x\": -");
        put_number(random >> 24 & 0xff);
        put(".");
        put_number(random >> 32 & 0xffff);
        put(", \"y\": ");
        put_number(1 + (random >> 48 & 7));
        put(".5e-3}, \"tags\": [");
        for (uint64_t k = 0; k < (random >> 52 & 3); k++) {
            put(k == 0 ? "\"tag" : ", \"tag");
            put_number(k);
            put("\"");
        }
        put("]}");
    }
    put("\n]\n");
    document[document_length] = 0;
}

static inline void skip_space(void)
{
    while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')
        at++;
}

static void put_utf8(unsigned code)
{
    if (code < 0x80) {
        *string_end++ = (char)code;
    } else if (code < 0x800) {
        *string_end++ = (char)(0xc0 | code >> 6);
        *string_end++ = (char)(0x80 | (code & 0x3f));
    } else {
        *string_end++ = (char)(0xe0 | code >> 12);
        *string_end++ = (char)(0x80 | (code >> 6 & 0x3f));
        *string_end++ = (char)(0x80 | (code & 0x3f));
    }
}

static int parse_hex(unsigned *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++, at++) {
        unsigned digit = (unsigned char)*at, letter = (digit | 0x20) - 'a';
        if (digit - '0' < 10)
            digit -= '0';
        else if (letter < 6)
            digit = letter + 10;
        else
            return 0;
        *code = *code << 4 | digit;
    }
    return 1;
}

static NOINLINE int parse_string(const char **text, uint32_t *length)
{
    unsigned code;
    if (*at++ != '"')
        return 0;
    *text = string_end;
    for (;;) {
        char c = *at++;
        if (c == '"')
            break;
        if ((unsigned char)c < 0x20)
            return 0;
        if (c != '\\') {
            *string_end++ = c;
            continue;
        }
        switch (c = *at++) {
        case '"': case '\\': case '/': *string_end++ = c; break;
        case 'b': *string_end++ = '\b'; break;
        case 'f': *string_end++ = '\f'; break;
        case 'n': *string_end++ = '\n'; break;
        case 'r': *string_end++ = '\r'; break;
        case 't': *string_end++ = '\t'; break;
        case 'u':
            if (!parse_hex(&code))
                return 0;
            put_utf8(code);
            break;
        default: return 0;
        }
    }
    *length = (uint32_t)(string_end - *text);
    return 1;
}

static NOINLINE int parse_number(double *number)
{
    static const double powers[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16 };
    int negative = *at == '-', exponent = 0;
    uint64_t mantissa = 0;
    at += negative;
    if ((unsigned)(*at - '0') > 9)
        return 0;
    for (; (unsigned)(*at - '0') <= 9; at++)
        mantissa = mantissa * 10 + (uint64_t)(*at - '0');
    if (*at == '.')
        for (at++; (unsigned)(*at - '0') <= 9; at++, exponent--)
            mantissa = mantissa * 10 + (uint64_t)(*at - '0');
    if ((*at | 0x20) == 'e') {
        int down = *++at == '-', value = 0;
        if (*at == '-' || *at == '+')
            at++;
        for (; (unsigned)(*at - '0') <= 9; at++)
            value = value * 10 + (*at - '0');
        exponent += down ? -value : value;
    }
    if (exponent < -16 || exponent > 16)
        return 0;
    double value = (double)(int64_t)mantissa;
    value = exponent < 0 ? value / powers[-exponent] : value * powers[exponent];
    *number = negative ? -value : value;
    return 1;
}

static int parse_word(const char *word)
{
    for (; *word != 0; word++, at++)
        if (*at != *word)
            return 0;
    return 1;
}

static struct node *parse_value(int depth)
{
    skip_space();
    if (depth == DEEPEST || node_count == NODES)
        return 0;
    struct node *node = &nodes[node_count++], **last = &node->child;
    node->child = node->next = 0;
    node->name_length = node->length = 0;
    switch (*at) {
    case '{':
    case '[': {
        char close = *at == '{' ? '}' : ']';
        node->kind = *at++ == '{' ? OBJECT : ARRAY;
        skip_space();
        if (*at == close) {
            at++;
            return node;
        }
        for (;;) {
            const char *name = 0;
            uint32_t name_length = 0;
            if (node->kind == OBJECT) {
                skip_space();
                if (!parse_string(&name, &name_length))
                    return 0;
                skip_space();
                if (*at++ != ':')
                    return 0;
            }
            struct node *child = parse_value(depth + 1);
            if (child == 0)
                return 0;
            child->name = name;
            child->name_length = name_length;
            *last = child;
            last = &child->next;
            node->length++;
            skip_space();
            if (*at == close) {
                at++;
                return node;
            }
            if (*at++ != ',')
                return 0;
        }
    }
    case '"':
        node->kind = STRING;
        return parse_string(&node->text, &node->length) ? node : 0;
    case 't':
        node->kind = TRUTH;
        return parse_word("true") ? node : 0;
    case 'f':
        node->kind = LIE;
        return parse_word("false") ? node : 0;
    case 'n':
        node->kind = NIL;
        return parse_word("null") ? node : 0;
    default:
        node->kind = NUMBER;
        return parse_number(&node->number) ? node : 0;
    }
}

static uint64_t hash_text(uint64_t hash, const char *text, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t walk(const struct node *node, uint64_t hash)
{
    for (; node != 0; node = node->next) {
        hash = hash_text(hash ^ node->kind, node->name, node->name_length);
        if (node->kind == NUMBER) {
            uint64_t bits;
            __builtin_memcpy(&bits, &node->number, 8);
            hash = (hash ^ bits) * 0x100000001b3u;
        } else if (node->kind == STRING) {
            hash = hash_text(hash, node->text, node->length);
        } else if (node->child != 0) {
            hash = walk(node->child, hash);
        }
    }
    return hash;
}

static uint64_t run(void)
{
    uint64_t hash = 0xcbf29ce484222325u;
    write_document();
    for (int round = 0; round < ROUNDS; round++) {
        at = document;
        node_count = 0;
        string_end = strings;
        const struct node *root = parse_value(0);
        if (root == 0)
            return 0;
        hash = walk(root, hash);
    }
    return hash;
}
