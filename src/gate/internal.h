/* What the files of gate/ share; nobody else includes it but their tests. */
#ifndef SELTZER_GATE_INTERNAL_H
#define SELTZER_GATE_INTERNAL_H

#include "base/secret.h"
#include "catalog/apps.h"
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

/* ── limit.c: who pays for a request ── */
struct limits {
    struct throttle *throttle;
    struct throttle_policy policies[THROTTLE_KINDS];
};
/* Is it the token of an application that is registered and not disabled? */
must_use bool gate_app(struct catalog *catalog, struct str token, struct arena *a, struct app *ret, bool *ret_is, struct error *err);
must_use bool limits_charge(const struct limits *l, struct catalog *catalog, struct http_exchange *x, const struct principal *p, struct error *err);

/* ── sessions.c: people who logged in on a page ── */
enum {
    SESSIONS_MAX = 8192, SESSIONS_OF_USER_MAX = 20,
    SESSION_IDLE_MS = 30 * 60 * 1000, SESSION_MS = 12 * 3600 * 1000, /* without a request; at the most */
};
struct sessions;
struct sessions *sessions_new(struct error *err);
void sessions_free(struct sessions *s);
struct session_found {
    char user[USER_ID_LENGTH + 1];
    int64_t secret_version; /* of the password that it was opened with */
    char id[17];            /* public: the first digits of its hash */
};
/* `now_ms` is monotonic. */
void sessions_add(struct sessions *s, struct str secret, const struct user *user, uint64_t now_ms);
bool sessions_find(struct sessions *s, struct str secret, uint64_t now_ms, struct session_found *ret);
void sessions_end(struct sessions *s, struct str secret);

/* ── browser.c ── */
#define SESSION_COOKIE "__Host-session" /* the prefix: no neighbouring site can set it (RFC 6265bis section 4.1.3.2) */
#define FORM_COOKIE "__Host-form"       /* before there is a session */
#define CSRF_COOKIE "socrata-csrf-token"
struct str browser_session(const struct http_head *head);
/* A script of another site sent this (CORS). */
bool browser_is_foreign(const struct http_head *head);
bool browser_loads_for_another_site(const struct http_head *head);
must_use bool browser_set_session(struct http_exchange *x, const char *secret, struct error *err);
must_use bool browser_drop_session(struct http_exchange *x, struct error *err);

/* gate_authenticate without the reply: *ret_challenge tells what WWW-Authenticate a 401 is to carry. */
enum gate_challenge { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };
must_use bool gate_check(struct gate *g, const struct http_head *head, struct arena *a, struct principal *ret, enum gate_challenge *ret_challenge, struct error *err);
#endif
