/* A request as it goes through the socket: one JSON object,
 * {"command":"user","verb":"add","words":["jane"],"options":{"role":"editor"},"secret":"…"}. */
#include "base/json.h"
#include "cli/verb.h"

void verb_request_write(const struct verb_request *r, struct buf *out)
{
    buf_add_z(out, "{\"command\":");
    buf_add_json(out, r->command);
    buf_add_z(out, ",\"verb\":");
    buf_add_json(out, r->verb);
    buf_add_z(out, ",\"words\":[");
    for (size_t i = 0; i < r->n_words; i++) {
        buf_add_z(out, i ? "," : "");
        buf_add_json(out, r->words[i]);
    }
    buf_add_z(out, "],\"options\":{");
    for (size_t i = 0; i < r->n_options; i++) {
        buf_add_z(out, i ? "," : "");
        buf_add_json(out, r->options[i].name);
        buf_add_byte(out, ':');
        buf_add_json(out, r->options[i].value);
    }
    buf_add_z(out, "},\"secret\":");
    buf_add_json(out, r->secret);
    buf_add_byte(out, '}');
}

static bool read_words(const struct json *list, struct verb_request *r)
{
    if (!list || list->kind != JSON_ARRAY || list->n > VERB_WORDS_MAX)
        return false;
    for (const struct json *m = list->first; m; m = m->next) {
        if (m->kind != JSON_STRING)
            return false;
        r->words[r->n_words++] = m->text;
    }
    return true;
}

static bool read_options(const struct json *object, struct verb_request *r)
{
    if (!object || object->kind != JSON_OBJECT || object->n > VERB_OPTIONS_MAX)
        return false;
    for (const struct json *m = object->first; m; m = m->next) {
        if (m->kind != JSON_STRING)
            return false;
        r->options[r->n_options++] = (struct verb_option){m->key, m->text};
    }
    return true;
}

bool verb_request_read(struct arena *a, struct str text, struct verb_request *ret, struct error *err)
{
    struct json *v;
    if (!json_parse(a, text, &v, err))
        return false;
    struct verb_request r = {
        .command = json_get_str(v, STR("command")),
        .verb = json_get_str(v, STR("verb")),
        .secret = json_get_str(v, STR("secret")),
    };
    if (!r.command.n || !r.verb.n || !read_words(json_get(v, STR("words")), &r) || !read_options(json_get(v, STR("options")), &r))
        return error_set(err, ERROR_BAD_REQUEST, "a request on this socket is {\"command\":…,\"verb\":…,\"words\":[…],\"options\":{…},\"secret\":…}");
    *ret = r;
    return true;
}
