/* What the tests of work done ahead share: a body whose rows are staged one by one, with steps taken now and then. */
#ifndef SELTZER_TESTS_AHEAD_KIT_H
#define SELTZER_TESTS_AHEAD_KIT_H

#include "store_kit.h"

enum { ROWS = 6000, NAME_BYTES = 300 };

struct body {
    struct stage *stage;
    struct store_ahead *ahead;
    struct cell *cells;
    uint64_t rows;
    char name[NAME_BYTES];
};

static inline struct body body_begin(struct kit *k, bool replace)
{
    struct body b = {.cells = calloc(k->d->columns.n + 1, sizeof *b.cells)};
    struct stage_config config = {.columns = &k->d->columns, .scratch_dir = k->dir, .live = true};
    memset(b.name, 'x', sizeof b.name);
    GOOD(b.stage = stage_new(&config, &err));
    kit_state(k);
    const struct ahead_rows rows = {.replace = replace};
    b.ahead = store_ahead_new(k->store, k->d, b.stage, &rows);
    return b;
}

static inline void body_add(struct body *b, uint64_t key, enum stage_op op)
{
    char id[24];
    struct stage_row row = {.position = b->rows, .line = b->rows + 1, .op = op, .cells = b->cells};
    b->cells[0] = cell_text(str_make(id, (size_t)snprintf(id, sizeof id, "%llu", (unsigned long long)key)));
    b->cells[1] = cell_text(str_make(b->name, NAME_BYTES));
    b->cells[2] = cell_null();
    b->cells[3] = cell_int((int64_t)(key % 2));
    GOOD(stage_append(b->stage, &row, &err));
    b->rows++;
    if (b->ahead && random_u64() % 500 == 0)
        store_ahead_step(b->ahead, 1 + (size_t)(random_u64() % 1000000));
}

static inline void body_fill(struct body *b, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        body_add(b, b->rows, STAGE_UPSERT);
}

static inline void body_free(struct body *b)
{
    store_ahead_free(b->ahead);
    stage_free(b->stage);
    free(b->cells);
}

/* The options of `w` are kept. */
static inline void body_write(struct kit *k, struct body *b, struct write *w)
{
    w->stage = b->stage;
    w->dataset = k->d;
    w->ahead = b->ahead;
    w->request_id = "request";
    w->user_id = "aaaa-aaaa";
    GOOD(stage_finish(b->stage, &err));
    store_write_group(k->store, &w, 1);
    body_free(b);
    kit_refresh(k);
}

static inline struct write body_end(struct kit *k, struct body *b, bool replace)
{
    struct write w = {.replace = replace};
    body_write(k, b, &w);
    return w;
}

#endif
