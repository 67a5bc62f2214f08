#include "support/support.h"

#include "hw/profile/profile_csv.h"

#include <string.h>

static const char *const layers[] = {"qkv_proj", "o_proj", NULL};
static const char *const keys[] = {"tokens", "history", NULL};
static const struct profile_csv_format with_layer = {.layers = layers, .keys = keys};
static const struct profile_csv_format without_layer = {.layers = NULL, .keys = keys};

static asim_status parse(const char *text, const struct profile_csv_format *format, struct profile_csv *csv,
                         struct diag *diag)
{
    diag_init(diag);
    return profile_csv_parse("t.csv", text, strlen(text), format, csv, diag);
}

/* Rows come out ordered by layer and keys, whatever the order of rows and columns, with CRLF and blank lines. */
static void reads_rows_in_order(void **state)
{
    (void)state;
    struct profile_csv csv;
    struct diag diag;
    assert_int_equal(
        parse("time_us,history,layer,tokens\r\n\r\n\n2.5,0,o_proj,1\r\n1e-1,7,qkv_proj,2\r\n3,5,qkv_proj,2",
              &with_layer, &csv, &diag),
        ASIM_OK);
    assert_int_equal(csv.n_rows, 3);
    assert_int_equal(csv.rows[0].layer, 0);
    assert_int_equal(csv.rows[0].key[0], 2);
    assert_int_equal(csv.rows[0].key[1], 5);
    assert_true(csv.rows[0].time_us == 3.0);
    assert_int_equal(csv.rows[0].line, 6);
    assert_int_equal(csv.rows[1].key[1], 7);
    assert_true(csv.rows[1].time_us == 0.1);
    assert_int_equal(csv.rows[2].layer, 1);
    assert_true(csv.rows[2].time_us == 2.5);
    profile_csv_fini(&csv);
    diag_fini(&diag);
}

struct bad_case {
    const struct profile_csv_format *format;
    const char *text;
    const char *errors; /* all of them, one per line */
};

static const struct bad_case bad_cases[] = {
    {&without_layer, "", "t.csv: the table is empty\n"},
    {&without_layer, "\n\n", "t.csv: the table is empty\n"},
    {&without_layer, "tokens,history,time_us\n", "t.csv: the table is empty\n"},
    {&without_layer, "tokens,time_us\n1,2\n",
     "t.csv:1: column `history` is missing; the columns are tokens, history, time_us\n"},
    {&with_layer, "tokens,history,time_us\n1,2,3\n",
     "t.csv:1: column `layer` is missing; the columns are layer, tokens, history, time_us\n"},
    {&without_layer, "layer,tokens,history,time_us\n",
     "t.csv:1:1: unknown column `layer`; the columns are tokens, history, time_us\n"},
    {&without_layer, "tokens,tokens,history,us\n",
     "t.csv:1:8: repeated column `tokens`; the columns are tokens, history, time_us\n"
     "t.csv:1:23: unknown column `us`; the columns are tokens, history, time_us\n"
     "t.csv:1: column `time_us` is missing; the columns are tokens, history, time_us\n"},
    {&without_layer, "tokens,history,time_us\n1,2\n1,2,3,4\n",
     "t.csv:2: 2 cells, but the header has 3 columns\nt.csv:3: 4 cells, but the header has 3 columns\n"},
    {&without_layer, "tokens,history,time_us\n-1,1.5,x\n,9999999999,-1\n",
     "t.csv:2:1: `tokens` is `-1`; it must be a whole number from 0 to 2147483647\n"
     "t.csv:2:4: `history` is `1.5`; it must be a whole number from 0 to 2147483647\n"
     "t.csv:2:8: `time_us` is `x`; it must be a number of microseconds from 0 to 1e+09\n"
     "t.csv:3:1: `tokens` is ``; it must be a whole number from 0 to 2147483647\n"
     "t.csv:3:2: `history` is `9999999999`; it must be a whole number from 0 to 2147483647\n"
     "t.csv:3:13: `time_us` is `-1`; it must be a number of microseconds from 0 to 1e+09\n"},
    {&without_layer, "tokens,history,time_us\n1,1,nan\n1,2,inf\n1,3,1.1e9\n1,4,0x10\n1,5,\n1,6,1 \n",
     "t.csv:2:5: `time_us` is `nan`; it must be a number of microseconds from 0 to 1e+09\n"
     "t.csv:3:5: `time_us` is `inf`; it must be a number of microseconds from 0 to 1e+09\n"
     "t.csv:4:5: `time_us` is `1.1e9`; it must be a number of microseconds from 0 to 1e+09\n"
     "t.csv:5:5: `time_us` is `0x10`; it must be a number of microseconds from 0 to 1e+09\n"
     "t.csv:6:5: `time_us` is ``; it must be a number of microseconds from 0 to 1e+09\n"
     "t.csv:7:5: `time_us` is `1 `; it must be a number of microseconds from 0 to 1e+09\n"},
    {&with_layer, "layer,tokens,history,time_us\nqkv_prj,1,1,1\nzzzzzzzzzzzz,1,1,1\n",
     "t.csv:2:1: unknown layer `qkv_prj`; did you mean `qkv_proj`?\nt.csv:3:1: unknown layer `zzzzzzzzzzzz`\n"},
    {&without_layer, "tokens,history,time_us\n1,1,5\n2,1,5\n1,1,6\n1,1,5\n",
     "t.csv:4: repeats the point of line 2\nt.csv:5: repeats the point of line 4\n"},
    {&without_layer, "a,b,c,d,e,f,g,h\n",
     "t.csv:1:1: unknown column `a`; the columns are tokens, history, time_us\n"
     "t.csv:1:3: unknown column `b`; the columns are tokens, history, time_us\n"
     "t.csv:1:5: unknown column `c`; the columns are tokens, history, time_us\n"
     "t.csv:1:7: unknown column `d`; the columns are tokens, history, time_us\n"
     "t.csv:1:9: unknown column `e`; the columns are tokens, history, time_us\n"
     "t.csv:1:11: unknown column `f`; the columns are tokens, history, time_us\n"
     "t.csv:1: column `tokens` is missing; the columns are tokens, history, time_us\n"
     "t.csv:1: column `history` is missing; the columns are tokens, history, time_us\n"
     "t.csv:1: column `time_us` is missing; the columns are tokens, history, time_us\n"},
};

static void reports_every_error_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        struct profile_csv csv;
        struct diag diag;
        assert_int_equal(parse(bad_cases[i].text, bad_cases[i].format, &csv, &diag), ASIM_INPUT);
        assert_int_equal(csv.n_rows, 0);
        assert_null(csv.rows);
        char errors[4096] = "";
        for (size_t k = 0; k < diag.n_entries; k++) {
            strcat(strcat(errors, diag.entries[k].text), "\n");
        }
        assert_string_equal(errors, bad_cases[i].errors);
        diag_fini(&diag);
    }
}

static void long_cells_are_errors(void **state)
{
    (void)state;
    char text[512] = "tokens,history,time_us\n1,2,";
    memset(text + strlen(text), '1', 200);
    struct profile_csv csv;
    struct diag diag;
    /* 63 digits of it would be a number: a cut cell must still be told apart from a whole one. */
    assert_int_equal(parse(text, &without_layer, &csv, &diag), ASIM_INPUT);
    diag_fini(&diag);
}

static void missing_file(void **state)
{
    (void)state;
    struct profile_csv csv;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(profile_csv_read("/nowhere/t.csv", &without_layer, &csv, &diag), ASIM_INPUT);
    assert_string_equal(diag.entries[0].text, "/nowhere/t.csv: cannot be read: No such file or directory");
    diag_fini(&diag);
    diag_init(&diag);
    assert_int_equal(profile_csv_read("/", &without_layer, &csv, &diag), ASIM_INPUT);
    assert_string_equal(diag.entries[0].text, "/: cannot be read: Is a directory");
    diag_fini(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_rows_in_order),
        cmocka_unit_test(reports_every_error_with_its_place),
        cmocka_unit_test(long_cells_are_errors),
        cmocka_unit_test(missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
