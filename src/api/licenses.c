#include "api/licenses.h"

#include <stddef.h>

static const struct license licenses[] = {
#define X(id, name, terms_link) {id, name, terms_link},
#include "api/licenses.def"
#undef X
};
enum { LICENSES = sizeof licenses / sizeof *licenses };

const struct license *license_by_id(struct str id)
{
    for (size_t i = 0; i < LICENSES; i++)
        if (str_eq(str_from(licenses[i].id), id))
            return &licenses[i];
    return NULL;
}

const struct license *license_by_name(struct str name)
{
    for (size_t i = 0; i < LICENSES; i++)
        if (str_eq_fold(str_from(licenses[i].name), name))
            return &licenses[i];
    return NULL;
}
