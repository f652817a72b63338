/* Geometries as well-known text (OGC 06-103r4 section 7; docs/wire/geometry.md), with the prefix SRID=4326; that PostGIS
 * puts before it.
 *
 *     wkt   = ["SRID=4326;"] name ["Z" | "M" | "ZM"] body
 *     body  = "EMPTY" | "(" position ")"  of a point, "(" element {"," element} ")"  of the others
 *
 * Names are read in any case; both spellings of a multipoint are: (1 2, 3 4) and ((1 2), (3 4)). */
#include "rows/geometry.h"

#include <stdio.h>

#include "rows/ordinate.h"

enum { DIMENSIONS_ANY = 0 };

struct reader {
    struct geometry_builder *b;
    const char *start, *p, *end;
    unsigned dimensions; /* numbers a position must have; DIMENSIONS_ANY: 2 to 4 */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(struct reader *r)
{
    while (r->p < r->end && is_blank(*r->p))
        r->p++;
}

static bool accept(struct reader *r, char c)
{
    skip_blanks(r);
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

/* "…, found X at character N" of the hint. */
static bool refuse_here(struct reader *r, const char *wanted)
{
    skip_blanks(r);
    struct str rest = str_make(r->p, (size_t)(r->end - r->p));
    if (rest.n == 0)
        return geometry_refuse(r->b, "%s is missing at the end of the text", wanted);
    return geometry_refuse(r->b, "%s is missing before \"" FMT_STR "\" at byte %zu of the text", wanted,
                           ARG_STR(str_head_utf8(rest, 20)), (size_t)(r->p - r->start) + 1);
}

/* The letters that come next, without moving. */
static struct str peek_word(struct reader *r)
{
    skip_blanks(r);
    const char *q = r->p;
    while (q < r->end && ((*q >= 'a' && *q <= 'z') || (*q >= 'A' && *q <= 'Z')))
        q++;
    return str_make(r->p, (size_t)(q - r->p));
}

static bool accept_word(struct reader *r, struct str word)
{
    struct str w = peek_word(r);
    if (!str_eq_fold(w, word))
        return false;
    r->p += w.n;
    return true;
}

static bool is_ordinate_end(const struct reader *r)
{
    return r->p == r->end || is_blank(*r->p) || *r->p == ',' || *r->p == ')';
}

/* position = number number [number [number]], longitude first */
static bool read_position(struct reader *r)
{
    double v[4];
    unsigned n = 0;
    for (;;) {
        skip_blanks(r);
        if (n >= 2 && (r->p == r->end || *r->p == ',' || *r->p == ')'))
            break;
        if (n == 4)
            return refuse_here(r, "\",\" or \")\"");
        size_t used = ordinate_read(str_make(r->p, (size_t)(r->end - r->p)), &v[n]);
        if (used == 0 && n == 1 && r->p < r->end && *r->p == ',')
            return geometry_refuse(r->b, "longitude and latitude are separated by a blank, not a comma");
        if (used == 0)
            return refuse_here(r, "a number");
        r->p += used;
        if (!is_ordinate_end(r))
            return refuse_here(r, "a blank after the number");
        n++;
    }
    if (r->dimensions != DIMENSIONS_ANY && n != r->dimensions)
        return geometry_refuse(r->b, "each position should have %u numbers, one has %u", r->dimensions, n);
    r->b->dropped += n - 2;
    return geometry_add_position(r->b, v[0], v[1]);
}

/* A point's position, within parentheses but for the old spelling of a multipoint. */
static bool read_point(struct reader *r, bool is_nested)
{
    if (accept_word(r, STR("EMPTY")))
        return geometry_add_empty_point(r->b);
    bool wrapped = accept(r, '(');
    if (!wrapped && !is_nested)
        return refuse_here(r, "\"(\"");
    if (!read_position(r))
        return false;
    return !wrapped || accept(r, ')') || refuse_here(r, "\")\"");
}

static bool read_body(struct reader *r, const struct geometry_shape *shape, bool is_nested)
{
    struct geometry_list list;
    if (!geometry_add_header(r->b, shape))
        return false;
    if (shape->is_point)
        return read_point(r, is_nested);
    if (!geometry_open(r->b, shape, &list))
        return false;
    if (accept_word(r, STR("EMPTY")))
        return geometry_close(r->b, &list);
    if (!accept(r, '('))
        return refuse_here(r, "\"(\"");
    do {
        if (!(shape->element ? read_body(r, shape->element, true) : read_position(r)))
            return false;
        list.n++;
    } while (accept(r, ','));
    return accept(r, ')') ? geometry_close(r->b, &list) : refuse_here(r, "\",\" or \")\"");
}

/* ── name and prefix ── */

static const struct {
    struct str suffix;
    unsigned dimensions;
} dimension_words[] = {{{"ZM", 2}, 4}, {{"Z", 1}, 3}, {{"M", 1}, 3}};

/* "POINT", "POINTZ", "POINT Z" → the name's length, and how many numbers a position then has. */
static bool read_name(struct reader *r, const struct geometry_shape *shape)
{
    struct str word = peek_word(r), name = str_from(shape->wkt);
    r->dimensions = DIMENSIONS_ANY;
    bool is_name = word.n >= name.n && str_eq_fold(str_head(word, name.n), name);
    struct str suffix = is_name ? str_skip(word, name.n) : STR_NONE;
    if (is_name)
        r->p += word.n;
    if (is_name && suffix.n == 0 && !str_eq_fold(peek_word(r), STR("EMPTY"))) {
        suffix = peek_word(r);
        r->p += suffix.n;
    }
    for (size_t i = 0; suffix.n && i < sizeof dimension_words / sizeof *dimension_words; i++) {
        if (str_eq_fold(suffix, dimension_words[i].suffix)) {
            r->dimensions = dimension_words[i].dimensions;
            return true;
        }
    }
    if (is_name && suffix.n == 0)
        return true;
    if (is_name)
        return geometry_refuse(r->b, "after %s may stand Z, M or ZM, not " FMT_STR, shape->wkt, ARG_STR(str_head(suffix, 30)));
    if (word.n == 0)
        return geometry_refuse(r->b, "the text does not begin with %s", shape->wkt);
    return geometry_refuse(r->b, "the text begins with " FMT_STR ", not %s", ARG_STR(str_head(word, 30)), shape->wkt);
}

/* SRID=4326; is WGS84, the only one that is kept. */
static bool read_srid(struct reader *r)
{
    struct str rest = str_make(r->p, (size_t)(r->end - r->p)), srid;
    if (!str_eq_fold(str_head(rest, 5), STR("SRID=")))
        return true;
    if (!str_cut(str_skip(rest, 5), ';', &srid, &rest))
        return geometry_refuse(r->b, "SRID=… must end with a semicolon");
    uint64_t n;
    if (!str_to_u64(str_trim(srid), &n) || n != 4326)
        return geometry_refuse(r->b, "SRID " FMT_STR " is not taken, only 4326 (WGS84, degrees)",
                               ARG_STR(str_head_utf8(srid, 20)));
    r->p = rest.p;
    return true;
}

bool geometry_read_wkt(struct geometry_builder *b, const struct geometry_shape *shape, struct str wkt)
{
    struct reader r = {.b = b, .start = wkt.p, .p = wkt.p, .end = wkt.p + wkt.n};
    if (!read_srid(&r) || !read_name(&r, shape) || !read_body(&r, shape, false))
        return false;
    skip_blanks(&r);
    if (r.p == r.end)
        return true;
    return geometry_refuse(b, "text after the geometry: \"" FMT_STR "\"",
                           ARG_STR(str_head_utf8(str_make(r.p, (size_t)(r.end - r.p)), 20)));
}

/* ── writing ── */

static void write_position(struct geometry_cursor *c, struct buf *out)
{
    double x, y;
    if (!geometry_next_position(c, &x, &y)) {
        c->bad = true; /* a line or ring has no empty positions */
        return;
    }
    ordinate_write(x, out);
    buf_add_byte(out, ' ');
    ordinate_write(y, out);
}

static void write_point(struct geometry_cursor *c, struct buf *out)
{
    double x, y;
    if (!geometry_next_position(c, &x, &y)) {
        buf_add_z(out, "EMPTY");
        return;
    }
    buf_add_byte(out, '(');
    ordinate_write(x, out);
    buf_add_byte(out, ' ');
    ordinate_write(y, out);
    buf_add_byte(out, ')');
}

static void write_body(struct geometry_cursor *c, const struct geometry_shape *shape, struct buf *out)
{
    geometry_next_header(c, shape);
    if (shape->is_point) {
        write_point(c, out);
        return;
    }
    uint32_t n = geometry_next_count(c);
    if (n == 0) {
        buf_add_z(out, "EMPTY");
        return;
    }
    buf_add_byte(out, '(');
    for (uint32_t i = 0; i < n && !c->bad; i++) {
        if (i)
            buf_add_z(out, ", ");
        if (shape->element)
            write_body(c, shape->element, out);
        else
            write_position(c, out);
    }
    buf_add_byte(out, ')');
}

void geometry_write_wkt(struct geometry_cursor *c, const struct geometry_shape *shape, struct buf *out)
{
    buf_add_z(out, shape->wkt);
    buf_add_byte(out, ' ');
    write_body(c, shape, out);
}
