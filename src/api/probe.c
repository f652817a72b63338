/* /healthz and /readyz, for whoever has to know whether to send requests here, or to start the server anew (probe.h). What is wrong is said
 * in words that are the same for everybody; with its details it is in the log. */
#include "api/probe.h"

#include <pthread.h>

#include "api/handlers.h"
#include "base/clock.h"
#include "base/log.h"

enum { LOOK_EVERY_MS = 1000, RETRY_AFTER_S = 5 };

static bool catalog_passes(struct api *api, struct error *err)
{
    bool unused;
    return catalog_has_users(api->catalog, &unused, err);
}

static bool store_passes(struct api *api, struct error *err)
{
    return store_is_ready(api->store, err);
}

static bool disk_passes(struct api *api, struct error *err)
{
    return store_has_room(api->store, 0, err);
}

static bool certificate_passes(struct api *api, struct error *err)
{
    struct http_tls_state tls;
    int64_t now_s = clock_wall_ms() / 1000;
    http_server_tls_state(api->http, &tls);
    if (!tls.has_tls)
        return true;
    if (now_s < tls.begins_s)
        return error_set(err, ERROR_INTERNAL, "the certificate is not valid yet: is the clock right?");
    return now_s <= tls.ends_s || error_set(err, ERROR_INTERNAL, "the certificate has expired: put a new one in its place");
}

static const struct {
    const char *name, *wrong;
    bool (*passes)(struct api *api, struct error *err);
} checks[CHECKS] = {
    [CHECK_CATALOG] = {"catalog", "the catalog cannot be read", catalog_passes},
    [CHECK_STORE] = {"store", "the data directory takes no files", store_passes},
    [CHECK_DISK] = {"disk", "the disk has less free space than its reserve: writes are refused", disk_passes},
    [CHECK_CERTIFICATE] = {"certificate", "the certificate is not valid now", certificate_passes},
};

const char *probe_check_name(enum check check)
{
    return checks[check].name;
}

static void tell_change(enum check check, bool passed, const struct error *err)
{
    if (passed)
        log_line(LOG_INFO, "ready again: %s", checks[check].name);
    else
        log_line(LOG_WARN, "not ready: %s: %s", checks[check].name, err->message);
}

struct readiness probe_readiness(struct api *api)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct readiness last = {.passed = {true, true, true, true}};
    static uint64_t looked_ms;
    pthread_mutex_lock(&lock);
    uint64_t now_ms = clock_mono_ms();
    if (looked_ms == 0 || now_ms - looked_ms >= LOOK_EVERY_MS) {
        looked_ms = now_ms;
        last.all = true;
        for (unsigned i = 0; i < CHECKS; i++) {
            struct error err = {0};
            bool passed = checks[i].passes(api, &err);
            if (passed != last.passed[i])
                tell_change(i, passed, &err);
            last.passed[i] = passed;
            last.all = last.all && passed;
        }
    }
    struct readiness now = last;
    pthread_mutex_unlock(&lock);
    struct http_tls_state tls;
    http_server_tls_state(api->http, &tls);
    now.certificate_refused = tls.has_tls && tls.refused;
    return now;
}

static void reply(struct call *c, struct buf *json)
{
    struct error err;
    http_reply_header(c->x, "Cache-Control", STR("no-store"));
    if (buf_ok(json)) {
        call_reply_json(c, 200, buf_str(json));
    } else {
        error_no_memory(&err);
        call_reply_error(c, &err);
    }
    buf_free(json);
}

static void run_health(struct call *c)
{
    struct buf json = {0};
    buf_add_z(&json, "{\"status\":\"up\"}");
    reply(c, &json);
}
const struct handler handler_probe_health = {.body_max = 1 << 10, .run = run_health};

static void refuse(struct call *c, const struct readiness *now)
{
    struct error err = {0};
    const char *wrong = NULL;
    for (unsigned i = 0; i < CHECKS && !wrong; i++)
        wrong = now->passed[i] ? NULL : checks[i].wrong;
    error_set(&err, ERROR_STORE_UNAVAILABLE, "not ready: %s", wrong);
    for (unsigned i = 0; i < CHECKS; i++)
        error_data_str(&err, checks[i].name, str_from(now->passed[i] ? "ok" : checks[i].wrong));
    err.retry_after_s = RETRY_AFTER_S;
    http_reply_header(c->x, "Cache-Control", STR("no-store"));
    call_reply_error(c, &err);
}

static void run_ready(struct call *c)
{
    struct readiness now = probe_readiness(c->api);
    struct buf json = {0};
    if (!now.all) {
        refuse(c, &now);
        return;
    }
    buf_add_z(&json, "{\"status\":\"ready\",\"checks\":{");
    for (unsigned i = 0; i < CHECKS; i++)
        buf_printf(&json, "%s\"%s\":\"ok%s\"", i ? "," : "", checks[i].name,
                   i == CHECK_CERTIFICATE && now.certificate_refused ? "; the one that is in the files by now was refused" : "");
    buf_add_z(&json, "}}");
    reply(c, &json);
}
const struct handler handler_probe_ready = {.body_max = 1 << 10, .run = run_ready};
