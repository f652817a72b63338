/* Folding and look-up of names (names.h). */
#include "soql/names.h"

#include <stdlib.h>
#include <utf8proc.h>

bool name_starts_with(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_PC:
        return true;
    default:
        return false;
    }
}

bool name_goes_on_with(int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);
    return name_starts_with(c) || k == UTF8PROC_CATEGORY_ND || k == UTF8PROC_CATEGORY_MN || k == UTF8PROC_CATEGORY_MC;
}


static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c >= 0x80 || c == '-' || (c >= 'A' && c <= 'Z'))
            return false;
    }
    return true;
}

static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

/* NFC with case folding, as field names are made: a column is shown by the name that it has. (soql-environment's AbstractName folds
 * compatible characters too, so that ǆ and dž are one name there; field names of Socrata are ASCII.) */
static bool fold_unicode(struct arena *a, struct str name, struct str *ret)
{
    utf8proc_uint8_t *folded = NULL;
    utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)name.p, (utf8proc_ssize_t)name.n, &folded,
                                      UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
    if (n < 0) {
        free(folded);
        return n != UTF8PROC_ERROR_NOMEM && (*ret = arena_str(a, name)).p; /* not UTF-8: no name is */
    }
    *ret = arena_str(a, str_make((const char *)folded, (size_t)n));
    free(folded);
    return ret->p;
}

bool name_fold(struct arena *a, struct str name, struct str *ret)
{
    if (is_plain(name)) {
        *ret = name;
        return true;
    }
    if (is_ascii(name))
        *ret = arena_str(a, name);
    else if (!fold_unicode(a, name, ret))
        return false;
    if (!ret->p)
        return false;
    char *p = (char *)(uintptr_t)ret->p; /* ours since a moment ago */
    for (size_t i = 0; i < ret->n; i++) {
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] + ('a' - 'A'));
        else if (p[i] == '-')
            p[i] = '_';
    }
    return true;
}

static uint64_t hash_of(struct str s)
{
    uint64_t h = 0xcbf29ce484222325;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3;
    return h ^ h >> 29;
}

bool name_table_init(struct name_table *t, struct arena *a, size_t n)
{
    size_t cap = 16;
    while (cap < n * 2)
        cap *= 2;
    t->slots = arena_zalloc(a, cap * sizeof *t->slots);
    t->mask = cap - 1;
    t->n = 0;
    return t->slots;
}

/* The slot of the name, or the free one where it belongs. */
static struct name_slot *probe(const struct name_table *t, uint64_t hash, struct str name)
{
    size_t at = hash & t->mask;
    while (t->slots[at].name.p && !(t->slots[at].hash == hash && str_eq(t->slots[at].name, name)))
        at = (at + 1) & t->mask;
    return &t->slots[at];
}

struct name_slot *name_table_find(const struct name_table *t, struct str folded)
{
    struct name_slot *s = probe(t, hash_of(folded), folded);
    return s->name.p ? s : NULL;
}

static bool grow(struct name_table *t, struct arena *a)
{
    struct name_table more;
    if (!name_table_init(&more, a, t->mask + 1))
        return false;
    for (size_t i = 0; i <= t->mask; i++)
        if (t->slots[i].name.p)
            *probe(&more, t->slots[i].hash, t->slots[i].name) = t->slots[i];
    more.n = t->n;
    *t = more;
    return true;
}

bool name_table_add(struct name_table *t, struct arena *a, struct str folded, int value)
{
    if ((t->n + 1) * 4 > (t->mask + 1) * 3 && !grow(t, a))
        return false;
    uint64_t hash = hash_of(folded);
    *probe(t, hash, folded) = (struct name_slot){hash, folded, value};
    t->n++;
    return true;
}
