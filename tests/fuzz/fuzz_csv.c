/* CSV and TSV: the first byte says how the rest is cut; no cut may change what is said, whether broken
 * rows are taken or not. */
#include "../support/row_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_rows(enum reader_format format, struct str text, uint64_t cuts)
{
    for (int broken = 0; broken < 2; broken++) {
        struct row_log log = {.takes_broken = broken};
        char *whole = row_log_read_to(log, format, NULL, text, NULL, NULL);
        char *cut = row_log_read_to(log, format, NULL, text, cut_at_random, &cuts);
        if (strcmp(whole, cut) != 0)
            abort();
        free(whole);
        free(cut);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 2)
        return 0;
    uint64_t cuts = 0x9e3779b97f4a7c15u * (data[0] + 1u);
    enum reader_format format = data[1] & 1 ? READER_TSV : READER_CSV;
    struct str text = str_make((const char *)data + 2, n - 2);
    check_rows(format, text, cuts);
    return 0;
}
