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

/* The file of that request whose dataset the caller may write. Others are as if they were not there. */
static int open_report(struct call *c, struct str id, struct error *err)
{
    DIR *dir = id.n ? opendir(c->api->reports_dir) : NULL;
    int fd = -1;
    if (dir) {
        for (struct dirent *e; fd < 0 && (e = readdir(dir));) {
            struct str name = str_from(e->d_name), request, rest, dataset_id;
            struct error unused;
            if (!str_cut(name, '~', &request, &rest) || !str_eq(request, id) || !str_ends(rest, STR(".csv")))
                continue;
            dataset_id = str_head(rest, rest.n - 4);
            const struct dataset *d = catalog_dataset(c->api->catalog, dataset_id, &unused);
            if (d && gate_authorize(&c->principal, GATE_WRITE_ROWS, d, &unused))
                fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
            dataset_release(d);
        }
        closedir(dir);
    }
    if (fd < 0)
        not_found(id, err);
    return fd;
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
    int fd = open_report(c, c->part[0], &err);
    if (fd < 0) {
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
