/* What the files of http share; no other folder includes this.
 *
 * A *loop* is a thread with an epoll set and the connections in it. A *connection* belongs to its loop: only that thread
 * touches it, but for the time of a job (JOB below), when only the worker does; the loop then at most reads ahead. An *exchange* is one request and its
 * reply; http.h describes how the application sees it. What other threads have to say to a connection goes through
 * loop_post(): bits under the loop's lock, after which the poster touches nothing of the connection any more.
 *
 *     HANDSHAKE ─► HEAD ─► BODY ⇄ WORK ─► WAIT ─► REPLY ⇄ FILL
 *                   ▲                               │
 *                   └───────────── RELEASE ◄────────┘        … ─► LINGER ─► gone
 *
 *     HANDSHAKE  TLS only                       WAIT     end() returned, http_send() is still to come
 *     HEAD       idle, or a head comes in       REPLY    bytes go out
 *     BODY       the next slice is read         FILL     a worker reads the reply's next piece from its file
 *     WORK       a worker runs callbacks        RELEASE  a worker runs release()
 *     LINGER     all is said; what still comes is dropped until the client closes, so that it can read the reply */
#ifndef SELTZER_HTTP_INTERNAL_H
#define SELTZER_HTTP_INTERNAL_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "http/http.h"

enum {
    CROWD = 64,                  /* connections: from here on an upload that waits keeps no buffer */
    SLICE_MAX = 256 << 10,       /* bytes of a body given to the application at once */
    BULK_SLICE = SLICE_MAX / 2,  /* after a slice this long the next one is read while a worker has it */
    IN_FIRST = 4 << 10,          /* the read buffer of an idle connection, at most */
    GATHER_MAX = 16 << 10,       /* a body this short is complete before head() is called: one job */
    FILL_LEAST = 16 << 10,       /* what a worker reads ahead of a reply in a file when memory for replies is short */
    DETACH_MAX = 64 << 10,       /* a reply this short is copied out, and release() runs in the same job */
    LINGER_MS = 5000,
    CHUNK_EXTENSION_MAX = 256,   /* bytes of one chunk's extensions */
    CHUNK_EXTENSIONS_MAX = 16 << 10, /* of all of a body's */
    TRAILERS_MAX = 8 << 10,
    REQUEST_ID_MAX = 64,
    METHOD_MAX = 32,
    PARAMETERS_MAX = 1000
};

enum parse { PARSE_MORE, PARSE_DONE, PARSE_BAD };

/* ── head.c: pure ── */
/* Walks the lines of a head as they come. Zero-initialise; call with all bytes since the start of the head, any number
 * of times; offsets only, so the bytes may move between calls. */
struct head_scan {
    size_t line, at;
    size_t n_headers;
    unsigned empty_lines; /* before the request line; one is allowed (RFC 9112 2.2) */
    bool has_request_line;
};
enum parse head_scan(struct head_scan *s, struct str bytes, const struct http_limits *limits, size_t *ret_head_n,
                     struct error *err);

struct request {
    struct http_head head; /* peer and secure are the connection's to fill in */
    bool chunked, expects_continue, keep_alive;
    bool old; /* HTTP/1.0 */
};
/* The request of a head that head_scan() passed. On failure, what is known so far is there (method, request_id). */
must_use bool head_build(struct str bytes, const struct http_limits *limits, struct arena *a, struct request *ret,
                         struct error *err);
void request_id_fresh(char *ret); /* REQUEST_ID_MAX + 1 bytes */

/* ── chunked.c: pure ── */
struct chunked {
    int state;
    unsigned digits;
    size_t extension, extensions, trailers;
    uint64_t left, total;
};
/* Decodes from `in` to `out` (which may be in.p) until all is used or the body is complete. */
enum parse chunked_push(struct chunked *d, struct str in, uint64_t body_max, char *out, size_t *ret_used, size_t *ret_n,
                        struct error *err);

/* ── peer.c ── */
struct address {
    unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
};
struct network {
    struct address address;
    unsigned bits;
};
must_use bool network_parse(const char *cidr, struct network *ret);
bool network_has(const struct network *n, const struct address *a);
bool address_parse(struct str text, struct address *ret);
void address_text(const struct address *a, char *ret, size_t n);
struct sockaddr;
void address_from_socket(const struct sockaddr *sa, struct address *ret);
struct connection;
/* Sets peer and secure: what a trusted proxy says of its client, else what the connection is. */
void peer_set_client(const struct connection *c, struct http_head *h);
/* Connections per client: IPv4 by address, IPv6 by /64, which is what one customer has. */
struct peers;
struct peers *peers_new(void);
void peers_free(struct peers *p);
size_t peers_enter(struct peers *p, const struct address *a); /* how many there are now */
void peers_leave(struct peers *p, const struct address *a);

/* ── tickets.c ── */
struct ticket_key {
    unsigned char name[16], cipher[32], mac[32];
};
struct tickets {
    pthread_mutex_t lock;
    struct ticket_key now, before;
    bool has_before;
    uint64_t made_ms; /* now */
};
must_use bool tickets_init(struct tickets *t, struct error *err);
void tickets_fini(struct tickets *t);
must_use bool tickets_use(struct tickets *t, SSL_CTX *ctx);
/* The key of that name, or with NULL the one for new tickets. False: there is none. */
must_use bool tickets_key(struct tickets *t, const unsigned char *name, struct ticket_key *ret, bool *ret_is_old);

/* ── tls.c ── */
SSL_CTX *tls_context_new(const char *cert, const char *key, bool refuse_untimely, struct tickets *tickets, struct http_tls_state *ret,
                         struct error *err);
/* "host:port", "[v6]:port", or either without a port, is one of the certificate's names or addresses. */
bool tls_certificate_names(const SSL_CTX *ctx, struct str host);
bool tls_is_meant_for_us(struct connection *c, const struct http_head *h); /* --strict-host */

/* ── connection and exchange ── */
enum io { IO_OK, IO_AGAIN, IO_EOF, IO_ERROR };
enum state {
    STATE_HANDSHAKE,
    STATE_HEAD,
    STATE_BODY,
    STATE_WORK,
    STATE_WAIT,
    STATE_REPLY,
    STATE_FILL,
    STATE_RELEASE,
    STATE_LINGER,
    STATE_GONE
};
enum source { SOURCE_WAKE, SOURCE_LISTENER, SOURCE_CONNECTION };
enum { POST_NEW = 1, POST_JOB = 2, POST_SENT = 4 };
enum { DO_HEAD = 1, DO_BODY = 2, DO_END = 4, DO_FILL = 8, DO_RELEASE = 16 };

/* A client must move rate × window bytes in every window_ms that we spend waiting for it. */
struct rate {
    uint64_t waited_ms, since_ms, bytes; /* since_ms 0: not waiting now */
};

struct exchange {
    struct http_exchange pub; /* first: what the application holds is a pointer to this */
    struct request request;
    struct arena arena;
    struct connection *c;
    struct http_server *server;
    struct job job;
    unsigned todo;            /* DO_… of the job in hand */
    struct str slice;
    bool headed, ended;       /* head() was submitted; the job with end() is done */
    bool request_done;        /* the job in hand holds the last of the body */
    bool sent_in_job;
    bool failed_fill;
    atomic_bool sent;
    /* the reply */
    uint64_t started_us, received_bytes, head_bytes; /* head: of the reply, once it goes out */
    int refusal;              /* the status that this folder answered with instead of the application, 0 for none */
    int status;
    struct buf headers;       /* until http_send the application's; then the whole head but for Connection and the end */
    size_t kept;              /* of headers: what http_reply_reset leaves */
    bool reply_failed;
    bool done;                /* no error is true any more (http_reply_done) */
    struct spool *body;
    char *fill;               /* fill_cap bytes, for replies that went to a file */
    uint64_t fill_at;
    size_t fill_n, fill_cap, fill_taken; /* taken: of the total memory of replies */
};

struct connection {
    enum source source;       /* first */
    enum state state;
    int fd;
    SSL *ssl;                 /* NULL on plain connections */
    struct http_server *server;
    struct loop *loop;
    struct connection *next, *previous; /* of the loop */
    struct address address;
    bool from_proxy;          /* a trusted one */
    bool refused;             /* over a cap: answered 503 */
    bool readable, writable, hung_up; /* as epoll last told */
    bool keep;                /* after this reply, another request */
    bool dying;               /* close once the job is back */
    bool body_done;
    bool continue_due;
    bool sent_seen;
    bool registered;          /* counted among the connections */
    bool peeked;              /* the first byte on a TLS port was looked at */
    /* bytes in: at…n are unread */
    char *in;
    size_t in_at, in_n, in_cap;
    /* What came while a worker has a slice of `in`; the two change places when it is back. */
    char *ahead;
    size_t ahead_n, ahead_cap;
    bool reads_ahead;
    enum io ended;            /* IO_EOF or IO_ERROR: what reading ahead met, told once all before it is used */
    struct head_scan scan;
    struct chunked chunked;
    uint64_t body_left;
    /* bytes out, then the spool of x from reply_at to reply_n */
    struct buf out;
    size_t out_at, out_taken; /* taken: of the total memory of replies */
    uint64_t reply_at, reply_n;
    uint64_t head_since_ms, lingered, linger_until_ms;
    struct rate rate;
    struct exchange *x;
    /* the loop's */
    uint64_t deadline_ms;     /* UINT64_MAX: none */
    size_t heap_at;           /* SIZE_MAX: not in the heap */
    unsigned posted;
    struct connection *next_posted;
};

struct listener {
    enum source source; /* first */
    int fd;
    bool tls;
    char address[128];
};

struct timer {
    uint64_t when_ms;
    struct connection *c;
};

struct loop {
    enum source source; /* first: SOURCE_WAKE */
    struct http_server *server;
    unsigned number;
    int epoll, wake;
    pthread_t thread;
    bool started;
    uint64_t now_ms;
    struct connection *connections; /* all of this loop's */
    size_t n_connections;
    struct connection *gone;        /* closed, freed at the end of the round */
    struct timer *timers;           /* a heap by when_ms */
    size_t n_timers, timers_cap;
    uint64_t accept_again_ms;       /* out of descriptors: not before */
    bool listening;
    pthread_mutex_t lock;
    struct connection *posted, **posted_last;
    bool asleep;
};

struct http_server {
    struct http_config config; /* own copies of what it points to */
    struct listener *listeners;
    size_t n_listeners;
    struct network *proxies, *operators;
    size_t n_proxies, n_operators;
    struct peers *peers;
    struct spool_total *replies;
    struct tickets tickets;
    pthread_mutex_t tls_lock;
    SSL_CTX *tls;
    struct http_tls_state tls_state;
    struct loop *loops;
    unsigned n_loops, next_loop;
    atomic_size_t n_connections;
    atomic_bool stopping, doors_shut; /* doors_shut: nothing is accepted any more */
    atomic_uint_fast64_t stop_at_ms;
    bool stopped;
};

/* stream.c: one way to read and write, plain or TLS */
enum io stream_handshake(struct connection *c);
enum io stream_read(struct connection *c, char *p, size_t n, size_t *ret_n);
enum io stream_write(struct connection *c, const char *p, size_t n, size_t *ret_n);
void stream_finish(struct connection *c); /* says that nothing more comes from us */
void stream_close(struct connection *c);

/* rate.c */
void rate_moved(struct connection *c, uint64_t n);
void rate_pause(struct connection *c);
bool rate_wait(struct connection *c); /* for the client, from now on. False: a whole window has gone by with too little */

/* connection.c */
struct connection *connection_new(struct http_server *s, int fd, const struct address *a, bool tls);
void connection_step(struct connection *c);                     /* do what can be done now */
void connection_posted(struct connection *c, unsigned bits);
void connection_expired(struct connection *c);
void connection_stop(struct connection *c, bool now);           /* the server stops; now: grace is over */

/* exchange.c */
struct exchange *exchange_new(struct connection *c);
void exchange_submit(struct exchange *x, unsigned todo);
void exchange_free(struct exchange *x);
void exchange_tell_end(struct exchange *x); /* once, before release() or instead of it */
void connection_tell_unread(const struct connection *c, const struct request *r, int status, enum http_failure failure); /* of what never became an exchange */
/* Ends a reply's head: what Connection says, and the empty line. */
void reply_end_head(struct buf *out, const struct request *r, bool keep);
bool reply_has_body(const struct exchange *x);
/* The house's error reply, whole, without an exchange. */
/* The bytes of c->out that were counted went out, or will not. */
void reply_give_back(struct connection *c);
void reply_refusal(struct buf *out, const struct request *r, const struct error *err);

/* loop.c */
must_use bool loop_init(struct loop *l, struct http_server *s, unsigned number, struct error *err);
void loop_fini(struct loop *l);
void *loop_run(void *arg); /* a struct loop */
void loop_post(struct connection *c, unsigned bits); /* from any thread */
void loop_wake(struct loop *l);
void loop_set_deadline(struct connection *c, uint64_t when_ms);
void loop_forget(struct connection *c); /* closed: freed at the end of the round */

/* server.c */
void server_accept(struct loop *l, struct listener *listener);

#endif
