/* In which format rows are answered: the extension, else Accept, else JSON; never 406 (docs/wire/reading.md). */
#ifndef SELTZER_API_ROW_FORMAT_H
#define SELTZER_API_ROW_FORMAT_H

#include "api/api.h"
#include "format/writer.h"

/* extension: EXTENSION_NONE when the URL had none that counts. accept: the header's value, may be empty. */
enum writer_format row_format_choose(enum api_extension extension, struct str accept);

#endif
