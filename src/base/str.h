/* A borrowed piece of text: pointer and length, passed by value, never NUL-terminated by contract.
 * Who owns the bytes is said by whoever hands one out. Everything here is ASCII-only where case matters:
 * field names fold as ASCII; Unicode folding is done where names are made (catalog). */
#ifndef SELTZER_BASE_STR_H
#define SELTZER_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define must_use __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_NONE ((struct str){0, 0})
/* printf("%.*s"): FMT_STR in the format, ARG_STR(s) among the arguments. */
#define FMT_STR "%.*s"
#define ARG_STR(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_make(const char *p, size_t n)
{
    return (struct str){p, n};
}
static inline struct str str_from(const char *z) /* NULL gives the empty text */
{
    return (struct str){z, z ? strlen(z) : 0};
}
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline struct str str_skip(struct str s, size_t n) /* without the first n bytes */
{
    size_t skipped = n < s.n ? n : s.n;
    return (struct str){skipped ? s.p + skipped : s.p, s.n - skipped}; /* NULL + 0 is undefined */
}
static inline struct str str_head(struct str s, size_t n) /* at most the first n bytes */
{
    return (struct str){s.p, n < s.n ? n : s.n};
}
int str_cmp(struct str a, struct str b);          /* by bytes, shorter first when one is a prefix */
bool str_eq_fold(struct str a, struct str b);     /* ASCII case ignored */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_find_byte(struct str s, char c, size_t *ret_at);
struct str str_trim(struct str s);                /* without ASCII blanks (space, \t, \r, \n) at both ends */
bool str_to_u64(struct str s, uint64_t *ret);     /* digits only, no sign, no blanks; false on overflow */
bool str_to_bool(struct str s, bool *ret);        /* true/false, any case */
/* Cut before `part` (one byte): "a=b" → "a", rest "b". False when there is none; *ret_head is then all of s. */
bool str_cut(struct str s, char part, struct str *ret_head, struct str *ret_rest);
bool str_is_utf8(struct str s, size_t *ret_bad_at); /* strict: no surrogates, no overlong forms (RFC 3629) */
/* At most n bytes, cut back to a character boundary. */
struct str str_head_utf8(struct str s, size_t n);
char *str_dup_z(struct str s); /* malloc'ed, NUL-terminated; NULL when out of memory */

#endif
