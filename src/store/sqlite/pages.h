/* The rows of a new table, written as pages of its file, and the entries of its index while keys rise.
 *
 * For a file that a connection has made, with an empty table and an empty index, and then closed: nobody else may have it open
 * until pages_finish(). The pages are those that SQLite would write for rows in rising order, a page of its format
 * (https://www.sqlite.org/fileformat2.html) filled at a time: no statement, no binding, no cache, and the file only grows at
 * its end. Owns its descriptor; the path is borrowed. */
#ifndef SELTZER_STORE_SQLITE_PAGES_H
#define SELTZER_STORE_SQLITE_PAGES_H

#include "base/error.h"
#include "rows/type.h"

enum { PAGES_PENDING_BYTE = 0x40000000 }; /* SQLite locks there: the page that holds it stays unused */

struct pages_config {
    const char *path;
    uint32_t table_root, index_root; /* index_root 0: none */
    uint32_t pending_byte;           /* PAGES_PENDING_BYTE when 0 */
};

struct pages;
struct pages *pages_open(const struct pages_config *config, struct error *err);
/* A row: its number is the record's first column, the cells the others. Numbers must rise. */
must_use bool pages_add_row(struct pages *p, int64_t sid, const struct cell *cells, size_t n, struct error *err);
/* The index entry of a row. Keys must rise, as the index compares them. */
must_use bool pages_add_key(struct pages *p, const struct cell *key, int64_t sid, struct error *err);
/* No more entries and none of those before: the index is as empty as it was. */
void pages_drop_index(struct pages *p);
/* All written; not synced. */
must_use bool pages_finish(struct pages *p, struct error *err);
void pages_free(struct pages *p); /* NULL is fine */

#endif
