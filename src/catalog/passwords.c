/* Which passwords are taken (docs/wire/authentication.md, "Passwords"): what is long enough and not the first thing that is tried.
 * No rule asks for digits or signs: those make passwords that people write down and programs guess (NIST SP 800-63B section 3.1.1.2). */
#include "catalog/internal.h"

/* Lines of the file follow each other without anything between them. */
static const char common[] =
#include "catalog/common_passwords.def"
    ;

enum { COMMON_BYTES_MAX = 64 }; /* no word of the list is as long */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_common(struct str password)
{
    char word[COMMON_BYTES_MAX + 2] = " ";
    if (password.n > COMMON_BYTES_MAX || memchr(password.p, ' ', password.n))
        return false;
    for (size_t i = 0; i < password.n; i++)
        word[1 + i] = lower(password.p[i]);
    word[1 + password.n] = ' ';
    return memmem(common, sizeof common - 1, word, password.n + 2) != NULL;
}

/* aaaaaaaa, 23456789, zyxwvuts: each byte as far from the one before. */
static bool is_row(struct str password)
{
    int step = password.p[1] - password.p[0];
    if (step < -1 || step > 1)
        return false;
    for (size_t i = 2; i < password.n; i++)
        if (password.p[i] - password.p[i - 1] != step)
            return false;
    return true;
}

/* The log-in name, or what stands before its '@'. */
static bool is_name(struct str folded_password, struct str folded_name)
{
    struct str local, domain;
    str_cut(folded_name, '@', &local, &domain);
    return str_eq(folded_password, folded_name) || str_eq(folded_password, local);
}

bool password_check(struct arena *a, struct str password, struct str folded_name, struct error *err)
{
    struct str folded;
    if (memchr(password.p, 0, password.n))
        return error_set(err, ERROR_BAD_REQUEST, "a password must not hold U+0000");
    if (password.n < PASSWORD_BYTES_MIN || password.n > PASSWORD_BYTES_MAX)
        return error_set(err, ERROR_BAD_REQUEST, "the password has %zu bytes; %d to %d are taken, 15 or more are advised", password.n, PASSWORD_BYTES_MIN, PASSWORD_BYTES_MAX);
    if (!text_fold(a, password, &folded, err))
        return false;
    bool named = is_name(folded, folded_name);
    secret_wipe((char *)(uintptr_t)folded.p, folded.n);
    if (named)
        return error_set(err, ERROR_BAD_REQUEST, "the password is the user's name: choose another");
    if (is_common(password) || is_row(password))
        return error_set(err, ERROR_BAD_REQUEST, "the password is one of the most common, which are tried before all others: choose another; some words that have nothing to do with each other are good");
    return true;
}
