#include <stdlib.h>

#include "catalog/internal.h"

bool snapshot_text(struct snapshot *s, struct str text, struct str *ret, struct error *err)
{
    if (!text.p) {
        *ret = STR_NONE;
        return true;
    }
    *ret = arena_str(&s->arena, text);
    return ret->p || error_no_memory(err);
}

bool snapshot_column(struct snapshot *s, const struct column *from, struct column *ret, struct error *err)
{
    *ret = *from;
    return snapshot_text(s, from->field_name, &ret->field_name, err) && snapshot_text(s, from->former_name, &ret->former_name, err) &&
           snapshot_text(s, from->name, &ret->name, err) && snapshot_text(s, from->description, &ret->description, err) &&
           snapshot_text(s, from->format_json, &ret->format_json, err) && snapshot_text(s, from->extra_json, &ret->extra_json, err);
}

struct snapshot *snapshot_new(const struct dataset *d, size_t more_columns, struct error *err)
{
    struct snapshot *s = calloc(1, sizeof *s);
    if (!s) {
        error_no_memory(err);
        return NULL;
    }
    atomic_init(&s->refs, 1);
    s->d = *d;
    s->d.columns.names = NULL;
    size_t n = d->columns.n;
    s->d.columns.v = arena_zalloc(&s->arena, (n + more_columns + 1) * sizeof *s->d.columns.v);
    bool ok = s->d.columns.v != NULL;
    if (!ok)
        error_no_memory(err);
    ok = ok && snapshot_text(s, d->name, &s->d.name, err) && snapshot_text(s, d->resource_name, &s->d.resource_name, err) &&
         snapshot_text(s, d->document_json, &s->d.document_json, err);
    for (size_t i = 0; ok && i < n; i++)
        ok = snapshot_column(s, &d->columns.v[i], &s->d.columns.v[i], err);
    ok = ok && snapshot_grants(s, d->grants, d->n_grants, err);
    if (ok)
        return s;
    dataset_release(&s->d);
    return NULL;
}

static int by_position(const void *a, const void *b)
{
    const struct column *x = a, *y = b;
    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

bool snapshot_seal(struct snapshot *s, struct error *err)
{
    struct columns *c = &s->d.columns;
    int64_t key_id = c->row_identifier >= 0 ? c->v[c->row_identifier].id : -1;
    if (c->n)
        qsort(c->v, c->n, sizeof *c->v, by_position);
    c->row_identifier = -1;
    for (size_t i = 0; i < c->n; i++) {
        c->v[i].position = (int)i + 1;
        if (c->v[i].id == key_id)
            c->row_identifier = (int)i;
    }
    return columns_index(c) || error_no_memory(err);
}

const struct dataset *dataset_retain(const struct dataset *d)
{
    atomic_fetch_add_explicit(&((struct snapshot *)(uintptr_t)d)->refs, 1, memory_order_relaxed);
    return d;
}

void dataset_release(const struct dataset *d)
{
    struct snapshot *s = (struct snapshot *)(uintptr_t)d;
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (s->d.columns.names)
        columns_unindex(&s->d.columns);
    arena_free(&s->arena);
    free(s);
}
