/* The statements that change rows, for one connection and one shape at a time. Prepared when first needed, kept for as
 * long as the shape stays. Updates are kept by the set of columns that they set. All bytes are loans for the call. */
#ifndef SELTZER_STORE_SQLITE_APPLIER_H
#define SELTZER_STORE_SQLITE_APPLIER_H

#include "rows/column.h"
#include "sql/sql.h"

struct applier;
struct applier *applier_new(struct sql *db, struct error *err);
void applier_free(struct applier *a); /* NULL is fine; the connection is not closed */

/* Which shape, and what all rows of the coming write carry. */
must_use bool applier_begin(struct applier *a, const struct columns *columns, int64_t at_ms, int64_t version, struct error *err);
/* Room for a row's cells of that shape. */
struct cell *applier_cells(struct applier *a);

/* A new row. Absent cells become null. */
must_use bool applier_insert(struct applier *a, int64_t sid, const struct cell *cells, struct error *err);

/* What an update sets: the cells that are given; with clear_absent all others become null. set_key: the key column too
 * (its bytes may differ though it is equal: 1 and 1.00). */
struct applier_update {
    const struct cell *cells;
    bool clear_absent, set_key;
};
/* A new row, or the update of the one that has its key: *ret_inserted tells. sid must never have been a row's. */
must_use bool applier_upsert(struct applier *a, int64_t sid, const struct applier_update *u, const struct cell *key, bool *ret_inserted, struct error *err);
must_use bool applier_update_key(struct applier *a, const struct applier_update *u, const struct cell *key, bool *ret_found, struct error *err);
must_use bool applier_update_sid(struct applier *a, const struct applier_update *u, int64_t sid, struct error *err);
must_use bool applier_delete_key(struct applier *a, const struct cell *key, bool *ret_deleted, struct error *err);
must_use bool applier_delete_sid(struct applier *a, int64_t sid, bool *ret_deleted, struct error *err);
must_use bool applier_find_key(struct applier *a, const struct cell *key, bool *ret_found, int64_t *ret_sid, int64_t *ret_version, struct error *err);
must_use bool applier_find_sid(struct applier *a, int64_t sid, bool *ret_found, int64_t *ret_version, struct error *err);

#endif
