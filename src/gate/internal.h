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

/* ── failures.c: log-ins that failed, by account and by address ── */
enum {
    FAILURES_MAX = 8192,
    FAILURES_FREE = 100,              /* in a row, without any delay */
    BACK_OFF_MAX_S = 60,              /* 1, 2, 4… up to this, for ever: a delay, no lock */
    FAILURES_KEPT_MS = 24 * 3600 * 1000,
};
#define KNOWN_KEPT_MS (30ull * 24 * 3600 * 1000)
struct failures;
struct failures *failures_new(struct error *err);
void failures_free(struct failures *f);
struct log_in_try {
    unsigned char account[16], network[16], pair[16];
    bool known;      /* this account has logged in from that address */
    uint32_t count;  /* failures in a row, this try included */
};
/* account: what tells one from another. False: not to be looked at before *ret_wait_s seconds have passed. Else the try is under
 * way and failures_end() ends it. `now_ms` is monotonic. */
bool failures_begin(struct failures *f, struct str account, const char *peer, uint64_t now_ms, struct log_in_try *ret, unsigned *ret_wait_s);
enum log_in_end { LOG_IN_GOOD, LOG_IN_WRONG, LOG_IN_UNDECIDED };
void failures_end(struct failures *f, const struct log_in_try *t, enum log_in_end end, uint64_t now_ms);

/* gate_authenticate without the reply: *ret_challenge tells that a 401 is to carry WWW-Authenticate. */
must_use bool gate_check(struct gate *g, const struct http_head *head, struct arena *a, struct principal *ret, bool *ret_challenge, struct error *err);

#endif
