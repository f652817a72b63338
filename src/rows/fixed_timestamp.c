/* Fixed timestamp: an instant, shown in UTC (docs/wire/types.md, timestamps). */
#include "rows/scalar.h"
#include "rows/timestamp.h"

static bool parse(const struct type *t, const struct raw *raw, struct type_context *ctx, struct cell *ret,
                  struct type_refusal *why)
{
    (void)t, (void)ctx;
    return timestamp_parse_raw(raw, TIMESTAMP_FIXED, ret, why);
}

static void write_csv(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)t, (void)r;
    timestamp_write(c->i, TIMESTAMP_FIXED, out);
}

static void write_json(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    buf_add_byte(out, '"');
    write_csv(t, c, r, out);
    buf_add_byte(out, '"');
}

const struct type type_fixed_timestamp = {
    .id = TYPE_FIXED_TIMESTAMP,
    .storage = STORAGE_INT,
    .can_identify_rows = true,
    .soql_name = "fixed_timestamp",
    .view_name = "date",
    .parse = parse,
    .write_json = write_json,
    .write_csv = write_csv,
    .compare = scalar_compare_int,
    .key = scalar_key_int,
};
