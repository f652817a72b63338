/* A growing byte buffer. An append that cannot get memory sets `failed` and later appends do nothing, so a run of
 * appends is checked once at the end with buf_ok(). Zero-initialise ({0}), free with buf_free(). */
#ifndef SELTZER_BASE_BUF_H
#define SELTZER_BASE_BUF_H

#include "base/str.h"

struct buf {
    char *p;
    size_t n, cap;
    bool failed;
};

char *buf_room(struct buf *b, size_t n); /* n writable bytes at the end, NULL if failed; then b->n += used */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_str(struct buf *b, struct str s);
void buf_add_z(struct buf *b, const char *z);
void buf_add_byte(struct buf *b, char c);
void buf_add_i64(struct buf *b, int64_t v);
void buf_add_u64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) printf_like(2, 3);
/* A JSON string with its quotes. Input must be valid UTF-8; invalid bytes become U+FFFD so that output is always JSON. */
void buf_add_json(struct buf *b, struct str s);
/* Invalid UTF-8 becomes U+FFFD, a byte each. */
void buf_add_utf8(struct buf *b, struct str s);
void buf_reset(struct buf *b); /* empty, memory kept, failure forgotten */
void buf_free(struct buf *b);
static inline bool buf_ok(const struct buf *b) { return !b->failed; }
static inline struct str buf_str(const struct buf *b) { return (struct str){b->p, b->n}; } /* a loan until the next append */
char *buf_take_z(struct buf *b); /* the malloc'ed NUL-terminated bytes, yours; NULL if failed; b is empty after */

#endif
