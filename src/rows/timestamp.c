/* Dates and times (timestamp.h). Canonical ISO and US texts, which nearly all are, are read at fixed positions; what those
 * two readers do not know goes to a scanner over the whole grammar, which also finds the words for a refusal. So the
 * short ways need only be right about what they accept; a test compares them with the long one. */
#include "rows/timestamp.h"

#include "base/clock.h"
#include "rows/scalar.h"

enum {
    MS_PER_SECOND = 1000,
    MS_PER_MINUTE = 60 * MS_PER_SECOND,
    MS_PER_HOUR = 60 * MS_PER_MINUTE,
    MS_PER_DAY = 24 * MS_PER_HOUR
};

static const unsigned char month_days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool date_exists(unsigned year, unsigned month, unsigned day)
{
    return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
           day <= (unsigned)month_days[month] + (month == 2 && is_leap(year));
}

static unsigned digit(char c)
{
    return (unsigned char)(c - '0');
}

/* The number of two digits at p; *bad becomes non-zero when they are not digits. */
static unsigned two(const char *p, unsigned *bad)
{
    unsigned tens = digit(p[0]), ones = digit(p[1]);
    *bad |= (tens > 9) | (ones > 9);
    return tens * 10 + ones;
}

static int64_t ms_of(unsigned year, unsigned month, unsigned day, int64_t ms_of_day)
{
    return clock_days_from_civil(year, month, day) * MS_PER_DAY + ms_of_day;
}

/* YYYY-MM-DD[(T| )hh:mm:ss[.fff]][Z, fixed only]. False: not of this form, or wrong; ask the scanner. */
static bool parse_plain_iso(struct str s, enum timestamp_kind kind, int64_t *ret)
{
    const char *p = s.p;
    size_t n = s.n;
    if (n > 10 && kind == TIMESTAMP_FIXED && p[n - 1] == 'Z')
        n--;
    else if (n != s.n)
        return false;
    if ((n != 10 || s.n != 10) && n != 19 && n != 23)
        return false;
    unsigned bad = (p[4] != '-') | (p[7] != '-');
    unsigned year = two(p, &bad) * 100 + two(p + 2, &bad), month = two(p + 5, &bad), day = two(p + 8, &bad);
    unsigned ms = 0;
    if (n > 10) {
        bad |= (p[10] != 'T' && p[10] != ' ') | (p[13] != ':') | (p[16] != ':');
        unsigned hour = two(p + 11, &bad), minute = two(p + 14, &bad), second = two(p + 17, &bad);
        bad |= (hour > 23) | (minute > 59) | (second > 59);
        ms = hour * MS_PER_HOUR + minute * MS_PER_MINUTE + second * MS_PER_SECOND;
    }
    if (n == 23) {
        bad |= (p[19] != '.') | (digit(p[20]) > 9);
        ms += digit(p[20]) * 100 + two(p + 21, &bad);
    }
    if (bad || !date_exists(year, month, day))
        return false;
    *ret = ms_of(year, month, day, ms);
    return true;
}

/* MM/DD/YYYY[ hh:mm:ss (AM|PM)]. False: ask the scanner. */
static bool parse_plain_us(struct str s, int64_t *ret)
{
    const char *p = s.p;
    if (s.n != 10 && s.n != 22)
        return false;
    unsigned bad = (p[2] != '/') | (p[5] != '/');
    unsigned month = two(p, &bad), day = two(p + 3, &bad), year = two(p + 6, &bad) * 100 + two(p + 8, &bad);
    unsigned ms = 0;
    if (s.n == 22) {
        bad |= (p[10] != ' ') | (p[13] != ':') | (p[16] != ':') | (p[19] != ' ') | (p[20] != 'A' && p[20] != 'P') |
               (p[21] != 'M');
        unsigned hour = two(p + 11, &bad), minute = two(p + 14, &bad), second = two(p + 17, &bad);
        bad |= (hour < 1) | (hour > 12) | (minute > 59) | (second > 59);
        hour = hour % 12 + (p[20] == 'P' ? 12 : 0);
        ms = hour * MS_PER_HOUR + minute * MS_PER_MINUTE + second * MS_PER_SECOND;
    }
    if (bad || !date_exists(year, month, day))
        return false;
    *ret = ms_of(year, month, day, ms);
    return true;
}

/* The scanner: what is left, and the first thing that a person should be told. */
struct scan {
    struct str rest;
    enum timestamp_kind kind;
    const char *hint;
};

static bool refuse(struct scan *s, const char *hint)
{
    if (!s->hint)
        s->hint = hint;
    return false;
}

static bool take(struct scan *s, char c)
{
    if (s->rest.n == 0 || s->rest.p[0] != c)
        return false;
    s->rest = str_skip(s->rest, 1);
    return true;
}

static char peek(const struct scan *s)
{
    return s->rest.n ? s->rest.p[0] : 0;
}

static size_t count_digits(struct str s)
{
    size_t n = 0;
    while (n < s.n && digit(s.p[n]) <= 9)
        n++;
    return n;
}

/* All the digits that are next, `min` to `max` of them. */
static bool take_digits(struct scan *s, size_t min, size_t max, unsigned *ret)
{
    size_t n = count_digits(s->rest);
    if (n < min || n > max)
        return false;
    unsigned v = 0;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + digit(s->rest.p[i]);
    s->rest = str_skip(s->rest, n);
    *ret = v;
    return true;
}

static bool civil(struct scan *s, unsigned year, unsigned month, unsigned day, int64_t *ret_days)
{
    if (!date_exists(year, month, day))
        return refuse(s, year == 0 ? "years go from 0001 to 9999" : "there is no such day in the calendar");
    *ret_days = clock_days_from_civil(year, month, day);
    return true;
}

/* The Monday of week 1: the week that holds 4 January (ISO 8601). Days count from a Thursday. */
static int64_t first_monday(unsigned year)
{
    int64_t fourth = clock_days_from_civil(year, 1, 4);
    return fourth - ((fourth + 3) % 7 + 7) % 7;
}

/* week = "W" digit digit ["-" digit] */
static bool scan_week(struct scan *s, unsigned year, int64_t *ret_days)
{
    unsigned week, day = 1;
    if (year == 0)
        return refuse(s, "years go from 0001 to 9999");
    if (!take_digits(s, 1, 2, &week) || (take(s, '-') && !take_digits(s, 1, 1, &day)))
        return refuse(s, "a week date is like 2014-W42-1");
    int64_t monday = first_monday(year);
    if (week < 1 || monday + ((int64_t)week - 1) * 7 >= first_monday(year + 1))
        return refuse(s, "there is no such week in that year");
    if (day < 1 || day > 7)
        return refuse(s, "days of the week go from 1, Monday, to 7");
    *ret_days = monday + ((int64_t)week - 1) * 7 + day - 1;
    return true;
}

static bool scan_day_of_year(struct scan *s, unsigned year, int64_t *ret_days)
{
    unsigned day;
    if (!take_digits(s, 3, 3, &day))
        return false;
    if (year == 0)
        return refuse(s, "years go from 0001 to 9999");
    if (day < 1 || day > 365 + (unsigned)is_leap(year))
        return refuse(s, "there is no such day in that year");
    *ret_days = clock_days_from_civil(year, 1, 1) + day - 1;
    return true;
}

/* isodate = year ["-" (digit digit digit | week | month ["-" day])] */
static bool scan_iso_date(struct scan *s, int64_t *ret_days)
{
    unsigned year, month = 1, day = 1;
    size_t digits = count_digits(s->rest);
    if (digits == 8)
        return refuse(s, "write the date with hyphens, 2014-10-13");
    if (digits > 8)
        return refuse(s, "a count of seconds or milliseconds is not read; write the date out");
    if (!take_digits(s, 4, 4, &year))
        return refuse(s, digits == 0 ? NULL : "a year has four digits, from 0001 to 9999");
    if (!take(s, '-'))
        return civil(s, year, month, day, ret_days);
    if (take(s, 'W'))
        return scan_week(s, year, ret_days);
    if (count_digits(s->rest) == 3)
        return scan_day_of_year(s, year, ret_days);
    if (!take_digits(s, 1, 2, &month) || (take(s, '-') && !take_digits(s, 1, 2, &day)))
        return false;
    return civil(s, year, month, day, ret_days);
}

/* usdate = month "/" day "/" year */
static bool scan_us_date(struct scan *s, int64_t *ret_days)
{
    unsigned month, day, year;
    if (!take_digits(s, 1, 2, &month) || !take(s, '/') || !take_digits(s, 1, 2, &day) || !take(s, '/'))
        return refuse(s, "dates with slashes are MM/DD/YYYY");
    if (!take_digits(s, 4, 4, &year))
        return refuse(s, "write the year with four digits");
    if (month > 12 && day <= 12)
        return refuse(s, "dates with slashes are MM/DD/YYYY: the month comes first");
    return civil(s, year, month, day, ret_days);
}

struct time_of_day {
    unsigned hour, minute, second, ms;
};

/* fraction = ("." | ",") digit+; digits past the third are dropped, as the public service does */
static bool scan_fraction(struct scan *s, unsigned *ret_ms)
{
    size_t n = count_digits(s->rest);
    if (n == 0)
        return false;
    *ret_ms = 0;
    for (size_t i = 0; i < 3; i++)
        *ret_ms = *ret_ms * 10 + (i < n ? digit(s->rest.p[i]) : 0);
    s->rest = str_skip(s->rest, n);
    return true;
}

/* time = hour [":" minute [":" second [fraction]]]; `minutes` makes the minute a must */
static bool scan_time(struct scan *s, bool minutes, struct time_of_day *ret)
{
    *ret = (struct time_of_day){0};
    if (!take_digits(s, 1, 2, &ret->hour))
        return false;
    if (take(s, ':')) {
        if (!take_digits(s, 1, 2, &ret->minute))
            return false;
        if (take(s, ':')) {
            if (!take_digits(s, 1, 2, &ret->second))
                return false;
            if ((take(s, '.') || take(s, ',')) && !scan_fraction(s, &ret->ms))
                return false;
        }
    } else if (minutes) {
        return refuse(s, "a time has at least hours and minutes, 05:06");
    }
    if (ret->hour == 24)
        return refuse(s, "write 24:00 as 00:00 of the next day");
    if (ret->second == 60)
        return refuse(s, "leap seconds are not kept; seconds go to 59");
    if (ret->hour > 23 || ret->minute > 59 || ret->second > 59)
        return refuse(s, "there is no such time of day");
    return true;
}

/* half = [" "] ("AM" | "PM"), any case */
static bool scan_half_of_day(struct scan *s, struct time_of_day *time)
{
    while (take(s, ' '))
        ;
    bool is_pm = str_eq_fold(s->rest, STR("PM"));
    if (!is_pm && !str_eq_fold(s->rest, STR("AM")))
        return false;
    if (time->hour < 1 || time->hour > 12)
        return refuse(s, "hours with AM or PM go from 1 to 12");
    time->hour = time->hour % 12 + (is_pm ? 12 : 0);
    s->rest = str_skip(s->rest, 2);
    return true;
}

static bool starts_offset(char c)
{
    return c == 'Z' || c == 'z' || c == '+' || c == '-';
}

/* offset = "Z" | ("+" | "-") digit digit [[":"] digit digit] */
static bool scan_offset(struct scan *s, int64_t *ret_ms)
{
    *ret_ms = 0;
    if (s->kind == TIMESTAMP_FLOATING)
        return refuse(s, "drop the Z or offset, or make the column a fixed timestamp");
    if (take(s, 'Z') || take(s, 'z'))
        return true;
    bool is_west = take(s, '-');
    if (!is_west && !take(s, '+'))
        return false;
    unsigned hours, minutes = 0;
    if (count_digits(s->rest) == 4) {
        if (!take_digits(s, 4, 4, &hours))
            return false;
        minutes = hours % 100;
        hours /= 100;
    } else if (!take_digits(s, 2, 2, &hours) || (take(s, ':') && !take_digits(s, 2, 2, &minutes))) {
        return refuse(s, "an offset is like Z, -08:00, -0800 or +08");
    }
    if (hours > 23 || minutes > 59)
        return refuse(s, "an offset goes to 23:59");
    int64_t ms = hours * MS_PER_HOUR + (int64_t)minutes * MS_PER_MINUTE;
    *ret_ms = is_west ? -ms : ms;
    return true;
}

/* What follows an ISO date: [("T" | "t") [time] [offset] | " " time [offset]]. A bare T is fine in a fixed timestamp
 * only. */
static bool scan_iso_rest(struct scan *s, struct time_of_day *time, int64_t *ret_offset)
{
    bool is_spaced = peek(s) == ' ';
    if (!take(s, 'T') && !take(s, 't') && !is_spaced)
        return starts_offset(peek(s)) ? refuse(s, "an offset needs a time before it") : false;
    while (is_spaced && take(s, ' '))
        ;
    bool is_bare = s->rest.n == 0 || starts_offset(peek(s));
    if (is_bare && (is_spaced || (s->rest.n == 0 && s->kind == TIMESTAMP_FLOATING)))
        return refuse(s, "a time must follow the T");
    if (!is_bare && !scan_time(s, is_spaced, time))
        return false;
    return s->rest.n == 0 || scan_offset(s, ret_offset);
}

/* What follows a US date: " " hour ":" minute … [half] */
static bool scan_us_rest(struct scan *s, struct time_of_day *time)
{
    if (!take(s, ' '))
        return false;
    while (take(s, ' '))
        ;
    if (!scan_time(s, true, time))
        return false;
    if (s->rest.n && starts_offset(peek(s)))
        return refuse(s, "an offset goes with the form 2014-10-13T05:06:07-08:00 only");
    return s->rest.n == 0 || scan_half_of_day(s, time);
}

static bool scan_stamp(struct scan *s, int64_t *ret_ms)
{
    struct time_of_day time = {0};
    int64_t days, offset = 0;
    size_t first = count_digits(s->rest);
    bool is_us = first < s->rest.n && s->rest.p[first] == '/';
    if (peek(s) == 'T' || peek(s) == 't' || (first > 0 && first < s->rest.n && s->rest.p[first] == ':'))
        return refuse(s, "a time alone is not a timestamp; put the date before it");
    if (peek(s) == '-' || peek(s) == '+')
        return refuse(s, "years go from 0001 to 9999, without sign");
    if (is_us ? !scan_us_date(s, &days) : !scan_iso_date(s, &days))
        return false;
    if (s->rest.n && (is_us ? !scan_us_rest(s, &time) : !scan_iso_rest(s, &time, &offset)))
        return false;
    if (s->rest.n)
        return false;
    int64_t ms = days * MS_PER_DAY + (int64_t)time.hour * MS_PER_HOUR + (int64_t)time.minute * MS_PER_MINUTE +
                 (int64_t)time.second * MS_PER_SECOND + time.ms - offset;
    if (ms < TIMESTAMP_MS_MIN || ms > TIMESTAMP_MS_MAX)
        return refuse(s, "years go from 0001 to 9999");
    *ret_ms = ms;
    return true;
}

bool timestamp_parse(struct str s, enum timestamp_kind kind, int64_t *ret_ms, const char **ret_hint)
{
    if (parse_plain_iso(s, kind, ret_ms) || parse_plain_us(s, ret_ms))
        return true;
    struct scan scan = {.rest = s, .kind = kind};
    if (scan_stamp(&scan, ret_ms))
        return true;
    *ret_hint = scan.hint;
    return false;
}

static const char *const expected[] = {
    [TIMESTAMP_FLOATING] = "a date and time like 2014-10-13T05:06:07.000, 2014-10-13 or 10/13/2014 05:06:07 AM",
    [TIMESTAMP_FIXED] =
        "a date and time like 2014-10-13T05:06:07.000Z, 2014-10-13T05:06:07-08:00 or 10/13/2014 05:06:07 AM (UTC)",
};

bool timestamp_parse_raw(const struct raw *raw, enum timestamp_kind kind, struct cell *ret, struct type_refusal *why)
{
    const char *hint = NULL;
    int64_t ms;
    switch (raw->kind) {
    case RAW_STRING: {
        struct str s = scalar_trim(raw->text);
        if (s.n == 0)
            break;
        if (!timestamp_parse(s, kind, &ms, &hint))
            return scalar_refuse(why, expected[kind], hint);
        *ret = cell_int(ms);
        return true;
    }
    case RAW_NUMBER:
        return scalar_refuse(why, expected[kind], "send the date as text; counts of seconds or milliseconds are not read");
    case RAW_TRUE:
    case RAW_FALSE:
    case RAW_OBJECT:
    case RAW_ARRAY:
        return scalar_refuse(why, expected[kind], NULL);
    case RAW_NULL:
        break;
    }
    *ret = cell_null();
    return true;
}

static void put_two(char *to, unsigned v)
{
    to[0] = (char)('0' + v / 10);
    to[1] = (char)('0' + v % 10);
}

void timestamp_write(int64_t ms, enum timestamp_kind kind, struct buf *out)
{
    int64_t days = ms / MS_PER_DAY, year;
    int64_t rest = ms % MS_PER_DAY;
    unsigned month, day;
    if (rest < 0) {
        rest += MS_PER_DAY;
        days--;
    }
    unsigned of_day = (unsigned)rest;
    clock_civil_from_days(days, &year, &month, &day);
    if (year < 0 || year > 9999)
        buf_printf(out, "%+05lld", (long long)year);
    char *to = buf_room(out, 24);
    if (!to)
        return;
    char *start = to;
    if (year >= 0 && year <= 9999) {
        put_two(to, (unsigned)year / 100);
        put_two(to + 2, (unsigned)year % 100);
        to += 4;
    }
    memcpy(to, "-00-00T00:00:00.000Z", 20);
    put_two(to + 1, month);
    put_two(to + 4, day);
    put_two(to + 7, of_day / MS_PER_HOUR);
    put_two(to + 10, of_day / MS_PER_MINUTE % 60);
    put_two(to + 13, of_day / MS_PER_SECOND % 60);
    to[16] = (char)('0' + of_day / 100 % 10);
    put_two(to + 17, of_day % 100);
    to += kind == TIMESTAMP_FIXED ? 20 : 19;
    out->n += (size_t)(to - start);
}
