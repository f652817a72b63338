/* Proof Key for Code Exchange, method S256 alone (RFC 7636; docs/wire/oauth.md). */
#ifndef SELTZER_CATALOG_PKCE_H
#define SELTZER_CATALOG_PKCE_H

#include "base/str.h"

enum { PKCE_CHALLENGE_LENGTH = 43, PKCE_VERIFIER_MIN = 43, PKCE_VERIFIER_MAX = 128 };

/* The form of a challenge: base64url of a SHA-256 without padding, whose last digit carries four bits. */
bool pkce_is_challenge(struct str text);
/* 43 to 128 of A–Z a–z 0–9 - . _ ~ (section 4.1). */
bool pkce_is_verifier(struct str text);
bool pkce_matches(struct str verifier, struct str challenge);

#endif
