/* Room for large rows. A row may have 70,000,000 bytes and takes several times that while it is read, staged and applied; all
 * uploads together may have so much of it under way that the process stays within its memory, whatever is sent at the same
 * time. Who comes beyond that is told to come again (503 with Retry-After, docs/wire/bodies.md). */
#ifndef SELTZER_INGEST_LARGE_H
#define SELTZER_INGEST_LARGE_H

#include "base/error.h"

enum {
    LARGE_FROM_BYTES = 512 << 10,      /* smaller rows are not counted */
    LARGE_ROW_BYTES_MAX = 70 << 20,    /* no row is larger than reader_limits.row_bytes_max; blanks round it do not count */
    LARGE_SHARED_BYTES_MAX = 24 << 20, /* of all but one of them */
};

struct large {
    size_t held;
};

/* The upload is inside of a row of which n bytes have come. What was taken stays taken until large_give: the row has yet to be applied. */
must_use bool large_take(struct large *l, uint64_t n, struct error *err);
void large_give(struct large *l);

#endif
