/* Text out of JSON strings: escapes, surrogate pairs, UTF-8 (RFC 8259, section 7). The slow way: strings of plain ASCII never
 * come here. */
#include "base/json_parser.h"

static int hex4(const char *p)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        int c = (unsigned char)p[i], low = c | 0x20;
        int digit = json_is_digit((char)c) ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

static size_t put_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* \uXXXX at p (after the u), with its second half when it is a surrogate. 0 bytes read: refused. */
static size_t read_unicode_escape(struct json_parser *j, const char *p, const char *end, uint64_t at, unsigned *ret, struct error *err)
{
    int c = end - p >= 4 ? hex4(p) : -1;
    if (c < 0) {
        json_refuse(j, at, err, "\\u takes four hexadecimal digits");
        return 0;
    }
    *ret = (unsigned)c;
    if (c < 0xd800 || c > 0xdfff)
        return 4;
    int low = c < 0xdc00 && end - p >= 10 && p[4] == '\\' && p[5] == 'u' ? hex4(p + 6) : -1;
    if (low < 0xdc00 || low > 0xdfff) {
        json_refuse(j, at, err, "\\u%04x is half a surrogate pair and no character", (unsigned)c);
        return 0;
    }
    *ret = 0x10000 + (((unsigned)c - 0xd800) << 10) + ((unsigned)low - 0xdc00);
    return 10;
}

static bool check_utf8(struct json_parser *j, struct str s, uint64_t at, struct error *err)
{
    size_t bad;
    if (str_is_utf8(s, &bad))
        return true;
    return json_refuse(j, at + bad, err, "byte 0x%02x at byte %llu is not UTF-8", (unsigned char)s.p[bad], (unsigned long long)(at + bad));
}

bool json_unescape(struct json_parser *j, struct str raw, uint64_t at, struct str *ret, struct error *err)
{
    const char *p = raw.p, *end = raw.p + raw.n;
    if (!raw.n || !memchr(raw.p, '\\', raw.n)) {
        *ret = raw;
        return check_utf8(j, raw, at, err);
    }
    buf_reset(&j->text);
    char *room = buf_room(&j->text, raw.n); /* an escape is never shorter than what it stands for */
    if (!room)
        return error_no_memory(err);
    char *to = room;
    while (p < end) {
        const char *stop = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((stop ? stop : end) - p);
        if (!check_utf8(j, str_make(p, plain), at + (uint64_t)(p - raw.p), err))
            return false;
        memcpy(to, p, plain);
        to += plain;
        if (!stop)
            break;
        p = stop + 1;
        static const char from[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
        uint64_t escape_at = at + (uint64_t)(stop - raw.p);
        char c = p < end ? *p++ : 0;
        const char *known = c ? strchr(from, c) : NULL;
        if (known) {
            *to++ = means[known - from];
        } else if (c == 'u') {
            unsigned code;
            size_t used = read_unicode_escape(j, p, end, escape_at, &code, err);
            if (!used)
                return false;
            to += put_utf8(to, code);
            p += used;
        } else {
            char shown[16];
            json_show_byte((unsigned char)c, shown);
            return json_refuse(j, escape_at, err, "a backslash takes one of \" \\ / b f n r t u, found %s", shown);
        }
    }
    *ret = str_make(room, (size_t)(to - room));
    return true;
}
