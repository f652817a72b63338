/* /metrics: the counters of the process and what this moment is like, in the form that Prometheus reads (docs/operations.md). Every name
 * is ours: no dataset, no user, nothing that a client sent. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/probe.h"
#include "api/traffic.h"
#include "base/metrics.h"
#include "base/version.h"

static void write_gauge(struct buf *out, const char *family, const char *help, uint64_t value)
{
    metrics_write_head(out, family, "gauge", help);
    metrics_write_u64(out, family, "", value);
}

static void write_ready(struct api *api, struct buf *out)
{
    struct readiness now = probe_readiness(api);
    metrics_write_head(out, "seltzer_ready", "gauge", "1 where a check of /readyz passes, 0 where it does not");
    for (unsigned i = 0; i < CHECKS; i++) {
        char labels[64];
        snprintf(labels, sizeof labels, "check=\"%s\"", probe_check_name(i));
        metrics_write_u64(out, "seltzer_ready", labels, now.passed[i]);
    }
}

/* What cannot be found out is left out, rather than told wrong. */
static void write_house(struct api *api, struct buf *out)
{
    uint64_t free_bytes, reserve_bytes;
    struct http_tls_state tls;
    char(*ids)[DATASET_ID_LENGTH + 1];
    size_t n;
    struct error err;
    write_gauge(out, "seltzer_connections", "Connections that are open now", http_server_connections(api->http));
    write_gauge(out, "seltzer_workers_queue", "Jobs that no worker has taken yet", pool_waiting(api->pool));
    write_gauge(out, "seltzer_write_queue", "Complete writes that wait for their turn at their dataset", ingest_queue_waiting(api->queue));
    if (store_disk(api->store, &free_bytes, &reserve_bytes, &err)) {
        write_gauge(out, "seltzer_disk_free_bytes", "Free space where the data are", free_bytes);
        write_gauge(out, "seltzer_disk_reserve_bytes", "What writes leave free of it", reserve_bytes);
    }
    if (catalog_list(api->catalog, &ids, &n, &err)) {
        write_gauge(out, "seltzer_datasets", "Datasets that there are", n);
        free(ids);
    }
    http_server_tls_state(api->http, &tls);
    if (tls.has_tls) {
        write_gauge(out, "seltzer_certificate_end_timestamp_seconds", "Until when the certificate is valid", tls.ends_s > 0 ? (uint64_t)tls.ends_s : 0);
        write_gauge(out, "seltzer_certificate_refused", "1 when the files hold another certificate by now, which was refused", tls.refused);
    }
}

/* The second number of /proc/self/statm. */
static bool resident_pages(uint64_t *ret)
{
    char line[128];
    struct str all, resident, rest;
    FILE *f = fopen("/proc/self/statm", "re");
    bool ok = f && fgets(line, sizeof line, f);
    if (f)
        fclose(f);
    return ok && str_cut(str_from(line), ' ', &all, &rest) && str_cut(rest, ' ', &resident, &rest) && str_to_u64(resident, ret);
}

/* Under the names that every process has in Prometheus. */
static void write_process(const struct api *api, struct buf *out)
{
    struct rusage usage;
    uint64_t pages;
    if (resident_pages(&pages))
        write_gauge(out, "process_resident_memory_bytes", "Memory that is in use", pages * (uint64_t)sysconf(_SC_PAGESIZE));
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        uint64_t us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
        metrics_write_head(out, "process_cpu_seconds_total", "counter", "Time of the processors that was used");
        metrics_write_seconds(out, "process_cpu_seconds_total", "", us);
    }
    write_gauge(out, "process_start_time_seconds", "When the server was started", (uint64_t)api->started_s);
}

static void run_metrics(struct call *c)
{
    struct buf out = {0};
    struct error err = {0};
    metrics_write_head(&out, "seltzer_build_info", "gauge", "Always 1; the label tells what runs");
    metrics_write_u64(&out, "seltzer_build_info", "version=\"" SELTZER_VERSION "\"", 1);
    write_ready(c->api, &out);
    write_house(c->api, &out);
    write_process(c->api, &out);
    traffic_write(&out);
    metrics_write(&out);
    struct spool *body = http_reply_body(c->x);
    bool ok = body && (buf_ok(&out) || error_no_memory(&err)) && spool_write(body, out.p, out.n, &err);
    buf_free(&out);
    if (!ok && err.code) {
        call_reply_error(c, &err);
        return;
    }
    /* No CORS: a page that somebody looks at inside the network is not to read it for its maker. */
    http_reply_status(c->x, 200);
    http_reply_header(c->x, "Content-Type", STR("text/plain; version=0.0.4; charset=utf-8"));
    http_reply_header(c->x, "Cache-Control", STR("no-store"));
    http_send(c->x);
}
const struct handler handler_probe_metrics = {.body_max = 1 << 10, .run = run_metrics};
