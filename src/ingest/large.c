/* Counts shared by all uploads (large.h). One upload at a time leads: it may have a row of any size that is allowed. All
 * others share what is left. So when many large rows come at once one of them always gets through. */
#include "ingest/large.h"

#include <stdatomic.h>

static atomic_size_t shared;
static _Atomic(struct large *) leader;

static bool share(size_t more)
{
    if (atomic_fetch_add(&shared, more) + more <= LARGE_SHARED_BYTES_MAX)
        return true;
    atomic_fetch_sub(&shared, more);
    return false;
}

static bool lead(struct large *l)
{
    struct large *none = NULL;
    if (atomic_load(&leader) == l)
        return true;
    if (!atomic_compare_exchange_strong(&leader, &none, l))
        return false;
    atomic_fetch_sub(&shared, l->held);
    return true;
}

bool large_take(struct large *l, uint64_t n, struct error *err)
{
    enum { STEP = 1 << 20, RETRY_AFTER_S = 2 };
    if (n < LARGE_FROM_BYTES || n <= l->held || l->held == LARGE_ROW_BYTES_MAX)
        return true;
    size_t want = n < LARGE_ROW_BYTES_MAX - STEP ? ((size_t)n + STEP - 1) / STEP * STEP : LARGE_ROW_BYTES_MAX;
    if (atomic_load(&leader) == l || share(want - l->held) || lead(l)) {
        l->held = want;
        return true;
    }
    error_set(err, ERROR_OUT_OF_MEMORY, "too many rows of several megabytes are being sent at the same time; nothing was changed, send this again later");
    err->retry_after_s = RETRY_AFTER_S;
    return false;
}

void large_give(struct large *l)
{
    if (l->held == 0)
        return;
    if (atomic_load(&leader) == l)
        atomic_store(&leader, NULL);
    else
        atomic_fetch_sub(&shared, l->held);
    l->held = 0;
}
