#include "support/support.h"

#include "options/units.h"

#include <string.h>

static void counts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0},
                {"8192", 8192},
                {"1e6", 1000000},
                {"1.5e3", 1500},
                {" 7 ", 7},
                {"18446744073709551614", UINT64_MAX - 1},
                {"2.5e1", 25},
                {"007", 7},
                {"9007199254740993", 9007199254740993},
                {"9007199254740992.0", 9007199254740992}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t value = 99;
        assert_int_equal(units_count(good[i].text, &value), UNITS_OK);
        assert_true(value == good[i].value);
    }
    static const char *const bad[] = {"",   "-1", "1.5", "0x10", "8k", "inf", "nan",
                                      "1e", "+5", "1 2", "five", ".",  "1e-1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t value;
        assert_int_equal(units_count(bad[i], &value), UNITS_MALFORMED);
    }
    static const char *const large[] = {"18446744073709551615", "99999999999999999999999", "1e300",
                                        "9007199254740994.0"};
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        uint64_t value;
        assert_int_equal(units_count(large[i], &value), UNITS_TOO_LARGE);
    }
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        simtime value;
    } good[] = {{"1ps", 1},
                {"1ns", SIMTIME_NS},
                {"200us", 200 * SIMTIME_US},
                {"1.5 ms", 1500 * SIMTIME_US},
                {"1.1s", 1100 * SIMTIME_MS},
                {"2min", 120 * SIMTIME_S},
                {"0.5h", 1800 * SIMTIME_S},
                {"0", 0},
                {"0.0", 0},
                {"-3ms", -3 * SIMTIME_MS},
                {".5s", 500 * SIMTIME_MS},
                {"1e3s", 1000 * SIMTIME_S},
                {"0.4ps", 0},
                {"0.6ps", 1},
                {"2400h", SIMTIME_LIMIT},
                {"8639999999999999999ps", SIMTIME_LIMIT - 1}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        simtime value = 99;
        assert_int_equal(units_duration(good[i].text, &value), UNITS_OK);
        assert_true(value == good[i].value);
    }
    simtime value;
    assert_int_equal(units_duration("100", &value), UNITS_NO_UNIT);
    assert_int_equal(units_duration("2400.001h", &value), UNITS_TOO_LARGE);
    assert_int_equal(units_duration("8640000000000000001ps", &value), UNITS_TOO_LARGE);
    assert_int_equal(units_duration("99999999999999999999999s", &value), UNITS_TOO_LARGE);
    assert_int_equal(units_duration("1e400s", &value), UNITS_TOO_LARGE);
    static const char *const bad[] = {"",     "ms",   "5 apples", "5S",  "5 m",
                                      "0x5s", "infs", "5ss",      "1s2", "5 very long text"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(units_duration(bad[i], &value), UNITS_MALFORMED);
    }
}

typedef enum units_result (*read_double_fn)(const char *text, double *out);

static void check_double(read_double_fn read, const char *text, double wanted)
{
    double value = -99.0;
    assert_int_equal(read(text, &value), UNITS_OK);
    assert_memory_equal(&value, &wanted, sizeof value);
}

static void doubles(void **state)
{
    (void)state;
    double value;
    check_double(units_rate, "0.5/s", 0.5);
    check_double(units_rate, "30/min", 0.5);
    check_double(units_rate, "1800 /h", 0.5);
    check_double(units_rate, "0.1", 0.1);
    assert_int_equal(units_rate("5 apples", &value), UNITS_MALFORMED);
    assert_int_equal(units_rate("5/ms", &value), UNITS_MALFORMED);
    assert_int_equal(units_rate("", &value), UNITS_MALFORMED);
    assert_int_equal(units_rate("1e999", &value), UNITS_TOO_LARGE);

    check_double(units_bandwidth, "1B/s", 1.0);
    check_double(units_bandwidth, "3kB/s", 3e3);
    check_double(units_bandwidth, "50GB/s", 50e9);
    check_double(units_bandwidth, "3.35 TB/s", 3.35e12);
    check_double(units_bandwidth, "2KiB/s", 2048.0);
    check_double(units_bandwidth, "1GiB/s", 1073741824.0);
    check_double(units_bandwidth, "1TiB/s", 1099511627776.0);
    assert_int_equal(units_bandwidth("50", &value), UNITS_NO_UNIT);
    assert_int_equal(units_bandwidth("50GB", &value), UNITS_MALFORMED);
    assert_int_equal(units_bandwidth("50gb/s", &value), UNITS_MALFORMED);
    assert_int_equal(units_bandwidth("fast", &value), UNITS_MALFORMED);
    assert_int_equal(units_bandwidth("1e308TB/s", &value), UNITS_TOO_LARGE);

    check_double(units_fraction, "0.9", 0.9);
    check_double(units_fraction, "90%", 0.9);
    check_double(units_fraction, "12.5 %", 0.125);
    assert_int_equal(units_fraction("90 percent", &value), UNITS_MALFORMED);
    assert_int_equal(units_fraction("1e999%", &value), UNITS_TOO_LARGE);

    check_double(units_number, "-2.5e-3", -2.5e-3);
    assert_int_equal(units_number("2x", &value), UNITS_MALFORMED);
    assert_int_equal(units_number("nan", &value), UNITS_MALFORMED);
    assert_int_equal(units_number("-1e999", &value), UNITS_TOO_LARGE);

    assert_true(units_seconds("1.5s", &value) && value == 1.5);
    assert_false(units_seconds("1.5", &value));
}

/* What is written reads back as the same bits. */
static void round_trips(void **state)
{
    (void)state;
    char text[UNITS_TEXT_BYTES];
    static const simtime times[] = {0,
                                    1,
                                    999,
                                    1000,
                                    123456789,
                                    SIMTIME_S,
                                    -SIMTIME_MS,
                                    1234567 * SIMTIME_US,
                                    SIMTIME_LIMIT,
                                    SIMTIME_LIMIT - 1,
                                    1234567890123456789};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        simtime back = 7;
        units_format_duration(times[i], text);
        assert_int_equal(units_duration(text, &back), UNITS_OK);
        assert_true(back == times[i]);
    }
    static const double numbers[] = {0.0,
                                     0.1,
                                     1.0 / 3.0,
                                     1e-300,
                                     3.35e12,
                                     80.0 * 1073741824.0,
                                     123456789.123456789,
                                     5e-324,
                                     1.7976931348623157e308,
                                     999.9999999999999};
    static const struct {
        void (*write)(double value, char out[UNITS_TEXT_BYTES]);
        read_double_fn read;
    } types[] = {{units_format_number, units_number},
                 {units_format_rate, units_rate},
                 {units_format_bandwidth, units_bandwidth}};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            types[t].write(numbers[i], text);
            check_double(types[t].read, text, numbers[i]);
        }
    }
}

/* The unit that reads best. */
static void formats(void **state)
{
    (void)state;
    char text[UNITS_TEXT_BYTES];
    units_format_duration(100 * SIMTIME_MS, text);
    assert_string_equal(text, "100ms");
    units_format_duration(1500 * SIMTIME_US, text);
    assert_string_equal(text, "1500us");
    units_format_duration(0, text);
    assert_string_equal(text, "0s");
    units_format_number(0.9, text);
    assert_string_equal(text, "0.9");
    units_format_rate(0.5, text);
    assert_string_equal(text, "0.5/s");
    units_format_bandwidth(3.35e12, text);
    assert_string_equal(text, "3.35TB/s");
    units_format_bandwidth(450e9, text);
    assert_string_equal(text, "450GB/s");
    units_format_bandwidth(12.0, text);
    assert_string_equal(text, "12B/s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts), cmocka_unit_test(durations), cmocka_unit_test(doubles),
                                       cmocka_unit_test(round_trips), cmocka_unit_test(formats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
