/* Random bytes from the kernel (libsodium). Call random_init() once at start. */
#ifndef SELTZER_BASE_RANDOM_H
#define SELTZER_BASE_RANDOM_H

#include "base/str.h"

must_use bool random_init(void);
void random_fill(void *p, size_t n);
uint64_t random_u64(void);
/* n characters of `alphabet`, no NUL. */
void random_text(char *ret, size_t n, const char *alphabet);

#endif
