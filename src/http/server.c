/* Listeners, the set-up and the end. Loop 0 accepts and deals connections out in turn. One listening socket for all, rather than
 * SO_REUSEPORT: with that, a second server on the same port would start without a word and take half of the connections. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "http/internal.h"

enum { LOOPS_MAX = 64, ACCEPTS_A_ROUND = 64, BACKLOG = 1024, ACCEPT_PAUSE_MS = 100, REFUSALS_MAX = 64,
       REFUSALS_PER_PEER_MAX = 16, UNSENT_MAX = 256 << 10 };

const struct http_limits http_limits_default = {
    .request_line_max = 32 << 10,
    .head_max = 128 << 10,
    .headers_max = 100,
    .body_max = (uint64_t)8 << 30,
    .drain_max = 16 << 20,
    .handshake_ms = 10000,
    .head_ms = 10000,
    .idle_ms = 65000,
    .rate_bytes_per_s = 1024,
    .rate_window_ms = 60000,
    .connections_max = 4096,
    .connections_per_peer_max = 256,
};

/* ── accepting ── */

/* What a client does not read stays with us, where it is counted, rather than in the kernel, which would take megabytes of each
 * reply. Neither setting is needed for a right answer. */
static void tune_socket(int fd)
{
    int one = 1, unsent_max = UNSENT_MAX;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max, sizeof(unsent_max));
}

static void hand_over(struct http_server *s, int fd, const struct address *a, bool tls)
{
    const struct http_limits *l = &s->config.limits;
    struct connection *c = connection_new(s, fd, a, tls);
    size_t n, n_peer;

    if (!c) {
        close(fd);
        return;
    }
    tune_socket(fd);
    n = atomic_fetch_add(&s->n_connections, 1) + 1;
    n_peer = peers_enter(s->peers, a);
    if (c->from_proxy) /* it brings everybody's connections: it is not counted as one client */
        n_peer = 0;
    c->registered = true;
    /* Some more than the caps are let in to be told so; beyond that even telling is too dear. */
    c->refused = n > l->connections_max || n_peer > l->connections_per_peer_max;
    c->dying = n > l->connections_max + REFUSALS_MAX || n_peer > l->connections_per_peer_max + REFUSALS_PER_PEER_MAX;
    metrics_add(METRIC_CONNECTIONS, 1);
    metrics_add(METRIC_CONNECTIONS_REFUSED, c->refused || c->dying);
    c->loop = &s->loops[s->next_loop++ % s->n_loops];
    loop_post(c, POST_NEW);
}

void server_accept(struct loop *l, struct listener *listener)
{
    struct http_server *s = l->server;

    for (int i = 0; i < ACCEPTS_A_ROUND; i++) {
        struct sockaddr_storage sa;
        socklen_t n = sizeof(sa);
        struct address a;
        int fd = accept4(listener->fd, (struct sockaddr *)&sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                l->accept_again_ms = l->now_ms + ACCEPT_PAUSE_MS;
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            return;
        }
        address_from_socket((const struct sockaddr *)&sa, &a);
        hand_over(s, fd, &a, listener->tls);
    }
}

/* ── listening ── */

/* HOST:PORT, [v6]:PORT; an empty host or * is any address. */
static bool split_address(const char *text, char *ret_host, size_t host_n, const char **ret_port)
{
    const char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;

    if (!colon || colon[1] == 0)
        return false;
    if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    if (n >= host_n)
        return false;
    memcpy(ret_host, text, n);
    ret_host[n] = 0;
    if (strcmp(ret_host, "*") == 0)
        ret_host[0] = 0;
    *ret_port = colon + 1;
    return true;
}

static int bind_one(const struct addrinfo *ai)
{
    int one = 1, fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, ai->ai_protocol);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0)
        return fd;
    one = errno;
    close(fd);
    errno = one;
    return -1;
}

static void set_bound_address(struct listener *l)
{
    struct sockaddr_storage sa;
    socklen_t n = sizeof(sa);
    char host[64], port[8];

    if (getsockname(l->fd, (struct sockaddr *)&sa, &n) < 0 ||
        getnameinfo((struct sockaddr *)&sa, n, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return;
    snprintf(l->address, sizeof(l->address), strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static bool cannot_listen(struct error *err, const char *address, const char *why)
{
    return error_set(err, ERROR_INTERNAL, "cannot listen on \"%s\": %s", address, why);
}

bool http_bind(const char *address, int *ret_bound, struct error *err)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *list;
    char host[256];
    const char *port;
    int rc, fd = -1;

    if (!split_address(address, host, sizeof(host), &port))
        return cannot_listen(err, address, "it must be HOST:PORT or [IPv6]:PORT");
    rc = getaddrinfo(host[0] ? host : NULL, port, &hints, &list);
    if (rc != 0)
        return cannot_listen(err, address, gai_strerror(rc));
    for (const struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
        fd = bind_one(ai);
    rc = errno;
    freeaddrinfo(list);
    if (fd < 0)
        return cannot_listen(err, address, strerrordesc_np(rc));
    *ret_bound = fd;
    return true;
}

static bool listener_open(struct listener *l, const struct http_listen *config, const int *bound, struct error *err)
{
    l->source = SOURCE_LISTENER;
    l->tls = config->tls;
    if (bound)
        l->fd = *bound;
    else if (!http_bind(config->address, &l->fd, err))
        return false;
    if (listen(l->fd, BACKLOG) != 0) { /* two may have the address, one may listen */
        int saved = errno;
        return cannot_listen(err, config->address, strerrordesc_np(saved));
    }
    set_bound_address(l);
    return true;
}

/* ── opening ── */

/* What is 0 in the limits means the default. */
static void fill_limits(struct http_limits *l)
{
    const struct http_limits *d = &http_limits_default;

#define FILL(field) l->field = l->field ? l->field : d->field
    FILL(request_line_max);
    FILL(head_max);
    FILL(headers_max);
    FILL(body_max);
    FILL(drain_max);
    FILL(handshake_ms);
    FILL(head_ms);
    FILL(idle_ms);
    FILL(rate_bytes_per_s);
    FILL(rate_window_ms);
    FILL(connections_max);
    FILL(connections_per_peer_max);
#undef FILL
}

static void fill_reply_limits(struct http_config *c)
{
    enum { MEMORY_MAX = 64 << 20, WAIT_MS = 10000, WAITING_MAX = 4 };

    c->replies_memory_max = c->replies_memory_max ? c->replies_memory_max : MEMORY_MAX;
    c->replies_bytes_max = c->replies_bytes_max ? c->replies_bytes_max : (uint64_t)32 << 30;
    c->replies_wait_ms = c->replies_wait_ms ? c->replies_wait_ms : WAIT_MS;
    c->replies_waiting_max = c->replies_waiting_max ? c->replies_waiting_max : WAITING_MAX;
    c->reply_bytes_max = c->reply_bytes_max ? c->reply_bytes_max : (uint64_t)16 << 30;
    if (c->reply_bytes_max > c->replies_bytes_max)
        c->reply_bytes_max = c->replies_bytes_max;
}

static bool open_replies(struct http_server *s, struct error *err)
{
    const struct http_config *c = &s->config;
    const struct spool_total_config total = {c->replies_memory_max, c->replies_bytes_max, c->replies_wait_ms, c->replies_waiting_max};

    s->replies = spool_total_new(&total, err);
    return s->replies != NULL;
}

static bool copy_text(const char **text, struct error *err)
{
    if (!*text)
        return true;
    *text = str_dup_z(str_from(*text));
    return *text || error_no_memory(err);
}

static bool copy_config(struct http_server *s, const struct http_config *config, struct error *err)
{
    struct http_config *own = &s->config;

    *own = *config;
    own->bound = NULL;
    fill_limits(&own->limits);
    fill_reply_limits(own);
    if (!copy_text(&own->tls_cert, err)) {
        own->tls_key = own->scratch_dir = NULL;
        return false;
    }
    if (!copy_text(&own->tls_key, err)) {
        own->scratch_dir = NULL;
        return false;
    }
    return copy_text(&own->scratch_dir, err);
}

static bool read_networks(const char *const *texts, size_t n, const char *what, struct network **ret, size_t *ret_n, struct error *err)
{
    *ret = calloc(n + 1, sizeof(**ret));
    if (!*ret)
        return error_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        if (!network_parse(texts[i], &(*ret)[i]))
            return error_set(err, ERROR_INTERNAL, "%s \"%s\" is no address and no network like 10.0.0.0/8", what, texts[i]);
        ++*ret_n;
    }
    return true;
}

static bool read_all_networks(struct http_server *s, const struct http_config *config, struct error *err)
{
    return read_networks(config->trusted_proxies, config->n_trusted_proxies, "trusted proxy", &s->proxies, &s->n_proxies, err) &&
           read_networks(config->operators, config->n_operators, "metrics network", &s->operators, &s->n_operators, err);
}

static bool open_listeners(struct http_server *s, const struct http_config *config, struct error *err)
{
    bool needs_tls = false;

    s->listeners = calloc(config->n_listens + 1, sizeof(*s->listeners));
    if (!s->listeners)
        return error_no_memory(err);
    for (size_t i = 0; i < config->n_listens; i++) {
        struct listener *l = &s->listeners[s->n_listeners++];
        l->fd = -1;
        needs_tls = needs_tls || config->listens[i].tls;
        if (!listener_open(l, &config->listens[i], config->bound ? &config->bound[i] : NULL, err))
            return false;
    }
    if (needs_tls && !(s->tls = tls_context_new(s->config.tls_cert, s->config.tls_key, false, &s->tickets, &s->tls_state, err)))
        return false;
    return true;
}

static bool open_loops(struct http_server *s, struct error *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = s->config.loops ? s->config.loops : cores > 0 ? (unsigned)cores : 1;

    if (n > LOOPS_MAX)
        n = LOOPS_MAX;
    s->loops = calloc(n, sizeof(*s->loops));
    if (!s->loops)
        return error_no_memory(err);
    while (s->n_loops < n) {
        struct loop *l = &s->loops[s->n_loops];
        if (!loop_init(l, s, s->n_loops++, err))
            return false;
    }
    return true;
}

struct http_server *http_server_open(const struct http_config *config, struct error *err)
{
    struct http_server *s = calloc(1, sizeof(*s));

    if (!s) {
        error_no_memory(err);
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes with write() */
    pthread_mutex_init(&s->tls_lock, NULL);
    s->peers = peers_new();
    bool has_tickets = tickets_init(&s->tickets, err); /* first, so that it can be undone in any case */
    if (!has_tickets || !copy_config(s, config, err) || (!s->peers && !error_no_memory(err)) || !open_replies(s, err) ||
        !read_all_networks(s, config, err) || !open_listeners(s, config, err) || !open_loops(s, err)) {
        http_server_close(s);
        return NULL;
    }
    return s;
}

const char *http_server_address(const struct http_server *s, size_t i)
{
    return i < s->n_listeners ? s->listeners[i].address : "";
}

bool http_server_start(struct http_server *s, struct error *err)
{
    sigset_t all, before;
    int rc = 0;

    sigfillset(&all); /* signals are for the main thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = s->n_loops; i-- > 0 && rc == 0;) { /* loop 0, which accepts, last */
        rc = pthread_create(&s->loops[i].thread, NULL, loop_run, &s->loops[i]);
        s->loops[i].started = rc == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 || error_from_errno(err, rc, "start the event loops");
}

static void swap_tls(struct http_server *s, SSL_CTX *fresh, const struct http_tls_state *state)
{
    SSL_CTX *old;

    pthread_mutex_lock(&s->tls_lock);
    old = s->tls;
    s->tls = fresh;
    s->tls_state = *state;
    pthread_mutex_unlock(&s->tls_lock);
    SSL_CTX_free(old); /* its connections hold it */
}

bool http_server_reload_tls(struct http_server *s, struct error *err)
{
    struct http_tls_state state;
    SSL_CTX *fresh;

    if (!s->tls)
        return true;
    fresh = tls_context_new(s->config.tls_cert, s->config.tls_key, true, &s->tickets, &state, err);
    if (fresh) {
        swap_tls(s, fresh, &state);
        return true;
    }
    pthread_mutex_lock(&s->tls_lock);
    s->tls_state.refused = true;
    snprintf(s->tls_state.why, sizeof(s->tls_state.why), "%.500s", err->message);
    pthread_mutex_unlock(&s->tls_lock);
    return false;
}

void http_server_tls_state(struct http_server *s, struct http_tls_state *ret)
{
    pthread_mutex_lock(&s->tls_lock);
    *ret = s->tls_state;
    pthread_mutex_unlock(&s->tls_lock);
}

size_t http_server_connections(const struct http_server *s)
{
    return atomic_load(&s->n_connections);
}

void http_server_stop(struct http_server *s, unsigned grace_ms)
{
    if (s->stopped)
        return;
    s->stopped = true;
    atomic_store(&s->stop_at_ms, clock_mono_ms() + grace_ms);
    atomic_store(&s->stopping, true);
    if (s->n_loops == 0 || !s->loops[0].started)
        atomic_store(&s->doors_shut, true);
    for (unsigned i = 0; i < s->n_loops; i++)
        if (s->loops[i].started)
            loop_wake(&s->loops[i]);
    for (unsigned i = 0; i < s->n_loops; i++)
        if (s->loops[i].started)
            pthread_join(s->loops[i].thread, NULL);
}

void http_server_close(struct http_server *s)
{
    if (!s)
        return;
    http_server_stop(s, 0);
    for (unsigned i = 0; i < s->n_loops; i++)
        loop_fini(&s->loops[i]);
    for (size_t i = 0; i < s->n_listeners; i++)
        if (s->listeners[i].fd >= 0)
            close(s->listeners[i].fd);
    free(s->loops);
    free(s->listeners);
    free(s->proxies);
    free(s->operators);
    peers_free(s->peers);
    spool_total_free(s->replies);
    SSL_CTX_free(s->tls);
    tickets_fini(&s->tickets);
    pthread_mutex_destroy(&s->tls_lock);
    free((char *)s->config.tls_cert);
    free((char *)s->config.tls_key);
    free((char *)s->config.scratch_dir);
    free(s);
}
