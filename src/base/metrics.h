/* Counters and durations of the whole process, for whoever watches it (docs/operations.md). metrics.def has them; any folder may count.
 *
 * Counting is one atomic addition without order or lock, so that it costs nothing where it stands. What a moment is like (queues, the
 * disk) is not kept here: whoever writes the page asks for it then. */
#ifndef SELTZER_BASE_METRICS_H
#define SELTZER_BASE_METRICS_H

#include <stdatomic.h>

#include "base/buf.h"

enum metric {
#define X(symbol, family, labels, help) METRIC_##symbol,
#include "base/metrics.def"
    METRICS
};

enum duration {
#define H(symbol, family, labels, help) DURATION_##symbol,
#include "base/metrics.def"
    DURATIONS
};

extern atomic_uint_fast64_t metrics_counts[METRICS];

static inline void metrics_add(enum metric m, uint64_t n)
{
    atomic_fetch_add_explicit(&metrics_counts[m], n, memory_order_relaxed);
}

/* From a millisecond to a minute; what took longer is in the count alone. */
enum { HISTOGRAM_BUCKETS = 13 };
struct histogram {
    atomic_uint_fast64_t buckets[HISTOGRAM_BUCKETS + 1], sum_us;
};
void histogram_add(struct histogram *h, uint64_t us);
uint64_t histogram_count(const struct histogram *h);
void metrics_duration(enum duration d, uint64_t us);

/* ── the text form that Prometheus reads, version 0.0.4 ── */
/* Once before the lines of a family. */
void metrics_write_head(struct buf *out, const char *family, const char *type, const char *help);
/* labels: a="b",c="d" with the values escaped, or empty. */
void metrics_write_u64(struct buf *out, const char *family, const char *labels, uint64_t value);
void metrics_write_seconds(struct buf *out, const char *family, const char *labels, uint64_t us);
void metrics_write_histogram(struct buf *out, const char *family, const char *labels, const struct histogram *h);
/* All of metrics.def. */
void metrics_write(struct buf *out);

#endif
