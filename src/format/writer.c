/* Rows to bytes (writer.h). What is the same for every row is made once in writer_init; per cell there is a copy of the
 * key and the value, nothing else. Text and plain numbers, which most cells are, are written here; every other type
 * writes itself. */
#include "format/writer.h"

#include <stdlib.h>

#include "format/writer_escape.h"
#include "format/writer_xml.h"
#include "rows/decimal.h"

#define CRS "\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:OGC:1.3:CRS84\"}}"

struct str writer_content_type(enum writer_format format)
{
    switch (format) {
    case WRITER_JSON:
        return STR("application/json; charset=utf-8");
    case WRITER_GEOJSON:
        return STR("application/vnd.geo+json; charset=utf-8");
    case WRITER_CSV:
        return STR("text/csv; charset=utf-8");
    case WRITER_TSV:
        return STR("text/tab-separated-values; charset=utf-8");
    case WRITER_XML:
        return STR("text/xml; charset=utf-8");
    case WRITER_RDF:
        return STR("application/rdf+xml; charset=utf-8");
    }
    return STR("application/octet-stream");
}

/* prepared[i] is `,"name":`; the first member of an object is written from its second byte on. */
bool writer_init(struct writer *w)
{
    w->rows = 0;
    w->geometry = -1;
    w->prepared = calloc(w->n ? w->n : 1, sizeof *w->prepared);
    if (!w->prepared)
        return false;
    bool ok = true;
    for (size_t i = 0; i < w->n; i++) {
        struct buf *b = &w->prepared[i];
        buf_add_byte(b, ',');
        buf_add_json(b, w->columns[i].name);
        buf_add_byte(b, ':');
        ok = ok && buf_ok(b);
        if (w->geometry < 0 && w->columns[i].type->is_geometry)
            w->geometry = (int)i;
    }
    if (!ok)
        writer_fini(w);
    return ok;
}

void writer_fini(struct writer *w)
{
    for (size_t i = 0; w->prepared && i < w->n; i++)
        buf_free(&w->prepared[i]);
    free(w->prepared);
    w->prepared = NULL;
}

/* The row numbers of a joined dataset have a key of their own. */
static inline struct type_render render_of(const struct writer *w, const struct result_column *column)
{
    struct type_render render = w->render;
    if (column->row_ids)
        render.row_ids = column->row_ids;
    return render;
}

/* ── JSON ── */

/* `before`, which ends with the key's colon, then the value. */
static inline void add_member(const struct writer *w, struct str before, const struct result_column *column, const struct cell *cell, struct buf *out)
{
    const struct type *type = column->type;
    if (type->id == TYPE_TEXT) {
        escape_json(out, before, cell->s);
        return;
    }
    buf_add_str(out, before);
    if (type->id == TYPE_NUMBER) {
        buf_add_byte(out, '"');
        decimal_write(cell->s, out);
        buf_add_byte(out, '"');
        return;
    }
    const struct type_render render = render_of(w, column);
    type->write_json(type, cell, &render, out);
}

static inline bool is_null(const struct cell *cell)
{
    return cell->kind == CELL_NULL || cell->kind == CELL_ABSENT;
}

static void add_object(const struct writer *w, const struct cell *cells, struct buf *out)
{
    size_t comma = 1; /* bytes of the key to leave out: the comma before the first */
    buf_add_byte(out, '{');
    for (size_t i = 0; i < w->n; i++) {
        if (is_null(&cells[i]))
            continue;
        add_member(w, str_skip(buf_str(&w->prepared[i]), comma), &w->columns[i], &cells[i], out);
        comma = 0;
    }
    buf_add_byte(out, '}');
}

/* ── GeoJSON (RFC 7946): the first geometry is the feature's, everything else a property, nulls stand ── */

static void add_feature(const struct writer *w, const struct cell *cells, struct buf *out)
{
    const struct cell none = {.kind = CELL_ABSENT}, *geometry = w->geometry >= 0 ? &cells[w->geometry] : &none;
    const struct str key = STR("{\"type\":\"Feature\",\"geometry\":");
    if (!is_null(geometry)) {
        add_member(w, key, &w->columns[w->geometry], geometry, out);
    } else {
        buf_add_str(out, key);
        buf_add_z(out, "null");
    }
    buf_add_z(out, ",\"properties\":{");
    size_t comma = 1;
    for (size_t i = 0; i < w->n; i++) {
        if ((int)i == w->geometry)
            continue;
        struct str before = str_skip(buf_str(&w->prepared[i]), comma);
        comma = 0;
        if (is_null(&cells[i])) {
            buf_add_str(out, before);
            buf_add_z(out, "null");
        } else {
            add_member(w, before, &w->columns[i], &cells[i], out);
        }
    }
    buf_add_z(out, w->single ? "}," CRS "}" : "}}");
}

/* ── CSV, TSV: every cell that is not null in quotes, so that null and empty text differ ── */

static void add_cell(const struct writer *w, const struct result_column *column, const struct cell *cell, struct buf *out)
{
    const struct type *type = column->type;
    if (type->id == TYPE_TEXT) {
        escape_csv(out, cell->s);
        return;
    }
    buf_add_byte(out, '"');
    size_t from = out->n;
    const struct type_render render = render_of(w, column);
    type->write_csv(type, cell, &render, out);
    if (type->storage != STORAGE_INT && type->id != TYPE_NUMBER) /* the others never hold a quote */
        escape_csv_in_place(out, from);
    buf_add_byte(out, '"');
}

static inline char separator(const struct writer *w)
{
    return w->format == WRITER_TSV ? '\t' : ',';
}

static void add_header(const struct writer *w, struct buf *out)
{
    if (w->bom)
        buf_add_z(out, "\xef\xbb\xbf");
    for (size_t i = 0; i < w->n; i++) {
        if (i)
            buf_add_byte(out, separator(w));
        escape_csv(out, w->columns[i].name);
    }
    buf_add_byte(out, '\n');
}

static void add_line(const struct writer *w, const struct cell *cells, struct buf *out)
{
    for (size_t i = 0; i < w->n; i++) {
        if (i)
            buf_add_byte(out, separator(w));
        if (!is_null(&cells[i]))
            add_cell(w, &w->columns[i], &cells[i], out);
    }
    buf_add_byte(out, '\n');
}

/* ── the three turns ── */

void writer_begin(struct writer *w, struct buf *out)
{
    switch (w->format) {
    case WRITER_JSON:
        if (!w->single)
            buf_add_byte(out, '[');
        break;
    case WRITER_GEOJSON:
        if (!w->single)
            buf_add_z(out, "{\"type\":\"FeatureCollection\",\"features\":[");
        break;
    case WRITER_CSV:
    case WRITER_TSV:
        add_header(w, out);
        break;
    case WRITER_XML:
    case WRITER_RDF:
        writer_xml_begin(w, out);
        break;
    }
}

void writer_row(struct writer *w, const struct cell *cells, struct buf *out)
{
    bool follows = w->rows++ > 0;
    switch (w->format) {
    case WRITER_JSON:
    case WRITER_GEOJSON:
        if (follows)
            buf_add(out, "\n,", 2);
        if (w->format == WRITER_JSON)
            add_object(w, cells, out);
        else
            add_feature(w, cells, out);
        break;
    case WRITER_CSV:
    case WRITER_TSV:
        add_line(w, cells, out);
        break;
    case WRITER_XML:
    case WRITER_RDF:
        writer_xml_row(w, cells, out);
        break;
    }
}

void writer_end(struct writer *w, struct buf *out)
{
    switch (w->format) {
    case WRITER_JSON:
        buf_add_z(out, w->single ? "\n" : "]\n");
        break;
    case WRITER_GEOJSON:
        buf_add_z(out, w->single ? "\n" : "]," CRS "}\n");
        break;
    case WRITER_CSV:
    case WRITER_TSV:
        break;
    case WRITER_XML:
    case WRITER_RDF:
        writer_xml_end(w, out);
        break;
    }
}
