/* Sessions on pages: the way in, the way out, and what every form has (docs/wire/authentication.md, "Sessions"). */
#ifndef SELTZER_API_LOG_IN_H
#define SELTZER_API_LOG_IN_H

#include "api/oauth.h"

/* Sends to the log-in page, which leads back to the address that was asked for. */
void log_in_first(struct call *c);
/* The line that says who is logged in, with the button to log out; comes_back: to this address, to log in as somebody else. */
void page_add_who(struct call *c, struct buf *b, const char *csrf, bool comes_back);
/* The form of one of our pages: its proof is looked at first. with_session: somebody must be logged in. False: PERMISSION_DENIED,
 * or OAUTH_INVALID_REQUEST for what is no form. */
must_use bool page_read_form(struct call *c, bool with_session, struct parameters *ret, struct error *err);

#endif
