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
struct etag_half etag_of_view(const struct call *c, int format, const struct query *q)
{
    struct digest d;
    digest_init(&d, "view");
    digest_str(&d, c->head->query);
    digest_str(&d, http_header(c->head, "Accept"));
    digest_i64(&d, format);
    digest_str(&d, buf_str(&q->sql.text));
    for (size_t i = 0; i < q->n_columns; i++) {
        digest_str(&d, q->columns[i].name);
        digest_i64(&d, q->columns[i].type->id);
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

/* If-Match compares strongly: a weak tag matches nothing. */
static bool list_has(struct str list, struct str tag, bool weak_too)
{
    for (struct listed_tag t; next_tag(&list, &t);)
        if (t.any || ((weak_too || !t.weak) && str_eq(t.text, tag)))
            return true;
    return false;
}

enum condition condition_of_read(const struct http_head *head, const struct etag *tag, int64_t modified_ms)
{
    struct str if_match = http_header(head, "If-Match"), if_none_match = http_header(head, "If-None-Match");
    if (if_match.p && !list_has(if_match, str_from(tag->text), false))
        return CONDITION_FAILED;
    if (if_none_match.p)
        return list_has(if_none_match, str_from(tag->text), true) ? CONDITION_NOT_MODIFIED : CONDITION_GO;
    struct str since = http_header(head, "If-Modified-Since");
    int64_t seconds;
    if (if_match.p || !since.p || !clock_parse_http_date(since, &seconds))
        return CONDITION_GO;
    return modified_ms / 1000 <= seconds ? CONDITION_NOT_MODIFIED : CONDITION_GO;
}

/* Whether a list names what is stored, by the first half of its tags. */
static bool list_has_state(struct str list, const struct etag_half *state, bool weak_too)
{
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
    if (if_match.p)
        return str_eq(str_trim(if_match), STR("*")) ? PIN_PRESENT : PIN_STATE;
    return if_none_match.p && str_eq(str_trim(if_none_match), STR("*")) ? PIN_ABSENT : PIN_NOTHING;
}

bool condition_of_write(const struct http_head *head, bool exists, const struct etag_half *state, struct error *err)
{
    struct str list = http_header(head, "If-Match"), none_of = http_header(head, "If-None-Match");
    if (none_of.p && exists && list_has_state(none_of, state, true))
        return error_set(err, ERROR_PRECONDITION_FAILED, "If-None-Match names what is stored: nothing was changed");
    if (!list.p || (exists && list_has_state(list, state, false)))
        return true;
    return error_set(err, ERROR_PRECONDITION_FAILED,
                     exists ? "If-Match does not name the stored version: read it again and repeat the change"
                            : "If-Match was sent, but there is nothing there yet");
}
