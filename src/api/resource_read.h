/* Reading rows over /resource, and the stored row as replies to writes show it (docs/wire/reading.md). */
#ifndef SELTZER_API_RESOURCE_READ_H
#define SELTZER_API_RESOURCE_READ_H

#include "api/api.h"

/* One row as a JSON object and a line break: `select :*, *`. in: as a write sees it, NULL for what is stored now. version_2:
 * $$version=2.0. ROW_NOT_FOUND when it is gone. */
struct row_shown {
    struct api *api;
    const struct dataset *dataset;
    const struct store_within *in;
    int64_t sid;
    bool version_2;
};
must_use bool resource_write_row_json(const struct row_shown *row, struct buf *out, struct error *err);
/* X-SODA2-Fields, -Types and -Warning of such a row, for the replies that carry one. */
void resource_reply_row_fields(struct call *c, const struct dataset *d);

#endif
