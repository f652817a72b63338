/* XML and RDF/XML replies: what writer.h's turns do for these two formats. */
#ifndef SELTZER_FORMAT_WRITER_XML_H
#define SELTZER_FORMAT_WRITER_XML_H

#include "format/writer.h"

void writer_xml_begin(const struct writer *w, struct buf *out);
void writer_xml_row(const struct writer *w, const struct cell *cells, struct buf *out);
void writer_xml_end(const struct writer *w, struct buf *out);

/* Text between tags or in an attribute: escaped, and without what XML cannot hold. */
void xml_add_text(struct buf *out, struct str s);

#endif
