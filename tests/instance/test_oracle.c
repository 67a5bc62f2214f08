#include "support/support.h"

#include "instance/oracle.h"

static void same_as_plain_engine(void **state)
{
    (void)state;
    struct oracle_coverage coverage;
    check_against_oracle(0, 120, &coverage);
    check_coverage(&coverage, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_plain_engine)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
