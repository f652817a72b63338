/* The SQL functions of times (sql/functions/): known answers, which are those of PostgreSQL 15 (docs/wire/soql.md, "Dates"). */
#include "sql_kit.h"

static void times_are_cut_down(void **state)
{
    static const struct value_case cases[] = {
        {"floating_text(ts_trunc_y(floating_parse('2014-10-13T05:06:07.250',7)))", "2014-01-01T00:00:00.000"},
        {"floating_text(ts_trunc_y(floating_parse('1969-12-31T23:59:59.999',7)))", "1969-01-01T00:00:00.000"},
        {"floating_text(ts_trunc_y(floating_parse('2000-02-29',7)))", "2000-01-01T00:00:00.000"},
        {"floating_text(ts_trunc_y(floating_parse('0001-01-01',7)))", "0001-01-01T00:00:00.000"},
        {"floating_text(ts_trunc_ym(floating_parse('2014-10-13T05:06:07.250',7)))", "2014-10-01T00:00:00.000"},
        {"floating_text(ts_trunc_ym(floating_parse('1969-12-31T23:59:59.999',7)))", "1969-12-01T00:00:00.000"},
        {"floating_text(ts_trunc_ym(floating_parse('2000-02-29',7)))", "2000-02-01T00:00:00.000"},
        {"floating_text(ts_trunc_ym(floating_parse('0001-01-01',7)))", "0001-01-01T00:00:00.000"},
        {"floating_text(ts_trunc_ymd(floating_parse('2014-10-13T05:06:07.250',7)))", "2014-10-13T00:00:00.000"},
        {"floating_text(ts_trunc_ymd(floating_parse('1969-12-31T23:59:59.999',7)))", "1969-12-31T00:00:00.000"},
        {"floating_text(ts_trunc_ymd(floating_parse('2000-02-29',7)))", "2000-02-29T00:00:00.000"},
        {"floating_text(ts_trunc_ymd(floating_parse('0001-01-01',7)))", "0001-01-01T00:00:00.000"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void times_have_parts(void **state)
{
    static const struct value_case cases[] = {
        {"ts_year(floating_parse('2014-10-13T05:06:07.250',7))", "2014"},
        {"ts_year(floating_parse('1969-12-31T23:59:59.999',7))", "1969"},
        {"ts_year(floating_parse('2021-01-03',7))", "2021"},
        {"ts_year(floating_parse('2020-12-31',7))", "2020"},
        {"ts_year(floating_parse('2005-01-01',7))", "2005"},
        {"ts_year(floating_parse('2008-12-29T12:00:30.100',7))", "2008"},
        {"ts_month(floating_parse('2014-10-13T05:06:07.250',7))", "10"},
        {"ts_month(floating_parse('1969-12-31T23:59:59.999',7))", "12"},
        {"ts_month(floating_parse('2021-01-03',7))", "1"},
        {"ts_month(floating_parse('2020-12-31',7))", "12"},
        {"ts_month(floating_parse('2005-01-01',7))", "1"},
        {"ts_month(floating_parse('2008-12-29T12:00:30.100',7))", "12"},
        {"ts_day(floating_parse('2014-10-13T05:06:07.250',7))", "13"},
        {"ts_day(floating_parse('1969-12-31T23:59:59.999',7))", "31"},
        {"ts_day(floating_parse('2021-01-03',7))", "3"},
        {"ts_day(floating_parse('2020-12-31',7))", "31"},
        {"ts_day(floating_parse('2005-01-01',7))", "1"},
        {"ts_day(floating_parse('2008-12-29T12:00:30.100',7))", "29"},
        {"ts_hour(floating_parse('2014-10-13T05:06:07.250',7))", "5"},
        {"ts_hour(floating_parse('1969-12-31T23:59:59.999',7))", "23"},
        {"ts_hour(floating_parse('2021-01-03',7))", "0"},
        {"ts_hour(floating_parse('2020-12-31',7))", "0"},
        {"ts_hour(floating_parse('2005-01-01',7))", "0"},
        {"ts_hour(floating_parse('2008-12-29T12:00:30.100',7))", "12"},
        {"ts_minute(floating_parse('2014-10-13T05:06:07.250',7))", "6"},
        {"ts_minute(floating_parse('1969-12-31T23:59:59.999',7))", "59"},
        {"ts_minute(floating_parse('2021-01-03',7))", "0"},
        {"ts_minute(floating_parse('2020-12-31',7))", "0"},
        {"ts_minute(floating_parse('2005-01-01',7))", "0"},
        {"ts_minute(floating_parse('2008-12-29T12:00:30.100',7))", "0"},
        {"ts_second(floating_parse('2014-10-13T05:06:07.250',7))", "7.25"},
        {"ts_second(floating_parse('1969-12-31T23:59:59.999',7))", "59.999"},
        {"ts_second(floating_parse('2021-01-03',7))", "0"},
        {"ts_second(floating_parse('2020-12-31',7))", "0"},
        {"ts_second(floating_parse('2005-01-01',7))", "0"},
        {"ts_second(floating_parse('2008-12-29T12:00:30.100',7))", "30.1"},
        {"ts_dow(floating_parse('2014-10-13T05:06:07.250',7))", "1"},
        {"ts_dow(floating_parse('1969-12-31T23:59:59.999',7))", "3"},
        {"ts_dow(floating_parse('2021-01-03',7))", "0"},
        {"ts_dow(floating_parse('2020-12-31',7))", "4"},
        {"ts_dow(floating_parse('2005-01-01',7))", "6"},
        {"ts_dow(floating_parse('2008-12-29T12:00:30.100',7))", "1"},
        {"ts_woy(floating_parse('2014-10-13T05:06:07.250',7))", "42"},
        {"ts_woy(floating_parse('1969-12-31T23:59:59.999',7))", "1"},
        {"ts_woy(floating_parse('2021-01-03',7))", "53"},
        {"ts_woy(floating_parse('2020-12-31',7))", "53"},
        {"ts_woy(floating_parse('2005-01-01',7))", "53"},
        {"ts_woy(floating_parse('2008-12-29T12:00:30.100',7))", "1"},
        {"ts_isoyear(floating_parse('2014-10-13T05:06:07.250',7))", "2014"},
        {"ts_isoyear(floating_parse('1969-12-31T23:59:59.999',7))", "1970"},
        {"ts_isoyear(floating_parse('2021-01-03',7))", "2020"},
        {"ts_isoyear(floating_parse('2020-12-31',7))", "2020"},
        {"ts_isoyear(floating_parse('2005-01-01',7))", "2004"},
        {"ts_isoyear(floating_parse('2008-12-29T12:00:30.100',7))", "2009"},
        {"date_text(ts_date(floating_parse('1969-12-31T23:00',7)))", "1969-12-31"},
        {"time_text(ts_time(floating_parse('1969-12-31T23:00:01.5',7)))", "23:00:01.500"},
        {"floating_text(date_time(date_parse('2014-10-13',7),time_parse('05:06',7)))", "2014-10-13T05:06:00.000"},
        {"ts_epoch_seconds(1413176767250)", "1413176767.250"},
        {"ts_epoch_seconds(-1)", "-0.001"},
        {"ts_epoch_seconds(0)", "0.000"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void intervals_move_months_then_days_then_time(void **state)
{
    static const struct value_case cases[] = {
        {"floating_text(ts_add(floating_parse('2020-01-31',7),'P1M',7))", "2020-02-29T00:00:00.000"},
        {"floating_text(ts_add(floating_parse('2019-01-31',7),'P1M',7))", "2019-02-28T00:00:00.000"},
        {"floating_text(ts_add(floating_parse('2020-02-29',7),'P1Y',7))", "2021-02-28T00:00:00.000"},
        {"floating_text(ts_add(floating_parse('2020-01-31',7),'P1M1DT1H',7))", "2020-03-01T01:00:00.000"},
        {"floating_text(ts_subtract(floating_parse('2020-03-31',7),'P1M',7))", "2020-02-29T00:00:00.000"},
        {"floating_text(ts_subtract(floating_parse('2020-01-15',7),'P14M',7))", "2018-11-15T00:00:00.000"},
        {"floating_text(ts_add(floating_parse('2020-12-31T23:59:59.999',7),'PT0.001S',7))", "2021-01-01T00:00:00.000"},
        {"floating_text(ts_add(floating_parse('1969-12-31T12:00',7),'PT-13H',7))", "1969-12-30T23:00:00.000"},
        {"floating_text(ts_add(floating_parse('2020-01-31',7),'P-2M',7))", "2019-11-30T00:00:00.000"},
        {"floating_text(ts_add(floating_parse('0001-01-01',7),'PT0S',7))", "0001-01-01T00:00:00.000"},
        {"time_text(time_add(time_parse('23:00',7),'P5DT2H',7))", "01:00:00.000"},
        {"time_text(time_subtract(time_parse('01:00',7),'PT2H',7))", "23:00:00.000"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void intervals_move_months_then_days_then_time_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"ts_add(floating_parse('2014-10-13',7),'P9000Y',7)", "timestamp out of range: years go from 1 to 9999"},
        {"ts_subtract(floating_parse('0001-01-01',7),'PT0.001S',7)", "timestamp out of range: years go from 1 to 9999"},
        {"ts_add(floating_parse('2014-10-13',7),'P999999999Y',7)", "timestamp out of range: years go from 1 to 9999"},
        {"ts_subtract(floating_parse('2014-10-13',7),'P999999999Y11M999999999DT999999999H',7)", "timestamp out of range: years go from 1 to 9999"},
        {"ts_add(0,'x',7)", "invalid input syntax for type interval: \"x\""},
        {"time_add(0,'x',7)", "invalid input syntax for type interval: \"x\""},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void business_days_count_both_ends(void **state)
{
    static const struct value_case cases[] = {
        {"date_business_days(date_parse('2024-03-04',7),date_parse('2024-03-08',7))", "5"},
        {"date_business_days(date_parse('2024-03-08',7),date_parse('2024-03-04',7))", "5"},
        {"date_business_days(date_parse('2024-03-09',7),date_parse('2024-03-10',7))", "0"},
        {"date_business_days(date_parse('2024-03-08',7),date_parse('2024-03-11',7))", "2"},
        {"date_business_days(date_parse('2024-03-04',7),date_parse('2024-03-04',7))", "1"},
        {"date_business_days(date_parse('1969-12-28',7),date_parse('1970-01-04',7))", "5"},
        {"date_business_days(date_parse('2024-01-01',7),date_parse('2024-12-31',7))", "262"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void zones_follow_the_tz_database(void **state)
{
    static const struct value_case cases[] = {
        {"floating_text(ts_to_zone(fixed_parse('2024-01-01T12:00:00Z',7),'America/New_York',7))", "2024-01-01T07:00:00.000"},
        {"floating_text(ts_to_zone(fixed_parse('2024-07-01T12:00:00Z',7),'America/New_York',7))", "2024-07-01T08:00:00.000"},
        {"floating_text(ts_to_zone(fixed_parse('2024-03-10T06:59:59.999Z',7),'America/New_York',7))", "2024-03-10T01:59:59.999"},
        {"floating_text(ts_to_zone(fixed_parse('2024-03-10T07:00:00Z',7),'America/New_York',7))", "2024-03-10T03:00:00.000"},
        {"floating_text(ts_to_zone(fixed_parse('2050-07-01T12:00:00Z',7),'America/New_York',7))", "2050-07-01T08:00:00.000"},
        {"floating_text(ts_to_zone(fixed_parse('2050-12-01T12:00:00Z',7),'America/New_York',7))", "2050-12-01T07:00:00.000"},
        {"floating_text(ts_to_zone(fixed_parse('2050-01-01T12:00:00Z',7),'Australia/Sydney',7))", "2050-01-01T23:00:00.000"},
        {"floating_text(ts_to_zone(fixed_parse('2050-07-01T12:00:00Z',7),'Australia/Sydney',7))", "2050-07-01T22:00:00.000"},
        {"floating_text(ts_to_zone(fixed_parse('1800-01-01T12:00:00Z',7),'Europe/Berlin',7))", "1800-01-01T12:53:28.000"},
        {"floating_text(ts_to_zone(fixed_parse('2024-01-01T12:00:00Z',7),'UTC',7))", "2024-01-01T12:00:00.000"},
        {"floating_text(ts_to_zone(fixed_parse('2024-01-01T12:00:00Z',7),'Asia/Kathmandu',7))", "2024-01-01T17:45:00.000"},
        {"floating_text(ts_to_zone(fixed_parse('9999-06-01T12:00:00Z',7),'Europe/Paris',7))", "9999-06-01T14:00:00.000"},
        {"floating_text(ts_to_zone(fixed_parse('2045-07-01T00:00:00Z',7),'America/St_Johns',7))", "2045-06-30T21:30:00.000"},
        {"floating_text(ts_to_zone(fixed_parse('2024-01-01T00:00:00Z',7),'Etc/GMT+5',7))", "2023-12-31T19:00:00.000"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void zones_follow_the_tz_database_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"ts_to_zone(0,'Nowhere/City',7)", "time zone \"Nowhere/City\" not recognized; a name is like America/Chicago"},
        {"ts_to_zone(0,'',7)", "time zone \"\" not recognized; a name is like America/Chicago"},
        {"ts_to_zone(0,'../../etc/passwd',7)", "time zone \"../../etc/passwd\" not recognized; a name is like America/Chicago"},
        {"ts_to_zone(0,'/etc/passwd',7)", "time zone \"/etc/passwd\" not recognized; a name is like America/Chicago"},
        {"ts_to_zone(0,'America',7)", "time zone \"America\" not recognized; a name is like America/Chicago"},
        {"ts_to_zone(0,'America/',7)", "time zone \"America/\" not recognized; a name is like America/Chicago"},
        {"ts_to_zone(0,'zone.tab',7)", "time zone \"zone.tab\" not recognized; a name is like America/Chicago"},
        {"ts_to_zone(0,'tzdata',7)", "time zone \"tzdata\" not recognized; a name is like America/Chicago"},
        {"ts_to_zone(floating_parse('0001-01-01',7),'America/New_York',7)", "timestamp out of range: years go from 1 to 9999"},
        {"ts_to_zone(0,text_left_pad('','70','a',7),7)", "time zone \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" not recognized; a name is like America/Chicago"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_cut_down),
        cmocka_unit_test(times_have_parts),
        cmocka_unit_test(intervals_move_months_then_days_then_time),
        cmocka_unit_test(intervals_move_months_then_days_then_time_refuse),
        cmocka_unit_test(business_days_count_both_ends),
        cmocka_unit_test(zones_follow_the_tz_database),
        cmocka_unit_test(zones_follow_the_tz_database_refuse),
    };
    return cmocka_run_group_tests(tests, open_sql, close_sql);
}
