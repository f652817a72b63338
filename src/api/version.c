/* /api/version: a connection test. DataSync compares the X-Socrata-Region headers of two sites to tell them apart, so it
 * is the name by which the client reached us. */
#include "api/handlers.h"
#include "base/version.h"

static void run_version_get(struct call *c)
{
    struct str host = http_header(c->head, "Host");
    http_reply_header(c->x, "X-Socrata-Region", host.n ? host : STR("seltzer"));
    call_reply_json(c, 200, STR("{\"server\":\"Seltzer\",\"version\":\"" SELTZER_VERSION "\"}"));
}
const struct handler handler_version_get = {.body_max = 1 << 20, .run = run_version_get};
