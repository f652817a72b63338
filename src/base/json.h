/* The one JSON reader of the server (RFC 8259, nothing more): a push tokenizer over slices of any size, and a little
 * tree for small documents built on it.
 *
 * The tokenizer calls back for each token, in order; a callback that returns false stops it (json_push then returns
 * false and *err is the callback's). Text handed to callbacks is a loan for the call. Strings are unescaped, valid
 * UTF-8 (surrogate pairs joined, lone ones refused) and may hold U+0000. Number text is the exact lexeme.
 * Positions are 1-based row (line) and column (in bytes, from the line's start), as `req.body.malformed-json` reports.
 * One UTF-8 byte order mark at the very start is dropped. Memory: one token at a time, capped by token_bytes_max. */
#ifndef SELTZER_BASE_JSON_H
#define SELTZER_BASE_JSON_H

#include "base/arena.h"
#include "base/error.h"

enum json_kind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_OBJECT, JSON_ARRAY };

struct json_events {
    void *ctx;
    bool (*begin)(void *ctx, enum json_kind kind, struct error *err); /* JSON_OBJECT or JSON_ARRAY */
    bool (*end)(void *ctx, enum json_kind kind, struct error *err);
    bool (*key)(void *ctx, struct str key, struct error *err);
    /* Scalars; and objects and arrays as text, when asked for with json_parser_take_text(). */
    bool (*value)(void *ctx, enum json_kind kind, struct str text, struct error *err);
    /* NULL: text that is none (not UTF-8, half a surrogate pair, no escape) stops the parser. Else the value is told here
     * in place of value(), as it was sent, a string without its quotes. Names stop the parser all the same. */
    bool (*broken)(void *ctx, enum json_kind kind, struct str raw, const struct error *why, struct error *err);
};

struct json_limits {
    unsigned depth_max;       /* 64 */
    size_t token_bytes_max;   /* 70,000,000 */
    size_t key_bytes_max;     /* 1,024 */
    size_t number_bytes_max;  /* 4,096 */
};
extern const struct json_limits json_limits_default;

struct json_parser;
struct json_parser *json_parser_new(const struct json_limits *limits, const struct json_events *events, struct error *err);
must_use bool json_parser_push(struct json_parser *p, struct str bytes, struct error *err);
must_use bool json_parser_finish(struct json_parser *p, struct error *err); /* a whole value was seen, and only one */
/* Where the token being reported starts. The place is the parser's, good and kept up to date until it is freed. */
struct json_place {
    uint64_t token_at; /* offset of the token in the body */
    uint64_t row, row_at; /* its row and the offset at which that starts */
};
const struct json_place *json_parser_place(const struct json_parser *p);
void json_parser_position(const struct json_parser *p, uint64_t *ret_row, uint64_t *ret_column, uint64_t *ret_byte);
/* Inside of begin(): the object or array that begins is checked as ever, but told in one value() with its text, as it was
 * written, in place of its events and its end(). Longer than token_bytes_max: BODY_TOO_LARGE. */
void json_parser_take_text(struct json_parser *p);
/* Where to write the name that probably comes next, n 0 for none; only speed depends on it. The text must outlive its use,
 * hold no quote, backslash or control character, and is what key() gets when the guess was right. */
struct str *json_parser_guess(struct json_parser *p);
/* Several values one after another (NDJSON) instead of one: finish then accepts any number, at line breaks. */
void json_parser_allow_many(struct json_parser *p);
/* Forgets what it was in the middle of, or was refused for, and begins anew: the next byte is at this place. */
void json_parser_restart(struct json_parser *p, uint64_t at, uint64_t row);
/* Is it between values: after a whole one, or before the first? */
bool json_parser_is_between(const struct json_parser *p);
void json_parser_free(struct json_parser *p);

/* The tree. Objects keep the order and the duplicates of the text; json_get finds the last. Lives in the arena. */
struct json {
    enum json_kind kind;
    struct str text;          /* number lexeme or string */
    struct str key;           /* when a member of an object */
    struct json *first, *next; /* children of objects and arrays; siblings */
    size_t n;                 /* number of children */
};
must_use bool json_parse(struct arena *a, struct str text, struct json **ret, struct error *err);
const struct json *json_get(const struct json *object, struct str key);            /* NULL if absent or not an object */
struct str json_get_str(const struct json *object, struct str key);                /* STR_NONE if absent or not a string */
bool json_get_i64(const struct json *object, struct str key, int64_t *ret);        /* numbers, and strings of digits */
bool json_get_bool(const struct json *object, struct str key, bool *ret);
void json_write(const struct json *v, struct buf *out);                            /* compact */

#endif
