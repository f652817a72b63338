/* Any text as a query and as each clause: a tree or a 400 with a place. A tree holds the limits, its places lie within the text, and what it
 * prints parses to the same tree again. The first byte chooses: query, selection, expression, group, order, or parameters of a URL. */
#include <stdlib.h>

#include "base/random.h"
#include "soql/request.h"
#include "soql/soql.h"
#include "../support/soql_dump.h"

enum { PARAMETERS_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct column shape[] = {
    {.physical = 1, .type = &type_text, .field_name = {"name", 4}, .name = {"Name", 4}},
    {.physical = 2, .type = &type_number, .field_name = {"a", 1}, .name = {"A", 1}},
};
static struct columns columns = {.v = shape, .n = 2, .row_identifier = -1};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return random_init() && columns_index(&columns) ? 0 : -1;
}

static void check_node(const struct soql_node *n)
{
    if (n->depth < 1 || n->depth > SOQL_DEPTH_MAX || !n->place.source || n->place.at > n->place.end || n->place.end > n->place.source->text.n ||
        n->name_place.at > n->name_place.end || n->name_place.end > n->place.source->text.n)
        abort();
    for (size_t i = 0; i < n->n; i++) {
        if (n->args[i]->depth >= n->depth)
            abort();
        check_node(n->args[i]);
    }
}

static void check_refusal(const struct error *err)
{
    if (error_info(err->code)->status != 400 || !err->message[0] || !str_is_utf8(str_from(err->message), NULL))
        abort();
}

/* One tree, dumped. */
static bool parse(unsigned what, struct str text, struct arena *a, struct buf *dump, struct buf *print)
{
    struct soql_source *s = arena_alloc(a, sizeof *s);
    struct soql_parsing parsing = {.arena = a};
    struct soql_query *q = NULL;
    struct soql_select select = {0};
    struct soql_node *n = NULL;
    struct error err = {0};
    *s = (struct soql_source){STR("$text"), text};
    bool ok = what == 0   ? soql_parse_query(&parsing, s, &q, &err)
              : what == 1 ? soql_parse_selection(&parsing, s, &select, &err)
              : what == 2 ? soql_parse_expression(&parsing, s, &n, &err)
              : what == 3 ? soql_parse_group(&parsing, s, &select, &err)
                          : soql_parse_order(&parsing, s, &select, &err);
    if (!ok) {
        check_refusal(&err);
        return false;
    }
    if (parsing.nodes > SOQL_NODES_MAX || parsing.selects > SOQL_SELECTS_MAX)
        abort();
    if (n) {
        check_node(n);
        dump_node(n, dump);
        soql_print_expression(n, print);
    } else {
        struct soql_query alone = {.kind = QUERY_SELECT, .select = &select};
        dump_query(q ? q : &alone, dump);
        soql_print_query(q ? q : &alone, print);
    }
    return true;
}

/* Text printed is longer than text written, by what printing adds: past the limit it cannot be parsed again. */
static void check_text(unsigned what, struct str text)
{
    struct arena a = {0};
    struct buf dump = {0}, print = {0}, again = {0}, unused = {0};
    if (parse(what, text, &a, &dump, &print) && print.n <= SOQL_TEXT_MAX) {
        unsigned printed = what == 2 ? 2 : 0; /* clauses print as a query */
        if (!parse(printed, buf_str(&print), &a, &again, &unused) || !str_eq(buf_str(&dump), buf_str(&again)))
            abort();
    }
    buf_free(&dump);
    buf_free(&print);
    buf_free(&again);
    buf_free(&unused);
    arena_free(&a);
}

static void check_parameters(struct str text)
{
    struct soql_parameter parameters[PARAMETERS_MAX];
    size_t n = 0;
    for (struct str rest = text, piece; rest.n && n < PARAMETERS_MAX; n++) {
        str_cut(rest, '&', &piece, &rest);
        if (!str_cut(piece, '=', &parameters[n].name, &parameters[n].value))
            parameters[n].value = STR("");
    }
    struct arena a = {0};
    struct soql_parsing parsing = {.arena = &a};
    struct soql_query *q = NULL;
    struct error err = {0};
    struct buf print = {0};
    if (!soql_request_query(parameters, n, &columns, &parsing, &q, &err))
        check_refusal(&err);
    else if (q->kind == QUERY_SET || !(q->kind == QUERY_SELECT ? q : q->right)->select->has_limit)
        abort();
    else
        soql_print_query(q, &print);
    buf_free(&print);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct str text = str_make((const char *)data + 1, size - 1);
    if (data[0] % 6 == 5)
        check_parameters(text);
    else
        check_text(data[0] % 6, text);
    return 0;
}
