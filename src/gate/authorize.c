/* The one place where a right is decided: rights.def as a table. */
#include <stdio.h>

#include "gate/gate.h"

static const struct gate_right rights[] = {
#define X(action, role, grant, key, what) [GATE_##action] = {#action, GATE_ROLE_##role, GRANT_##grant, KEY_##key, what},
#include "gate/rights.def"
#undef X
};
_Static_assert(sizeof rights / sizeof *rights == GATE_ACTIONS, "an action without a line in rights.def has no rule");

const struct gate_right *gate_right(enum gate_action action)
{
    return &rights[action];
}

static bool has_role(const struct principal *p, enum gate_role role)
{
    switch (role) {
    case GATE_ROLE_ANYBODY: return true;
    case GATE_ROLE_SIGNED_IN: return p->kind != PRINCIPAL_ANONYMOUS;
    /* What an application leaves behind, a key for one, would outlast the consent that the user takes back. */
    case GATE_ROLE_HIMSELF: return p->kind != PRINCIPAL_ANONYMOUS && p->kind != PRINCIPAL_TOKEN;
    case GATE_ROLE_VIEWER: return p->kind != PRINCIPAL_ANONYMOUS && p->user.role >= ROLE_VIEWER;
    case GATE_ROLE_EDITOR: return p->kind != PRINCIPAL_ANONYMOUS && p->user.role >= ROLE_EDITOR;
    case GATE_ROLE_PUBLISHER: return p->kind != PRINCIPAL_ANONYMOUS && p->user.role >= ROLE_PUBLISHER;
    case GATE_ROLE_ADMINISTRATOR: return p->kind != PRINCIPAL_ANONYMOUS && p->user.role >= ROLE_ADMINISTRATOR;
    case GATE_ROLE_OPERATOR: return p->from_operator || has_role(p, GATE_ROLE_ADMINISTRATOR);
    }
    return false;
}

static bool is_shown(const struct principal *p, const struct dataset *d)
{
    switch (d->scope) {
    case SCOPE_PUBLIC: return true;
    case SCOPE_SITE: return has_role(p, GATE_ROLE_VIEWER);
    case SCOPE_PRIVATE: return false;
    }
    return false;
}

static bool user_may(const struct principal *p, const struct gate_right *r, const struct dataset *d)
{
    if (has_role(p, GATE_ROLE_ADMINISTRATOR) && r->role != GATE_ROLE_HIMSELF)
        return true;
    if ((!d || is_shown(p, d)) && has_role(p, r->role))
        return true;
    return d && r->grant != GRANT_NONE && p->kind != PRINCIPAL_ANONYMOUS && dataset_grant(d, p->user.id) >= r->grant;
}

/* What anybody may do every key may: to refuse it would protect nothing. */
static bool is_open(const struct principal *p, const struct gate_right *r, const struct dataset *d)
{
    if (r->role == GATE_ROLE_OPERATOR && p->from_operator)
        return true;
    return r->role == GATE_ROLE_ANYBODY && (!d || d->scope == SCOPE_PUBLIC);
}

static bool scope_allows(const struct key_scope *s, const struct gate_right *r, const struct dataset *d)
{
    if ((s->rights & r->key) != (unsigned)r->key)
        return false;
    if (s->n_datasets == 0 || r->key == KEY_NOTHING)
        return true;
    for (size_t i = 0; d && i < s->n_datasets && i < KEY_DATASETS_MAX; i++)
        if (strcmp(s->datasets[i], d->id) == 0)
            return true;
    return false;
}

/* All texts are constant: what a stranger reads must not tell one dataset from another. The scope of a key comes first, so that
 * whoever holds a limited one does not learn what its user may do elsewhere. */
bool gate_authorize(const struct principal *p, enum gate_action action, const struct dataset *dataset, struct error *err)
{
    const struct gate_right *r = &rights[action];
    if (is_open(p, r, dataset))
        return true;
    if (principal_is_anonymous(p))
        return user_may(p, r, dataset) || error_set(err, ERROR_AUTHENTICATION_REQUIRED, "You must be logged in to access this resource");
    if (!scope_allows(&p->scope, r, dataset))
        return error_set(err, ERROR_PERMISSION_DENIED, "This is outside of what the API key or token may be used for");
    return user_may(p, r, dataset) ||
           error_set(err, ERROR_PERMISSION_DENIED, "You have no right to do this: the dataset's owner and administrators can give it");
}

struct principal principal_of(enum principal_kind kind, const struct user *user, const char *credential)
{
    static const char *const kinds[] = {
        [PRINCIPAL_ANONYMOUS] = "", [PRINCIPAL_PASSWORD] = "password", [PRINCIPAL_SESSION] = "session", [PRINCIPAL_KEY] = "key", [PRINCIPAL_TOKEN] = "token",
    };
    struct principal p = {.kind = kind, .user = *user, .scope = {.rights = KEY_EVERYTHING}};
    snprintf(p.credential, sizeof p.credential, "%s", credential ? credential : "");
    snprintf(p.via, sizeof p.via, "%s%s%s", kinds[kind], credential ? " " : "", p.credential);
    return p;
}

bool principal_is_anonymous(const struct principal *p)
{
    return p->kind == PRINCIPAL_ANONYMOUS;
}
