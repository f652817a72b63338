/* Ordinates: binary doubles read from decimal text and written back in the fewest digits that give the same double.
 * Private to rows/ (the geometries and location). The C library's functions are right but several times too slow for
 * every point of a bulk load, so numbers of up to 15 digits take a short exact way and all others go to the library. */
#ifndef SELTZER_ROWS_ORDINATE_H
#define SELTZER_ROWS_ORDINATE_H

#include "base/buf.h"

enum { ORDINATE_BYTES_MAX = 4096 };

/* Reads [+-]?digits[.digits][e[+-]digits], either side of the point empty but not both, at the start of the text. Returns
 * the bytes read, 0 when there is no number (or a longer one than ORDINATE_BYTES_MAX). May give an infinity: 1e999. */
size_t ordinate_read(struct str text, double *ret);
/* A finite double; always with a point: 1.0, -87.6, 1.5e+30. */
void ordinate_write(double v, struct buf *out);

#endif
