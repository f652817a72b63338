/* Full-text search in the embedded engine (src/sql/functions/search.c; docs/wire/soql.md, "Search"). */
#include "sql_kit.h"

static void words_are_found_whole_and_by_their_stem(void **state)
{
    (void)state;
    static const struct value_case cases[] = {
        {"search_matches('theft', 'THEFT')", "1"},
        {"search_matches('thefts', 'Theft from building')", "1"},
        {"search_matches('running', 'he runs')", "1"},
        {"search_matches('building theft', 'Theft from building')", "1"},
        {"search_matches('building theft', 'Theft', null, 'from building')", "1"},
        {"search_matches('building theft', 'Theft', null, 'from a house')", "0"},
        {"search_matches('heft', 'theft heft')", "1"},
        {"search_matches('heft', 'theft')", "0"},
        {"search_matches('theft', 'theftx')", "0"},
        {"search_matches('theft', 't heft')", "0"},
        {"search_matches('theft', '-theft-')", "1"},
        {"search_matches('theft', 'xtheft theft')", "1"},
        {"search_matches('theft', '')", "0"},
        {"search_matches('theft', null)", "0"},
        {"search_matches(null, 'theft')", NULL},
        {"search_matches('the', 'the')", "0"},
        {"search_matches('the theft', 'theft')", "1"},
        {"search_matches('', 'theft')", "0"},
        {"search_matches('x7', 'X7')", "1"},
        {"search_matches('007', 'no 007')", "1"},
        {"search_matches('007', '0070')", "0"},
        {"search_matches('007', '1007')", "0"},
    };
    check_values(cases, N_OF(cases));
}

/* Words of other letters than ASCII begin, end and go on as words. */
static void letters_of_any_script_are_of_words(void **state)
{
    (void)state;
    static const struct value_case cases[] = {
        {"search_matches('école', 'l''école')", "1"},
        {"search_matches('école', 'lécole')", "0"},
        {"search_matches('école', 'ÉCOLE')", "1"},
        {"search_matches('colt', 'écolt')", "0"},
        {"search_matches('colt', 'xécolt colt')", "1"},
        {"search_matches('colt', 'xx é colt')", "1"},
        {"search_matches('colt', 'xx—colt')", "1"},
        {"search_matches('xé', 'axé xé')", "1"},
        {"search_matches('xé', 'axé')", "0"},
        {"search_matches('kelvin', '\xe2\x84\xaa" "elvin')", "1"},
        {"search_matches('東京', '東京 tower')", "1"},
        {"search_matches('tower', '東京tower')", "0"},
    };
    check_values(cases, N_OF(cases));
}

static void joined_texts_stay_apart(void **state)
{
    (void)state;
    static const struct value_case cases[] = {
        {"search_matches('theft', search_join('a', null, 'the', 'ft'))", "0"},
        {"search_matches('theft', search_join('a', null), search_join('theft'))", "1"},
    };
    check_values(cases, N_OF(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_found_whole_and_by_their_stem),
        cmocka_unit_test(letters_of_any_script_are_of_words),
        cmocka_unit_test(joined_texts_stay_apart),
    };
    return cmocka_run_group_tests(tests, open_sql, close_sql);
}
