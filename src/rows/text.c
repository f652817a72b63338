/* Text (docs/wire/types.md, text). Nearly all text needs nothing: ASCII is seen eight bytes at a time, and characters
 * that NFC surely leaves alone are known from a table of ranges. Only the stretches between them go through
 * utf8proc. */
#include "rows/text.h"

#include <stdlib.h>
#include <utf8proc.h>

#include "base/buf.h"
#include "rows/scalar.h"

/* Ranges of characters that NFC keeps as they are whatever stands before or after: starters that never combine with
 * what precedes, and whose own decomposition is put together again. Text of these alone is NFC. A unit test proves the
 * table against utf8proc's data. */
static const struct {
    uint32_t from, to;
} stable[] = {
    {0x0080, 0x02ff},   /* Latin and phonetic letters */
    {0x0388, 0x03ff},   /* Greek */
    {0x0400, 0x0482},   /* Cyrillic */
    {0x048a, 0x052f},   /* Cyrillic */
    {0x0531, 0x058f},   /* Armenian */
    {0x05d0, 0x05ea},   /* Hebrew letters */
    {0x0620, 0x064a},   /* Arabic letters */
    {0x0904, 0x0939},   /* Devanagari letters */
    {0x0e01, 0x0e37},   /* Thai */
    {0x0e3f, 0x0e47},   /* Thai */
    {0x10a0, 0x10ff},   /* Georgian */
    {0x1e00, 0x1eff},   /* more Latin: Vietnamese */
    {0x2002, 0x2027},   /* punctuation */
    {0x2030, 0x205e},   /* punctuation */
    {0x20a0, 0x20bf},   /* currencies */
    {0x2190, 0x2328},   /* arrows, mathematics */
    {0x2500, 0x27ff},   /* boxes, symbols, dingbats */
    {0x3000, 0x3029},   /* ideographic punctuation */
    {0x3041, 0x3096},   /* Hiragana */
    {0x309b, 0x30ff},   /* Katakana */
    {0x3400, 0x9fff},   /* ideographs */
    {0xac00, 0xd7a3},   /* Hangul syllables */
    {0xff01, 0xffee},   /* full width */
    {0x1f300, 0x1f9ff}, /* emoji */
};

/* The character at p, of valid UTF-8, and its length. */
static uint32_t decode(const unsigned char *p, size_t *ret_n)
{
    if (p[0] < 0x80)
        return *ret_n = 1, p[0];
    if (p[0] < 0xe0)
        return *ret_n = 2, (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    if (p[0] < 0xf0)
        return *ret_n = 3, (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    return *ret_n = 4, (p[0] & 7u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
}

static bool is_stable(uint32_t c)
{
    if (c < 0x300)
        return true;
    size_t low = 0, high = sizeof stable / sizeof *stable;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c > stable[middle].to)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sizeof stable / sizeof *stable && c >= stable[low].from;
}

static uint64_t eight_bytes(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

#define EVERY_BYTE(x) ((uint64_t)0x0101010101010101 * (x))

/* How many bytes at the start are ASCII other than NUL. */
static size_t plain_length(struct str s)
{
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        uint64_t v = eight_bytes(s.p + i);
        /* A byte is NUL or has its top bit: taking 1 from each byte sets the top bit of the NULs. */
        if (((v - EVERY_BYTE(1)) | v) & EVERY_BYTE(0x80))
            break;
    }
    while (i < s.n && s.p[i] > 0)
        i++;
    return i;
}

/* The length of the longest start of s that NFC leaves alone, ended by NUL, by the end, or by a character that is not
 * stable; *ret_last is where its last character starts, which may yet combine with what follows. */
static size_t stable_length(struct str s, size_t *ret_last)
{
    size_t i = 0, last = 0, n;
    while (i < s.n) {
        size_t plain = plain_length(str_skip(s, i));
        if (plain) {
            i += plain;
            last = i - 1;
            continue;
        }
        if (s.p[i] == 0 || !is_stable(decode((const unsigned char *)s.p + i, &n)))
            break;
        last = i;
        i += n;
    }
    *ret_last = last;
    return i;
}

/* Marks are characters that can be put in another order; three of Tibetan come apart into such. */
static bool is_mark(uint32_t c)
{
    return utf8proc_get_property((utf8proc_int32_t)c)->combining_class != 0 || c == 0x0f73 || c == 0x0f75 || c == 0x0f81;
}

/* The length of the start of s up to the first stable character after an unstable one: what utf8proc must see as one. */
static size_t unstable_length(struct str s, bool *ret_too_many_marks)
{
    size_t i = 0, n, marks = 0;
    while (i < s.n) {
        uint32_t c = decode((const unsigned char *)s.p + i, &n);
        if (i > 0 && is_stable(c))
            break;
        marks = is_mark(c) ? marks + 1 : 0;
        if (marks > TEXT_MARKS_MAX)
            *ret_too_many_marks = true;
        i += n;
    }
    return i;
}

static enum text_status add_normalized(struct str s, struct buf *out)
{
    utf8proc_uint8_t *made = NULL;
    utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &made,
                                      UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    if (n < 0)
        return TEXT_NO_MEMORY; /* the text is valid and far from utf8proc's limit, so nothing else can be amiss */
    buf_add(out, made, (size_t)n);
    free(made);
    return TEXT_OK;
}

/* By pieces: stable text is copied, the rest is normalised, together with the character before it. No NUL in s. */
static enum text_status rebuild(struct str s, struct buf *out)
{
    while (s.n) {
        bool too_many_marks = false;
        size_t last, n = stable_length(s, &last);
        if (n == s.n) {
            buf_add(out, s.p, n);
            break;
        }
        buf_add(out, s.p, last);
        s = str_skip(s, last);
        n = unstable_length(s, &too_many_marks);
        if (too_many_marks)
            return TEXT_TOO_MANY_MARKS;
        enum text_status status = add_normalized(str_head(s, n), out);
        if (status != TEXT_OK)
            return status;
        s = str_skip(s, n);
    }
    return TEXT_OK;
}

/* U+0000 goes first: what stood on its two sides may combine. */
static struct str without_nul(struct str s, struct arena *a, uint64_t *nul_removed)
{
    size_t at;
    if (!str_find_byte(s, 0, &at))
        return s;
    char *p = arena_alloc(a, s.n);
    if (!p)
        return STR_NONE;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i])
            p[n++] = s.p[i];
    *nul_removed += s.n - n;
    return str_make(p, n);
}

enum text_status text_normalize(struct str s, struct arena *a, uint64_t *nul_removed, struct str *ret)
{
    size_t last;
    if (plain_length(s) == s.n || stable_length(s, &last) == s.n) {
        *ret = s.p ? s : STR(""); /* to an engine, no pointer is null, which empty text is not */
        return TEXT_OK;
    }
    struct str whole = without_nul(s, a, nul_removed);
    if (!whole.p)
        return TEXT_NO_MEMORY;
    struct buf out = {0};
    enum text_status status = rebuild(whole, &out);
    if (status == TEXT_OK) {
        /* Letters outside the table are mostly NFC already, and then the input serves. */
        *ret = str_eq(buf_str(&out), whole) ? whole : arena_str(a, buf_str(&out));
        if (!buf_ok(&out) || !ret->p)
            status = TEXT_NO_MEMORY;
    }
    buf_free(&out);
    return status;
}

static bool parse(const struct type *t, const struct raw *raw, struct type_context *ctx, struct cell *ret,
                  struct type_refusal *why)
{
    (void)t;
    struct str s = STR_NONE;
    switch (raw->kind) {
    case RAW_NUMBER:
        *ret = cell_text(raw->text);
        return true;
    case RAW_STRING:
        switch (text_normalize(raw->text, ctx->arena, &ctx->nul_removed, &s)) {
        case TEXT_OK:
            *ret = cell_text(s);
            return true;
        case TEXT_TOO_MANY_MARKS:
            return scalar_refuse(why, "text with at most 128 combining marks on one letter", NULL);
        case TEXT_NO_MEMORY:
            break;
        }
        return scalar_no_memory(why);
    case RAW_TRUE:
    case RAW_FALSE:
        return scalar_refuse(why, "text", "put true or false in quotes, or make the column a checkbox");
    case RAW_OBJECT:
    case RAW_ARRAY:
        return scalar_refuse(why, "text", "send the JSON as one string, or make the column a json column");
    case RAW_NULL:
        break;
    }
    *ret = cell_null();
    return true;
}

static void write_json(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)t, (void)r;
    buf_add_json(out, c->s);
}

static void write_csv(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)t, (void)r;
    buf_add_str(out, c->s);
}

/* The order of bytes is that of code points in UTF-8. */
static int compare(const struct cell *a, const struct cell *b)
{
    return str_cmp(a->s, b->s);
}

static bool key(const struct cell *c, struct arena *a, struct str *ret)
{
    (void)a;
    *ret = c->s;
    return true;
}

const struct type type_text = {
    .id = TYPE_TEXT,
    .storage = STORAGE_TEXT,
    .can_identify_rows = true,
    .soql_name = "text",
    .view_name = "text",
    .parse = parse,
    .write_json = write_json,
    .write_csv = write_csv,
    .compare = compare,
    .key = key,
};
