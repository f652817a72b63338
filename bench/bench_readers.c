/* The readers against the reference libraries, on the same text in the same run: JSON rows against yajl, CSV against libcsv.
 * The text is the 22-column workload (docs/performance.md): made here from a seed, 64 MB, pushed in 64 KiB slices. Ours
 * gives rows to a sink that looks at each value; the references call callbacks that do the same. Best of five.
 * Output: name, ours, reference, ratio, goal; MB/s. */
#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <yajl/yajl_parse.h>

#include "format/reader.h"
#include "base/random.h"

enum { TEXT_BYTES = 64 << 20, SLICE = 64 << 10, ROUNDS = 5 };

static uint64_t checksum; /* keeps the compiler from leaving the work out */

static uint64_t next(uint64_t *x)
{
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    return *x >> 11;
}

static const char *const names[22] = {
    "id", "case_number", "date", "block", "iucr", "primary_type", "description", "location_description", "arrest", "domestic", "beat",
    "district", "ward", "community_area", "fbi_code", "x_coordinate", "y_coordinate", "year", "updated_on", "latitude", "longitude", "location",
};

/* A row's cells; which of them JSON writes without quotes. */
static const bool bare[22] = {[8] = true, [9] = true, [10] = true, [11] = true, [12] = true, [13] = true, [15] = true, [16] = true, [17] = true, [19] = true, [20] = true};

static void make_row(uint64_t *x, unsigned n, char cells[22][96])
{
    static const char *const types[] = {"THEFT", "BATTERY", "CRIMINAL DAMAGE", "NARCOTICS", "ASSAULT", "OTHER OFFENSE", "BURGLARY",
                                        "MOTOR VEHICLE THEFT", "DECEPTIVE PRACTICE", "ROBBERY", "CRIMINAL TRESPASS"};
    static const char *const places[] = {"STREET", "RESIDENCE", "APARTMENT", "SIDEWALK", "PARKING LOT/GARAGE(NON.RESID.)", "SMALL RETAIL STORE"};
    unsigned day = (unsigned)(next(x) % 28 + 1), hour = (unsigned)(next(x) % 24), minute = (unsigned)(next(x) % 60);
    double latitude = 41.6 + (double)(next(x) % 400000000) / 1e9, longitude = -87.5 - (double)(next(x) % 400000000) / 1e9;
    enum { N = 96 };
    snprintf(cells[0], N, "%u", 10000000 + n);
    snprintf(cells[1], N, "HX%06u", (unsigned)(next(x) % 1000000));
    snprintf(cells[2], N, "2014-%02u-%02uT%02u:%02u:00.000", (unsigned)(next(x) % 12 + 1), day, hour, minute);
    snprintf(cells[3], N, "%03uXX %c %s ST", (unsigned)(next(x) % 130), "NSEW"[next(x) % 4], types[next(x) % 11]);
    snprintf(cells[4], N, "%04u", (unsigned)(next(x) % 9000));
    snprintf(cells[5], N, "%s", types[next(x) % 11]);
    snprintf(cells[6], N, "%s", next(x) % 2 ? "SIMPLE" : "OVER $500");
    snprintf(cells[7], N, "%s", places[next(x) % 6]);
    snprintf(cells[8], N, "%s", next(x) % 4 ? "false" : "true");
    snprintf(cells[9], N, "%s", next(x) % 4 ? "false" : "true");
    snprintf(cells[10], N, "%u", (unsigned)(next(x) % 2500 + 111));
    snprintf(cells[11], N, "%u", (unsigned)(next(x) % 25 + 1));
    snprintf(cells[12], N, "%u", (unsigned)(next(x) % 50 + 1));
    snprintf(cells[13], N, "%u", (unsigned)(next(x) % 77 + 1));
    snprintf(cells[14], N, "%02u", (unsigned)(next(x) % 26 + 1));
    snprintf(cells[15], N, "%u", (unsigned)(1100000 + next(x) % 100000));
    snprintf(cells[16], N, "%u", (unsigned)(1810000 + next(x) % 140000));
    snprintf(cells[17], N, "2014");
    snprintf(cells[18], N, "2015-08-17T15:03:40.000");
    snprintf(cells[19], N, "%.9f", latitude);
    snprintf(cells[20], N, "%.9f", longitude);
    snprintf(cells[21], N, "(%.9f, %.9f)", latitude, longitude);
}

static void make_texts(struct buf *json, struct buf *csv)
{
    uint64_t x = 20141013;
    char cells[22][96];
    for (int i = 0; i < 22; i++)
        buf_printf(csv, "%s%s", i ? "," : "", names[i]);
    buf_add_z(csv, "\n");
    for (unsigned n = 0; json->n < TEXT_BYTES; n++) {
        make_row(&x, n, cells);
        buf_add_z(json, n ? ",\n{" : "[{");
        for (int i = 0; i < 21; i++)
            buf_printf(json, bare[i] ? "%s\"%s\":%s" : "%s\"%s\":\"%s\"", i ? "," : "", names[i], cells[i]);
        buf_printf(json, ",\"location\":{\"type\":\"Point\",\"coordinates\":[%s,%s]}}", cells[20], cells[19]);
        for (int i = 0; i < 21; i++)
            buf_printf(csv, "%s,", cells[i]);
        buf_printf(csv, "\"%s\"\n", cells[21]);
    }
    buf_add_z(json, "]\n");
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool sink_body(void *ctx, bool many, struct error *err)
{
    (void)ctx, (void)many, (void)err;
    return true;
}

static bool sink_name(void *ctx, struct str name, int *ret_slot, struct error *err)
{
    (void)name, (void)err;
    *ret_slot = (*(int *)ctx)++;
    return true;
}

static bool sink_header(void *ctx, struct error *err)
{
    (void)ctx, (void)err;
    return true;
}

static bool sink_row(void *ctx, enum row_shape shape, struct str what, uint64_t line, struct error *err)
{
    (void)ctx, (void)shape, (void)what, (void)err;
    checksum += line;
    return true;
}

static bool sink_value(void *ctx, int slot, const struct raw *raw, uint64_t column, struct error *err)
{
    (void)ctx, (void)column, (void)err;
    checksum += raw->text.n + (unsigned)slot + (raw->text.n ? (unsigned char)raw->text.p[0] : 0);
    return true;
}

static double ours(enum reader_format format, struct str text)
{
    struct error err;
    int slots = 0;
    struct row_sink sink = {&slots, sink_body, sink_name, sink_header, sink_row, sink_value, sink_header, NULL};
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double from = seconds();
        struct reader *r = reader_new(format, &reader_limits_default, &sink, &err);
        for (struct str rest = text; rest.n; rest = str_skip(rest, SLICE))
            if (!reader_push(r, str_head(rest, SLICE), &err)) {
                fprintf(stderr, "%s\n", err.message);
                exit(1);
            }
        if (!reader_finish(r, &err)) {
            fprintf(stderr, "%s\n", err.message);
            exit(1);
        }
        reader_free(r);
        double took = seconds() - from;
        best = took < best ? took : best;
    }
    return (double)text.n / 1e6 / best;
}

static int on_null(void *ctx)
{
    (void)ctx;
    checksum++;
    return 1;
}

static int on_bool(void *ctx, int b)
{
    (void)ctx;
    checksum += (unsigned)b;
    return 1;
}

static int on_text(void *ctx, const char *p, size_t n)
{
    (void)ctx;
    checksum += n + (n ? (unsigned char)p[0] : 0);
    return 1;
}

static int on_string(void *ctx, const unsigned char *p, size_t n)
{
    return on_text(ctx, (const char *)p, n);
}

static double yajl(struct str text)
{
    static const yajl_callbacks callbacks = {on_null, on_bool, NULL, NULL, on_text, on_string, on_null, on_string, on_null, on_null, on_null};
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double from = seconds();
        yajl_handle h = yajl_alloc(&callbacks, NULL, NULL);
        for (struct str rest = text; rest.n; rest = str_skip(rest, SLICE))
            if (yajl_parse(h, (const unsigned char *)rest.p, str_head(rest, SLICE).n) != yajl_status_ok)
                exit(1);
        if (yajl_complete_parse(h) != yajl_status_ok)
            exit(1);
        yajl_free(h);
        double took = seconds() - from;
        best = took < best ? took : best;
    }
    return (double)text.n / 1e6 / best;
}

static void on_cell(void *p, size_t n, void *ctx)
{
    on_text(ctx, p, n);
}

static void on_row(int c, void *ctx)
{
    (void)ctx;
    checksum += (unsigned)c;
}

static double libcsv(struct str text)
{
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double from = seconds();
        struct csv_parser p;
        if (csv_init(&p, CSV_STRICT) != 0)
            exit(1);
        for (struct str rest = text; rest.n; rest = str_skip(rest, SLICE))
            if (csv_parse(&p, rest.p, str_head(rest, SLICE).n, on_cell, on_row, NULL) != str_head(rest, SLICE).n)
                exit(1);
        csv_fini(&p, on_cell, on_row, NULL);
        csv_free(&p);
        double took = seconds() - from;
        best = took < best ? took : best;
    }
    return (double)text.n / 1e6 / best;
}

static void figure(const char *name, double own, double reference, double goal)
{
    printf("%s\t%.0f\t%.0f\t%.2f\t%.2f\n", name, own, reference, own / reference, goal);
}

int main(void)
{
    struct buf json = {0}, csv = {0};
    if (!random_init())
        return 1;
    make_texts(&json, &csv);
    if (!buf_ok(&json) || !buf_ok(&csv))
        return 1;
    figure("read JSON rows, MB/s (yajl)", ours(READER_JSON, buf_str(&json)), yajl(buf_str(&json)), 2);
    figure("read CSV rows, MB/s (libcsv)", ours(READER_CSV, buf_str(&csv)), libcsv(buf_str(&csv)), 3);
    buf_free(&json);
    buf_free(&csv);
    return checksum == 0;
}
