/* Hashing, following and reading chains of audit records (chain.h). */
#include "catalog/chain.h"

#include <sodium.h>

void chain_hash(const unsigned char before[CHAIN_HASH_BYTES], struct str entry, unsigned char ret[CHAIN_HASH_BYTES])
{
    crypto_hash_sha256_state h;
    crypto_hash_sha256_init(&h);
    crypto_hash_sha256_update(&h, before, CHAIN_HASH_BYTES);
    crypto_hash_sha256_update(&h, (const unsigned char *)entry.p, entry.n);
    crypto_hash_sha256_final(&h, ret);
}

bool chain_follow(struct chain_head *head, const struct chain_link *link, struct error *err)
{
    unsigned char hash[CHAIN_HASH_BYTES];
    const long long seq = link->seq, last = head->seq;
    if (seq > last + 1)
        return error_set(err, ERROR_STORE_UNAVAILABLE, "record %lld is missing: what comes after record %lld is record %lld", last + 1, last, seq);
    chain_hash(head->hash, link->entry, hash);
    if (seq != last + 1 || link->hash.n != sizeof hash || memcmp(hash, link->hash.p, sizeof hash) != 0)
        return error_set(err, ERROR_STORE_UNAVAILABLE, "record %lld does not follow from what is before it: it was changed, put in or moved, or something before it was", seq);
    head->seq = seq;
    memcpy(head->hash, hash, sizeof hash);
    return true;
}

bool chain_read(struct sql *db, struct sql_statement *st, chain_reader take, void *ctx, struct error *err)
{
    enum sql_step step = SQL_DONE;
    bool enough = false, ok = true;
    while (ok && !enough && (step = sql_step(db, st, err)) == SQL_ROW) {
        struct cell cells[3];
        ok = sql_cells(db, st, cells, 3, err);
        const struct chain_link link = {cells[0].i, cells[1].s, cells[2].s};
        ok = ok && take(ctx, &link, &enough, err);
    }
    return ok && (step == SQL_ROW || step == SQL_DONE);
}
