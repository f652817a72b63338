/* The one place where a right is decided. */
#include <stdio.h>

#include "gate/gate.h"

/* What each action asks for at least. */
enum need { NEED_NOTHING, NEED_READER, NEED_SIGNED_IN, NEED_EDITOR, NEED_PUBLISHER, NEED_OWNER, NEED_ADMINISTRATOR, NEED_OPERATOR };

static enum need need_of(enum gate_action action)
{
    switch (action) {
    case GATE_PUBLIC:
    case GATE_PROBE: return NEED_NOTHING;
    case GATE_READ_METRICS: return NEED_OPERATOR;
    case GATE_READ_ROWS:
    case GATE_READ_VIEW: return NEED_READER;
    case GATE_READ_SELF: return NEED_SIGNED_IN;
    case GATE_APPEND_ROWS:
    case GATE_REPLACE_ROWS:
    case GATE_UPDATE_METADATA: return NEED_EDITOR;
    case GATE_CREATE: return NEED_PUBLISHER;
    case GATE_DELETE:
    case GATE_GRANT:
    case GATE_PUBLISH: return NEED_OWNER;
    case GATE_ADMINISTER: return NEED_ADMINISTRATOR;
    }
    return NEED_ADMINISTRATOR;
}

static bool has_role(const struct principal *p, enum user_role role)
{
    return p->kind != PRINCIPAL_ANONYMOUS && p->user.role >= role;
}

static bool owns(const struct principal *p, const struct dataset *d)
{
    return has_role(p, ROLE_ADMINISTRATOR) || (p->kind != PRINCIPAL_ANONYMOUS && d && strcmp(p->user.id, d->owner) == 0);
}

static bool is_shown(const struct principal *p, const struct dataset *d)
{
    switch (d->scope) {
    case SCOPE_PUBLIC: return true;
    case SCOPE_SITE: return has_role(p, ROLE_VIEWER);
    case SCOPE_PRIVATE: return false;
    }
    return false;
}

static bool is_allowed(const struct principal *p, enum need need, const struct dataset *d)
{
    switch (need) {
    case NEED_NOTHING: return true;
    case NEED_READER: return !d || is_shown(p, d) || owns(p, d);
    case NEED_SIGNED_IN: return p->kind != PRINCIPAL_ANONYMOUS;
    case NEED_EDITOR: return owns(p, d) || (d && has_role(p, ROLE_EDITOR) && is_shown(p, d));
    case NEED_PUBLISHER: return has_role(p, ROLE_PUBLISHER);
    case NEED_OWNER: return owns(p, d);
    case NEED_ADMINISTRATOR: return has_role(p, ROLE_ADMINISTRATOR);
    case NEED_OPERATOR: return p->from_operator || has_role(p, ROLE_ADMINISTRATOR);
    }
    return false;
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

/* Both texts are constant: what a stranger reads must not tell one dataset from another. */
bool gate_authorize(const struct principal *p, enum gate_action action, const struct dataset *dataset, struct error *err)
{
    if (is_allowed(p, need_of(action), dataset))
        return true;
    if (principal_is_anonymous(p))
        return error_set(err, ERROR_AUTHENTICATION_REQUIRED, "You must be logged in to access this resource");
    return error_set(err, ERROR_PERMISSION_DENIED, "You have no right to do this: the dataset's owner and administrators can give it");
}
