/* The catalog's chain first, for it anchors the others; then each dataset's: what the catalog has of it, then what its file has.
 *
 *     heads kept elsewhere ─► catalog's chain ─► anchors ─► a dataset's chain: catalog ─► file ─► its last record is of the
 *                                                           data version that the file has */
#include "cli/audit_verify.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "catalog/history.h"

struct anchors {
    struct buf v; /* of struct chain_anchor */
    size_t n_tidy;
};

struct walk {
    struct audit_verify *verify;
    struct chain_head head;
    uint64_t records;
    const char *dataset;         /* NULL: the catalog's chain */
    const struct chain_anchor *anchor; /* where it must come past; NULL for nowhere */
    bool anchor_met;
    struct anchors *anchors;     /* of the catalog's chain: found on the way */
    bool in_file, joined;
    int64_t last_version;
    struct chain_head drained;   /* where the catalog's part ends */
    bool is_broken;
    char broken[2048];
};

static void break_at(struct walk *w, const char *text)
{
    w->is_broken = true;
    snprintf(w->broken, sizeof w->broken, "%s", text);
}

/* ── anchors ── */

static int by_dataset(const void *a, const void *b)
{
    const struct chain_anchor *x = a, *y = b;
    int order = strcmp(x->dataset, y->dataset);
    return order ? order : (x->head.seq > y->head.seq) - (x->head.seq < y->head.seq);
}

/* The last of each dataset, in the order of their ids. */
static void tidy(struct anchors *a)
{
    struct chain_anchor *v = (struct chain_anchor *)(void *)a->v.p;
    size_t n = a->v.n / sizeof *v, kept = 0;
    if (n)
        qsort(v, n, sizeof *v, by_dataset);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || strcmp(v[i].dataset, v[i + 1].dataset) != 0)
            v[kept++] = v[i];
    a->v.n = kept * sizeof *v;
    a->n_tidy = kept;
}

static const struct chain_anchor *anchor_of(const struct anchors *a, const char *dataset)
{
    struct chain_anchor probe = {.head.seq = 0};
    const struct chain_anchor *v = (const struct chain_anchor *)(const void *)a->v.p;
    size_t low = 0, n = a->v.n / sizeof *v, high = n;
    snprintf(probe.dataset, sizeof probe.dataset, "%s", dataset);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_dataset(&v[middle], &probe) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && strcmp(v[low].dataset, dataset) == 0 ? &v[low] : NULL;
}

static bool read_anchor(const struct json *m, struct chain_anchor *ret)
{
    struct str hex = json_get_str(m, STR("hash"));
    size_t n = 0;
    *ret = (struct chain_anchor){.head.seq = 0};
    if (m->key.n != DATASET_ID_LENGTH || !json_get_i64(m, STR("seq"), &ret->head.seq) || hex.n != 2 * (size_t)CHAIN_HASH_BYTES ||
        sodium_hex2bin(ret->head.hash, CHAIN_HASH_BYTES, hex.p, hex.n, NULL, &n, NULL) != 0)
        return false;
    memcpy(ret->dataset, m->key.p, m->key.n);
    return true;
}

static bool take_anchors(struct anchors *a, const struct json *entry, struct error *err)
{
    enum { UNTIDY_MAX = 4096 };
    const struct json *details = json_get(entry, STR("details"));
    for (const struct json *m = details ? details->first : NULL; m; m = m->next) {
        struct chain_anchor one;
        if (read_anchor(m, &one))
            buf_add(&a->v, &one, sizeof one);
    }
    if (!buf_ok(&a->v))
        return error_no_memory(err);
    if (a->v.n / sizeof(struct chain_anchor) > 2 * a->n_tidy + UNTIDY_MAX)
        tidy(a);
    return true;
}

/* ── a record ── */

/* What the chain cannot tell: whose record it is, which version it made, whether somebody knew it elsewhere. */
static bool look_at(struct walk *w, const struct chain_link *link, struct error *err)
{
    struct arena a = {0};
    struct json *entry;
    struct error not_json;
    char text[256];
    bool ok = true;
    if (!json_parse(&a, link->entry, &entry, &not_json)) {
        snprintf(text, sizeof text, "record %lld is no JSON", (long long)link->seq);
        break_at(w, text);
    } else if (w->dataset) {
        struct str whose = json_get_str(entry, STR("dataset")); /* records of before it was written have none */
        json_get_i64(entry, STR("version"), &w->last_version);
        if (whose.p && !str_eq(whose, str_from(w->dataset))) {
            snprintf(text, sizeof text, "record %lld is of dataset " FMT_STR, (long long)link->seq, ARG_STR(str_head_utf8(whose, 20)));
            break_at(w, text);
        }
    } else if (str_eq(json_get_str(entry, STR("action")), str_from(audit_action_name(AUDIT_ROWS_HEADS)))) {
        ok = take_anchors(w->anchors, entry, err);
    }
    arena_free(&a);
    return ok;
}

static void look_for_head(struct walk *w, const struct chain_head *kept, const char *where)
{
    char text[256];
    if (kept->seq != w->head.seq || memcmp(kept->hash, w->head.hash, CHAIN_HASH_BYTES) == 0)
        return;
    snprintf(text, sizeof text, "record %lld is another one than %s: the chain was made anew from there, or before", (long long)kept->seq, where);
    break_at(w, text);
}

static bool follow(void *ctx, const struct chain_link *link, bool *ret_enough, struct error *err)
{
    struct walk *w = ctx;
    struct error broken;
    if (!chain_follow(&w->head, link, &broken)) {
        break_at(w, broken.message);
    } else {
        w->records++;
        if (!look_at(w, link, err))
            return false;
        if (w->anchor && w->anchor->head.seq == w->head.seq) {
            w->anchor_met = true;
            look_for_head(w, &w->anchor->head, "the catalog's chain says");
        }
        for (size_t i = 0; !w->dataset && i < w->verify->n_heads; i++)
            look_for_head(w, &w->verify->heads[i], "the head that was kept says");
    }
    *ret_enough = w->is_broken;
    return true;
}

/* The file's first record is the last that the catalog had when the file was made, or the first of all. */
static bool join(struct walk *w, const struct chain_link *link, struct error *err)
{
    bool has = false;
    char text[256];
    w->joined = true;
    if (link->seq > w->drained.seq) {
        w->head = w->drained;
        return true;
    }
    if (!catalog_history_has(w->verify->catalog, w->dataset, link->seq, link->hash, &has, err))
        return false;
    if (!has) {
        snprintf(text, sizeof text, "the file begins with another record %lld than the catalog has: it is of another time or of another dataset", (long long)link->seq);
        break_at(w, text);
        return true;
    }
    w->head.seq = link->seq;
    memcpy(w->head.hash, link->hash.p, CHAIN_HASH_BYTES);
    return look_at(w, link, err);
}

static bool follow_in_file(void *ctx, const struct chain_link *link, bool *ret_enough, struct error *err)
{
    struct walk *w = ctx;
    bool first = !w->joined;
    if (first && !join(w, link, err))
        return false;
    if (!w->is_broken && !(first && link->seq == w->head.seq)) {
        if (link->seq <= w->drained.seq)
            w->records--; /* counted already */
        if (!follow(w, link, ret_enough, err))
            return false;
    }
    if (!w->is_broken)
        look_for_head(w, &w->drained, "the catalog has");
    *ret_enough = w->is_broken;
    return true;
}

/* ── a chain ── */

static bool tell(struct walk *w, const char *chain, struct error *err)
{
    char line[2200];
    w->verify->chains++;
    w->verify->records += w->records;
    w->verify->broken += w->is_broken;
    if (!w->is_broken)
        return true;
    snprintf(line, sizeof line, "broken: chain %s: %s", chain, w->broken);
    return w->verify->say(w->verify->ctx, line) || error_set(err, ERROR_STORE_UNAVAILABLE, "nobody listens any more");
}

static bool verify_catalog(struct audit_verify *v, struct anchors *anchors, struct error *err)
{
    struct walk w = {.verify = v, .anchors = anchors};
    char text[256];
    if (!catalog_audit_read(v->catalog, 0, follow, &w, err))
        return false;
    for (size_t i = 0; !w.is_broken && i < v->n_heads; i++)
        if (v->heads[i].seq > w.head.seq) {
            snprintf(text, sizeof text, "it ends with record %lld, but record %lld was there when its head was kept: its end was cut off", (long long)w.head.seq, (long long)v->heads[i].seq);
            break_at(&w, text);
        }
    tidy(anchors);
    return tell(&w, "catalog", err);
}

static void check_end(struct walk *w, int64_t version, bool has_file)
{
    char text[256] = "";
    if (w->is_broken)
        return;
    if (has_file && w->head.seq < w->drained.seq)
        snprintf(text, sizeof text, "the file ends with record %lld, but the catalog has up to record %lld", (long long)w->head.seq, (long long)w->drained.seq);
    else if (has_file && w->last_version != version)
        snprintf(text, sizeof text, "the file's rows are of version %lld, its last record, %lld, of version %lld: its end was cut off", (long long)version, (long long)w->head.seq, (long long)w->last_version);
    else if (w->anchor && !w->anchor_met)
        snprintf(text, sizeof text, "it ends with record %lld, but record %lld was there once, says the catalog's chain: its end was cut off", (long long)w->head.seq, (long long)w->anchor->head.seq);
    if (text[0])
        break_at(w, text);
}

/* What a deleted dataset's files have left to tell stays there until it is in the catalog (docs/storage.md, "The ledger"). */
static bool deletion_waits(const struct audit_verify *v, const char *id)
{
    char path[4400];
    snprintf(path, sizeof path, "%s/datasets/.%s.gone", v->dir, id);
    return access(path, F_OK) == 0;
}

static bool walk_dataset(struct walk *w, bool *ret_there, struct error *err)
{
    struct audit_verify *v = w->verify;
    const char *id = w->dataset;
    struct error gone;
    int64_t version = 0;
    /* The catalog's part may grow before the file is looked at, never the other way round: join() asks for what it has then. */
    if (!catalog_history_read(v->catalog, id, 0, follow, w, err))
        return false;
    w->drained = w->head;
    const struct dataset *d = w->is_broken ? NULL : catalog_dataset(v->catalog, str_from(id), &gone);
    *ret_there = d;
    if (d) {
        struct error unreadable = {0};
        w->head = (struct chain_head){0};
        if (!store_audit_read(v->store, d, 0, follow_in_file, w, &version, &unreadable))
            break_at(w, unreadable.message);
    }
    if (d || !deletion_waits(v, id))
        check_end(w, version, d);
    dataset_release(d);
    return true;
}

static bool verify_dataset(struct audit_verify *v, const struct anchors *anchors, const char *id, struct error *err)
{
    bool there = true, again = false;
    struct walk w;
    do { /* one that is deleted just now is looked at again when it is gone */
        w = (struct walk){.verify = v, .dataset = id, .anchor = anchor_of(anchors, id)};
        if (!walk_dataset(&w, &there, err))
            return false;
        again = !again && w.is_broken && !there;
    } while (again);
    return tell(&w, id, err);
}

/* ── all ── */

bool audit_verify(struct audit_verify *v, struct error *err)
{
    struct anchors anchors = {0};
    char(*ids)[DATASET_ID_LENGTH + 1] = NULL;
    size_t n = 0;
    v->chains = v->records = v->broken = 0;
    bool ok = verify_catalog(v, &anchors, err) &&
              catalog_chain_list(v->catalog, (const struct chain_anchor *)(const void *)anchors.v.p, anchors.n_tidy, &ids, &n, err);
    for (size_t i = 0; ok && i < n; i++)
        ok = verify_dataset(v, &anchors, ids[i], err);
    free(ids);
    buf_free(&anchors.v);
    return ok;
}
