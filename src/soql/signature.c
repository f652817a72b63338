/* Reading signatures (signature.h). */
#include "soql/signature.h"

/* The variable of that letter; a class before it introduces it. -1: not a variable, or one that nobody introduced. */
static int find_variable(struct signature *s, struct str class, struct str name, char letters[SIGNATURE_VARIABLES_MAX])
{
    if (name.n != 1)
        return -1;
    for (size_t i = 0; i < s->n_variables; i++)
        if (letters[i] == name.p[0])
            return class.n ? -1 : (int)i;
    soql_kinds set = class.n ? kind_class(class) : 0;
    if (!set || s->n_variables == SIGNATURE_VARIABLES_MAX)
        return -1;
    letters[s->n_variables] = name.p[0];
    s->classes[s->n_variables] = set;
    return (int)s->n_variables++;
}

/* slot = [class] letter | type */
static bool read_slot(struct signature *s, struct str text, char letters[SIGNATURE_VARIABLES_MAX], struct signature_slot *ret)
{
    struct str class, name;
    if (!str_cut(text, ' ', &class, &name)) {
        name = text;
        class = STR_NONE;
    }
    *ret = (struct signature_slot){.variable = find_variable(s, class, name, letters), .kind = KIND_COUNT};
    if (ret->variable < 0 && !class.n)
        ret->kind = kind_find(name);
    return ret->variable >= 0 || ret->kind < KIND_COUNT;
}

static bool read_result(struct signature *s, struct str text, char letters[SIGNATURE_VARIABLES_MAX])
{
    bool is_multi = str_starts(text, STR("multi ")) && text.n == 7;
    if (!read_slot(s, is_multi ? str_skip(text, 6) : text, letters, &s->result))
        return false;
    s->result.is_multi = is_multi;
    return true;
}

bool signature_read(const struct soql_function *f, struct signature *ret)
{
    char letters[SIGNATURE_VARIABLES_MAX];
    *ret = (struct signature){0};
    for (struct str rest = str_from(f->arguments), piece; rest.n;) {
        str_cut(rest, ',', &piece, &rest);
        piece = str_trim(piece);
        if (ret->n == SIGNATURE_ARGUMENTS_MAX || ret->repeats)
            return false;
        ret->repeats = str_ends(piece, STR("..."));
        if (ret->repeats)
            piece.n -= 3;
        if (!read_slot(ret, piece, letters, &ret->arguments[ret->n++]))
            return false;
    }
    return read_result(ret, str_from(f->result), letters);
}

bool signature_takes(const struct signature *s, size_t n_arguments)
{
    return s->repeats ? n_arguments + 1 >= s->n : n_arguments == s->n;
}

const struct signature_slot *signature_argument(const struct signature *s, size_t at)
{
    return &s->arguments[at < s->n ? at : s->n - 1];
}

enum soql_kind signature_slot_kind(const struct signature_slot *slot, const enum soql_kind variables[SIGNATURE_VARIABLES_MAX])
{
    enum soql_kind k = slot->variable >= 0 ? variables[slot->variable] : slot->kind;
    return slot->is_multi ? kind_multi(k) : k;
}
