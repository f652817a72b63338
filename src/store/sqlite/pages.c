/* Pages of a SQLite file, from rows in rising order (pages.h).
 *
 *     rows ─► leaf, until it is full ─► appended to the file ─► its number and divider go to the page of the level above
 *                                                                ─► until that is full, and so on up
 *     pages_finish(): what is not full yet, bottom up; the highest becomes the root, whose number was given
 *
 * A page's divider is, for the table, the last row number in it, which stays in the leaf too; for the index, its last entry, which
 * moves up. An inner page that is full gives its last cell up likewise, so that each page begins with one cell at least, and only
 * its right-most child is without. Numbers are big-endian, as everything in that format. */
#include "store/sqlite/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PAGE_BYTES = 8192,
    LEAF_HEADER = 8,
    INNER_HEADER = 12,
    LEVELS_MAX = 12,             /* at two children a page would be 4,096 leaves; there are hundreds */
    OUT_BYTES = 64 * PAGE_BYTES,
    WRITE_BACK_BYTES = 8 << 20,
    LOCAL_LEAST = (PAGE_BYTES - 12) * 32 / 255 - 23,
    TABLE_LOCAL_MOST = PAGE_BYTES - 35,
    INDEX_LOCAL_MOST = (PAGE_BYTES - 12) * 64 / 255 - 23,
    TRUNK_NUMBERS = PAGE_BYTES / 4 - 8,
    VARINT_MAX = 9,
    CHILD_BYTES = 4,
    /* in the file's header */
    HEADER_PAGE_SIZE = 16,
    HEADER_RESERVED = 20,
    HEADER_PAGE_COUNT = 28,
    HEADER_FREE = 32,            /* the free list's first page and length */
    HEADER_VACUUM = 52,
    HEADER_BYTES = 100,
};

struct page {
    unsigned char bytes[PAGE_BYTES];
    unsigned n;           /* cells */
    unsigned content;     /* where the cells' bytes begin */
    unsigned last_length; /* of the last cell */
    bool inner;
};

struct tree {
    uint32_t root;
    unsigned char leaf_type, inner_type;
    unsigned levels;      /* level 0 are the leaves */
    struct page *level[LEVELS_MAX];
};

struct pages {
    int fd;
    uint32_t pending_page, next; /* the next page's number */
    uint64_t offset;             /* in the file, of out */
    struct tree table, index;
    bool has_index, changed;
    unsigned char *out;
    size_t out_n, since_write_back;
    struct buf record;           /* one row's */
    int64_t last_sid;            /* in the current leaf */
    /* the index's pages so far, which become free if it is dropped */
    uint32_t *index_pages;
    size_t n_index_pages, cap_index_pages;
    bool to_index;               /* what is written now is the index's */
};

/* ── numbers ── */

static void put_u16(unsigned char *p, unsigned v)
{
    p[0] = (unsigned char)(v >> 8);
    p[1] = (unsigned char)v;
}

static void put_u32(unsigned char *p, uint32_t v)
{
    put_u16(p, v >> 16);
    put_u16(p + 2, v & 0xffff);
}

static uint32_t get_u32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Seven bits a byte, the highest first; a ninth byte has eight. */
static size_t put_varint(unsigned char *p, uint64_t v)
{
    unsigned char low_first[VARINT_MAX];
    size_t n = 0;
    if (v >> 56) {
        p[8] = (unsigned char)v;
        v >>= 8;
        for (int i = 7; i >= 0; i--, v >>= 7)
            p[i] = (unsigned char)(v | 0x80);
        return VARINT_MAX;
    }
    do {
        low_first[n++] = (unsigned char)(v & 0x7f);
        v >>= 7;
    } while (v);
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(low_first[n - 1 - i] | (i + 1 < n ? 0x80 : 0));
    return n;
}

/* ── the file ── */

static bool write_at(int fd, const unsigned char *p, size_t n, uint64_t offset, struct error *err)
{
    while (n) {
        ssize_t done = pwrite(fd, p, n, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return error_from_errno(err, done ? errno : EIO, "writing the rows' new file");
        p += done;
        n -= (size_t)done;
        offset += (size_t)done;
    }
    return true;
}

static uint64_t offset_of(uint32_t number)
{
    return (uint64_t)(number - 1) * PAGE_BYTES;
}

/* The disk begins early, so that the sync at the end finds most of it done. */
static bool flush_out(struct pages *p, struct error *err)
{
    if (!write_at(p->fd, p->out, p->out_n, p->offset, err))
        return false;
    p->offset += p->out_n;
    p->since_write_back += p->out_n;
    p->out_n = 0;
    if (p->since_write_back >= WRITE_BACK_BYTES) {
        p->since_write_back = 0;
        sync_file_range(p->fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* a hint: what fails here fails again in the sync */
    }
    return true;
}

static bool note_index_page(struct pages *p, struct error *err)
{
    if (p->n_index_pages == p->cap_index_pages) {
        size_t cap = p->cap_index_pages ? p->cap_index_pages * 2 : 256;
        uint32_t *v = realloc(p->index_pages, cap * sizeof *v);
        if (!v)
            return error_no_memory(err);
        p->index_pages = v;
        p->cap_index_pages = cap;
    }
    p->index_pages[p->n_index_pages++] = p->next;
    return true;
}

/* The next page of the file, to be filled; in order, so that they are written in large pieces. */
static unsigned char *append_page(struct pages *p, uint32_t *ret_number, struct error *err)
{
    if (p->next == UINT32_MAX - 1) {
        error_set(err, ERROR_LIMIT_EXCEEDED, "the rows' file would have more pages than the store takes");
        return NULL;
    }
    if ((p->out_n == OUT_BYTES || p->next == p->pending_page) && !flush_out(p, err))
        return NULL;
    if (p->next == p->pending_page) {
        p->next++;
        p->offset += PAGE_BYTES;
    }
    if (p->to_index && !note_index_page(p, err))
        return NULL;
    *ret_number = p->next++;
    p->out_n += PAGE_BYTES;
    return p->out + p->out_n - PAGE_BYTES;
}

/* ── one page ── */

static unsigned header_of(const struct page *page)
{
    return page->inner ? INNER_HEADER : LEAF_HEADER;
}

static void clear(struct page *page, bool inner)
{
    page->n = 0;
    page->content = PAGE_BYTES;
    page->inner = inner;
}

static bool has_room(const struct page *page, size_t n)
{
    return header_of(page) + 2 * (page->n + 1) + n <= page->content;
}

/* Where a cell of n bytes goes. */
static unsigned char *add_cell(struct page *page, size_t n)
{
    page->content -= (unsigned)n;
    put_u16(page->bytes + header_of(page) + 2 * page->n++, page->content);
    page->last_length = (unsigned)n;
    return page->bytes + page->content;
}

/* The last cell, off the page; its bytes stay until the next cell comes. */
static const unsigned char *take_last_cell(struct page *page, size_t *ret_n)
{
    const unsigned char *cell = page->bytes + page->content;
    *ret_n = page->last_length;
    page->content += page->last_length;
    page->n--;
    return cell;
}

/* The header, and zeros where no cell is. */
static void complete(const struct tree *t, struct page *page, uint32_t right_child)
{
    unsigned used = header_of(page) + 2 * page->n;
    memset(page->bytes + used, 0, page->content - used);
    page->bytes[0] = page->inner ? t->inner_type : t->leaf_type;
    put_u16(page->bytes + 1, 0);
    put_u16(page->bytes + 3, page->n);
    put_u16(page->bytes + 5, page->content);
    page->bytes[7] = 0;
    if (page->inner)
        put_u32(page->bytes + LEAF_HEADER, right_child);
}

static bool write_page(struct pages *p, const struct tree *t, struct page *page, uint32_t right_child, uint32_t *ret_number, struct error *err)
{
    unsigned char *to = append_page(p, ret_number, err);
    if (!to)
        return false;
    complete(t, page, right_child);
    memcpy(to, page->bytes, PAGE_BYTES);
    return true;
}

/* ── the tree ── */

static bool need_level(struct tree *t, unsigned level, struct error *err)
{
    if (level < t->levels)
        return true;
    if (level == LEVELS_MAX)
        return error_set(err, ERROR_LIMIT_EXCEEDED, "the rows' file would be deeper than the store takes");
    if (!(t->level[level] = malloc(sizeof *t->level[level])))
        return error_no_memory(err);
    clear(t->level[level], level > 0);
    t->levels++;
    return true;
}

/* A child is complete: it and its divider go to the level above it. */
static bool add_child(struct pages *p, struct tree *t, unsigned level, uint32_t child, const unsigned char *divider, size_t n, struct error *err)
{
    if (!need_level(t, level, err))
        return false;
    struct page *page = t->level[level];
    if (!has_room(page, CHILD_BYTES + n)) {
        size_t last_n;
        uint32_t number;
        unsigned char last[PAGE_BYTES];
        const unsigned char *cell = take_last_cell(page, &last_n);
        memcpy(last, cell, last_n);
        if (!write_page(p, t, page, get_u32(last), &number, err) ||
            !add_child(p, t, level + 1, number, last + CHILD_BYTES, last_n - CHILD_BYTES, err))
            return false;
        clear(page, true);
    }
    unsigned char *to = add_cell(page, CHILD_BYTES + n);
    put_u32(to, child);
    memcpy(to + CHILD_BYTES, divider, n);
    return true;
}

static bool finish_tree(struct pages *p, struct tree *t, struct error *err)
{
    uint32_t right = 0;
    for (unsigned level = 0; level + 1 < t->levels; level++)
        if (!write_page(p, t, t->level[level], right, &right, err))
            return false;
    struct page *root = t->level[t->levels - 1];
    complete(t, root, right);
    return write_at(p->fd, root->bytes, PAGE_BYTES, offset_of(t->root), err);
}

static void free_tree(struct tree *t)
{
    for (unsigned i = 0; i < t->levels; i++)
        free(t->level[i]);
    t->levels = 0;
}

/* ── records ── */

static unsigned int_bytes(int64_t v)
{
    static const unsigned lengths[] = {1, 2, 3, 4, 6};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        int64_t most = (int64_t)1 << (8 * lengths[i] - 1);
        if (v >= -most && v < most)
            return lengths[i];
    }
    return 8;
}

/* What stands for a value in the record's header; *ret_n: its bytes in the body. */
static uint64_t serial_type(const struct cell *c, size_t *ret_n)
{
    static const unsigned char of_int[] = {[1] = 1, [2] = 2, [3] = 3, [4] = 4, [6] = 5, [8] = 6};
    *ret_n = 0;
    switch (c->kind) {
    case CELL_ABSENT:
    case CELL_NULL:
        return 0;
    case CELL_INT:
        if (c->i == 0 || c->i == 1)
            return (uint64_t)(8 + c->i);
        *ret_n = int_bytes(c->i);
        return of_int[*ret_n];
    case CELL_TEXT:
        *ret_n = c->s.n;
        return 13 + 2 * (uint64_t)c->s.n;
    case CELL_BLOB:
        *ret_n = c->s.n;
        return 12 + 2 * (uint64_t)c->s.n;
    }
    return 0;
}

static unsigned char *put_value(unsigned char *p, const struct cell *c, size_t n)
{
    if (n == 0)
        return p;
    if (c->kind == CELL_INT) {
        for (size_t i = 0; i < n; i++)
            p[i] = (unsigned char)((uint64_t)c->i >> 8 * (n - 1 - i));
    } else {
        memcpy(p, c->s.p, n);
    }
    return p + n;
}

/* cells: values; first_null: a null before them, where the row's number would stand. */
static bool make_record(struct buf *b, bool first_null, const struct cell *cells, size_t n, struct error *err)
{
    size_t most = (n + 2) * VARINT_MAX, length;
    for (size_t i = 0; i < n; i++)
        most += cells[i].kind >= CELL_TEXT ? cells[i].s.n : sizeof(int64_t);
    buf_reset(b);
    unsigned char *room = (unsigned char *)buf_room(b, most);
    if (!room)
        return error_no_memory(err);
    /* The header's own length takes a byte up to 127, then two: the types are put behind two and moved if one will do. */
    unsigned char *p = room + 2;
    if (first_null)
        *p++ = 0;
    for (size_t i = 0; i < n; i++)
        p += put_varint(p, serial_type(&cells[i], &length));
    size_t types = (size_t)(p - room - 2);
    if (types + 1 < 128) {
        memmove(room + 1, room + 2, types);
        room[0] = (unsigned char)(types + 1);
        p--;
    } else {
        size_t two = types + 2;
        room[0] = (unsigned char)(two >> 7 | 0x80);
        room[1] = (unsigned char)(two & 0x7f);
    }
    for (size_t i = 0; i < n; i++) {
        serial_type(&cells[i], &length);
        p = put_value(p, &cells[i], length);
    }
    b->n = (size_t)(p - room);
    return true;
}

/* How much of a record stays in its cell. */
static size_t local_bytes(size_t record, size_t most)
{
    if (record <= most)
        return record;
    size_t local = LOCAL_LEAST + (record - LOCAL_LEAST) % (PAGE_BYTES - 4);
    return local <= most ? local : LOCAL_LEAST;
}

/* The rest of a record, in pages of its own; *ret_first is 0 when there is none. */
static bool write_overflow(struct pages *p, struct str rest, uint32_t *ret_first, struct error *err)
{
    *ret_first = 0;
    while (rest.n) {
        uint32_t number;
        struct str piece = str_head(rest, PAGE_BYTES - 4);
        unsigned char *to = append_page(p, &number, err);
        if (!to)
            return false;
        if (!*ret_first)
            *ret_first = number;
        rest = str_skip(rest, piece.n);
        /* The page after this one in the chain is the next of the file, but for the one that is left out. */
        put_u32(to, rest.n ? number + 1 + (number + 1 == p->pending_page) : 0);
        memcpy(to + 4, piece.p, piece.n);
        memset(to + 4 + piece.n, 0, PAGE_BYTES - 4 - piece.n);
    }
    return true;
}

/* ── rows and keys ── */

static unsigned char *put_payload(unsigned char *p, const struct buf *record, size_t local, uint32_t overflow)
{
    memcpy(p, record->p, local);
    if (!overflow)
        return p + local;
    put_u32(p + local, overflow);
    return p + local + 4;
}

bool pages_add_row(struct pages *p, int64_t sid, const struct cell *cells, size_t n, struct error *err)
{
    uint32_t overflow;
    unsigned char head[2 * VARINT_MAX];
    p->to_index = false;
    p->changed = true;
    if (!make_record(&p->record, true, cells, n, err) || !need_level(&p->table, 0, err))
        return false;
    size_t local = local_bytes(p->record.n, TABLE_LOCAL_MOST);
    if (!write_overflow(p, str_skip(buf_str(&p->record), local), &overflow, err))
        return false;
    size_t head_n = put_varint(head, p->record.n);
    head_n += put_varint(head + head_n, (uint64_t)sid);
    size_t cell_n = head_n + local + (overflow ? 4 : 0);
    struct page *leaf = p->table.level[0];
    if (!has_room(leaf, cell_n)) {
        uint32_t number;
        unsigned char divider[VARINT_MAX];
        size_t divider_n = put_varint(divider, (uint64_t)p->last_sid);
        if (!write_page(p, &p->table, leaf, 0, &number, err) || !add_child(p, &p->table, 1, number, divider, divider_n, err))
            return false;
        clear(leaf, false);
    }
    unsigned char *to = add_cell(leaf, cell_n);
    memcpy(to, head, head_n);
    put_payload(to + head_n, &p->record, local, overflow);
    p->last_sid = sid;
    return true;
}

/* The last entry of a full leaf goes up. */
static bool pass_leaf(struct pages *p, struct page *leaf, struct error *err)
{
    size_t n;
    uint32_t number;
    unsigned char divider[PAGE_BYTES];
    const unsigned char *cell = take_last_cell(leaf, &n);
    memcpy(divider, cell, n);
    if (!write_page(p, &p->index, leaf, 0, &number, err) || !add_child(p, &p->index, 1, number, divider, n, err))
        return false;
    clear(leaf, false);
    return true;
}

bool pages_add_key(struct pages *p, const struct cell *key, int64_t sid, struct error *err)
{
    const struct cell cells[] = {*key, cell_int(sid)};
    uint32_t overflow;
    unsigned char head[VARINT_MAX];
    p->to_index = true;
    if (!make_record(&p->record, false, cells, 2, err) || !need_level(&p->index, 0, err))
        return false;
    size_t local = local_bytes(p->record.n, INDEX_LOCAL_MOST);
    if (!write_overflow(p, str_skip(buf_str(&p->record), local), &overflow, err))
        return false;
    size_t head_n = put_varint(head, p->record.n), cell_n = head_n + local + (overflow ? 4 : 0);
    struct page *leaf = p->index.level[0];
    if (!has_room(leaf, cell_n) && !pass_leaf(p, leaf, err))
        return false;
    unsigned char *to = add_cell(leaf, cell_n);
    memcpy(to, head, head_n);
    put_payload(to + head_n, &p->record, local, overflow);
    return true;
}

void pages_drop_index(struct pages *p)
{
    free_tree(&p->index);
    p->has_index = false;
}

/* ── beginning and end ── */

/* Pages of this size, wholly ours, none free and none that map others: else the file is not the one that was meant. */
static bool is_as_expected(const unsigned char *header)
{
    return header[HEADER_PAGE_SIZE] == PAGE_BYTES >> 8 && header[HEADER_PAGE_SIZE + 1] == 0 && header[HEADER_RESERVED] == 0 &&
           get_u32(header + HEADER_PAGE_COUNT) != 0 && get_u32(header + HEADER_FREE) == 0 && get_u32(header + HEADER_VACUUM) == 0;
}

struct pages *pages_open(const struct pages_config *config, struct error *err)
{
    struct pages *p = calloc(1, sizeof *p);
    if (p)
        p->fd = -1;
    if (!p || !(p->out = malloc(OUT_BYTES))) {
        error_no_memory(err);
        pages_free(p);
        return NULL;
    }
    unsigned char header[HEADER_BYTES];
    p->fd = open(config->path, O_RDWR | O_CLOEXEC);
    ssize_t got = p->fd >= 0 ? pread(p->fd, header, sizeof header, 0) : -1;
    if (got != (ssize_t)sizeof header) {
        error_from_errno(err, got < 0 ? errno : EIO, "opening the rows' new file");
        pages_free(p);
        return NULL;
    }
    if (!is_as_expected(header)) {
        error_set(err, ERROR_INTERNAL, "the rows' new file is not laid out as it should be");
        pages_free(p);
        return NULL;
    }
    p->pending_page = (config->pending_byte ? config->pending_byte : PAGES_PENDING_BYTE) / PAGE_BYTES + 1;
    p->next = get_u32(header + HEADER_PAGE_COUNT) + 1;
    p->offset = offset_of(p->next);
    p->table = (struct tree){.root = config->table_root, .leaf_type = 13, .inner_type = 5};
    p->index = (struct tree){.root = config->index_root, .leaf_type = 10, .inner_type = 2};
    p->has_index = config->index_root;
    return p;
}

void pages_free(struct pages *p)
{
    if (!p)
        return;
    if (p->fd >= 0)
        close(p->fd);
    free_tree(&p->table);
    free_tree(&p->index);
    buf_free(&p->record);
    free(p->index_pages);
    free(p->out);
    free(p);
}

/* The pages of a dropped index are the file's free list: trunk pages, each with the numbers of others. */
static bool write_free_list(struct pages *p, uint32_t *ret_first, struct error *err)
{
    unsigned char trunk[PAGE_BYTES];
    uint32_t next = 0;
    size_t left = p->n_index_pages;
    while (left) {
        uint32_t number = p->index_pages[--left];
        size_t n = left < TRUNK_NUMBERS ? left : TRUNK_NUMBERS;
        memset(trunk, 0, sizeof trunk);
        put_u32(trunk, next);
        put_u32(trunk + 4, (uint32_t)n);
        for (size_t i = 0; i < n; i++)
            put_u32(trunk + 8 + 4 * i, p->index_pages[--left]);
        if (!write_at(p->fd, trunk, sizeof trunk, offset_of(number), err))
            return false;
        next = number;
    }
    *ret_first = next;
    return true;
}

static bool write_header(struct pages *p, uint32_t first_free, uint32_t n_free, struct error *err)
{
    unsigned char counts[12];
    put_u32(counts, p->next - 1);
    put_u32(counts + (HEADER_FREE - HEADER_PAGE_COUNT), first_free);
    put_u32(counts + (HEADER_FREE + 4 - HEADER_PAGE_COUNT), n_free);
    return write_at(p->fd, counts, sizeof counts, HEADER_PAGE_COUNT, err);
}

bool pages_finish(struct pages *p, struct error *err)
{
    uint32_t first_free = 0;
    if (!p->changed)
        return true;
    p->to_index = false;
    if (!finish_tree(p, &p->table, err))
        return false;
    bool has_index = p->has_index && p->index.levels;
    if ((has_index && !finish_tree(p, &p->index, err)) || !flush_out(p, err))
        return false;
    if (!p->has_index && !write_free_list(p, &first_free, err))
        return false;
    return write_header(p, first_free, p->has_index ? 0 : (uint32_t)p->n_index_pages, err);
}
