/* Who has what on a dataset beside its owner. In the snapshot, sorted, so that to decide a right costs a search in memory
 * and an old snapshot goes on meaning what it meant. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "catalog/internal.h"

static const char *const level_names[] = {
    [GRANT_NONE] = "none", [GRANT_VIEWER_PUBLISHED] = "viewer-published", [GRANT_VIEWER] = "viewer", [GRANT_CONTRIBUTOR] = "contributor", [GRANT_OWNER] = "owner",
};
enum { LEVELS = sizeof level_names / sizeof *level_names };

const char *grant_level_name(enum grant_level level)
{
    return level_names[level];
}

bool grant_level_from(struct str name, enum grant_level *ret)
{
    for (int i = 0; i < LEVELS; i++)
        if (str_eq(name, str_from(level_names[i]))) {
            *ret = (enum grant_level)i;
            return true;
        }
    return false;
}

static int by_user(const void *a, const void *b)
{
    const struct grant *x = a, *y = b;
    return strcmp(x->user, y->user);
}

static const struct grant *find(const struct dataset *d, const char *user)
{
    size_t low = 0, high = d->n_grants;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(d->grants[middle].user, user);
        if (order == 0)
            return &d->grants[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

enum grant_level dataset_grant(const struct dataset *d, const char *user)
{
    if (strcmp(d->owner, user) == 0)
        return GRANT_OWNER;
    const struct grant *g = find(d, user);
    if (!g)
        return GRANT_NONE;
    if (g->level == GRANT_VIEWER_PUBLISHED)
        return d->stage == DATASET_PUBLISHED ? GRANT_VIEWER : GRANT_NONE;
    return g->level;
}

bool snapshot_grants(struct snapshot *s, const struct grant *v, size_t n, struct error *err)
{
    s->d.grants = NULL;
    s->d.n_grants = 0;
    if (n == 0)
        return true;
    struct grant *copy = arena_alloc(&s->arena, n * sizeof *copy);
    if (!copy)
        return error_no_memory(err);
    memcpy(copy, v, n * sizeof *copy);
    qsort(copy, n, sizeof *copy, by_user);
    s->d.grants = copy;
    s->d.n_grants = n;
    return true;
}

/* ── in catalog.db ── */

/* A number that no version wrote gives nothing. */
static bool read_grant(struct sql_statement *q, struct grant *ret)
{
    int64_t level = sql_i64(q, 1);
    struct str user = sql_text(q, 0);
    if (level <= GRANT_NONE || level >= LEVELS || user.n != USER_ID_LENGTH)
        return false;
    memcpy(ret->user, user.p, USER_ID_LENGTH);
    ret->user[USER_ID_LENGTH] = 0;
    ret->level = (enum grant_level)level;
    return true;
}

bool snapshot_load_grants(struct catalog *c, struct snapshot *s, struct error *err)
{
    struct sql_statement *q = sql_cached(c->writer, STR("SELECT user, level FROM dataset_grant WHERE dataset = ?1"), err);
    bool row = true, ok = q && sql_bind_i64(c->writer, q, 1, s->d.number, err);
    struct buf found = {0};
    while (ok && (ok = db_step(c->writer, q, &row, err)) && row) {
        struct grant g;
        if (read_grant(q, &g))
            buf_add(&found, &g, sizeof g);
    }
    if (q)
        sql_reset(q);
    ok = ok && (buf_ok(&found) || error_no_memory(err)) && snapshot_grants(s, (const struct grant *)(const void *)found.p, found.n / sizeof(struct grant), err);
    buf_free(&found);
    return ok;
}

static bool store_grants(struct change *ch, struct error *err)
{
    const struct dataset *d = &ch->next->d;
    if (!db_run(ch->c->writer, err, "DELETE FROM dataset_grant WHERE dataset = ?1", "i", d->number))
        return false;
    for (size_t i = 0; i < d->n_grants; i++)
        if (!db_run(ch->c->writer, err, "INSERT INTO dataset_grant(dataset, user, level) VALUES(?1, ?2, ?3)", "iti", d->number, str_from(d->grants[i].user), (int64_t)d->grants[i].level))
            return false;
    return true;
}

/* ── changes ── */

static bool check_grants(const struct dataset *d, struct error *err)
{
    if (d->n_grants > GRANTS_MAX)
        return error_set(err, ERROR_LIMIT_EXCEEDED, "a dataset is shared with %d users at most", GRANTS_MAX);
    for (size_t i = 0; i < d->n_grants; i++) {
        if (strcmp(d->grants[i].user, d->owner) == 0)
            return error_set(err, ERROR_BAD_REQUEST, "user %s owns the dataset and cannot have another access level beside that", d->owner);
        if (i && strcmp(d->grants[i].user, d->grants[i - 1].user) == 0)
            return error_set(err, ERROR_BAD_REQUEST, "user %s is named twice; one access level a user is taken", d->grants[i].user);
    }
    return true;
}

static bool store_sharing(struct change *ch, struct error *err)
{
    const struct dataset *d = &ch->next->d;
    return check_grants(d, err) && store_grants(ch, err) && db_run(ch->c->writer, err, "UPDATE dataset SET owner = ?2 WHERE number = ?1", "it", d->number, str_from(d->owner));
}

const struct dataset *catalog_share(struct catalog *c, const struct actor *by, const char *id, const struct sharing *sharing, struct error *err)
{
    struct change ch;
    if (!change_begin(&ch, c, by, id, 0, err))
        return NULL;
    struct dataset *d = &ch.next->d;
    if (sharing->scope)
        d->scope = *sharing->scope;
    if (sharing->owner)
        snprintf(d->owner, sizeof d->owner, "%s", sharing->owner);
    d->modified_at = clock_wall_ms() / 1000;
    bool ok = !sharing->grants || snapshot_grants(ch.next, sharing->grants, sharing->n_grants, err);
    return change_end(&ch, AUDIT_DATASET_SHARE, ok && store_sharing(&ch, err), err);
}

/* The list without that user, and with his new level. */
static bool with_grant(struct snapshot *s, const char *user, enum grant_level level, struct error *err)
{
    const struct dataset *d = &s->d;
    struct grant *v = arena_alloc(&s->arena, (d->n_grants + 1) * sizeof *v);
    size_t n = 0;
    if (!v)
        return error_no_memory(err);
    for (size_t i = 0; i < d->n_grants; i++)
        if (strcmp(d->grants[i].user, user) != 0)
            v[n++] = d->grants[i];
    if (level != GRANT_NONE) {
        v[n] = (struct grant){.level = level};
        snprintf(v[n].user, sizeof v[n].user, "%s", user);
        n++;
    }
    return snapshot_grants(s, v, n, err);
}

const struct dataset *catalog_grant(struct catalog *c, const struct actor *by, const char *id, const char *user, enum grant_level level, struct error *err)
{
    struct change ch;
    if (!change_begin(&ch, c, by, id, 0, err))
        return NULL;
    ch.next->d.modified_at = clock_wall_ms() / 1000;
    bool ok = with_grant(ch.next, user, level, err);
    return change_end(&ch, AUDIT_DATASET_SHARE, ok && store_sharing(&ch, err), err);
}

const struct dataset *catalog_hand_over(struct catalog *c, const struct actor *by, const char *id, const char *user, struct error *err)
{
    struct change ch;
    if (!change_begin(&ch, c, by, id, 0, err))
        return NULL;
    struct dataset *d = &ch.next->d;
    snprintf(d->owner, sizeof d->owner, "%s", user);
    d->modified_at = clock_wall_ms() / 1000;
    bool ok = with_grant(ch.next, user, GRANT_NONE, err);
    return change_end(&ch, AUDIT_DATASET_SHARE, ok && store_sharing(&ch, err), err);
}
