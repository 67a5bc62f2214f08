#include "support/support.h"

#include "options/input_files.h"

static void expect(const struct settings *settings, const char *const *expected, size_t n)
{
    const char *paths[INPUT_FILES_MOST];
    assert_int_equal(input_files(settings, paths), n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(paths[i], expected[i]);
    }
}

static void built_in_names_are_no_files(void **state)
{
    (void)state;
    const struct settings settings = {
        .model = "llama-3.1-8b", .hardware = "h100-sxm", .compute = "tile", .policy = "lru"};
    expect(&settings, NULL, 0);
}

static void the_workload_is_a_file_whatever_its_name(void **state)
{
    (void)state;
    const struct settings settings = {.workload = "sessions", .compute = "tile"};
    expect(&settings, (const char *const[]){"sessions"}, 1);
}

static void all_of_them_in_order(void **state)
{
    (void)state;
    const struct settings settings = {.workload = "w",
                                      .model = "./m.json",
                                      .hardware = "./h.yaml",
                                      .compute = "profile:p",
                                      .policy = "./a.so",
                                      .retention = "./b.so",
                                      .scheduling = "./c.so",
                                      .routing = "./d.so"};
    expect(&settings, (const char *const[]){"w", "./m.json", "./h.yaml", "p", "./a.so", "./b.so", "./c.so", "./d.so"},
           INPUT_FILES_MOST);
}

static void each_once(void **state)
{
    (void)state;
    const struct settings settings = {
        .compute = "tile", .retention = "./a.so", .scheduling = "./a.so", .routing = "./b.so"};
    expect(&settings, (const char *const[]){"./a.so", "./b.so"}, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_names_are_no_files),
        cmocka_unit_test(the_workload_is_a_file_whatever_its_name),
        cmocka_unit_test(all_of_them_in_order),
        cmocka_unit_test(each_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
