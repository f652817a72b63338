/* routes.def as a table, and how a path finds its line. */
#ifndef SELTZER_API_ROUTER_H
#define SELTZER_API_ROUTER_H

#include "api/api.h"

struct route {
    enum http_method method;
    const char *pattern;
    bool has_dataset;
    enum gate_action action;
    const struct handler *handler;
};

/* How many lines routes.def has. */
enum {
    ROUTES = 0
#define X(method, pattern, dataset, action, handler) +1
#include "api/routes.def"
#undef X
};
unsigned router_number(const struct route *r);   /* its line in routes.def, from 0 on */
const struct route *router_route(unsigned number); /* NULL past the last */

/* Finds the route for the head's method and path and fills in part, last_literal and extension of the call. False:
 * NOT_FOUND, or METHOD_NOT_ALLOWED with the path's methods in *ret_allow ("GET, HEAD, POST, OPTIONS"; in the call's
 * arena), or a malformed path. HEAD finds GET's route. */
must_use bool router_match(struct call *c, struct str *ret_allow, struct error *err);

/* All of them, in the order of routes.def. */
const struct route *router_routes(size_t *ret_n);

#endif
