#include "support/support.h"

#include "asim/status.h"

#include <string.h>

/* The exit codes that scripts rely on. */
static void exit_codes(void **state)
{
    (void)state;
    static const struct {
        asim_status status;
        int code;
    } rows[] = {{ASIM_OK, 0},         {ASIM_INTERNAL, 1},  {ASIM_USAGE, 2}, {ASIM_INPUT, 3},
                {ASIM_INFEASIBLE, 4}, {ASIM_FAILED_IF, 5}, {ASIM_IO, 1},    {ASIM_INTERRUPTED, 130}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(asim_status_exit_code(rows[i].status), rows[i].code);
    }
}

static void texts_differ(void **state)
{
    (void)state;
    for (int a = ASIM_OK; a <= ASIM_INTERRUPTED; a++) {
        assert_true(strlen(asim_status_text((asim_status)a)) > 0);
        for (int b = ASIM_OK; b < a; b++) {
            assert_string_not_equal(asim_status_text((asim_status)a), asim_status_text((asim_status)b));
        }
    }
    assert_string_equal(asim_status_text(ASIM_OK), "success");
}

static void unknown_status(void **state)
{
    (void)state;
    assert_string_equal(asim_status_text((asim_status)(ASIM_INTERRUPTED + 1)), "unknown status");
    assert_int_equal(asim_status_exit_code((asim_status)(ASIM_INTERRUPTED + 1)), 1);
    assert_int_equal(asim_status_exit_code((asim_status)-1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(exit_codes), cmocka_unit_test(texts_differ),
                                       cmocka_unit_test(unknown_status)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
