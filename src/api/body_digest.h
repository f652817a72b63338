/* What a body must be: Content-Digest (RFC 9530) checked at its end, and the digest of the whole request that goes with an
 * Idempotency-Key, so that the same key with another request is told apart (docs/wire/rows.md, "Sending again"). */
#ifndef SELTZER_API_BODY_DIGEST_H
#define SELTZER_API_BODY_DIGEST_H

#include <sodium.h>

#include "api/api.h"

enum { IDEMPOTENCY_KEY_MAX = 255 };

struct body_digest {
    bool has_sha256, has_sha512, has_key;
    unsigned char sha256[crypto_hash_sha256_BYTES], sha512[crypto_hash_sha512_BYTES]; /* as the client said */
    struct str key;                       /* the Idempotency-Key */
    crypto_hash_sha256_state body_sha256; /* of the content as sent, coding included */
    crypto_hash_sha512_state body_sha512;
    crypto_hash_sha256_state request;     /* method, target and content */
};

must_use bool body_digest_init(struct body_digest *d, struct call *c, struct error *err);
void body_digest_push(struct body_digest *d, struct str bytes);
/* DIGEST_MISMATCH when the content is not what Content-Digest says. *ret_witness (in the call's arena) is set with a key. */
must_use bool body_digest_finish(struct body_digest *d, struct call *c, struct str *ret_witness, struct error *err);

#endif
