/* Rows as XML and RDF/XML (docs/wire/reading.md, "Formats"). A value is the text that it has in CSV; null is no element. Names that XML
 * does not take as they are have each such character as _xHHHH_ (:id is _x003A_id); characters that XML cannot hold at all
 * (XML 1.0 section 2.2: most controls) become U+FFFD. */
#include "format/writer_xml.h"

/* ── escapes ── */

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\r': /* a parser would make a line feed of it */
        return "&#13;";
    default:
        return NULL;
    }
}

static bool is_refused(struct str s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];
    if (c < 0x20)
        return c != '\t' && c != '\n';
    /* U+FFFE and U+FFFF */
    return c == 0xef && i + 2 < s.n && (unsigned char)s.p[i + 1] == 0xbf && (unsigned char)s.p[i + 2] >= 0xbe;
}

void xml_add_text(struct buf *out, struct str s)
{
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        const char *entity = entity_of(s.p[i]);
        bool refused = !entity && is_refused(s, i);
        if (!entity && !refused)
            continue;
        buf_add(out, s.p + from, i - from);
        buf_add_z(out, refused ? "\xef\xbf\xbd" : entity);
        i += refused && (unsigned char)s.p[i] == 0xef ? 2 : 0;
        from = i + 1;
    }
    buf_add(out, s.p + from, s.n - from);
}

static bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name_char(char c)
{
    return starts_name(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static uint32_t code_point(struct str s, size_t *at)
{
    unsigned char lead = (unsigned char)s.p[*at];
    size_t n = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4; /* names are UTF-8 */
    uint32_t c = n == 1 ? lead : lead & (0x7fu >> n);
    for (size_t k = 1; k < n && *at + k < s.n; k++)
        c = c << 6 | ((unsigned char)s.p[*at + k] & 0x3f);
    *at += n;
    return c;
}

static void add_name(struct buf *out, struct str name)
{
    for (size_t i = 0; i < name.n;) {
        char c = name.p[i];
        if (i == 0 ? starts_name(c) : is_name_char(c)) {
            buf_add_byte(out, c);
            i++;
        } else {
            buf_printf(out, "_x%04X_", (unsigned)code_point(name, &i));
        }
    }
}

/* ── rows ── */

static bool is_null(const struct cell *c)
{
    return c->kind == CELL_NULL || c->kind == CELL_ABSENT;
}

static void add_value(const struct writer *w, size_t i, const struct cell *cell, struct buf *out)
{
    struct type_render render = w->render;
    if (w->columns[i].row_ids)
        render.row_ids = w->columns[i].row_ids;
    struct buf text = {0};
    w->columns[i].type->write_csv(w->columns[i].type, cell, &render, &text);
    xml_add_text(out, buf_str(&text));
    out->failed |= !buf_ok(&text);
    buf_free(&text);
}

static int id_column(const struct writer *w, const struct cell *cells)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->columns[i].type->id == TYPE_ROW_IDENTIFIER && str_eq(w->columns[i].name, STR(":id")) && !is_null(&cells[i]))
            return (int)i;
    return -1;
}

/* <about>/row-… */
static void add_address(const struct writer *w, int id, const struct cell *cells, struct buf *out)
{
    xml_add_text(out, w->about);
    buf_add_byte(out, '/');
    add_value(w, (size_t)id, &cells[id], out);
}

static void add_fields(const struct writer *w, const char *prefix, const struct cell *cells, struct buf *out)
{
    for (size_t i = 0; i < w->n; i++) {
        if (is_null(&cells[i]))
            continue;
        buf_printf(out, "<%s", prefix);
        add_name(out, w->columns[i].name);
        buf_add_byte(out, '>');
        add_value(w, i, &cells[i], out);
        buf_printf(out, "</%s", prefix);
        add_name(out, w->columns[i].name);
        buf_add_byte(out, '>');
    }
}

static void add_xml_row(const struct writer *w, const struct cell *cells, struct buf *out)
{
    int id = id_column(w, cells);
    buf_add_z(out, "<row");
    if (id >= 0) {
        buf_add_z(out, " _id=\"");
        add_value(w, (size_t)id, &cells[id], out);
        buf_add_z(out, "\" _position=\"");
        buf_add_u64(out, w->rows - 1);
        buf_add_z(out, "\" _address=\"");
        add_address(w, id, cells, out);
        buf_add_byte(out, '"');
    }
    buf_add_byte(out, '>');
    add_fields(w, "", cells, out);
    buf_add_z(out, "</row>\n");
}

/* The 4x4: what stands after the last / of the address. */
static struct str dataset_name(const struct writer *w)
{
    size_t at = w->about.n;
    while (at && w->about.p[at - 1] != '/')
        at--;
    return str_skip(w->about, at);
}

static void add_rdf_row(const struct writer *w, const struct cell *cells, struct buf *out)
{
    int id = id_column(w, cells);
    buf_add_z(out, "<dsbase:");
    add_name(out, dataset_name(w));
    if (id >= 0) {
        buf_add_z(out, " rdf:about=\"");
        add_address(w, id, cells, out);
        buf_add_z(out, "\"><socrata:rowID>");
        add_value(w, (size_t)id, &cells[id], out);
        buf_add_z(out, "</socrata:rowID");
    }
    buf_add_z(out, "><rdfs:member rdf:resource=\"");
    xml_add_text(out, w->about);
    buf_add_z(out, "\"/>");
    add_fields(w, "ds:", cells, out);
    buf_add_z(out, "</dsbase:");
    add_name(out, dataset_name(w));
    buf_add_z(out, ">\n");
}

/* ── the three turns ── */

void writer_xml_begin(const struct writer *w, struct buf *out)
{
    buf_add_z(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    if (w->format == WRITER_XML) {
        buf_add_z(out, w->single ? "<response>" : "<response><rows>\n");
        return;
    }
    struct str name = dataset_name(w);
    buf_add_z(out, "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns:rdfs=\"http://www.w3.org/2000/01/rdf-schema#\""
                   " xmlns:socrata=\"http://www.socrata.com/rdf/terms#\" xmlns:dsbase=\"");
    xml_add_text(out, str_head(w->about, w->about.n - name.n));
    buf_add_z(out, "\" xmlns:ds=\"");
    xml_add_text(out, w->about);
    buf_add_z(out, "/\">\n");
}

void writer_xml_row(const struct writer *w, const struct cell *cells, struct buf *out)
{
    if (w->format == WRITER_XML)
        add_xml_row(w, cells, out);
    else
        add_rdf_row(w, cells, out);
}

void writer_xml_end(const struct writer *w, struct buf *out)
{
    if (w->format == WRITER_RDF)
        buf_add_z(out, "</rdf:RDF>\n");
    else
        buf_add_z(out, w->single ? "</response>\n" : "</rows></response>\n");
}
