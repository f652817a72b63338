/* Memory that is freed as a whole. Zero-initialise; arena_reset() keeps the largest block for the next round. */
#ifndef SELTZER_BASE_ARENA_H
#define SELTZER_BASE_ARENA_H

#include "base/str.h"

struct arena_block;
struct arena {
    struct arena_block *block;
    char *at, *end;
    size_t used; /* bytes handed out since the last reset */
};

void *arena_alloc(struct arena *a, size_t n);            /* 16-aligned, not zeroed; NULL when out of memory */
void *arena_zalloc(struct arena *a, size_t n);
void *arena_grow(struct arena *a, void *p, size_t old_n, size_t n); /* like realloc; extends in place when p is the last */
struct str arena_str(struct arena *a, struct str s);      /* a copy, with a NUL after it; .p NULL when out of memory */
char *arena_printf(struct arena *a, const char *fmt, ...) printf_like(2, 3);
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
