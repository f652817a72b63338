/* Text without accents (unaccent.def). */
#ifndef SELTZER_SQL_UNACCENT_H
#define SELTZER_SQL_UNACCENT_H

#include "base/buf.h"

void unaccent(struct str s, struct buf *out);

#endif
