/* The reference alone: what libsqlite3 does on this machine, a line a figure: name, rows a second, microseconds a row.
 * bench_reference [rows] (100,000 unless told). Also shows that half of the keys of the mixed upsert exist. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "reference.h"

static void print(const char *name, struct reference_figure f)
{
    printf("%s\t%.0f rows/s\t%.2f us\n", name, (double)f.rows / f.seconds, f.seconds * 1e6 / (double)f.rows);
}

/* The count before and after tells how many keys were new. */
static bool mixed(struct reference *r, struct workload w, bool shuffled, struct error *err)
{
    struct reference_figure f, ignored;
    uint64_t before, after;
    w.mix = WORKLOAD_HALF;
    w.is_shuffled = shuffled;
    w.generation += 1 + shuffled;
    w.seed += w.generation;
    if (!reference_count(r, &before, err) || !reference_upsert(r, &w, &f, err) || !reference_count(r, &after, err) ||
        !reference_checkpoint(r, &ignored, err))
        return false;
    print(shuffled ? "upsert, half new, shuffled" : "upsert, half new, in key order", f);
    printf("# %" PRIu64 " rows sent, %" PRIu64 " new\n", w.rows, after - before);
    return true;
}

static bool measure(struct reference *r, uint64_t rows, struct error *err)
{
    struct workload w = {.seed = 1, .table_rows = rows, .rows = rows, .generation = 1};
    struct reference_figure f, ignored;
    struct buf page = {0};
    bool ok = reference_insert(r, &w, &f, err);
    if (ok)
        print("insert, in key order", f);
    ok = ok && reference_checkpoint(r, &ignored, err) && mixed(r, w, false, err);
    ok = ok && reference_replace(r, &w, &f, err) && reference_checkpoint(r, &ignored, err);
    if (ok)
        print("replace, index last", f);
    ok = ok && mixed(r, w, true, err);
    w = (struct workload){.seed = 2,
                          .table_rows = rows,
                          .rows = rows < 2000 ? rows : 2000,
                          .mix = WORKLOAD_HALF,
                          .is_shuffled = true,
                          .generation = 9};
    ok = ok && reference_upsert_each(r, &w, &f, err);
    if (ok)
        print("upsert, a commit a row", f);
    ok = ok && reference_select(r, 1000, 0, 50, &page, &f, err);
    if (ok)
        print("select 1000 rows as JSON", f);
    buf_free(&page);
    return ok;
}

int main(int argc, char **argv)
{
    char dir[] = "bench-XXXXXX", path[64];
    struct error err = {0};
    if (!mkdtemp(dir)) {
        perror("bench_reference: mkdtemp");
        return 1;
    }
    snprintf(path, sizeof path, "%s/reference.db", dir);
    struct reference *r = reference_open(path, 64 << 20, &err);
    bool ok = r && measure(r, argc > 1 ? strtoull(argv[1], NULL, 10) : 100000, &err);
    if (!ok)
        fprintf(stderr, "bench_reference: %s\n", err.message);
    reference_close(r);
    unlink(path);
    rmdir(dir);
    return ok ? 0 : 1;
}
