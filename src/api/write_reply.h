/* What a write answers: counts, per-row results, the stored row, or every problem (docs/wire/rows.md, "Replies"). */
#ifndef SELTZER_API_WRITE_REPLY_H
#define SELTZER_API_WRITE_REPLY_H

#include "api/write_options.h"

/* The six counts, and with $$version=2.0 the wider object. */
void write_reply_counts(struct call *c, const struct write_options *o, struct upload *u, const struct write *w);
/* ?report=rows: [{"typ":"insert","id":…,"ver":…},…] in input order. */
void write_reply_rows(struct call *c, const struct write_options *o, struct upload *u, const struct write *w);
/* The stored row of a single-object write, as it was shown before the commit; counts when there is none to show. */
void write_reply_stored(struct call *c, const struct write_options *o, struct upload *u, const struct write *w, struct buf *shown);
/* With an Idempotency-Key: the reply, as a repetition is to get it, and that repetition's answer. A row that is longer than is kept is
 * shown as it is when asked again, a list of rows (?report=rows) becomes its counts. */
enum { KEPT_REPLY_BYTES_MAX = 1 << 20 };
struct kept_row {
    int64_t sid;     /* of the row to show, 0 for none */
    struct str json;
};
must_use bool write_reply_keep(struct call *c, const struct write_options *o, struct upload *u, const struct write *w, const struct kept_row *row,
                               struct str deleted_id_json, struct buf *out);
void write_reply_again(struct call *c, const struct write_options *o, struct upload *u, const struct write *w);
/* A refusal; problems (may be NULL) go into data.errors. */
void write_reply_refusal(struct call *c, const struct error *err, const struct problems *problems);
/* [{"typ":"delete","id":…}] */
void write_reply_deleted(struct call *c, const struct write *w, struct str id_json);

#endif
