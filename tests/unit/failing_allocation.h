/* An allocator that fails once, for tests that are linked with --wrap=malloc, calloc and realloc. */
#ifndef SELTZER_TESTS_FAILING_ALLOCATION_H
#define SELTZER_TESTS_FAILING_ALLOCATION_H

#include <stdbool.h>
#include <stddef.h>

static unsigned long allocations, failing; /* failing: the allocation that fails, 0 for none */

static bool fails(void)
{
    return failing && ++allocations == failing;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t k, size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t k, size_t n);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t k, size_t n)
{
    return fails() ? NULL : __real_calloc(k, n);
}

void *__wrap_realloc(void *old, size_t n)
{
    return fails() ? NULL : __real_realloc(old, n);
}

#endif
