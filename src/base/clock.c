/* Time (clock.h). The civil calendar is computed with eras of 400 years, as in Howard Hinnant's public description
 * ("chrono-Compatible Low-Level Date Algorithms"): exact for any year, no tables. */
#include "base/clock.h"

#include <time.h>

uint64_t clock_mono_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

int64_t clock_wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum { DAYS_PER_ERA = 146097, DAYS_TO_EPOCH = 719468 }; /* from 0000-03-01 to 1970-01-01 */

int64_t clock_days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

void clock_civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    days += DAYS_TO_EPOCH;
    int64_t era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    unsigned day_of_era = (unsigned)(days - era * DAYS_PER_ERA);
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    *ret_day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *ret_month = shifted < 10 ? shifted + 3 : shifted - 9;
    *ret_year = (int64_t)year_of_era + era * 400 + (*ret_month <= 2);
}

static const char days_of_week[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void clock_add_http_date(struct buf *b, int64_t wall_ms)
{
    int64_t s = wall_ms / 1000 - (wall_ms % 1000 < 0);
    int64_t days = s / 86400 - (s % 86400 < 0);
    unsigned rest = (unsigned)(s - days * 86400);
    int64_t year;
    unsigned month, day;
    clock_civil_from_days(days, &year, &month, &day);
    buf_printf(b, "%s, %02u %s %04lld %02u:%02u:%02u GMT", days_of_week[((days % 7) + 7) % 7], day, months[month - 1],
               (long long)year, rest / 3600, rest / 60 % 60, rest % 60);
}

static bool two_digits(struct str s, size_t at, unsigned *ret)
{
    uint64_t v;
    if (!str_to_u64(str_make(s.p + at, 2), &v))
        return false;
    *ret = (unsigned)v;
    return true;
}

/* IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT" */
bool clock_parse_http_date(struct str s, int64_t *ret_seconds)
{
    unsigned day, hour, minute, second, month = 0;
    uint64_t year;
    if (s.n != 29 || memcmp(s.p + 3, ", ", 2) != 0 || !str_ends(s, STR(" GMT")))
        return false;
    for (unsigned i = 0; i < 12; i++)
        if (memcmp(s.p + 8, months[i], 3) == 0)
            month = i + 1;
    if (!month || !two_digits(s, 5, &day) || !str_to_u64(str_make(s.p + 12, 4), &year) || !two_digits(s, 17, &hour) ||
        !two_digits(s, 20, &minute) || !two_digits(s, 23, &second) || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    *ret_seconds = clock_days_from_civil((int64_t)year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}
