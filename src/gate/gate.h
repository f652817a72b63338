/* Before any handler: who is asking, and may they. (docs/wire/authentication.md)
 *
 * gate_authenticate reads Basic credentials, a user's or an API key's (and names the right header for the misspelt ones); verified passwords are
 * remembered for 60 s under a keyed hash and forgotten at once when the password changes; failed ones are counted, logged
 * and after 100 in a row delayed (429). gate_authorize is the one
 * place where a right is decided. */
#ifndef SELTZER_GATE_GATE_H
#define SELTZER_GATE_GATE_H

#include "catalog/catalog.h"
#include "gate/throttle.h"
#include "http/http.h"

/* What can be done; rights.def says who may. */
enum gate_action {
#define X(action, role, grant, key, what) GATE_##action,
#include "gate/rights.def"
#undef X
    GATE_ACTIONS
};
/* The roles, and three sorts of people before them. */
enum gate_role { GATE_ROLE_ANYBODY, GATE_ROLE_SIGNED_IN, GATE_ROLE_HIMSELF, GATE_ROLE_VIEWER, GATE_ROLE_EDITOR, GATE_ROLE_PUBLISHER, GATE_ROLE_ADMINISTRATOR,
                 GATE_ROLE_OPERATOR /* an administrator, or from_operator */ };
struct gate_right {
    const char *action;
    enum gate_role role;
    enum grant_level grant;
    enum key_right key;
    const char *what;
};
const struct gate_right *gate_right(enum gate_action action);

enum principal_kind { PRINCIPAL_ANONYMOUS = 0, PRINCIPAL_PASSWORD, PRINCIPAL_SESSION, PRINCIPAL_KEY, PRINCIPAL_TOKEN };

/* Who is asking. An API key or token has the rights of its user at the moment, as far as its scope lets it use them. */
struct principal {
    enum principal_kind kind;
    struct user user;       /* when not anonymous */
    struct key_scope scope; /* everything, but for a limited key */
    char credential[33];    /* the key's or token's public id, for logs; else empty */
    char via[48];           /* what the audit says of it: "password", "key ab12…" */
    struct str app_token;   /* as it was sent, known or not; lives as long as the request */
    bool from_operator;     /* asked from a network whose requests may read the metrics (http.h) */
};
/* credential: NULL for none. Not limited. */
struct principal principal_of(enum principal_kind kind, const struct user *user, const char *credential);
bool principal_is_anonymous(const struct principal *p);

/* Who a change is recorded to: the principal and where the request came from. Borrows from both. */
struct actor gate_actor(const struct principal *p, const struct http_head *head);

struct gate;
struct gate *gate_new(struct catalog *catalog, struct error *err);
void gate_free(struct gate *g);
/* False: *err is the reply (plain HTTP with credentials 403; wrong 401). Adds WWW-Authenticate to x itself. */
must_use bool gate_authenticate(struct gate *g, struct http_exchange *x, struct principal *ret, struct error *err);
/* Once more, when a long request has come to its end: who was disabled, or lost his key, session or token by then, is refused
 * (CREDENTIALS_WRONG); a role or a scope that changed is in *p as it is now. */
must_use bool gate_still_good(struct gate *g, struct http_exchange *x, struct principal *p, struct error *err);
/* A request with an app token that names no registered application, or a disabled one, is refused: PERMISSION_DENIED, "Invalid app_token
 * specified". Without it such a token is as none. Before the first request. */
void gate_be_strict_with_app_tokens(struct gate *g);
/* How fast each kind of caller may ask; until it is called anybody may as he likes. Before the first request. */
void gate_set_throttle(struct gate *g, const struct throttle_policy policies[THROTTLE_KINDS]);
/* Counts the request, and says in the reply's headers what is left. False: TOO_MANY_REQUESTS. Wrong credentials are counted by
 * gate_authenticate. */
must_use bool gate_throttle(struct gate *g, struct http_exchange *x, const struct principal *p, struct error *err);
/* dataset may be NULL for actions that concern none. False: AUTHENTICATION_REQUIRED or PERMISSION_DENIED. */
must_use bool gate_authorize(const struct principal *p, enum gate_action action, const struct dataset *dataset, struct error *err);

/* ── sessions: log-in on a page (docs/wire/authentication.md, "Sessions") ── */

/* A password typed into a form, under the same back-off as Basic. False: CREDENTIALS_WRONG or TOO_MANY_REQUESTS. */
must_use bool gate_check_password(struct gate *g, struct str name, struct str password, const char *peer, struct arena *a, struct user *ret, struct error *err);
/* Opens a new session, whatever cookie the request had, and sets its cookies. */
must_use bool gate_log_in(struct gate *g, struct http_exchange *x, const struct user *user, struct error *err);
must_use bool gate_log_out(struct gate *g, struct http_exchange *x, struct error *err);

/* The proof that a form is from our own page: made of the session's cookie, or of one set for the form alone. */
enum { CSRF_LENGTH = 43 };
bool gate_csrf(const struct http_head *head, char ret[CSRF_LENGTH + 1]);
bool gate_csrf_is(const struct http_head *head, struct str token);
must_use bool gate_begin_form(struct http_exchange *x, char ret[CSRF_LENGTH + 1], struct error *err);
/* A write under a session needs X-CSRF-Token. False: PERMISSION_DENIED. */
must_use bool gate_check_csrf(const struct principal *p, const struct http_head *head, struct error *err);

/* user and password of a Basic header (RFC 7617); false: it is none, or cannot be read. */
bool gate_read_basic(struct str authorization, struct arena *a, struct str *ret_name, struct str *ret_password);

#endif
