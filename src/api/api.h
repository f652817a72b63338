/* The resources: routes.def is every URL that we answer, with the right that each needs. A request becomes a `struct call`;
 * the router has already matched the path, decoded the query, authenticated, and (for routes with a dataset) looked the
 * dataset up and authorised the action before a handler runs. */
#ifndef SELTZER_API_API_H
#define SELTZER_API_API_H

#include "base/log_file.h"
#include "gate/gate.h"
#include "ingest/ingest.h"
#include "store/store.h"

/* What all handlers share. Owned by who starts the server; lives as long as it. */
struct api {
    struct catalog *catalog;
    struct store *store;
    struct gate *gate;
    struct ingest_queue *queue;
    struct pool *pool;
    const char *scratch_dir;
    const char *reports_dir; /* rows that failure policies set aside */
    int https_port;         /* where plain HTTP is sent on to */
    struct query_cache *queries;
    struct http_server *http; /* for what it can tell of itself */
    struct log_file *access_log; /* NULL: none is kept */
    int64_t started_s;      /* seconds since the epoch */
    bool private_is_hidden; /* who may not know of a dataset is told 404, not 403 */
};

enum api_extension { EXTENSION_NONE, EXTENSION_JSON, EXTENSION_CSV, EXTENSION_GEOJSON, EXTENSION_TSV, EXTENSION_XML, EXTENSION_RDF, EXTENSION_TXT };

enum { CALL_PARTS_MAX = 4 };

struct route;
struct call {
    struct api *api;
    struct http_exchange *x;
    const struct http_head *head;
    struct arena *arena;                /* until release */
    const struct route *route;
    struct principal principal;
    struct actor actor;                 /* the principal again, as changes are recorded to it */
    const struct dataset *dataset;      /* of the part :id; released with the call; NULL on routes without */
    struct str part[CALL_PARTS_MAX];    /* the pattern's :names in order, decoded; the last without a known extension */
    struct str last_literal;            /* the last path segment as it stands, decoded, extension included */
    enum api_extension extension;       /* of the last segment */
    struct http_parameter *query;
    size_t n_query;
    struct buf body;                    /* gathered for handlers with body_max */
    void *state;                        /* the handler's */
};

/* How a handler takes its body: gathered (body_max > 0 or 0 for none; run is called at the end), or streamed. */
struct handler {
    size_t body_max;                              /* beyond: 413 {limit} */
    void (*run)(struct call *c);                  /* gathered: called once, on a worker; must http_send, now or later */
    bool (*begin)(struct call *c);                /* streamed: before the body; false: it has replied */
    void (*body)(struct call *c, struct str bytes);
    void (*end)(struct call *c);
    void (*release)(struct call *c);              /* both kinds, may be NULL; free state */
};

/* The http folder's table of functions, with this api as ctx. */
struct http_app api_http_app(struct api *api);

/* ── for handlers ── */
/* The dataset of that id or name, if the caller may do that with it; NULL with what the reply is to say. */
const struct dataset *call_dataset(struct call *c, struct str id_or_name, enum gate_action action, struct error *err);
/* Value of a query parameter, name compared exactly; false if absent. With several, the first. */
bool call_query(const struct call *c, const char *name, struct str *ret);
bool call_query_is(const struct call *c, const char *name, const char *value);
/* Boolean parameter (true/false, any case), BAD_PARAMETER otherwise; *ret untouched when absent. */
must_use bool call_query_bool(const struct call *c, const char *name, bool *ret, struct error *err);
/* Replies: 200 with a JSON text, or an error. Both send. */
void call_reply_json(struct call *c, int status, struct str json);
void call_reply_error(struct call *c, const struct error *err);
/* "application/json; charset=utf-8" and friends; sets status and Content-Type, body is then written to http_reply_body. */
void call_reply_begin(struct call *c, int status, struct str content_type);
/* X-SODA2-Truth-Version, -Shape-Version, -Last-Modified. */
void call_reply_truth(struct call *c, const struct store_state *state);

#endif
