/* What is shown of the chains: which records are wanted, and each as a line of JSON or CSV (docs/audit.md, "Exports"). */
#ifndef SELTZER_CATALOG_AUDIT_VIEW_H
#define SELTZER_CATALOG_AUDIT_VIEW_H

#include "catalog/audit.h"

struct audit_filter {
    int64_t since_ms, until_ms; /* until: not included; 0 for none */
    char dataset[DATASET_ID_LENGTH + 1], user[USER_ID_LENGTH + 1]; /* empty: all */
};
/* Texts as given, p NULL for none. Times: 2026-11-25, 2026-11-25T13:00:00Z; user: a log-in or a 4x4. */
must_use bool audit_filter_read(struct catalog *c, struct str since, struct str until, struct str dataset, struct str user, struct audit_filter *ret, struct error *err);

#define AUDIT_CHAIN_CATALOG "catalog" /* of a dataset's chain: its id */
extern const char audit_csv_head[];
/* Appends the record's line when the filter wants it. */
struct audit_view {
    const char *chain;
    const struct audit_filter *filter;
    bool csv;
};
must_use bool audit_view_add(const struct audit_view *v, const struct chain_link *link, struct buf *out, bool *ret_added, struct error *err);

#endif
