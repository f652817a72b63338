/* The audit: who changed what, when and from where (docs/audit.md). A chain of records in catalog.db (chain.h), one a change, written
 * in the transaction of the change. That the last ones were cut off shows when the head is kept elsewhere. Triggers refuse UPDATE and
 * DELETE. A record never holds a secret. */
#ifndef SELTZER_CATALOG_AUDIT_H
#define SELTZER_CATALOG_AUDIT_H

#include "catalog/catalog.h"
#include "catalog/chain.h"

enum audit_action {
#define X(symbol, name, sentence) AUDIT_##symbol,
#include "catalog/audit_actions.def"
#undef X
    AUDIT_ACTIONS
};
const char *audit_action_name(enum audit_action action);
const char *audit_action_sentence(enum audit_action action);

must_use bool catalog_audit_head(struct catalog *c, struct chain_head *ret, struct error *err);
/* From record `from` on (0: all), in one snapshot that holds nobody up. */
must_use bool catalog_audit_read(struct catalog *c, int64_t from, chain_reader take, void *ctx, struct error *err);

/* Where a dataset's own chain had come to. Told to the catalog's chain now and then (AUDIT_ROWS_HEADS), so that the end of a dataset's
 * chain cannot be cut off, nor its file put back from another time, without breaking that one too. */
struct chain_anchor {
    char dataset[DATASET_ID_LENGTH + 1];
    struct chain_head head;
};
must_use bool catalog_audit_anchor(struct catalog *c, const struct actor *by, const struct chain_anchor *v, size_t n, struct error *err);

/* What the catalog has of a dataset's own chain, whether the dataset is there or was deleted (history.h). */
must_use bool catalog_history_read(struct catalog *c, const char *id, int64_t from, chain_reader take, void *ctx, struct error *err);
/* Every dataset that has a chain: those that are there, those that the catalog has some of, and those anchored; each once, in the order
 * of their ids. *ret_ids is malloc'ed, NULL for none. */
must_use bool catalog_chain_list(struct catalog *c, const struct chain_anchor *anchored, size_t n, char (**ret_ids)[DATASET_ID_LENGTH + 1], size_t *ret_n, struct error *err);

#endif
