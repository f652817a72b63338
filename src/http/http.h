/* The wire: strict HTTP/1.1 over TLS (and plain, for redirects and refusals). The only folder that sees a socket.
 *
 * Threads. One epoll loop a core does sockets, TLS and heads, nothing else. Everything of the application runs on
 * the workers of `config.pool`: never two callbacks of one exchange at once, in this order:
 *
 *     head ─► body* ─► end ─► (http_send from any thread, at any time from head on) ─► release
 *
 *   head     the headers are complete. Decide: reply now (http_send) and the body is drained up to a limit so that the client
 *            reads the reply; or return, and `100 Continue` goes out if it was asked for and the body is read.
 *   body     a slice of at most 256 KiB; until it returns the connection is read on by at most one more: the backpressure.
 *   end      the body is complete. The reply may be sent later, by any thread: http_send() once.
 *            Once a reply is sent no body or end is called any more.
 *   release  always called, last, exactly once: after the reply went out (a short one counts as out when it is handed
 *            over), or when the client is gone or too slow or the framing broke (`failed` then says so). Free the state
 *            here. After release the exchange is no more.
 *            While an exchange waits for an http_send that end() left pending, release waits for it.
 *
 * Framing errors, time-outs and limits are answered by this folder itself with error bodies in the house form, through
 * error_write_json. Robustness rules: docs/wire/http.md (RFC 9112, RFC 9110). Nothing is repaired. */
#ifndef SELTZER_HTTP_HTTP_H
#define SELTZER_HTTP_HTTP_H

#include "base/arena.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/spool.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_OTHER };

struct http_header {
    struct str name, value; /* as sent; value without outer blanks */
};

struct http_head {
    enum http_method method;
    struct str method_text;
    struct str target;        /* as sent */
    struct str path;          /* up to '?', still percent-encoded; absolute-form reduced to its path */
    struct str query;         /* after '?', still encoded; empty when none */
    const struct http_header *headers;
    size_t n_headers;
    bool has_body;            /* Content-Length > 0 or chunked */
    bool body_length_known;
    uint64_t body_length;
    bool secure;              /* TLS here, or X-Forwarded-Proto: https from a trusted proxy */
    bool from_operator;       /* the client's address is in a network of config.operators */
    char peer[64];            /* the client's address, of X-Forwarded-For when a trusted proxy says so */
    char request_id[65];      /* the client's X-Socrata-RequestId when sane, else a fresh base-36 number */
};

enum http_failure { HTTP_OK, HTTP_CLIENT_GONE, HTTP_CLIENT_SLOW, HTTP_FRAMING, HTTP_STOPPING };

struct http_exchange {
    const struct http_head *head; /* a loan until release */
    struct arena *arena;          /* for the application; freed after release */
    void *state;                  /* the application's */
    enum http_failure failed;
};

/* How a request ended, whoever answered it; told once of each. */
struct http_end {
    const struct http_head *head; /* what could be read of it: the rest is empty */
    int status;                   /* of the reply; 0: there was none */
    uint64_t received_bytes;      /* of the body, as far as the application took it */
    uint64_t sent_bytes;          /* of the reply, its head included, as far as the connection took it */
    uint64_t us;                  /* from the end of the head on */
    enum http_failure failed;
};

struct http_app {
    void *ctx;
    void (*head)(void *ctx, struct http_exchange *x);
    void (*body)(void *ctx, struct http_exchange *x, struct str bytes);
    void (*end)(void *ctx, struct http_exchange *x);
    void (*release)(void *ctx, struct http_exchange *x);
    /* Before release, with the exchange; of what this folder refused before the application heard of it without one (NULL), on a
     * loop's thread: it must not wait. May be NULL. */
    void (*ended)(void *ctx, struct http_exchange *x, const struct http_end *end);
};

/* The reply. Status and headers are set before http_send; Content-Length, Date, Connection, X-Socrata-RequestId, X-Content-Type-Options (and
 * Strict-Transport-Security when config says) are added here. Header values with control characters are refused by assertion-free
 * cleaning: such bytes become spaces. Of Content-Type and Cache-Control the last that was set counts. */
void http_reply_status(struct http_exchange *x, int status);
void http_reply_header(struct http_exchange *x, const char *name, struct str value);
/* The body so far: a spool in the exchange's keeping; NULL only when out of memory (then a 503 is sent by http_send). */
struct spool *http_reply_body(struct http_exchange *x);
/* The headers set so far stay, whatever is said instead later. */
void http_reply_keep(struct http_exchange *x);
/* Drops body and headers set so far, but for those that are kept, to say something else. */
void http_reply_reset(struct http_exchange *x);
/* A whole error reply in the house form (status, Content-Type, Retry-After, WWW-Authenticate is the gate's). */
void http_reply_error(struct http_exchange *x, const struct error *err);
/* What was asked for is done by now. An error, which would say that nothing was changed, is not sent any more: if the reply
 * cannot be made, the connection closes without one, and the client knows as much as after any lost connection. */
void http_reply_done(struct http_exchange *x);
void http_send(struct http_exchange *x);
bool http_sent(const struct http_exchange *x);

/* First header of that name, any case; STR_NONE (p NULL) if absent. */
struct str http_header(const struct http_head *h, const char *name);
bool http_header_count(const struct http_head *h, const char *name, size_t *ret_n);
const char *http_status_text(int status);

struct http_listen {
    const char *address; /* HOST:PORT, [v6]:PORT; port 0 picks one */
    bool tls;
};
/* Ahead of http_server_open(), for whoever gives up the right to do it: a socket that has the address but does not listen yet. */
must_use bool http_bind(const char *address, int *ret_bound, struct error *err);

struct http_limits {
    size_t request_line_max;      /* 32 KiB → 414 */
    size_t head_max;              /* 128 KiB → 431 */
    size_t headers_max;           /* 100 → 431 */
    uint64_t body_max;            /* 8 GiB → 413, before reading when Content-Length tells */
    uint64_t drain_max;           /* 16 MiB read and dropped after an early reply, 5 s at most */
    unsigned handshake_ms, head_ms, idle_ms; /* 10 s, 10 s in total, 65 s */
    unsigned rate_bytes_per_s, rate_window_ms; /* 1 KiB/s averaged over 60 s, both ways */
    size_t connections_max, connections_per_peer_max; /* 4,096; 256 → 503 with Retry-After */
};
extern const struct http_limits http_limits_default;

struct http_config {
    const struct http_listen *listens;
    size_t n_listens;
    const int *bound;             /* of http_bind(), one for each of listens, which are the server's from then on; or NULL */
    const char *tls_cert, *tls_key; /* PEM files */
    const char *const *trusted_proxies; /* CIDRs */
    size_t n_trusted_proxies;
    const char *const *operators; /* CIDRs, from where the metrics may be read */
    size_t n_operators;
    unsigned loops;               /* 0: one a core */
    bool hsts;
    bool strict_host;             /* a Host or a TLS server name that the certificate does not have is answered 421 */
    const char *scratch_dir;      /* for reply spools */
    uint64_t reply_bytes_max;     /* per reply, 0: 16 GiB */
    /* Of all replies on their way together; 0: 64 MiB of memory, 32 GiB of the scratch area, for which at most 10 s are waited,
     * by at most 4 workers at once (docs/decisions/replies-on-their-way.md). */
    uint64_t replies_memory_max, replies_bytes_max;
    unsigned replies_wait_ms, replies_waiting_max;
    struct http_limits limits;
    struct pool *pool;            /* workers, borrowed */
    struct http_app app;
};

struct http_server;
/* Binds and listens; nothing is answered before http_server_run. */
struct http_server *http_server_open(const struct http_config *config, struct error *err);
/* The bound address of listener i, "HOST:PORT". */
const char *http_server_address(const struct http_server *s, size_t i);
/* Starts the loops' threads and returns. */
must_use bool http_server_start(struct http_server *s, struct error *err);
/* Reads certificate and key again and swaps them for new connections; the old ones stay when that fails, as it does too for a
 * certificate that has expired or is not valid yet. Not from two threads at once. */
must_use bool http_server_reload_tls(struct http_server *s, struct error *err);

/* The certificate that new connections see, and whether the files hold another by now that was refused. */
enum { HTTP_SERIAL_MAX = 40 };
struct http_tls_state {
    bool has_tls;                     /* else the rest says nothing */
    bool refused;                     /* the last reload failed, for the reason in `why` */
    int64_t begins_s, ends_s;         /* Unix time */
    char serial[HTTP_SERIAL_MAX + 1]; /* hexadecimal */
    char why[512];
};
void http_server_tls_state(struct http_server *s, struct http_tls_state *ret);
/* Would a reload take these files? */
must_use bool http_tls_check(const char *cert, const char *key, struct http_tls_state *ret, struct error *err);

/* Connections that are open now. */
size_t http_server_connections(const struct http_server *s);
/* Stops accepting, lets running exchanges finish for grace_ms, closes the rest, joins the loops. */
void http_server_stop(struct http_server *s, unsigned grace_ms);
void http_server_close(struct http_server *s);

/* Percent-decoding and query strings (application/x-www-form-urlencoded: '+' is a space only where asked). Refuses %zz,
 * and %00. Result in the arena. */
must_use bool http_decode_percent(struct str s, bool plus_is_space, struct arena *a, struct str *ret, struct error *err);
struct http_parameter {
    struct str name, value;
};
/* Splits a=b&c=d in order; empty pieces are skipped. At most 1,000 parameters. */
must_use bool http_decode_query(struct str query, struct arena *a, struct http_parameter **ret, size_t *ret_n, struct error *err);

#endif
