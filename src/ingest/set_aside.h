/* Rows that the failure policy left out, kept as they were given so that they can be mended and sent again
 * (docs/wire/rows.md, "Failure policy"). A row's values are noted one by one and then kept or dropped. At the end they
 * become a CSV file: :line, :error, the columns that the body named, :unknown with what no column took, and :text with what
 * could not be read. The first three are ignored when the file is sent back; a row that still has a :text is refused. */
#ifndef SELTZER_INGEST_SET_ASIDE_H
#define SELTZER_INGEST_SET_ASIDE_H

#include "ingest/ingest.h"

enum { SET_ASIDE_DAYS = 30 };

/* Where a value stood: a column's index, or one of these. */
enum { SET_ASIDE_ID = -1, SET_ASIDE_VERSION = -2, SET_ASIDE_DELETED = -3, SET_ASIDE_UNKNOWN = -4, SET_ASIDE_TEXT = -5 };

struct set_aside;
struct set_aside *set_aside_new(const struct dataset *d, const char *scratch_dir, struct error *err);
void set_aside_row(struct set_aside *s, uint64_t line);                             /* forgets what was noted */
void set_aside_note(struct set_aside *s, int place, struct str name, const struct raw *raw);
must_use bool set_aside_keep(struct set_aside *s, struct str message, struct error *err); /* the noted row is left out */
uint64_t set_aside_rows(const struct set_aside *s);
/* Writes REPORTS/<request_id>~<dataset>.csv, whole and synced, and removes files older than SET_ASIDE_DAYS. */
must_use bool set_aside_write(struct set_aside *s, const char *reports_dir, const char *request_id, struct error *err);
void set_aside_free(struct set_aside *s); /* NULL is fine */

#endif
