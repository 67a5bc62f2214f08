#include "support/support.h"

#include "workload/input_file.h"
#include "workload/json_lines.h"

#include <string.h>

struct parsed {
    struct jdoc_parser *parser;
    struct input_text input;
    struct jdoc_value root;
};

static struct parsed parse(const char *text)
{
    struct parsed parsed = {.parser = jdoc_parser_create(), .input = input_text_copy(text, strlen(text))};
    const char *problem = jdoc_parse(parsed.parser, parsed.input.text, parsed.input.bytes, &parsed.root);
    if (problem) {
        fail_msg("%s: %s", text, problem);
    }
    return parsed;
}

static void release(struct parsed *parsed)
{
    jdoc_parser_destroy(parsed->parser);
    input_text_fini(&parsed->input);
}

static void tells_types_apart(void **state)
{
    (void)state;
    struct parsed p = parse("[null, true, 7, -7, 18446744073709551615, 7.0, 7e0, \"s\", [], {}]");
    static const enum jdoc_type expected[] = {JDOC_NULL, JDOC_BOOL, JDOC_INTEGER, JDOC_INTEGER, JDOC_INTEGER,
                                              JDOC_REAL, JDOC_REAL, JDOC_STRING,  JDOC_ARRAY,   JDOC_OBJECT};
    struct jdoc_iterator items = jdoc_array(p.root);
    struct jdoc_value item;
    size_t n = 0;
    while (jdoc_array_next(&items, &item)) {
        assert_int_equal(jdoc_type_of(item), expected[n]);
        n++;
    }
    assert_int_equal(n, sizeof expected / sizeof *expected);
    release(&p);
}

static void walks_objects_in_order(void **state)
{
    (void)state;
    struct parsed p =
        parse("{\"a\": {\"x\": [1, 2]}, \"b\\u00e9\": -9223372036854775808, \"a\": 2.5, \"n\": \"q\\u0000r\"}");
    struct jdoc_iterator members = jdoc_object(p.root);
    struct jdoc_string key;
    struct jdoc_value value;
    int64_t integer;
    double real;
    struct jdoc_string text;
    assert_true(jdoc_object_next(&members, &key, &value));
    assert_string_equal(key.text, "a");
    assert_int_equal(jdoc_type_of(value), JDOC_OBJECT);
    assert_false(jdoc_integer(value, &integer) || jdoc_real(value, &real) || jdoc_text(value, &text));
    assert_true(jdoc_object_next(&members, &key, &value));
    assert_int_equal(key.bytes, 3);
    assert_memory_equal(key.text, "b\xc3\xa9", 4);
    assert_true(jdoc_integer(value, &integer) && integer == INT64_MIN);
    assert_true(jdoc_real(value, &real) && real == -0x1p63);
    assert_true(jdoc_object_next(&members, &key, &value));
    assert_false(jdoc_integer(value, &integer));
    assert_true(jdoc_real(value, &real) && real == 2.5);
    assert_true(jdoc_object_next(&members, &key, &value));
    assert_true(jdoc_text(value, &text));
    assert_int_equal(text.bytes, 3);
    assert_memory_equal(text.text, "q\0r", 4);
    assert_false(jdoc_object_next(&members, &key, &value));
    release(&p);
}

static void copies_arrays_of_ids(void **state)
{
    (void)state;
    uint32_t out[4] = {9, 9, 9, 9};
    size_t bad;
    struct parsed p = parse("[0, 4294967295, 7]");
    assert_int_equal(jdoc_array_u32(p.root, out, 4, &bad), 3);
    assert_true(bad == SIZE_MAX && out[0] == 0 && out[1] == UINT32_MAX && out[2] == 7 && out[3] == 9);
    out[2] = 9;
    assert_int_equal(jdoc_array_u32(p.root, out, 2, &bad), 3);
    assert_int_equal(out[2], 9);
    release(&p);
    static const char *const wrong[] = {"[1, -1]",    "[1, 4294967296]", "[1, 1.5]",
                                        "[1, \"1\"]", "[1, null]",       "[1, [1]]"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        p = parse(wrong[i]);
        assert_int_equal(jdoc_array_u32(p.root, out, 4, &bad), 2);
        assert_int_equal(bad, 1);
        release(&p);
    }
}

/* A parser goes on after a bad document. */
static void reports_bad_documents(void **state)
{
    (void)state;
    static const char *const bad[] = {"",         "{",         "{\"a\":1", "[1,]",  "{\"a\" 1}", "nul",
                                      "\"a",      "1 2",       "{} {}",    "01",    "1e999",     "18446744073709551616",
                                      "\"\xff\"", "[\"\\x\"]", "\x01",     "{a:1}", "{\"a\":1}}"};
    struct jdoc_parser *parser = jdoc_parser_create();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct jdoc_value root;
        struct input_text input = input_text_copy(bad[i], strlen(bad[i]));
        if (!jdoc_parse(parser, input.text, input.bytes, &root)) {
            fail_msg("'%s' was taken", bad[i]);
        }
        input_text_fini(&input);
        input = input_text_copy("[1]", 3);
        assert_null(jdoc_parse(parser, input.text, input.bytes, &root));
        assert_int_equal(jdoc_type_of(root), JDOC_ARRAY);
        input_text_fini(&input);
    }
    jdoc_parser_destroy(parser);
}

/* What follows the document in memory is not part of it. */
static void stops_at_the_end(void **state)
{
    (void)state;
    struct jdoc_parser *parser = jdoc_parser_create();
    struct input_text input = input_text_copy("12345", 5);
    struct jdoc_value root;
    int64_t integer;
    assert_null(jdoc_parse(parser, input.text, 2, &root));
    assert_true(jdoc_integer(root, &integer) && integer == 12);
    input_text_fini(&input);
    jdoc_parser_destroy(parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_types_apart),    cmocka_unit_test(walks_objects_in_order),
        cmocka_unit_test(copies_arrays_of_ids), cmocka_unit_test(reports_bad_documents),
        cmocka_unit_test(stops_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
