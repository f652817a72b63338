/* The rows that the figures are measured with: 22 columns in the shape of a city's crime reports, made from a seed.
 *
 * A row is a pure function of seed, key and generation: it can be made anywhere, any number of times, without keeping
 * it. Between two generations every row of a key differs, so nothing that a store might skip is measured. A workload
 * says which keys come in which order; keys that exist are the even ones below 2 × table_rows. */
#ifndef SELTZER_BENCH_WORKLOAD_H
#define SELTZER_BENCH_WORKLOAD_H

#include "rows/type.h"

enum { WORKLOAD_COLUMNS = 22, WORKLOAD_KEY_COLUMN = 1, WORKLOAD_ROW_BYTES = 768 };

struct workload_column {
    const char *field_name, *name, *view_type;
    enum type_id type;
};
extern const struct workload_column workload_columns[WORKLOAD_COLUMNS];

enum workload_mix {
    WORKLOAD_LOAD,   /* the table itself: rows = table_rows, every key is new in an empty table */
    WORKLOAD_INSERT, /* keys that are not in the table, spread over it */
    WORKLOAD_UPDATE, /* keys that are in the table, spread over it */
    WORKLOAD_HALF,   /* half of the keys exist */
};

/* Plain values, copied freely. rows ≤ table_rows, for WORKLOAD_HALF ≤ 2 × table_rows. */
struct workload {
    uint64_t seed, table_rows, rows;
    enum workload_mix mix;
    bool is_shuffled;    /* else the keys rise */
    uint32_t generation; /* raise it from write to write */
};

/* The key of the i-th row. Different for every i. */
uint64_t workload_key(const struct workload *w, uint64_t i);

/* A row as typed cells, as ingest would have made them; their bytes are the row's own, so it must not be copied. */
struct workload_row {
    struct cell cells[WORKLOAD_COLUMNS];
    size_t used;
    char bytes[WORKLOAD_ROW_BYTES];
};
void workload_make(const struct workload *w, uint64_t i, struct workload_row *ret);

/* The same row as a body holds it: a JSON object, or a CSV line with its line end. Nulls are left out, or empty. */
void workload_add_json(const struct workload_row *r, struct buf *out);
void workload_add_csv(const struct workload_row *r, struct buf *out);
void workload_add_csv_header(struct buf *out);
/* Rows first … first + n - 1 as a whole body: an array, or CSV with its header. */
void workload_add_json_body(const struct workload *w, uint64_t first, uint64_t n, struct buf *out);
void workload_add_csv_body(const struct workload *w, uint64_t first, uint64_t n, struct buf *out);
/* The document for POST /api/views that makes the dataset, identified by case_number. */
void workload_add_view(const char *name, struct buf *out);

#endif
