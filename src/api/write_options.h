/* What a write request asks for besides its rows: query parameters, media type, coding, expected version. */
#ifndef SELTZER_API_WRITE_OPTIONS_H
#define SELTZER_API_WRITE_OPTIONS_H

#include "api/api.h"

/* How the Content-Type names the body; the first byte decides where it says nothing (docs/wire/bodies.md). */
enum body_naming {
    BODY_NAMED,          /* format is set */
    BODY_SNIFF_MISSING,  /* no Content-Type: JSON if it starts with [ or {, else CONTENT_TYPE_MISSING */
    BODY_SNIFF_VAGUE,    /* text/plain, application/octet-stream: the same, else CONTENT_TYPE_WRONG */
    BODY_SNIFF_FORM,     /* a form, unless it starts with [ or { (curl -d) */
};

struct write_options {
    struct upload_options upload;
    enum body_naming naming;
    bool version_2;      /* $$version=2.0 */
    bool report_rows;    /* ?report=rows */
};

/* kind: upsert or replace; single_row: a row URL. Unknown parameters are refused before the body is read, so that a
 * misspelt dryRun never writes (docs/wire/rows.md). */
must_use bool write_options_read(struct call *c, enum upload_kind kind, bool single_row, struct write_options *ret, struct error *err);
/* Settles a sniffed format by the first bytes that are not blank. */
must_use bool write_options_sniff(struct write_options *o, const struct http_head *head, struct str first, struct error *err);

#endif
