/* The audit: who changed what, when and from where (docs/audit.md). A chain of records in catalog.db, one a change, written in the
 * transaction of the change: hash = SHA-256(hash of the record before, 32 zero bytes for the first, followed by the record's
 * bytes). So no record can be changed, taken out, put in or moved unseen; that the last ones were cut off shows when the head is
 * kept elsewhere. Triggers refuse UPDATE and DELETE. The chains of the datasets' files are made alike (docs/storage.md, "The
 * ledger"). A record never holds a secret. */
#ifndef SELTZER_CATALOG_AUDIT_H
#define SELTZER_CATALOG_AUDIT_H

#include "catalog/catalog.h"

enum { CHAIN_HASH_BYTES = 32 };

enum audit_action {
#define X(symbol, name, sentence) AUDIT_##symbol,
#include "catalog/audit_actions.def"
#undef X
    AUDIT_ACTIONS
};
const char *audit_action_name(enum audit_action action);
const char *audit_action_sentence(enum audit_action action);

/* The last record; seq 0 and zero bytes for none. */
struct chain_head {
    int64_t seq;
    unsigned char hash[CHAIN_HASH_BYTES];
};
void chain_hash(const unsigned char before[CHAIN_HASH_BYTES], struct str entry, unsigned char ret[CHAIN_HASH_BYTES]);

/* A link as it was read. */
struct chain_link {
    int64_t seq;
    struct str entry; /* JSON; a loan for the call */
    struct str hash;  /* as it is stored: 32 bytes unless the file was changed */
};
/* Told of the links in order. *ret_enough: no more are wanted. */
typedef bool (*chain_reader)(void *ctx, const struct chain_link *link, bool *ret_enough, struct error *err);

/* The link follows from the head, which moves to it. False: the chain is broken there, the message says how. */
must_use bool chain_follow(struct chain_head *head, const struct chain_link *link, struct error *err);

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
