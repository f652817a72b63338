/* The folder of a catalog that a test makes and removes. */
#ifndef SELTZER_TESTS_CATALOG_KIT_H
#define SELTZER_TESTS_CATALOG_KIT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"

#define GOOD(call) do { struct error err_ = {0}; if (!(call)) fail_msg("%s: %s", #call, err_.message); } while (0)

static inline bool catalog_folder(char ret[64])
{
    snprintf(ret, 64, "/tmp/seltzer-catalog-XXXXXX");
    return random_init() && mkdtemp(ret);
}

static inline void catalog_folder_remove(const char *dir)
{
    static const char *const names[] = {"catalog.db", "catalog.db-wal", "catalog.db-shm"};
    char path[128];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

#endif
