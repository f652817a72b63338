/* A run is a list of records by rising key:
 *
 *     key less the key before it, count of rows, bytes of the rows (three varints), then the rows: each number less the one before it, the
 *     first less the run's `base`
 *
 * At every 4 KiB or so a record begins anew, with its whole key: an anchor, which memory knows. Looking a key up reads from the last anchor
 * that is not beyond it. */
#include "store/sqlite/postings.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/spool.h"

enum {
    PAIRS_MAX = 512 << 10,      /* of a run: 4 MiB to sort */
    ANCHOR_BYTES = 4096,
    MEMORY_BYTES = 64 << 10,    /* what is smaller needs no file */
    VARINT_BYTES_MAX = 10,
    WINDOW_BYTES = 16 << 10,    /* read at a time */
};

struct anchor {
    uint32_t key;
    uint64_t at;
};

struct run {
    int64_t base;
    uint64_t end;               /* of its records; the first begins at anchors[first].at */
    size_t first, n;            /* anchors */
};

struct postings {
    struct spool *spool;
    struct anchor *anchors;
    size_t n_anchors, cap_anchors;
    struct run *runs;
    size_t n_runs, cap_runs;
};

struct postings_builder {
    struct postings *made;
    uint64_t *pairs;            /* key << 32 | row less base */
    size_t n;
    int64_t base;
    uint64_t bytes_max;
    bool full;
    struct buf record;
};

/* ── lists that grow ── */

static bool reserve(void **v, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return true;
    size_t more = *cap ? 2 * *cap : 16;
    void *grown = realloc(*v, more * size);
    if (!grown)
        return false;
    *v = grown;
    *cap = more;
    return true;
}

bool sids_add(struct sids *s, int64_t sid)
{
    if (s->n >= s->max) {
        s->over = true;
        return true;
    }
    if (!reserve((void **)&s->v, s->n, &s->cap, sizeof *s->v))
        return false;
    s->v[s->n++] = sid;
    return true;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void sids_settle(struct sids *s)
{
    size_t n = 0;
    if (s->n)
        qsort(s->v, s->n, sizeof *s->v, by_number);
    for (size_t i = 0; i < s->n; i++)
        if (!n || s->v[n - 1] != s->v[i])
            s->v[n++] = s->v[i];
    s->n = n;
}

void sids_free(struct sids *s)
{
    free(s->v);
    *s = (struct sids){.max = s->max};
}

/* ── making ── */

struct postings_builder *postings_builder_new(const char *folder, uint64_t bytes_max, struct error *err)
{
    struct postings_builder *b = calloc(1, sizeof *b);
    struct postings *p = calloc(1, sizeof *p);
    uint64_t *pairs = malloc(PAIRS_MAX * sizeof *pairs);
    const struct spool_config config = {.scratch_dir = folder, .memory_max = MEMORY_BYTES};
    if (b && p && pairs && (p->spool = spool_new(&config, err))) {
        b->made = p;
        b->pairs = pairs;
        b->bytes_max = bytes_max;
        return b;
    }
    free(b);
    free(p);
    free(pairs);
    error_no_memory(err);
    return NULL;
}

void postings_builder_free(struct postings_builder *b)
{
    if (!b)
        return;
    postings_free(b->made);
    free(b->pairs);
    buf_free(&b->record);
    free(b);
}

bool postings_builder_is_full(const struct postings_builder *b)
{
    return b->full;
}

static int by_pair(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static size_t put_varint(unsigned char *to, uint64_t v)
{
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        to[n++] = (unsigned char)(v | 0x80);
    to[n++] = (unsigned char)v;
    return n;
}

static uint32_t key_of(uint64_t pair)
{
    return (uint32_t)(pair >> 32);
}

/* The rows of the pairs from `at` on that have its key; returns where the next key begins. */
static size_t encode_rows(struct postings_builder *b, size_t at, uint64_t *ret_count)
{
    uint64_t count = 0, before = 0;
    uint32_t key = key_of(b->pairs[at]);
    b->record.n = 0;
    for (; at < b->n && key_of(b->pairs[at]) == key; at++) {
        unsigned char bytes[VARINT_BYTES_MAX];
        uint64_t row = (uint32_t)b->pairs[at];
        if (count && row == before)
            continue;
        buf_add(&b->record, bytes, put_varint(bytes, row - before));
        before = row;
        count++;
    }
    *ret_count = count;
    return at;
}

static bool add_anchor(struct postings *p, struct run *r, uint32_t key, struct error *err)
{
    if (!reserve((void **)&p->anchors, p->n_anchors, &p->cap_anchors, sizeof *p->anchors))
        return error_no_memory(err);
    p->anchors[p->n_anchors++] = (struct anchor){key, spool_bytes(p->spool)};
    r->n++;
    return true;
}

static bool write_records(struct postings_builder *b, struct run *r, struct error *err)
{
    struct postings *p = b->made;
    uint32_t before = 0;
    for (size_t at = 0; at < b->n;) {
        unsigned char head[3 * VARINT_BYTES_MAX];
        uint64_t count;
        uint32_t key = key_of(b->pairs[at]);
        at = encode_rows(b, at, &count);
        if (!r->n || spool_bytes(p->spool) - p->anchors[p->n_anchors - 1].at >= ANCHOR_BYTES) {
            if (!add_anchor(p, r, key, err))
                return false;
            before = 0;
        }
        size_t n = put_varint(head, key - before);
        n += put_varint(head + n, count);
        n += put_varint(head + n, b->record.n);
        if (!buf_ok(&b->record))
            return error_no_memory(err);
        if (!spool_write(p->spool, head, n, err) || !spool_write(p->spool, b->record.p, b->record.n, err))
            return false;
        before = key;
    }
    return true;
}

static bool write_run(struct postings_builder *b, struct error *err)
{
    struct postings *p = b->made;
    struct run r = {.base = b->base, .first = p->n_anchors};
    if (!b->n)
        return true;
    if (!reserve((void **)&p->runs, p->n_runs, &p->cap_runs, sizeof *p->runs))
        return error_no_memory(err);
    qsort(b->pairs, b->n, sizeof *b->pairs, by_pair);
    if (!write_records(b, &r, err))
        return false;
    r.end = spool_bytes(p->spool);
    b->full = r.end > b->bytes_max;
    if (b->full)
        return error_set(err, ERROR_DISK_FULL, "the lists would be larger than %llu bytes", (unsigned long long)b->bytes_max);
    p->runs[p->n_runs++] = r;
    b->n = 0;
    return true;
}

/* A run takes numbers within 32 bits of its first. */
bool postings_builder_add(struct postings_builder *b, uint32_t key, int64_t sid, struct error *err)
{
    bool fits = b->n < PAIRS_MAX && (!b->n || (sid >= b->base && sid - b->base <= UINT32_MAX));
    if (!fits && !write_run(b, err))
        return false;
    if (!b->n)
        b->base = sid;
    b->pairs[b->n++] = (uint64_t)key << 32 | (uint64_t)(sid - b->base);
    return true;
}

/* The first read after a write gives the spool's last memory back. It is done here, so that reading changes nothing any more and needs no
 * lock. */
static bool settle(struct postings *p, struct error *err)
{
    char last;
    size_t n;
    return spool_settle(p->spool, err) && (!spool_bytes(p->spool) || spool_read(p->spool, spool_bytes(p->spool) - 1, &last, 1, &n, err));
}

struct postings *postings_finish(struct postings_builder *b, struct error *err)
{
    struct postings *p = NULL;
    if (write_run(b, err) && settle(b->made, err)) {
        p = b->made;
        b->made = NULL;
    }
    postings_builder_free(b);
    return p;
}

void postings_free(struct postings *p)
{
    if (!p)
        return;
    spool_free(p->spool);
    free(p->anchors);
    free(p->runs);
    free(p);
}

uint64_t postings_bytes(const struct postings *p)
{
    return spool_bytes(p->spool);
}

/* ── reading ── */

struct window {
    struct spool *spool;
    uint64_t at, end;           /* of what is read next */
    unsigned char bytes[WINDOW_BYTES];
    size_t from, to;            /* of the bytes not yet used */
};

static bool fill(struct window *w, struct error *err)
{
    size_t n = WINDOW_BYTES, got;
    if (w->end - w->at < n)
        n = (size_t)(w->end - w->at);
    if (!n)
        return error_set(err, ERROR_INTERNAL, "a list of rows ends within a record");
    if (!spool_read(w->spool, w->at, w->bytes, n, &got, err))
        return false;
    w->at += got;
    w->from = 0;
    w->to = got;
    return true;
}

static bool is_at_end(const struct window *w)
{
    return w->from == w->to && w->at == w->end;
}

static bool next_varint(struct window *w, uint64_t *ret, struct error *err)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (w->from == w->to && !fill(w, err))
            return false;
        unsigned char c = w->bytes[w->from++];
        v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) {
            *ret = v;
            return true;
        }
    }
    return error_set(err, ERROR_INTERNAL, "a list of rows has a number that is too long");
}

static void skip(struct window *w, uint64_t n)
{
    size_t here = w->to - w->from;
    if (n <= here) {
        w->from += (size_t)n;
        return;
    }
    w->from = w->to;
    w->at = n - here < w->end - w->at ? w->at + (n - here) : w->end;
}

static bool add_rows(struct window *w, uint64_t count, int64_t base, struct sids *ret, struct error *err)
{
    uint64_t row = 0, step;
    if (count > ret->max - ret->n) {
        ret->over = true;
        return true;
    }
    for (; count; count--) {
        if (!next_varint(w, &step, err))
            return false;
        row += step;
        if (!sids_add(ret, base + (int64_t)row))
            return error_no_memory(err);
    }
    return true;
}

/* Where to begin: the last anchor whose key is not beyond `key`, else the first. */
static uint64_t anchor_before(const struct postings *p, const struct run *r, uint32_t key)
{
    size_t low = r->first, high = r->first + r->n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (p->anchors[middle].key <= key)
            low = middle;
        else
            high = middle;
    }
    return p->anchors[low].at;
}

/* The anchor that begins at this place begins its keys anew. */
static bool is_anchor(const struct postings *p, const struct run *r, uint64_t at)
{
    size_t low = r->first, high = r->first + r->n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (p->anchors[middle].at <= at)
            low = middle;
        else
            high = middle;
    }
    return p->anchors[low].at == at;
}

static bool collect_in(const struct postings *p, const struct run *r, uint32_t from, uint32_t to, struct window *w, struct sids *ret, struct error *err)
{
    uint64_t key = 0, step, count, bytes;
    w->at = anchor_before(p, r, from);
    w->end = r->end;
    w->from = w->to = 0;
    while (!is_at_end(w) && !ret->over) {
        bool anew = is_anchor(p, r, w->at - (w->to - w->from));
        if (!next_varint(w, &step, err))
            return false;
        key = anew ? step : key + step;
        if (key > to)
            return true;
        if (!next_varint(w, &count, err) || !next_varint(w, &bytes, err))
            return false;
        if (key < from)
            skip(w, bytes);
        else if (!add_rows(w, count, r->base, ret, err))
            return false;
    }
    return true;
}

bool postings_collect(const struct postings *p, uint32_t from, uint32_t to, struct sids *ret, struct error *err)
{
    bool ok = true;
    struct window *w = malloc(sizeof *w);
    if (!w)
        return error_no_memory(err);
    w->spool = p->spool;
    for (size_t i = 0; ok && i < p->n_runs && !ret->over; i++)
        ok = collect_in(p, &p->runs[i], from, to, w, ret, err);
    free(w);
    return ok;
}
