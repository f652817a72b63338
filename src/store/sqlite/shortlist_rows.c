/* What rows are listed by, and which of them a narrowing takes (shortlist.h).
 *
 * A word's key is a hash of its stem, a number's one of its value. A place is a cell of a grid of 65,535 × 65,535 over the map, numbered along
 * a Z-order curve, bits of longitude and latitude by turns: a box is a few dozen intervals of such numbers. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "rows/decimal.h"
#include "sql/functions/wkb.h"
#include "sql/functions/words.h"
#include "store/sqlite/engine.h"

/* ── keys ── */

static uint32_t hash(uint64_t h, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    return (uint32_t)(h ^ h >> 32);
}

uint32_t listed_word(struct str stem)
{
    return hash(14695981039346656037u, stem);
}

uint32_t listed_number(struct str canonical)
{
    return hash(14695981039346656037u ^ 1, decimal_trim(canonical));
}

enum { CELL_BITS = 16, CELL_LAST = 65534 }; /* 65535, 65535 would be LISTED_ELSEWHERE */

/* It never falls as v rises, which is all that boxes ask for. */
static uint32_t cell_of(double v, double from, double width)
{
    double at = floor((v - from) / width * (1 << CELL_BITS));
    return at <= 0 ? 0 : at >= CELL_LAST ? CELL_LAST : (uint32_t)at;
}

static uint32_t spread(uint32_t v)
{
    v = (v | v << 8) & 0x00ff00ff;
    v = (v | v << 4) & 0x0f0f0f0f;
    v = (v | v << 2) & 0x33333333;
    return (v | v << 1) & 0x55555555;
}

uint32_t listed_place(double x, double y)
{
    if (!(fabs(x) <= 180 && fabs(y) <= 90))
        return LISTED_ELSEWHERE;
    return spread(cell_of(x, -180, 360)) << 1 | spread(cell_of(y, -90, 180));
}

/* ── listing rows ── */

enum { KNOWN_STEMS = 4096, KNOWN_BYTES = 27 };

/* Texts use few words over and over, and stemming is what takes longest. */
struct known_stem {
    unsigned char n;
    char token[KNOWN_BYTES];
    uint32_t key;
};

struct listing_rows {
    struct store *s;
    struct generation *g;
    const struct shortlist *l;
    struct postings_builder *builder;
    struct stemmer *stemmer;
    struct known_stem *known;
    uint64_t until_ms;
    int64_t version;
};

static bool key_of_token(struct listing_rows *r, const struct tokens *t, uint32_t *ret, struct error *err)
{
    struct str token = str_make(t->token, t->n);
    struct known_stem *k = &r->known[listed_word(token) % KNOWN_STEMS];
    if (k->n == token.n && memcmp(k->token, token.p, token.n) == 0) {
        *ret = k->key;
        return true;
    }
    struct str stem = stem_of(r->stemmer, t);
    if (!stem.p)
        return error_no_memory(err);
    *ret = listed_word(stem);
    if (token.n <= KNOWN_BYTES) {
        k->n = (unsigned char)token.n;
        memcpy(k->token, token.p, token.n);
        k->key = *ret;
    }
    return true;
}

/* Stop words too: a word that is none may have the stem of one. */
static bool list_words(struct listing_rows *r, int64_t sid, struct str text, struct error *err)
{
    struct tokens t = {.text = text};
    uint32_t key = 0;
    while (tokens_next(&t))
        if (!key_of_token(r, &t, &key, err) || !postings_builder_add(r->builder, key, sid, err))
            return false;
    return true;
}

static bool list_place(struct listing_rows *r, int64_t sid, struct str wkb, struct error *err)
{
    double x, y;
    return postings_builder_add(r->builder, wkb_point(wkb, &x, &y) ? listed_place(x, y) : LISTED_ELSEWHERE, sid, err);
}

static bool list_cell(struct listing_rows *r, int64_t sid, enum listed_as as, const struct cell *c, struct error *err)
{
    if (c->kind == CELL_NULL)
        return true;
    switch (as) {
    case LISTED_TEXT:
    case LISTED_URL:
        return list_words(r, sid, c->s, err);
    case LISTED_NUMBER:
        return postings_builder_add(r->builder, listed_number(c->s), sid, err);
    case LISTED_POINT:
    case LISTED_LOCATION:
        return list_place(r, sid, c->s, err);
    }
    return true;
}

/* Nobody waits for the lists. */
static bool is_unwanted(void *ctx)
{
    const struct listing_rows *r = ctx;
    pthread_mutex_lock(&r->s->lock);
    bool unwanted = r->s->stopping || r->g->retired || r->l->log.over;
    pthread_mutex_unlock(&r->s->lock);
    return unwanted || clock_mono_ms() > r->until_ms;
}

static bool list_result(struct listing_rows *r, struct sql *db, struct sql_statement *st, int64_t *last, size_t *count, struct error *err)
{
    struct cell cells[1 + LISTED_COLUMNS_MAX];
    enum sql_step step;
    while ((step = sql_step(db, st, err)) == SQL_ROW) {
        bool ok = sql_cells(db, st, cells, 1 + r->l->n_columns, err);
        for (size_t i = 0; ok && i < r->l->n_columns; i++)
            ok = list_cell(r, cells[0].i, r->l->columns[i].as, &cells[1 + i], err);
        if (!ok) {
            sql_reset(st);
            return false;
        }
        *last = cells[0].i;
        (*count)++;
    }
    return step == SQL_DONE;
}

static struct sql_statement *prepare(const struct listing_rows *r, struct sql *db, bool one, struct error *err)
{
    static const char *const round[] = {[LISTED_TEXT] = ",c%d", [LISTED_URL] = ",url_text(c%d)", [LISTED_NUMBER] = ",c%d", [LISTED_POINT] = ",c%d",
                                        [LISTED_LOCATION] = ",loc_point(c%d)"};
    struct buf b = {0};
    buf_add_z(&b, "SELECT sid");
    for (size_t i = 0; i < r->l->n_columns; i++)
        buf_printf(&b, round[r->l->columns[i].as], r->l->columns[i].physical); /* NOLINT(clang-diagnostic-format-nonliteral): one of these */
    buf_add_z(&b, one ? " FROM rows WHERE sid=?1" : " FROM rows WHERE sid>?1 ORDER BY sid LIMIT ?2");
    struct sql_statement *st = buf_ok(&b) ? sql_prepare(db, buf_str(&b), err) : NULL;
    if (!buf_ok(&b))
        error_no_memory(err);
    buf_free(&b);
    return st;
}

/* The rows after *last, or those from *at on; as many as a snapshot is held for. */
static bool list_some(struct listing_rows *r, struct sql *db, const struct sids *those, size_t *at, int64_t *last, bool *ret_end, struct error *err)
{
    size_t count = 0;
    struct sql_statement *st = prepare(r, db, those, err);
    bool ok = st;
    if (ok && !those) {
        ok = sql_bind_i64(db, st, 1, *last, err) && sql_bind_i64(db, st, 2, SHORTLIST_CHUNK_ROWS, err) && list_result(r, db, st, last, &count, err);
        *ret_end = count < SHORTLIST_CHUNK_ROWS;
    }
    for (size_t i = 0; ok && those && *at < those->n && i < SHORTLIST_CHUNK_ROWS; i++, (*at)++)
        ok = sql_bind_i64(db, st, 1, those->v[*at], err) && list_result(r, db, st, last, &count, err);
    if (those)
        *ret_end = *at == those->n;
    sql_finalize(st);
    return ok;
}

/* In a snapshot of its own: a long one would keep the WAL from starting anew. */
static bool list_chunk(struct listing_rows *r, const struct sids *those, size_t *at, int64_t *last, bool *ret_end, struct error *err)
{
    struct store_state state;
    struct sql *db = reader_take(r->s, r->g, err);
    if (!db)
        return false;
    sql_set_interrupt(db, is_unwanted, r);
    bool ok = sql_exec(db, "BEGIN", err) && meta_read_state(db, &state, err) && list_some(r, db, those, at, last, ret_end, err);
    if (ok)
        r->version = state.version;
    sql_set_interrupt(db, NULL, NULL);
    bool good = !sql_is_broken(db) && sql_exec(db, "COMMIT", err);
    reader_give(r->s, r->g, db, good);
    return ok && good;
}

static bool list_all(struct listing_rows *r, const struct sids *those, struct error *err)
{
    bool end = false;
    size_t at = 0;
    int64_t last = 0;
    while (!end)
        if (is_unwanted(r) || !list_chunk(r, those, &at, &last, &end, err))
            return false;
    return true;
}

struct postings *shortlist_rows(struct store *s, struct generation *g, const struct shortlist *l, const struct sids *those, int64_t *ret_version, bool *ret_too_large)
{
    struct error err = {0}; /* what it is matters to nobody, but for one */
    struct postings *made = NULL;
    struct listing_rows r = {.s = s, .g = g, .l = l, .until_ms = clock_mono_ms() + SHORTLIST_MAKE_MS};
    r.builder = postings_builder_new(s->dir, SHORTLIST_BYTES_MAX, &err);
    r.stemmer = stemmer_new();
    r.known = calloc(KNOWN_STEMS, sizeof *r.known);
    if (r.builder && r.stemmer && r.known && list_all(&r, those, &err)) {
        made = postings_finish(r.builder, &err);
        r.builder = NULL;
    }
    *ret_too_large = r.builder && postings_builder_is_full(r.builder);
    *ret_version = r.version;
    postings_builder_free(r.builder);
    stemmer_free(r.stemmer);
    free(r.known);
    return made;
}

/* ── candidates by words ── */

static bool collect(const struct listings *from, uint32_t first, uint32_t last, struct sids *ret, struct error *err)
{
    for (size_t i = 0; i < from->n && !ret->over; i++)
        if (!postings_collect(from->v[i], first, last, ret, err))
            return false;
    return true;
}

/* Both sorted. */
static void intersect(struct sids *into, const struct sids *other)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < into->n; i++) {
        while (at < other->n && other->v[at] < into->v[i])
            at++;
        if (at < other->n && other->v[at] == into->v[i])
            into->v[n++] = into->v[i];
    }
    into->n = n;
}

/* The rows that have all the words, as far as words are rare enough to be listed; over: all are too common. */
static bool collect_words(const struct listings *from, const struct words *words, struct sids *ret, struct error *err)
{
    bool ok = true, any = words->n == 0; /* no words, no rows */
    struct sids one = {.max = ret->max};
    for (size_t i = 0; ok && i < words->n && (!any || ret->n); i++) {
        uint32_t key = listed_word(str_make(words->stems[i], words->lengths[i]));
        sids_free(&one);
        one.over = false;
        ok = collect(from, key, key, &one, err);
        if (!ok || one.over)
            continue;
        sids_settle(&one);
        if (any) {
            intersect(ret, &one);
        } else {
            struct sids former = *ret;
            *ret = one;
            one = former;
            any = true;
        }
    }
    ret->over = !any;
    sids_free(&one);
    return ok;
}

static bool add_all(struct sids *into, const struct sids *from)
{
    bool ok = true;
    for (size_t i = 0; ok && i < from->n; i++)
        ok = sids_add(into, from->v[i]);
    into->over |= from->over;
    return ok;
}

static bool candidates_by_words(const struct listings *from, const struct narrowing *n, struct sids *ret, struct error *err)
{
    struct sids rows = {.max = ret->max};
    struct words *words = words_new(n->words);
    if (!words)
        return error_no_memory(err);
    bool ok = collect_words(from, words, &rows, err) && (add_all(ret, &rows) || error_no_memory(err));
    if (ok && n->number.p)
        ok = collect(from, listed_number(n->number), listed_number(n->number), ret, err);
    words_free(words);
    sids_free(&rows);
    return ok;
}

/* ── candidates by place ── */

struct box {
    double x[2], y[2]; /* least, most */
};

enum { BOXES_MAX = 2 };

/* Cells of a square of the curve: 2^level × 2^level of them, from x, y on. */
struct square {
    unsigned level;
    uint32_t x, y;
};

struct grid {
    uint32_t x[2], y[2];
    unsigned finest;           /* squares are not taken apart beyond that level: what is in them besides is a few rows too many */
    uint32_t from, to;         /* an interval that may go on */
    bool open;
    const struct listings *listings;
    struct sids *rows;
};

static bool close_interval(struct grid *g, struct error *err)
{
    bool open = g->open;
    g->open = false;
    return !open || collect(g->listings, g->from, g->to, g->rows, err);
}

/* They come in the order of the curve. */
static bool add_square(struct grid *g, struct square q, struct error *err)
{
    uint32_t from = spread(q.x) << 1 | spread(q.y), size = (uint32_t)(((uint64_t)1 << 2 * q.level) - 1);
    if (g->open && from == g->to + 1) {
        g->to = from + size;
        return true;
    }
    if (!close_interval(g, err))
        return false;
    g->open = true;
    g->from = from;
    g->to = from + size;
    return true;
}

static bool walk(struct grid *g, struct square q, struct error *err) /* NOLINT(misc-no-recursion): as deep as there are levels */
{
    uint32_t last = ((uint32_t)1 << q.level) - 1, x = q.x + last, y = q.y + last;
    if (x < g->x[0] || q.x > g->x[1] || y < g->y[0] || q.y > g->y[1] || g->rows->over)
        return true;
    bool inside = q.x >= g->x[0] && x <= g->x[1] && q.y >= g->y[0] && y <= g->y[1];
    if (inside || q.level <= g->finest)
        return add_square(g, q, err);
    for (unsigned i = 0; i < 4; i++) {
        uint32_t half = (uint32_t)1 << (q.level - 1);
        const struct square part = {q.level - 1, q.x + (i >> 1) * half, q.y + (i & 1) * half};
        if (!walk(g, part, err))
            return false;
    }
    return true;
}

/* Eight squares or so along the longer side. */
static unsigned finest_of(const struct grid *g)
{
    uint32_t width = g->x[1] - g->x[0] + 1, height = g->y[1] - g->y[0] + 1, longer = width > height ? width : height;
    unsigned level = 0;
    while (longer >> level > 8)
        level++;
    return level;
}

static bool collect_box(const struct listings *from, const struct box *b, struct sids *ret, struct error *err)
{
    struct grid g = {.listings = from, .rows = ret};
    for (int i = 0; i < 2; i++) {
        g.x[i] = cell_of(b->x[i], -180, 360);
        g.y[i] = cell_of(b->y[i], -90, 180);
    }
    g.finest = finest_of(&g);
    return walk(&g, (struct square){CELL_BITS, 0, 0}, err) && close_interval(&g, err);
}

static void widen(void *ctx, double x, double y)
{
    struct box *b = ctx;
    b->x[0] = fmin(b->x[0], x);
    b->x[1] = fmax(b->x[1], x);
    b->y[0] = fmin(b->y[0], y);
    b->y[1] = fmax(b->y[1], y);
}

static size_t box_of_shape(struct str wkb, struct box *ret)
{
    *ret = (struct box){{INFINITY, -INFINITY}, {INFINITY, -INFINITY}};
    if (!wkb_visit(wkb, &(struct wkb_visitor){.ctx = ret, .position = widen}) || !(ret->x[0] <= ret->x[1]))
        return 0;
    return 1;
}

/* A circle on the globe. The radius as an angle is taken a little too large: by the least radius that the globe has anywhere, and a
 * hundredth. Round a pole, or half round the globe, there is no box. */
static size_t boxes_of_circle(const double at[3], struct box ret[BOXES_MAX])
{
    static const double least_radius = 6335439, degree = 0.017453292519943295;
    double latitude = at[0], longitude = at[1], angle = at[2] / least_radius * 1.01 + 1e-9;
    double high = (fabs(latitude) * degree) + angle;
    if (!(angle >= 0 && angle < 1 && fabs(longitude) <= 180 && high < 1.5))
        return 0;
    double across = asin(sin(angle) / cos(latitude * degree)) / degree * 1.01, up = angle / degree;
    if (!(across < 90))
        return 0;
    ret[0] = (struct box){{longitude - across, longitude + across}, {latitude - up, latitude + up}};
    if (ret[0].x[0] >= -180 && ret[0].x[1] <= 180)
        return 1;
    ret[1] = ret[0]; /* what is beyond the date line is found on its other side */
    double round = ret[0].x[0] < -180 ? 360 : -360;
    ret[1].x[0] += round;
    ret[1].x[1] += round;
    return 2;
}

static size_t boxes_of(const struct narrowing *n, struct box ret[BOXES_MAX])
{
    const double *v = n->at;
    switch (n->kind) {
    case NARROWING_BOX:
        ret[0] = (struct box){{fmin(v[1], v[3]), fmax(v[1], v[3])}, {fmin(v[0], v[2]), fmax(v[0], v[2])}};
        return 1;
    case NARROWING_CIRCLE:
        return boxes_of_circle(v, ret);
    case NARROWING_SHAPE:
        return box_of_shape(n->shape, ret);
    case NARROWING_WORDS:
    case NARROWING_NONE:
    case NARROWING_KINDS:
        break;
    }
    return 0;
}

/* A number was read from its decimal text twice, there and here: not a bit of it shall matter. */
static void add_margin(struct box *b)
{
    static const double margin = 1e-9;
    for (int i = 0; i < 2; i++) {
        b->x[i] += i ? margin : -margin;
        b->y[i] += i ? margin : -margin;
    }
}

static bool candidates_by_place(const struct listings *from, const struct narrowing *n, struct sids *ret, struct error *err)
{
    struct box boxes[BOXES_MAX];
    size_t count = boxes_of(n, boxes);
    bool ok = collect(from, LISTED_ELSEWHERE, LISTED_ELSEWHERE, ret, err);
    for (size_t i = 0; ok && i < count && !ret->over; i++) {
        add_margin(&boxes[i]);
        ok = collect_box(from, &boxes[i], ret, err);
    }
    ret->over |= count == 0;
    return ok;
}

bool shortlist_candidates(const struct listings *from, const struct narrowing *narrowing, struct sids *ret, struct error *err)
{
    return narrowing->kind == NARROWING_WORDS ? candidates_by_words(from, narrowing, ret, err) : candidates_by_place(from, narrowing, ret, err);
}
