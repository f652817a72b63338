/* OAuth 2.0 as the api's files share it: parameters, which come in the query, in a form or in both; how an application shows
 * that it is itself; replies in RFC 6749's own form instead of the house's (docs/wire/oauth.md). */
#ifndef SELTZER_API_OAUTH_H
#define SELTZER_API_OAUTH_H

#include "api/api.h"
#include "catalog/oauth.h"

enum { OAUTH_BODY_BYTES_MAX = 64 << 10 };

struct parameters {
    const struct http_parameter *v;
    size_t n;
};
/* The body as a form, in the call's arena; an empty body is an empty form. False: OAUTH_INVALID_REQUEST, also for another type. */
must_use bool parameters_of_form(struct call *c, struct parameters *ret, struct error *err);
/* Query and form together. */
must_use bool parameters_of_both(struct call *c, struct parameters *ret, struct error *err);
/* Empty when absent: a parameter without a value is as one that was not sent (RFC 6749 section 3.1). */
struct str parameter(struct parameters p, const char *name);
/* A name that comes twice, which none may. */
bool parameters_repeat(struct parameters p, struct str *ret_name);

/* By Basic or by client_id and client_secret, not both. False: OAUTH_INVALID_CLIENT or OAUTH_INVALID_REQUEST. */
must_use bool oauth_client(struct call *c, struct parameters p, struct app *ret, struct error *err);
/* The word of RFC 6749 for any error, and its text in the letters that the RFC allows. */
const char *oauth_error_word(const struct error *err);
void oauth_add_description(const struct error *err, struct buf *out);
void oauth_reply_json(struct call *c, int status, struct str json);
void oauth_reply_error(struct call *c, const struct error *err);
/* "https://" and the name by which we were called; in the call's arena, empty when there is no memory. */
struct str oauth_issuer(struct call *c);

#endif
