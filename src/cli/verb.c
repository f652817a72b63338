/* The table of verbs (verb.h). */
#include "cli/verb.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct verb verbs[] = {
#define X(command, name, words, words_min, words_max, secret, with_store, function, summary) \
    {command, name, words, words_min, words_max, secret, with_store, verb_##function, summary},
#include "cli/verbs.def"
#undef X
};
enum { VERBS = sizeof verbs / sizeof *verbs };

const struct verb *verb_find(struct str command, struct str name)
{
    for (size_t i = 0; i < VERBS; i++)
        if (str_eq(command, str_from(verbs[i].command)) && str_eq(name, str_from(verbs[i].name)))
            return &verbs[i];
    return NULL;
}

void verb_add_help(const char *command, struct buf *out)
{
    for (size_t i = 0; i < VERBS; i++)
        if (strcmp(verbs[i].command, command) == 0) {
            char head[128];
            snprintf(head, sizeof head, "seltzer %s %s %s", command, verbs[i].name, verbs[i].words);
            buf_printf(out, "  %-34s %s\n", head, verbs[i].summary);
        }
}

bool verb_run(struct verb_call *c, struct error *err)
{
    const struct verb_request *r = c->request;
    const struct verb *v = verb_find(r->command, r->verb);
    if (!v)
        return error_set(err, ERROR_BAD_REQUEST, "there is no \"" FMT_STR " " FMT_STR "\" here: the server is of another version than the command", ARG_STR(r->command), ARG_STR(r->verb));
    if (r->n_words < v->words_min || r->n_words > v->words_max)
        return error_set(err, ERROR_BAD_REQUEST, "%s %s takes %s", v->command, v->name, *v->words ? v->words : "no further words");
    return v->run(c, err);
}

bool verb_user(struct verb_call *c, struct str name, struct user *ret, struct error *err)
{
    bool found;
    return catalog_user_by_name(c->house->catalog, name, ret, &found, err) &&
           (found || error_set(err, ERROR_NOT_FOUND, "there is no user \"" FMT_STR "\"", ARG_STR(str_head_utf8(name, 200))));
}

struct str verb_option(const struct verb_call *c, const char *name)
{
    for (size_t i = 0; i < c->request->n_options; i++)
        if (str_eq(c->request->options[i].name, str_from(name)))
            return c->request->options[i].value;
    return STR_NONE;
}

bool verb_print(struct verb_call *c, struct error *err, const char *fmt, ...)
{
    va_list args;
    char *text;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        return error_no_memory(err);
    bool ok = c->write(c->ctx, str_make(text, (size_t)n)) || error_set(err, ERROR_STORE_UNAVAILABLE, "what was asked for cannot be written: nobody reads it any more");
    free(text);
    return ok;
}
