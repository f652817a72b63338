/* The names of a body (names.h): an open-addressed table with a keyed hash. */
#include "format/names.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/random.h"

void names_init(struct names *s)
{
    memset(s, 0, sizeof *s);
    random_fill(s->seed, sizeof s->seed);
    names_row_begin(s);
}

void names_free(struct names *s)
{
    arena_free(&s->arena);
    free(s->table);
    s->table = NULL;
}

static size_t place_of(const struct names *s, struct str name)
{
    _Static_assert(sizeof s->seed == crypto_shorthash_KEYBYTES, "the seed is the hash's key");
    uint64_t h;
    crypto_shorthash((unsigned char *)&h, (const unsigned char *)name.p, name.n, s->seed);
    size_t at = (size_t)h & (s->table_n - 1);
    while (s->table[at] && !name_is(s->table[at], name))
        at = (at + 1) & (s->table_n - 1);
    return at;
}

struct name *names_find(struct names *s, struct str name)
{
    return s->table ? s->table[place_of(s, name)] : NULL;
}

static bool grow(struct names *s)
{
    struct name **old = s->table;
    size_t old_n = s->table_n;
    s->table = calloc(old_n ? old_n * 2 : 64, sizeof *s->table);
    if (!s->table) {
        s->table = old;
        return false;
    }
    s->table_n = old_n ? old_n * 2 : 64;
    for (size_t i = 0; i < old_n; i++)
        if (old[i])
            s->table[place_of(s, str_make(old[i]->p, old[i]->n))] = old[i];
    free(old);
    return true;
}

bool names_add(struct names *s, struct str name, int slot, struct name **ret, struct error *err)
{
    if (s->n == NAMES_IN_BODY_MAX) {
        error_set(err, ERROR_LIMIT_EXCEEDED, "the body uses too many different names: %d at most", NAMES_IN_BODY_MAX);
        error_data_i64(err, "limit", NAMES_IN_BODY_MAX);
        return false;
    }
    if (s->n * 2 >= s->table_n && !grow(s))
        return error_no_memory(err);
    struct name *e = arena_zalloc(&s->arena, sizeof *e);
    struct str copy = arena_str(&s->arena, name);
    if (!e || !copy.p)
        return error_no_memory(err);
    e->p = copy.p;
    e->n = (uint32_t)name.n;
    e->slot = slot;
    e->plain = true;
    for (size_t i = 0; i < name.n; i++)
        e->plain &= name.p[i] != '"' && name.p[i] != '\\' && (unsigned char)name.p[i] >= 0x20;
    s->table[place_of(s, name)] = e;
    s->n++;
    if (ret)
        *ret = e;
    return true;
}

struct name *names_resolve(struct names *s, struct str name, const struct row_sink *sink, struct error *err)
{
    struct name *e = names_find(s, name);
    int slot;
    if (e)
        return e;
    return sink->name(sink->ctx, name, &slot, err) && names_add(s, name, slot, &e, err) ? e : NULL;
}
