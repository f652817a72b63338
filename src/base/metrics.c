/* The counters and how they are written (metrics.h). The form: prometheus.io/docs/instrumenting/exposition_formats. */
#include "base/metrics.h"

#include <inttypes.h>

atomic_uint_fast64_t metrics_counts[METRICS];

static const struct {
    const char *family, *labels, *help;
} counters[METRICS] = {
#define X(symbol, family, labels, help) {family, labels, help},
#include "base/metrics.def"
};

static struct {
    const char *family, *labels, *help;
    struct histogram histogram;
} durations[DURATIONS] = {
#define H(symbol, family, labels, help) {family, labels, help, {{0}, 0}},
#include "base/metrics.def"
};

static const uint64_t bounds_us[HISTOGRAM_BUCKETS] = {1000,   2500,   5000,    10000,   25000,   50000,   100000,
                                                      250000, 500000, 1000000, 5000000, 15000000, 60000000};

void histogram_add(struct histogram *h, uint64_t us)
{
    unsigned i = 0;
    while (i < HISTOGRAM_BUCKETS && us > bounds_us[i])
        i++;
    atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum_us, us, memory_order_relaxed);
}

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t n = 0;
    for (unsigned i = 0; i <= HISTOGRAM_BUCKETS; i++)
        n += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
    return n;
}

void metrics_duration(enum duration d, uint64_t us)
{
    histogram_add(&durations[d].histogram, us);
}

/* ── writing ── */

static void add_seconds(struct buf *out, uint64_t us)
{
    buf_printf(out, "%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
}

void metrics_write_head(struct buf *out, const char *family, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family, help, family, type);
}

static void start(struct buf *out, const char *family, const char *suffix, const char *labels)
{
    buf_printf(out, *labels ? "%s%s{%s} " : "%s%s%s ", family, suffix, labels);
}

void metrics_write_u64(struct buf *out, const char *family, const char *labels, uint64_t value)
{
    start(out, family, "", labels);
    buf_printf(out, "%" PRIu64 "\n", value);
}

void metrics_write_seconds(struct buf *out, const char *family, const char *labels, uint64_t us)
{
    start(out, family, "", labels);
    add_seconds(out, us);
    buf_add_byte(out, '\n');
}

/* Buckets hold what is at most their bound, those before included; the last, +Inf, is the count. */
void metrics_write_histogram(struct buf *out, const char *family, const char *labels, const struct histogram *h)
{
    const char *comma = *labels ? "," : "";
    uint64_t sum = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        sum += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", family, labels, comma, (double)bounds_us[i] / 1e6, sum);
    }
    sum += atomic_load_explicit(&h->buckets[HISTOGRAM_BUCKETS], memory_order_relaxed);
    buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", family, labels, comma, sum);
    start(out, family, "_sum", labels);
    add_seconds(out, atomic_load_explicit(&h->sum_us, memory_order_relaxed));
    buf_add_byte(out, '\n');
    start(out, family, "_count", labels);
    buf_printf(out, "%" PRIu64 "\n", sum);
}

void metrics_write(struct buf *out)
{
    for (unsigned i = 0; i < METRICS; i++) {
        if (i == 0 || strcmp(counters[i].family, counters[i - 1].family) != 0)
            metrics_write_head(out, counters[i].family, "counter", counters[i].help);
        metrics_write_u64(out, counters[i].family, counters[i].labels, atomic_load_explicit(&metrics_counts[i], memory_order_relaxed));
    }
    for (unsigned i = 0; i < DURATIONS; i++) {
        metrics_write_head(out, durations[i].family, "histogram", durations[i].help);
        metrics_write_histogram(out, durations[i].family, durations[i].labels, &durations[i].histogram);
    }
}
