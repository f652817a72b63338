/* CSV and TSV bodies to rows (RFC 4180; docs/wire/bodies.md, "CSV").
 *
 * Only four bytes matter: the separator, the quote, CR and LF. A slice is searched for them 64 bytes at a time, and the
 * machine steps from one to the next; what lies between is text and is never looked at. A cell that lies whole in the slice
 * is handed out where it lies; one that the slice cuts is gathered in `held`.
 *
 *   PLAIN ── separator, line end ─► the cell is done          QUOTED ── quote ─► CLOSING ── quote ─► QUOTED, one quote kept
 *     └──── quote as first byte ──► QUOTED                                          └──── separator, line end ─► done
 *
 * UTF-8 is checked ahead of the machine, slice by slice; a character that the slice cuts waits for its rest. */
#include "format/reader_kinds.h"

#include <stdio.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "format/names.h"

enum state { PLAIN, QUOTED, CLOSING };

enum { HELD_BYTES_KEPT = 1 << 20, HEADER_SHOWN_MAX = 60 };

/* For a sink that takes broken rows: what is wrong with the record being read, and its text as sent. */
struct broken {
    struct error why; /* the first fault */
    uint64_t column;
    bool any;
    bool doubtful;         /* a quote stands where it may have been meant to open or close a cell */
    uint64_t quotes;       /* of the record: an even number, and its end is its end in either reading */
    struct buf text;       /* of earlier slices */
    struct str stands_for; /* what the slice was in the body, when it is not that */
};

struct csv_reader {
    struct reader reader;
    char separator;
    bool failed, header_done, in_row, held_any;
    enum state state;
    const char *slice;
    uint64_t slice_at, cell_at;         /* offsets in the body; cell_at: of the cell's first byte, its quote included */
    uint64_t closing_at;                /* of the quote that may close the cell */
    uint64_t line, line_at, after_cr;   /* after_cr: the offset at which an LF belongs to the CR before it */
    uint64_t record, record_line, record_at; /* of the record being read; data records count from 1 */
    uint64_t cell_line;                 /* where the quoted cell starts: an unclosed quote is told by it */
    uint64_t blanks, blank_line;        /* empty lines not yet known to be the last ones, and the first of them */
    size_t cells, columns;
    int *slots;
    struct buf held;                    /* the cell's text so far, unescaped */
    char cut[4];                        /* a character that the slice cut */
    size_t cut_n;
    struct broken *broken;              /* NULL: what cannot be read refuses the body */
    /* the header, until it is complete */
    struct arena arena;
    struct names names;
    struct str *header;
    bool header_quoted;
};

static inline uint64_t offset(const struct csv_reader *r, const char *p)
{
    return r->slice_at + (uint64_t)(p - r->slice);
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

static void add_place(const struct csv_reader *r, uint64_t line, struct error *err)
{
    error_data_i64(err, "line", (int64_t)line);
    if (r->header_done)
        error_data_i64(err, "record", (int64_t)(r->in_row ? r->record : r->record + r->blanks + 1));
}

static bool refuse_after_quote(struct csv_reader *r, uint64_t at, struct error *err)
{
    error_set(err, ERROR_BODY_MALFORMED_CSV, "text after the closing quote at line %llu and column %llu: a quote inside of a quoted cell is doubled",
              (unsigned long long)r->line, (unsigned long long)(at - r->line_at + 1));
    add_place(r, r->line, err);
    error_data_i64(err, "column", (int64_t)(at - r->line_at + 1));
    error_data_i64(err, "byte", (int64_t)at);
    return false;
}

static bool refuse_quote(struct csv_reader *r, uint64_t at, struct error *err)
{
    error_set(err, ERROR_BODY_MALFORMED_CSV,
              "a quote inside of a cell without quotes at line %llu and column %llu: put the cell in quotes and double the quotes inside",
              (unsigned long long)r->line, (unsigned long long)(at - r->line_at + 1));
    add_place(r, r->line, err);
    error_data_i64(err, "column", (int64_t)(at - r->line_at + 1));
    error_data_i64(err, "byte", (int64_t)at);
    return false;
}

static bool refuse_unclosed(struct csv_reader *r, struct error *err)
{
    error_set(err, ERROR_BODY_MALFORMED_CSV, "the quote that opens at line %llu is not closed", (unsigned long long)r->cell_line);
    add_place(r, r->cell_line, err);
    return false;
}

static bool refuse_count(struct csv_reader *r, uint64_t record, uint64_t line, size_t found, struct error *err)
{
    error_set(err, ERROR_BODY_MALFORMED_CSV, "record %llu at line %llu has %zu cell%s; the header has %zu", (unsigned long long)record,
              (unsigned long long)line, found, found == 1 ? "" : "s", r->columns);
    error_data_i64(err, "record", (int64_t)record);
    error_data_i64(err, "line", (int64_t)line);
    error_data_i64(err, "expected", (int64_t)r->columns);
    error_data_i64(err, "found", (int64_t)found);
    return false;
}

static bool refuse_text(struct csv_reader *r, uint64_t at, unsigned char c, struct error *err)
{
    const char *guess = at < 2 && (c == 0xff || c == 0xfe) ? "utf-16" : c >= 0x80 && c <= 0x9f ? "windows-1252" : "iso-8859-1";
    (void)r;
    error_set(err, ERROR_BODY_MALFORMED_TEXT,
              "byte 0x%02x at byte %llu is not UTF-8; if the text is %s, declare it: Content-Type: text/csv; charset=%s", c,
              (unsigned long long)at, guess, guess);
    error_data_i64(err, "byte", (int64_t)at);
    error_data_str(err, "guess", str_from(guess));
    return false;
}

/* Also the way in which an unclosed quote shows when much follows it. */
static bool refuse_size(struct csv_reader *r, struct error *err)
{
    if (!r->header_done) {
        error_set(err, ERROR_LIMIT_EXCEEDED, "a name in the header is longer than %zu bytes; the first line must name the columns",
                  r->reader.limits.name_bytes_max);
        error_data_i64(err, "limit", (int64_t)r->reader.limits.name_bytes_max);
        error_data_i64(err, "line", (int64_t)r->record_line);
        return false;
    }
    reader_refuse_row_bytes(&r->reader, r->record_line, err);
    if (r->state == QUOTED) {
        size_t n = strlen(err->message);
        snprintf(err->message + n, sizeof err->message - n, "; is the quote that opens at line %llu not closed?", (unsigned long long)r->cell_line);
    }
    return false;
}

/* --- the header --------------------------------------------------------------------------------------------------- */

static bool refuse_header(struct csv_reader *r, size_t column, struct str name, const char *why, struct error *err)
{
    if (name.n)
        error_set(err, ERROR_BODY_MALFORMED_CSV, "the header's column %zu, \"" FMT_STR "\", %s", column, ARG_STR(name), why);
    else
        error_set(err, ERROR_BODY_MALFORMED_CSV, "the header's column %zu %s", column, why);
    error_data_i64(err, "line", (int64_t)r->record_line);
    error_data_i64(err, "column", (int64_t)column);
    if (name.n)
        error_data_str(err, "name", name);
    return false;
}

static bool header_cell(struct csv_reader *r, struct str text, bool quoted, struct error *err)
{
    struct str name = str_trim(text);
    const struct reader_limits *limits = &r->reader.limits;
    r->header_quoted |= quoted;
    if (r->cells == limits->names_max) {
        error_set(err, ERROR_LIMIT_EXCEEDED, "the header has too many columns: %zu at most", limits->names_max);
        error_data_i64(err, "limit", (int64_t)limits->names_max);
        return false;
    }
    if (name.n > limits->name_bytes_max)
        return refuse_size(r, err);
    if (name.n == 0)
        return refuse_header(r, r->cells + 1, name, "has no name", err);
    if (memchr(name.p, 0, name.n))
        return refuse_header(r, r->cells + 1, STR_NONE, "holds NUL bytes; if the text is UTF-16, declare its charset in Content-Type", err);
    if (names_find(&r->names, name))
        return refuse_header(r, r->cells + 1, name, "is there twice", err);
    struct name *kept;
    if (!names_add(&r->names, name, 0, &kept, err))
        return false;
    struct str *list = arena_grow(&r->arena, r->header, r->cells * sizeof *list, (r->cells + 1) * sizeof *list);
    if (!list)
        return error_no_memory(err);
    r->header = list;
    r->header[r->cells++] = str_make(kept->p, kept->n);
    return true;
}

/* One column whose name holds what other people separate with. */
static bool check_separator(struct csv_reader *r, struct error *err)
{
    static const struct {
        char byte;
        const char *shown;
    } others[] = {{';', ";"}, {'\t', "a tab"}, {'|', "|"}, {',', ","}};
    size_t at;
    if (r->cells != 1 || r->header_quoted)
        return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].byte != r->separator && str_find_byte(r->header[0], others[i].byte, &at)) {
            error_set(err, ERROR_BODY_MALFORMED_CSV, "found 1 column, \"" FMT_STR "\"; is the separator %s? It must be %s",
                      ARG_STR(str_head_utf8(r->header[0], HEADER_SHOWN_MAX)), others[i].shown,
                      r->separator == '\t' ? "a tab (text/tab-separated-values)" : "a comma (text/csv); tabs are sent as text/tab-separated-values");
            error_data_i64(err, "line", (int64_t)r->record_line);
            error_data_i64(err, "found", 1);
            return false;
        }
    return true;
}

static bool end_header(struct csv_reader *r, struct error *err)
{
    const struct row_sink *s = &r->reader.sink;
    if (!check_separator(r, err))
        return false;
    r->columns = r->cells;
    r->slots = calloc(r->columns, sizeof *r->slots);
    if (!r->slots)
        return error_no_memory(err);
    if (!s->body_begin(s->ctx, true, err))
        return false;
    for (size_t i = 0; i < r->columns; i++)
        if (!s->name(s->ctx, r->header[i], &r->slots[i], err))
            return false;
    r->header_done = true;
    names_free(&r->names);
    arena_free(&r->arena);
    r->header = NULL;
    return s->header_end(s->ctx, err);
}

/* --- records that cannot be read ----------------------------------------------------------------------------------- */

/* *err says why. The record is read on, to be told as broken at its end; false: the body is refused. */
static bool set_aside(struct csv_reader *r, uint64_t at, bool doubtful, const struct error *err)
{
    struct broken *b = r->broken;
    if (!b || !r->header_done)
        return false;
    if (!b->any) {
        b->why = *err;
        b->column = at ? at - r->record_at + 1 : 0;
    }
    b->any = true;
    b->doubtful |= doubtful;
    return true;
}

static bool add_text(struct csv_reader *r, const char *end, struct error *err)
{
    struct broken *b = r->broken;
    const char *from = r->slice + (r->record_at > r->slice_at ? r->record_at - r->slice_at : 0);
    if (from < end)
        buf_add_str(&b->text, b->stands_for.n ? b->stands_for : str_make(from, (size_t)(end - from)));
    return buf_ok(&b->text) || error_no_memory(err);
}

/* The record ends before `end`. */
static bool end_broken(struct csv_reader *r, const char *end, struct error *err)
{
    const struct row_sink *s = &r->reader.sink;
    struct broken *b = r->broken;
    bool ok = true;
    if (b->any && b->doubtful && b->quotes % 2) {
        *err = b->why;
        return false;
    }
    if (b->any) {
        ok = add_text(r, end, err);
        struct row_fault fault = {b->why.code, str_from(b->why.message), b->column, -1, buf_str(&b->text)};
        ok = ok && s->row_broken(s->ctx, &fault, err);
    }
    b->any = b->doubtful = false;
    b->quotes = 0;
    if (b->text.cap > HELD_BYTES_KEPT)
        buf_free(&b->text);
    buf_reset(&b->text);
    return ok;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static bool tell_blank(struct csv_reader *r, struct error *err)
{
    const struct row_sink *s = &r->reader.sink;
    struct error why;
    refuse_count(r, r->record, r->blank_line, 0, &why);
    struct row_fault fault = {why.code, str_from(why.message), 0, -1, STR("\n")};
    return s->row_broken(s->ctx, &fault, err);
}

/* Empty lines that turned out to stand between records: rows of one empty cell, or short records. */
static bool give_blanks(struct csv_reader *r, struct error *err)
{
    const struct row_sink *s = &r->reader.sink;
    const struct raw null = {.kind = RAW_NULL};
    if (r->columns != 1 && !(refuse_count(r, r->record + 1, r->blank_line, 0, err) || r->broken))
        return false;
    for (; r->blanks; r->blanks--) {
        r->record++;
        if (!s->row_begin(s->ctx, ROW_OBJECT, STR_NONE, r->blank_line, err) ||
            !(r->columns == 1 ? s->value(s->ctx, r->slots[0], &null, 1, err) : tell_blank(r, err)) || !s->row_end(s->ctx, err))
            return false;
        r->blank_line++;
    }
    return true;
}

static bool begin_record(struct csv_reader *r, struct error *err)
{
    if (r->blanks && !give_blanks(r, err))
        return false;
    r->in_row = true;
    r->record++;
    return r->reader.sink.row_begin(r->reader.sink.ctx, ROW_OBJECT, STR_NONE, r->record_line, err);
}

/* A cell is complete. Those beyond the header's are only counted, so that the refusal can tell how many there are. */
static inline bool give_cell(struct csv_reader *r, struct str text, bool quoted, struct error *err)
{
    if (!r->header_done)
        return header_cell(r, text, quoted, err);
    if (!r->in_row && !begin_record(r, err))
        return false;
    size_t i = r->cells++;
    if (i >= r->columns)
        return true;
    struct raw raw = {.kind = text.n ? RAW_STRING : RAW_NULL, .text = text};
    return r->reader.sink.value(r->reader.sink.ctx, r->slots[i], &raw, r->cell_at - r->record_at + 1, err);
}

static bool end_record(struct csv_reader *r, const char *end, struct error *err)
{
    if (!r->header_done) {
        if (!end_header(r, err))
            return false;
    } else {
        if (r->cells != r->columns && !(refuse_count(r, r->record, r->record_line, r->cells, err) || set_aside(r, 0, false, err)))
            return false;
        if (r->broken && !end_broken(r, end, err))
            return false;
        if (!r->reader.sink.row_end(r->reader.sink.ctx, err))
            return false;
    }
    r->in_row = false;
    r->cells = 0;
    return true;
}

static inline void begin_line(struct csv_reader *r, uint64_t at)
{
    r->line++;
    r->line_at = at;
}

static inline void begin_cell(struct csv_reader *r, uint64_t at)
{
    r->state = PLAIN;
    r->cell_at = at;
}

static bool too_large(const struct csv_reader *r, uint64_t at)
{
    return at - r->record_at > r->reader.limits.row_bytes_max || (!r->header_done && at - r->cell_at > r->reader.limits.name_bytes_max * 2 + 2);
}

static bool hold(struct csv_reader *r, const char *from, size_t n, struct error *err)
{
    buf_add(&r->held, from, n);
    r->held_any = true;
    return buf_ok(&r->held) || error_no_memory(err);
}

static void drop_held(struct csv_reader *r)
{
    if (r->held.cap > HELD_BYTES_KEPT)
        buf_free(&r->held);
    buf_reset(&r->held);
    r->held_any = false;
}

/* The cell's text ends at p; *from is where the part of it that lies in this slice starts. */
static bool finish_cell(struct csv_reader *r, const char *from, const char *p, bool quoted, struct error *err)
{
    if (!r->held_any)
        return give_cell(r, str_make(from, (size_t)(p - from)), quoted, err);
    if (!hold(r, from, (size_t)(p - from), err) || !give_cell(r, r->held.n ? buf_str(&r->held) : STR(""), quoted, err))
        return false;
    drop_held(r);
    return true;
}

static bool is_blank_line(const struct csv_reader *r, uint64_t end)
{
    return r->header_done && r->cells == 0 && r->cell_at == end;
}

/* The cell that ends at the special byte p; cell_end is p, or the quote before it. */
static bool end_cell(struct csv_reader *r, const char *from, const char *cell_end, const char *p, bool quoted, struct error *err)
{
    uint64_t next = offset(r, p) + 1;
    if (*p == r->separator) {
        if (!finish_cell(r, from, cell_end, quoted, err))
            return false;
        begin_cell(r, next);
        return true;
    }
    if (is_blank_line(r, next - 1)) {
        if (r->blanks++ == 0)
            r->blank_line = r->line;
    } else if (!finish_cell(r, from, cell_end, quoted, err) || !end_record(r, p, err)) {
        return false;
    }
    if (*p == '\r')
        r->after_cr = next;
    begin_line(r, next);
    r->record_line = r->line;
    r->record_at = next;
    begin_cell(r, next);
    return true;
}

/* Text behind a closing quote: the cell goes on without quotes, if it may. */
static bool read_on_after_quote(struct csv_reader *r, struct error *err)
{
    uint64_t at = r->closing_at;
    refuse_after_quote(r, at + 1, err);
    if (!set_aside(r, at + 1, true, err))
        return false;
    r->state = PLAIN;
    return hold(r, "\"", at < r->slice_at, err); /* held, be it nothing: the cell is longer than what is left of it, by its first quote */
}

/* A special byte in a cell without quotes, or at its start. */
static inline bool step_plain(struct csv_reader *r, const char **from, const char *p, struct error *err)
{
    if (*p == '"') {
        if (offset(r, p) == r->cell_at) {
            r->state = QUOTED;
            r->cell_line = r->line;
            *from = p + 1;
            return true;
        }
        /* blanks before it: it was meant to open the cell */
        bool blank = str_trim(buf_str(&r->held)).n == 0 && str_trim(str_make(*from, (size_t)(p - *from))).n == 0;
        return r->separator == '\t' || refuse_quote(r, offset(r, p), err) || set_aside(r, offset(r, p), blank, err);
    }
    if (*p == '\n' && offset(r, p) == r->after_cr && r->after_cr) {
        r->line_at++;
        r->record_at++;
        r->cell_at++;
    } else if (!end_cell(r, *from, p, p, false, err)) {
        return false;
    }
    *from = p + 1;
    return true;
}

/* A quote inside of a quoted cell was seen; p is the next special byte. Only directly behind it may it stand. */
static bool after_closing(struct csv_reader *r, const char **from, const char *p, struct error *err)
{
    uint64_t at = r->closing_at;
    if (offset(r, p) != at + 1)
        return read_on_after_quote(r, err) && step_plain(r, from, p, err);
    if (*p == '"') {
        r->state = QUOTED;
        if (!hold(r, at < r->slice_at ? "\"" : *from, at < r->slice_at ? 1 : (size_t)(p - *from), err))
            return false;
        *from = p + 1;
        return true;
    }
    const char *cell_end = at < r->slice_at ? *from : p - 1;
    if (!end_cell(r, *from, cell_end, p, true, err))
        return false;
    *from = p + 1;
    return true;
}

/* One step of the machine: p is a special byte; *from is where the cell's text that is not held yet starts. */
static inline bool step(struct csv_reader *r, const char **from, const char *p, struct error *err)
{
    if (r->state != CLOSING && too_large(r, offset(r, p)))
        return refuse_size(r, err);
    if (r->broken)
        r->broken->quotes += *p == '"';
    switch (r->state) {
    case PLAIN:
        return step_plain(r, from, p, err);
    case QUOTED:
        if (*p == '"') {
            r->state = CLOSING;
            r->closing_at = offset(r, p);
        } else if (*p == '\r') {
            r->after_cr = offset(r, p) + 1;
            begin_line(r, r->after_cr);
        } else if (*p == '\n' && offset(r, p) == r->after_cr) {
            r->line_at++;
        } else if (*p == '\n') {
            begin_line(r, offset(r, p) + 1);
        }
        return true;
    case CLOSING:
        return after_closing(r, from, p, err);
    }
    return false;
}

/* --- searching ---------------------------------------------------------------------------------------------------- */

static inline bool is_special(const struct csv_reader *r, char c)
{
    return c == r->separator || c == '"' || c == '\n' || c == '\r';
}

/* A bit for each special byte among the n ≤ 64 at p. */
static inline uint64_t specials(const struct csv_reader *r, const char *p, size_t n)
{
    uint64_t found = 0;
#ifdef __SSE2__
    if (n == 64) {
        const __m128i separator = _mm_set1_epi8(r->separator), quote = _mm_set1_epi8('"');
        const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
        for (int i = 0; i < 4; i++) {
            __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
            __m128i a = _mm_or_si128(_mm_cmpeq_epi8(v, separator), _mm_cmpeq_epi8(v, quote));
            __m128i b = _mm_or_si128(_mm_cmpeq_epi8(v, lf), _mm_cmpeq_epi8(v, cr));
            found |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_or_si128(a, b)) << (16 * i);
        }
        return found;
    }
#endif
    for (size_t i = 0; i < n; i++)
        found |= (uint64_t)is_special(r, p[i]) << i;
    return found;
}

/* What the slice's end cuts is kept. */
static bool end_slice(struct csv_reader *r, const char *from, const char *end, struct error *err)
{
    if (r->state == CLOSING) {
        const char *quote = r->closing_at < r->slice_at ? NULL : r->slice + (r->closing_at - r->slice_at);
        if (!quote && from == end)
            return true;
        if (quote && quote + 1 == end)
            return hold(r, from, (size_t)(quote - from), err);
        if (!read_on_after_quote(r, err))
            return false;
    }
    if (too_large(r, offset(r, end)))
        return refuse_size(r, err);
    return from == end || hold(r, from, (size_t)(end - from), err);
}

/* The cells of a row that are neither first nor last nor quoted nor cut: nearly all. step() would do the same. */
static inline bool is_inner_cell(const struct csv_reader *r, const char *p)
{
    return *p == r->separator && r->state == PLAIN && r->in_row && !r->held_any && r->cells < r->columns;
}

static inline bool give_inner_cell(struct csv_reader *r, const char **from, const char *p, struct error *err)
{
    struct raw raw = {.kind = p > *from ? RAW_STRING : RAW_NULL, .text = str_make(*from, (size_t)(p - *from))};
    uint64_t column = r->cell_at - r->record_at + 1;
    r->cell_at += raw.text.n + 1;
    *from = p + 1;
    return r->reader.sink.value(r->reader.sink.ctx, r->slots[r->cells++], &raw, column, err);
}

/* Whole characters, all of them UTF-8. */
static bool run(struct csv_reader *r, const char *p, size_t n, struct error *err)
{
    const char *end = p + n, *from = p;
    r->slice = p;
    if (r->slice_at == 0 && n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        r->cell_at = r->record_at = r->line_at = 3;
        from = p += 3;
    }
    while (p < end) {
        size_t block = end - p < 64 ? (size_t)(end - p) : 64;
        for (uint64_t found = specials(r, p, block); found; found &= found - 1) {
            const char *at = p + __builtin_ctzll(found);
            if (!(is_inner_cell(r, at) ? give_inner_cell(r, &from, at, err) : step(r, &from, at, err)))
                return false;
        }
        p += block;
    }
    if (!end_slice(r, from, end, err) || (r->broken && r->header_done && !add_text(r, end, err)))
        return false;
    r->slice_at += n;
    return true;
}

/* --- UTF-8 -------------------------------------------------------------------------------------------------------- */

/* The bytes before the first that is not ASCII, in steps of 64; a file of nothing else needs no more than this. */
static size_t ascii_bytes(struct str s)
{
    size_t n = 0;
#ifdef __SSE2__
    for (; s.n - n >= 64; n += 64) {
        const __m128i *v = (const __m128i *)(const void *)(s.p + n);
        __m128i a = _mm_or_si128(_mm_loadu_si128(v), _mm_loadu_si128(v + 1)), b = _mm_or_si128(_mm_loadu_si128(v + 2), _mm_loadu_si128(v + 3));
        if (_mm_movemask_epi8(_mm_or_si128(a, b)))
            break;
    }
#else
    (void)s;
#endif
    return n;
}

static bool is_utf8(struct str s, size_t *ret_bad_at)
{
    size_t n = ascii_bytes(s);
    if (str_is_utf8(str_skip(s, n), ret_bad_at))
        return true;
    *ret_bad_at += n;
    return false;
}

static size_t utf8_length(unsigned char lead)
{
    return lead < 0xc2 || lead > 0xf4 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Could more bytes make a character of these n? */
static bool is_cut_utf8(const char *p, size_t n)
{
    char whole[4];
    size_t length = utf8_length((unsigned char)*p);
    if (n >= length)
        return false;
    memcpy(whole, p, n);
    /* 0x80 and 0xbf between them fit as second byte behind every lead, and as any later byte */
    for (int fill = 0x80; fill <= 0xbf; fill += 0x3f) {
        memset(whole + n, fill, length - n);
        if (str_is_utf8(str_make(whole, length), NULL))
            return true;
    }
    return false;
}

/* A byte that belongs to no character. Where the record may be broken another byte is read in its place, so that no place moves. */
static bool run_bad(struct csv_reader *r, unsigned char c, struct error *err)
{
    refuse_text(r, r->slice_at, c, err);
    if (!set_aside(r, r->slice_at, false, err))
        return false;
    const char instead[4] = {'?', 0, 0, 0};
    r->broken->stands_for = STR("\xef\xbf\xbd");
    bool ok = run(r, instead, 1, err);
    r->broken->stands_for = STR_NONE;
    return ok;
}

static bool push_cut(struct csv_reader *r, struct str *bytes, struct error *err)
{
    while (r->cut_n && bytes->n) {
        char cut[sizeof r->cut];
        size_t n = r->cut_n;
        memcpy(cut, r->cut, n);
        cut[n] = *bytes->p;
        if (is_cut_utf8(cut, n + 1)) {
            r->cut[r->cut_n++] = cut[n];
            *bytes = str_skip(*bytes, 1);
            continue;
        }
        bool whole = str_is_utf8(str_make(cut, n + 1), NULL);
        r->cut_n = 0;
        if (whole) {
            *bytes = str_skip(*bytes, 1);
            return run(r, cut, n + 1, err);
        }
        for (size_t i = 0; i < n; i++) /* behind a lead that is none, what could follow it is none either */
            if (!run_bad(r, (unsigned char)cut[i], err))
                return false;
    }
    return true;
}

static bool push(struct csv_reader *r, struct str bytes, struct error *err)
{
    size_t bad;
    if (!push_cut(r, &bytes, err))
        return false;
    while (bytes.n && !is_utf8(bytes, &bad)) {
        if (bad && !run(r, bytes.p, bad, err))
            return false;
        bytes = str_skip(bytes, bad);
        if (is_cut_utf8(bytes.p, bytes.n)) {
            r->cut_n = bytes.n;
            memcpy(r->cut, bytes.p, r->cut_n);
            return true;
        }
        if (!run_bad(r, (unsigned char)*bytes.p, err))
            return false;
        bytes = str_skip(bytes, 1);
    }
    return !bytes.n || run(r, bytes.p, bytes.n, err);
}

/* --- the reader --------------------------------------------------------------------------------------------------- */

static bool refuse_again(struct error *err)
{
    return error_set(err, ERROR_BODY_MALFORMED_CSV, "the csv request body was refused before");
}

static bool csv_push(struct reader *reader, struct str bytes, struct error *err)
{
    struct csv_reader *r = (struct csv_reader *)reader;
    if (r->failed)
        return refuse_again(err);
    r->failed = !push(r, bytes, err);
    return !r->failed;
}

static bool finish(struct csv_reader *r, struct error *err)
{
    for (size_t i = 0; i < r->cut_n; i++)
        if (!run_bad(r, (unsigned char)r->cut[i], err))
            return false;
    if (r->state == QUOTED)
        return refuse_unclosed(r, err);
    /* A last line without its line end; what follows the last line end is no record. */
    if (r->cells || r->cell_at != r->slice_at) {
        r->slice = "";
        if (!finish_cell(r, r->slice, r->slice, r->state == CLOSING, err) || !end_record(r, r->slice, err))
            return false;
    }
    if (r->header_done)
        return true;
    error_set(err, ERROR_BODY_MALFORMED_CSV, "the csv request body has no header: its first line must name the columns");
    error_data_i64(err, "line", 1);
    return false;
}

static bool csv_finish(struct reader *reader, struct error *err)
{
    struct csv_reader *r = (struct csv_reader *)reader;
    if (r->failed)
        return refuse_again(err);
    r->failed = !finish(r, err);
    return !r->failed;
}

static void csv_free(struct reader *reader)
{
    struct csv_reader *r = (struct csv_reader *)reader;
    names_free(&r->names);
    arena_free(&r->arena);
    buf_free(&r->held);
    if (r->broken)
        buf_free(&r->broken->text);
    free(r->broken);
    free(r->slots);
    free(r);
}

static const struct reader_kind csv_kind = {csv_push, csv_finish, csv_free};

struct reader *csv_reader_new(const struct reader_limits *limits, const struct row_sink *sink, char separator, struct error *err)
{
    struct csv_reader *r = calloc(1, sizeof *r);
    if (!r) {
        error_no_memory(err);
        return NULL;
    }
    r->reader = (struct reader){.kind = &csv_kind, .sink = *sink, .limits = *limits};
    r->separator = separator;
    r->line = r->record_line = r->cell_line = 1;
    names_init(&r->names);
    if (sink->row_broken && !(r->broken = calloc(1, sizeof *r->broken))) {
        error_no_memory(err);
        csv_free(&r->reader);
        return NULL;
    }
    return &r->reader;
}
