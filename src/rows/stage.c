/* The stage (stage.h). Rows are appended to a tail buffer; full tails go to a spool, so a small write never leaves its
 * buffer and a large one is a file read back in big pieces.
 *
 * A row is   length:u32 | flags:u8 | position, line, [sid], [version]: varint | a kind nibble a column | the cells
 * where an integer cell is a zigzag varint and text and blobs are a varint length and their bytes. The length does not
 * count itself. Machine order: a stage never leaves the process. */
#include "rows/stage.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/spool.h"

enum {
    TAIL_MAX = 256 << 10,
    MEMORY_DEFAULT = 8 << 20,
    /* All stages of the process together: beyond it a new stage keeps only its tail in memory. */
    MEMORY_OF_ALL = 64 << 20,
    MEMORY_LEAST = 1, /* a spool keeps something in memory */
    FLAG_DELETE = 1,
    FLAG_KEY_NULL = 2,
    SID_SHIFT = 2,
    VERSION_SHIFT = 4,
    STATE_MASK = 3,
    VARINT_MAX = 10,
};

static atomic_size_t memory_in_use;

struct stage {
    const struct columns *columns;
    const char *scratch_dir;
    size_t memory_max, memory_reserved;
    bool live;
    atomic_bool finished;
    atomic_ullong settled; /* live: bytes in the file, whole rows */
    struct buf tail;
    struct spool *spool; /* NULL until the first tail is full */
    uint64_t rows, bytes;
};

struct stage *stage_new(const struct stage_config *config, struct error *err)
{
    struct stage *s = calloc(1, sizeof *s);
    if (!s) {
        error_no_memory(err);
        return NULL;
    }
    s->columns = config->columns;
    s->scratch_dir = config->scratch_dir;
    s->memory_max = config->memory_max ? config->memory_max : MEMORY_DEFAULT;
    s->live = config->live && config->scratch_dir;
    return s;
}

void stage_free(struct stage *s)
{
    if (!s)
        return;
    atomic_fetch_sub(&memory_in_use, s->memory_reserved);
    spool_free(s->spool);
    buf_free(&s->tail);
    free(s);
}

const struct columns *stage_columns(const struct stage *s)
{
    return s->columns;
}

uint64_t stage_rows(const struct stage *s)
{
    return s->rows;
}

uint64_t stage_bytes(const struct stage *s)
{
    return s->bytes;
}

/* ── encoding ── */

static inline unsigned char *put_varint(unsigned char *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (unsigned char)(v | 0x80);
        v >>= 7;
    }
    *p++ = (unsigned char)v;
    return p;
}

static inline const unsigned char *get_varint(const unsigned char *p, uint64_t *ret)
{
    uint64_t v = *p & 0x7f;
    for (unsigned shift = 7; *p++ & 0x80; shift += 7)
        v |= (uint64_t)(*p & 0x7f) << shift;
    *ret = v;
    return p;
}

static inline uint64_t zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* An upper bound of the encoded size. */
static size_t encoded_max(const struct stage *s, const struct stage_row *row)
{
    size_t n = sizeof(uint32_t) + 1 + 4 * VARINT_MAX + (s->columns->n + 1) / 2;
    for (size_t i = 0; i < s->columns->n; i++)
        n += VARINT_MAX + (row->cells[i].kind >= CELL_TEXT ? row->cells[i].s.n : 0);
    return n;
}

static unsigned char *put_cells(unsigned char *p, const struct cell *cells, size_t n)
{
    unsigned char *kinds = p;
    p += (n + 1) / 2;
    memset(kinds, 0, (n + 1) / 2);
    for (size_t i = 0; i < n; i++) {
        const struct cell *c = &cells[i];
        kinds[i / 2] |= (unsigned char)(c->kind << (i & 1 ? 4 : 0));
        if (c->kind == CELL_INT) {
            p = put_varint(p, zigzag(c->i));
        } else if (c->kind >= CELL_TEXT) {
            p = put_varint(p, c->s.n);
            if (c->s.n)
                memcpy(p, c->s.p, c->s.n);
            p += c->s.n;
        }
    }
    return p;
}

static bool open_spool(struct stage *s, struct error *err)
{
    if (!s->live) {
        size_t in_use = atomic_fetch_add(&memory_in_use, s->memory_max);
        s->memory_reserved = s->memory_max;
        if (in_use + s->memory_max > MEMORY_OF_ALL) {
            atomic_fetch_sub(&memory_in_use, s->memory_max);
            s->memory_reserved = 0;
        }
    }
    struct spool_config config = {.scratch_dir = s->scratch_dir, .memory_max = s->memory_reserved ? s->memory_reserved : MEMORY_LEAST};
    s->spool = spool_new(&config, err);
    return s->spool;
}

/* The spool's first bytes are in memory: a live stage, whose reader knows only the file, has none there but these. */
static bool settle(struct stage *s, struct error *err)
{
    if (!spool_settle(s->spool, err))
        return false;
    atomic_store_explicit(&s->settled, spool_bytes(s->spool) - MEMORY_LEAST, memory_order_release);
    return true;
}

static bool flush_tail(struct stage *s, struct error *err)
{
    static const char nothing[MEMORY_LEAST];
    if (!s->spool && (!open_spool(s, err) || (s->live && !spool_write(s->spool, nothing, sizeof nothing, err))))
        return false;
    if (!spool_write(s->spool, s->tail.p, s->tail.n, err))
        return false;
    buf_reset(&s->tail);
    return !s->live || settle(s, err);
}

bool stage_append(struct stage *s, const struct stage_row *row, struct error *err)
{
    size_t max = encoded_max(s, row);
    if (s->tail.n && s->tail.n + max > TAIL_MAX && !flush_tail(s, err))
        return false;
    char *room = buf_room(&s->tail, max);
    if (!room)
        return error_no_memory(err);

    unsigned char *start = (unsigned char *)room, *p = start + sizeof(uint32_t);
    *p++ = (unsigned char)((row->op == STAGE_DELETE ? FLAG_DELETE : 0) | (row->key_null_delete ? FLAG_KEY_NULL : 0) |
                           row->sid_state << SID_SHIFT | row->version_state << VERSION_SHIFT);
    p = put_varint(p, row->position);
    p = put_varint(p, row->line);
    if (row->sid_state == STAGE_SID_GIVEN)
        p = put_varint(p, zigzag(row->sid));
    if (row->version_state == STAGE_SID_GIVEN)
        p = put_varint(p, zigzag(row->version));
    p = put_cells(p, row->cells, s->columns->n);
    uint32_t length = (uint32_t)((size_t)(p - start) - sizeof length);
    memcpy(start, &length, sizeof length);
    s->tail.n += (size_t)(p - start);
    s->bytes += (size_t)(p - start);
    s->rows++;
    return true;
}

bool stage_finish(struct stage *s, struct error *err)
{
    s->finished = true;
    return !s->spool || s->tail.n == 0 || flush_tail(s, err);
}

bool stage_is_live(const struct stage *s)
{
    return s->live;
}

uint64_t stage_settled(const struct stage *s)
{
    return s->live ? atomic_load_explicit(&s->settled, memory_order_acquire) : s->bytes;
}

/* ── decoding ── */

static const unsigned char *decode_head(const unsigned char *p, struct stage_row *ret)
{
    unsigned flags = *p++;
    uint64_t v;
    ret->op = flags & FLAG_DELETE ? STAGE_DELETE : STAGE_UPSERT;
    ret->key_null_delete = flags & FLAG_KEY_NULL;
    ret->sid_state = (enum stage_sid)(flags >> SID_SHIFT & STATE_MASK);
    ret->version_state = (enum stage_sid)(flags >> VERSION_SHIFT & STATE_MASK);
    ret->sid = ret->version = 0;
    p = get_varint(p, &ret->position);
    p = get_varint(p, &ret->line);
    if (ret->sid_state == STAGE_SID_GIVEN) {
        p = get_varint(p, &v);
        ret->sid = unzigzag(v);
    }
    if (ret->version_state == STAGE_SID_GIVEN) {
        p = get_varint(p, &v);
        ret->version = unzigzag(v);
    }
    return p;
}

static inline const unsigned char *decode_cell(const unsigned char *p, unsigned kind, struct cell *ret)
{
    uint64_t v;
    ret->kind = (enum cell_kind)kind;
    if (kind == CELL_INT) {
        p = get_varint(p, &v);
        ret->i = unzigzag(v);
    } else if (kind >= CELL_TEXT) {
        p = get_varint(p, &v);
        ret->s = str_make((const char *)p, v);
        p += v;
    }
    return p;
}

static inline unsigned kind_of(const unsigned char *kinds, size_t i)
{
    return kinds[i / 2] >> (i & 1 ? 4 : 0) & 15;
}

void stage_decode(const struct stage *s, const unsigned char *encoded, struct stage_row *ret)
{
    const unsigned char *kinds = decode_head(encoded, ret);
    size_t n = s->columns->n;
    const unsigned char *p = kinds + (n + 1) / 2;
    for (size_t i = 0; i < n; i++)
        p = decode_cell(p, kind_of(kinds, i), &ret->cells[i]);
}

void stage_decode_key(const struct stage *s, const unsigned char *encoded, int column, struct cell *ret, uint64_t *ret_position)
{
    struct stage_row head;
    const unsigned char *kinds = decode_head(encoded, &head);
    const unsigned char *p = kinds + (s->columns->n + 1) / 2;
    for (int i = 0; i <= column; i++)
        p = decode_cell(p, kind_of(kinds, (size_t)i), ret);
    *ret_position = head.position;
}

/* ── runs ── */

struct stage_cursor {
    struct stage *stage;
    size_t run_bytes;
    uint64_t offset; /* of the first row that was not yet handed out */
    struct buf bytes;
    const unsigned char **rows;
    size_t rows_cap;
};

struct stage_cursor *stage_cursor_new(struct stage *s, size_t run_bytes, struct error *err)
{
    struct stage_cursor *c = calloc(1, sizeof *c);
    if (!c) {
        error_no_memory(err);
        return NULL;
    }
    c->stage = s;
    c->run_bytes = run_bytes > sizeof(uint32_t) ? run_bytes : sizeof(uint32_t);
    return c;
}

void stage_cursor_free(struct stage_cursor *c)
{
    if (!c)
        return;
    buf_free(&c->bytes);
    free(c->rows);
    free(c);
}

/* The next bytes of the stage, at most n: in place when they never left the tail. */
static bool load(struct stage_cursor *c, size_t n, struct str *ret, struct error *err)
{
    struct stage *s = c->stage;
    uint64_t settled = s->live ? stage_settled(s) : s->spool ? spool_bytes(s->spool) : 0;
    if (settled == 0) {
        /* A live stage without a file is either small and finished, or has nothing for others to see. */
        bool in_place = !s->live || s->finished;
        *ret = in_place ? str_head(str_skip(buf_str(&s->tail), c->offset), n) : STR_NONE;
        return true;
    }
    buf_reset(&c->bytes);
    uint64_t left = settled - c->offset;
    if (n > left)
        n = (size_t)left;
    char *room = buf_room(&c->bytes, n ? n : 1);
    size_t got;
    if (!room)
        return error_no_memory(err);
    if (s->live) {
        *ret = str_make(room, n);
        return n == 0 || spool_read_file(s->spool, c->offset + MEMORY_LEAST, room, n, err);
    }
    if (!spool_read(s->spool, c->offset, room, n, &got, err))
        return false;
    *ret = str_make(room, got);
    return true;
}

static size_t row_length(struct str bytes)
{
    uint32_t length;
    memcpy(&length, bytes.p, sizeof length);
    return length + sizeof length;
}

static bool add_row(struct stage_cursor *c, size_t n, const char *row, struct error *err)
{
    if (n == c->rows_cap) {
        size_t cap = c->rows_cap ? c->rows_cap * 2 : 64;
        const unsigned char **rows = realloc(c->rows, cap * sizeof *rows);
        if (!rows)
            return error_no_memory(err);
        c->rows = rows;
        c->rows_cap = cap;
    }
    c->rows[n] = (const unsigned char *)row;
    return true;
}

bool stage_next_run(struct stage_cursor *c, struct stage_run *ret, bool *ret_end, struct error *err)
{
    struct str bytes;
    if (!load(c, c->run_bytes, &bytes, err))
        return false;
    /* A row larger than a run is a run of its own. */
    if (bytes.n >= sizeof(uint32_t) && row_length(bytes) > bytes.n && !load(c, row_length(bytes), &bytes, err))
        return false;
    size_t n = 0, used = 0;
    while (bytes.n - used >= sizeof(uint32_t)) {
        struct str rest = str_skip(bytes, used);
        size_t length = row_length(rest);
        if (length > rest.n)
            break;
        if (!add_row(c, n, rest.p + sizeof(uint32_t), err))
            return false;
        n++;
        used += length;
    }
    c->offset += used;
    *ret = (struct stage_run){n, c->rows};
    *ret_end = n == 0;
    return true;
}
