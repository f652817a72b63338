/* Geometries as GeoJSON (RFC 7946 section 3.1; docs/wire/geometry.md): {"type": …, "coordinates": …}.
 *
 * The object's text is read as it stands, without a tree: it is known to be JSON, so a member that does not matter is
 * skipped by counting brackets. Nothing here relies on that for its memory safety. */
#include "rows/geometry.h"

#include "rows/ordinate.h"

struct reader {
    struct geometry_builder *b;
    const char *p, *end;
};

static void skip_blanks(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

/* The next byte after blanks if it is c. */
static bool accept(struct reader *r, char c)
{
    skip_blanks(r);
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

/* The inside of a string, escapes as they are: the names that matter here need none. */
static bool take_string(struct reader *r, struct str *ret)
{
    if (!accept(r, '"'))
        return false;
    const char *start = r->p;
    for (; r->p < r->end; r->p++) {
        if (*r->p == '"') {
            *ret = str_make(start, (size_t)(r->p++ - start));
            return true;
        }
        if (*r->p == '\\' && r->p + 1 < r->end)
            r->p++;
    }
    return false;
}

/* The text of any value. */
static bool take_value(struct reader *r, struct str *ret)
{
    size_t depth = 0;
    skip_blanks(r);
    const char *start = r->p;
    struct str s;
    while (r->p < r->end) {
        char c = *r->p;
        if (c == '"') {
            if (!take_string(r, &s))
                return false;
            continue;
        }
        if (c == '[' || c == '{')
            depth++;
        else if (depth == 0 && (c == ',' || c == ']' || c == '}'))
            break;
        else if (c == ']' || c == '}')
            depth--;
        r->p++;
    }
    *ret = str_trim(str_make(start, (size_t)(r->p - start)));
    return ret->n != 0 && depth == 0;
}

static bool take_ordinate(struct reader *r, double *ret)
{
    skip_blanks(r);
    size_t n = ordinate_read(str_make(r->p, (size_t)(r->end - r->p)), ret);
    r->p += n;
    return n != 0 || geometry_refuse(r->b, "a position is an array of 2 or 3 numbers, longitude first");
}

/* position = "[" number "," number ["," number] "]"; "[]" is the empty point where a whole point may stand */
static bool read_position(struct reader *r, bool may_be_empty)
{
    double x, y, z;
    if (!accept(r, '['))
        return geometry_refuse(r->b, "a position is an array of 2 or 3 numbers, longitude first");
    if (may_be_empty && accept(r, ']'))
        return geometry_add_empty_point(r->b);
    if (!take_ordinate(r, &x))
        return false;
    if (!accept(r, ','))
        return geometry_refuse(r->b, "a position has 2 or 3 numbers, not 1");
    if (!take_ordinate(r, &y))
        return false;
    if (accept(r, ',')) {
        if (!take_ordinate(r, &z))
            return false;
        r->b->dropped++;
    }
    if (!accept(r, ']'))
        return geometry_refuse(r->b, "a position has 2 or 3 numbers, not more");
    return geometry_add_position(r->b, x, y);
}

/* coordinates = position | "[" [coordinates {"," coordinates}] "]", as deep as the shape says */
static bool read_coordinates(struct reader *r, const struct geometry_shape *shape)
{
    struct geometry_list list;
    if (!geometry_add_header(r->b, shape))
        return false;
    if (shape->is_point)
        return read_position(r, true);
    if (!accept(r, '['))
        return geometry_refuse(r->b, "its coordinates are not nested as deep as its type needs");
    if (!geometry_open(r->b, shape, &list))
        return false;
    if (!accept(r, ']')) {
        do {
            if (!(shape->element ? read_coordinates(r, shape->element) : read_position(r, false)))
                return false;
            list.n++;
        } while (accept(r, ','));
        if (!accept(r, ']'))
            return geometry_refuse(r->b, "its coordinates are nested deeper than its type allows");
    }
    return geometry_close(r->b, &list);
}

static bool check_type(struct geometry_builder *b, const struct geometry_shape *shape, struct str type)
{
    if (str_eq(type, str_from(shape->geojson)))
        return true;
    if (str_eq(type, STR("Feature")))
        return geometry_refuse(b, "this is a Feature: send what its member \"geometry\" holds");
    if (type.n == 0)
        return geometry_refuse(b, "the object has no \"type\"; GeoJSON is {\"type\":\"%s\",\"coordinates\":[…]}", shape->geojson);
    return geometry_refuse(b, "the object's type is \"" FMT_STR "\", not \"%s\"", ARG_STR(str_head_utf8(type, 40)),
                           shape->geojson);
}

bool geometry_read_geojson(struct geometry_builder *b, const struct geometry_shape *shape, struct str geojson)
{
    struct reader r = {b, geojson.p, geojson.p + geojson.n};
    struct str key, type = STR_NONE, coordinates = STR_NONE;
    if (!accept(&r, '{'))
        return geometry_refuse(b, "not an object");
    if (!accept(&r, '}')) {
        do {
            struct str value;
            if (!take_string(&r, &key) || !accept(&r, ':') || !take_value(&r, &value))
                return geometry_refuse(b, "not an object of JSON");
            if (str_eq(key, STR("type")))
                type = value.n > 1 && value.p[0] == '"' ? str_make(value.p + 1, value.n - 2) : value;
            else if (str_eq(key, STR("coordinates")))
                coordinates = value;
        } while (accept(&r, ','));
    }
    if (!check_type(b, shape, type))
        return false;
    if (coordinates.n == 0)
        return geometry_refuse(b, "the object has no \"coordinates\"");
    r.p = coordinates.p;
    r.end = coordinates.p + coordinates.n;
    if (!read_coordinates(&r, shape))
        return false;
    skip_blanks(&r);
    return r.p == r.end || geometry_refuse(b, "its coordinates are not one array");
}

/* ── writing ── */

static void write_position(struct geometry_cursor *c, struct buf *out)
{
    double x, y;
    buf_add_byte(out, '[');
    if (geometry_next_position(c, &x, &y)) {
        ordinate_write(x, out);
        buf_add_byte(out, ',');
        ordinate_write(y, out);
    }
    buf_add_byte(out, ']');
}

static void write_coordinates(struct geometry_cursor *c, const struct geometry_shape *shape, struct buf *out)
{
    geometry_next_header(c, shape);
    if (shape->is_point) {
        write_position(c, out);
        return;
    }
    buf_add_byte(out, '[');
    uint32_t n = geometry_next_count(c);
    for (uint32_t i = 0; i < n && !c->bad; i++) {
        if (i)
            buf_add_byte(out, ',');
        if (shape->element)
            write_coordinates(c, shape->element, out);
        else
            write_position(c, out);
    }
    buf_add_byte(out, ']');
}

void geometry_write_geojson(struct geometry_cursor *c, const struct geometry_shape *shape, struct buf *out)
{
    buf_add_z(out, "{\"type\":\"");
    buf_add_z(out, shape->geojson);
    buf_add_z(out, "\",\"coordinates\":");
    write_coordinates(c, shape, out);
    buf_add_byte(out, '}');
}
