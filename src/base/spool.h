/* Bytes on their way out, or in: memory first, a nameless file in the scratch folder beyond. Written by one thread,
 * then read by one (the hand-over needs its own synchronisation). */
#ifndef SELTZER_BASE_SPOOL_H
#define SELTZER_BASE_SPOOL_H

#include "base/error.h"
#include "base/spool_total.h"

struct spool_config {
    const char *scratch_dir;  /* borrowed, outlives the spool; NULL: memory only */
    size_t memory_max;        /* bytes kept in memory, 1 MiB when 0 */
    uint64_t bytes_max;       /* the cap, 0 for none; beyond: DISK_FULL naming the scratch area */
    struct spool_total *total; /* borrowed; NULL: counted nowhere. Beyond: SCRATCH_BUSY */
};

enum { SPOOL_MEMORY_FREE = 4096 }; /* so much memory a spool has without being counted: most replies are smaller */

struct spool;
struct spool *spool_new(const struct spool_config *config, struct error *err);
must_use bool spool_write(struct spool *s, const void *p, size_t n, struct error *err);
uint64_t spool_bytes(const struct spool *s);
/* Copies up to n bytes from offset; fewer only at the end. */
must_use bool spool_read(struct spool *s, uint64_t offset, void *p, size_t n, size_t *ret_n, struct error *err);
/* Overwrites or extends at an offset (fixed-width tables); the gap reads as zeros. */
must_use bool spool_write_at(struct spool *s, uint64_t offset, const void *p, size_t n, struct error *err);
/* All that was written below memory_max aside is in the file now: spool_read_file() sees it. */
must_use bool spool_settle(struct spool *s, struct error *err);
/* As spool_read, of bytes beyond memory_max that a spool_settle() has set down: may run beside further writing, once the
 * reader was told (with a release and an acquire) how far that was. */
must_use bool spool_read_file(const struct spool *s, uint64_t offset, void *p, size_t n, struct error *err);
/* What lies before offset is not read again: the file's part of it goes back to the disk and to the total. */
void spool_forget(struct spool *s, uint64_t offset);
/* A loan of bytes that are in memory, for sending without a copy; empty when they are in the file. */
struct str spool_peek(const struct spool *s, uint64_t offset);
void spool_free(struct spool *s); /* NULL is fine */

#endif
