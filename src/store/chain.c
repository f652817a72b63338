/* A chain from its beginning, whichever of its parts holds what (store.h). */
#include "store/store.h"

struct passage {
    chain_reader take;
    void *ctx;
    int64_t next;  /* the record that comes next */
    bool enough;
    bool gap;      /* the file began later: it took another's place since the catalog was asked, or a record is missing */
    bool take_gap; /* it has been asked often enough: what there is is told */
};

static bool pass(void *ctx, const struct chain_link *link, bool *ret_enough, struct error *err)
{
    struct passage *p = ctx;
    p->next = link->seq + 1;
    bool ok = p->take(p->ctx, link, &p->enough, err);
    *ret_enough = p->enough;
    return ok;
}

static bool pass_from_file(void *ctx, const struct chain_link *link, bool *ret_enough, struct error *err)
{
    struct passage *p = ctx;
    if (link->seq > p->next && !p->take_gap) {
        p->gap = *ret_enough = true;
        return true;
    }
    return pass(ctx, link, ret_enough, err);
}

static bool read_dataset(struct store *s, struct catalog *c, const char *id, struct passage *p, struct error *err)
{
    enum { TRIES = 3 };
    struct error gone;
    for (int i = 1;; i++) {
        p->gap = false;
        p->take_gap = i == TRIES;
        if (!catalog_history_read(c, id, p->next, pass, p, err))
            return false;
        const struct dataset *d = p->enough ? NULL : catalog_dataset(c, str_from(id), &gone);
        bool ok = !d || store_audit_read(s, d, p->next, pass_from_file, p, NULL, err);
        dataset_release(d);
        if (!ok || !p->gap)
            return ok;
    }
}

bool store_chain_read(struct store *s, struct catalog *c, const char *chain, int64_t from, chain_reader take, void *ctx, struct error *err)
{
    struct passage p = {.take = take, .ctx = ctx, .next = from > 0 ? from : 1};
    if (strcmp(chain, "catalog") == 0)
        return catalog_audit_read(c, p.next, take, ctx, err);
    return read_dataset(s, c, chain, &p, err);
}
