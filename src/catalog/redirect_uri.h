/* Where an authorization code may be sent (docs/wire/oauth.md, "Redirect URIs"). A string prefix alone is a known hole
 * (https://site.example matches https://site.example.evil.org), so both sides are taken apart first and anything that
 * two parsers could read in two ways is refused. Pure: no memory, no I/O; the parts are loans of the text. */
#ifndef SELTZER_CATALOG_REDIRECT_URI_H
#define SELTZER_CATALOG_REDIRECT_URI_H

#include "base/error.h"

enum { REDIRECT_URI_BYTES_MAX = 2000 };

struct redirect_uri {
    struct str origin;  /* scheme, host and port as written: what a form-action of CSP names */
    struct str host;    /* an IPv6 address with its brackets */
    unsigned port;      /* the scheme's own when none is written */
    struct str path;    /* from its slash on; may be empty */
    struct str query;   /* after the '?' */
    bool has_query;
    bool is_loopback;   /* http://127.0.0.1 or http://[::1] (RFC 8252 section 7.3) */
};

/* False: BAD_REQUEST; the message says what would be right. */
must_use bool redirect_uri_parse(struct str text, struct redirect_uri *ret, struct error *err);
/* A callback prefix: a redirect URI without a query. */
must_use bool redirect_uri_check_prefix(struct str text, struct error *err);
/* Byte for byte; of a loopback address any port will do, for a native application takes the one that is free. */
bool redirect_uri_is(struct str registered, struct str given);
/* Same scheme, host and port, and the prefix's path ends at a segment of the given one. */
bool redirect_uri_is_below(struct str prefix, struct str given);

#endif
