/* The benchmarks' hands: makes bodies, and does the reference's part on command.
 *
 *   work view NAME                                  the document for POST /api/views
 *   work body json|csv MIX TABLE ROWS ORDER GEN FILE   a body; MIX load|insert|update|half, ORDER ordered|shuffled
 *   work reference DB                               reads commands from standard input, answers each with a JSON line:
 *       insert|replace|upsert|each MIX TABLE ROWS ORDER GEN      select LIMIT TIMES      checkpoint
 *   work time DB SQL                                SQLite alone, all rows stepped through: a JSON line with seconds and rows
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "reference.h"
#include "sql/sql.h"

static int fail(const char *what)
{
    fprintf(stderr, "work: %s\n", what);
    return 1;
}

static bool read_workload(char *const words[5], struct workload *ret)
{
    static const char *const mixes[] = {[WORKLOAD_LOAD] = "load", [WORKLOAD_INSERT] = "insert", [WORKLOAD_UPDATE] = "update", [WORKLOAD_HALF] = "half"};
    for (int m = 0; m < 4; m++)
        if (strcmp(words[0], mixes[m]) == 0) {
            *ret = (struct workload){.seed = 1,
                                     .table_rows = strtoull(words[1], NULL, 10),
                                     .rows = strtoull(words[2], NULL, 10),
                                     .mix = (enum workload_mix)m,
                                     .is_shuffled = strcmp(words[3], "shuffled") == 0,
                                     .generation = (uint32_t)strtoul(words[4], NULL, 10)};
            return true;
        }
    return false;
}

static int write_body(bool csv, const struct workload *w, const char *path)
{
    enum { PIECE = 10000 };
    struct workload_row row;
    struct buf out = {0};
    FILE *f = fopen(path, "we");
    if (!f)
        return fail("cannot write the file");
    if (csv)
        workload_add_csv_header(&out);
    else
        buf_add_byte(&out, '[');
    for (uint64_t i = 0; i < w->rows; i++) {
        workload_make(w, i, &row);
        if (!csv && i)
            buf_add_z(&out, ",\n");
        if (csv)
            workload_add_csv(&row, &out);
        else
            workload_add_json(&row, &out);
        if (i % PIECE == PIECE - 1) {
            fwrite(out.p, 1, out.n, f);
            buf_reset(&out);
        }
    }
    if (!csv)
        buf_add_byte(&out, ']');
    fwrite(out.p, 1, out.n, f);
    bool ok = buf_ok(&out) && !ferror(f);
    buf_free(&out);
    return fclose(f) == 0 && ok ? 0 : fail("cannot write the file");
}

typedef bool reference_act(struct reference *r, const struct workload *w, struct reference_figure *ret, struct error *err);

static bool do_command(struct reference *r, char *line, struct reference_figure *ret, struct error *err)
{
    static const struct {
        const char *name;
        reference_act *act;
    } acts[] = {{"insert", reference_insert}, {"replace", reference_replace}, {"upsert", reference_upsert}, {"each", reference_upsert_each}};
    char *words[8] = {0};
    size_t n = 0;
    struct workload w;
    for (char *word = strtok(line, " \n"); word && n < 8; word = strtok(NULL, " \n"))
        words[n++] = word;
    if (n == 1 && strcmp(words[0], "checkpoint") == 0)
        return reference_checkpoint(r, ret, err);
    if (n == 3 && strcmp(words[0], "select") == 0) {
        struct buf page = {0};
        bool ok = reference_select(r, strtoull(words[1], NULL, 10), 0, (unsigned)atoi(words[2]), &page, ret, err);
        buf_free(&page);
        return ok;
    }
    for (size_t i = 0; n == 6 && i < sizeof acts / sizeof *acts; i++)
        if (strcmp(words[0], acts[i].name) == 0 && read_workload(words + 1, &w))
            return acts[i].act(r, &w, ret, err);
    return error_set(err, ERROR_BAD_REQUEST, "no such command");
}

static int serve_reference(const char *path)
{
    char line[256];
    struct error err = {0};
    struct reference *r = reference_open(path, (size_t)64 << 20, &err);
    if (!r)
        return fail(err.message);
    while (fgets(line, sizeof line, stdin)) {
        struct reference_figure figure = {0};
        if (!do_command(r, line, &figure, &err))
            return fail(err.message);
        printf("{\"seconds\": %.6f, \"rows\": %llu}\n", figure.seconds, (unsigned long long)figure.rows);
        fflush(stdout);
    }
    reference_close(r);
    return 0;
}

static int time_query(const char *path, const char *text)
{
    enum { READER_CACHE_BYTES = 1 << 20 }; /* as the server's readers have */
    struct error err = {0};
    struct sql *db = sql_open(path, SQL_READER, READER_CACHE_BYTES, &err);
    struct sql_statement *st = db ? sql_prepare(db, str_from(text), &err) : NULL;
    enum sql_step step = SQL_FAILED;
    uint64_t rows = 0;
    uint64_t start = clock_mono_us();
    while (st && (step = sql_step(db, st, &err)) == SQL_ROW)
        rows++;
    double seconds = (double)(clock_mono_us() - start) / 1e6;
    sql_finalize(st);
    sql_close(db);
    if (step != SQL_DONE)
        return fail(err.message);
    printf("{\"seconds\": %.6f, \"rows\": %llu}\n", seconds, (unsigned long long)rows);
    return 0;
}

int main(int argc, char **argv)
{
    struct workload w;
    struct buf out = {0};
    if (!random_init())
        return fail("no random numbers");
    if (argc == 3 && strcmp(argv[1], "view") == 0) {
        workload_add_view(argv[2], &out);
        fwrite(out.p, 1, out.n, stdout);
        buf_free(&out);
        return 0;
    }
    if (argc == 9 && strcmp(argv[1], "body") == 0 && read_workload(argv + 3, &w))
        return write_body(strcmp(argv[2], "csv") == 0, &w, argv[8]);
    if (argc == 3 && strcmp(argv[1], "reference") == 0)
        return serve_reference(argv[2]);
    if (argc == 4 && strcmp(argv[1], "time") == 0)
        return time_query(argv[2], argv[3]);
    return fail("wrong use; see the head of bench/work.c");
}
