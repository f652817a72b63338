/* The names that a body uses, each resolved once to the sink's slot. Names arrive in nearly the same order row after row,
 * so each remembers which one followed it; only a surprise costs a hash (seeded: a sender cannot make names collide). */
#ifndef SELTZER_FORMAT_NAMES_H
#define SELTZER_FORMAT_NAMES_H

#include "base/arena.h"
#include "format/reader.h"

enum { NAMES_IN_BODY_MAX = 16384 }; /* different names in one body; a row has fewer (reader_limits.names_max) */

struct name {
    const char *p;
    uint32_t n;
    int slot;
    struct name *follower; /* the name that came after this one last time */
};

struct names {
    struct arena arena;
    struct name first; /* stands before a row's first name */
    struct name *last; /* the name seen before, &first at a row's begin */
    struct name **table;
    size_t n, table_n;
    unsigned char seed[16];
};

void names_init(struct names *s);
void names_free(struct names *s);
/* NULL if the name is new. */
struct name *names_find(struct names *s, struct str name);
must_use bool names_add(struct names *s, struct str name, int slot, struct name **ret, struct error *err);
/* The slow half of names_slot(): by hash, and by asking the sink when the name is new. NULL: refused. */
struct name *names_resolve(struct names *s, struct str name, const struct row_sink *sink, struct error *err);

static inline void names_row_begin(struct names *s)
{
    s->last = &s->first;
}

/* Inline and without a call: names are short, and this runs for each value of a body. */
static inline bool name_is(const struct name *a, struct str b)
{
    if (!a || a->n != b.n)
        return false;
    const char *p = a->p, *q = b.p;
    size_t n = b.n;
    uint64_t x, y;
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

/* *ret_slot of the row's next name. A name that the row leaves out is skipped without hashing. */
static inline bool names_slot(struct names *s, struct str name, const struct row_sink *sink, int *ret_slot, struct error *err)
{
    struct name *guess = s->last->follower;
    for (int skipped = 0; skipped < 3 && guess; skipped++, guess = guess->follower)
        if (name_is(guess, name)) {
            s->last = guess;
            *ret_slot = guess->slot;
            return true;
        }
    guess = names_resolve(s, name, sink, err);
    if (!guess)
        return false;
    s->last->follower = guess;
    s->last = guess;
    *ret_slot = guess->slot;
    return true;
}

#endif
