/* Verifying every chain (docs/audit.md, "Verifying"). */
#ifndef SELTZER_CLI_AUDIT_VERIFY_H
#define SELTZER_CLI_AUDIT_VERIFY_H

#include "catalog/audit.h"
#include "store/store.h"

struct audit_verify {
    struct catalog *catalog;
    struct store *store;
    const char *dir;
    const struct chain_head *heads; /* that were kept elsewhere: the catalog's chain must have them */
    size_t n_heads;
    /* A line for people, without its end: a broken chain, or what the chains come to. False: nobody listens. */
    bool (*say)(void *ctx, const char *line);
    void *ctx;
    /* out */
    uint64_t chains, records, broken;
};
/* False: could not be done. Broken chains are counted. */
must_use bool audit_verify(struct audit_verify *v, struct error *err);

#endif
