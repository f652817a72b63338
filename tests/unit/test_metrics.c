/* Counters and the form in which they are read (base/metrics.h, api/traffic.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/traffic.h"
#include "base/metrics.h"

static const char *text_of(struct buf *b)
{
    assert_true(buf_ok(b));
    buf_add_byte(b, 0);
    return b->p;
}

static bool has_line(const char *text, const char *line)
{
    size_t n = strlen(line);
    for (const char *p = text; (p = strstr(p, line)); p += n)
        if ((p == text || p[-1] == '\n') && p[n] == '\n')
            return true;
    return false;
}

static void a_duration_counts_in_every_bucket_that_is_not_below_it(void **state)
{
    struct histogram h = {0};
    struct buf out = {0};
    (void)state;
    histogram_add(&h, 0);
    histogram_add(&h, 1000);
    histogram_add(&h, 1001);
    histogram_add(&h, 60000000);
    histogram_add(&h, 60000001);
    assert_int_equal(histogram_count(&h), 5);
    metrics_write_histogram(&out, "f", "a=\"b\"", &h);
    const char *text = text_of(&out);
    assert_true(has_line(text, "f_bucket{a=\"b\",le=\"0.001\"} 2"));
    assert_true(has_line(text, "f_bucket{a=\"b\",le=\"0.0025\"} 3"));
    assert_true(has_line(text, "f_bucket{a=\"b\",le=\"15\"} 3"));
    assert_true(has_line(text, "f_bucket{a=\"b\",le=\"60\"} 4"));
    assert_true(has_line(text, "f_bucket{a=\"b\",le=\"+Inf\"} 5"));
    assert_true(has_line(text, "f_sum{a=\"b\"} 120.002002"));
    assert_true(has_line(text, "f_count{a=\"b\"} 5"));
    buf_reset(&out);
    metrics_write_histogram(&out, "f", "", &h);
    text = text_of(&out);
    assert_true(has_line(text, "f_bucket{le=\"+Inf\"} 5"));
    assert_true(has_line(text, "f_count 5"));
    buf_free(&out);
}

static void a_count_is_told_under_its_family_and_label(void **state)
{
    struct buf out = {0};
    (void)state;
    metrics_add(METRIC_ROWS_CREATED, 7);
    metrics_add(METRIC_ROWS_CREATED, UINT32_MAX);
    metrics_duration(DURATION_WRITE_WAIT, 1500);
    metrics_write(&out);
    const char *text = text_of(&out);
    assert_true(has_line(text, "seltzer_rows_written_total{change=\"created\"} 4294967302"));
    assert_true(has_line(text, "seltzer_rows_written_total{change=\"deleted\"} 0"));
    assert_true(has_line(text, "seltzer_write_wait_seconds_sum 0.001500"));
    /* a family has one head, before its lines */
    const char *head = strstr(text, "# TYPE seltzer_rows_written_total counter\n");
    assert_non_null(head);
    assert_null(strstr(head + 1, "# TYPE seltzer_rows_written_total"));
    assert_true(strstr(text, "seltzer_rows_written_total{") > head);
    buf_free(&out);
}

static void every_status_of_an_error_has_a_counter_of_its_own(void **state)
{
    static const int statuses[] = {
#define X(symbol, status, code, error_code, what) status,
#include "base/errors.def"
#undef X
    };
    struct buf out = {0};
    struct http_head head = {.request_id = "r"};
    struct http_end end = {.head = &head, .us = 5};
    char line[100];
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        end.status = statuses[i];
        traffic_ended(NULL, NULL, &end);
    }
    traffic_write(&out);
    const char *text = text_of(&out);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        snprintf(line, sizeof line, "\nseltzer_requests_total{route=\"\",method=\"\",status=\"%d\"} ", statuses[i]);
        if (!strstr(text, line))
            fail_msg("no counter for status %d", statuses[i]);
    }
    assert_null(strstr(text, "status=\"599\""));
    buf_free(&out);
}

static void a_request_counts_for_its_route(void **state)
{
    struct call call = {.route = router_route(0)};
    struct http_exchange x = {.state = &call};
    struct http_head head = {.request_id = "r"};
    struct http_end end = {.head = &head, .status = 200, .us = 3000};
    struct buf out = {0};
    (void)state;
    traffic_ended(NULL, &x, &end);
    traffic_ended(NULL, &x, &end);
    end.status = 999; /* one that nobody sends */
    traffic_ended(NULL, &x, &end);
    traffic_write(&out);
    const char *text = text_of(&out);
    assert_true(has_line(text, "seltzer_requests_total{route=\"/resource/:id\",method=\"GET\",status=\"200\"} 2"));
    assert_true(has_line(text, "seltzer_requests_total{route=\"/resource/:id\",method=\"GET\",status=\"599\"} 1"));
    assert_true(has_line(text, "seltzer_request_seconds_bucket{route=\"/resource/:id\",method=\"GET\",le=\"0.0025\"} 0"));
    assert_true(has_line(text, "seltzer_request_seconds_count{route=\"/resource/:id\",method=\"GET\"} 3"));
    buf_free(&out);
    assert_non_null(router_route(ROUTES - 1));
    assert_null(router_route(ROUTES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_duration_counts_in_every_bucket_that_is_not_below_it),
        cmocka_unit_test(a_count_is_told_under_its_family_and_label),
        cmocka_unit_test(every_status_of_an_error_has_a_counter_of_its_own),
        cmocka_unit_test(a_request_counts_for_its_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
