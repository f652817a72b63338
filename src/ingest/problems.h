/* The list of refused values and rows of one upload: the first REPORT_ERRORS_MAX by input position, whatever the order
 * in which they are found, and an exact total. Each entry owns its text. */
#ifndef SELTZER_INGEST_PROBLEMS_H
#define SELTZER_INGEST_PROBLEMS_H

#include "ingest/ingest.h"

/* Copies what is kept. False: out of memory (the total still counts). */
must_use bool problems_add(struct problems *p, const struct row_problem *problem);
void problems_sort(struct problems *p);   /* by position; call before reading the list */
void problems_clear(struct problems *p);  /* forget all, free all */

#endif
