/* The SQL functions of numbers (sql/functions/): known answers, which are those of PostgreSQL 15 (docs/wire/soql.md, "Numbers"). */
#include "sql_kit.h"

static void sums_and_differences_keep_the_longer_scale(void **state)
{
    static const struct value_case cases[] = {
        {"num_add('1','2',7)", "3"},
        {"num_add('1.50','2',7)", "3.50"},
        {"num_add('-1.5','1.50',7)", "0.00"},
        {"num_add('0.1','0.2',7)", "0.3"},
        {"num_add('1234567890123456789012345678901234567890','0.001',7)", "1234567890123456789012345678901234567890.001"},
        {"num_add('-1234567890123456789012345678901234567890','1234567890123456789012345678901234567890',7)", "0"},
        {"num_add('99999999999999999999','1',7)", "100000000000000000000"},
        {"num_add('1','-0.000000000000000000001',7)", "0.999999999999999999999"},
        {"num_subtract('1','2',7)", "-1"},
        {"num_subtract('1.50','1.5',7)", "0.00"},
        {"num_subtract('0','0.00',7)", "0.00"},
        {"num_subtract('1234567890123456789012345678901234567890','1',7)", "1234567890123456789012345678901234567889"},
        {"num_subtract('-5','-7.25',7)", "2.25"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void products_add_scales(void **state)
{
    static const struct value_case cases[] = {
        {"num_multiply('2','3',7)", "6"},
        {"num_multiply('1.5','1.50',7)", "2.250"},
        {"num_multiply('-0.1','0.1',7)", "-0.01"},
        {"num_multiply('0','5.00',7)", "0.00"},
        {"num_multiply('999999999999999999','999999999999999999',7)", "999999999999999998000000000000000001"},
        {"num_multiply('1234567890123456789012345678901234567890','1234567890123456789012345678901234567890',7)", "1524157875323883675049535156256668194500533455762536198787501905199875019052100"},
        {"num_multiply('-0.00','3',7)", "0.00"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void quotients_have_16_significant_digits_or_more(void **state)
{
    static const struct value_case cases[] = {
        {"num_divide('1','3',7)", "0.33333333333333333333"},
        {"num_divide('10','4',7)", "2.5000000000000000"},
        {"num_divide('1000000','7',7)", "142857.142857142857"},
        {"num_divide('2','3',7)", "0.66666666666666666667"},
        {"num_divide('-2','3',7)", "-0.66666666666666666667"},
        {"num_divide('2','-3',7)", "-0.66666666666666666667"},
        {"num_divide('1','1',7)", "1.00000000000000000000"},
        {"num_divide('0','5',7)", "0.00000000000000000000"},
        {"num_divide('0.00','7.000',7)", "0.00000000000000000000"},
        {"num_divide('1','0.0003',7)", "3333.3333333333333333"},
        {"num_divide('1234567890123456789012345678901234567890','7',7)", "176366841446208112716049382700176366841"},
        {"num_divide('1','1234567890123456789012345678901234567890',7)", "0.00000000000000000000000000000000000000081000000729000007"},
        {"num_divide('-594664435692553608.2950','-40269336',7)", "14767177578.80471653"},
        {"num_divide('0.67','-1134.026817069645669',7)", "-0.00059081495244644845"},
        {"num_divide('10000','9999',7)", "1.0001000100010001"},
        {"num_divide('9999','10000',7)", "0.99990000000000000000"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void quotients_have_16_significant_digits_or_more_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"num_divide('1','0',7)", "division by zero"},
        {"num_divide('0','0.00',7)", "division by zero"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void remainders_have_the_sign_of_the_dividend(void **state)
{
    static const struct value_case cases[] = {
        {"num_modulo('7','3',7)", "1"},
        {"num_modulo('-7','3',7)", "-1"},
        {"num_modulo('7','-3',7)", "1"},
        {"num_modulo('7.5','2',7)", "1.5"},
        {"num_modulo('5','0.3',7)", "0.2"},
        {"num_modulo('1234567890123456789012345678901234567890','7',7)", "3"},
        {"num_modulo('1','1234567890123456789012345678901234567890',7)", "1"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void remainders_have_the_sign_of_the_dividend_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"num_modulo('5','0',7)", "division by zero"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void powers(void **state)
{
    static const struct value_case cases[] = {
        {"num_power('2','10',7)", "1024.0000000000000000"},
        {"num_power('2','0.5',7)", "1.4142135623730950"},
        {"num_power('2','-3',7)", "0.1250000000000000"},
        {"num_power('0','0',7)", "1.0000000000000000"},
        {"num_power('0','3',7)", "0.0000000000000000"},
        {"num_power('0','0.5',7)", "0.0000000000000000"},
        {"num_power('1.5','2',7)", "2.2500000000000000"},
        {"num_power('-2','3',7)", "-8.0000000000000000"},
        {"num_power('-2','4',7)", "16.0000000000000000"},
        {"num_power('10','20',7)", "100000000000000000000.0000000000000000"},
        {"num_power('100','1.5',7)", "1000.0000000000000"},
        {"num_power('1.000001','1000000',7)", "2.7182804693193769"},
        {"num_power('2','100.0',7)", "1267650600228229401496703205376.0000000000000000"},
        {"num_power('4','0.5',7)", "2.0000000000000000"},
        {"num_power('0.5','40',7)", "0.0000000000009095"},
        {"num_power('10','-30',7)", "0.0000000000000000"},
        {"num_power('2.5','-1.5',7)", "0.2529822128134703"},
        {"num_power('10','0.25',7)", "1.7782794100389228"},
        {"num_power('1.0000000001','123456789',7)", "1.0124222013761900"},
        {"num_power('0.1','6000.5',7)", "0.0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void powers_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"num_power('0','-1',7)", "zero raised to a negative power is undefined"},
        {"num_power('-8','0.5',7)", "a negative number raised to a non-integer power yields a complex result"},
        {"num_power('10','5000',7)", "value overflows numeric format: the result would have more than 4,096 digits"},
        {"num_power('7','99999.5',7)", "value overflows numeric format: the result would have more than 4,096 digits"},
        {"num_power('9','2147483648',7)", "value overflows numeric format: the result would have more than 4,096 digits"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void logarithms(void **state)
{
    static const struct value_case cases[] = {
        {"num_ln('1',7)", "0.0000000000000000"},
        {"num_ln('10',7)", "2.3025850929940457"},
        {"num_ln('2.5',7)", "0.9162907318741551"},
        {"num_ln('0.5',7)", "-0.6931471805599453"},
        {"num_ln('1.05',7)", "0.048790164169432003"},
        {"num_ln('0.99',7)", "-0.010050335853501441"},
        {"num_ln('1.000000001',7)", "0.0000000009999999995000000"},
        {"num_ln('12345678901234567890',7)", "43.959837789202521"},
        {"num_ln('1234567890123456789012345678901234567890',7)", "90.011539649083434"},
        {"num_ln('0.000001',7)", "-13.815510557964274"},
        {"num_ln('1.1',7)", "0.09531017980432486"},
        {"num_ln('0.9',7)", "-0.10536051565782630"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void logarithms_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"num_ln('0',7)", "cannot take logarithm of zero"},
        {"num_ln('0.00',7)", "cannot take logarithm of zero"},
        {"num_ln('-1',7)", "cannot take logarithm of a negative number"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void rounding_is_half_away_from_zero(void **state)
{
    static const struct value_case cases[] = {
        {"num_round('2.5','0',7)", "3"},
        {"num_round('-2.5','0',7)", "-3"},
        {"num_round('2.45','1',7)", "2.5"},
        {"num_round('1.5','3',7)", "1.500"},
        {"num_round('15','-1',7)", "20"},
        {"num_round('14.9','-1',7)", "10"},
        {"num_round('-15','-1',7)", "-20"},
        {"num_round('5','-1',7)", "10"},
        {"num_round('4','-1',7)", "0"},
        {"num_round('0.05','1',7)", "0.1"},
        {"num_round('1234567890123456789012345678901234567890','-30',7)", "1234567890000000000000000000000000000000"},
        {"num_round('1.005','2',7)", "1.01"},
        {"num_round('123.456','1.5',7)", "123.46"},
        {"num_round('1.55','1',7)", "1.6"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void rounding_is_half_away_from_zero_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"num_round('1','99999999999',7)", "integer out of range: 99999999999"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void whole_parts(void **state)
{
    static const struct value_case cases[] = {
        {"num_ceil('1.5')", "2"},
        {"num_ceil('-1.5')", "-1"},
        {"num_ceil('-0.5')", "0"},
        {"num_ceil('0.5')", "1"},
        {"num_ceil('2')", "2"},
        {"num_ceil('2.00')", "2"},
        {"num_ceil('-2.00')", "-2"},
        {"num_ceil('99999999999999999999.1')", "100000000000000000000"},
        {"num_ceil('-0.0')", "0"},
        {"num_floor('1.5')", "1"},
        {"num_floor('-1.5')", "-2"},
        {"num_floor('-0.5')", "-1"},
        {"num_floor('0.5')", "0"},
        {"num_floor('2')", "2"},
        {"num_floor('2.00')", "2"},
        {"num_floor('-2.00')", "-2"},
        {"num_floor('99999999999999999999.1')", "99999999999999999999"},
        {"num_floor('-0.0')", "0"},
        {"num_abs('-1.50')", "1.50"},
        {"num_abs('1.50')", "1.50"},
        {"num_abs('0')", "0"},
        {"num_negate('1.5')", "-1.5"},
        {"num_negate('-1.5')", "1.5"},
        {"num_negate('0')", "0"},
        {"num_negate('0.00')", "0.00"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void magnitudes_and_buckets(void **state)
{
    static const struct value_case cases[] = {
        {"num_signed_magnitude_10('0')", "0"},
        {"num_signed_magnitude_10('0.5')", "1"},
        {"num_signed_magnitude_10('9')", "1"},
        {"num_signed_magnitude_10('10')", "2"},
        {"num_signed_magnitude_10('-123.4')", "-3"},
        {"num_signed_magnitude_10('99999')", "5"},
        {"num_signed_magnitude_linear('7.5','1',7)", "7"},
        {"num_signed_magnitude_linear('-7.5','1',7)", "-8"},
        {"num_signed_magnitude_linear('25','10',7)", "3"},
        {"num_signed_magnitude_linear('-25','10',7)", "-3"},
        {"num_signed_magnitude_linear('0','10',7)", "0"},
        {"num_signed_magnitude_linear('30','10',7)", "4"},
        {"num_signed_magnitude_linear('25','-10',7)", "-2"},
        {"num_signed_magnitude_linear('-25','-100',7)", "0"},
        {"num_width_bucket('5','0','10','5',7)", "3"},
        {"num_width_bucket('-1','0','10','5',7)", "0"},
        {"num_width_bucket('10','0','10','5',7)", "6"},
        {"num_width_bucket('0','0','10','5',7)", "1"},
        {"num_width_bucket('5','10','0','5',7)", "3"},
        {"num_width_bucket('11','10','0','5',7)", "0"},
        {"num_width_bucket('0','10','0','5',7)", "6"},
        {"num_width_bucket('3.35','0.1','10.7','4',7)", "2"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void magnitudes_and_buckets_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"num_signed_magnitude_linear('1','0',7)", "division by zero"},
        {"num_width_bucket('1','0','10','0',7)", "count must be greater than zero"},
        {"num_width_bucket('1','5','5.0','3',7)", "lower bound cannot equal upper bound"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void extremes_leave_nulls_out(void **state)
{
    static const struct value_case cases[] = {
        {"num_greatest('1','10.0','9',NULL)", "10.0"},
        {"num_least('1','-10.0',NULL,'9')", "-10.0"},
        {"num_greatest(NULL,NULL)", NULL},
        {"num_greatest('1.0','1')", "1.0"},
        {"num_least('-0.5')", "-0.5"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void whole_arguments_are_rounded(void **state)
{
    static const struct value_case cases[] = {
        {"num_int('2.5',7)", "3"},
        {"num_int('-2.5',7)", "-3"},
        {"num_int('2.4',7)", "2"},
        {"num_positive('3',7)", "3"},
        {"num_int('2147483647',7)", "2147483647"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void whole_arguments_are_rounded_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"num_int('2147483648',7)", "integer out of range: 2147483648"},
        {"num_int('99999999999999999999',7)", "integer out of range: 99999999999999999999"},
        {"num_positive('0',7)", "argument of ntile must be greater than zero"},
        {"num_positive('-1',7)", "argument of ntile must be greater than zero"},
        {"num_positive(NULL,7)", "argument of ntile must be greater than zero"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void nulls_make_nulls(void **state)
{
    static const struct value_case cases[] = {
        {"num_add(NULL,'1',7)", NULL},
        {"num_divide('1',NULL,7)", NULL},
        {"num_round(NULL,'1',7)", NULL},
        {"num_ln(NULL,7)", NULL},
        {"real_divide(NULL,0,7)", NULL},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void doubles(void **state)
{
    static const struct value_case cases[] = {
        {"real_text(0.1)", "0.1"},
        {"real_text(1e20)", "1e+20"},
        {"real_text(1e-5)", "1e-05"},
        {"real_text(100000.0)", "100000"},
        {"real_text(123456789012345680.0)", "1.2345678901234568e+17"},
        {"real_text(1.5e300)", "1.5e+300"},
        {"real_text(-0.25)", "-0.25"},
        {"real_text(1e15)", "1e+15"},
        {"real_text(999999999999999.0)", "999999999999999"},
        {"real_text(0.0001)", "0.0001"},
        {"real_text(1.0/3)", "0.3333333333333333"},
        {"real_text(2.0/3)", "0.6666666666666666"},
        {"real_text(5e-324)", "5e-324"},
        {"real_text(1.7976931348623157e308)", "1.7976931348623157e+308"},
        {"real_add(1.5,2.25,7)", "3.75"},
        {"real_subtract(1.0,0.1,7)", "0.9"},
        {"real_multiply(1.5,2.0,7)", "3.0"},
        {"real_divide(1.0,4.0,7)", "0.25"},
        {"real_modulo(7.5,2.0,7)", "1.5"},
        {"real_modulo(-7.5,2.0,7)", "-1.5"},
        {"real_power(2.0,0.5,7)", "1.4142135623731"},
        {"real_ln(10.0,7)", "2.30258509299405"},
        {"real_ceil(1.2)", "2.0"},
        {"real_floor(-1.2)", "-2.0"},
        {"real_signed_magnitude_linear(-25.0,10.0,7)", "-3.0"},
        {"real_signed_magnitude_linear(2.5,1.0,7)", "2.0"},
        {"real_number(0.1)", "0.1"},
        {"real_number(1e20)", "100000000000000000000"},
        {"real_number(1.0/3)", "0.333333333333333"},
        {"num_real('0.1',7)", "0.1"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void doubles_refuse(void **state)
{
    static const struct refusal_case cases[] = {
        {"real_add(1.7e308,1.7e308,7)", "value out of range: overflow"},
        {"real_multiply(1e300,1e300,7)", "value out of range: overflow"},
        {"real_multiply(1e-300,1e-300,7)", "value out of range: underflow"},
        {"real_divide(1.0,0.0,7)", "division by zero"},
        {"real_modulo(1.0,0.0,7)", "division by zero"},
        {"real_power(0.0,-1.0,7)", "zero raised to a negative power is undefined"},
        {"real_power(-8.0,0.5,7)", "a negative number raised to a non-integer power yields a complex result"},
        {"real_power(10.0,400.0,7)", "value out of range: overflow"},
        {"real_ln(0.0,7)", "cannot take logarithm of zero"},
        {"real_ln(-1.0,7)", "cannot take logarithm of a negative number"},
        {"real_signed_magnitude_linear(1.0,0.0,7)", "division by zero"},
        {"num_real('10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000',7)", "\"1000000000000000000000000000000000000000…\" is out of range for type double"},
    };
    (void)state;
    check_refusals(cases, N_OF(cases));
}

static void aggregates_are_exact(void **state)
{
    static const struct value_case cases[] = {
        {"num_sum(column1,7) FROM (VALUES ('1'),('2'),('3')) AS t", "6"},
        {"num_sum(column1,7) FROM (VALUES ('1.50'),('2'),(NULL)) AS t", "3.50"},
        {"num_sum(column1,7) FROM (VALUES ('5')) AS t", "5"},
        {"num_sum(column1,7) FROM (VALUES (NULL)) AS t", NULL},
        {"num_sum(column1,7) FROM (VALUES ('0.1'),('0.2'),('0.30')) AS t", "0.60"},
        {"num_sum(column1,7) FROM (VALUES ('1234567890123456789012345678901234567890'),('1234567890123456789012345678901234567890'),('1')) AS t", "2469135780246913578024691357802469135781"},
        {"num_sum(column1,7) FROM (VALUES ('999999999999999999'),('999999999999999999'),('0.000000000000000001')) AS t", "1999999999999999998.000000000000000001"},
        {"num_sum(column1,7) FROM (VALUES ('-1'),('1')) AS t", "0"},
        {"num_sum(column1,7) FROM (VALUES ('7'),('7'),('7.00')) AS t", "21.00"},
        {"num_sum(column1,7) FROM (VALUES ('1'),('2'),('3'),('4.5')) AS t", "10.5"},
        {"num_avg(column1,7) FROM (VALUES ('1'),('2'),('3')) AS t", "2.0000000000000000"},
        {"num_avg(column1,7) FROM (VALUES ('1.50'),('2'),(NULL)) AS t", "1.7500000000000000"},
        {"num_avg(column1,7) FROM (VALUES ('5')) AS t", "5.0000000000000000"},
        {"num_avg(column1,7) FROM (VALUES (NULL)) AS t", NULL},
        {"num_avg(column1,7) FROM (VALUES ('0.1'),('0.2'),('0.30')) AS t", "0.20000000000000000000"},
        {"num_avg(column1,7) FROM (VALUES ('1234567890123456789012345678901234567890'),('1234567890123456789012345678901234567890'),('1')) AS t", "823045260082304526008230452600823045260"},
        {"num_avg(column1,7) FROM (VALUES ('999999999999999999'),('999999999999999999'),('0.000000000000000001')) AS t", "666666666666666666.000000000000000000"},
        {"num_avg(column1,7) FROM (VALUES ('-1'),('1')) AS t", "0.00000000000000000000"},
        {"num_avg(column1,7) FROM (VALUES ('7'),('7'),('7.00')) AS t", "7.0000000000000000"},
        {"num_avg(column1,7) FROM (VALUES ('1'),('2'),('3'),('4.5')) AS t", "2.6250000000000000"},
        {"num_stddev_pop(column1,7) FROM (VALUES ('1'),('2'),('3')) AS t", "0.81649658092772603273"},
        {"num_stddev_pop(column1,7) FROM (VALUES ('1.50'),('2'),(NULL)) AS t", "0.25000000000000000000"},
        {"num_stddev_pop(column1,7) FROM (VALUES ('5')) AS t", "0"},
        {"num_stddev_pop(column1,7) FROM (VALUES (NULL)) AS t", NULL},
        {"num_stddev_pop(column1,7) FROM (VALUES ('0.1'),('0.2'),('0.30')) AS t", "0.08164965809277260329"},
        {"num_stddev_pop(column1,7) FROM (VALUES ('1234567890123456789012345678901234567890'),('1234567890123456789012345678901234567890'),('1')) AS t", "581980884627643204185613612646680986063"},
        {"num_stddev_pop(column1,7) FROM (VALUES ('999999999999999999'),('999999999999999999'),('0.000000000000000001')) AS t", "471404520791031682.462491720612201009451256529598051649"},
        {"num_stddev_pop(column1,7) FROM (VALUES ('-1'),('1')) AS t", "1.00000000000000000000"},
        {"num_stddev_pop(column1,7) FROM (VALUES ('7'),('7'),('7.00')) AS t", "0"},
        {"num_stddev_pop(column1,7) FROM (VALUES ('1'),('2'),('3'),('4.5')) AS t", "1.2930100540985751"},
        {"num_stddev_samp(column1,7) FROM (VALUES ('1'),('2'),('3')) AS t", "1.00000000000000000000"},
        {"num_stddev_samp(column1,7) FROM (VALUES ('1.50'),('2'),(NULL)) AS t", "0.35355339059327376220"},
        {"num_stddev_samp(column1,7) FROM (VALUES ('5')) AS t", NULL},
        {"num_stddev_samp(column1,7) FROM (VALUES (NULL)) AS t", NULL},
        {"num_stddev_samp(column1,7) FROM (VALUES ('0.1'),('0.2'),('0.30')) AS t", "0.10000000000000000000"},
        {"num_stddev_samp(column1,7) FROM (VALUES ('1234567890123456789012345678901234567890'),('1234567890123456789012345678901234567890'),('1')) AS t", "712778103695646100349261305675300887456"},
        {"num_stddev_samp(column1,7) FROM (VALUES ('999999999999999999'),('999999999999999999'),('0.000000000000000001')) AS t", "577350269189625763.931798511312331690561102701578543656"},
        {"num_stddev_samp(column1,7) FROM (VALUES ('-1'),('1')) AS t", "1.4142135623730950"},
        {"num_stddev_samp(column1,7) FROM (VALUES ('7'),('7'),('7.00')) AS t", "0"},
        {"num_stddev_samp(column1,7) FROM (VALUES ('1'),('2'),('3'),('4.5')) AS t", "1.4930394055974098"},
        {"num_median(column1,7) FROM (VALUES ('1'),('2'),('3')) AS t", "2"},
        {"num_median(column1,7) FROM (VALUES ('1.50'),('2'),(NULL)) AS t", "1.75"},
        {"num_median(column1,7) FROM (VALUES ('5')) AS t", "5"},
        {"num_median(column1,7) FROM (VALUES (NULL)) AS t", NULL},
        {"num_median(column1,7) FROM (VALUES ('0.1'),('0.2'),('0.30')) AS t", "0.2"},
        {"num_median(column1,7) FROM (VALUES ('1234567890123456789012345678901234567890'),('1234567890123456789012345678901234567890'),('1')) AS t", "1234567890123460000000000000000000000000"},
        {"num_median(column1,7) FROM (VALUES ('999999999999999999'),('999999999999999999'),('0.000000000000000001')) AS t", "1000000000000000000"},
        {"num_median(column1,7) FROM (VALUES ('-1'),('1')) AS t", "0"},
        {"num_median(column1,7) FROM (VALUES ('7'),('7'),('7.00')) AS t", "7"},
        {"num_median(column1,7) FROM (VALUES ('1'),('2'),('3'),('4.5')) AS t", "2.5"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void windows_give_what_their_frame_gives(void **state)
{
    static const struct value_case cases[] = {
        {"num_sum(column1,7) OVER (ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM (VALUES ('1'),('2.50'),('3'),('40'),('-5.125'),(NULL),('1234567890123456789012345678901234567890'),('1')) AS t", "3.50|6.50|45.50|37.875|34.875|1234567890123456789012345678901234567884.875|1234567890123456789012345678901234567891|1234567890123456789012345678901234567891"},
        {"num_avg(column1,7) OVER (ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM (VALUES ('1'),('2.50'),('3'),('40'),('-5.125'),(NULL),('1234567890123456789012345678901234567890'),('1')) AS t", "1.7500000000000000|2.1666666666666667|15.1666666666666667|12.6250000000000000|17.4375000000000000|617283945061728394506172839450617283942.438|617283945061728394506172839450617283946|617283945061728394506172839450617283946"},
        {"num_stddev_samp(column1,7) OVER (ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM (VALUES ('1'),('2.50'),('3'),('40'),('-5.125'),(NULL),('1234567890123456789012345678901234567890'),('1')) AS t", "1.06066017177982128660|1.04083299973306636764|21.5077505409871567|24.0530013719701933|31.9081935010429570|872971326941464806278420418970021479098.945786|872971326941464806278420418970021479095|872971326941464806278420418970021479095"},
        {"num_median(column1,7) OVER (ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM (VALUES ('1'),('2.50'),('3'),('40'),('-5.125'),(NULL),('1234567890123456789012345678901234567890'),('1')) AS t", "1.75|2.5|3|3|17.4375|617283945061728000000000000000000000000|617283945061728000000000000000000000000|617283945061728000000000000000000000000"},
        {"real_sum(CAST(column1 AS REAL),7) OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES ('1'),('2.50'),('3'),('40'),(NULL),(NULL),(NULL),('-5')) AS t", "1.0|3.5|5.5|43.0|40.0|null|null|-5.0"},
        {"real_avg(CAST(column1 AS REAL),7) OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES ('1'),('2.50'),('3'),('40'),(NULL),(NULL),(NULL),('-5')) AS t", "1.0|1.75|2.75|21.5|40.0|null|null|-5.0"},
        {"real_median(CAST(column1 AS REAL)) OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES ('1'),('2.50'),('3'),('40'),(NULL),(NULL),(NULL),('-5')) AS t", "1.0|1.75|2.75|21.5|40.0|null|null|-5.0"},
        {"real_stddev_pop(CAST(column1 AS REAL),7) OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES ('1'),('2.50'),('3'),('40'),(NULL),(NULL),(NULL),('-5')) AS t", "0.0|0.75|0.25|18.5|0.0|null|null|0.0"},
        {"any_median(column1) OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES ('1'),('2.50'),('3'),('40'),(NULL),(NULL),(NULL),('-5')) AS t", "1|1|2.50|3|40|null|null|-5"},
        {"num_regr_slope(column1,column1||'5',7) OVER (ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM (VALUES ('1'),('2'),('4'),('8'),('3')) AS t", "|0.1|0.1|0.1|0.1"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

static void lines_of_least_squares(void **state)
{
    static const struct value_case cases[] = {
        {"num_regr_slope(column1,column2,7) FROM (VALUES ('1','2'),('2','4.5'),('4',NULL),('3','5')) AS t", "0.580645161290323"},
        {"num_regr_intercept(column1,column2,7) FROM (VALUES ('1','2'),('2','4.5'),('4',NULL),('3','5')) AS t", "-0.225806451612904"},
        {"num_regr_r2(column1,column2,7) FROM (VALUES ('1','2'),('2','4.5'),('4',NULL),('3','5')) AS t", "0.870967741935484"},
        {"num_regr_r2('1','2',7)", NULL},
        {"num_regr_slope(column1,'1',7) FROM (VALUES ('1'),('2')) AS t", NULL},
        {"num_regr_r2('1',column1,7) FROM (VALUES ('1'),('2')) AS t", "1"},
    };
    (void)state;
    check_values(cases, N_OF(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_differences_keep_the_longer_scale),
        cmocka_unit_test(products_add_scales),
        cmocka_unit_test(quotients_have_16_significant_digits_or_more),
        cmocka_unit_test(quotients_have_16_significant_digits_or_more_refuse),
        cmocka_unit_test(remainders_have_the_sign_of_the_dividend),
        cmocka_unit_test(remainders_have_the_sign_of_the_dividend_refuse),
        cmocka_unit_test(powers),
        cmocka_unit_test(powers_refuse),
        cmocka_unit_test(logarithms),
        cmocka_unit_test(logarithms_refuse),
        cmocka_unit_test(rounding_is_half_away_from_zero),
        cmocka_unit_test(rounding_is_half_away_from_zero_refuse),
        cmocka_unit_test(whole_parts),
        cmocka_unit_test(magnitudes_and_buckets),
        cmocka_unit_test(magnitudes_and_buckets_refuse),
        cmocka_unit_test(extremes_leave_nulls_out),
        cmocka_unit_test(whole_arguments_are_rounded),
        cmocka_unit_test(whole_arguments_are_rounded_refuse),
        cmocka_unit_test(nulls_make_nulls),
        cmocka_unit_test(doubles),
        cmocka_unit_test(doubles_refuse),
        cmocka_unit_test(aggregates_are_exact),
        cmocka_unit_test(windows_give_what_their_frame_gives),
        cmocka_unit_test(lines_of_least_squares),
    };
    return cmocka_run_group_tests(tests, open_sql, close_sql);
}
