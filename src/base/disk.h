/* The disk's reserve: space that writes leave free, so that what must go on when the disk is nearly full can: reads with their
 * scratch files, checkpoints, deleting datasets, changing users, the system itself (docs/storage.md, "The reserve"). */
#ifndef SELTZER_BASE_DISK_H
#define SELTZER_BASE_DISK_H

#include "base/error.h"

enum disk_reserve_kind {
    DISK_RESERVE_NONE,
    DISK_RESERVE_DEFAULT, /* 5 % of the file system, at least 512 MiB, but not above a quarter of it for that */
    DISK_RESERVE_PERCENT,
    DISK_RESERVE_BYTES,
};

struct disk_reserve {
    enum disk_reserve_kind kind;
    uint64_t n; /* of PERCENT and BYTES */
};

/* "0", "5%", "800M", "2G" (powers of 1024: K, M, G, T). */
must_use bool disk_reserve_parse(struct str text, struct disk_reserve *ret, struct error *err);
/* Of a file system of so many bytes. */
uint64_t disk_reserve_bytes(const struct disk_reserve *r, uint64_t file_system_bytes);
/* What is free on the file system of `path`, for who is not root, and how large it is; 0 where it does not know. */
must_use bool disk_space(const char *path, uint64_t *ret_free, uint64_t *ret_all, struct error *err);
/* `bytes` more on the file system of `path` would leave the reserve free; else DISK_FULL with what is free and what is kept. */
must_use bool disk_has_room(const struct disk_reserve *r, const char *path, uint64_t bytes, struct error *err);

/* So many bytes can be had now: they are taken, in a nameless file in `folder`, and given back. Where that cannot be tried: true.
 * For what is made of parts of which the first cannot be undone on a full disk. */
must_use bool disk_can_give(const char *folder, uint64_t bytes, struct error *err);

#endif
