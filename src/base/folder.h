/* Folders and names that must outlast a power cut: a file's or folder's name is on disk only once the folder that holds it was
 * synced, whatever was synced of the file itself (fsync(2), "Description"). */
#ifndef SELTZER_BASE_FOLDER_H
#define SELTZER_BASE_FOLDER_H

#include "base/error.h"

/* Errors name no path: they may reach a client. */

/* Makes the folder (mode 0700) when it is missing, its name on disk. */
must_use bool folder_make(const char *path, struct error *err);
/* The names in the folder are on disk. */
must_use bool folder_sync(const char *path, struct error *err);
/* The name of this file or folder is on disk: made, renamed or removed. */
must_use bool folder_sync_name(const char *path, struct error *err);

#endif
