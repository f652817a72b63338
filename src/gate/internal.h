/* What the files of gate/ share; nobody else includes it but their tests. */
#ifndef SELTZER_GATE_INTERNAL_H
#define SELTZER_GATE_INTERNAL_H

#include "gate/gate.h"

/* ── basic.c: RFC 7617 ── */
enum { AUTHORIZATION_BYTES_MAX = 8192 };
struct basic {
    struct str name, password; /* in the arena */
};
/* The value after the scheme. False: not base64, not UTF-8, no colon, U+0000, too long. */
bool basic_parse(struct str token, struct arena *a, struct basic *ret);

/* ── verdicts.c: passwords that were verified lately ── */
enum { VERDICTS_MAX = 1024, VERDICT_MS = 60000 };
struct verdicts;
struct verdicts *verdicts_new(struct error *err);
void verdicts_free(struct verdicts *v);
/* `now_ms` is monotonic. The user's secret_version is part of the key: a new password makes old verdicts unfindable. */
bool verdicts_has(struct verdicts *v, const struct user *user, struct str password, uint64_t now_ms);
void verdicts_add(struct verdicts *v, const struct user *user, struct str password, uint64_t now_ms);

/* gate_authenticate without the reply: *ret_challenge tells that a 401 is to carry WWW-Authenticate. */
must_use bool gate_check(struct gate *g, const struct http_head *head, struct arena *a, struct principal *ret, bool *ret_challenge, struct error *err);

#endif
