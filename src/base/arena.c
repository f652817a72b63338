/* Memory freed as a whole (arena.h): a list of blocks, the newest first, each at least twice the one before. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct arena_block {
    struct arena_block *older;
    size_t size; /* of the bytes after this header */
    _Alignas(16) char bytes[];
};

enum { BLOCK_MIN = 4096 - 64, BLOCK_GROWTH_MAX = 1 << 20 };

static size_t round16(size_t n)
{
    return (n + 15) & ~(size_t)15;
}

static bool new_block(struct arena *a, size_t n)
{
    size_t size = a->block ? a->block->size * 2 : BLOCK_MIN;
    if (size > BLOCK_GROWTH_MAX)
        size = BLOCK_GROWTH_MAX;
    if (size < n)
        size = n;
    struct arena_block *b = malloc(sizeof *b + size);
    if (!b)
        return false;
    b->older = a->block;
    b->size = size;
    a->block = b;
    a->at = b->bytes;
    a->end = b->bytes + size;
    return true;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    n = round16(n ? n : 1);
    if ((size_t)(a->end - a->at) < n && !new_block(a, n))
        return NULL;
    void *p = a->at;
    a->at += n;
    a->used += n;
    return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    void *p = arena_alloc(a, n);
    if (p)
        memset(p, 0, n);
    return p;
}

void *arena_grow(struct arena *a, void *p, size_t old_n, size_t n)
{
    size_t had = round16(old_n ? old_n : 1), want = round16(n ? n : 1);
    if (p && n <= SIZE_MAX / 2 && (char *)p + had == a->at && (size_t)(a->end - (char *)p) >= want) {
        a->at = (char *)p + want;
        a->used += want - had;
        return p;
    }
    void *q = arena_alloc(a, n);
    if (q && p)
        memcpy(q, p, old_n < n ? old_n : n);
    return q;
}

struct str arena_str(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);
    if (!p)
        return STR_NONE;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return (struct str){p, s.n};
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = a->block;
    if (!keep)
        return;
    for (struct arena_block *b = keep->older, *older; b; b = older) {
        older = b->older;
        free(b);
    }
    /* A single huge value must not pin its memory for the rest of the upload. */
    if (keep->size > BLOCK_GROWTH_MAX) {
        free(keep);
        *a = (struct arena){0};
        return;
    }
    keep->older = NULL;
    a->at = keep->bytes;
    a->end = keep->bytes + keep->size;
    a->used = 0;
}

void arena_free(struct arena *a)
{
    for (struct arena_block *b = a->block, *older; b; b = older) {
        older = b->older;
        free(b);
    }
    *a = (struct arena){0};
}
