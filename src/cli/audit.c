/* seltzer audit: verify every chain, export records (docs/audit.md). */
#include "catalog/audit_view.h"
#include "cli/audit_head.h"
#include "cli/audit_verify.h"
#include "cli/verb.h"

#include <stdlib.h>

const char *const cli_audit_details =
    "Who changed what, when and from where: a hash-chained record of each change of the catalog and of each write of rows.\n";

/* ── verify ── */

static bool say(void *ctx, const char *line)
{
    struct verb_call *c = ctx;
    struct error gone;
    return verb_print(c, &gone, "%s\n", line);
}

/* The head in the file, and one from a log. */
static bool kept_heads(struct verb_call *c, struct chain_head v[2], size_t *ret_n, struct error *err)
{
    char path[AUDIT_HEAD_PATH_MAX];
    struct str given = verb_option(c, "head"), file = verb_option(c, "audit-head");
    bool found;
    *ret_n = 0;
    audit_head_path(c->house->dir, file.p ? arena_str(c->arena, file).p : c->house->audit_head, path);
    if (!audit_head_read(path, &v[0], &found, err))
        return false;
    *ret_n = found;
    if (!found && !verb_print(c, err, "no head of the audit is kept at %s: that records were cut off the end of the catalog's chain could not be seen\n", path))
        return false;
    if (!given.p)
        return true;
    if (!audit_head_parse(given, &v[*ret_n]))
        return error_set(err, ERROR_BAD_REQUEST, "--head takes a number, a colon and 64 hexadecimal digits, as the log has them after \"audit head\"");
    ++*ret_n;
    return true;
}

bool verb_audit_verify(struct verb_call *c, struct error *err)
{
    struct chain_head heads[2], head;
    struct audit_verify v = {.catalog = c->house->catalog, .store = c->house->store, .dir = c->house->dir, .heads = heads, .say = say, .ctx = c};
    char text[96];
    if (!kept_heads(c, heads, &v.n_heads, err) || !audit_verify(&v, err) || !catalog_audit_head(c->house->catalog, &head, err))
        return false;
    audit_head_print(&head, text);
    if (!verb_print(c, err, "%llu chains, %llu records, head of the catalog's %s\n", (unsigned long long)v.chains, (unsigned long long)v.records, text))
        return false;
    return v.broken == 0 || error_set(err, ERROR_STORE_UNAVAILABLE, "%llu of %llu chains are broken", (unsigned long long)v.broken, (unsigned long long)v.chains);
}

/* ── export ── */

enum { PIECE_BYTES = 256 << 10 };

struct export {
    struct audit_view view;
    struct buf out;
    int64_t next;
    bool more;
};

static bool take(void *ctx, const struct chain_link *link, bool *ret_enough, struct error *err)
{
    struct export *e = ctx;
    bool added;
    e->next = link->seq + 1;
    if (!audit_view_add(&e->view, link, &e->out, &added, err))
        return false;
    if (added && !e->view.csv)
        buf_add_byte(&e->out, '\n');
    *ret_enough = e->more = e->out.n >= PIECE_BYTES;
    return buf_ok(&e->out) || error_no_memory(err);
}

static bool hand_over(struct verb_call *c, struct buf *out, struct error *err)
{
    bool ok = out->n == 0 || c->write(c->ctx, buf_str(out)) || error_set(err, ERROR_STORE_UNAVAILABLE, "the export cannot be written: nobody reads it any more");
    buf_reset(out);
    return ok;
}

/* Piece by piece: while somebody reads slowly no file is held open. */
static bool export_chain(struct verb_call *c, struct export *e, const char *chain, struct error *err)
{
    bool ok = true;
    e->view.chain = chain;
    e->next = 1;
    e->more = true;
    while (ok && e->more) {
        e->more = false;
        ok = store_chain_read(c->house->store, c->house->catalog, chain, e->next, take, e, err) && hand_over(c, &e->out, err);
    }
    return ok;
}

static bool export_all(struct verb_call *c, struct export *e, struct error *err)
{
    char(*ids)[DATASET_ID_LENGTH + 1] = NULL;
    const char *only = e->view.filter->dataset;
    size_t n = 0;
    if (!export_chain(c, e, AUDIT_CHAIN_CATALOG, err))
        return false;
    if (only[0])
        return export_chain(c, e, only, err);
    bool ok = catalog_chain_list(c->house->catalog, NULL, 0, &ids, &n, err);
    for (size_t i = 0; ok && i < n; i++)
        ok = export_chain(c, e, ids[i], err);
    free(ids);
    return ok;
}

bool verb_audit_export(struct verb_call *c, struct error *err)
{
    struct audit_filter filter;
    struct export e = {.view = {.filter = &filter}};
    struct str format = verb_option(c, "format");
    e.view.csv = str_eq(format, STR("csv"));
    if (format.p && !e.view.csv && !str_eq(format, STR("jsonl")))
        return error_set(err, ERROR_BAD_REQUEST, "no format \"" FMT_STR "\"; jsonl and csv are known", ARG_STR(format));
    if (!audit_filter_read(c->house->catalog, verb_option(c, "since"), verb_option(c, "until"), verb_option(c, "dataset"), verb_option(c, "user"), &filter, err))
        return false;
    if (e.view.csv)
        buf_add_z(&e.out, audit_csv_head);
    bool ok = hand_over(c, &e.out, err) && export_all(c, &e, err);
    buf_free(&e.out);
    return ok;
}

int cli_audit(int argc, char **argv)
{
    static const char *data = "./data", *since, *until, *dataset, *user, *format, *audit_head, *head;
    const struct cli_option options[] = {
        {"data", "DIR", "the data directory (./data)", NULL, &data, NULL, NULL, 0},
        {"audit-head", "FILE", "verify: where the head is kept (DIR/audit-head, or what the server was told)", NULL, &audit_head, NULL, NULL, 0},
        {"head", "N:HASH", "verify: also this head, out of a log", NULL, &head, NULL, NULL, 0},
        {"since", "TIME", "export: from then on; 2026-11-25, 2026-11-25T13:00:00Z", NULL, &since, NULL, NULL, 0},
        {"until", "TIME", "export: before then", NULL, &until, NULL, NULL, 0},
        {"dataset", "4x4", "export: of this dataset, also a deleted one", NULL, &dataset, NULL, NULL, 0},
        {"user", "NAME", "export: what this user did and what was done to them; a 4x4 for one who is gone", NULL, &user, NULL, NULL, 0},
        {"format", "FORMAT", "export: jsonl (unless given) or csv", NULL, &format, NULL, NULL, 0},
    };
    return cli_administer("audit", options, sizeof options / sizeof *options, argc, argv);
}
