/* What the files of the tokenizer share: json.c reads, json_text.c unescapes, json_refuse.c says what is wrong. */
#ifndef SELTZER_BASE_JSON_PARSER_H
#define SELTZER_BASE_JSON_PARSER_H

#include "base/buf.h"
#include "base/json.h"

enum {
    WORD_BYTES_MAX = 64,         /* of a word that is none of true, false, null: enough to show it */
    HELD_BYTES_KEPT = 1 << 20,   /* larger side buffers are given back after their token */
    ESCAPE_BYTES_MAX = 6,        /* \u0041 is the longest way to write one byte of a key */
};

enum state {
    AT_START,        /* a byte order mark may come */
    AT_VALUE,
    AT_VALUE_OR_END, /* after "[" */
    AT_KEY_OR_END,   /* after "{" */
    AT_KEY,          /* after "," in an object */
    AT_COLON,
    AFTER_VALUE,     /* "," or the container's end */
    AT_END,          /* after the whole value */
    IN_STRING,       /* the slice ended inside of a token, gathered in `held` */
    IN_KEY,
    IN_NUMBER,
    IN_WORD,
    REFUSED,
};

struct json_parser {
    struct json_events on;
    struct json_limits limits;
    enum state state;
    bool many, in_object, escaped; /* escaped: a gathered string ends in half an escape */
    bool any;                      /* a token was seen */
    unsigned depth, mark_bytes;
    size_t short_bytes_max; /* a name or text of so many bytes is within all limits */
    const char *slice;
    uint64_t slice_at;           /* its offset in the body */
    struct json_place place;     /* of the token; row and row_at: of where the machine is */
    struct str guess;            /* the next name, perhaps */
    uint64_t value_row;          /* the row where the last whole value ended */
    struct buf held, text;
    /* A container that is taken as text: its depth (0: none), where it began, the part of it that earlier slices held.
     * The caller's events are kept aside meanwhile. */
    unsigned taken_depth;
    struct json_place taken_place;
    const char *taken_from;
    struct buf taken;
    struct json_events told;
    struct error *why; /* where text inside of it that is none is kept, until it is told; made when first needed */
    bool taken_broken;
    unsigned char object_at[]; /* by depth: is it an object? */
};

/* json_refuse.c; all return false. `at` is an offset in the row that the machine is in. */
bool json_refuse(const struct json_parser *j, uint64_t at, struct error *err, const char *fmt, ...) printf_like(4, 5);
bool json_refuse_byte(const struct json_parser *j, uint64_t at, unsigned char c, const char *expected, struct error *err);
bool json_refuse_word(const struct json_parser *j, struct str word, struct error *err);
bool json_over_limit(const struct json_parser *j, enum error_code code, const char *what, size_t limit, struct error *err);
void json_show_byte(unsigned char c, char ret[16]);

/* json_text.c: the inside of a string, between its quotes, to text; in place when there is nothing to unescape, else in
 * j->text. `at` is the offset of raw.p in the body. */
must_use bool json_unescape(struct json_parser *j, struct str raw, uint64_t at, struct str *ret, struct error *err);

static inline bool json_is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

#endif
