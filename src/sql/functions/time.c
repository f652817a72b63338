/* Functions of timestamps (milliseconds since 1970), dates (days), times of day (milliseconds) and intervals (text). */
#include "base/clock.h"
#include "rows/query_types.h"
#include "rows/timestamp.h"
#include "sql/functions/functions.h"
#include "sql/functions/zone.h"

enum { MS_PER_SECOND = 1000, MS_PER_MINUTE = 60000, MS_PER_HOUR = 3600000, MS_PER_DAY = 86400000, THURSDAY = 4, DAYS_PER_WEEK = 7 };

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t floor_modulo(int64_t a, int64_t b)
{
    return a % b + (a % b < 0 ? b : 0);
}

struct day {
    int64_t days, year;
    unsigned month, day;
};

static struct day day_of(sqlite3_value *v)
{
    struct day d = {.days = floor_divide(sqlite3_value_int64(v), MS_PER_DAY)};
    clock_civil_from_days(d.days, &d.year, &d.month, &d.day);
    return d;
}

static int64_t weekday(int64_t days) /* 0: Sunday; 1970-01-01 was a Thursday */
{
    return floor_modulo(days + THURSDAY, DAYS_PER_WEEK);
}

/* ── truncation ── */

static void trunc_y(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    sqlite3_result_int64(out, clock_days_from_civil(day_of(v[0]).year, 1, 1) * MS_PER_DAY);
}

static void trunc_ym(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    struct day d = day_of(v[0]);
    sqlite3_result_int64(out, clock_days_from_civil(d.year, d.month, 1) * MS_PER_DAY);
}

static void trunc_ymd(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    sqlite3_result_int64(out, day_of(v[0]).days * MS_PER_DAY);
}

/* ── parts ── */

static void year(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    function_give_number(out, day_of(v[0]).year);
}

static void month(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    function_give_number(out, day_of(v[0]).month);
}

static void day(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    function_give_number(out, day_of(v[0]).day);
}

static void hour(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    function_give_number(out, floor_modulo(sqlite3_value_int64(v[0]), MS_PER_DAY) / MS_PER_HOUR);
}

static void minute(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    function_give_number(out, floor_modulo(sqlite3_value_int64(v[0]), MS_PER_HOUR) / MS_PER_MINUTE);
}

/* Without trailing zeros. */
static void second(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct buf b = {0};
    int64_t ms = floor_modulo(sqlite3_value_int64(v[0]), MS_PER_MINUTE);
    (void)n;
    buf_add_i64(&b, ms / MS_PER_SECOND);
    if (ms % MS_PER_SECOND) {
        buf_printf(&b, ".%03lld", (long long)(ms % MS_PER_SECOND));
        while (buf_ok(&b) && b.p[b.n - 1] == '0')
            b.n--;
    }
    function_give_buf(out, &b);
}

static void dow(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    function_give_number(out, weekday(day_of(v[0]).days));
}

/* ISO 8601: a week begins on Monday and belongs to the year that its Thursday is in. */
static struct day thursday_of(sqlite3_value *v)
{
    struct day d = day_of(v);
    d.days += THURSDAY - (weekday(d.days) + 6) % DAYS_PER_WEEK - 1;
    clock_civil_from_days(d.days, &d.year, &d.month, &d.day);
    return d;
}

static void woy(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    struct day d = thursday_of(v[0]);
    function_give_number(out, (d.days - clock_days_from_civil(d.year, 1, 1)) / DAYS_PER_WEEK + 1);
}

static void isoyear(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    function_give_number(out, thursday_of(v[0]).year);
}

static void date(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    sqlite3_result_int64(out, day_of(v[0]).days);
}

static void time_of_day(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    sqlite3_result_int64(out, floor_modulo(sqlite3_value_int64(v[0]), MS_PER_DAY));
}

static void date_time(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    sqlite3_result_int64(out, sqlite3_value_int64(v[0]) * MS_PER_DAY + sqlite3_value_int64(v[1]));
}

/* Always three digits after the point. */
static void epoch_seconds(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct buf b = {0};
    int64_t ms = sqlite3_value_int64(v[0]), positive = ms < 0 ? -ms : ms;
    (void)n;
    buf_printf(&b, "%s%lld.%03lld", ms < 0 ? "-" : "", (long long)(positive / MS_PER_SECOND), (long long)(positive % MS_PER_SECOND));
    function_give_buf(out, &b);
}

/* ── intervals ── */

static bool interval_of(sqlite3_context *out, sqlite3_value *v, sqlite3_value *place, struct interval *ret)
{
    struct str s;
    if (!function_text(out, v, &s))
        return false;
    if (interval_read(s, ret))
        return true;
    function_refuse(out, place, "invalid input syntax for type interval: \"" FMT_STR "\"", ARG_STR(str_head(s, 60)));
    return false;
}

static unsigned days_in(int64_t year, unsigned month)
{
    int64_t next = month == 12 ? clock_days_from_civil(year + 1, 1, 1) : clock_days_from_civil(year, month + 1, 1);
    return (unsigned)(next - clock_days_from_civil(year, month, 1));
}

enum { DAYS_OUT_OF_REACH = 100000000 }; /* more than the time of an interval (nine digits of hours) brings back to a year below 10000 */

/* Months first, the day held within its month; then days; then the time. */
static int64_t shifted(int64_t ms, const struct interval *i, int sign)
{
    int64_t days = floor_divide(ms, MS_PER_DAY), y, months;
    unsigned m, d;
    if (i->months) {
        clock_civil_from_days(days, &y, &m, &d);
        months = y * 12 + (m - 1) + sign * i->months;
        y = floor_divide(months, 12);
        m = (unsigned)floor_modulo(months, 12) + 1;
        unsigned last = days_in(y, m);
        days = clock_days_from_civil(y, m, d < last ? d : last);
    }
    days += sign * i->days;
    if (days < -DAYS_OUT_OF_REACH || days > DAYS_OUT_OF_REACH)
        return days < 0 ? INT64_MIN : INT64_MAX; /* milliseconds could not count them */
    return days * MS_PER_DAY + floor_modulo(ms, MS_PER_DAY) + sign * i->ms;
}

static bool in_range(sqlite3_context *out, sqlite3_value *place, int64_t ms)
{
    if (ms >= TIMESTAMP_MS_MIN && ms <= TIMESTAMP_MS_MAX)
        return true;
    function_refuse(out, place, "timestamp out of range: years go from 1 to 9999");
    return false;
}

static void shift(sqlite3_context *out, sqlite3_value **v, int sign)
{
    struct interval i;
    if (!interval_of(out, v[1], v[2], &i))
        return;
    int64_t ms = shifted(sqlite3_value_int64(v[0]), &i, sign);
    if (in_range(out, v[2], ms))
        sqlite3_result_int64(out, ms);
}

static void ts_add(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    shift(out, v, 1);
}

static void ts_subtract(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    shift(out, v, -1);
}

/* The interval's months and days do not move a time of day. */
static void turn(sqlite3_context *out, sqlite3_value **v, int sign)
{
    struct interval i;
    if (interval_of(out, v[1], v[2], &i))
        sqlite3_result_int64(out, floor_modulo(sqlite3_value_int64(v[0]) + sign * i.ms, MS_PER_DAY));
}

static void time_add(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    turn(out, v, 1);
}

static void time_subtract(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    turn(out, v, -1);
}

/* ── others ── */

/* Monday to Friday before a day: of whole weeks five each; 1969-12-29 was a Monday. */
static int64_t working_days_before(int64_t days)
{
    int64_t since = days + 3, rest = floor_modulo(since, DAYS_PER_WEEK);
    return floor_divide(since, DAYS_PER_WEEK) * 5 + (rest < 5 ? rest : 5);
}

static void business_days(sqlite3_context *out, int n, sqlite3_value **v)
{
    (void)n;
    int64_t a = sqlite3_value_int64(v[0]), b = sqlite3_value_int64(v[1]);
    int64_t first = a < b ? a : b, last = a < b ? b : a;
    function_give_number(out, working_days_before(last + 1) - working_days_before(first));
}

static void to_zone(sqlite3_context *out, int n, sqlite3_value **v)
{
    struct str name;
    (void)n;
    const struct zone *z = sqlite3_get_auxdata(out, 1);
    if (!z) {
        if (!function_text(out, v[1], &name))
            return;
        switch (zone_find(name, &z)) {
        case ZONE_OK:
            break;
        case ZONE_UNKNOWN:
            function_refuse(out, v[2], "time zone \"" FMT_STR "\" not recognized; a name is like America/Chicago", ARG_STR(str_head_utf8(name, 60)));
            return;
        case ZONE_NO_MEMORY:
            sqlite3_result_error_nomem(out);
            return;
        }
        sqlite3_set_auxdata(out, 1, (void *)z, NULL); /* zones stay */
    }
    int64_t ms = sqlite3_value_int64(v[0]);
    ms += zone_offset(z, floor_divide(ms, MS_PER_SECOND)) * MS_PER_SECOND;
    if (in_range(out, v[2], ms))
        sqlite3_result_int64(out, ms);
}

const struct function functions_time[] = {
    {"ts_trunc_y", 1, false, trunc_y},
    {"ts_trunc_ym", 1, false, trunc_ym},
    {"ts_trunc_ymd", 1, false, trunc_ymd},
    {"ts_year", 1, false, year},
    {"ts_month", 1, false, month},
    {"ts_day", 1, false, day},
    {"ts_hour", 1, false, hour},
    {"ts_minute", 1, false, minute},
    {"ts_second", 1, false, second},
    {"ts_dow", 1, false, dow},
    {"ts_woy", 1, false, woy},
    {"ts_isoyear", 1, false, isoyear},
    {"ts_date", 1, false, date},
    {"ts_time", 1, false, time_of_day},
    {"ts_epoch_seconds", 1, false, epoch_seconds},
    {"ts_add", 3, false, ts_add},
    {"ts_subtract", 3, false, ts_subtract},
    {"ts_to_zone", 3, false, to_zone},
    {"date_time", 2, false, date_time},
    {"date_business_days", 2, false, business_days},
    {"time_add", 3, false, time_add},
    {"time_subtract", 3, false, time_subtract},
    {NULL, 0, false, NULL},
};
