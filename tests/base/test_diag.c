#include "support/support.h"

#include "base/diag.h"

#include <string.h>

static void places(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    diag_error(&diag, ASIM_INPUT, (struct diag_where){"a.jsonl", 3, 7}, "bad %s", "field");
    diag_error(&diag, ASIM_INPUT, (struct diag_where){"a.jsonl", 3, 0}, "bad line");
    diag_error(&diag, ASIM_INPUT, (struct diag_where){"a.jsonl", 0, 7}, "bad file");
    diag_error(&diag, ASIM_INPUT, (struct diag_where){0}, "bad %d", 42);
    static const char *const wanted[] = {"a.jsonl:3:7: bad field", "a.jsonl:3: bad line", "a.jsonl: bad file",
                                         "bad 42"};
    assert_int_equal(diag.n_entries, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(diag.entries[i].text, wanted[i]);
        assert_false(diag.entries[i].is_warning);
    }
    diag_fini(&diag);
    assert_int_equal(diag.n_entries, 0);
}

/* The status is that of the first error; warnings do not count. */
static void first_error_decides(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    diag_warning(&diag, (struct diag_where){0}, "odd");
    assert_int_equal(diag.status, ASIM_OK);
    assert_int_equal(diag_error(&diag, ASIM_INFEASIBLE, (struct diag_where){0}, "one"), ASIM_INFEASIBLE);
    assert_int_equal(diag_error(&diag, ASIM_USAGE, (struct diag_where){0}, "two"), ASIM_USAGE);
    assert_int_equal(diag.status, ASIM_INFEASIBLE);
    assert_int_equal(diag.n_errors, 2);
    assert_int_equal(diag.n_warnings, 1);
    assert_true(diag.entries[0].is_warning);
    assert_false(diag.entries[1].is_warning);
    diag_fini(&diag);
}

static void beyond_the_kept_ones(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    for (int i = 0; i < DIAG_MAX_ENTRIES + 10; i++) {
        diag_error(&diag, ASIM_INPUT, (struct diag_where){0}, "%d", i);
    }
    assert_int_equal(diag.n_entries, DIAG_MAX_ENTRIES);
    assert_int_equal(diag.n_errors, DIAG_MAX_ENTRIES + 10);
    assert_string_equal(diag.entries[DIAG_MAX_ENTRIES - 1].text, "63");
    diag_fini(&diag);
}

/* Long texts are cut, not overrun. */
static void long_texts(void **state)
{
    (void)state;
    char name[1000];
    char text[5000];
    memset(name, 'n', sizeof name - 1);
    memset(text, 't', sizeof text - 1);
    name[sizeof name - 1] = '\0';
    text[sizeof text - 1] = '\0';
    struct diag diag;
    diag_init(&diag);
    diag_error(&diag, ASIM_INPUT, (struct diag_where){name, 1, 1}, "%s", text);
    assert_int_equal(strlen(diag.entries[0].text), 511 + 2047);
    diag_fini(&diag);
}

static void nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"block_size", "seed", "threads", "model"};
    assert_string_equal(diag_nearest("blocksize", names, 4), "block_size");
    assert_string_equal(diag_nearest("sead", names, 4), "seed");
    assert_string_equal(diag_nearest("thread", names, 4), "threads");
    assert_string_equal(diag_nearest("lmodel", names, 4), "model");
    assert_string_equal(diag_nearest("seed", names, 4), "seed");
    assert_string_equal(diag_nearest("blo", names, 4), "block_size"); /* the only one that begins so */
    static const char *const devices[] = {"a100-sxm", "h100-sxm", "h200"};
    assert_string_equal(diag_nearest("h100", devices, 3), "h100-sxm"); /* though h200 is nearer by letters */
    assert_string_equal(diag_nearest("h10", devices, 3), "h100-sxm");
    assert_string_equal(diag_nearest("h20O", devices, 3), "h200");
    assert_null(diag_nearest("", names, 4));
    assert_null(diag_nearest("routing_policy", names, 4));
    assert_null(diag_nearest("abc", names, 4));
    assert_null(diag_nearest("seed", names, 0));
    char text[300];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_null(diag_nearest(text, names, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(places), cmocka_unit_test(first_error_decides),
                                       cmocka_unit_test(beyond_the_kept_ones), cmocka_unit_test(long_texts),
                                       cmocka_unit_test(nearest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
