#include "support/support.h"

#include "hw/profile/attention_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char ragged[] = "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n"
                             "0,0,1,10,5\n0,0,1,20,7\n0,0,3,10,9\n0,0,3,30,21\n"
                             "4,0,0,0,6\n4,0,2,10,10\n4,0,2,20,14\n4,100,0,0,16\n4,100,2,10,20\n"
                             "8,0,0,0,8\n8,0,2,10,16\n8,0,2,20,24\n8,50,0,0,13\n8,100,0,0,18\n8,100,2,10,30\n"
                             "8,100,2,20,50\n";

static struct attention_table *from_text(const char *text, struct diag *diag)
{
    struct profile_csv csv;
    diag_init(diag);
    assert_int_equal(profile_csv_parse("a.csv", text, strlen(text), &attention_csv_format, &csv, diag), ASIM_OK);
    struct attention_table *table = attention_table_create("a.csv", &csv, diag);
    profile_csv_fini(&csv);
    return table;
}

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * (1.0 + fabs(expected)))) {
        fail_msg("%.17g instead of %.17g", value, expected);
    }
}

static void decodes_by_hand(void **state)
{
    (void)state;
    struct diag diag;
    struct attention_table *table = from_text(ragged, &diag);
    assert_near(attention_decode_us(table, 1, 10), 5); /* measured */
    assert_near(attention_decode_us(table, 3, 30), 21);
    assert_near(attention_decode_us(table, 1, 15), 6);  /* between contexts */
    assert_near(attention_decode_us(table, 2, 10), 7);  /* between sequences */
    assert_near(attention_decode_us(table, 2, 15), 9);  /* 6 and 12 */
    assert_near(attention_decode_us(table, 1, 3), 5);   /* below: constant */
    assert_near(attention_decode_us(table, 1, 40), 11); /* above: last two points */
    assert_near(attention_decode_us(table, 5, 10), 13);
    const double *knots;
    assert_int_equal(attention_decode_knots(table, 1, &knots), 4);
    assert_true(knots[0] == 0 && knots[1] == 10 && knots[2] == 20 && knots[3] == 30);
    assert_int_equal(attention_decode_knots(table, 7, &knots), 4); /* beyond the last: still the last two */
    attention_table_destroy(table);
    diag_fini(&diag);
}

static void mixes_by_hand(void **state)
{
    (void)state;
    struct diag diag;
    struct attention_table *table = from_text(ragged, &diag);
    assert_near(attention_mixed_us(table, 4, 0, 0, 0), 6); /* measured */
    assert_near(attention_mixed_us(table, 8, 100, 2, 20), 50);
    assert_near(attention_mixed_us(table, 4, 50, 0, 0), 11); /* missing: between histories */
    assert_near(attention_mixed_us(table, 4, 50, 2, 10), 15);
    assert_near(attention_mixed_us(table, 8, 50, 2, 20), 37);
    assert_near(attention_mixed_us(table, 4, 100, 2, 20), 20); /* missing: no neighbour on both sides */
    assert_near(attention_mixed_us(table, 6, 0, 2, 15), 16);   /* 12 and 20 */
    assert_near(attention_mixed_us(table, 6, 25, 1, 15), 14.375);
    assert_near(attention_mixed_us(table, 2, 0, 0, 0), 6);   /* below: never blends with decode-only rows */
    assert_near(attention_mixed_us(table, 12, 0, 0, 0), 10); /* above */
    assert_near(attention_mixed_us(table, 8, 150, 0, 0), 23);
    assert_near(attention_mixed_us(table, 8, 0, 3, 10), 20);
    assert_near(attention_mixed_us(table, 8, 0, 2, 25), 28);
    assert_near(attention_launch_us(table), 6);
    attention_table_destroy(table);
    diag_fini(&diag);
}

/* A cell missing on one grid is taken from neighbours of the other along the first axis that has them on both sides;
 * kv_decode comes before prefill_chunk. */
static void fills_from_both_sides_first(void **state)
{
    (void)state;
    struct diag diag;
    struct attention_table *table = from_text("prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n0,0,1,10,5\n"
                                              "4,0,1,10,10\n4,0,1,20,10\n4,0,1,40,10\n"
                                              "6,0,1,20,100\n6,0,1,40,140\n"
                                              "8,0,1,10,30\n8,0,1,40,60\n",
                                              &diag);
    assert_near(attention_mixed_us(table, 8, 0, 1, 20), 40);  /* along kv_decode, not extrapolated along chunks */
    assert_near(attention_mixed_us(table, 6, 0, 1, 10), 20);  /* along chunks, not clamped along kv_decode */
    assert_near(attention_mixed_us(table, 6, 0, 1, 20), 100); /* measured stays */
    attention_table_destroy(table);
    diag_fini(&diag);
}

/* A falling last piece is not extrapolated below zero. */
static void stays_non_negative(void **state)
{
    (void)state;
    struct diag diag;
    struct attention_table *table =
        from_text("prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n0,0,1,10,5\n0,0,1,20,1\n0,0,2,10,1\n"
                  "4,0,0,0,6\n8,0,0,0,1\n",
                  &diag);
    assert_near(attention_decode_us(table, 1, 1000), 0);
    assert_near(attention_decode_us(table, 9, 10), 0);
    assert_near(attention_mixed_us(table, 1000, 0, 0, 0), 0);
    attention_table_destroy(table);
    diag_fini(&diag);
}

static void rejects_contradictions(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"0,0,0,0,1\n4,0,0,0,1\n", "a.csv:2: prefill_chunk and n_decode are both 0: an empty batch"},
        {"0,5,1,1,1\n4,0,0,0,1\n", "a.csv:2: kv_prefill is 5 without a prefill chunk; it must be 0"},
        {"0,0,1,0,1\n4,0,0,0,1\n", "a.csv:2: n_decode is 1 and kv_decode 0; they must be 0 together"},
        {"0,0,1,8,1\n4,0,0,3,1\n", "a.csv:3: n_decode is 0 and kv_decode 3; they must be 0 together"},
        {"4,0,0,0,1\n", "a.csv: no rows with prefill_chunk = 0"},
        {"0,0,1,8,1\n", "a.csv: no rows with prefill_chunk > 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n%s", cases[i][0]);
        struct diag diag;
        assert_null(from_text(text, &diag));
        assert_int_equal(diag.n_errors, 1);
        assert_string_equal(diag.entries[0].text, cases[i][1]);
        diag_fini(&diag);
    }
}

/* Points with no common values would make a tensor far larger than the table. */
static void rejects_grids_too_large(void **state)
{
    (void)state;
    static char text[1 << 16] = "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n0,0,1,8,1\n";
    char *end = text + strlen(text);
    for (int i = 1; i <= 100; i++) {
        end += sprintf(end, "%d,%d,%d,%d,1\n", i, i, i, i);
    }
    struct diag diag;
    assert_null(from_text(text, &diag));
    assert_string_equal(diag.entries[0].text, "a.csv: the points of all axes make a grid of more than 4194304 cells; "
                                              "measure on grids with common values");
    diag_fini(&diag);
}

static const char *const measured[] = {
    "profiles/RTXPRO6000/meta-llama/Llama-3.1-8B/bf16/tp1/attention.csv",
    "profiles/RTXPRO6000/meta-llama/Llama-3.1-8B/bf16/tp2/attention.csv",
    "profiles/RTXPRO6000/Qwen/Qwen3-32B/bf16/tp1/attention.csv",
    "profiles/RTXPRO6000/Qwen/Qwen3-32B/bf16/tp2/attention.csv",
};

/* Every measured row comes back at its point, and values between knots of the decode part lie on the line. */
static void reproduces_measured_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof measured / sizeof measured[0]; i++) {
        const char *path = data_path(measured[i]);
        if (!path) {
            skip();
        }
        struct diag diag;
        diag_init(&diag);
        struct profile_csv csv;
        assert_int_equal(profile_csv_read(path, &attention_csv_format, &csv, &diag), ASIM_OK);
        assert_true(csv.n_rows > 19000);
        struct attention_table *table = attention_table_create(path, &csv, &diag);
        assert_non_null(table);
        for (size_t r = 0; r < csv.n_rows; r++) {
            const uint32_t *key = csv.rows[r].key;
            const double us = key[0] == 0 ? attention_decode_us(table, key[2], key[3])
                                          : attention_mixed_us(table, key[0], key[1], key[2], key[3]);
            assert_near(us, csv.rows[r].time_us);
        }
        for (uint32_t n = 1; n <= 300; n++) {
            const double *knots;
            const uint32_t n_knots = attention_decode_knots(table, n, &knots);
            assert_true(knots[0] == 0.0);
            for (uint32_t k = 1; k < n_knots; k++) {
                assert_true(knots[k - 1] < knots[k]);
                const double low = attention_decode_us(table, n, knots[k - 1]);
                const double high = attention_decode_us(table, n, knots[k]);
                const double middle = attention_decode_us(table, n, 0.75 * knots[k - 1] + 0.25 * knots[k]);
                assert_true(fabs(middle - (0.75 * low + 0.25 * high)) < 1e-9 * (1.0 + middle));
            }
        }
        attention_table_destroy(table);
        profile_csv_fini(&csv);
        diag_fini(&diag);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_by_hand),
        cmocka_unit_test(mixes_by_hand),
        cmocka_unit_test(fills_from_both_sides_first),
        cmocka_unit_test(stays_non_negative),
        cmocka_unit_test(rejects_contradictions),
        cmocka_unit_test(rejects_grids_too_large),
        cmocka_unit_test(reproduces_measured_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
