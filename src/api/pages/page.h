/* The few pages that people see: logging in, deciding, their applications. Plain HTML made here, no script, one style sheet.
 *
 * A page is pieces of templates.def put together in a buffer and sent by page_reply(). Values go in through page_add() alone, which
 * escapes them all: nothing that a user, an application or a dataset is called can become markup. */
#ifndef SELTZER_API_PAGES_PAGE_H
#define SELTZER_API_PAGES_PAGE_H

#include "api/api.h"

enum page_template {
#define X(name, ...) PAGE_##name,
#include "api/pages/templates.def"
#undef X
    PAGE_TEMPLATES
};

struct page_value {
    const char *name;
    struct str value;
};
/* A value for each hole of the template; more than it has is fine. */
void page_add_values(struct buf *b, enum page_template which, const struct page_value *values, size_t n);
#define PAGE_ADD(b, which, ...) \
    page_add_values(b, PAGE_##which, (const struct page_value[]){__VA_ARGS__}, sizeof((const struct page_value[]){__VA_ARGS__}) / sizeof(struct page_value))

/* Sends the page of that title. form_also: beside this site, where its forms may lead in the end, as a CSP source; or NULL. Frees the
 * buffer. */
void page_reply(struct call *c, int status, const char *title, struct buf *body, const char *form_also);
/* A page that says what is wrong, with the error's status. */
void page_reply_error(struct call *c, const char *title, const struct error *err);
/* 302 after a read, 303 after a form (RFC 9700 section 4.12). */
void page_redirect(struct call *c, struct str location);
/* Percent-encoded for a query. */
void page_add_encoded(struct buf *b, struct str value);

#endif
