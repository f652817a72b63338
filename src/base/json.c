/* The push tokenizer (json.h): RFC 8259 and nothing more (docs/wire/bodies.md, "JSON").
 *
 *   START ─► VALUE ─► scalar ─────────────────► AFTER ─► "," ─► VALUE or KEY        AFTER at depth 0 is DONE
 *              ├────► "{" ─► KEY_OR_END ─► COLON ─► VALUE
 *              └────► "[" ─► VALUE_OR_END
 *
 * Tokens that lie whole in a slice are handed out where they lie. A token that the slice cuts is gathered in `held` and
 * read from there by the same functions, so that no cut can change what is said about it. No state needs the stack of C:
 * depth is a counter and a byte a level.
 *
 * Rows cost nothing while tokens are read: a line break is legal only between tokens, so only skip_space() counts them. */
#include "base/json_parser.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

const struct json_limits json_limits_default = {
    .depth_max = 64,
    .token_bytes_max = 70000000,
    .key_bytes_max = 1024,
    .number_bytes_max = 4096,
};

static inline uint64_t offset(const struct json_parser *j, const char *p)
{
    return j->slice_at + (uint64_t)(p - j->slice);
}

/* --- scanning ---------------------------------------------------------------------------------------------------- */

#ifdef __SSE2__
/* A bit for each of 16 bytes that ends a plain run: quote, backslash, control character. */
static inline unsigned ends_16(__m128i v)
{
    __m128i found = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(found, _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v)));
}
#endif

/* The first byte of a string's inside that is a quote, a backslash or a control character; end if none. *high gathers
 * whether bytes outside of ASCII were passed. 32 bytes at once: nearly all names and values end within the first step, so
 * that its one branch is foreseen. */
static inline const char *scan_plain(const char *p, const char *end, bool *high)
{
#ifdef __SSE2__
    while (end - p >= 32) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)p), b = _mm_loadu_si128((const __m128i *)(const void *)(p + 16));
        unsigned at = ends_16(a) | ends_16(b) << 16;
        unsigned above = (unsigned)_mm_movemask_epi8(a) | (unsigned)_mm_movemask_epi8(b) << 16;
        if (at) {
            *high |= (above & (at - 1) & ~at) != 0;
            return p + __builtin_ctz(at);
        }
        *high |= above != 0;
        p += 32;
    }
#endif
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\' || c < 0x20)
            return p;
        *high |= c >= 0x80;
    }
    return end;
}

/* Where the string ends: its quote, a control character (which may not be), or end. *escaped carries half an escape from
 * slice to slice. */
static const char *scan_string(const char *p, const char *end, bool *escaped)
{
    bool high = false;
    if (*escaped && p < end) {
        *escaped = false;
        if ((unsigned char)*p < 0x20)
            return p;
        p++;
    }
    while (p < end) {
        p = scan_plain(p, end, &high);
        if (p == end || *p != '\\')
            return p;
        if (++p == end) {
            *escaped = true;
            return end;
        }
        if ((unsigned char)*p < 0x20)
            return p;
        p++;
    }
    return end;
}

static const char *skip_space(struct json_parser *j, const char *p, const char *end)
{
    for (; p < end; p++) {
        if (*p == '\n') {
            j->place.row++;
            j->place.row_at = offset(j, p + 1);
        } else if (*p != ' ' && *p != '\r' && *p != '\t') {
            break;
        }
    }
    return p;
}

static inline const char *skip_digits(const char *p, const char *end)
{
    while (p < end && json_is_digit(*p))
        p++;
    return p;
}

static bool is_word_byte(char c)
{
    return json_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '$';
}

static bool is_number_byte(char c)
{
    return is_word_byte(c) || c == '.' || c == '-' || c == '+';
}

/* --- tokens ------------------------------------------------------------------------------------------------------ */

/* After a scalar or a container's end. */
static inline void value_done(struct json_parser *j)
{
    j->state = j->depth ? AFTER_VALUE : AT_END;
    j->value_row = j->place.row;
}

static inline bool give_string(struct json_parser *j, struct str text, bool is_key, struct error *err)
{
    if (!is_key) {
        value_done(j);
        return j->on.value(j->on.ctx, JSON_STRING, text, err);
    }
    if (text.n > j->limits.key_bytes_max)
        return json_over_limit(j, ERROR_LIMIT_EXCEEDED, "the name is too long", j->limits.key_bytes_max, err);
    j->state = AT_COLON;
    return j->on.key(j->on.ctx, text, err);
}

static bool check_string_bytes(struct json_parser *j, size_t n, bool is_key, struct error *err)
{
    if (is_key && n > j->limits.key_bytes_max * ESCAPE_BYTES_MAX)
        return json_over_limit(j, ERROR_LIMIT_EXCEEDED, "the name is too long", j->limits.key_bytes_max, err);
    if (n > j->limits.token_bytes_max)
        return json_over_limit(j, ERROR_BODY_TOO_LARGE, "the text is too long", j->limits.token_bytes_max, err);
    return true;
}

/* A string's inside is no text, as *err says; its end is known all the same. */
static bool tell_broken(struct json_parser *j, struct str raw, struct error *err)
{
    struct error why = *err;
    if (j->taken_depth ? !j->told.broken : !j->on.broken)
        return false;
    if (err->code != ERROR_BODY_MALFORMED_JSON)
        return false;
    value_done(j);
    if (!j->taken_depth)
        return j->on.broken(j->on.ctx, JSON_STRING, raw, &why, err);
    if (!j->why && !(j->why = malloc(sizeof *j->why)))
        return error_no_memory(err);
    if (!j->taken_broken)
        *j->why = why;
    j->taken_broken = true;
    return true;
}

/* raw: the string's inside up to `stop`, its closing quote or the control character that may not be there. */
static bool string_found(struct json_parser *j, struct str raw, char stop, bool is_key, struct error *err)
{
    struct str text;
    uint64_t at = j->place.token_at + 1, stop_at = at + raw.n;
    if (!check_string_bytes(j, raw.n, is_key, err))
        return false;
    if (stop != '"') {
        /* What is wrong before it is said first; half an escape is not wrong yet. */
        if (raw.n && raw.p[raw.n - 1] == '\\') {
            size_t n = raw.n;
            while (n && raw.p[n - 1] == '\\')
                n--;
            if ((raw.n - n) % 2)
                raw.n--;
        }
        if (!json_unescape(j, raw, at, &text, err))
            return false;
        const char *write = stop == '\n' ? "\\n" : stop == '\r' ? "\\r" : stop == '\t' ? "\\t" : NULL;
        if (write)
            return json_refuse(j, stop_at, err, "a %s inside of text is written %s, or the closing quote is missing",
                          stop == '\t' ? "tab" : "line break", write);
        return json_refuse(j, stop_at, err, "control character 0x%02x inside of text; write it \\u%04x", (unsigned char)stop,
                      (unsigned)(unsigned char)stop);
    }
    if (!json_unescape(j, raw, at, &text, err))
        return !is_key && tell_broken(j, raw, err);
    return give_string(j, text, is_key, err);
}

static bool hold(struct json_parser *j, const char *p, const char *end, struct error *err)
{
    buf_add(&j->held, p, (size_t)(end - p));
    return buf_ok(&j->held) || error_no_memory(err);
}

static void drop_held(struct json_parser *j)
{
    if (j->held.cap > HELD_BYTES_KEPT)
        buf_free(&j->held);
    if (j->text.cap > HELD_BYTES_KEPT)
        buf_free(&j->text);
    buf_reset(&j->held);
}

static __attribute__((noinline)) const char *read_string_slowly(struct json_parser *j, const char *p, const char *end, bool is_key,
                                                                struct error *err)
{
    j->escaped = false;
    const char *stop = scan_string(p, end, &j->escaped);
    if (stop < end)
        return string_found(j, str_make(p, (size_t)(stop - p)), *stop, is_key, err) ? stop + 1 : NULL;
    j->state = is_key ? IN_KEY : IN_STRING;
    return check_string_bytes(j, (size_t)(end - p), is_key, err) && hold(j, p, end, err) ? end : NULL;
}

/* p: after the opening quote. Where the next token may start, end when the slice cuts the string, NULL when refused. */
static inline const char *read_string(struct json_parser *j, const char *p, const char *end, bool is_key, struct error *err)
{
    bool high = false;
    const char *stop = scan_plain(p, end, &high);
    if (stop == end || *stop != '"' || high || (size_t)(stop - p) > j->short_bytes_max)
        return read_string_slowly(j, p, end, is_key, err);
    return give_string(j, str_make(p, (size_t)(stop - p)), is_key, err) ? stop + 1 : NULL;
}

/* Is the guessed name at p, with its quote and colon? Not only less work than to look for the closing quote: where the
 * next token starts is then known without waiting for the bytes, which is what the processor is short of here. */
static inline bool is_guessed(const struct json_parser *j, const char *p, const char *end)
{
    const char *q = j->guess.p;
    size_t n = j->guess.n;
    uint64_t x, y;
    if (n == 0 || (size_t)(end - p) < n + 8 || p[n] != '"' || p[n + 1] != ':')
        return false;
    if (n < 8) {
        for (size_t i = 0; i < n; i++)
            if (p[i] != q[i])
                return false;
        return true;
    }
    for (; n > 8; n -= 8, p += 8, q += 8) {
        memcpy(&x, p, 8);
        memcpy(&y, q, 8);
        if (x != y)
            return false;
    }
    memcpy(&x, p + n - 8, 8); /* the last eight, some of them a second time */
    memcpy(&y, q + n - 8, 8);
    return x == y;
}

static const char *resume_string(struct json_parser *j, const char *p, const char *end, struct error *err)
{
    bool is_key = j->state == IN_KEY;
    const char *stop = scan_string(p, end, &j->escaped);
    if (!check_string_bytes(j, j->held.n + (size_t)(stop - p), is_key, err) || !hold(j, p, stop, err))
        return NULL;
    if (stop == end)
        return end;
    struct str raw = j->held.n ? buf_str(&j->held) : STR("");
    if (!string_found(j, raw, *stop, is_key, err))
        return NULL;
    drop_held(j);
    return stop + 1;
}

/* number = "-"? ( "0" | 1-9 digits ) ( "." digits )? ( [eE] [+-]? digits )?
 * Where it ends; *wrong says why it is none (NULL: it is one). */
static const char *scan_number(const char *p, const char *end, const char **wrong)
{
    *wrong = NULL;
    if (p < end && *p == '-')
        p++;
    if (p == end || !json_is_digit(*p)) {
        *wrong = p < end && (*p == 'I' || *p == 'i' || *p == 'N') ? "Infinity and NaN are not JSON; send null"
                                                                  : "a number takes a digit here";
        return p;
    }
    if (*p == '0') {
        p++;
        if (p < end && json_is_digit(*p)) {
            *wrong = "a number takes no leading zero; if it is a code, send it as text in quotes";
            return p;
        }
    } else {
        p = skip_digits(p, end);
    }
    if (p < end && *p == '.') {
        p++;
        if (p == end || !json_is_digit(*p)) {
            *wrong = "a number takes a digit after the point";
            return p;
        }
        p = skip_digits(p, end);
    }
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        if (p == end || !json_is_digit(*p)) {
            *wrong = "a number takes digits after its e";
            return p;
        }
        p = skip_digits(p, end);
    }
    return p;
}

/* A lexeme that is complete: all of the bytes that could belong to a number, or more of them than it may have. */
static bool number_found(struct json_parser *j, struct str lexeme, struct error *err)
{
    const char *wrong, *stop = scan_number(lexeme.p, lexeme.p + lexeme.n, &wrong);
    size_t n = (size_t)(stop - lexeme.p);
    if (n > j->limits.number_bytes_max)
        return json_over_limit(j, ERROR_LIMIT_EXCEEDED, "the number has too many digits", j->limits.number_bytes_max, err);
    if (!wrong && n < lexeme.n)
        wrong = *stop == 'x' || *stop == 'X' ? "hexadecimal is not JSON" : *stop == '_' ? "a number takes no separators"
                                                                                       : "the number is not one";
    if (wrong)
        return json_refuse(j, j->place.token_at + n, err, "%s", wrong);
    value_done(j);
    return j->on.value(j->on.ctx, JSON_NUMBER, lexeme, err);
}

static bool word_found(struct json_parser *j, struct str word, struct error *err)
{
    enum json_kind kind;
    if (str_eq(word, STR("true")))
        kind = JSON_TRUE;
    else if (str_eq(word, STR("false")))
        kind = JSON_FALSE;
    else if (str_eq(word, STR("null")))
        kind = JSON_NULL;
    else
        return json_refuse_word(j, word, err);
    value_done(j);
    return j->on.value(j->on.ctx, kind, word, err);
}

/* A number or word from its first byte, of which `held` may have some: to the first byte that cannot belong to it. */
static const char *read_bare(struct json_parser *j, const char *p, const char *end, enum state in, struct error *err)
{
    size_t most = in == IN_WORD ? WORD_BYTES_MAX : j->limits.number_bytes_max + 1;
    size_t left = most - j->held.n;
    const char *stop = p, *last = (size_t)(end - p) < left ? end : p + left;
    while (stop < last && (in == IN_WORD ? is_word_byte(*stop) : is_number_byte(*stop)))
        stop++;
    struct str token = str_make(p, (size_t)(stop - p));
    bool cut = stop == end && token.n < left;
    if (cut || j->held.n) {
        if (!hold(j, p, stop, err))
            return NULL;
        token = buf_str(&j->held);
    }
    j->state = in;
    if (cut)
        return end;
    if (!(in == IN_WORD ? word_found(j, token, err) : number_found(j, token, err)))
        return NULL;
    buf_reset(&j->held);
    return stop;
}

/* May this byte follow a number or word? Everything else goes the slow way, which says what is wrong. */
static inline bool ends_bare(char c)
{
    return c == ',' || c == '}' || c == ']' || c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

/* The end of a plain number: at most 15 bytes, digits with no more than a minus before and a point between them; NULL for
 * all other forms. */
static inline const char *scan_plain_number(const char *p, const char *end)
{
#ifdef __SSE2__
    if (end - p < 16)
        return NULL;
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p), from_zero = _mm_sub_epi8(v, _mm_set1_epi8('0'));
    unsigned digits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(from_zero, _mm_set1_epi8(9)), from_zero));
    unsigned minus = *p == '-', whole = digits >> minus;
    unsigned n = (unsigned)__builtin_ctz(~whole); /* digits before the point */
    const char *first = p + minus, *stop = first + n;
    if (n == 0 || (*first == '0' && n > 1))
        return NULL;
    if (minus + n < 15 && *stop == '.') {
        unsigned behind = (unsigned)__builtin_ctz(~(whole >> (n + 1)));
        if (behind == 0)
            return NULL;
        stop += 1 + behind;
    }
    return stop - p <= 15 && ends_bare(*stop) ? stop : NULL;
#else
    (void)p, (void)end;
    return NULL;
#endif
}

/* A number that lies whole in the slice and is followed by what may follow; everything else goes the slow way. */
static inline const char *read_number(struct json_parser *j, const char *p, const char *end, struct error *err)
{
    const char *wrong, *stop = scan_plain_number(p, end);
    if (!stop) {
        stop = scan_number(p, end, &wrong);
        if (wrong || stop == end || !ends_bare(*stop) || (size_t)(stop - p) > j->limits.number_bytes_max)
            return read_bare(j, p, end, IN_NUMBER, err);
    }
    value_done(j);
    return j->on.value(j->on.ctx, JSON_NUMBER, str_make(p, (size_t)(stop - p)), err) ? stop : NULL;
}

static inline const char *read_word(struct json_parser *j, const char *p, const char *end, struct error *err)
{
    static const struct {
        char word[8];
        enum json_kind kind;
        size_t n;
    } words[] = {{"true", JSON_TRUE, 4}, {"false", JSON_FALSE, 5}, {"null", JSON_NULL, 4}};
    if (end - p > 5) {
        unsigned i = *p == 't' ? 0 : *p == 'f' ? 1 : 2;
        size_t n = words[i].n;
        if (memcmp(p, words[i].word, 4) == 0 && p[n - 1] == words[i].word[n - 1] && ends_bare(p[n])) {
            value_done(j);
            return j->on.value(j->on.ctx, words[i].kind, str_make(p, n), err) ? p + n : NULL;
        }
    }
    return read_bare(j, p, end, IN_WORD, err);
}

/* --- the machine ------------------------------------------------------------------------------------------------- */

/* Events that are not told: those of a container taken as text. */
static bool untold(void *ctx, enum json_kind kind, struct error *err)
{
    (void)ctx, (void)kind, (void)err;
    return true;
}

static bool untold_key(void *ctx, struct str key, struct error *err)
{
    (void)ctx, (void)key, (void)err;
    return true;
}

static bool untold_value(void *ctx, enum json_kind kind, struct str text, struct error *err)
{
    (void)ctx, (void)kind, (void)text, (void)err;
    return true;
}

void json_parser_take_text(struct json_parser *j)
{
    if (j->taken_depth)
        return;
    j->taken_depth = j->depth;
    j->taken_place = j->place;
    j->taken_from = j->slice + (j->place.token_at - j->slice_at);
    buf_reset(&j->taken);
    j->told = j->on;
    j->on = (struct json_events){NULL, untold, untold, untold_key, untold_value, NULL};
}

/* More of the text, up to p; at its end the whole of it, in place when the slice holds all of it. */
static bool take_text(struct json_parser *j, const char *p, bool end, struct str *ret, struct error *err)
{
    struct str part = str_make(j->taken_from, (size_t)(p - j->taken_from));
    if (j->taken.n + part.n > j->limits.token_bytes_max) {
        j->place = j->taken_place;
        return json_over_limit(j, ERROR_BODY_TOO_LARGE, "the value is too long", j->limits.token_bytes_max, err);
    }
    *ret = part;
    if (end && !j->taken.n)
        return true;
    buf_add_str(&j->taken, part);
    *ret = buf_str(&j->taken);
    return buf_ok(&j->taken) || error_no_memory(err);
}

static bool end_taken(struct json_parser *j, const char *p, enum json_kind kind, struct error *err)
{
    struct str text;
    if (!take_text(j, p, true, &text, err))
        return false;
    struct json_place here = j->place;
    j->on = j->told;
    j->taken_depth = 0;
    j->place = j->taken_place;
    bool ok = j->taken_broken ? j->on.broken(j->on.ctx, kind, text, j->why, err) : j->on.value(j->on.ctx, kind, text, err);
    j->taken_broken = false;
    j->place = here;
    if (j->taken.cap > HELD_BYTES_KEPT)
        buf_free(&j->taken);
    return ok;
}

static bool open_container(struct json_parser *j, bool object, struct error *err)
{
    if (j->depth == j->limits.depth_max)
        return json_over_limit(j, ERROR_LIMIT_EXCEEDED, "values are nested too deeply", j->limits.depth_max, err);
    j->object_at[++j->depth] = object;
    j->in_object = object;
    j->state = object ? AT_KEY_OR_END : AT_VALUE_OR_END;
    return j->on.begin(j->on.ctx, object ? JSON_OBJECT : JSON_ARRAY, err);
}

/* p: after the bracket. */
static const char *close_container(struct json_parser *j, const char *p, struct error *err)
{
    enum json_kind kind = j->in_object ? JSON_OBJECT : JSON_ARRAY;
    bool taken = j->taken_depth == j->depth;
    j->depth--;
    j->in_object = j->depth && j->object_at[j->depth];
    value_done(j);
    return (taken ? end_taken(j, p, kind, err) : j->on.end(j->on.ctx, kind, err)) ? p : NULL;
}

static const char *read_value(struct json_parser *j, const char *p, const char *end, struct error *err)
{
    char c = *p;
    j->place.token_at = offset(j, p);
    j->any = true;
    if (c == '"')
        return read_string(j, p + 1, end, false, err);
    if (json_is_digit(c) || c == '-')
        return read_number(j, p, end, err);
    if (c == '{' || c == '[')
        return open_container(j, c == '{', err) ? p + 1 : NULL;
    if (is_word_byte(c))
        return read_word(j, p, end, err);
    if (c == ']' || c == '}')
        json_refuse(j, j->place.token_at, err, j->state == AT_VALUE && j->depth ? "expected a value, found \"%c\" (no comma after the last one)"
                                                                    : "expected a value, found \"%c\"", c);
    else
        json_refuse_byte(j, j->place.token_at, (unsigned char)c, "a value", err);
    return NULL;
}

/* The way of nearly all bodies, "name":value, again and again, without the machine's detours. p is at a quote where a name
 * may begin; leaves, in the state that it reached, wherever anything else comes. */
static const char *read_members(struct json_parser *j, const char *p, const char *end, struct error *err)
{
    while (*p == '"') {
        j->place.token_at = offset(j, p);
        if (is_guessed(j, p + 1, end)) {
            struct str name = j->guess;
            p += name.n + 3;
            if (!j->on.key(j->on.ctx, name, err))
                return NULL;
        } else {
            p = read_string(j, p + 1, end, true, err);
            if (!p || end - p < 2 || j->state != AT_COLON || *p != ':')
                return p;
            p++;
        }
        j->state = AT_VALUE;
        if ((unsigned char)*p <= ' ')
            return p;
        p = read_value(j, p, end, err);
        if (!p || end - p < 2 || j->state != AFTER_VALUE || *p != ',')
            return p;
        j->state = j->in_object ? AT_KEY : AT_VALUE;
        p++;
        if (!j->in_object)
            return p;
    }
    return p;
}

static const char *read_key(struct json_parser *j, const char *p, const char *end, struct error *err)
{
    j->place.token_at = offset(j, p);
    if (*p == '"')
        return read_members(j, p, end, err);
    if (*p == '}')
        json_refuse(j, j->place.token_at, err, "expected a name, found \"}\" (no comma after the last member)");
    else if (is_word_byte(*p))
        json_refuse(j, j->place.token_at, err, "names take double quotes");
    else
        json_refuse_byte(j, j->place.token_at, (unsigned char)*p, "a name in double quotes", err);
    return NULL;
}

static const char *after_value(struct json_parser *j, const char *p, struct error *err)
{
    j->place.token_at = offset(j, p);
    if (*p == ',') {
        j->state = j->in_object ? AT_KEY : AT_VALUE;
        return p + 1;
    }
    if (*p == (j->in_object ? '}' : ']'))
        return close_container(j, p + 1, err);
    json_refuse_byte(j, j->place.token_at, (unsigned char)*p, j->in_object ? "\",\" or \"}\"" : "\",\" or \"]\"", err);
    return NULL;
}

/* Another byte after the whole value. Where there may be many, each stands on its own line. */
static bool begin_next(struct json_parser *j, const char *p, struct error *err)
{
    uint64_t at = offset(j, p);
    if (!j->many)
        return json_refuse(j, at, err, "the text goes on after the JSON value (several documents: one a line, sent as application/x-ndjson)");
    if (j->place.row == j->value_row)
        return json_refuse(j, at, err, "expected a line break after the value");
    j->state = AT_VALUE;
    return true;
}

static const char *read_mark(struct json_parser *j, const char *p, struct error *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (*p == mark[j->mark_bytes]) {
        if (++j->mark_bytes == 3) {
            j->state = AT_VALUE;
            j->place.row_at = 3;
        }
        return p + 1;
    }
    if (j->mark_bytes) {
        json_refuse(j, 0, err, "expected a value, found byte 0xef");
        return NULL;
    }
    j->state = AT_VALUE;
    return p;
}

static bool run(struct json_parser *j, const char *p, const char *end, struct error *err)
{
    while (p && p < end) {
        if ((unsigned char)*p <= ' ' && j->state > AT_START && j->state <= AT_END && (p = skip_space(j, p, end)) == end)
            break;
        switch (j->state) {
        case AT_START:
            p = read_mark(j, p, err);
            break;
        case AT_VALUE_OR_END:
            if (*p == ']') {
                j->place.token_at = offset(j, p);
                p = close_container(j, p + 1, err);
                break;
            }
            p = read_value(j, p, end, err);
            break;
        case AT_VALUE:
            p = read_value(j, p, end, err);
            break;
        case AT_KEY_OR_END:
            if (*p == '}') {
                j->place.token_at = offset(j, p);
                p = close_container(j, p + 1, err);
                break;
            }
            p = read_key(j, p, end, err);
            break;
        case AT_KEY:
            p = read_key(j, p, end, err);
            break;
        case AT_COLON:
            if (*p != ':') {
                json_refuse_byte(j, offset(j, p), (unsigned char)*p, "\":\" after the name", err);
                return false;
            }
            j->state = AT_VALUE;
            p++;
            break;
        case AFTER_VALUE:
            p = after_value(j, p, err);
            break;
        case AT_END:
            if (!begin_next(j, p, err))
                return false;
            break;
        case IN_STRING:
        case IN_KEY:
            p = resume_string(j, p, end, err);
            break;
        case IN_NUMBER:
        case IN_WORD:
            p = read_bare(j, p, end, j->state, err);
            break;
        case REFUSED:
            return error_set(err, ERROR_BODY_MALFORMED_JSON, "the json request body was refused before");
        }
    }
    return p != NULL;
}

struct json_parser *json_parser_new(const struct json_limits *limits, const struct json_events *events, struct error *err)
{
    struct json_parser *j = calloc(1, sizeof *j + limits->depth_max + 1);
    if (!j) {
        error_no_memory(err);
        return NULL;
    }
    j->on = *events;
    j->limits = *limits;
    j->short_bytes_max = limits->key_bytes_max < limits->token_bytes_max ? limits->key_bytes_max : limits->token_bytes_max;
    j->place.row = 1;
    return j;
}

void json_parser_allow_many(struct json_parser *j)
{
    j->many = true;
}

bool json_parser_push(struct json_parser *j, struct str bytes, struct error *err)
{
    struct str text;
    j->slice = j->taken_from = bytes.p;
    if (bytes.n && (!run(j, bytes.p, bytes.p + bytes.n, err) || (j->taken_depth && !take_text(j, bytes.p + bytes.n, false, &text, err)))) {
        j->state = REFUSED;
        return false;
    }
    j->slice_at += bytes.n;
    return true;
}

bool json_parser_finish(struct json_parser *j, struct error *err)
{
    j->slice = NULL;
    switch (j->state) {
    case IN_NUMBER:
    case IN_WORD:
        if (!(j->state == IN_WORD ? word_found(j, buf_str(&j->held), err) : number_found(j, buf_str(&j->held), err)))
            return false;
        buf_reset(&j->held);
        break;
    case IN_STRING:
    case IN_KEY:
        return json_refuse(j, j->place.token_at, err, "the text that starts here is not closed; the body ends inside of it");
    case REFUSED:
        return error_set(err, ERROR_BODY_MALFORMED_JSON, "the json request body was refused before");
    case AT_START:
    case AT_VALUE:
    case AT_VALUE_OR_END:
    case AT_KEY_OR_END:
    case AT_KEY:
    case AT_COLON:
    case AFTER_VALUE:
    case AT_END:
        break;
    }
    if (j->state == AT_START && j->mark_bytes)
        return json_refuse(j, 0, err, "expected a value, found byte 0xef");
    if (j->state == AT_END || (j->many && !j->any))
        return true;
    if (!j->any) {
        j->place.row = 1;
        j->place.row_at = 0;
        return json_refuse(j, 0, err, "the body is empty");
    }
    return json_refuse(j, j->slice_at, err, "the body ends before its value does; %u of \"[\" and \"{\" not closed", j->depth);
}

void json_parser_restart(struct json_parser *j, uint64_t at, uint64_t row)
{
    if (j->taken_depth)
        j->on = j->told;
    j->taken_depth = j->depth = 0;
    j->taken_broken = j->in_object = j->escaped = j->any = false;
    drop_held(j);
    buf_reset(&j->taken);
    j->state = AT_VALUE;
    j->slice_at = j->place.row_at = at;
    j->place.row = row;
}

bool json_parser_is_between(const struct json_parser *j)
{
    return j->state == AT_END || (j->state == AT_VALUE && !j->depth) || (j->state == AT_START && !j->mark_bytes);
}

struct str *json_parser_guess(struct json_parser *j)
{
    return &j->guess;
}

const struct json_place *json_parser_place(const struct json_parser *j)
{
    return &j->place;
}

void json_parser_position(const struct json_parser *j, uint64_t *ret_row, uint64_t *ret_column, uint64_t *ret_byte)
{
    *ret_row = j->place.row;
    *ret_column = j->place.token_at - j->place.row_at + 1;
    *ret_byte = j->place.token_at;
}

void json_parser_free(struct json_parser *j)
{
    if (!j)
        return;
    buf_free(&j->held);
    buf_free(&j->text);
    buf_free(&j->taken);
    free(j->why);
    free(j);
}
