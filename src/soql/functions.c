/* The table of functions, and the look-up by name (functions.h). */
#include "soql/functions.h"

#include <pthread.h>
#include <strings.h>

static const struct soql_function table[] = {
#define X(KIND, NULLS, name, arguments, result, sqlite, postgres, group, description) \
    {FUNCTION_##KIND, NULLS_##NULLS, name, arguments, result, sqlite, postgres, group, description},
#include "soql/functions.def"
#undef X
};

enum { TABLE_N = sizeof table / sizeof *table, SLOTS = 1024 };

/* By name: 1 + the index of the first overload, 0 where the slot is free. Made once; several times as many slots as names. */
static uint16_t slots[SLOTS];
static pthread_once_t made = PTHREAD_ONCE_INIT;

/* The - of an operator is not that of a name. */
static char fold(char c, bool is_operator)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c | 0x20);
    return c == '-' && !is_operator ? '_' : c;
}

static bool is_operator(struct str name)
{
    return name.n > 3 && strncasecmp(name.p, "op$", 3) == 0;
}

static uint32_t hash(struct str name)
{
    uint32_t h = 2166136261;
    bool op = is_operator(name);
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)fold(name.p[i], op)) * 16777619;
    return h ^ h >> 15;
}

static bool is_named(const struct soql_function *f, struct str name)
{
    struct str own = str_from(f->name);
    bool op = is_operator(name);
    if (own.n != name.n)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (fold(own.p[i], op) != fold(name.p[i], op))
            return false;
    return true;
}

static uint16_t *slot_of(struct str name)
{
    uint32_t at = hash(name) % SLOTS;
    while (slots[at] && !is_named(&table[slots[at] - 1], name))
        at = (at + 1) % SLOTS;
    return &slots[at];
}

static void make_slots(void)
{
    _Static_assert(TABLE_N < SLOTS / 2, "the slots are too few");
    for (size_t i = TABLE_N; i-- > 0;)
        *slot_of(str_from(table[i].name)) = (uint16_t)(i + 1);
}

const struct soql_function *soql_functions(size_t *ret_n)
{
    *ret_n = TABLE_N;
    return table;
}

const struct soql_function *soql_functions_named(struct str name, size_t *ret_n)
{
    *ret_n = 0;
    pthread_once(&made, make_slots);
    uint16_t first = *slot_of(name);
    if (!first)
        return NULL;
    const struct soql_function *f = &table[first - 1];
    size_t n = 1;
    while (f + n < table + TABLE_N && strcmp(f[n].name, f->name) == 0)
        n++;
    *ret_n = n;
    return f;
}
