/* seltzer serve: opens everything, in this order, and closes it in reverse:
 *
 *     ports, user, data directory, sandbox ─► catalog ─► store ─► first user ─► gate, workers, queue ─► certificate ─► listeners ─► administration ─► ready
 */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "api/query_cache.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "cli/admin.h"
#include "cli/audit_head.h"
#include "cli/certificate_watch.h"
#include "cli/privileges.h"
#include "cli/sandbox.h"

const char *const cli_serve_details =
    "Serves the API over HTTPS from a data directory, which is made on the first start together with a certificate\n"
    "authority (DIR/tls/ca.pem), a certificate for localhost, 127.0.0.1, ::1 and every --host, and an administrator.\n"
    "\n"
    "environment:\n"
    "  SELTZER_ADMIN_USER         name of the first administrator (admin)\n"
    "  SELTZER_ADMIN_PASSWORD     the first administrator's password; without it one is made and printed once\n"
    "  SELTZER_RUN_AS             stands in for --user\n"
    "\n"
    "signals: SIGTERM and SIGINT stop accepting, finish what runs (30 s at most) and exit 0; SIGHUP reads the\n"
    "certificate again, which also happens by itself within two seconds of a change. When a listener answers, one line goes to standard output: ready https://HOST:PORT.\n";

#define DEV_PASSWORD "seltzer-dev-password"

enum { LISTENS_MAX = 16, HOSTS_MAX = 64, THROTTLES_MAX = 16, GRACE_MS = 30000 };

static struct settings {
    const char *data;
    const char *listens[LISTENS_MAX], *http_listens[LISTENS_MAX], *hosts[HOSTS_MAX], *proxies[HOSTS_MAX], *metrics_from[HOSTS_MAX], *throttles[THROTTLES_MAX];
    size_t n_listens, n_http_listens, n_hosts, n_proxies, n_metrics_from, n_throttles;
    const char *tls_cert, *tls_key, *ready_fd, *audit_head, *workers, *replies_max, *disk_reserve, *query_deadline, *private_data, *log_level, *access_log, *user;
    bool dev, verbose, strict_host, strict_app_tokens, no_sandbox;
} settings;

static const struct cli_option options[] = {
    {"data", "DIR", "the data directory (./data; with --dev a temporary one)", NULL, &settings.data, NULL, NULL, 0},
    {"listen", "HOST:PORT", "HTTPS address (127.0.0.1:8443); may be repeated; port 0 picks one", NULL, NULL, settings.listens, &settings.n_listens, LISTENS_MAX},
    {"http-listen", "HOST:PORT", "plain HTTP address that only redirects and refuses (127.0.0.1:8080; none for no such listener); may be repeated", NULL, NULL, settings.http_listens, &settings.n_http_listens, LISTENS_MAX},
    {"tls-cert", "FILE", "certificate chain, PEM, instead of the self-made one", NULL, &settings.tls_cert, NULL, NULL, 0},
    {"tls-key", "FILE", "its private key, PEM", NULL, &settings.tls_key, NULL, NULL, 0},
    {"host", "NAME", "another name or address for the self-made certificate; may be repeated", NULL, NULL, settings.hosts, &settings.n_hosts, HOSTS_MAX - 3},
    {"strict-host", NULL, "answer 421 to requests for a host that the certificate does not name", &settings.strict_host, NULL, NULL, NULL, 0},
    {"trusted-proxy", "CIDR", "a proxy whose X-Forwarded-For and -Proto count; may be repeated", NULL, NULL, settings.proxies, &settings.n_proxies, HOSTS_MAX},
    {"metrics-from", "CIDR", "an address or network from where /metrics may be read without credentials (none); may be repeated", NULL, NULL, settings.metrics_from, &settings.n_metrics_from, HOSTS_MAX},
    {"user", "NAME", "started as root: bind the ports, then become NAME (" PRIVILEGES_USER ", when there is such a user); root to stay root", NULL, &settings.user, NULL, NULL, 0},
    {"no-sandbox", NULL, "do not close the process in (docs/decisions/sandbox.md)", &settings.no_sandbox, NULL, NULL, NULL, 0},
    {"ready-fd", "N", "write the ready lines to this descriptor instead of standard output", NULL, &settings.ready_fd, NULL, NULL, 0},
    {"workers", "N", "worker threads (4 a core, at least 8)", NULL, &settings.workers, NULL, NULL, 0},
    {"replies-max", "MIB", "scratch space for all replies that clients have yet to read (32768)", NULL, &settings.replies_max, NULL, NULL, 0},
    {"disk-reserve", "SIZE", "writes leave this much of the disk free, else 507: bytes, 800M, 2G, 5%, 0 for none (5%, at least 512M; with --dev none)", NULL, &settings.disk_reserve, NULL, NULL, 0},
    {"query-deadline", "SECONDS", "a query that has not sent its last row by then is answered 408 (30)", NULL, &settings.query_deadline, NULL, NULL, 0},
    {"throttle", "KIND=RATE[:BURST]", "requests a second, and at once, of one address, app, user, publisher or loopback; or KIND=none (address=10:1000 app=100:10000 user=100:10000 publisher=none loopback=none; with --dev none); may be repeated", NULL, NULL, settings.throttles, &settings.n_throttles, THROTTLES_MAX},
    {"strict-app-tokens", NULL, "refuse requests with an app token that is not registered, or is disabled (such tokens are as none)", &settings.strict_app_tokens, NULL, NULL, NULL, 0},
    {"audit-head", "FILE", "where the head of the audit is kept, better on another disk (DIR/audit-head)", NULL, &settings.audit_head, NULL, NULL, 0},
    {"private", "HOW", "what a stranger is told of a private dataset: forbidden (403, as Socrata does) or hidden (404, as if there were none) (forbidden)", NULL, &settings.private_data, NULL, NULL, 0},
    {"dev", NULL, "for tests and trials: temporary data, loopback only, user admin with password " DEV_PASSWORD, &settings.dev, NULL, NULL, NULL, 0},
    {"access-log", "FILE", "a JSON line a request is appended to this file, - for standard output (none); SIGHUP opens it anew", NULL, &settings.access_log, NULL, NULL, 0},
    {"log-level", "LEVEL", "debug, info, warn or error: the least that is logged to standard error (info)", NULL, &settings.log_level, NULL, NULL, 0},
    {"verbose", NULL, "the same as --log-level debug", &settings.verbose, NULL, NULL, NULL, 0},
};

struct server {
    struct privileges privileges;
    const char *path; /* of the data directory */
    struct data_dir dir;
    char temporary[64]; /* the directory to remove at the end, or empty */
    struct catalog *catalog;
    struct store *store;
    struct gate *gate;
    struct log_file *access_log; /* NULL: none is kept */
    struct pool *pool;
    unsigned workers, query_deadline_ms;
    struct disk_reserve reserve;
    struct throttle_policy throttle[THROTTLE_KINDS];
    bool private_is_hidden;
    struct ingest_queue *queue;
    struct query_cache *queries;
    struct certificate certificate;
    const char *hosts[HOSTS_MAX]; /* of the self-made certificate */
    struct certificate_watch watch;
    struct api api;
    struct http_listen listens[2 * LISTENS_MAX];
    int bound[2 * LISTENS_MAX];
    size_t n_listens;
    struct http_server *http;
    struct verb_house house; /* what administrators' commands work on */
    struct admin_server *admin;
    char audit_head[AUDIT_HEAD_PATH_MAX];
    struct audit_head_keeper keeper;
};

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)ftw;
    /* Not remove(3), which tries unlink() on a folder first: the sandbox lets a folder of /tmp go, and no file of it. */
    return flag == FTW_DP ? rmdir(path) : unlink(path);
}

/* What a killed server left in scratch: nothing there outlives the process that made it. */
static void empty_scratch(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* A command on a stopped server's data holds the lock for a moment; a server holds it for good. */
static bool lock_data(const char *path, struct data_dir *ret, struct error *err)
{
    enum { TRIES = 10, BETWEEN_MS = 100 };
    for (int i = 1; !data_dir_open(path, true, ret, err); i++) {
        if (err->code != ERROR_STORE_BUSY || i == TRIES)
            return false;
        usleep(BETWEEN_MS * 1000);
    }
    return true;
}

static bool choose_data(struct server *s, struct error *err)
{
    s->path = settings.data ? settings.data : "./data";
    if (settings.dev && !settings.data) {
        snprintf(s->temporary, sizeof s->temporary, "/tmp/seltzer-dev-XXXXXX");
        if (!mkdtemp(s->temporary))
            return error_from_errno(err, errno, "make a temporary data directory");
        s->path = s->temporary;
    }
    return privileges_make_folder(&s->privileges, s->path, err);
}

static bool open_data(struct server *s, struct error *err)
{
    if (!lock_data(s->path, &s->dir, err))
        return false;
    empty_scratch(s->dir.scratch);
    /* What SQLite sorts on disk belongs to the data's disk, whose reserve is watched, and is all that the sandbox lets it write to. */
    if (setenv("SQLITE_TMPDIR", s->dir.scratch, 1) != 0)
        return error_no_memory(err);
    return data_dir_make(s->dir.scratch, err);
}

static void warn_of_store(const char *text)
{
    log_line(LOG_WARN, "%s", text);
}

/* The first start: an administrator, whose password is printed once when nobody chose it. */
static bool ensure_administrator(struct server *s, struct error *err)
{
    enum { GENERATED = 20 };
    char generated[GENERATED + 1];
    bool has_users;
    struct user user;
    const char *name = getenv("SELTZER_ADMIN_USER"), *password = getenv("SELTZER_ADMIN_PASSWORD");
    if (!catalog_has_users(s->catalog, &has_users, err) || has_users)
        return has_users;
    if (settings.dev && !password)
        password = DEV_PASSWORD;
    bool chosen = password && *password;
    if (!chosen) {
        random_text(generated, GENERATED, "23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ");
        generated[GENERATED] = 0;
        password = generated;
    }
    if (!name || !*name)
        name = "admin";
    if (!catalog_create_user(s->catalog, &actor_server, str_from(name), str_from(password), ROLE_ADMINISTRATOR, &user, err))
        return false;
    if (!chosen)
        fprintf(stderr, "\nseltzer: first start. Administrator: %s  password: %s\n"
                        "         (shown this once; a lost one is mended with: seltzer user passwd %s)\n\n",
                name, password, name);
    return true;
}

static bool choose_reserve(struct disk_reserve *ret, struct error *err)
{
    *ret = (struct disk_reserve){settings.dev ? DISK_RESERVE_NONE : DISK_RESERVE_DEFAULT, 0};
    if (!settings.disk_reserve || disk_reserve_parse(str_from(settings.disk_reserve), ret, err))
        return true;
    char said[sizeof err->message];
    snprintf(said, sizeof said, "%s", err->message);
    return error_set(err, ERROR_BAD_REQUEST, "--disk-reserve: %s", said);
}

static bool choose_deadline(unsigned *ret_ms, struct error *err)
{
    enum { SECONDS_MAX = 24 * 3600 };
    uint64_t seconds = 0;
    if (settings.query_deadline && (!str_to_u64(str_from(settings.query_deadline), &seconds) || seconds < 1 || seconds > SECONDS_MAX))
        return error_set(err, ERROR_BAD_REQUEST, "--query-deadline must be a number of seconds from 1 to %d", SECONDS_MAX);
    *ret_ms = (unsigned)seconds * 1000; /* 0: the default */
    return true;
}

static bool choose_private(bool *ret_hidden, struct error *err)
{
    const char *how = settings.private_data ? settings.private_data : "forbidden";
    *ret_hidden = strcmp(how, "hidden") == 0;
    return *ret_hidden || strcmp(how, "forbidden") == 0 || error_set(err, ERROR_BAD_REQUEST, "--private must be forbidden or hidden");
}

static bool choose_throttle(struct throttle_policy ret[THROTTLE_KINDS], struct error *err)
{
    throttle_defaults(ret);
    if (settings.dev && !throttle_parse(STR("none"), ret, err))
        return false;
    for (size_t i = 0; i < settings.n_throttles; i++)
        if (!throttle_parse(str_from(settings.throttles[i]), ret, err))
            return false;
    return true;
}

static bool choose_workers(unsigned *ret, struct error *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t given = 0;
    if (settings.workers && (!str_to_u64(str_from(settings.workers), &given) || given < 2 || given > 256))
        return error_set(err, ERROR_BAD_REQUEST, "--workers must be a number from 2 to 256");
    *ret = given ? (unsigned)given : cores > 2 ? (unsigned)cores * 4 : 8;
    return true;
}

/* What was asked for makes sense: before anything is touched. */
static bool read_settings(struct server *s, struct error *err)
{
    return choose_workers(&s->workers, err) && choose_private(&s->private_is_hidden, err) && choose_reserve(&s->reserve, err) && choose_deadline(&s->query_deadline_ms, err) &&
           choose_throttle(s->throttle, err);
}

static bool open_house(struct server *s, struct error *err)
{
    struct store_config store_config = {.reserve = s->reserve, .query_deadline_ms = s->query_deadline_ms};
    if (settings.access_log && !(s->access_log = log_file_open(settings.access_log, err)))
        return false;
    if (!(s->catalog = catalog_open(s->dir.path, err)))
        return false;
    store_config.dir = s->dir.path;
    store_config.catalog = s->catalog;
    store_config.warn = warn_of_store;
    if (!(s->store = store_open(&store_config, err)) || !ensure_administrator(s, err))
        return false;
    if (!(s->gate = gate_new(s->catalog, err)) || !(s->pool = pool_new(s->workers, "worker", err)) ||
        !(s->queue = ingest_queue_new(s->store, s->pool, err)) ||
        !(s->queries = query_cache_new(QUERY_CACHE_ENTRIES_MAX, QUERY_CACHE_BYTES_MAX, err)))
        return false;
    gate_set_throttle(s->gate, s->throttle);
    if (settings.strict_app_tokens)
        gate_be_strict_with_app_tokens(s->gate);
    s->api = (struct api){
        .catalog = s->catalog,
        .store = s->store,
        .gate = s->gate,
        .queue = s->queue,
        .pool = s->pool,
        .scratch_dir = s->dir.scratch,
        .reports_dir = s->dir.reports,
        .https_port = 443,
        .queries = s->queries,
        .access_log = s->access_log,
        .started_s = clock_wall_ms() / 1000,
        .private_is_hidden = s->private_is_hidden,
    };
    return true;
}

static void close_house(struct server *s)
{
    admin_server_close(s->admin);
    http_server_close(s->http);
    ingest_queue_free(s->queue);
    pool_free(s->pool);
    log_file_close(s->access_log);
    query_cache_free(s->queries); /* holds snapshots of the catalog's */
    gate_free(s->gate);
    store_close(s->store);
    catalog_close(s->catalog);
    if (s->temporary[0])
        empty_scratch(s->temporary);
    data_dir_close(&s->dir);
}

/* ── listeners ── */

static void choose_listens(struct server *s)
{
    if (!settings.n_listens)
        settings.listens[settings.n_listens++] = "127.0.0.1:8443";
    if (!settings.n_http_listens)
        settings.http_listens[settings.n_http_listens++] = settings.dev ? "127.0.0.1:0" : "127.0.0.1:8080";
    for (size_t i = 0; i < settings.n_listens; i++)
        s->listens[s->n_listens++] = (struct http_listen){settings.listens[i], true};
    for (size_t i = 0; i < settings.n_http_listens; i++)
        if (strcmp(settings.http_listens[i], "none") != 0)
            s->listens[s->n_listens++] = (struct http_listen){settings.http_listens[i], false};
}

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strncmp(address, "localhost:", 10) == 0 || strncmp(address, "[::1]:", 6) == 0;
}

/* The password of --dev stands in the help: nobody else's machine may reach it. */
static bool dev_stays_at_home(const struct server *s, struct error *err)
{
    const char *chosen = getenv("SELTZER_ADMIN_PASSWORD");
    if (!settings.dev || (chosen && *chosen))
        return true;
    for (size_t i = 0; i < s->n_listens; i++)
        if (!is_loopback(s->listens[i].address))
            return error_set(err, ERROR_BAD_REQUEST, "--dev listens on loopback addresses alone, since everybody knows its password; set SELTZER_ADMIN_PASSWORD to listen on %s",
                             s->listens[i].address);
    return true;
}

static bool bind_listens(struct server *s, struct error *err)
{
    choose_listens(s);
    if (!dev_stays_at_home(s, err))
        return false;
    for (size_t i = 0; i < s->n_listens; i++)
        if (!http_bind(s->listens[i].address, &s->bound[i], err))
            return false;
    return true;
}

/* ── the ground that it stands on: files, ports, the user it is, and the walls ── */

struct room { /* the paths that the sandbox leaves open, and their text */
    struct sandbox_path paths[10];
    char text[6][PATH_MAX];
    size_t n, n_text;
};

static void leave_open(struct room *r, const char *path, enum sandbox_may may)
{
    r->paths[r->n++] = (struct sandbox_path){path, may};
}

static void leave_folder_open(struct room *r, const char *file, enum sandbox_may may)
{
    char *text = r->text[r->n_text++];
    const char *slash = strrchr(file, '/');
    snprintf(text, PATH_MAX, "%.*s", slash && slash != file ? (int)(slash - file) : 1, slash ? file : ".");
    if (access(text, F_OK) == 0) /* else the file is told of when it is opened */
        leave_open(r, text, may);
}

/* By its name, and where its links lead. */
static void leave_certificate_open(struct room *r, const char *file)
{
    char resolved[PATH_MAX];
    if (!file)
        return;
    leave_folder_open(r, file, SANDBOX_READ);
    if (realpath(file, resolved))
        leave_folder_open(r, resolved, SANDBOX_READ);
}

/* The folder, since a log is turned over by renaming it; of a device or a pipe only itself. */
static void leave_file_open(struct room *r, const char *file, enum sandbox_may may)
{
    struct stat st;
    if (!file || strcmp(file, "-") == 0)
        return;
    if (stat(file, &st) == 0 && !S_ISREG(st.st_mode))
        leave_open(r, file, may);
    else
        leave_folder_open(r, file, may);
}

static bool enter_sandbox(struct server *s, struct error *err)
{
    static struct room room;
    char said[256];
    if (settings.no_sandbox) {
        log_line(LOG_WARN, "runs as %s, not in a sandbox (--no-sandbox)", s->privileges.user);
        return true;
    }
    leave_open(&room, s->dir.path, SANDBOX_WRITE);
    if (s->temporary[0]) /* which it removes in the end */
        leave_open(&room, "/tmp", SANDBOX_REMOVE_FOLDERS);
    leave_certificate_open(&room, settings.tls_cert);
    leave_certificate_open(&room, settings.tls_key);
    leave_file_open(&room, settings.access_log, SANDBOX_LOG);
    leave_file_open(&room, settings.audit_head, SANDBOX_FILES);
    if (!sandbox_enter(room.paths, room.n, said, err))
        return false;
    log_line(LOG_INFO, "runs as %s, closed in: %s", s->privileges.user, said);
    return true;
}

/* Ports come first where the user who may bind them is left behind, else last, since a second server on the same data
 * is better told of the first one's pid than of its ports. */
static bool take_ground(struct server *s, struct error *err)
{
    const char *user = settings.user ? settings.user : getenv("SELTZER_RUN_AS");
    if (!privileges_choose(user && *user ? user : NULL, settings.dev, &s->privileges, err) || !choose_data(s, err))
        return false;
    if (s->privileges.drop && !(bind_listens(s, err) && privileges_drop(&s->privileges, err)))
        return false;
    if (!open_data(s, err) || (!s->privileges.drop && !bind_listens(s, err)))
        return false;
    return enter_sandbox(s, err);
}

static bool read_replies_max(uint64_t *ret_bytes, struct error *err)
{
    enum { MIB_MAX = 1 << 24 };
    uint64_t mib = 0;
    if (settings.replies_max && (!str_to_u64(str_from(settings.replies_max), &mib) || mib < 1 || mib > MIB_MAX))
        return error_set(err, ERROR_BAD_REQUEST, "--replies-max must be a number of MiB from 1 to %d", MIB_MAX);
    *ret_bytes = mib << 20; /* 0: the default */
    return true;
}

static bool open_listeners(struct server *s, struct error *err)
{
    static const char *const always[] = {"localhost", "127.0.0.1", "::1"};
    enum { ALWAYS = sizeof always / sizeof *always };
    const char *cert = settings.tls_cert, *key = settings.tls_key;
    if (!cert != !key)
        return error_set(err, ERROR_BAD_REQUEST, "--tls-cert and --tls-key go together");
    if (!cert) {
        memcpy(s->hosts, always, sizeof always);
        memcpy(s->hosts + ALWAYS, settings.hosts, settings.n_hosts * sizeof *settings.hosts);
        s->watch = (struct certificate_watch){.data_dir = s->dir.path, .hosts = s->hosts, .n_hosts = ALWAYS + settings.n_hosts};
        if (!certificate_ensure(s->dir.path, s->hosts, s->watch.n_hosts, &s->certificate, err))
            return false;
        cert = s->certificate.cert;
        key = s->certificate.key;
    }
    uint64_t replies_bytes_max = 0;
    if (!read_replies_max(&replies_bytes_max, err))
        return false;
    struct http_config config = {
        .listens = s->listens,
        .n_listens = s->n_listens,
        .bound = s->bound,
        .tls_cert = cert,
        .tls_key = key,
        .trusted_proxies = settings.proxies,
        .n_trusted_proxies = settings.n_proxies,
        .operators = settings.metrics_from,
        .n_operators = settings.n_metrics_from,
        .hsts = settings.tls_cert && !settings.dev, /* docs/decisions/hsts.md */
        .strict_host = settings.strict_host,
        .scratch_dir = s->dir.scratch,
        .replies_bytes_max = replies_bytes_max,
        .replies_waiting_max = s->workers / 2,
        .limits = http_limits_default,
        .pool = s->pool,
        .app = api_http_app(&s->api),
    };
    s->http = http_server_open(&config, err);
    if (!s->http)
        return false;
    s->api.http = s->http;
    const char *colon = strrchr(http_server_address(s->http, 0), ':');
    uint64_t port;
    s->api.https_port = colon && str_to_u64(str_from(colon + 1), &port) ? (int)port : 443;
    certificate_watch_start(&s->watch, s->http, cert, key);
    return http_server_start(s->http, err);
}

static bool open_administration(struct server *s, struct error *err)
{
    audit_head_path(s->dir.path, settings.audit_head, s->audit_head);
    s->keeper = (struct audit_head_keeper){.catalog = s->catalog, .store = s->store, .path = s->audit_head};
    s->house = (struct verb_house){.catalog = s->catalog, .store = s->store, .dir = s->dir.path, .audit_head = s->audit_head};
    s->admin = admin_server_open(&s->house, err);
    return s->admin;
}

static bool say_ready(struct server *s, struct error *err)
{
    uint64_t fd = STDOUT_FILENO;
    if (settings.ready_fd && (!str_to_u64(str_from(settings.ready_fd), &fd) || fd > 1 << 20))
        return error_set(err, ERROR_BAD_REQUEST, "--ready-fd must be a descriptor's number");
    struct buf lines = {0};
    for (size_t i = 0; i < s->n_listens; i++)
        buf_printf(&lines, "ready %s://%s\n", s->listens[i].tls ? "https" : "http", http_server_address(s->http, i));
    bool ok = buf_ok(&lines) && write((int)fd, lines.p, lines.n) == (ssize_t)lines.n;
    int saved = errno;
    buf_free(&lines);
    return ok || error_from_errno(err, saved, "write the ready lines");
}

/* ── running ── */

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            log_line(LOG_WARN, "cannot raise the limit of open files");
    }
}

/* Blocks of megabytes, a row's or a stage's, go back to the system when they are freed, always: left to itself, malloc would keep
 * what it once had, and a server after its nightly load would have the memory of that load for good. */
static void give_memory_back(void)
{
    enum { BLOCK_BYTES = 1 << 20 };
    (void)mallopt(M_MMAP_THRESHOLD, BLOCK_BYTES); /* a sanitizer's allocator knows neither, and need not */
    (void)mallopt(M_TRIM_THRESHOLD, BLOCK_BYTES);
}

static void watched_signals(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGINT);
    sigaddset(ret, SIGHUP);
    sigaddset(ret, SIGUSR1);
    sigaddset(ret, SIGUSR2);
}

static void run_until_stopped(struct server *s, const sigset_t *signals)
{
    const struct timespec second = {1, 0};
    for (;;) {
        int got = sigtimedwait(signals, NULL, &second); /* -1: none came */
        if (got == SIGTERM || got == SIGINT)
            break;
        if (got == SIGHUP) {
            certificate_watch_read(&s->watch);
            if (s->access_log)
                log_file_reopen(s->access_log);
        }
        certificate_watch_look(&s->watch);
        audit_head_keep(&s->keeper, false);
    }
    log_line(LOG_INFO, "stopping");
    http_server_stop(s->http, GRACE_MS);
    audit_head_keep(&s->keeper, true);
}

int cli_serve(int argc, char **argv)
{
    static struct server server;
    struct error err = {0};
    sigset_t signals;
    bool help;
    if (!cli_options(cli_find("serve"), options, sizeof options / sizeof *options, &argc, argv, &help))
        return EXIT_USAGE;
    if (help)
        return EXIT_DONE;
    if (argc > 1) {
        cli_say("serve: unexpected argument \"%s\"; see seltzer serve --help", argv[1]);
        return EXIT_USAGE;
    }
    /* Errors of write() are handled where they happen; these signals would end the process instead. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    watched_signals(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    raise_descriptor_limit();
    give_memory_back();
    enum log_level level = settings.verbose ? LOG_DEBUG : LOG_INFO;
    if (settings.log_level && !log_level_parse(str_from(settings.log_level), &level)) {
        cli_say("serve: --log-level must be debug, info, warn or error, not \"%s\"", settings.log_level);
        return EXIT_USAGE;
    }
    log_set_level(level);
    server.dir.lock_fd = -1;
    bool ok = random_init() && read_settings(&server, &err) && take_ground(&server, &err) && open_house(&server, &err) && open_listeners(&server, &err) &&
              open_administration(&server, &err) && say_ready(&server, &err);
    if (ok)
        run_until_stopped(&server, &signals);
    int status = ok ? EXIT_DONE : err.code == ERROR_STORE_BUSY || err.code == ERROR_BAD_REQUEST ? EXIT_USAGE : EXIT_FAILED;
    if (!ok)
        cli_say("%s", err.message);
    close_house(&server);
    return status;
}
