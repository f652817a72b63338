/* Rows that the failure policy left out (set_aside.h). They go to a spool in a small encoding, since the CSV's header is
 * only known at the end: per row  line, message, count, then count × (place, kind, name, text). */
#include "ingest/set_aside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/spool.h"

enum { FIRST_PLACE = SET_ASIDE_TEXT, DAY_SECONDS = 86400, FLUSH_AT = 64 << 10 };

struct set_aside {
    const struct dataset *dataset;
    struct spool *spool;
    bool *given;           /* a flag a place, from FIRST_PLACE */
    uint64_t line;
    struct buf noted;
    uint32_t n_noted;
    uint64_t rows;
};

struct set_aside *set_aside_new(const struct dataset *d, const char *scratch_dir, struct error *err)
{
    struct set_aside *s = calloc(1, sizeof *s);
    struct spool_config config = {.scratch_dir = scratch_dir};
    if (!s) {
        error_no_memory(err);
        return NULL;
    }
    s->dataset = d;
    s->given = calloc(d->columns.n + (size_t)-FIRST_PLACE, sizeof *s->given);
    s->spool = spool_new(&config, err);
    if (!s->given)
        error_no_memory(err);
    if (!s->given || !s->spool) {
        set_aside_free(s);
        return NULL;
    }
    return s;
}

void set_aside_free(struct set_aside *s)
{
    if (!s)
        return;
    spool_free(s->spool);
    buf_free(&s->noted);
    free(s->given);
    free(s);
}

void set_aside_row(struct set_aside *s, uint64_t line)
{
    s->line = line;
    s->n_noted = 0;
    buf_reset(&s->noted);
}

static void add_text(struct buf *b, struct str text)
{
    buf_add(b, &text.n, sizeof text.n);
    buf_add_str(b, text);
}

void set_aside_note(struct set_aside *s, int place, struct str name, const struct raw *raw)
{
    int32_t head[2] = {place, (int32_t)raw->kind};
    buf_add(&s->noted, head, sizeof head);
    add_text(&s->noted, place == SET_ASIDE_UNKNOWN ? name : STR_NONE);
    add_text(&s->noted, raw->text);
    s->n_noted++;
}

/* Reads the noted values again, to learn which places the kept rows use. */
struct noted {
    int place;
    enum raw_kind kind;
    struct str name, text;
};

static struct str take_text(const char **at)
{
    struct str text;
    memcpy(&text.n, *at, sizeof text.n);
    text.p = *at + sizeof text.n;
    *at = text.p + text.n;
    return text;
}

static struct noted take_noted(const char **at)
{
    int32_t head[2];
    struct noted v;
    memcpy(head, *at, sizeof head);
    *at += sizeof head;
    v.place = head[0];
    v.kind = (enum raw_kind)head[1];
    v.name = take_text(at);
    v.text = take_text(at);
    return v;
}

bool set_aside_keep(struct set_aside *s, struct str message, struct error *err)
{
    const char *at = s->noted.p;
    struct buf head = {0};
    for (uint32_t i = 0; i < s->n_noted && buf_ok(&s->noted); i++)
        s->given[take_noted(&at).place - FIRST_PLACE] = true;
    uint64_t size = sizeof s->line + sizeof message.n + message.n + sizeof s->n_noted + s->noted.n;
    buf_add(&head, &size, sizeof size);
    buf_add(&head, &s->line, sizeof s->line);
    add_text(&head, message);
    buf_add(&head, &s->n_noted, sizeof s->n_noted);
    bool ok = buf_ok(&head) && buf_ok(&s->noted) ? spool_write(s->spool, head.p, head.n, err) && spool_write(s->spool, s->noted.p, s->noted.n, err)
                                                 : error_no_memory(err);
    buf_free(&head);
    s->rows++;
    return ok;
}

uint64_t set_aside_rows(const struct set_aside *s)
{
    return s->rows;
}

/* ── the file ── */

static void add_cell(struct buf *out, struct str text)
{
    size_t quote;
    buf_add_byte(out, '"');
    while (str_find_byte(text, '"', &quote)) {
        buf_add_str(out, str_head(text, quote + 1));
        buf_add_byte(out, '"');
        text = str_skip(text, quote + 1);
    }
    buf_add_str(out, text);
    buf_add_byte(out, '"');
}

static void add_value(struct buf *out, const struct noted *v)
{
    switch (v->kind) {
    case RAW_NULL:
        return;
    case RAW_FALSE:
        add_cell(out, STR("false"));
        return;
    case RAW_TRUE:
        add_cell(out, STR("true"));
        return;
    case RAW_NUMBER:
    case RAW_STRING:
    case RAW_OBJECT:
    case RAW_ARRAY:
        break;
    }
    add_cell(out, v->text);
}

static void add_json_value(struct buf *out, const struct noted *v)
{
    static const char *const words[] = {[RAW_NULL] = "null", [RAW_FALSE] = "false", [RAW_TRUE] = "true"};
    if (v->kind <= RAW_TRUE)
        buf_add_z(out, words[v->kind]);
    else if (v->kind == RAW_STRING)
        buf_add_json(out, v->text);
    else
        buf_add_str(out, v->text);
}

static const int system_places[] = {SET_ASIDE_ID, SET_ASIDE_VERSION, SET_ASIDE_DELETED};
static const char *const system_names[] = {":id", ":version", ":deleted"};

static void add_header(const struct set_aside *s, struct buf *out)
{
    buf_add_z(out, "\":line\",\":error\"");
    for (size_t i = 0; i < 3; i++)
        if (s->given[system_places[i] - FIRST_PLACE])
            buf_printf(out, ",\"%s\"", system_names[i]);
    for (size_t i = 0; i < s->dataset->columns.n; i++)
        if (s->given[(int)i - FIRST_PLACE]) {
            buf_add_byte(out, ',');
            add_cell(out, s->dataset->columns.v[i].field_name);
        }
    if (s->given[SET_ASIDE_UNKNOWN - FIRST_PLACE])
        buf_add_z(out, ",\":unknown\"");
    if (s->given[SET_ASIDE_TEXT - FIRST_PLACE])
        buf_add_z(out, ",\":text\"");
    buf_add_byte(out, '\n');
}

static void add_place(const struct noted *values, uint32_t n, int place, struct buf *out)
{
    buf_add_byte(out, ',');
    for (uint32_t i = 0; i < n; i++)
        if (values[i].place == place) {
            add_value(out, &values[i]);
            return;
        }
}

static void add_unknown(const struct noted *values, uint32_t n, struct buf *out)
{
    struct buf json = {0};
    buf_add_byte(out, ',');
    for (uint32_t i = 0; i < n; i++)
        if (values[i].place == SET_ASIDE_UNKNOWN) {
            buf_add_byte(&json, json.n ? ',' : '{');
            buf_add_json(&json, values[i].name);
            buf_add_byte(&json, ':');
            add_json_value(&json, &values[i]);
        }
    if (json.n) {
        buf_add_byte(&json, '}');
        add_cell(out, buf_str(&json));
    }
    out->failed |= json.failed;
    buf_free(&json);
}

static bool add_row(const struct set_aside *s, const char *row, struct buf *out)
{
    uint64_t line;
    uint32_t n;
    const char *at = row + sizeof line;
    memcpy(&line, row, sizeof line);
    struct str message = take_text(&at);
    memcpy(&n, at, sizeof n);
    at += sizeof n;
    struct noted *values = calloc(n ? n : 1, sizeof *values);
    if (!values)
        return false;
    for (uint32_t i = 0; i < n; i++)
        values[i] = take_noted(&at);
    buf_printf(out, "\"%llu\",", (unsigned long long)line);
    add_cell(out, message);
    for (size_t i = 0; i < 3; i++)
        if (s->given[system_places[i] - FIRST_PLACE])
            add_place(values, n, system_places[i], out);
    for (size_t i = 0; i < s->dataset->columns.n; i++)
        if (s->given[(int)i - FIRST_PLACE])
            add_place(values, n, (int)i, out);
    if (s->given[SET_ASIDE_UNKNOWN - FIRST_PLACE])
        add_unknown(values, n, out);
    if (s->given[SET_ASIDE_TEXT - FIRST_PLACE])
        add_place(values, n, SET_ASIDE_TEXT, out);
    buf_add_byte(out, '\n');
    free(values);
    return buf_ok(out);
}

static bool flush(int fd, struct buf *out, struct error *err)
{
    if (!buf_ok(out))
        return error_no_memory(err);
    for (size_t done = 0; done < out->n;) {
        ssize_t n = write(fd, out->p + done, out->n - done);
        if (n < 0 && errno != EINTR)
            return error_from_errno(err, errno, "write the report of set-aside rows");
        done += n > 0 ? (size_t)n : 0;
    }
    buf_reset(out);
    return true;
}

static bool write_rows(struct set_aside *s, int fd, struct error *err)
{
    struct buf out = {0}, row = {0};
    uint64_t at = 0, size, end = spool_bytes(s->spool);
    size_t got;
    bool ok = true;
    add_header(s, &out);
    while (ok && at < end) {
        buf_reset(&row);
        ok = spool_read(s->spool, at, &size, sizeof size, &got, err);
        if (!ok)
            break;
        char *room = buf_room(&row, size);
        if (room)
            ok = spool_read(s->spool, at + sizeof size, room, size, &got, err) && (add_row(s, room, &out) || error_no_memory(err));
        else
            ok = error_no_memory(err);
        at += sizeof size + size;
        if (ok && out.n >= FLUSH_AT)
            ok = flush(fd, &out, err);
    }
    ok = ok && flush(fd, &out, err);
    buf_free(&out);
    buf_free(&row);
    return ok;
}

static void remove_old(const char *dir)
{
    DIR *d = opendir(dir);
    time_t limit = time(NULL) - (time_t)SET_ASIDE_DAYS * DAY_SECONDS;
    struct stat st;
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));)
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && st.st_mtime < limit)
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
}

bool set_aside_write(struct set_aside *s, const char *reports_dir, const char *request_id, struct error *err)
{
    char path[4400], beside[4420];
    if (!folder_make(reports_dir, err))
        return false;
    remove_old(reports_dir);
    snprintf(path, sizeof path, "%.4000s/%.64s~%s.csv", reports_dir, request_id, s->dataset->id);
    /* A client may use one request id for two requests at once: each writes a file of its own, and the last one's stays. */
    snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return error_from_errno(err, errno, "write the report of set-aside rows");
    bool ok = write_rows(s, fd, err);
    if (ok && fsync(fd) != 0)
        ok = error_from_errno(err, errno, "write the report of set-aside rows");
    close(fd);
    if (ok && rename(beside, path) != 0)
        ok = error_from_errno(err, errno, "write the report of set-aside rows");
    if (!ok)
        unlink(beside);
    if (ok && !(ok = folder_sync(reports_dir, err)))
        unlink(path); /* the request is refused: it has no report */
    return ok;
}
