/* What writes left beside their rows, of files that are left: a dataset's version rows and its audit chain, in the order in which
 * they came. They stay when the dataset goes, so its id is never given again. The store takes them out of its files and checks the
 * chain (store/sqlite/drain.c); here they are kept. Adding what is there already does nothing. */
#ifndef SELTZER_CATALOG_HISTORY_H
#define SELTZER_CATALOG_HISTORY_H

#include "base/arena.h"
#include "catalog/catalog.h"
#include "catalog/chain.h"

enum { HISTORY_VERSION_CELLS = 11 };

/* The last that the catalog has of a dataset; seq 0 and version -1 for nothing. */
struct history_head {
    int64_t version;
    struct chain_head chain;
};

struct history_version {
    struct cell cells[HISTORY_VERSION_CELLS]; /* as in the table `versions` of a dataset's file (docs/storage.md) */
};

/* Some rows on their way; all memory is the arena's. */
struct history {
    struct arena arena;
    struct chain_link *links;
    struct history_version *versions;
    size_t n_links, n_versions;
};

must_use bool catalog_history_head(struct catalog *c, const char *id, struct history_head *ret, struct error *err);
/* The catalog has this link, as it is. */
must_use bool catalog_history_has(struct catalog *c, const char *id, int64_t seq, struct str hash, bool *ret, struct error *err);
/* In one transaction; that of a flip takes some along too (struct generation_flip). */
must_use bool catalog_add_history(struct catalog *c, const char *id, const struct history *h, struct error *err);

#endif
