/* The licences that a view's licenseId may name (docs/wire/views.md). Others are kept as they are, without a text. */
#ifndef SELTZER_API_LICENSES_H
#define SELTZER_API_LICENSES_H

#include "base/str.h"

struct license {
    const char *id, *name, *terms_link;
};
const struct license *license_by_id(struct str id);     /* NULL if none */
const struct license *license_by_name(struct str name); /* any case */

#endif
