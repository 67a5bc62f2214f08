#include "support/support.h"

#include "cli/progress.h"

#include <stdlib.h>
#include <string.h>

/* What a mode prints of a run whose fractions of programs come at whole seconds; freed by the caller. */
static char *shown(const char *mode, const uint64_t *done, size_t n, double sim_end_s)
{
    FILE *file = tmpfile();
    struct progress progress;
    progress_init(&progress, file, mode);
    for (size_t i = 0; i < n; i++) {
        const asim_progress now = {.programs_done = done[i],
                                   .programs_total = 1000,
                                   .turns_done = 10 * done[i],
                                   .sim_time_s = 60.0 * (double)(i + 1),
                                   .sim_end_s = sim_end_s,
                                   .wall_s = (double)(i + 1)};
        progress_show(&progress, &now);
    }
    const long bytes = ftell(file);
    char *text = calloc(1, (size_t)bytes + 1);
    rewind(file);
    assert_int_equal(fread(text, 1, (size_t)bytes, file), bytes);
    fclose(file);
    return text;
}

static void expect(const char *mode, const uint64_t *done, size_t n, double sim_end_s, const char *last)
{
    char *text = shown(mode, done, n, sim_end_s);
    if (!strstr(text, last)) {
        fail_msg("no '%s' in: %s", last, text);
    }
    free(text);
}

/* Nothing ends in the first seconds, then 100 a second: the beginning is forgotten. */
static void rates_are_of_late(void **state)
{
    (void)state;
    static const uint64_t done[] = {0, 1, 2, 100, 200, 300, 400, 500};
    expect("plain", done, 2, 0, "0% of 1,000 programs, 2.00 min simulated"); /* too early to tell */
    expect("plain", done, 8, 0, "50% of 1,000 programs, ETA 5.00 s, 8.00 min simulated, 60.0 x real time");
    expect("json", done, 8, 0, "\"fraction_done\": 0.500000, \"eta_s\": 5.0");
    expect("none", done, 8, 0, "");
}

/* A run that ends at a simulated time is as far as that. */
static void a_stop_is_an_end(void **state)
{
    (void)state;
    static const uint64_t done[] = {0, 0, 1, 2};
    expect("plain", done, 4, 480, "50%, 2 programs, ETA 4.00 s");
    static const uint64_t all[] = {300, 600, 900, 999};
    expect("plain", all, 4, 4800, "99%, 999 programs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rates_are_of_late), cmocka_unit_test(a_stop_is_an_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
