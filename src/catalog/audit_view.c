#include "catalog/audit_view.h"

#include <sodium.h>
#include <stdio.h>

#include "base/json.h"
#include "rows/timestamp.h"

const char audit_csv_head[] = "\"chain\",\"seq\",\"time\",\"action\",\"user\",\"via\",\"peer\",\"request_id\",\"subject\",\"details\",\"hash\"\r\n";

/* ── what is wanted ── */

static bool read_time(const char *name, struct str text, int64_t *ret, struct error *err)
{
    const char *hint = NULL;
    text = str_trim(text);
    if (!text.p || (text.n && timestamp_parse(text, TIMESTAMP_FIXED, ret, &hint)))
        return true;
    error_set(err, ERROR_BAD_PARAMETER, "%s: \"" FMT_STR "\" is no time; 2026-11-25 and 2026-11-25T13:00:00Z are%s%s", name, ARG_STR(str_head_utf8(text, 100)), hint ? ": " : "", hint ? hint : "");
    error_data_str(err, "parameter", str_from(name));
    return false;
}

static bool is_4x4(struct str s)
{
    return s.n == USER_ID_LENGTH && s.p[4] == '-';
}

static bool read_user(struct catalog *c, struct str text, char ret[USER_ID_LENGTH + 1], struct error *err)
{
    struct user user;
    bool found;
    if (!text.n)
        return true;
    if (!catalog_user_by_name(c, text, &user, &found, err))
        return false;
    if (!found && !is_4x4(text))
        return error_set(err, ERROR_BAD_PARAMETER, "there is no user \"" FMT_STR "\"; one who is gone is found by the 4x4", ARG_STR(str_head_utf8(text, 100)));
    snprintf(ret, USER_ID_LENGTH + 1, FMT_STR, ARG_STR(found ? str_from(user.id) : text));
    return true;
}

/* A resource name, or the id, which stays when the dataset is gone. */
static bool read_dataset(struct catalog *c, struct str text, char ret[DATASET_ID_LENGTH + 1], struct error *err)
{
    struct error gone;
    if (!text.n)
        return true;
    const struct dataset *d = catalog_dataset(c, text, &gone);
    struct str id = d ? str_from(d->id) : text;
    bool ok = d || is_4x4(text) || error_set(err, ERROR_BAD_PARAMETER, "there is no dataset \"" FMT_STR "\"; one that was deleted is found by its 4x4", ARG_STR(str_head_utf8(text, 100)));
    if (ok)
        snprintf(ret, DATASET_ID_LENGTH + 1, FMT_STR, ARG_STR(id));
    dataset_release(d);
    return ok;
}

bool audit_filter_read(struct catalog *c, struct str since, struct str until, struct str dataset, struct str user, struct audit_filter *ret, struct error *err)
{
    *ret = (struct audit_filter){0};
    return read_time("since", since, &ret->since_ms, err) && read_time("until", until, &ret->until_ms, err) && read_dataset(c, dataset, ret->dataset, err) &&
           read_user(c, user, ret->user, err);
}

static bool is_wanted(const struct audit_view *v, const struct json *entry)
{
    const struct audit_filter *f = v->filter;
    const struct json *subject = json_get(entry, STR("subject"));
    int64_t at_ms = 0;
    json_get_i64(entry, STR("at_ms"), &at_ms);
    if ((f->since_ms && at_ms < f->since_ms) || (f->until_ms && at_ms >= f->until_ms))
        return false;
    if (f->dataset[0] && strcmp(v->chain, f->dataset) != 0 && !str_eq(json_get_str(subject, STR("dataset")), str_from(f->dataset)))
        return false;
    return !f->user[0] || str_eq(json_get_str(entry, STR("user")), str_from(f->user)) || str_eq(json_get_str(subject, STR("user")), str_from(f->user));
}

/* ── a line ── */

static void add_hex(struct buf *b, struct str hash)
{
    char hex[2 * CHAIN_HASH_BYTES + 1];
    struct str some = str_head(hash, CHAIN_HASH_BYTES);
    buf_add_z(b, sodium_bin2hex(hex, sizeof hex, (const unsigned char *)(some.p ? some.p : ""), some.n));
}

/* The entry's bytes as they are: who has the lines can compute the hashes. */
static void add_json_line(const struct audit_view *v, const struct chain_link *link, struct buf *out)
{
    buf_printf(out, "{\"chain\":\"%s\",\"seq\":%lld,\"hash\":\"", v->chain, (long long)link->seq);
    add_hex(out, link->hash);
    buf_add_z(out, "\",\"entry\":");
    buf_add_str(out, link->entry);
    buf_add_z(out, "}");
}

static void add_quoted(struct buf *b, struct str text)
{
    buf_add_byte(b, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            buf_add_byte(b, '"');
        buf_add_byte(b, text.p[i]);
    }
    buf_add_byte(b, '"');
}

static void add_member(struct buf *b, const struct json *entry, const char *name)
{
    buf_add_byte(b, ',');
    add_quoted(b, json_get_str(entry, str_from(name)));
}

static bool is_own_column(struct str key)
{
    static const char *const own[] = {"seq", "at_ms", "action", "user", "via", "peer", "request_id", "dataset", "subject"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (str_eq(key, str_from(own[i])))
            return true;
    return false;
}

/* "details", or of a dataset's chain all that has no column. */
static void write_details(const struct json *entry, struct buf *b)
{
    const struct json *details = json_get(entry, STR("details"));
    if (details) {
        json_write(details, b);
        return;
    }
    buf_add_byte(b, '{');
    for (const struct json *m = entry->first; m; m = m->next) {
        if (is_own_column(m->key))
            continue;
        buf_add_z(b, b->n > 1 ? "," : "");
        buf_add_json(b, m->key);
        buf_add_byte(b, ':');
        json_write(m, b);
    }
    buf_add_byte(b, '}');
}

static void add_csv_line(const struct audit_view *v, const struct chain_link *link, const struct json *entry, struct buf *out)
{
    struct buf text = {0};
    int64_t at_ms = 0;
    const struct json *subject = json_get(entry, STR("subject"));
    json_get_i64(entry, STR("at_ms"), &at_ms);
    buf_printf(out, "\"%s\",\"%lld\",\"", v->chain, (long long)link->seq);
    timestamp_write(at_ms, TIMESTAMP_FIXED, out);
    buf_add_byte(out, '"');
    static const char *const members[] = {"action", "user", "via", "peer", "request_id"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        add_member(out, entry, members[i]);
    if (subject)
        json_write(subject, &text);
    else
        buf_printf(&text, "{\"dataset\":\"%s\"}", v->chain);
    buf_add_byte(out, ',');
    add_quoted(out, buf_str(&text));
    buf_reset(&text);
    write_details(entry, &text);
    buf_add_byte(out, ',');
    add_quoted(out, buf_str(&text));
    buf_add_z(out, ",\"");
    add_hex(out, link->hash);
    buf_add_z(out, "\"\r\n");
    if (!buf_ok(&text))
        out->failed = true;
    buf_free(&text);
}

/* What is no JSON any more was changed, which seltzer audit verify tells of: it is shown whatever the filter, for nobody can say what it was. */
static void add_damaged(const struct audit_view *v, const struct chain_link *link, struct buf *out)
{
    if (v->csv) {
        buf_printf(out, "\"%s\",\"%lld\",,,,,,,,", v->chain, (long long)link->seq);
        add_quoted(out, link->entry);
        buf_add_z(out, ",\"");
        add_hex(out, link->hash);
        buf_add_z(out, "\"\r\n");
        return;
    }
    buf_printf(out, "{\"chain\":\"%s\",\"seq\":%lld,\"hash\":\"", v->chain, (long long)link->seq);
    add_hex(out, link->hash);
    buf_add_z(out, "\",\"damaged\":");
    buf_add_json(out, link->entry);
    buf_add_byte(out, '}');
}

bool audit_view_add(const struct audit_view *v, const struct chain_link *link, struct buf *out, bool *ret_added, struct error *err)
{
    struct arena a = {0};
    struct json *entry;
    struct error damaged;
    bool is_json = json_parse(&a, link->entry, &entry, &damaged);
    if (!is_json && damaged.code == ERROR_OUT_OF_MEMORY) {
        arena_free(&a);
        *err = damaged;
        return false;
    }
    *ret_added = !is_json || is_wanted(v, entry);
    if (!is_json)
        add_damaged(v, link, out);
    else if (*ret_added && v->csv)
        add_csv_line(v, link, entry, out);
    else if (*ret_added)
        add_json_line(v, link, out);
    arena_free(&a);
    return buf_ok(out) || error_no_memory(err);
}
