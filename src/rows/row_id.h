/* The public form of row numbers and row versions: row-xxxx~xxxx~xxxx and rv-xxxx~xxxx~xxxx over the alphabet
 * 23456789abcdefghijkmnpqrstuvwxyz (docs/wire/row-ids.md). A small keyed permutation of 60 bits per dataset: decoded, not
 * stored; not a secret, only opaque. Clients may send '-', '.', '_' or '~' as separators; we always write '~'. */
#ifndef SELTZER_ROWS_ROW_ID_H
#define SELTZER_ROWS_ROW_ID_H

#include "base/str.h"

enum { ROW_ID_LENGTH = 18, ROW_VERSION_LENGTH = 17 };

struct row_id_key {
    uint64_t k[4];
};

/* 0 ≤ sid < 2^60. ret has room for ROW_ID_LENGTH (or ROW_VERSION_LENGTH) bytes; no NUL is written. */
void row_id_format(const struct row_id_key *key, int64_t sid, char ret[ROW_ID_LENGTH]);
void row_version_format(const struct row_id_key *key, int64_t version, char ret[ROW_VERSION_LENGTH]);
/* False when the text has not the form. A well-formed id that was never given out decodes to some other number. */
bool row_id_parse(const struct row_id_key *key, struct str text, int64_t *ret_sid);
bool row_version_parse(const struct row_id_key *key, struct str text, int64_t *ret_version);

#endif
