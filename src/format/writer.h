/* Rows of typed cells to bytes: JSON, GeoJSON, CSV, TSV, XML, RDF. begin, row…, end; each appends to a buffer that the caller empties
 * as it fills (nothing is kept in the writer but a few flags). Forms: docs/wire/reading.md. */
#ifndef SELTZER_FORMAT_WRITER_H
#define SELTZER_FORMAT_WRITER_H

#include "base/buf.h"
#include "rows/sql_text.h"

enum writer_format { WRITER_JSON, WRITER_GEOJSON, WRITER_CSV, WRITER_TSV, WRITER_XML, WRITER_RDF };

struct writer {
    enum writer_format format;
    const struct result_column *columns;
    size_t n;
    struct type_render render;
    bool bom;               /* CSV, TSV: U+FEFF first ($$bom=true) */
    bool single;            /* JSON: one object, no array. GeoJSON: one Feature. XML: no rows around it */
    struct str about;       /* XML, RDF: the dataset's address, without / at the end; its last part is the 4x4 */
    /* the writer's own */
    uint64_t rows;
    int geometry;           /* index of the first geometry column, -1 */
    struct buf *prepared;   /* per column: the key as JSON text with its colon */
};

must_use bool writer_init(struct writer *w); /* after the public members are set; false: out of memory */
void writer_begin(struct writer *w, struct buf *out);
void writer_row(struct writer *w, const struct cell *cells, struct buf *out);
void writer_end(struct writer *w, struct buf *out);
void writer_fini(struct writer *w);
struct str writer_content_type(enum writer_format format); /* with charset=utf-8 */

#endif
