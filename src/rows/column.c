/* Finding a column by the names that people and programs give it (rows/column.h).
 *
 * One open-addressed table per dataset shape holds every folded name once, with the columns that it means as field
 * name, as former field name and as display name; a look-up is then one probe, whatever wins. The table's hash is
 * seeded with random bits, so whoever names columns cannot make them collide. Everything is in one block of memory. */
#include "rows/column.h"

#include <limits.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "base/random.h"
#include "rows/nearest.h"

/* Names that are looked up may be longer than those that exist: trimming and NFC shorten them, by this much at most. */
enum { NAME_LOOKUP_BYTES_MAX = 4 * COLUMN_NAME_BYTES_MAX };

struct name_entry {
    uint32_t at, n; /* the folded name in the table's bytes */
    uint64_t hash;
    int16_t field, former, former_other, display, display_other; /* indexes of columns, -1 for none */
};

struct names {
    uint64_t seed;
    uint32_t mask; /* slots - 1 */
    size_t n_entries;
    struct name_entry *entries;
    int32_t *slots; /* index of an entry, -1 when free */
    char *bytes;
    size_t n_bytes;
};

/* ── folding: NFC and any case ── */

static bool fold_ascii(struct str name, struct folded *f)
{
    if (name.n > sizeof f->small)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c >= 0x80)
            return false;
        f->small[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    f->s = str_make(f->small, name.n);
    return true;
}

bool folded_init(struct str name, struct folded *f)
{
    f->heap = NULL;
    if (fold_ascii(name, f))
        return true;
    if (name.n > NAME_LOOKUP_BYTES_MAX)
        return false;
    /* NFC before it as well: folding looks at one character at a time, and marks may stand in another order (Unicode, D145). */
    utf8proc_uint8_t *nfc = NULL, *out = NULL;
    utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)name.p, (utf8proc_ssize_t)name.n, &nfc, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (n >= 0)
        n = utf8proc_map(nfc, n, &out, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
    free(nfc);
    if (n < 0)
        return false;
    f->heap = (char *)out;
    f->s = str_make(f->heap, (size_t)n);
    return true;
}

void folded_fini(struct folded *f)
{
    free(f->heap);
}

bool name_is_same(struct str a, struct str b)
{
    struct folded x, y;
    if (!folded_init(a, &x))
        return false;
    bool same = folded_init(b, &y);
    if (same) {
        same = str_eq(x.s, y.s);
        folded_fini(&y);
    }
    folded_fini(&x);
    return same;
}

/* ── the table ── */

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t hash_name(uint64_t seed, struct str s)
{
    uint64_t h = seed ^ (s.n * 0x9E3779B97F4A7C15u);
    while (s.n >= 8) {
        uint64_t w;
        memcpy(&w, s.p, 8);
        h = mix(h ^ w, 0xA0761D6478BD642Fu);
        s = str_skip(s, 8);
    }
    uint64_t w = 0;
    if (s.n)
        memcpy(&w, s.p, s.n);
    return mix(h ^ w ^ seed, 0xE7037ED1A0B428DBu);
}

/* The entry of a folded name, or NULL with the free slot where it belongs. */
static struct name_entry *find_entry(const struct names *t, struct str folded, uint64_t hash, uint32_t *ret_slot)
{
    for (uint32_t slot = (uint32_t)hash & t->mask;; slot = (slot + 1) & t->mask) {
        *ret_slot = slot;
        if (t->slots[slot] < 0)
            return NULL;
        struct name_entry *e = &t->entries[t->slots[slot]];
        if (e->hash == hash && str_eq(str_make(t->bytes + e->at, e->n), folded))
            return e;
    }
}

static struct name_entry *add_entry(struct names *t, struct str folded)
{
    uint32_t slot;
    uint64_t hash = hash_name(t->seed, folded);
    struct name_entry *e = find_entry(t, folded, hash, &slot);
    if (e)
        return e;
    t->slots[slot] = (int32_t)t->n_entries;
    e = &t->entries[t->n_entries++];
    *e = (struct name_entry){(uint32_t)t->n_bytes, (uint32_t)folded.n, hash, -1, -1, -1, -1, -1};
    memcpy(t->bytes + t->n_bytes, folded.p, folded.n);
    t->n_bytes += folded.n;
    return e;
}

static void note(int16_t *first, int16_t *second, int column)
{
    if (*first < 0)
        *first = (int16_t)column;
    else if (*first != column && *second < 0)
        *second = (int16_t)column;
}

static void add_column(struct names *t, int at, const struct folded f[3])
{
    /* Entries never move while the table is built: there is room for three a column. */
    if (f[0].s.n) {
        int16_t other = -1;
        note(&add_entry(t, f[0].s)->field, &other, at);
    }
    if (f[1].s.n) {
        struct name_entry *e = add_entry(t, f[1].s);
        note(&e->former, &e->former_other, at);
    }
    if (f[2].s.n) {
        struct name_entry *e = add_entry(t, f[2].s);
        note(&e->display, &e->display_other, at);
    }
}

/* Casefolding can lengthen a name (U+0390 becomes three characters, six bytes for two), so the bytes are counted first. */
static bool fold_all(const struct columns *c, struct folded *ret, size_t *ret_bytes)
{
    size_t bytes = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct str names[3] = {c->v[i].field_name, c->v[i].former_name, c->v[i].name};
        for (size_t k = 0; k < 3; k++) {
            struct folded *f = &ret[3 * i + k];
            if (!folded_init(str_trim(names[k]), f))
                return false;
            bytes += f->s.n;
        }
    }
    *ret_bytes = bytes;
    return true;
}

bool columns_index(struct columns *c)
{
    bool ok = false;
    size_t bytes = 0, max = 3 * c->n, n_slots = 8;
    while (n_slots < 2 * max)
        n_slots *= 2;
    struct names *t = NULL;
    struct folded *f = calloc(max ? max : 1, sizeof *f);
    if (!f || !fold_all(c, f, &bytes))
        goto done;
    t = malloc(sizeof *t + max * sizeof *t->entries + n_slots * sizeof *t->slots + bytes);
    if (!t)
        goto done;
    struct name_entry *entries = (struct name_entry *)(t + 1);
    int32_t *slots = (int32_t *)(entries + max);
    *t = (struct names){.seed = random_u64(),
                        .mask = (uint32_t)n_slots - 1,
                        .entries = entries,
                        .slots = slots,
                        .bytes = (char *)(slots + n_slots)};
    memset(slots, 0xFF, n_slots * sizeof *slots);
    for (size_t i = 0; i < c->n; i++)
        add_column(t, (int)i, &f[3 * i]);
    columns_unindex(c);
    c->names = t;
    ok = true;
done:
    for (size_t i = 0; f && i < max; i++)
        folded_fini(&f[i]);
    free(f);
    return ok;
}

void columns_unindex(struct columns *c)
{
    free(c->names);
    c->names = NULL;
}

/* ── finding ── */

static const struct name_entry *look_up(const struct columns *c, struct str name)
{
    struct folded f;
    uint32_t slot;
    if (!c->names || name.n == 0 || !folded_init(name, &f))
        return NULL;
    const struct names *t = c->names;
    const struct name_entry *e = find_entry(t, f.s, hash_name(t->seed, f.s), &slot);
    folded_fini(&f);
    return e;
}

enum column_match columns_find_loose(const struct columns *c, struct str name, int *ret_at, int *ret_other)
{
    const struct name_entry *e = look_up(c, str_trim(name));
    if (!e)
        return COLUMN_NONE;
    int at = e->field, other = -1;
    if (at < 0) {
        at = e->former;
        other = e->former_other;
    }
    if (at < 0) {
        at = e->display;
        other = e->display_other;
    }
    if (at < 0)
        return COLUMN_NONE;
    *ret_at = at;
    if (other < 0)
        return COLUMN_FOUND;
    *ret_other = other;
    return COLUMN_AMBIGUOUS;
}

int columns_find_field(const struct columns *c, struct str field_name)
{
    const struct name_entry *e = look_up(c, field_name);
    return e ? e->field : -1;
}

/* ── the nearest name ── */

/* Code points of a folded name; 0 when there are none or too many. */
static size_t code_points(struct str s, int32_t ret[NEAREST_CHARS_MAX])
{
    struct folded f;
    if (!folded_init(str_trim(s), &f))
        return 0;
    size_t n = 0, at = 0;
    while (at < f.s.n) {
        utf8proc_int32_t c;
        utf8proc_ssize_t step = utf8proc_iterate((const utf8proc_uint8_t *)f.s.p + at, (utf8proc_ssize_t)(f.s.n - at), &c);
        if (step <= 0 || n == NEAREST_CHARS_MAX) {
            n = 0;
            break;
        }
        ret[n++] = c;
        at += (size_t)step;
    }
    folded_fini(&f);
    return n;
}

int columns_nearest(const struct columns *c, struct str name)
{
    int32_t want[NEAREST_CHARS_MAX], have[NEAREST_CHARS_MAX];
    size_t n = code_points(name, want);
    int best = nearest_edits_max(n), at = -1;
    if (best == 0)
        return -1;
    for (size_t i = 0; i < c->n; i++) {
        const struct str names[2] = {c->v[i].field_name, c->v[i].name};
        for (size_t k = 0; k < 2; k++) {
            size_t m = code_points(names[k], have);
            int d = m ? nearest_edits(want, n, have, m, best) : INT_MAX;
            if (d < best || (d == best && at < 0)) {
                best = d;
                at = (int)i;
            }
        }
    }
    return at;
}

/* ── system columns ── */

static const struct {
    struct str name;
    const struct type *type;
} system_columns[SYSTEM_COUNT] = {
    [SYSTEM_ID] = {{":id", 3}, &type_row_identifier},
    [SYSTEM_CREATED_AT] = {{":created_at", 11}, &type_fixed_timestamp},
    [SYSTEM_UPDATED_AT] = {{":updated_at", 11}, &type_fixed_timestamp},
    [SYSTEM_VERSION] = {{":version", 8}, &type_row_version},
};

bool system_column_find(struct str name, enum system_column *ret)
{
    for (int i = 0; i < SYSTEM_COUNT; i++) {
        if (str_eq_fold(name, system_columns[i].name)) {
            *ret = (enum system_column)i;
            return true;
        }
    }
    return false;
}

const char *system_column_name(enum system_column c)
{
    return system_columns[c].name.p;
}

const struct type *system_column_type(enum system_column c)
{
    return system_columns[c].type;
}
