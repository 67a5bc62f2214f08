#include "support/support.h"

#include "cli/number_list.h"

static struct number_list list;

static asim_status parse(const char *text)
{
    return number_list_parse(&list, "--numbers", text, 1000);
}

static void numbers(void **state)
{
    (void)state;
    assert_int_equal(parse(NULL), ASIM_OK);
    assert_int_equal(list.n, 0);
    assert_int_equal(parse("4,1,1e3"), ASIM_OK);
    assert_int_equal(list.n, 3);
    assert_int_equal(list.numbers[0], 4);
    assert_int_equal(list.numbers[2], 1000);
}

static void what_is_no_list(void **state)
{
    (void)state;
    static const char *const bad[] = {"0", "1001", "1.5", "-1", "two", "1,", ",1", "1,,2", "1 2", "nan", "inf", "1;2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (parse(bad[i]) != ASIM_USAGE) {
            fail_msg("'%s' was taken", bad[i]);
        }
    }
    char many[4 * NUMBER_LIST_MAX];
    for (size_t i = 0; i <= NUMBER_LIST_MAX; i++) {
        many[2 * i] = '1';
        many[2 * i + 1] = i == NUMBER_LIST_MAX ? '\0' : ',';
    }
    assert_int_equal(parse(many), ASIM_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers), cmocka_unit_test(what_is_no_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
