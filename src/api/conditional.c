/* Entity tags and conditional requests (conditional.h). */
#include "api/conditional.h"

#include <sodium.h>
#include <stdio.h>

#include "base/clock.h"

/* ── making tags ── */

struct digest {
    crypto_generichash_state state;
};

static void digest_init(struct digest *d, const char *purpose)
{
    crypto_generichash_init(&d->state, NULL, 0, crypto_generichash_BYTES_MIN);
    crypto_generichash_update(&d->state, (const unsigned char *)purpose, strlen(purpose) + 1);
}

static void digest_i64(struct digest *d, int64_t v)
{
    crypto_generichash_update(&d->state, (const unsigned char *)&v, sizeof v);
}

/* With its length, so that neighbours cannot run into each other. */
static void digest_str(struct digest *d, struct str s)
{
    digest_i64(d, (int64_t)s.n);
    crypto_generichash_update(&d->state, (const unsigned char *)(s.n ? s.p : ""), s.n);
}

static struct etag_half digest_end(struct digest *d)
{
    unsigned char bytes[crypto_generichash_BYTES_MIN];
    struct etag_half half;
    _Static_assert(ETAG_HALF_LENGTH / 2 <= sizeof bytes, "half a tag is a piece of the digest");
    crypto_generichash_final(&d->state, bytes, sizeof bytes);
    sodium_bin2hex(half.hex, sizeof half.hex, bytes, ETAG_HALF_LENGTH / 2);
    return half;
}

static void digest_dataset(struct digest *d, const struct dataset *dataset, const struct store_state *state)
{
    digest_str(d, str_from(dataset->id));
    digest_i64(d, (int64_t)state->incarnation);
}

struct etag_half etag_of_dataset(const struct dataset *dataset, const struct store_state *state)
{
    struct digest d;
    digest_init(&d, "dataset");
    digest_dataset(&d, dataset, state);
    digest_i64(&d, state->version);
    digest_i64(&d, state->shape_version);
    return digest_end(&d);
}

struct etag_half etag_of_row(const struct dataset *dataset, const struct store_state *state, int64_t sid, int64_t version)
{
    struct digest d;
    digest_init(&d, "row");
    digest_dataset(&d, dataset, state);
    digest_i64(&d, state->shape_version);
    digest_i64(&d, dataset->generation); /* rows of a fresh generation share one birth version */
    digest_i64(&d, sid);
    digest_i64(&d, version);
    return digest_end(&d);
}

/* The compiled query is part of it, not only its text: a column that got another name shows under it. */
struct etag_half etag_of_view(const struct call *c, int format, const struct query *q, int64_t now, const struct store_state *others, size_t n)
{
    struct digest d;
    digest_init(&d, "view");
    digest_str(&d, c->head->query);
    digest_str(&d, http_header(c->head, "Accept"));
    digest_i64(&d, format);
    digest_str(&d, buf_str(&q->sql.text));
    digest_i64(&d, now);
    for (size_t i = 0; i < q->n_columns; i++) {
        digest_str(&d, q->columns[i].name);
        digest_i64(&d, q->columns[i].type->id);
    }
    for (size_t i = 0; i < n; i++) {
        digest_i64(&d, (int64_t)others[i].incarnation);
        digest_i64(&d, others[i].version);
        digest_i64(&d, others[i].shape_version);
    }
    return digest_end(&d);
}

struct etag etag_join(const struct etag_half *state, const struct etag_half *view)
{
    struct etag tag;
    snprintf(tag.text, sizeof tag.text, "\"%s.%s\"", state->hex, view->hex);
    return tag;
}

/* ── comparing them ── */

struct listed_tag {
    bool any, weak;
    struct str text; /* with its quotes when it has some */
};

/* list = '*' | tag {',' tag}; tag = ['W/'] '"' … '"'. What has no quotes is taken up to the comma. */
static bool next_tag(struct str *list, struct listed_tag *ret)
{
    struct str s = *list;
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == ','))
        s = str_skip(s, 1);
    if (s.n == 0)
        return false;
    *ret = (struct listed_tag){.any = s.p[0] == '*', .weak = str_starts(s, STR("W/"))};
    if (ret->weak)
        s = str_skip(s, 2);
    size_t end;
    if (s.n && s.p[0] == '"' && str_find_byte(str_skip(s, 1), '"', &end))
        end += 2;
    else if (!str_find_byte(s, ',', &end))
        end = s.n;
    ret->text = str_trim(str_head(s, end));
    *list = str_skip(s, end);
    return true;
}

/* A list may come on several lines (RFC 9110, section 5.3). */
static bool next_line(const struct http_head *head, const char *name, size_t *at, struct str *ret)
{
    while (*at < head->n_headers) {
        const struct http_header *h = &head->headers[(*at)++];
        if (str_eq_fold(h->name, str_from(name))) {
            *ret = h->value;
            return true;
        }
    }
    return false;
}

/* If-Match compares strongly: a weak tag matches nothing. */
static bool list_has(const struct http_head *head, const char *name, struct str tag, bool weak_too)
{
    struct str list;
    for (size_t at = 0; next_line(head, name, &at, &list);)
        for (struct listed_tag t; next_tag(&list, &t);)
            if (t.any || ((weak_too || !t.weak) && str_eq(t.text, tag)))
                return true;
    return false;
}

int64_t modified_of_dataset(const struct dataset *d, const struct store_state *state)
{
    int64_t document_ms = d->modified_at * 1000;
    return state->modified_ms > document_ms ? state->modified_ms : document_ms;
}

/* If-Unmodified-Since counts only where there is no If-Match; one that is no date is ignored (RFC 9110, section 13.1.4). */
static bool has_unmodified_since(const struct http_head *head, int64_t *ret_seconds)
{
    struct str since = http_header(head, "If-Unmodified-Since");
    return !http_header(head, "If-Match").p && since.p && clock_parse_http_date(since, ret_seconds);
}

enum condition condition_of_read(const struct http_head *head, const struct etag *tag, int64_t modified_ms)
{
    bool if_match = http_header(head, "If-Match").p, if_none_match = http_header(head, "If-None-Match").p;
    int64_t seconds;
    if (if_match && !list_has(head, "If-Match", str_from(tag->text), false))
        return CONDITION_FAILED;
    if (has_unmodified_since(head, &seconds) && modified_ms / 1000 > seconds)
        return CONDITION_FAILED;
    if (if_none_match)
        return list_has(head, "If-None-Match", str_from(tag->text), true) ? CONDITION_NOT_MODIFIED : CONDITION_GO;
    struct str since = http_header(head, "If-Modified-Since");
    if (if_match || !since.p || !clock_parse_http_date(since, &seconds))
        return CONDITION_GO;
    return modified_ms / 1000 <= seconds ? CONDITION_NOT_MODIFIED : CONDITION_GO;
}

/* ── writes ── */

/* entity-tag = ["W/"] DQUOTE *etagc DQUOTE (RFC 9110, section 8.8.3) */
static bool is_entity_tag(const struct listed_tag *t)
{
    struct str s = t->text;
    if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == 0x7f)
            return false;
    return true;
}

static bool refuse_list(const char *name, struct str value, struct error *err)
{
    value = str_head_utf8(value, 200);
    error_set(err, ERROR_BAD_REQUEST,
              "%s: " FMT_STR " is neither * nor a list of entity tags; a tag stands in double quotes, as the ETag header shows it; nothing was changed", name,
              ARG_STR(value));
    error_data_str(err, "header", str_from(name));
    error_data_str(err, "value", value);
    return false;
}

/* A condition that cannot be read is not met: a write that went ahead would do what its sender wanted to keep from happening. */
static bool check_list(const struct http_head *head, const char *name, struct error *err)
{
    struct str value, list, whole = STR_NONE;
    size_t tags = 0, any = 0, lines = 0;
    for (size_t at = 0; next_line(head, name, &at, &value); lines++) {
        whole = value;
        list = value;
        for (struct listed_tag t; next_tag(&list, &t); tags++) {
            bool star = !t.weak && str_eq(t.text, STR("*"));
            struct str rest = str_trim(list);
            any += star;
            if (!(star || is_entity_tag(&t)) || (rest.n && rest.p[0] != ','))
                return refuse_list(name, value, err);
        }
    }
    return !lines || (tags && (!any || tags == 1)) || refuse_list(name, whole, err);
}

/* Whether a list names what is stored, by the first half of its tags. */
static bool list_has_state(const struct http_head *head, const char *name, const struct etag_half *state, bool weak_too)
{
    struct str list;
    for (size_t at = 0; next_line(head, name, &at, &list);)
        for (struct listed_tag t; next_tag(&list, &t);) {
            struct str stored = str_head(str_skip(t.text, 1), ETAG_HALF_LENGTH);
            if (t.any || ((weak_too || !t.weak) && str_eq(stored, str_from(state->hex))))
                return true;
        }
    return false;
}

enum condition_pin condition_pin(const struct http_head *head)
{
    struct str if_match = http_header(head, "If-Match"), if_none_match = http_header(head, "If-None-Match");
    int64_t seconds;
    if (if_match.p)
        return str_eq(str_trim(if_match), STR("*")) ? PIN_PRESENT : PIN_STATE;
    if (if_none_match.p && str_eq(str_trim(if_none_match), STR("*")))
        return PIN_ABSENT;
    return has_unmodified_since(head, &seconds) ? PIN_STATE : PIN_NOTHING;
}

bool condition_of_write(const struct http_head *head, const struct stored *stored, struct error *err)
{
    bool if_match = http_header(head, "If-Match").p;
    int64_t seconds;
    if (!check_list(head, "If-Match", err) || !check_list(head, "If-None-Match", err))
        return false;
    if (if_match && !(stored->exists && list_has_state(head, "If-Match", &stored->tag, false)))
        return error_set(err, ERROR_PRECONDITION_FAILED,
                         stored->exists ? "If-Match does not name the stored version: read it again and repeat the change"
                                        : "If-Match was sent, but there is nothing there yet");
    if (stored->exists && has_unmodified_since(head, &seconds) && stored->modified_ms / 1000 > seconds)
        return error_set(err, ERROR_PRECONDITION_FAILED, "the dataset was changed after the date of If-Unmodified-Since: read it again and repeat the change");
    if (stored->exists && list_has_state(head, "If-None-Match", &stored->tag, true))
        return error_set(err, ERROR_PRECONDITION_FAILED, "If-None-Match names what is stored: nothing was changed");
    return true;
}
