#include "support/support.h"

#include "base/instructions.h"

/* Where there is a counter it sees at least what a loop does. */
static void counts_what_is_done(void **state)
{
    (void)state;
    const int counter = instructions_open();
    volatile uint64_t sum = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        sum = sum + i;
    }
    const uint64_t count = instructions_close(counter);
    print_message(counter < 0 ? "no counter here\n" : "%llu instructions\n", (unsigned long long)count);
    assert_true(counter < 0 ? count == 0 : count > 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts_what_is_done)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
