/* Reading a write's options (write_options.h). */
#include "api/write_options.h"


static bool bad_parameter(struct str name, struct str value, const char *expected, struct error *err)
{
    error_set(err, ERROR_BAD_PARAMETER, "Request has bad parameter '" FMT_STR "' with value '" FMT_STR "'; expected %s",
              ARG_STR(str_head_utf8(name, 100)), ARG_STR(str_head_utf8(value, 100)), expected);
    error_data_str(err, "parameter", str_head_utf8(name, 200));
    error_data_str(err, "value", str_head_utf8(value, 200));
    return false;
}

/* ── parameters ── */

struct reading {
    struct call *c;
    struct write_options *o;
    bool replace, single_row;
};

static bool read_bool(struct str name, struct str value, bool *ret, struct error *err)
{
    return str_to_bool(value, ret) || bad_parameter(name, value, "true or false", err);
}

static bool take_truncate(struct reading *r, struct str name, struct str value, struct error *err)
{
    bool yes;
    if (!read_bool(name, value, &yes, err))
        return false;
    r->o->upload.truncate = yes && !r->replace && !r->single_row;
    return true;
}

static bool take_merge(struct reading *r, struct str name, struct str value, struct error *err)
{
    bool yes;
    if (!read_bool(name, value, &yes, err))
        return false;
    if (!r->replace)
        r->o->upload.clear_absent = !yes;
    return true;
}

static bool take_errors_are_fatal(struct reading *r, struct str name, struct str value, struct error *err)
{
    return read_bool(name, value, &r->o->upload.errors_are_fatal, err);
}

static bool take_nonfatal(struct reading *r, struct str name, struct str value, struct error *err)
{
    /* the old spelling of Socrata's own code */
    if (str_eq(value, STR("verison_mismatch")))
        value = STR("version_mismatch");
    for (int e = ROW_ERROR_NONE + 1; e < ROW_ERROR_COUNT; e++)
        if (str_eq(value, str_from(row_error_name((enum row_error)e)))) {
            r->o->upload.nonfatal |= 1u << e;
            return true;
        }
    return bad_parameter(name, value,
                         "version_on_new_row, no_such_row_to_delete, no_such_row_to_update, no_primary_key, version_mismatch or "
                         "insert_in_update_only",
                         err);
}

static bool take_expected_version(struct reading *r, struct str name, struct str value, struct error *err)
{
    uint64_t v;
    if (!str_to_u64(value, &v) || v > INT64_MAX)
        return bad_parameter(name, value, "a data version, as X-SODA2-Truth-Version shows it", err);
    r->o->upload.has_expected_version = true;
    r->o->upload.expected_version = (int64_t)v;
    return true;
}

static bool take_dry_run(struct reading *r, struct str name, struct str value, struct error *err)
{
    return read_bool(name, value, &r->o->upload.dry_run, err);
}

/* abort, skip, skip:N (rows) or skip:P% */
static bool take_on_error(struct reading *r, struct str name, struct str value, struct error *err)
{
    enum { WHOLE = 10000, PERCENT = 100 };
    struct upload_options *o = &r->o->upload;
    struct str word, limit, whole, part;
    uint64_t n, hundredths = 0;
    o->skip_rows_max = UINT64_MAX;
    o->skip_share_max = WHOLE;
    if (str_eq(value, STR("abort")))
        return true;
    o->skip_errors = true;
    if (str_eq(value, STR("skip")))
        return true;
    if (str_cut(value, ':', &word, &limit) && str_eq(word, STR("skip"))) {
        if (str_to_u64(limit, &o->skip_rows_max))
            return true;
        if (str_ends(limit, STR("%"))) {
            bool has_part = str_cut(str_head(limit, limit.n - 1), '.', &whole, &part);
            bool good = str_to_u64(whole, &n) && n <= PERCENT && (!has_part || (part.n <= 2 && str_to_u64(part, &hundredths)));
            if (good) {
                uint64_t share = n * PERCENT + (part.n == 1 ? hundredths * 10 : hundredths);
                o->skip_share_max = share > WHOLE ? WHOLE : (uint32_t)share;
                return true;
            }
        }
    }
    return bad_parameter(name, value, "abort, skip, skip:N (a number of rows) or skip:P% (a share, with at most two decimals)", err);
}

static bool take_report(struct reading *r, struct str name, struct str value, struct error *err)
{
    if (!str_eq(value, STR("rows")) && !str_eq(value, STR("counts")))
        return bad_parameter(name, value, "rows or counts", err);
    r->o->report_rows = str_eq(value, STR("rows"));
    return true;
}

static bool take_version_form(struct reading *r, struct str name, struct str value, struct error *err)
{
    (void)name, (void)err;
    r->o->version_2 = str_eq(value, STR("2.0"));
    return true;
}

static bool take_nothing(struct reading *r, struct str name, struct str value, struct error *err)
{
    (void)r, (void)name, (void)value, (void)err;
    return true;
}

static const struct {
    const char *name;
    bool (*take)(struct reading *r, struct str name, struct str value, struct error *err);
    bool may_repeat;
} parameters[] = {
    {"truncate", take_truncate, false},
    {"mergeInsteadOfReplace", take_merge, false},
    {"errorsAreFatal", take_errors_are_fatal, false},
    {"nonFatalRowErrors[]", take_nonfatal, true},
    {"expectedDataVersion", take_expected_version, false},
    {"dryRun", take_dry_run, false},
    {"report", take_report, false},
    {"onError", take_on_error, false},
    {"$$version", take_version_form, false},
    {"nbe", take_nothing, true},
    {"app_token", take_nothing, true},
};
enum { PARAMETERS = sizeof parameters / sizeof *parameters };

static bool unknown_parameter(struct str name, struct str value, struct error *err)
{
    error_set(err, ERROR_BAD_PARAMETER,
              "Request has bad parameter '" FMT_STR "' with value '" FMT_STR
              "'; nothing was changed. Known are truncate, mergeInsteadOfReplace, errorsAreFatal, nonFatalRowErrors[], "
              "expectedDataVersion, dryRun, onError and report",
              ARG_STR(str_head_utf8(name, 100)), ARG_STR(str_head_utf8(value, 100)));
    error_data_str(err, "parameter", str_head_utf8(name, 200));
    error_data_str(err, "value", str_head_utf8(value, 200));
    return false;
}

static bool read_parameters(struct reading *r, struct error *err)
{
    unsigned seen = 0;
    for (size_t i = 0; i < r->c->n_query; i++) {
        struct str name = r->c->query[i].name, value = r->c->query[i].value;
        int at = 0;
        while (at < PARAMETERS && !str_eq(name, str_from(parameters[at].name)))
            at++;
        if (at == PARAMETERS) {
            if (str_starts(name, STR("$$")))
                continue;
            return unknown_parameter(name, value, err);
        }
        if (seen & 1u << at && !parameters[at].may_repeat)
            return bad_parameter(name, value, "it once", err);
        seen |= 1u << at;
        if (!parameters[at].take(r, name, value, err))
            return false;
    }
    return true;
}

/* ── media type, charset, coding ── */

static const struct {
    const char *type;
    enum body_naming naming;
    enum reader_format format;
} media_types[] = {
    {"application/json", BODY_NAMED, READER_JSON},
    {"text/json", BODY_NAMED, READER_JSON},
    {"application/x-ndjson", BODY_NAMED, READER_NDJSON},
    {"application/ndjson", BODY_NAMED, READER_NDJSON},
    {"application/jsonl", BODY_NAMED, READER_NDJSON},
    {"text/csv", BODY_NAMED, READER_CSV},
    {"text/tab-separated-values", BODY_NAMED, READER_TSV},
    {"application/x-www-form-urlencoded", BODY_SNIFF_FORM, READER_FORM},
    {"text/plain", BODY_SNIFF_VAGUE, READER_JSON},
    {"application/octet-stream", BODY_SNIFF_VAGUE, READER_JSON},
};

static bool wrong_type(struct str given, struct error *err)
{
    error_set(err, ERROR_CONTENT_TYPE_WRONG,
              "The content-type set on the request (" FMT_STR ") is not taken; send application/json, application/x-ndjson, text/csv, "
              "text/tab-separated-values or application/x-www-form-urlencoded",
              ARG_STR(str_head_utf8(given, 200)));
    error_data_str(err, "content-type", str_head_utf8(given, 200));
    return false;
}

/* charset=x or charset="x" among the parameters after the first ';'. */
static struct str charset_of(struct str parameters_text)
{
    struct str piece;
    while (parameters_text.n) {
        struct str name, value;
        str_cut(parameters_text, ';', &piece, &parameters_text);
        if (str_cut(str_trim(piece), '=', &name, &value) && str_eq_fold(str_trim(name), STR("charset"))) {
            value = str_trim(value);
            if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
                value = str_make(value.p + 1, value.n - 2);
            return value;
        }
    }
    return STR_NONE;
}

static bool read_content_type(struct call *c, struct write_options *o, struct error *err)
{
    struct str header = http_header(c->head, "Content-Type"), type, rest;
    o->upload.format = READER_JSON;
    if (!header.p || str_trim(header).n == 0) {
        o->naming = BODY_SNIFF_MISSING;
        return true;
    }
    str_cut(header, ';', &type, &rest);
    type = str_trim(type);
    size_t slash;
    if (!str_find_byte(type, '/', &slash) || slash == 0 || slash + 1 == type.n) {
        error_set(err, ERROR_CONTENT_TYPE_UNPARSABLE, "The content-type set on the request (" FMT_STR ") is unparseable",
                  ARG_STR(str_head_utf8(header, 200)));
        error_data_str(err, "content-type", str_head_utf8(header, 200));
        return false;
    }
    o->upload.charset = charset_of(rest);
    for (size_t i = 0; i < sizeof media_types / sizeof *media_types; i++)
        if (str_eq_fold(type, str_from(media_types[i].type))) {
            o->naming = media_types[i].naming;
            o->upload.format = media_types[i].format;
            return true;
        }
    return wrong_type(header, err);
}

static bool read_coding(struct call *c, struct write_options *o, struct error *err)
{
    struct str coding = http_header(c->head, "Content-Encoding");
    if (!coding.p || coding.n == 0 || str_eq_fold(coding, STR("identity")))
        return true;
    if (str_eq_fold(coding, STR("gzip")) || str_eq_fold(coding, STR("x-gzip"))) {
        o->upload.gzip = true;
        return true;
    }
    http_reply_header(c->x, "Accept-Encoding", STR("gzip"));
    return error_set(err, ERROR_CONTENT_ENCODING_UNKNOWN, "the Content-Encoding \"" FMT_STR "\" is not taken; send gzip or none",
                     ARG_STR(str_head_utf8(coding, 100)));
}

/* X-SODA2-Truth-Version beats the parameter; an unreadable header is ignored, as in soda-fountain. */
static void read_version_header(struct call *c, struct write_options *o)
{
    uint64_t v;
    if (str_to_u64(str_trim(http_header(c->head, "X-SODA2-Truth-Version")), &v) && v <= INT64_MAX) {
        o->upload.has_expected_version = true;
        o->upload.expected_version = (int64_t)v;
    }
}

static bool read_expected_rows(struct call *c, struct write_options *o, struct error *err)
{
    struct str header = http_header(c->head, "X-Expect-Rows");
    if (!header.p)
        return true;
    o->upload.has_expected_rows = str_to_u64(str_trim(header), &o->upload.expected_rows);
    return o->upload.has_expected_rows || error_set(err, ERROR_BAD_REQUEST, "the X-Expect-Rows header \"" FMT_STR "\" is not a number of rows",
                                                    ARG_STR(str_head_utf8(header, 100)));
}

/* Of these there is one or none: of two, another reader might believe the other one (RFC 9110 5.3). */
static bool check_given_once(const struct call *c, struct error *err)
{
    static const char *const names[] = {"Content-Type", "Content-Encoding", "X-Expect-Rows", "X-SODA2-Truth-Version", "Idempotency-Key"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n;
        if (http_header_count(c->head, names[i], &n) && n > 1)
            return error_set(err, ERROR_BAD_REQUEST, "the header %s is given %zu times; it may be given once", names[i], n);
    }
    return true;
}

bool write_options_read(struct call *c, enum upload_kind kind, bool single_row, struct write_options *ret, struct error *err)
{
    *ret = (struct write_options){
        .upload = {.kind = kind,
                   .only_one_object = single_row,
                   .scratch_dir = c->api->scratch_dir,
                   .reports_dir = c->api->reports_dir,
                   .request_id = c->head->request_id,
                   .user_id = c->principal.user.id,
                   .via = c->principal.via,
                   .peer = c->head->peer},
    };
    struct reading r = {c, ret, kind == UPLOAD_REPLACE, single_row};
    if (!check_given_once(c, err) || !read_parameters(&r, err) || !read_content_type(c, ret, err) || !read_coding(c, ret, err) ||
        !read_expected_rows(c, ret, err))
        return false;
    read_version_header(c, ret);
    ret->upload.want_all_results = ret->report_rows;
    return true;
}

bool write_options_sniff(struct write_options *o, const struct http_head *head, struct str first, struct error *err)
{
    struct str text = str_trim(first);
    bool looks_json = text.n && (text.p[0] == '[' || text.p[0] == '{');
    enum body_naming naming = o->naming;
    o->naming = BODY_NAMED;
    /* What is inside gzip is not looked at: without a name it must be JSON. An empty body is JSON's to refuse. */
    if (naming == BODY_NAMED || looks_json || o->upload.gzip || text.n == 0) {
        if (naming != BODY_NAMED && (looks_json || naming != BODY_SNIFF_FORM))
            o->upload.format = READER_JSON;
        return true;
    }
    switch (naming) {
    case BODY_SNIFF_FORM:
        return true;
    case BODY_SNIFF_VAGUE:
        return wrong_type(http_header(head, "Content-Type"), err);
    case BODY_SNIFF_MISSING:
        return error_set(err, ERROR_CONTENT_TYPE_MISSING,
                         "No content-type is set on the request, and its body is not JSON (it does not start with [ or {); send "
                         "Content-Type: text/csv for CSV");
    case BODY_NAMED:
        break;
    }
    return true;
}
