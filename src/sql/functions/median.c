/* Medians, also over windows whose frame moves. Values wait unsorted until an answer is asked for; then what is new is sorted and
 * merged with what was sorted before, so that a single answer costs one sort, and each of many answers one merge. */
#include <math.h>
#include <stdlib.h>

#include "sql/functions/functions.h"
#include "sql/functions/value.h"

union entry {
    double real;
    sqlite3_value *value; /* ours */
};

struct median {
    union entry *entries, *merged; /* merged: room for as many */
    size_t n, n_sorted, cap;
};

typedef int order(const void *a, const void *b);

static int by_real(const void *a, const void *b)
{
    double x = ((const union entry *)a)->real, y = ((const union entry *)b)->real;
    return x < y ? -1 : x > y;
}

static int by_value(const void *a, const void *b)
{
    return value_compare(((const union entry *)a)->value, ((const union entry *)b)->value);
}

static bool make_room(struct median *m)
{
    if (m->n < m->cap)
        return true;
    size_t cap = m->cap ? 2 * m->cap : 16;
    union entry *p = realloc(m->entries, cap * sizeof *p);
    if (p)
        m->entries = p;
    union entry *q = p ? realloc(m->merged, cap * sizeof *q) : NULL;
    if (!q)
        return false;
    m->merged = q;
    m->cap = cap;
    return true;
}

static bool add(sqlite3_context *out, struct median *m, union entry e)
{
    if (!m || !make_room(m)) {
        sqlite3_result_error_nomem(out);
        return false;
    }
    m->entries[m->n++] = e;
    return true;
}

static void settle(struct median *m, order *by)
{
    if (m->n_sorted == m->n)
        return;
    qsort(m->entries + m->n_sorted, m->n - m->n_sorted, sizeof *m->entries, by);
    if (m->n_sorted) {
        size_t i = 0, j = m->n_sorted, to = 0;
        while (i < m->n_sorted || j < m->n) {
            bool from_first = j == m->n || (i < m->n_sorted && by(&m->entries[i], &m->entries[j]) <= 0);
            m->merged[to++] = m->entries[from_first ? i++ : j++];
        }
        union entry *entries = m->entries;
        m->entries = m->merged;
        m->merged = entries;
    }
    m->n_sorted = m->n;
}

/* Takes out one entry that equals e. */
static union entry take_out(struct median *m, const union entry *e, order *by)
{
    settle(m, by);
    union entry *found = bsearch(e, m->entries, m->n, sizeof *e, by), none = {.value = NULL};
    if (!found)
        return none;
    union entry taken = *found;
    memmove(found, found + 1, (size_t)(m->entries + m->n - found - 1) * sizeof *found);
    m->n--;
    m->n_sorted--;
    return taken;
}

static struct median *context(sqlite3_context *out)
{
    struct median *m = sqlite3_aggregate_context(out, sizeof *m);
    if (!m)
        sqlite3_result_error_nomem(out);
    return m;
}

static struct median *kept(sqlite3_context *out)
{
    struct median *m = sqlite3_aggregate_context(out, 0);
    return m && m->n ? m : NULL;
}

static void drop(sqlite3_context *out)
{
    struct median *m = sqlite3_aggregate_context(out, 0);
    if (!m)
        return;
    free(m->entries);
    free(m->merged);
    *m = (struct median){.n = 0};
}

/* ── of numbers, as doubles: the mean of the two in the middle ── */

static double middle(struct median *m)
{
    settle(m, by_real);
    double low = m->entries[(m->n - 1) / 2].real, high = m->entries[m->n / 2].real;
    return m->n % 2 ? low : low + 0.5 * (high - low);
}

static void num_step(sqlite3_context *out, int n, sqlite3_value **v)
{
    union entry e;
    (void)n;
    if (function_real(out, v[0], v[1], &e.real))
        add(out, context(out), e);
}

static void num_inverse(sqlite3_context *out, int n, sqlite3_value **v)
{
    union entry e;
    struct median *m = context(out);
    (void)n;
    if (m && function_real(out, v[0], v[1], &e.real))
        take_out(m, &e, by_real);
}

static void num_value(sqlite3_context *out)
{
    struct median *m = kept(out);
    if (m)
        function_give_rounded(out, middle(m));
}

static void num_final(sqlite3_context *out)
{
    num_value(out);
    drop(out);
}

static void real_step(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    add(out, context(out), (union entry){.real = sqlite3_value_double(v[0])});
}

static void real_inverse(sqlite3_context *out, int n, sqlite3_value **v)
{
    union entry e = {.real = sqlite3_value_double(v[0])};
    struct median *m = context(out);
    (void)n;
    if (m)
        take_out(m, &e, by_real);
}

static void real_value(sqlite3_context *out)
{
    struct median *m = kept(out);
    if (m)
        sqlite3_result_double(out, middle(m));
}

static void real_final(sqlite3_context *out)
{
    real_value(out);
    drop(out);
}

/* ── of other types: the lower of the two in the middle ── */

static void any_step(sqlite3_context *out, int n, sqlite3_value **v)
{
    union entry e = {.value = sqlite3_value_dup(v[0])};
    struct median *m = context(out);
    (void)n;
    if (!e.value)
        sqlite3_result_error_nomem(out);
    else if (!m || !add(out, m, e))
        sqlite3_value_free(e.value);
}

static void any_inverse(sqlite3_context *out, int n, sqlite3_value **v)
{
    union entry e = {.value = v[0]};
    struct median *m = context(out);
    (void)n;
    if (m)
        sqlite3_value_free(take_out(m, &e, by_value).value);
}

static void any_value(sqlite3_context *out)
{
    struct median *m = kept(out);
    if (!m)
        return;
    settle(m, by_value);
    sqlite3_result_value(out, m->entries[(m->n - 1) / 2].value);
}

static void any_final(sqlite3_context *out)
{
    const struct median *m = kept(out);
    any_value(out);
    for (size_t i = 0; m && i < m->n; i++)
        sqlite3_value_free(m->entries[i].value);
    drop(out);
}

const struct aggregate aggregates_median[] = {
    {"num_median", 2, num_step, num_inverse, num_value, num_final},
    {"real_median", 1, real_step, real_inverse, real_value, real_final},
    {"any_median", 1, any_step, any_inverse, any_value, any_final},
    {NULL, 0, NULL, NULL, NULL, NULL},
};
