/* The one place where a right is decided. */
#include "gate/gate.h"

/* What each action asks for at least. */
enum need { NEED_NOTHING, NEED_READER, NEED_SIGNED_IN, NEED_OWNER };

static enum need need_of(enum gate_action action)
{
    switch (action) {
    case GATE_PUBLIC: return NEED_NOTHING;
    case GATE_READ_ROWS:
    case GATE_READ_VIEW: return NEED_READER;
    case GATE_CREATE_VIEW:
    case GATE_READ_SELF: return NEED_SIGNED_IN;
    case GATE_WRITE_ROWS:
    case GATE_TRUNCATE:
    case GATE_UPDATE_VIEW:
    case GATE_DELETE_VIEW:
    case GATE_GRANT:
    case GATE_PUBLISH: return NEED_OWNER;
    }
    return NEED_OWNER;
}

static bool owns(const struct principal *p, const struct dataset *d)
{
    return !p->anonymous && (p->user.is_administrator || (d && strcmp(p->user.id, d->owner) == 0));
}

static bool is_shown(const struct principal *p, const struct dataset *d)
{
    switch (d->scope) {
    case SCOPE_PUBLIC: return true;
    case SCOPE_SITE: return !p->anonymous;
    case SCOPE_PRIVATE: return false;
    }
    return false;
}

static bool is_allowed(const struct principal *p, enum need need, const struct dataset *d)
{
    switch (need) {
    case NEED_NOTHING: return true;
    case NEED_READER: return !d || is_shown(p, d) || owns(p, d);
    case NEED_SIGNED_IN: return !p->anonymous;
    case NEED_OWNER: return owns(p, d);
    }
    return false;
}

/* Both texts are constant: what a stranger reads must not tell one dataset from another. */
bool gate_authorize(const struct principal *p, enum gate_action action, const struct dataset *dataset, struct error *err)
{
    if (is_allowed(p, need_of(action), dataset))
        return true;
    if (p->anonymous)
        return error_set(err, ERROR_AUTHENTICATION_REQUIRED, "You must be logged in to access this resource");
    return error_set(err, ERROR_PERMISSION_DENIED, "You have no right to do this: the dataset's owner and administrators have it");
}
