/* GET /seltzer/reports/{request id}.csv: the rows that a failure policy set aside, for those who may write the dataset
 * (docs/wire/rows.md, "Failure policy"). The file is REPORTS/<request id>~<dataset>.csv; '~' is in no request id. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/handlers.h"

static bool not_found(struct str id, struct error *err)
{
    error_set(err, ERROR_NOT_FOUND, "there is no report of request \"" FMT_STR "\": nothing was set aside, or it is older than 30 days",
              ARG_STR(str_head_utf8(id, 100)));
    error_data_str(err, "request_id", str_head_utf8(id, 100));
    return false;
}

static bool failed(struct error *err)
{
    return error_from_errno(err, errno, "read the reports");
}

/* The next name in the folder; NULL at its end. */
static bool next_name(DIR *dir, const char **ret, struct error *err)
{
    errno = 0;
    const struct dirent *e = readdir(dir);
    if (!e && errno != 0)
        return failed(err);
    *ret = e ? e->d_name : NULL;
    return true;
}

/* That request's report of a dataset that the caller may write. Others are as if they were not there. */
static bool is_wanted(struct call *c, struct str name, struct str id)
{
    struct str request, rest;
    struct error unused;
    if (!str_cut(name, '~', &request, &rest) || !str_eq(request, id) || !str_ends(rest, STR(".csv")))
        return false;
    const struct dataset *d = catalog_dataset(c->api->catalog, str_head(rest, rest.n - 4), &unused);
    bool wanted = d && gate_authorize(&c->principal, GATE_APPEND_ROWS, d, &unused);
    dataset_release(d);
    return wanted;
}

/* No folder yet, or a file that its age has just removed, is nothing found; any other failure is a failure. */
static bool open_report(struct call *c, struct str id, int *ret_fd, struct error *err)
{
    DIR *dir = id.n ? opendir(c->api->reports_dir) : NULL;
    const char *name = NULL;
    int fd = -1;
    if (!dir)
        return id.n && errno != ENOENT ? failed(err) : not_found(id, err);
    bool ok = true;
    while (fd < 0 && (ok = next_name(dir, &name, err)) && name)
        if (is_wanted(c, str_from(name), id)) {
            fd = openat(dirfd(dir), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
            if (fd < 0 && errno != ENOENT) {
                ok = failed(err);
                break;
            }
        }
    closedir(dir);
    if (ok && fd < 0)
        ok = not_found(id, err);
    if (ok)
        *ret_fd = fd;
    return ok;
}

static bool copy(int fd, struct spool *body, struct error *err)
{
    char piece[16384];
    ssize_t n;
    while ((n = read(fd, piece, sizeof piece)) > 0)
        if (!spool_write(body, piece, (size_t)n, err))
            return false;
    return n == 0 || error_from_errno(err, errno, "read the report");
}

static void run(struct call *c)
{
    struct error err = {0};
    int fd = -1;
    if (!open_report(c, c->part[0], &fd, &err)) {
        call_reply_error(c, &err);
        return;
    }
    call_reply_begin(c, 200, STR("text/csv; charset=utf-8"));
    struct spool *body = http_reply_body(c->x);
    bool ok = !body || copy(fd, body, &err);
    close(fd);
    if (ok)
        http_send(c->x);
    else
        call_reply_error(c, &err);
}

const struct handler handler_report_get = {.run = run};
