/* seltzer grant: who has what on a dataset beside the roles of the site (docs/wire/views.md, "Permissions"). */
#include "cli/verb.h"

const char *const cli_grant_details =
    "LEVEL is viewer-published (reads while the dataset is published), viewer (reads), contributor (writes rows and\n"
    "metadata too) or owner (everything). DATASET is an id or a resource name.\n";

static const struct dataset *find_dataset(struct verb_call *c, struct error *err)
{
    struct str name = c->request->words[0];
    const struct dataset *d = catalog_dataset(c->house->catalog, name, err);
    if (!d && err->code == ERROR_DATASET_NOT_FOUND)
        error_set(err, ERROR_NOT_FOUND, "there is no dataset \"" FMT_STR "\"", ARG_STR(str_head_utf8(name, 200)));
    return d;
}

static bool give(struct verb_call *c, enum grant_level level, struct error *err)
{
    struct user user;
    const struct dataset *d = find_dataset(c, err), *next = NULL;
    if (d && verb_user(c, c->request->words[1], &user, err))
        next = catalog_grant(c->house->catalog, &c->by, d->id, user.id, level, err);
    dataset_release(d);
    dataset_release(next);
    return next != NULL;
}

bool verb_grant_set(struct verb_call *c, struct error *err)
{
    enum grant_level level;
    if (!grant_level_from(c->request->words[2], &level) || level == GRANT_NONE)
        return error_set(err, ERROR_BAD_REQUEST, "no level \"" FMT_STR "\"; viewer-published, viewer, contributor and owner are known", ARG_STR(c->request->words[2]));
    return give(c, level, err);
}

bool verb_grant_revoke(struct verb_call *c, struct error *err)
{
    return give(c, GRANT_NONE, err);
}

/* Who owned it before has nothing on it afterwards, unless he is given it. */
bool verb_grant_hand_over(struct verb_call *c, struct error *err)
{
    struct user user;
    const struct dataset *d = find_dataset(c, err), *next = NULL;
    if (d && verb_user(c, c->request->words[1], &user, err))
        next = catalog_hand_over(c->house->catalog, &c->by, d->id, user.id, err);
    dataset_release(d);
    dataset_release(next);
    return next != NULL;
}

static bool print_one(struct verb_call *c, const char *id, const char *level, struct error *err)
{
    struct user user;
    bool found;
    return catalog_user_by_id(c->house->catalog, id, &user, &found, err) && verb_print(c, err, "%s\t%s\t%s\n", id, found ? user.name : "-", level);
}

bool verb_grant_list(struct verb_call *c, struct error *err)
{
    const struct dataset *d = find_dataset(c, err);
    bool ok = d && print_one(c, d->owner, "current_owner", err);
    for (size_t i = 0; ok && i < d->n_grants; i++)
        ok = print_one(c, d->grants[i].user, grant_level_name(d->grants[i].level), err);
    dataset_release(d);
    return ok;
}

int cli_grant(int argc, char **argv)
{
    static const char *data = "./data";
    const struct cli_option options[] = {{"data", "DIR", "the data directory (./data)", NULL, &data, NULL, NULL, 0}};
    return cli_administer("grant", options, 1, argc, argv);
}
