/* GET /seltzer/audit: the audit's records, for administrators (docs/audit.md, "Over the API"). A page of one chain, from the record after
 * `after` on: the last record's seq is the next page's `after`, and an empty page is the end. */
#include <stdio.h>

#include "api/handlers.h"
#include "catalog/audit_view.h"

enum { AUDIT_LIMIT_DEFAULT = 1000, AUDIT_LIMIT_MAX = 10000 };

struct page {
    struct audit_view view;
    struct audit_filter filter;
    char chain[DATASET_ID_LENGTH + 1];
    uint64_t after, limit, n;
    struct spool *out;
    struct buf line;
};

static struct str parameter(struct call *c, const char *name)
{
    struct str value = STR_NONE;
    return call_query(c, name, &value) && !value.p ? STR("") : value;
}

static bool read_number(struct call *c, const char *name, uint64_t least, uint64_t most, uint64_t *ret, struct error *err)
{
    struct str value;
    if (!call_query(c, name, &value) || (str_to_u64(value, ret) && *ret >= least && *ret <= most))
        return true;
    return error_set(err, ERROR_BAD_PARAMETER, "%s must be a whole number from %llu to %llu", name, (unsigned long long)least, (unsigned long long)most);
}

/* "catalog", or a dataset, also a deleted one by its 4x4. */
static bool read_chain(struct call *c, struct page *p, struct error *err)
{
    struct str given = parameter(c, "chain");
    struct audit_filter found;
    snprintf(p->chain, sizeof p->chain, AUDIT_CHAIN_CATALOG);
    if (!given.n || str_eq(given, STR(AUDIT_CHAIN_CATALOG)))
        return true;
    if (!audit_filter_read(c->api->catalog, STR_NONE, STR_NONE, given, STR_NONE, &found, err))
        return false;
    memcpy(p->chain, found.dataset, sizeof p->chain);
    return true;
}

static bool read_page(struct call *c, struct page *p, struct error *err)
{
    *p = (struct page){.limit = AUDIT_LIMIT_DEFAULT};
    p->view = (struct audit_view){.chain = p->chain, .filter = &p->filter, .csv = c->extension == EXTENSION_CSV};
    if (c->extension != EXTENSION_NONE && c->extension != EXTENSION_JSON && !p->view.csv)
        return error_set(err, ERROR_NOT_FOUND, "the audit is there as .json and as .csv");
    return read_chain(c, p, err) && read_number(c, "after", 0, INT64_MAX - 1, &p->after, err) && read_number(c, "limit", 1, AUDIT_LIMIT_MAX, &p->limit, err) &&
           audit_filter_read(c->api->catalog, parameter(c, "since"), parameter(c, "until"), parameter(c, "dataset"), parameter(c, "user"), &p->filter, err);
}

static bool take(void *ctx, const struct chain_link *link, bool *ret_enough, struct error *err)
{
    struct page *p = ctx;
    bool added;
    buf_reset(&p->line);
    if (!p->view.csv)
        buf_add_z(&p->line, p->n ? ",\n" : "[");
    if (!audit_view_add(&p->view, link, &p->line, &added, err))
        return false;
    if (added && !spool_write(p->out, p->line.p, p->line.n, err))
        return false;
    p->n += added;
    *ret_enough = p->n == p->limit;
    return true;
}

static bool write_page(struct call *c, struct page *p, struct error *err)
{
    struct str begin = p->view.csv ? str_from(audit_csv_head) : STR("");
    if (!p->out)
        return error_no_memory(err);
    if (!spool_write(p->out, begin.p, begin.n, err) || !store_chain_read(c->api->store, c->api->catalog, p->chain, (int64_t)p->after + 1, take, p, err))
        return false;
    struct str end = p->view.csv ? STR("") : p->n ? STR("]") : STR("[]");
    return spool_write(p->out, end.p, end.n, err);
}

static void run(struct call *c)
{
    struct error err;
    struct page p;
    if (!read_page(c, &p, &err)) {
        call_reply_error(c, &err);
        return;
    }
    call_reply_begin(c, 200, p.view.csv ? STR("text/csv; charset=utf-8") : STR("application/json; charset=utf-8"));
    http_reply_header(c->x, "Cache-Control", STR("no-store"));
    p.out = http_reply_body(c->x);
    bool ok = write_page(c, &p, &err);
    buf_free(&p.line);
    if (ok) {
        http_send(c->x);
        return;
    }
    http_reply_reset(c->x);
    call_reply_error(c, &err);
}

const struct handler handler_audit = {.run = run};
