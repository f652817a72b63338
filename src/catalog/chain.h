/* A chain of audit records: the hash of each is SHA-256(hash of the record before, 32 zero bytes for the first, followed by the
 * record's bytes), so that none can be changed, taken out, put in or moved unseen. catalog.db has one, each dataset another, of
 * which its file holds the end and the catalog what went before (docs/audit.md; docs/storage.md, "The ledger"). */
#ifndef SELTZER_CATALOG_CHAIN_H
#define SELTZER_CATALOG_CHAIN_H

#include "base/error.h"
#include "sql/sql.h"

enum { CHAIN_HASH_BYTES = 32 };

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
/* The rows of a statement that gives seq, entry and hash. */
must_use bool chain_read(struct sql *db, struct sql_statement *st, chain_reader take, void *ctx, struct error *err);

#endif
