/* Pages are put together from templates, and no value can become markup (api/pages/page.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "api/pages/page.h"

static const struct {
    const char *name, *text;
} templates[] = {
#define X(name, ...) {#name, __VA_ARGS__},
#include "api/pages/templates.def"
#undef X
};

#define EVIL "<script>'\"&{title}\xFF\xC3"
#define TAMED "&lt;script&gt;&#39;&quot;&amp;{title}\xEF\xBF\xBD\xEF\xBF\xBD"

static size_t holes(const char *text, struct page_value values[16])
{
    static char names[16][32];
    size_t n = 0;
    for (const char *at = strchr(text, '{'); at; at = strchr(at + 1, '{')) {
        const char *end = strchr(at, '}');
        assert_non_null(end);
        assert_true(n < 16 && end - at < 32);
        snprintf(names[n], sizeof names[n], "%.*s", (int)(end - at - 1), at + 1);
        values[n] = (struct page_value){names[n], STR(EVIL)};
        n++;
    }
    return n;
}

static size_t times(const char *text, size_t n, const char *what)
{
    size_t found = 0;
    for (const char *at = text; (at = memmem(at, n - (size_t)(at - text), what, strlen(what))); at += strlen(what))
        found++;
    return found;
}

static void every_value_of_every_template_is_escaped(void **state)
{
    (void)state;
    for (int i = 0; i < PAGE_TEMPLATES; i++) {
        struct page_value values[16];
        struct buf b = {0};
        size_t n = holes(templates[i].text, values);
        page_add_values(&b, (enum page_template)i, values, n);
        assert_true(buf_ok(&b));
        if (times(b.p, b.n, TAMED) != n || times(b.p, b.n, "<script") || !str_is_utf8(buf_str(&b), NULL))
            fail_msg("%s: %.*s", templates[i].name, (int)b.n, b.p);
        buf_free(&b);
    }
}

/* Within a tag: the hole is in an attribute, which must be quoted. */
static void every_attribute_that_has_a_hole_is_quoted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++) {
        bool in_tag = false, quoted = false;
        for (const char *p = templates[i].text; *p; p++) {
            if (*p == '<')
                in_tag = true;
            if (*p == '\'' && in_tag)
                quoted = !quoted;
            if (*p == '>' && !quoted)
                in_tag = false;
            if (*p == '{' && in_tag && !quoted)
                fail_msg("%s: a hole in a tag outside of quotes", templates[i].name);
        }
        assert_true(!quoted && !in_tag);
    }
}

static void no_page_has_a_script_a_style_or_another_sites_address(void **state)
{
    (void)state;
    static const char *const none[] = {"<script", "<style", "style=", "onclick", "onload", "javascript:", "href='http", "src=", "href='{", "action='{"};
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        for (size_t j = 0; j < sizeof none / sizeof *none; j++)
            if (strstr(templates[i].text, none[j]))
                fail_msg("%s has %s", templates[i].name, none[j]);
}

static void a_label_belongs_to_each_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        for (const char *at = templates[i].text; (at = strstr(at, " id='")); at++) {
            char label[64];
            int n = (int)strcspn(at + 5, "'");
            snprintf(label, sizeof label, "for='%.*s'", n, at + 5);
            char described[64];
            snprintf(described, sizeof described, "aria-describedby='%.*s'", n, at + 5);
            if (!strstr(templates[i].text, label) && !strstr(templates[i].text, described))
                fail_msg("%s: nothing speaks of %.*s", templates[i].name, n, at + 5);
        }
}

static void what_goes_into_a_query_is_encoded(void **state)
{
    (void)state;
    struct buf b = {0};
    page_add_encoded(&b, STR("aZ09-._~ &=%+\r\n/?#\xC3\xBC"));
    assert_true(str_eq(buf_str(&b), STR("aZ09-._~%20%26%3D%25%2B%0D%0A%2F%3F%23%C3%BC")));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_of_every_template_is_escaped),
        cmocka_unit_test(every_attribute_that_has_a_hole_is_quoted),
        cmocka_unit_test(no_page_has_a_script_a_style_or_another_sites_address),
        cmocka_unit_test(a_label_belongs_to_each_field),
        cmocka_unit_test(what_goes_into_a_query_is_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
