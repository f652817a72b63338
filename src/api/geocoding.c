/* /api/geocoding/{4x4}?method=pending: soda-java asks before it publishes and waits until `view` is 0. Nothing is ever
 * geocoded here. Exactly these two members: it refuses others. */
#include "api/handlers.h"

static void run_geocoding_pending(struct call *c)
{
    call_reply_json(c, 200, STR("{\"total\":0,\"view\":0}"));
}
const struct handler handler_geocoding_pending = {.body_max = 1 << 20, .run = run_geocoding_pending};
