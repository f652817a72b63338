/* The type location: a place on the globe, an address, or both (docs/wire/geometry.md, "location").
 *
 * In: the object {latitude, longitude, human_address}, and text: an address, then "(latitude, longitude)". Kept as the
 * compact object with the latitude and longitude as the texts that were given, and the address as the JSON text that
 * clients know: {"address":…,"city":…,"state":…,"zip":…}. So a reply is the stored text. */
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "rows/ordinate.h"
#include "rows/type.h"

/* The parts, empty where there is none. human_address is the text of an object, not quoted. */
struct location {
    struct str latitude, longitude, human_address;
};

struct address {
    struct str address, city, state, zip;
};

enum status { LOCATION_OK, LOCATION_REFUSED, LOCATION_NO_MEMORY };

static enum status refuse(struct type_refusal *why, const char *hint)
{
    snprintf(why->hint, sizeof why->hint, "%s", hint);
    return LOCATION_REFUSED;
}

/* A whole number or fraction of degrees, finite. */
static bool is_degrees(struct str s, double *ret)
{
    return s.n != 0 && ordinate_read(s, ret) == s.n && isfinite(*ret);
}

/* ── addresses as text ── */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* 60601 or 60601-1234 */
static bool is_zip(struct str s)
{
    if (s.n != 5 && s.n != 10)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (i == 5 ? s.p[i] != '-' : !is_digit(s.p[i]))
            return false;
    }
    return true;
}

static bool is_state(struct str s)
{
    return s.n == 2 && is_letter(s.p[0]) && is_letter(s.p[1]);
}

/* Cut at the last `part`; all of it is the tail when there is none. */
static void cut_last(struct str s, char part, struct str *ret_head, struct str *ret_tail)
{
    size_t at = s.n;
    while (at > 0 && s.p[at - 1] != part)
        at--;
    struct str tail = str_trim(str_skip(s, at));
    *ret_head = at ? str_trim(str_head(s, at - 1)) : STR_NONE;
    *ret_tail = tail;
}

/* Takes the last word off *s when `is` holds for it. *ret_apart: a comma, or nothing at all, stands before it. */
static bool take_last(struct str *s, bool (*is)(struct str), struct str *ret, bool *ret_apart)
{
    size_t at = s->n;
    while (at > 0 && s->p[at - 1] != ' ' && s->p[at - 1] != '\t' && s->p[at - 1] != ',')
        at--;
    if (!is(str_skip(*s, at)))
        return false;
    *ret = str_skip(*s, at);
    *s = str_trim(str_head(*s, at));
    *ret_apart = s->n == 0 || s->p[s->n - 1] == ',';
    if (s->n && *ret_apart)
        *s = str_trim(str_head(*s, s->n - 1));
    return true;
}

/* The end of an address: [state] [zip]. "12 Main St" ends in no state and "Route 60601" in no ZIP code, so the first must
 * stand apart or before a ZIP code, and the second apart or after a state. */
static void take_state_and_zip(struct str *s, struct address *ret)
{
    struct str rest = *s, zip = STR_NONE, state = STR_NONE;
    bool zip_apart = true, state_apart = false;
    bool has_zip = take_last(&rest, is_zip, &zip, &zip_apart);
    struct str before_zip = rest;
    bool has_state = take_last(&rest, is_state, &state, &state_apart) && (state_apart || (has_zip && !zip_apart));
    if (!has_state && !zip_apart)
        return;
    *s = has_state ? rest : before_zip;
    ret->zip = zip;
    ret->state = has_state ? state : STR_NONE;
}

/* [address ","] [city ","] [state ","] [zip], read from the back, which is regular. A state that is spelled out can only be
 * told from a city by its place. */
static void read_line(struct str s, struct address *ret)
{
    struct str head, tail;
    take_state_and_zip(&s, ret);
    cut_last(s, ',', &head, &tail);
    if (!ret->state.n && ret->zip.n && head.n && memchr(head.p, ',', head.n)) {
        ret->state = tail;
        cut_last(head, ',', &head, &tail);
    }
    bool is_street = head.n == 0 && ((tail.n && is_digit(tail.p[0])) || (!ret->state.n && !ret->zip.n));
    ret->address = is_street ? tail : head;
    ret->city = is_street ? STR_NONE : tail;
}

/* city ["," state [zip]], the second line of our own CSV */
static void read_city_line(struct str s, struct address *ret)
{
    bool apart;
    cut_last(s, ',', &ret->city, &ret->state);
    if (ret->city.n == 0) {
        ret->state = STR_NONE;
        take_state_and_zip(&s, ret);
        ret->city = s;
        return;
    }
    take_last(&ret->state, is_zip, &ret->zip, &apart);
}

static void read_address(struct str s, struct address *ret)
{
    struct str first, last;
    *ret = (struct address){0};
    cut_last(s, '\n', &first, &last);
    if (first.n == 0) {
        read_line(last, ret);
        return;
    }
    read_city_line(last, ret);
    ret->address = first;
}

static void add_member(struct buf *b, const char *before, struct str value)
{
    buf_add_z(b, before);
    buf_add_json(b, value);
}

static void write_address(const struct address *a, struct buf *out)
{
    add_member(out, "{\"address\":", a->address);
    add_member(out, ",\"city\":", a->city);
    add_member(out, ",\"state\":", a->state);
    add_member(out, ",\"zip\":", a->zip);
    buf_add_byte(out, '}');
}

/* text = [address] "(" latitude "," longitude ")" | address with a state or a ZIP code */
static enum status read_text(struct str text, struct location *ret, struct buf *scratch, struct type_refusal *why)
{
    struct str head = text;
    double v;
    if (text.p[text.n - 1] == ')') {
        size_t at = text.n;
        while (at > 0 && text.p[at - 1] != '(')
            at--;
        if (at == 0)
            return refuse(why, "a parenthesis is not opened");
        head = str_trim(str_head(text, at - 1));
        struct str inside = str_make(text.p + at, text.n - at - 1), latitude, longitude;
        if (!str_cut(inside, ',', &latitude, &longitude))
            return refuse(why, "the parentheses hold latitude and longitude, with a comma between");
        ret->latitude = str_trim(latitude);
        ret->longitude = str_trim(longitude);
        if (!is_degrees(ret->latitude, &v) || !is_degrees(ret->longitude, &v))
            return refuse(why, "the parentheses hold latitude and longitude, two numbers of degrees");
        if (head.n && head.p[head.n - 1] == ',')
            head = str_trim(str_head(head, head.n - 1));
    }
    if (head.n == 0)
        return LOCATION_OK;
    struct address a;
    read_address(head, &a);
    if (!ret->latitude.n && !a.zip.n && !a.state.n)
        return refuse(why, "text without (latitude, longitude) must end with a state or ZIP code");
    write_address(&a, scratch);
    ret->human_address = buf_str(scratch);
    return LOCATION_OK;
}

/* ── the object ── */

static enum status read_degrees(const struct json *v, struct str *ret, struct type_refusal *why)
{
    double d;
    if (!v || v->kind == JSON_NULL)
        return LOCATION_OK;
    struct str s = str_trim(v->text);
    if (v->kind == JSON_STRING && s.n == 0)
        return LOCATION_OK;
    if ((v->kind != JSON_STRING && v->kind != JSON_NUMBER) || !is_degrees(s, &d))
        return refuse(why, "latitude and longitude are numbers of degrees, or such numbers as strings");
    *ret = s;
    return LOCATION_OK;
}

static enum status read_human_address(const struct json *v, struct str *ret, struct buf *scratch, struct type_refusal *why)
{
    if (!v || v->kind == JSON_NULL)
        return LOCATION_OK;
    if (v->kind == JSON_STRING) {
        *ret = v->text;
        return LOCATION_OK;
    }
    if (v->kind != JSON_OBJECT)
        return refuse(why, "human_address is an object with address, city, state and zip, or such an object as a string");
    json_write(v, scratch);
    *ret = buf_str(scratch);
    return LOCATION_OK;
}

static enum status read_object(const struct json *o, struct location *ret, struct buf *scratch, struct type_refusal *why)
{
    const struct json *latitude = json_get(o, STR("latitude")), *longitude = json_get(o, STR("longitude"));
    const struct json *address = json_get(o, STR("human_address"));
    if (!latitude && !longitude && !address)
        return refuse(why, "the object has none of latitude, longitude and human_address");
    enum status s = read_degrees(latitude, &ret->latitude, why);
    if (s == LOCATION_OK)
        s = read_degrees(longitude, &ret->longitude, why);
    if (s == LOCATION_OK)
        s = read_human_address(address, &ret->human_address, scratch, why);
    return s;
}

/* ── the stored text ── */

static enum status store(const struct location *l, struct type_context *ctx, struct cell *ret)
{
    struct buf b = {0};
    double degrees;
    const struct {
        const char *key;
        struct str value;
    } members[] = {{"\"latitude\":", l->latitude}, {"\"longitude\":", l->longitude}, {"\"human_address\":", l->human_address}};
    buf_add_byte(&b, '{');
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (members[i].value.n == 0)
            continue;
        if (b.n > 1)
            buf_add_byte(&b, ',');
        add_member(&b, members[i].key, members[i].value);
    }
    buf_add_byte(&b, '}');
    struct str copy = buf_ok(&b) ? arena_str(ctx->arena, buf_str(&b)) : STR_NONE;
    buf_free(&b);
    if (!copy.p)
        return LOCATION_NO_MEMORY;
    if ((is_degrees(l->latitude, &degrees) && fabs(degrees) > 90) || (is_degrees(l->longitude, &degrees) && fabs(degrees) > 180))
        ctx->degrees_out_of_range++;
    *ret = copy.n == 2 ? cell_null() : cell_text(copy); /* an object of nulls is null */
    return LOCATION_OK;
}

static enum status parse_json(struct str text, struct type_context *ctx, struct cell *ret, struct type_refusal *why)
{
    struct arena tree = {0};
    struct buf scratch = {0};
    struct location l = {0};
    struct error err = {0};
    struct json *o;
    enum status s;
    if (json_parse(&tree, text, &o, &err))
        s = read_object(o, &l, &scratch, why);
    else if (err.code == ERROR_OUT_OF_MEMORY)
        s = LOCATION_NO_MEMORY;
    else
        s = refuse(why, "text that begins with { must be a JSON object");
    if (s == LOCATION_OK)
        s = buf_ok(&scratch) ? store(&l, ctx, ret) : LOCATION_NO_MEMORY;
    buf_free(&scratch);
    arena_free(&tree);
    return s;
}

static enum status parse_text(struct str text, struct type_context *ctx, struct cell *ret, struct type_refusal *why)
{
    struct buf scratch = {0};
    struct location l = {0};
    enum status s = read_text(text, &l, &scratch, why);
    if (s == LOCATION_OK)
        s = buf_ok(&scratch) ? store(&l, ctx, ret) : LOCATION_NO_MEMORY;
    buf_free(&scratch);
    return s;
}

static bool location_parse(const struct type *t, const struct raw *raw, struct type_context *ctx, struct cell *ret,
                           struct type_refusal *why)
{
    (void)t;
    enum status s;
    struct str text = str_trim(raw->text);
    why->hint[0] = 0;
    if (raw->kind == RAW_STRING && text.n == 0) {
        *ret = cell_null();
        return true;
    }
    if (raw->kind == RAW_OBJECT || (raw->kind == RAW_STRING && text.p[0] == '{'))
        s = parse_json(text, ctx, ret, why);
    else if (raw->kind == RAW_STRING)
        s = parse_text(text, ctx, ret, why);
    else
        s = refuse(why, "send an object or a string");
    if (s == LOCATION_REFUSED)
        snprintf(why->expected, sizeof why->expected, "%s",
                 "an object {\"latitude\": 41.9, \"longitude\": -87.6, \"human_address\": {…}} or text like"
                 " \"1 Main St, Chicago, IL 60601 (41.9, -87.6)\"");
    else if (s == LOCATION_NO_MEMORY)
        why->expected[0] = why->hint[0] = 0;
    return s == LOCATION_OK;
}

/* ── writing ── */

/* What is no JSON is shown as it is; but without memory nobody knows, and the reply must fail. */
static bool read_stored(struct arena *a, struct str text, struct json **ret, struct buf *out)
{
    struct error err = {0};
    bool ok = json_parse(a, text, ret, &err);
    out->failed |= !ok && err.code == ERROR_OUT_OF_MEMORY;
    return ok;
}

/* With $$version=2.0 the address is an object; one that is no JSON object stays the text that it is. */
static void write_with_object(const struct json *stored, struct arena *a, struct buf *out)
{
    struct json *address;
    buf_add_byte(out, '{');
    for (const struct json *m = stored->first; m; m = m->next) {
        if (m != stored->first)
            buf_add_byte(out, ',');
        buf_add_json(out, m->key);
        buf_add_byte(out, ':');
        if (str_eq(m->key, STR("human_address")) && read_stored(a, m->text, &address, out) && address->kind == JSON_OBJECT)
            json_write(address, out);
        else
            json_write(m, out);
    }
    buf_add_byte(out, '}');
}

static void location_write_json(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)t;
    struct arena tree = {0};
    struct json *stored;
    if (r && r->version_2 && read_stored(&tree, c->s, &stored, out))
        write_with_object(stored, &tree, out);
    else
        buf_add_str(out, c->s);
    arena_free(&tree);
}

static void add_separated(struct buf *out, const char *separator, struct str s)
{
    if (s.n == 0)
        return;
    buf_add_z(out, separator);
    buf_add_str(out, s);
}

/* The address, "city, state zip" and "(lat, long)", a line each, whichever there are. */
struct lines {
    struct buf *out;
    bool any;
};

static void begin_line(struct lines *l)
{
    if (l->any)
        buf_add_byte(l->out, '\n');
    l->any = true;
}

static void write_address_lines(const struct json *address, struct lines *l)
{
    struct str street = json_get_str(address, STR("address")), city = json_get_str(address, STR("city"));
    struct str state = json_get_str(address, STR("state")), zip = json_get_str(address, STR("zip"));
    if (street.n) {
        begin_line(l);
        buf_add_str(l->out, street);
    }
    if (city.n || state.n || zip.n) {
        begin_line(l);
        buf_add_str(l->out, city);
        add_separated(l->out, city.n ? ", " : "", state);
        add_separated(l->out, state.n ? " " : city.n ? ", " : "", zip);
    }
}

static void write_lines(const struct json *stored, struct arena *a, struct lines *l)
{
    struct str latitude = json_get_str(stored, STR("latitude")), longitude = json_get_str(stored, STR("longitude"));
    struct str human = json_get_str(stored, STR("human_address"));
    struct json *address;
    if (human.n && read_stored(a, human, &address, l->out) && address->kind == JSON_OBJECT) {
        write_address_lines(address, l);
    } else if (human.n) {
        begin_line(l);
        buf_add_str(l->out, human);
    }
    if (latitude.n && longitude.n) {
        begin_line(l);
        buf_printf(l->out, "(" FMT_STR ", " FMT_STR ")", ARG_STR(latitude), ARG_STR(longitude));
    }
}

static void location_write_csv(const struct type *t, const struct cell *c, const struct type_render *r, struct buf *out)
{
    (void)t, (void)r;
    struct arena tree = {0};
    struct json *stored;
    if (read_stored(&tree, c->s, &stored, out))
        write_lines(stored, &tree, &(struct lines){.out = out});
    else
        buf_add_str(out, c->s);
    arena_free(&tree);
}

static int location_compare(const struct cell *a, const struct cell *b)
{
    return str_cmp(a->s, b->s);
}

const struct type type_location = {
    .id = TYPE_LOCATION,
    .storage = STORAGE_TEXT,
    .soql_name = "location",
    .view_name = "location",
    .parse = location_parse,
    .write_json = location_write_json,
    .write_csv = location_write_csv,
    .compare = location_compare,
};
