/* What the scalar types have in common (scalar.h). */
#include "rows/scalar.h"

#include <stdio.h>

bool scalar_refuse(struct type_refusal *why, const char *expected, const char *hint)
{
    snprintf(why->expected, sizeof why->expected, "%s", expected);
    snprintf(why->hint, sizeof why->hint, "%s", hint ? hint : "");
    return false;
}

bool scalar_no_memory(struct type_refusal *why)
{
    return scalar_refuse(why, "", NULL);
}

int scalar_compare_int(const struct cell *a, const struct cell *b)
{
    return (a->i > b->i) - (a->i < b->i);
}

bool scalar_key_int(const struct cell *c, struct arena *a, struct str *ret)
{
    char *p = arena_alloc(a, 8);
    if (!p)
        return false;
    uint64_t bits = (uint64_t)c->i ^ (uint64_t)1 << 63;
    for (int i = 7; i >= 0; i--, bits >>= 8)
        p[i] = (char)(bits & 0xff);
    *ret = str_make(p, 8);
    return true;
}
