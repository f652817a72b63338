/* What a write request asks for besides its rows (api/write_options.h): every parameter, header and media type, and every
 * value of them that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/write_options.h"
#include "http/internal.h"

enum { UPSERT, REPLACE, ROW };

struct asked {
    struct api api;
    struct exchange x;
    struct http_head head;
    struct http_header headers[8];
    struct arena arena;
    struct call call;
    struct write_options options;
    struct error err;
};

/* "Name: value" lines. */
static bool ask(struct asked *q, int kind, const char *query, const char *headers)
{
    struct error err;
    struct str rest = str_from(headers), line;
    *q = (struct asked){.api = {.scratch_dir = "scratch", .reports_dir = "reports"}};
    while (rest.n) {
        str_cut(rest, '\n', &line, &rest);
        struct http_header *h = &q->headers[q->head.n_headers++];
        str_cut(line, ':', &h->name, &h->value);
        h->value = str_trim(h->value);
    }
    q->head.headers = q->headers;
    memcpy(q->head.request_id, "request-1", 10);
    q->x.pub.head = &q->head;
    q->call = (struct call){.api = &q->api, .x = &q->x.pub, .head = &q->head, .arena = &q->arena};
    memcpy(q->call.principal.user.id, "abcd-efgh", 10);
    assert_true(http_decode_query(str_from(query), &q->arena, &q->call.query, &q->call.n_query, &err));
    return write_options_read(&q->call, kind == REPLACE ? UPLOAD_REPLACE : UPLOAD_UPSERT, kind == ROW, &q->options, &q->err);
}

static void done(struct asked *q)
{
    arena_free(&q->arena);
    buf_free(&q->x.headers);
}

/* What differs from a plain request, as text. */
static const char *shown(const struct write_options *o)
{
    static char text[512];
    struct buf b = {0};
    const struct upload_options *u = &o->upload;
    if (u->truncate)
        buf_add_z(&b, "truncate ");
    if (u->clear_absent)
        buf_add_z(&b, "clear ");
    if (u->errors_are_fatal)
        buf_add_z(&b, "fatal ");
    if (u->nonfatal)
        buf_printf(&b, "nonfatal=%x ", u->nonfatal);
    if (u->has_expected_version)
        buf_printf(&b, "version=%lld ", (long long)u->expected_version);
    if (u->dry_run)
        buf_add_z(&b, "dry ");
    if (u->skip_errors && u->skip_rows_max != UINT64_MAX)
        buf_printf(&b, "skip=%llu ", (unsigned long long)u->skip_rows_max);
    else if (u->skip_errors)
        buf_printf(&b, "skip=%u/10000 ", u->skip_share_max);
    if (u->has_expected_rows)
        buf_printf(&b, "rows=%llu ", (unsigned long long)u->expected_rows);
    if (u->gzip)
        buf_add_z(&b, "gzip ");
    if (o->version_2)
        buf_add_z(&b, "2.0 ");
    if (o->report_rows)
        buf_add_z(&b, "report ");
    assert_int_equal(u->want_all_results, o->report_rows);
    assert_true(buf_ok(&b) && b.n < sizeof text);
    snprintf(text, sizeof text, FMT_STR, ARG_STR(str_trim(buf_str(&b))));
    buf_free(&b);
    return text;
}

static void parameters_become_options(void **state)
{
    (void)state;
    static const struct {
        int kind;
        const char *query, *want;
    } cases[] = {
        {UPSERT, "", ""},
        {UPSERT, "truncate=true", "truncate"},
        {UPSERT, "truncate=FALSE", ""},
        {REPLACE, "truncate=true", ""}, /* a replace empties anyway */
        {ROW, "truncate=true", ""},     /* one row's URL never empties the table */
        {UPSERT, "mergeInsteadOfReplace=false", "clear"},
        {UPSERT, "mergeInsteadOfReplace=true", ""},
        {REPLACE, "mergeInsteadOfReplace=false", ""},
        {UPSERT, "errorsAreFatal=true", "fatal"},
        {UPSERT, "errorsAreFatal=false", ""},
        {UPSERT, "nonFatalRowErrors[]=no_such_row_to_delete", "nonfatal=2"},
        {UPSERT, "nonFatalRowErrors[]=no_such_row_to_update&nonFatalRowErrors%5B%5D=no_primary_key", "nonfatal=c"},
        {UPSERT, "nonFatalRowErrors[]=verison_mismatch", "nonfatal=10"},
        {UPSERT, "nonFatalRowErrors[]=version_mismatch&errorsAreFatal=true", "fatal nonfatal=10"},
        {UPSERT, "nonFatalRowErrors[]=version_on_new_row&nonFatalRowErrors[]=insert_in_update_only", "nonfatal=60"},
        {UPSERT, "expectedDataVersion=0", "version=0"},
        {UPSERT, "expectedDataVersion=9223372036854775807", "version=9223372036854775807"},
        {UPSERT, "dryRun=true", "dry"},
        {UPSERT, "dryRun=True&truncate=true", "truncate dry"},
        {UPSERT, "report=rows", "report"},
        {UPSERT, "report=counts", ""},
        {UPSERT, "$$version=2.0", "2.0"},
        {UPSERT, "$$version=2.1&$$app_token=x&$$anything", ""},
        {UPSERT, "nbe=true&app_token=y&nbe=true", ""},
        {UPSERT, "onError=abort", ""},
        {UPSERT, "onError=skip", "skip=10000/10000"},
        {UPSERT, "onError=skip:0", "skip=0"},
        {UPSERT, "onError=skip:250", "skip=250"},
        {UPSERT, "onError=skip:1%25", "skip=100/10000"},
        {UPSERT, "onError=skip:0.5%25", "skip=50/10000"},
        {UPSERT, "onError=skip:0.05%25", "skip=5/10000"},
        {UPSERT, "onError=skip:100%25", "skip=10000/10000"},
        {UPSERT, "onError=skip:100.99%25", "skip=10000/10000"},
        {REPLACE, "onError=skip:2%25", "skip=200/10000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct asked q;
        if (!ask(&q, cases[i].kind, cases[i].query, ""))
            fail_msg("%s: %s", cases[i].query, q.err.message);
        if (strcmp(shown(&q.options), cases[i].want) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", cases[i].query, shown(&q.options), cases[i].want);
        assert_int_equal(q.options.upload.kind, cases[i].kind == REPLACE ? UPLOAD_REPLACE : UPLOAD_UPSERT);
        assert_int_equal(q.options.upload.only_one_object, cases[i].kind == ROW);
        assert_string_equal(q.options.upload.request_id, "request-1");
        assert_string_equal(q.options.upload.user_id, "abcd-efgh");
        done(&q);
    }
}

static void any_other_parameter_or_value_is_refused_and_named(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "truncate", "truncate=", "truncate=1", "truncate=yes", "mergeInsteadOfReplace=0", "errorsAreFatal=maybe", "nonFatalRowErrors[]=all",
        "nonFatalRowErrors[]=", "nonFatalRowErrors[]=none", "nonFatalRowErrors=no_primary_key", "expectedDataVersion=", "expectedDataVersion=-1",
        "expectedDataVersion=9223372036854775808", "expectedDataVersion=1.0", "dryRun=", "dryrun=true", "DryRun=true", "dry_run=true", "report=all",
        "report=", "$limit=5", "id=7", "truncate=true&truncate=true", "onError=", "onError=skip:", "onError=skip:%25", "onError=skip:-1",
        "onError=skip:1.5", "onError=skip:101%25", "onError=skip:1.%25", "onError=skip:1.234%25", "onError=skip:.5%25", "onError=Skip",
        "onError=abort:5", "onError=skip:1%25%25", "onError=stop", "onError=skip&onError=skip",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct asked q;
        struct str name, value;
        if (ask(&q, UPSERT, bad[i], ""))
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(q.err.code, ERROR_BAD_PARAMETER);
        str_cut(str_from(bad[i]), '=', &name, &value);
        char *wanted = arena_printf(&q.arena, "bad parameter '" FMT_STR "'", ARG_STR(name));
        if (!strstr(q.err.message, wanted))
            fail_msg("%s: %s", bad[i], q.err.message);
        assert_non_null(strstr(q.err.data, "\"parameter\":"));
        done(&q);
    }
}

static void headers_become_options(void **state)
{
    (void)state;
    static const struct {
        const char *query, *headers, *want;
    } cases[] = {
        {"", "X-SODA2-Truth-Version: 5", "version=5"},
        {"expectedDataVersion=4", "x-soda2-truth-version: 5", "version=5"}, /* the header wins */
        {"expectedDataVersion=4", "X-SODA2-Truth-Version: five", "version=4"}, /* unreadable: ignored */
        {"", "X-SODA2-Truth-Version: 99999999999999999999", ""},
        {"", "X-Expect-Rows: 1000", "rows=1000"},
        {"", "X-Expect-Rows:  0 ", "rows=0"},
        {"", "Content-Encoding: gzip", "gzip"},
        {"", "Content-Encoding: X-GZIP", "gzip"},
        {"", "Content-Encoding: identity", ""},
        {"", "Content-Encoding:", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct asked q;
        if (!ask(&q, UPSERT, cases[i].query, cases[i].headers))
            fail_msg("%s: %s", cases[i].headers, q.err.message);
        if (strcmp(shown(&q.options), cases[i].want) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", cases[i].headers, shown(&q.options), cases[i].want);
        done(&q);
    }
}

static void headers_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        enum error_code code;
    } cases[] = {
        {"X-Expect-Rows: many", ERROR_BAD_REQUEST},
        {"X-Expect-Rows:", ERROR_BAD_REQUEST},
        {"X-Expect-Rows: 1\nx-expect-rows: 1", ERROR_BAD_REQUEST}, /* once is enough */
        {"Content-Type: text/csv\nContent-Type: text/csv", ERROR_BAD_REQUEST},
        {"X-Expect-Rows: -1", ERROR_BAD_REQUEST},
        {"Content-Encoding: br", ERROR_CONTENT_ENCODING_UNKNOWN},
        {"Content-Encoding: gzip, gzip", ERROR_CONTENT_ENCODING_UNKNOWN},
        {"Content-Encoding: deflate", ERROR_CONTENT_ENCODING_UNKNOWN},
        {"Content-Type: json", ERROR_CONTENT_TYPE_UNPARSABLE},
        {"Content-Type: /json", ERROR_CONTENT_TYPE_UNPARSABLE},
        {"Content-Type: application/", ERROR_CONTENT_TYPE_UNPARSABLE},
        {"Content-Type: ;charset=utf-8", ERROR_CONTENT_TYPE_UNPARSABLE},
        {"Content-Type: application/xml", ERROR_CONTENT_TYPE_WRONG},
        {"Content-Type: multipart/form-data; boundary=x", ERROR_CONTENT_TYPE_WRONG},
        {"Content-Type: text/csvx", ERROR_CONTENT_TYPE_WRONG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct asked q;
        if (ask(&q, UPSERT, "", cases[i].headers))
            fail_msg("%s was taken", cases[i].headers);
        if (q.err.code != cases[i].code)
            fail_msg("%s: %s", cases[i].headers, q.err.message);
        bool tells = memmem(q.x.headers.p ? q.x.headers.p : "", q.x.headers.n, "Accept-Encoding: gzip", 21);
        assert_int_equal(tells, q.err.code == ERROR_CONTENT_ENCODING_UNKNOWN); /* RFC 9110 15.5.16 */
        done(&q);
    }
}

static void media_types_name_the_format_and_the_first_byte_settles_the_rest(void **state)
{
    (void)state;
    static const struct {
        const char *headers, *first;
        int format; /* or -1 - error_code */
        const char *charset;
    } cases[] = {
        {"Content-Type: application/json", "x", READER_JSON, ""},
        {"Content-Type: APPLICATION/Json; charset=UTF-8", "[", READER_JSON, "UTF-8"},
        {"Content-Type: text/json", "[", READER_JSON, ""},
        {"Content-Type: application/x-ndjson", "{", READER_NDJSON, ""},
        {"Content-Type: application/ndjson", "[", READER_NDJSON, ""},
        {"Content-Type: application/jsonl", "x", READER_NDJSON, ""},
        {"Content-Type: text/csv", "[a],b", READER_CSV, ""},
        {"Content-Type: text/csv ; header=present; Charset = \"iso-8859-1\"", "a", READER_CSV, "iso-8859-1"},
        {"Content-Type: text/csv;charset=windows-1252;x=y", "a", READER_CSV, "windows-1252"},
        {"Content-Type: text/csv;x;charset", "a", READER_CSV, ""},
        {"Content-Type: text/tab-separated-values", "a", READER_TSV, ""},
        {"Content-Type: application/x-www-form-urlencoded", "a=b", READER_FORM, ""},
        {"Content-Type: application/x-www-form-urlencoded", " \n[{", READER_JSON, ""}, /* curl -d */
        {"Content-Type: application/x-www-form-urlencoded", "{", READER_JSON, ""},
        {"Content-Type: application/x-www-form-urlencoded", "", READER_FORM, ""},
        {"Content-Type: text/plain", "[", READER_JSON, ""},
        {"Content-Type: text/plain", "a,b", -1 - ERROR_CONTENT_TYPE_WRONG, ""},
        {"Content-Type: application/octet-stream", "{", READER_JSON, ""},
        {"Content-Type: application/octet-stream", "\x1f\x8b", -1 - ERROR_CONTENT_TYPE_WRONG, ""},
        {"Content-Type: application/octet-stream\nContent-Encoding: gzip", "\x1f\x8b", READER_JSON, ""},
        {"Content-Type: text/csv\nContent-Encoding: gzip", "\x1f\x8b", READER_CSV, ""},
        {"", "[", READER_JSON, ""},
        {"", "\t{", READER_JSON, ""},
        {"", "", READER_JSON, ""},
        {"Content-Type:", "a,b", -1 - ERROR_CONTENT_TYPE_MISSING, ""},
        {"", "a,b", -1 - ERROR_CONTENT_TYPE_MISSING, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct asked q;
        if (!ask(&q, UPSERT, "", cases[i].headers))
            fail_msg("%s: %s", cases[i].headers, q.err.message);
        assert_true(str_eq(q.options.upload.charset, str_from(cases[i].charset)));
        bool ok = write_options_sniff(&q.options, &q.head, str_from(cases[i].first), &q.err);
        int got = ok ? (int)q.options.upload.format : -1 - (int)q.err.code;
        if (got != cases[i].format)
            fail_msg("%s and \"%s\": %d, not %d", cases[i].headers, cases[i].first, got, cases[i].format);
        if (ok) /* settled: further bytes change nothing */
            assert_true(write_options_sniff(&q.options, &q.head, STR("\xff"), &q.err) && (int)q.options.upload.format == got);
        done(&q);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_become_options),
        cmocka_unit_test(any_other_parameter_or_value_is_refused_and_named),
        cmocka_unit_test(headers_become_options),
        cmocka_unit_test(headers_that_cannot_be_are_refused),
        cmocka_unit_test(media_types_name_the_format_and_the_first_byte_settles_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
