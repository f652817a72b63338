/* The list of problems (problems.h): a heap with the largest position on top once the list is full, so that the first
 * thousand by input order are kept without remembering the rest. */
#include "ingest/problems.h"

#include <stdlib.h>

static bool later(const struct row_problem *a, const struct row_problem *b)
{
    return a->position != b->position ? a->position > b->position : a->column > b->column;
}

static void sift_down(struct row_problem *v, size_t n, size_t at)
{
    for (;;) {
        size_t top = at, child = 2 * at + 1;
        for (size_t c = child; c < child + 2 && c < n; c++)
            if (later(&v[c], &v[top]))
                top = c;
        if (top == at)
            return;
        struct row_problem t = v[at];
        v[at] = v[top];
        v[top] = t;
        at = top;
    }
}

static void make_heap(struct problems *p)
{
    for (size_t i = p->n / 2; i-- > 0;)
        sift_down(p->v, p->n, i);
    p->sorted = false;
}

/* One block behind `field` holds all the texts. */
static bool copy_texts(struct row_problem *p)
{
    struct str *texts[] = {&p->field, &p->value, &p->message, &p->name, &p->primary_key_json};
    size_t n = 1;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        n += texts[i]->n;
    char *block = malloc(n);
    if (!block)
        return false;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i]->n)
            memcpy(block, texts[i]->p, texts[i]->n);
        *texts[i] = str_make(block, texts[i]->n);
        block += texts[i]->n;
    }
    return true;
}

static void free_texts(struct row_problem *p)
{
    free((void *)(uintptr_t)p->field.p);
}

bool problems_add(struct problems *p, const struct row_problem *problem)
{
    struct row_problem copy = *problem;
    p->total++;
    /* Row errors of the apply join a list that was sorted when the body ended. */
    if (p->n == REPORT_ERRORS_MAX && p->sorted)
        make_heap(p);
    if (p->n == REPORT_ERRORS_MAX && !later(&p->v[0], problem))
        return true;
    if (!p->v && !(p->v = calloc(REPORT_ERRORS_MAX, sizeof *p->v)))
        return false;
    if (!copy_texts(&copy))
        return false;
    if (p->n < REPORT_ERRORS_MAX) {
        p->v[p->n++] = copy;
        if (p->n == REPORT_ERRORS_MAX)
            make_heap(p);
        return true;
    }
    free_texts(&p->v[0]);
    p->v[0] = copy;
    sift_down(p->v, p->n, 0);
    return true;
}

static int by_position(const void *a, const void *b)
{
    return later(a, b) ? 1 : later(b, a) ? -1 : 0;
}

void problems_sort(struct problems *p)
{
    if (p->n)
        qsort(p->v, p->n, sizeof *p->v, by_position);
    p->sorted = true;
}

void problems_clear(struct problems *p)
{
    for (size_t i = 0; i < p->n; i++)
        free_texts(&p->v[i]);
    free(p->v);
    *p = (struct problems){0};
}
