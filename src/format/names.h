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
    bool plain; /* written in JSON as it is: no quote, backslash, control character */
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

static inline bool name_is(const struct name *a, struct str b)
{
    return a->n == b.n && (a->p == b.p || memcmp(a->p, b.p, b.n) == 0);
}

/* The name that will probably come next, as json_parser_guess() wants it. */
static inline struct str names_guess(const struct names *s)
{
    const struct name *next = s->last->follower;
    return next && next->plain ? str_make(next->p, next->n) : STR_NONE;
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
