/* The SQL functions of texts, casts and values (sql/functions/): known answers, which are those of PostgreSQL 15 with the helpers of
 * soql/postgres_functions.sql (docs/wire/soql.md). */
#include "sql_kit.h"

static void case_is_mapped_character_by_character(void **state)
{
    static const struct value_case cases[] = {
        {"text_upper('abc')", "ABC"},
        {"text_upper('straße')", "STRAßE"},
        {"text_upper('éàÿ')", "ÉÀŸ"},
        {"text_upper('ΐ')", "ΐ"},
        {"text_upper('ŉ')", "ŉ"},
        {"text_upper('ı')", "I"},
        {"text_upper('日本')", "日本"},
        {"text_upper('ﬁ')", "ﬁ"},
        {"text_upper('')", ""},
        {"text_lower('ABC')", "abc"},
        {"text_lower('ÉÀŸ')", "éàÿ"},
        {"text_lower('İ')", "i"},
        {"text_lower('Σ')", "σ"},
        {"text_lower('Ǆ')", "ǆ"},
        {"text_lower('ẞ')", "ß"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void accents_are_taken_away(void **state)
{
    static const struct value_case cases[] = {
        {"text_unaccent('Crème Brûlée')", "Creme Brulee"},
        {"text_unaccent('Ångström')", "Angstrom"},
        {"text_unaccent('œuvre Æ')", "oeuvre AE"},
        {"text_unaccent('Łódź')", "Lodz"},
        {"text_unaccent('naïve façade')", "naive facade"},
        {"text_unaccent('Ελλάδα ά')", "Ελλαδα α"},
        {"text_unaccent('ß')", "ss"},
        {"text_unaccent('½')", "1/2"},
        {"text_unaccent('“quoted”')", "\"quoted\""},
        {"text_unaccent('é')", "e"},
        {"text_unaccent('日本')", "日本"},
        {"text_unaccent('Việt Nam')", "Viet Nam"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void prefixes_and_parts_are_literal(void **state)
{
    static const struct value_case cases[] = {
        {"text_starts_with('abc','ab')", "1"},
        {"text_starts_with('abc','b')", "0"},
        {"text_starts_with('a%c','a%')", "1"},
        {"text_starts_with('abc','a%')", "0"},
        {"text_starts_with('abc','')", "1"},
        {"text_starts_with('','a')", "0"},
        {"text_contains('abc','bc')", "1"},
        {"text_contains('abc','')", "1"},
        {"text_contains('','x')", "0"},
        {"text_contains('a_c','_')", "1"},
        {"text_contains('abc','_')", "0"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void like_knows_percent_underscore_and_backslash(void **state)
{
    static const struct value_case cases[] = {
        {"text_like('abc','abc',7)", "1"},
        {"text_like('abc','a%',7)", "1"},
        {"text_like('abc','%c',7)", "1"},
        {"text_like('abc','%b%',7)", "1"},
        {"text_like('abc','a_c',7)", "1"},
        {"text_like('abc','_',7)", "0"},
        {"text_like('äbc','_bc',7)", "1"},
        {"text_like('ABC','abc',7)", "0"},
        {"text_like('a%c','a\\%c',7)", "1"},
        {"text_like('abc','a\\%c',7)", "0"},
        {"text_like('a_c','a\\_c',7)", "1"},
        {"text_like('','%',7)", "1"},
        {"text_like('','',7)", "1"},
        {"text_like('abc','',7)", "0"},
        {"text_like('abc','%%%c',7)", "1"},
        {"text_like('aaa','%a_',7)", "1"},
        {"text_like('a\\c','a\\\\c',7)", "1"},
        {"text_like('abcabcabd','%abd',7)", "1"},
        {"text_like('日本語','日_語',7)", "1"},
        {"text_like('日本語','日__語',7)", "0"},
        {"text_like('aXbXc','a%b%c',7)", "1"},
        {"text_like('ab','a%b%c',7)", "0"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void like_knows_percent_underscore_and_backslash_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"text_like('abc','a\\',7)", "LIKE pattern must not end with escape character"},
        {"text_like('abc','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',7)", "a LIKE pattern has at most 256 bytes"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void case_can_be_ignored_in_lists(void **state)
{
    static const struct value_case cases[] = {
        {"text_caseless_one_of('Ab','x','aB')", "1"},
        {"text_caseless_one_of('É','é')", "1"},
        {"text_caseless_one_of('a','b',NULL)", NULL},
        {"text_caseless_one_of('a','b')", "0"},
        {"text_caseless_one_of(NULL,'b')", NULL},
        {"text_caseless_one_of('a',NULL,'A')", "1"},
        {"text_caseless_one_of('ab','abc')", "0"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void substrings_count_characters_from_one(void **state)
{
    static const struct value_case cases[] = {
        {"text_substring('hello','2',7)", "ello"},
        {"text_substring('hello','0',7)", "hello"},
        {"text_substring('hello','-3',7)", "hello"},
        {"text_substring('hello','9',7)", ""},
        {"text_substring('hello','0','3',7)", "he"},
        {"text_substring('hello','2','3',7)", "ell"},
        {"text_substring('hello','-2','4',7)", "h"},
        {"text_substring('hello','1.5','2',7)", "el"},
        {"text_substring('日本語','2','1',7)", "本"},
        {"text_substring('hello','2','0',7)", ""},
        {"text_substring('x','2147483647','2147483647',7)", ""},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void substrings_count_characters_from_one_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"text_substring('hello','2','-1',7)", "negative substring length not allowed"},
        {"text_substring('hello','99999999999','1',7)", "integer out of range: 99999999999"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void parts_between_delimiters(void **state)
{
    static const struct value_case cases[] = {
        {"text_split_part('a,b,c',',','2',7)", "b"},
        {"text_split_part('a,b,c',',','9',7)", ""},
        {"text_split_part('a,b,c',',','-1',7)", "c"},
        {"text_split_part('a,b,c',',','-3',7)", "a"},
        {"text_split_part('a,b,c',',','-4',7)", ""},
        {"text_split_part('abc','','1',7)", "abc"},
        {"text_split_part('abc','','2',7)", ""},
        {"text_split_part('abc','','-1',7)", "abc"},
        {"text_split_part('','x','1',7)", ""},
        {"text_split_part('a,b,',',','3',7)", ""},
        {"text_split_part('a,b,',',','-1',7)", ""},
        {"text_split_part('abc','x','1',7)", "abc"},
        {"text_split_part('abc','x','-1',7)", "abc"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void parts_between_delimiters_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"text_split_part('a','b','0',7)", "field position must not be zero"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void texts_are_replaced_and_filled_up(void **state)
{
    static const struct value_case cases[] = {
        {"text_replace('banana','an','X',7)", "bXXa"},
        {"text_replace('banana','','X',7)", "banana"},
        {"text_replace('banana','an','',7)", "ba"},
        {"text_replace('','a','b',7)", ""},
        {"text_left_pad('7','3','0',7)", "007"},
        {"text_left_pad('abc','2','0',7)", "ab"},
        {"text_left_pad('a','6','xy',7)", "xyxyxa"},
        {"text_left_pad('a','3','',7)", "a"},
        {"text_left_pad('a','-1','x',7)", ""},
        {"text_right_pad('7','3','日本',7)", "7日本"},
        {"text_right_pad('日本語','2','x',7)", "日本"},
        {"text_right_pad('a','0','x',7)", ""},
        {"text_concat('a','b',7)", "ab"},
        {"text_concat('',NULL,7)", NULL},
        {"length(text_left_pad('a','20000000','日日日日',7))", "20000000"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void texts_are_replaced_and_filled_up_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"text_left_pad('a','100000000','x',7)", "the text would have more than 67108864 bytes"},
        {"text_concat(text_left_pad('a','60000000','x',7),text_left_pad('a','60000000','x',7),7)", "the text would have more than 67108864 bytes"},
        {"text_replace(text_left_pad('a','1000','a',7),'a',text_left_pad('b','100000','b',7),7)", "the text would have more than 67108864 bytes"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void characters_of_numbers(void **state)
{
    static const struct value_case cases[] = {
        {"text_chr('65',7)", "A"},
        {"text_chr('233',7)", "é"},
        {"text_chr('128512',7)", "😀"},
        {"text_chr('65.4',7)", "A"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void characters_of_numbers_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"text_chr('0',7)", "null character not permitted"},
        {"text_chr('-1',7)", "requested character not valid for encoding: -1"},
        {"text_chr('55296',7)", "requested character not valid for encoding: 55296"},
        {"text_chr('1114112',7)", "requested character not valid for encoding: 1114112"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void texts_are_read_as_numbers(void **state)
{
    static const struct value_case cases[] = {
        {"num_parse(' 12 ',7)", "12"},
        {"num_parse('1e3',7)", "1000"},
        {"num_parse('1.50',7)", "1.50"},
        {"num_parse('.5',7)", "0.5"},
        {"num_parse('5.',7)", "5"},
        {"num_parse('+7',7)", "7"},
        {"num_parse('-0',7)", "0"},
        {"num_parse('1e-3',7)", "0.001"},
        {"num_parse('	8 ',7)", "8"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void texts_are_read_as_numbers_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"num_parse('',7)", "invalid input syntax for type numeric: \"\""},
        {"num_parse('abc',7)", "invalid input syntax for type numeric: \"abc\""},
        {"num_parse('1 2',7)", "invalid input syntax for type numeric: \"1 2\""},
        {"num_parse('NaN',7)", "invalid input syntax for type numeric: \"NaN\""},
        {"num_parse('Infinity',7)", "invalid input syntax for type numeric: \"Infinity\""},
        {"num_parse('0x10',7)", "invalid input syntax for type numeric: \"0x10\""},
        {"num_parse('1,000',7)", "invalid input syntax for type numeric: \"1,000\""},
        {"num_parse('--1',7)", "invalid input syntax for type numeric: \"--1\""},
        {"num_parse('1e99999',7)", "value overflows numeric format: more than 4096 digits"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void texts_are_read_as_booleans(void **state)
{
    static const struct value_case cases[] = {
        {"bool_parse('t',7)", "1"},
        {"bool_parse('TRUE',7)", "1"},
        {"bool_parse('yes',7)", "1"},
        {"bool_parse('y',7)", "1"},
        {"bool_parse('on',7)", "1"},
        {"bool_parse('1',7)", "1"},
        {"bool_parse('f',7)", "0"},
        {"bool_parse('no',7)", "0"},
        {"bool_parse('off',7)", "0"},
        {"bool_parse('of',7)", "0"},
        {"bool_parse('0',7)", "0"},
        {"bool_parse(' true ',7)", "1"},
        {"bool_parse('fal',7)", "0"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void texts_are_read_as_booleans_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"bool_parse('',7)", "invalid input syntax for type boolean: \"\""},
        {"bool_parse('o',7)", "invalid input syntax for type boolean: \"o\""},
        {"bool_parse('2',7)", "invalid input syntax for type boolean: \"2\""},
        {"bool_parse('truee',7)", "invalid input syntax for type boolean: \"truee\""},
        {"bool_parse('oui',7)", "invalid input syntax for type boolean: \"oui\""},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void texts_are_read_as_times(void **state)
{
    static const struct value_case cases[] = {
        {"floating_text(floating_parse('2014-10-13',7))", "2014-10-13T00:00:00.000"},
        {"floating_text(floating_parse('2014-10-13T05:06:07.1234',7))", "2014-10-13T05:06:07.123"},
        {"floating_text(floating_parse(' 2014-10-13 05:06 ',7))", "2014-10-13T05:06:00.000"},
        {"floating_text(floating_parse('10/13/2014 05:06:07 PM',7))", "2014-10-13T17:06:07.000"},
        {"fixed_text(fixed_parse('2014-10-13T05:06:07-08:00',7))", "2014-10-13T13:06:07.000Z"},
        {"fixed_text(fixed_parse('2014-10-13T05:06:07Z',7))", "2014-10-13T05:06:07.000Z"},
        {"fixed_text(fixed_parse('2014-10-13',7))", "2014-10-13T00:00:00.000Z"},
        {"date_text(date_parse('2014-10-13',7))", "2014-10-13"},
        {"date_text(date_parse('0001-01-01',7))", "0001-01-01"},
        {"date_text(date_parse('9999-12-31',7))", "9999-12-31"},
        {"date_text(date_parse('2016-02-29',7))", "2016-02-29"},
        {"time_text(time_parse('05:06',7))", "05:06:00.000"},
        {"time_text(time_parse('05:06:07',7))", "05:06:07.000"},
        {"time_text(time_parse('23:59:59.9999',7))", "23:59:59.999"},
        {"time_text(time_parse('05:06:07.5',7))", "05:06:07.500"},
        {"interval_parse('P1Y2M3DT4H5M6S',7)", "P1Y2M3DT4H5M6S"},
        {"interval_parse('P1W',7)", "P7D"},
        {"interval_parse('PT0S',7)", "PT0S"},
        {"interval_parse('P14M',7)", "P1Y2M"},
        {"interval_parse('PT90M',7)", "PT1H30M"},
        {"interval_parse('P-1D',7)", "P-1D"},
        {"interval_parse('PT-0.5S',7)", "PT-0.5S"},
        {"interval_parse('PT1.2345S',7)", "PT1.234S"},
        {"interval_parse('P1Y-2M',7)", "P10M"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void texts_are_read_as_times_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"floating_parse('2014-13-01',7)", "invalid input syntax for type floating_timestamp: \"2014-13-01\""},
        {"floating_parse('x',7)", "invalid input syntax for type floating_timestamp: \"x\""},
        {"floating_parse('',7)", "invalid input syntax for type floating_timestamp: \"\""},
        {"floating_parse('2014-10-13T05:06:07Z',7)", "invalid input syntax for type floating_timestamp: \"2014-10-13T05:06:07Z\""},
        {"fixed_parse('20141013x',7)", "invalid input syntax for type fixed_timestamp: \"20141013x\""},
        {"date_parse('2015-02-29',7)", "invalid input syntax for type date: \"2015-02-29\""},
        {"date_parse('2015-2-3',7)", "invalid input syntax for type date: \"2015-2-3\""},
        {"date_parse('0000-01-01',7)", "invalid input syntax for type date: \"0000-01-01\""},
        {"time_parse('24:00',7)", "invalid input syntax for type time: \"24:00\""},
        {"time_parse('5:06',7)", "invalid input syntax for type time: \"5:06\""},
        {"time_parse('05:06:07.',7)", "invalid input syntax for type time: \"05:06:07.\""},
        {"interval_parse('P',7)", "invalid input syntax for type interval: \"P\""},
        {"interval_parse('PT',7)", "invalid input syntax for type interval: \"PT\""},
        {"interval_parse('P1',7)", "invalid input syntax for type interval: \"P1\""},
        {"interval_parse('1D',7)", "invalid input syntax for type interval: \"1D\""},
        {"interval_parse('P1D2Y',7)", "invalid input syntax for type interval: \"P1D2Y\""},
        {"interval_parse('P1S',7)", "invalid input syntax for type interval: \"P1S\""},
        {"interval_parse('PT1D',7)", "invalid input syntax for type interval: \"PT1D\""},
        {"interval_parse('PT1.5H',7)", "invalid input syntax for type interval: \"PT1.5H\""},
        {"interval_parse('P1DT',7)", "invalid input syntax for type interval: \"P1DT\""},
        {"interval_parse('P9999999999D',7)", "invalid input syntax for type interval: \"P9999999999D\""},
        {"interval_parse('p1d',7)", "invalid input syntax for type interval: \"p1d\""},
        {"interval_parse('P1Y1Y',7)", "invalid input syntax for type interval: \"P1Y1Y\""},
        {"interval_parse('PT1.S',7)", "invalid input syntax for type interval: \"PT1.S\""},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void texts_are_read_as_json(void **state)
{
    static const struct value_case cases[] = {
        {"json_parse('{\"b\": 1, \"a\": [2.50, null]}',7)", "{\"b\":1,\"a\":[2.50,null]}"},
        {"json_parse('5',7)", "5"},
        {"json_parse(' \"x\" ',7)", "\"x\""},
        {"json_parse('[]',7)", "[]"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void texts_are_read_as_json_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"json_parse('{',7)", "invalid input syntax for type json: \"{\""},
        {"json_parse('',7)", "invalid input syntax for type json: \"\""},
        {"json_parse('{\"a\":1}x',7)", "invalid input syntax for type json: \"{\"a\":1}x\""},
        {"json_parse('{\"a\":[1, {\"b\": tru}]}',7)", "invalid input syntax for type json: \"{\"a\":[1, {\"b\": tru}]}\""},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void json_values_have_members_and_elements(void **state)
{
    static const struct value_case cases[] = {
        {"json_field('{\"a\":[1,2.50],\"b\":{\"c\":null}}','a')", "[1,2.50]"},
        {"json_field('{\"a\":1,\"a\":2}','a')", "2"},
        {"json_field('{\"b\":{\"c\":null}}','x')", NULL},
        {"json_field('[1]','a')", NULL},
        {"json_field('{\"b\":null}','b')", "null"},
        {"json_element('[1,\"x y\",{\"k\":1}]','1',7)", "\"x y\""},
        {"json_element('[1,2]','-1',7)", "2"},
        {"json_element('[1,2]','2',7)", NULL},
        {"json_element('[1,2]','-3',7)", NULL},
        {"json_element('{\"a\":1}','0',7)", NULL},
        {"json_field('damaged','a')", NULL},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void json_values_have_members_and_elements_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"json_element('[1]','99999999999',7)", "integer out of range: 99999999999"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void urls_and_locations_have_parts(void **state)
{
    static const struct value_case cases[] = {
        {"url_description('{\"url\":\"http://a.b\",\"description\":\"d e\"}')", "d e"},
        {"url_description('{\"url\":\"http://a.b\"}')", NULL},
        {"url_address('{\"url\":\"http://a.b\"}')", "http://a.b"},
        {"url_make('http://a','d \"q\"')", "{\"url\":\"http://a\",\"description\":\"d \\\"q\\\"\"}"},
        {"url_make(NULL,'d')", "{\"description\":\"d\"}"},
        {"url_make('http://a',NULL)", "{\"url\":\"http://a\"}"},
        {"url_make(NULL,NULL)", NULL},
        {"url_text('{\"url\":\"http://a.b\",\"description\":\"d e\"}')", "d e (http://a.b)"},
        {"loc_latitude('{\"latitude\":\"41.50\",\"longitude\":\"-87\"}')", "41.50"},
        {"loc_longitude('{\"latitude\":\"41.50\",\"longitude\":\"-87\"}')", "-87"},
        {"loc_latitude('{\"human_address\":\"{}\"}')", NULL},
        {"loc_human_address('{\"latitude\":\"41.50\",\"human_address\":\"{}\"}')", "{}"},
        {"hex(loc_point('{\"latitude\":\"1\",\"longitude\":\"2\"}'))", "01010000000000000000000040000000000000F03F"},
        {"loc_point('{\"latitude\":\"1\"}')", NULL},
        {"loc_text('{\"latitude\":\"1\",\"longitude\":\"2\",\"human_address\":\"{\\\"address\\\":\\\"1 Main\\\",\\\"city\\\":\\\"C\\\",\\\"state\\\":\\\"IL\\\",\\\"zip\\\":\\\"60601\\\"}\"}')", "1 Main\nC, IL 60601\n(1, 2)"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void extremes_of_any_type_leave_nulls_out(void **state)
{
    static const struct value_case cases[] = {
        {"any_greatest('a','b',NULL)", "b"},
        {"any_least('b','é','B')", "B"},
        {"any_greatest(1,3,2)", "3"},
        {"any_least(1.5,-2.5)", "-2.5"},
        {"any_greatest(NULL)", NULL},
        {"any_median(column1) FROM (VALUES ('b'),('a'),('d'),('c'),(NULL)) AS t", "b"},
        {"any_median(column1) FROM (VALUES (3),(1),(2)) AS t", "2"},
        {"any_median(column1) FROM (VALUES (NULL)) AS t", NULL},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_is_mapped_character_by_character),
        cmocka_unit_test(accents_are_taken_away),
        cmocka_unit_test(prefixes_and_parts_are_literal),
        cmocka_unit_test(like_knows_percent_underscore_and_backslash),
        cmocka_unit_test(like_knows_percent_underscore_and_backslash_refuse),
        cmocka_unit_test(case_can_be_ignored_in_lists),
        cmocka_unit_test(substrings_count_characters_from_one),
        cmocka_unit_test(substrings_count_characters_from_one_refuse),
        cmocka_unit_test(parts_between_delimiters),
        cmocka_unit_test(parts_between_delimiters_refuse),
        cmocka_unit_test(texts_are_replaced_and_filled_up),
        cmocka_unit_test(texts_are_replaced_and_filled_up_refuse),
        cmocka_unit_test(characters_of_numbers),
        cmocka_unit_test(characters_of_numbers_refuse),
        cmocka_unit_test(texts_are_read_as_numbers),
        cmocka_unit_test(texts_are_read_as_numbers_refuse),
        cmocka_unit_test(texts_are_read_as_booleans),
        cmocka_unit_test(texts_are_read_as_booleans_refuse),
        cmocka_unit_test(texts_are_read_as_times),
        cmocka_unit_test(texts_are_read_as_times_refuse),
        cmocka_unit_test(texts_are_read_as_json),
        cmocka_unit_test(texts_are_read_as_json_refuse),
        cmocka_unit_test(json_values_have_members_and_elements),
        cmocka_unit_test(json_values_have_members_and_elements_refuse),
        cmocka_unit_test(urls_and_locations_have_parts),
        cmocka_unit_test(extremes_of_any_type_leave_nulls_out),
    };
    return cmocka_run_group_tests(tests, open_sql, close_sql);
}
